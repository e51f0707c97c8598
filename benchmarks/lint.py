"""``lakekit lint`` against dbt-bouncer, dbtective and dbt-arch-unit, on projects of a thousand and more models.

What is timed are whole processes, all contenders in turn, each of an environment of its own: lakekit's has the wheel
of this checkout with what it requires, as pre-commit would install it, for a large environment or an editable install
makes Python itself start slower. Its rivals read a manifest: what ``dbt parse`` takes for it is timed apart.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from operator import attrgetter
from pathlib import Path
from shutil import rmtree
from statistics import median
from typing import TYPE_CHECKING, Final

from .lint_projects import DBT, MODELS_OF_A_SOURCE, SEEDS, copy, make, misname, one_file, seed
from .lint_rivals import DBT_PARSE, LAKEKIT, RIVALS
from .measure import alone, keep, spread, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .lint_rivals import Linter
    from .measure import Run

CONTENDERS: Final = {linter.name: linter for linter in (LAKEKIT, *RIVALS)}
FIX: Final = ("--fix", "--select", "LK102")
COLD: Final = "dbt parse"
CHANGED: Final = "dbt parse, one file changed"
ONE: Final = "lakekit, one file given"
RENAME: Final = "lakekit, a rename"
_SMALL: Final = 2 * MODELS_OF_A_SOURCE

Figures = dict[str, list["Run"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--models", nargs="+", type=int, default=[1_000, 5_000])
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--venvs", type=Path, help="where the rivals are installed, and found the next time")
    given = parser.parse_args()
    # Some cut names at the width of a terminal.
    os.environ["COLUMNS"] = "400"
    with tempfile.TemporaryDirectory(prefix="lakekit-bench-") as folder:
        bench = _Bench(Path(folder), (given.venvs or Path(folder, "venvs")).resolve(), given.contenders)
        bench.check()
        of_sizes = {models: bench.measure(models, given.runs) for models in given.models}
    for models, figures in of_sizes.items():
        keep(f"lint: a project of {models:,} models", _compared(given.contenders, figures, bench.findings))
    if LAKEKIT.name in given.contenders:
        keep("lint: what it has to reach", _targets(of_sizes))


class _Bench:
    """The contenders' environments, and a folder for projects."""

    def __init__(self, folder: Path, venvs: Path, contenders: Sequence[str]) -> None:
        self._folder = folder
        self._linters = [CONTENDERS[name] for name in contenders]
        self._programs = {linter.packages: _install(linter, venvs) for linter in (DBT_PARSE, *self._linters)}
        self.findings: dict[str, int] = {}
        """How many a contender has in the small project, in which nothing is wrong."""

    def check(self) -> None:
        """A linter that passes whatever is wrong is not worth timing."""
        clean, seeded = self._folder / "clean", self._folder / "seeded"
        for project in (clean, seeded):
            make(project, _SMALL)
        seed(seeded)
        for project in (clean, seeded):
            self._run(DBT_PARSE, project)
        for linter in self._linters:
            found = linter.count.search(self._run_clean(linter, clean).output)
            self.findings[linter.name] = int(found[1]) if found else 0
            output = self._run(linter, seeded, ends=(1,)).output
            faults = {kind for kind, model in SEEDS.items() if model in output}
            if faults != linter.finds:
                raise SystemExit(f"{linter.name} was to find {sorted(linter.finds)}:\n{output}")

    def measure(self, models: int, runs: int) -> Figures:
        """All contenders in turn, and what ``dbt parse`` takes before the rivals; some of lakekit's own besides."""
        project = self._folder / f"of-{models}"
        make(project, models)
        figures: Figures = {}
        for number in range(runs):
            rmtree(project / DBT / "target", ignore_errors=True)
            figures.setdefault(COLD, []).append(self._run(DBT_PARSE, project))
            with (project / one_file(models)).open("a", encoding="utf-8") as file:
                file.write(f"-- change {number}\n")
            figures.setdefault(CHANGED, []).append(self._run(DBT_PARSE, project))
            for linter in self._linters:
                figures.setdefault(linter.name, []).append(self._run_clean(linter, project))
            if LAKEKIT in self._linters:
                one = self._run(LAKEKIT, project, str(one_file(models)))
                figures.setdefault(ONE, []).append(one)
                figures.setdefault(RENAME, []).append(self._rename(project))
        return figures

    def _rename(self, project: Path) -> Run:
        """In a copy: give back the name that most marts know a model by."""
        wrong = self._folder / "wrong"
        copy(project, wrong)
        misname(wrong)
        os.sync()  # what the copy left to write is not the fix's
        ran = self._run(LAKEKIT, wrong, *FIX)
        differing = _texts(project).items() ^ _texts(wrong).items()
        rmtree(wrong)
        if differing:
            raise SystemExit(f"the fix left {sorted({str(file) for file, _ in differing})[:10]}")
        return ran

    def _run_clean(self, linter: Linter, project: Path) -> Run:
        """In a project without a fault, of which a rival may think otherwise."""
        return self._run(linter, project, ends=(0,) if linter is LAKEKIT else (0, 1))

    def _run(self, linter: Linter, project: Path, *more: str, ends: Sequence[int] = (0,)) -> Run:
        folder = project / linter.folder
        if linter.config:
            name, text = linter.config
            (folder / name).write_text(text, encoding="utf-8")
        return alone([*linter.command(self._programs[linter.packages]), *more], folder, ends=ends)


