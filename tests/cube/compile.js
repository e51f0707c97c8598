// Compiles the model in a folder by Cube's own compiler, and prints what it has: node compile.js MODEL_FOLDER
// An error that Cube finds ends it, printed as Cube words it.

const fs = require('fs');
const path = require('path');
const { prepareCompiler } = require('@cubejs-backend/schema-compiler');
const { NativeInstance } = require('@cubejs-backend/native');

const folder = path.resolve(process.argv[2]);
const files = fs
  .readdirSync(folder, { recursive: true })
  .filter((name) => /\.(ya?ml|js)$/.test(name))
  .sort()
  .map((fileName) => ({ fileName, content: fs.readFileSync(path.join(folder, fileName), 'utf8') }));

const { compiler, metaTransformer, cubeEvaluator } = prepareCompiler(
  { localPath: () => folder, dataSchemaFiles: async () => files },
  { nativeInstance: new NativeInstance() },
);

compiler.compile().then(
  () => {
    const cubes = metaTransformer.cubes.map(({ config }) => ({
      name: config.name,
      type: config.type,
      public: config.isVisible,
      description: config.description,
      meta: config.meta,
      dimensions: config.dimensions.map(({ name, type, format, primaryKey }) => ({ name, type, format, primaryKey })),
      measures: config.measures.map(({ name, aggType, format }) => ({ name, aggType, format })),
      joins: (cubeEvaluator.cubeFromPath(config.name).joins || []).map(({ name, relationship }) => ({ name, relationship })),
    }));
    process.stdout.write(JSON.stringify(cubes));
  },
  (error) => {
    process.stderr.write(`${error.message || error}\n`);
    process.exit(1);
  },
);
