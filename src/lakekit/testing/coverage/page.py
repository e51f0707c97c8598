"""The coverage page: one file of HTML, without scripts, that asks nothing of any network."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .listing import listing
from .summary import summaries, totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .recorder import Coverage
    from .summary import Branch, ModelSummary, Share

_STYLE: Final = Path(__file__).with_name("page.css")
_TESTS_SHOWN: Final = 6


def page(coverage: Coverage, title: str) -> str:
    """The whole page."""
    layers = summaries(coverage)
    models = [model for of_layer in layers.values() for model in of_layer]
    total = totals(models)
    tiles = "".join(
        _tile(name, share)
        for name, share in (
            ("models built", total.models),
            ("columns expected", total.columns),
            ("branches taken", total.branches),
        )
    )
    unknown = f", {_count(total.not_measured, 'condition')} not measured" if total.not_measured else ""
    if total.columns_unknown:
        unknown += f", the columns of {total.columns_unknown} not known"
    sections = "".join(_layer(layer, of_layer) for layer, of_layer in layers.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · model coverage</title>
<style>
{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header class="top">
<p class="kicker">Model coverage</p>
<h1>{escape(title)}</h1>
<p class="lead">{_count(len(models), "model")}, {_count(total.tests, "test")}{unknown}</p>
<div class="tiles">{tiles}</div>
<div class="controls">
<label><input type="checkbox" id="gaps"> Only models with something missing</label>
<ul class="legend" aria-label="Colours"><li><mark class="hit">taken</mark></li>
<li><mark class="part">one way only</mark></li><li><mark class="missed">never taken</mark></li>
<li><mark class="unknown">not measured</mark></li></ul>
</div>
</header>
<main>
{sections or '<p class="quiet">No models.</p>'}
</main>
</body>
</html>
"""


def _tile(name: str, share: Share) -> str:
    value = f"{share.percent}<small>%</small>" if share.of else "-"
    of = f"{share.done} of {share.of}" if share.of else "none known"
    return (
        f'<div class="tile"><p class="name">{name}</p><p class="value">{value}</p>'
        f'{_bar(share, name)}<p class="of">{of}</p></div>'
    )


def _bar(share: Share, name: str) -> str:
    if not share.of:
        return '<span class="bar none"></span>'
    tone = "full" if share.done == share.of else "empty" if not share.done else "some"
    return (
        f'<span class="bar {tone}" role="img" aria-label="{name}: {share.done} of {share.of}">'
        f'<span style="width:{share.done * 100 / share.of:.1f}%"></span></span>'
    )


def _layer(layer: str, models: Sequence[ModelSummary]) -> str:
    total = totals(models)
    complete = " complete" if all(model.complete for model in models) else ""
    return f"""<section class="layer{complete}">
<div class="row head"><h2>{escape(layer)}</h2><span class="tests">tests</span>
<span class="share">columns <b>{total.columns}</b></span><span class="share">branches <b>{total.branches}</b></span></div>
{"".join(map(_model, models))}
</section>
"""


def _model(model: ModelSummary) -> str:
    tests = str(len(model.tests)) if model.tests else "none"
    return f"""<details class="model{" complete" if model.complete else ""}" id="{escape(model.name)}">
<summary class="row"><span class="title">{escape(model.name)}</span>
<span class="tests{"" if model.tests else " none"}"><span class="label">tests </span>{tests}</span>
<span class="share"><span class="label">columns</span>{_bar(model.expected, "columns expected")}<b>{model.expected}</b></span>
<span class="share"><span class="label">branches</span>{_bar(model.hit, "branches taken")}<b>{model.hit}</b></span></summary>
<div class="body">
{_told(model)}{"".join(_statement(model, n) for n in range(len(model.statements)))}{_who(model)}{_columns(model)}{_tests(model)}
</div>
</details>
"""