def _install(linter: Linter, venvs: Path) -> Path:
    """A contender's folder of programs; lakekit's is installed anew, for the checkout changes."""
    place = venvs / linter.name.partition(",")[0].replace(" ", "-")
    python, installed = place / "bin" / "python", place / "installed"
    packages = "\n".join(linter.packages)
    if linter is LAKEKIT or not installed.exists() or installed.read_text(encoding="utf-8") != packages:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *linter.packages], check=True)
        installed.write_text(packages, encoding="utf-8")
    return python.parent


def _texts(project: Path) -> dict[Path, bytes]:
    assets = project / DBT / "assets"
    return {file.relative_to(assets): file.read_bytes() for file in assets.rglob("*") if file.is_file()}


def _compared(contenders: Sequence[str], figures: Figures, findings: dict[str, int]) -> str:
    base = median(ran.seconds for ran in figures[contenders[0]])
    rows = []
    for name in (*contenders, ONE, RENAME, CHANGED, COLD):
        runs = figures.get(name)
        if runs is None:
            continue
        seconds = median(ran.seconds for ran in runs)
        row = [
            name,
            spread((ran.seconds for ran in runs), 3),
            spread((ran.cpu for ran in runs), 3),
            spread((ran.peak for ran in runs), 0),
            f"{seconds / base:.1f}",
        ]
        if name in findings and name != LAKEKIT.name:
            parsed = zip(runs, figures[CHANGED], strict=True)
            both = median(ran.seconds + parse.seconds for ran, parse in parsed)
            row += [f"{both:.2f}", f"{both / base:.1f}"]
        else:
            row += ["-", "-"]
        rows.append([*row, str(findings.get(name, "-"))])
    header = (
        *("", "seconds", "of the processor", "peak, MiB", f"times {contenders[0]}'s"),
        *("with a parse of one changed file before it, s", "times"),
        f"findings in {_SMALL} models without a fault",
    )
    return table(header, rows)


def _targets(of_sizes: dict[int, Figures]) -> str:
    seconds, peak = attrgetter("seconds"), attrgetter("peak")
    rows = []

    def target(of: str, models: int, what: str, most: float, measure: attrgetter[float], unit: str) -> None:
        if models in of_sizes:
            factor = 1_000 if unit == "ms" else 1
            values = [measure(ran) * factor for ran in of_sizes[models][of]]
            kept = "yes" if median(values) <= most else "no"
            rows.append((f"{models:,} models: {what}", f"{most:g} {unit} at most", spread(values, 0), kept))

    target(LAKEKIT.name, 1_000, "all", 100, seconds, "ms")
    target(LAKEKIT.name, 5_000, "all", 350, seconds, "ms")
    target(ONE, 5_000, "one file given", 60, seconds, "ms")
    target(LAKEKIT.name, 5_000, "peak", 40, peak, "MiB")
    target(RENAME, 5_000, "a rename", 500, seconds, "ms")
    figures = of_sizes.get(5_000, {})
    for name, least in (("dbtective", 4), ("dbt-bouncer", 20)):
        if name in figures:
            ours, theirs = (median(map(seconds, figures[of])) for of in (LAKEKIT.name, name))
            kept = "yes" if theirs / ours >= least else "no"
            rows.append(
                (
                    f"5,000 models: as fast as {name}, its parse not counted",
                    f"{least} times",
                    f"{theirs / ours:.1f}",
                    kept,
                )
            )
    return table(("", "must", "is", "reached"), rows)


if __name__ == "__main__":
    main()
