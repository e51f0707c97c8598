"""Coverage as text for a terminal, and as a page for a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .summary import summaries, totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .recorder import Coverage
    from .summary import ModelSummary


def text(coverage: Coverage) -> str:
    """A table of all models by layer; under each the branches that no row took, with their lines in the compiled SQL."""
    layers = summaries(coverage)
    if not layers:
        return "No models."
    models = [model for of_layer in layers.values() for model in of_layer]
    total = totals(models)
    width = max(len("model"), *(len(model.name) + 2 for model in models))

    def line(name: str, tests: str, columns: str, branches: str) -> str:
        return f"{name:<{width}}  {tests:>5}  {columns:>9}  {branches:>9}".rstrip()

    lines = [line("model", "tests", "columns", "branches")]
    for layer, of_layer in layers.items():
        lines.append(layer)
        for model in of_layer:
            tests = str(len(model.tests)) if model.tests else "none"
            lines.append(line(f"  {model.name}", tests, str(model.expected), str(model.hit)))
            lines += [f"      {gap}" for gap in _gaps(model)]
    lines += ["", line("total", str(total.tests), str(total.columns), str(total.branches))]
    lines.append(
        f"{total.models.done} of {total.models.of} models built"
        + (f", {total.not_measured} conditions not measured" if total.not_measured else "")
        + (f", the columns of {total.columns_unknown} not known" if total.columns_unknown else "")
    )
    return "\n".join(lines)


def html(coverage: Coverage, title: str) -> str:
    """One page that needs nothing else: every model with its compiled SQL, and who took which branch of it."""
    from .page import page

    return page(coverage, title)


def _gaps(model: ModelSummary) -> Iterator[str]:
    """What to look at: first what no row did, then what no one could count."""
    if not model.built:
        if model.tests:  # of others the table says that they have none
            yield "never built"
        return
    for branch in model.missed:
        yield f"{_line(branch.statement, branch.outcome.line)}: {branch.outcome.excerpt} — {branch.outcome.missing}"
    for branch in model.not_measured.values():
        yield f"{_line(branch.statement, branch.outcome.line)}: {branch.outcome.excerpt} — not measured: {branch.reason}"
    for place, statement in enumerate(model.statements):
        if statement.reason:
            yield f"{_line(place, 1)}: not measured: {statement.reason}"


def _line(statement: int, line: int) -> str:
    return f"{line}" if statement == 0 else f"{line} of statement {statement + 1}"