def _told(model: ModelSummary) -> str:
    """What is missing, before anything else."""
    if not model.built:
        return '<p class="note missed">No test builds this model.</p>\n'
    items = [
        f'<li class="missed">{_link(model, branch)} <code>{escape(branch.outcome.excerpt)}</code> '
        f"<span>{escape(branch.outcome.missing)}</span></li>"
        for branch in model.missed
    ]
    items += [
        f'<li class="unknown">{_link(model, branch)} <code>{escape(branch.outcome.excerpt)}</code> '
        f"<span>not measured: {escape(branch.reason)}</span></li>"
        for branch in model.not_measured.values()
    ]
    items += [
        f'<li class="unknown"><span>not measured: {escape(statement.reason)}</span></li>'
        for statement in model.statements
        if statement.reason
    ]
    if items:
        return f'<ul class="missing">{"".join(items)}</ul>\n'
    return (
        f'<p class="note hit">{"Every branch was taken." if model.branches else "It has no branches."}</p>\n'
    )


def _link(model: ModelSummary, branch: Branch) -> str:
    place = f"{model.name}-{branch.statement + 1}-{branch.outcome.line}"
    several = f"<small>{branch.statement + 1}:</small>" if branch.statement else ""
    return f'<a href="#{escape(place)}" aria-label="line {branch.outcome.line}">{several}{branch.outcome.line}</a>'


def _statement(model: ModelSummary, place: int) -> str:
    statement = model.statements[place]
    known = {branch.outcome.id: branch for branch in model.branches}
    marks: defaultdict[tuple[int, int], list[Branch]] = defaultdict(list)
    for condition in statement.conditions:
        for outcome in condition.outcomes:
            marks[outcome.start, outcome.stop].append(known[outcome.id])
    several = f" {place + 1} of {len(model.statements)}" if len(model.statements) > 1 else ""
    lines = listing(statement.sql, marks, f"{model.name}-{place + 1}")
    return f'<h3>Compiled SQL{several}</h3>\n<ol class="sql">{lines}</ol>\n'


def _who(model: ModelSummary) -> str:
    """What hovering over the text shows, for those who cannot hover."""
    taken = [branch for branch in model.branches if branch.rows]
    items = "".join(
        f'<li class="hit">{_link(model, branch)} <code>{escape(branch.outcome.excerpt)}</code> '
        f"<span>{_count(sum(branch.rows.values()), 'row')} {escape(branch.word)}</span>"
        f'<ul class="names">{"".join(_test(test, rows, "row") for test, rows in sorted(branch.rows.items()))}</ul></li>'
        for branch in taken
    )
    if not items:
        return ""
    return f"""<details class="who"><summary>Which tests took which branch</summary>
<ul class="missing">{items}</ul></details>
"""


def _test(name: str, number: int, what: str) -> str:
    counted = f" <small>{_count(number, what)}</small>" if number else ""
    return f"<li>{escape(name)}{counted}</li>"


def _columns(model: ModelSummary) -> str:
    if not model.columns:
        return ""
    items = "".join(
        f'<li class="{"hit" if tests else "missed"}"{f" title={_quoted(tests)}" if tests else ""}>'
        f'<span class="tick" aria-hidden="true">{"✓" if tests else "·"}</span>{escape(column)}'
        f'<span class="sr">{" (expected)" if tests else " (nothing expected)"}</span></li>'
        for column, tests in model.columns.items()
    )
    share = f" <small>{model.expected} expected</small>" if model.model.columns else ""
    return f'<h3>Columns{share}</h3>\n<ul class="columns">{items}</ul>\n'


def _tests(model: ModelSummary) -> str:
    if not model.tests:
        return ""
    items = "".join(_test(test, model.model.builds.get(test, 0), "build") for test in model.tests)
    return f'<h3>Tests</h3>\n<ul class="names">{items}</ul>\n'


def _quoted(tests: Sequence[str]) -> str:
    more = [f"and {len(tests) - _TESTS_SHOWN} more"] if len(tests) > _TESTS_SHOWN else []
    return '"' + escape("\n".join([*tests[:_TESTS_SHOWN], *more])) + '"'


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
