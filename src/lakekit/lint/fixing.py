"""Which fixes fit together, and what they make of a project's files: of each fix all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import renaming
from .findings import Edit, Fix, Rename
from .writing import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .facts import Facts


class Plan(NamedTuple):
    """``applied`` counts fixes; ``refused`` says why of those that can never be."""

    changes: tuple[Change, ...]
    applied: int
    refused: tuple[str, ...]


def plan(fixes: Iterable[Fix | Rename], facts: Facts) -> Plan:
    """What fixes make of a project's files. One that would change what another one changes is left for the next round."""
    edits: dict[str, list[Edit]] = {}
    moves: dict[str, str] = {}
    names: set[str] = set()
    applied, refused = 0, []
    for one in dict.fromkeys(fixes):
        if isinstance(one, Rename):
            if one.new in names:  # two models may lie in different folders
                continue
            try:
                fix = renaming.fix(one, facts)
            except renaming.Refused as error:
                refused.append(f"'{one.old}' was not renamed to '{one.new}': {error}")
                continue
        else:
            fix = one
        if _clashes(fix, edits, moves):
            continue
        applied += 1
        moves.update(fix.moves)
        if isinstance(one, Rename):
            names.add(one.new)
        for edit in fix.edits:
            if edit not in edits.setdefault(edit.path, []):
                edits[edit.path].append(edit)
    made = []
    for path in sorted({*edits, *moves}):
        before = facts.text(path)
        made.append(Change(path, moves.get(path, path), before, _edited(before, edits.get(path, []))))
    return Plan(tuple(made), applied, tuple(refused))


def _clashes(fix: Fix, edits: dict[str, list[Edit]], moves: dict[str, str]) -> bool:
    targets = {*moves.values(), *moves}
    if any(source in moves or target in targets for source, target in fix.moves):
        return True
    return any(
        edit != other
        and edit.start < max(other.end, other.start + 1)
        and other.start < max(edit.end, edit.start + 1)
        for edit in fix.edits
        for other in edits.get(edit.path, ())
    )


def _edited(text: str, edits: Sequence[Edit]) -> str:
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
