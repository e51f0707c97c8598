"""What the Python of a project says to Dagster: which models each ``@dbt_assets`` selects.

Python is parsed, never run. What is no literal, and no constant of its module, cannot be told.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from .lineage import Lineage
from .paths import grouped, stem
from .selectors import EVERYTHING, Selection

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from .facts import Facts
    from .subjects import Model

_NAME: Final = "dbt_assets"
_DBT_MODEL: Final = re.compile(r"^def\s+model\s*\(\s*dbt\b", re.MULTILINE)


class Call(NamedTuple):
    """A call of dbt_assets(); None is what cannot be told."""

    select: tuple[str, ...] | None
    exclude: tuple[str, ...] | None


class Assets:
    """Of a whole project: its Python below the model paths, and that in the dbt project's own folder."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._lineage = Lineage(facts)
        self._selections: dict[str, list[Selection]] = {}
        self._last = ""
        self._whole: set[str] = set()

    @cached_property
    def present(self) -> bool:
        """Whether the project has Dagster at all."""
        files = self._facts.files
        return (
            os.path.join(self._facts.folder, "definitions.py") in self._files
            or bool(files.python)
            or not all(map(self.is_model, files.python_models))
        )

    def is_model(self, path: str) -> bool:
        """Whether a Python file is a model of dbt's."""
        return _DBT_MODEL.search(self._facts.text(path)) is not None

    def has_selection(self, path: str) -> bool:
        """Whether a file says dbt_assets."""
        return path in self._files and _NAME in self._facts.text(path)

    def misses(self, model: Model) -> bool:
        """Whether no ``@dbt_assets`` can have selected the model, though there are some."""
        folder = model.path[: model.path.rfind(os.sep)]
        if folder in self._whole:
            return False
        for path in self._near(model):
            for selection in self._of(path):
                if selection.may_have(model):
                    self._last = path
                    if selection.has_all_of(self._lineage.node(model).path.rpartition("/")[0]):
                        self._whole.add(folder)
                    return False
        return any(map(self._of, self._files))

    def _near(self, model: Model) -> Iterator[str]:
        """Every file, first those that are likely to have the model: a run of one file then reads no others."""
        own = os.path.dirname(model.path)
        likely = [
            *filter(None, [self._last]),
            *self._by_folder.get(own, ()),
            *self._by_stem.get(model.folder, ()),
        ]
        yield from likely
        yield from (path for path in self._files if path not in likely)

    def _of(self, path: str) -> list[Selection]:
        if path not in self._selections:
            calls = read(self._facts.text(path)) if self.has_selection(path) else []
            self._selections[path] = [Selection(self._lineage, *call) for call in calls]
        return self._selections[path]

    @cached_property
    def _files(self) -> dict[str, None]:
        files, folder = self._facts.files, self._facts.folder
        with os.scandir(folder) as entries:
            own = sorted(one.path for one in entries if one.name.endswith(".py") and one.is_file())
        return dict.fromkeys((*files.python, *files.python_models, *own))

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        return grouped(self._files, os.path.dirname)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return grouped(self._files, stem)


def read(text: str) -> list[Call]:
    """Each call of dbt_assets() in a module; one that may be anything, where it is no Python or is passed on."""
    import ast  # only where Dagster is
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of the texts in it is not ours to tell
            return _calls(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [Call(None, ())]


def _calls(module: ast.Module) -> list[Call]:
    import ast

    names, stored = {_NAME}, list[str]()
    # Each node that may say dbt_assets, and whether a function is around it: a name may be the function's own there.
    said: list[tuple[ast.expr, bool]] = []
    waiting: list[tuple[ast.AST, bool]] = [(module, False)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, ast.ImportFrom):
            names.update(one.asname for one in node.names if one.name == _NAME and one.asname)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored.append(node.id)
        elif isinstance(node, (ast.Call, ast.Name, ast.Attribute)):
            said.append((node, inside))
        body = node.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else ()
        waiting += [(child, inside or child in body) for child in ast.iter_child_nodes(node)]
    constants = {name: value for name, value in _assigned(module) if value and stored.count(name) == 1}
    calls = [
        (node, inside) for node, inside in said if isinstance(node, ast.Call) and _said(node.func) in names
    ]
    called = {node.func for node, _ in calls}
    passed_on = any(
        not isinstance(node, ast.Call) and _said(node) in names and node not in called for node, _ in said
    )
    found = [_call(node, {} if inside else constants) for node, inside in calls]
    return [*found, Call(None, ())] if passed_on else found


def _assigned(module: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    import ast

    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def _said(function: ast.expr) -> str:
    return str(getattr(function, "id", getattr(function, "attr", "")))


def _call(call: ast.Call, constants: dict[str, ast.expr]) -> Call:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if call.args or None in given or "selector" in given:
        return Call(None, ())
    select = _texts(given["select"], constants) if "select" in given else EVERYTHING
    exclude = _texts(given["exclude"], constants) if "exclude" in given else ()
    # Nothing said is everything meant.
    return Call(EVERYTHING if select in {(), ("",)} else select, exclude)


def _texts(value: ast.expr, constants: dict[str, ast.expr]) -> tuple[str, ...] | None:
    import ast

    if isinstance(value, ast.Constant) and value.value is None:
        return ()
    if isinstance(value, ast.Name) and value.id in constants:
        return _texts(constants[value.id], {name: one for name, one in constants.items() if name != value.id})
    items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
    texts = [_text(item, constants) for item in items]
    return None if None in texts else tuple(text for text in texts if text is not None)


def _text(value: ast.expr, constants: dict[str, ast.expr]) -> str | None:
    """A text of literals and constants: alone, joined by ``+``, or in an f-string."""
    import ast

    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if isinstance(value, ast.Name) and value.id in constants:
        return _text(constants[value.id], {name: one for name, one in constants.items() if name != value.id})
    parts: list[ast.expr] = []
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        parts = [value.left, value.right]
    elif isinstance(value, ast.JoinedStr):
        parts = list(value.values)
    elif isinstance(value, ast.FormattedValue) and value.conversion == -1 and value.format_spec is None:
        parts = [value.value]
    texts = [_text(part, constants) for part in parts]
    return None if None in texts or not texts else "".join(text for text in texts if text is not None)
