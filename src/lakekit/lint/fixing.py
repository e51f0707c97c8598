"""Applying fixes: all that fit together, and of each all or nothing.

New texts are written beside their files first. Then a journal says what replaces what, and it is done. Whoever is killed in
between leaves the journal, and the next run goes on by it; an error in between puts back what was there.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UsageError
from . import renaming
from .facts import Unreadable, read
from .findings import Edit, Fix, Rename
from .opening import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .facts import Facts


class Change(NamedTuple):
    """A file that becomes another: ``before`` and ``after`` are its text, the paths are equal where it does not move."""

    source: str
    target: str
    before: str
    after: str


class Step(NamedTuple):
    """``draft`` becomes ``target``, and then ``source`` goes if it is another file."""

    draft: str
    target: str
    source: str


def changes(fixes: Iterable[Fix | Rename], facts: Facts) -> tuple[list[Change], int]:
    """What fixes make of a project's files, and how many fixes that are.

    A fix that would change what another one changes is left for the next round.
    """
    edits: dict[str, list[Edit]] = {}
    moves: dict[str, str] = {}
    applied = 0
    for one in dict.fromkeys(fixes):
        fix = renaming.fix(one, facts) if isinstance(one, Rename) else one
        if fix is None or _clashes(fix, edits, moves):
            continue
        applied += 1
        moves.update(fix.moves)
        for edit in fix.edits:
            if edit not in edits.setdefault(edit.path, []):
                edits[edit.path].append(edit)
    made = []
    for path in sorted({*edits, *moves}):
        before = facts.text(path) if os.path.exists(path) else ""
        made.append(Change(path, moves.get(path, path), before, _edited(before, edits.get(path, []))))
    return made, applied


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


def apply(made: Sequence[Change], root: str) -> None:
    """Make the changes, all or none. Raises ``UsageError`` where a file is not what was judged, or cannot be written."""
    for change in made:
        _refuse_what_changed(change)
    steps: list[Step] = []
    journal = os.path.join(root, JOURNAL)
    done: list[tuple[Step, bytes | None]] = []
    try:
        steps.extend(_draft(change) for change in made)
        _write(journal, json.dumps([list(step) for step in steps]).encode(), None)
        for step in steps:
            done.append((step, _bytes(os.path.realpath(step.source))))
            _take(step)
    except BaseException as error:
        for step, before in reversed(done):
            _put_back(step, before)
        for step in steps:
            _remove(step.draft)
        _remove(journal)
        if isinstance(error, OSError):
            raise UsageError(
                "Nothing was mended.",
                why=f"{error.filename or ''}: {error.strerror}",
                todo="make the file writable",
            ) from error
        raise
    os.unlink(journal)


def finish(root: str) -> None:
    """Go on where a run was killed while it replaced files; nothing to do where none was."""
    journal = os.path.join(root, JOURNAL)
    if not os.path.exists(journal):
        return
    try:
        steps = [Step(*step) for step in json.loads(read(journal))]
    except (
        ValueError,
        TypeError,
        Unreadable,
    ):  # it was killed while it wrote the journal: no file is replaced yet
        steps = []
    for step in steps:
        if os.path.exists(step.draft):
            _take(step)
        elif step.source != step.target and os.path.exists(step.target):
            _remove(step.source)
    os.unlink(journal)


def _refuse_what_changed(change: Change) -> None:
    try:
        now = read(change.source) if os.path.exists(change.source) else ""
    except Unreadable as error:
        raise UsageError("Nothing was mended.", why=f"{change.source}: {error}") from error
    if now != change.before:
        raise UsageError(
            "Nothing was mended.", why=f"{change.source} has changed meanwhile", todo="lint again"
        )
    if change.target != change.source and os.path.lexists(change.target):
        raise UsageError("Nothing was mended.", why=f"{change.target} is there already")


def _draft(change: Change) -> Step:
    """The new text, beside where it belongs, with its mode and its byte order mark."""
    source = os.path.realpath(change.source)
    target = source if change.target == change.source else change.target
    os.makedirs(os.path.dirname(target), exist_ok=True)
    mark = b"\xef\xbb\xbf" if (_bytes(source) or b"").startswith(b"\xef\xbb\xbf") else b""
    draft = f"{target}.lakekit-draft"
    mode = stat.S_IMODE(os.stat(source).st_mode) if os.path.exists(source) else None
    _write(draft, mark + change.after.encode(), mode)
    return Step(draft, target, source if change.target == change.source else change.source)


def _take(step: Step) -> None:
    os.replace(step.draft, step.target)
    if step.source != step.target:
        _remove(step.source)


def _put_back(step: Step, before: bytes | None) -> None:
    if step.source != step.target:
        if not os.path.lexists(step.source) and before is not None:
            mode = stat.S_IMODE(os.stat(step.target).st_mode) if os.path.exists(step.target) else None
            _write(step.source, before, mode)
        if not os.path.exists(step.draft):
            _remove(step.target)
    elif before is None:
        _remove(step.target)
    elif _bytes(step.target) != before:
        _write(step.target, before, stat.S_IMODE(os.stat(step.target).st_mode))


def _write(path: str, data: bytes, mode: int | None) -> None:
    with open(path, "wb") as file:
        file.write(data)
    if mode is not None:
        os.chmod(path, mode)


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)


def diff(made: Iterable[Change], start: str) -> Iterator[str]:
    """The changes as ``git apply`` takes them, with paths relative to ``start``."""
    from difflib import unified_diff

    for change in made:
        source, target = (
            os.path.relpath(path, start).replace(os.sep, "/") for path in (change.source, change.target)
        )
        is_new = not os.path.exists(change.source)
        yield f"diff --git a/{source} b/{target}\n"
        if is_new:
            yield "new file mode 100644\n"
        if source != target:
            yield f"similarity index {_similarity(change)}%\nrename from {source}\nrename to {target}\n"
        lines = unified_diff(
            _lines(change.before),
            _lines(change.after),
            "/dev/null" if is_new else f"a/{source}",
            f"b/{target}",
        )
        for line in lines:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """As git sees them: nothing but a line feed ends one."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [
        last for last in [text.rpartition("\n")[2]] if last
    ]


def _similarity(change: Change) -> int:
    if change.before == change.after:
        return 100
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, _lines(change.before), _lines(change.after), autojunk=False)
    return min(int(matcher.ratio() * 100), 99)
