// Stands in for @cubejs-backend/native, whose binary is no package: it is downloaded when Cube is installed.
//
// What is real: Cube's compiler, validator, SQL, queue, authentication, access policies and drivers. What is here is what the
// binary does at the end of a /load: it names the columns of the rows, and writes the answer. All else it does (Jinja and
// Python models, the SQL API, Cube Store, the Tesseract planner) is not there, and whoever asks for it is told so.

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,3})\d*)?)?(?: ?(?:UTC|Z|\+00:00))?$/;

function missing(name) {
  return () => {
    throw new Error(`${name} is part of @cubejs-backend/native, which is not installed: this is a stand-in`);
  };
}

function iso(value) {
  const [, day, time = '00:00:00', fraction = ''] = TIME.exec(String(value)) || [];
  if (!day) throw new Error(`'${value}' is no time that the stand-in for @cubejs-backend/native knows`);
  return `${day}T${time}.${fraction.padEnd(3, '0')}`;
}

function told(value, annotation) {
  if (value === null || value === undefined) return null;
  return annotation.type === 'time' ? iso(value) : value;
}

function rowsOf({ aliasToMemberNameMap, annotation, query, resType }, raw) {
  if (resType && resType !== 'default') throw new Error(`the stand-in gives no ${resType} answers`);
  const { members: aliases, columns } = JSON.parse(Buffer.from(raw).toString());
  const grains = (query.timeDimensions || []).filter((one) => one.granularity);
  return (columns[0] || []).map((_, row) => {
    const found = {};
    aliases.forEach((alias, column) => {
      const member = aliasToMemberNameMap[alias];
      if (!member) throw new Error(`nothing asked for the column ${alias}`);
      const grain = grains.find((one) => member === `${one.dimension}.${one.granularity}`);
      const about = annotation[member] || annotation[grain && grain.dimension];
      if (!about) throw new Error(`'${member}' is hidden`); // no one sees what /meta does not tell
      found[member] = told(columns[column][row], about);
      if (grain) found[grain.dimension] = found[member];
    });
    return found;
  });
}

function answer(value) {
  const text = Buffer.from(JSON.stringify(value));
  return text.buffer.slice(text.byteOffset, text.byteOffset + text.byteLength);
}

const known = {
  isFallbackBuild: () => true, // as a build without Python says
  setupLogger: () => undefined,
  resetLogger: () => undefined,
  newJinjaEngine: () => ({ loadTemplate: missing('Jinja'), renderTemplate: missing('Jinja') }),
  getFinalQueryResult: async (transform, raw, result) => answer({ ...result, data: rowsOf(transform, raw) }),
  getFinalQueryResultMulti: async (transforms, raws, { results, ...rest }) =>
    answer({ ...rest, results: results.map((one, at) => ({ ...one, data: rowsOf(transforms[at], raws[at]) })) }),
};

module.exports = new Proxy(known, { get: (target, name) => target[name] || missing(String(name)) });
