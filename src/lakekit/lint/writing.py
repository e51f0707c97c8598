"""Changing files all or none, whatever comes in between.

A journal in the project's folder says what is to become of which file. New texts are written beside their files first; then
the journal says that they are ready, and each replaces its file. An error or an interrupt in between puts back what was there.
Whoever is killed leaves the journal behind: the next run goes on by it, or clears away what was not ready. As long as the
process lives it holds a lock on the journal, so that the next run waits instead.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from ..errors import UsageError
from .opening import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Sequence

_READY = "ready"


class Change(NamedTuple):
    """A file that becomes another: ``before`` and ``after`` are its text, the paths are equal where it does not move."""

    source: str
    target: str
    before: str
    after: str


class Step(NamedTuple):
    """``file`` becomes what ``draft`` holds; or, without one, goes to ``target``.

    ``before`` and ``after`` are sums of the contents: they tell whether somebody else has been at the file.
    """

    file: str
    target: str
    draft: str = ""
    before: str = ""
    after: str = ""


def apply(made: Sequence[Change], root: str) -> None:
    """Make the changes, all or none. Raises ``UsageError`` where a file is not what was judged, or cannot be written."""
    if not made:
        return
    olds: dict[str, bytes | None] = {}
    news: dict[str, bytes] = {}
    for change in made:
        file = os.path.realpath(change.source)
        old = _checked(change, file)
        mark = b"\xef\xbb\xbf" if (old or b"").startswith(b"\xef\xbb\xbf") else b""
        new = mark + change.after.encode()
        if old == new and change.source != change.target:
            continue
        if news.setdefault(file, new) != new:
            raise _nothing(f"{file} is reached by two paths, and would have to be different by each")
        olds[file] = old
    steps = [
        Step(file, file, f"{file}.lakekit-draft", _sum(olds[file]), _sum(new)) for file, new in news.items()
    ]
    steps.extend(Step(change.source, change.target) for change in made if change.source != change.target)
    try:
        _apply(steps, olds, news, os.path.join(root, JOURNAL))
    except OSError as error:
        raise _nothing(
            f"{error.filename or ''}: {error.strerror}", "see that the file and its folder can be written"
        ) from error


def _apply(
    steps: Sequence[Step], olds: dict[str, bytes | None], news: dict[str, bytes], journal: str
) -> None:
    with os.fdopen(_claim(journal), "w", encoding="utf-8") as told:
        done: list[Step] = []
        try:
            told.write(json.dumps(steps) + "\n")
            told.flush()
            for step in steps:
                if step.draft:
                    _write(step.draft, news[step.file], like=step.file)
            told.write(_READY + "\n")
            told.flush()
            for step in steps:
                done.append(step)
                _take(step)
        except BaseException:
            for step in reversed(done):
                _put_back(step, olds.get(step.file))
            for step in steps:
                _remove(step.draft)
            _remove(journal)
            raise
        os.unlink(journal)


def finish(root: str) -> None:
    """Go on where a run was killed. Raises ``UsageError`` where that would overwrite what was written since."""
    journal = os.path.join(root, JOURNAL)
    try:
        with open(journal, encoding="utf-8") as told:
            fcntl.flock(told, fcntl.LOCK_EX)  # who has it is about to finish by itself
            if not _is_at(told.fileno(), journal):
                return
            ready = _finish(told.read().split("\n"))
            os.unlink(journal)
    except FileNotFoundError:  # it has just been finished
        return
    except OSError as error:
        raise UsageError(
            "A fix was broken off, and cannot be finished.",
            why=f"{error.filename or journal}: {error.strerror}",
            todo="see that the file and its folder can be written, and lint again",
        ) from error
    if ready:
        sys.stderr.write("A fix that had been broken off was finished.\n")


def _finish(lines: list[str]) -> bool:
    """Do what is left to do, if all was ready to be done."""
    steps = [Step(*step) for step in json.loads(lines[0])] if len(lines) > 1 else []
    if _READY not in lines[:-1]:
        for step in steps:
            _remove(step.draft)
        return False
    left = [step for step in steps if _is_left(step)]
    for step in left:
        if step.draft and _sum(_bytes(step.file)) != step.before:
            raise UsageError(
                "A fix was broken off, and cannot be finished.",
                why=f"{step.file} has changed since",
                todo=f"to keep it as it is, delete {step.draft}; and lint again",
            )
    for step in left:
        _take(step)
    return True


def _is_left(step: Step) -> bool:
    if not step.draft:
        return os.path.lexists(step.file) and not os.path.lexists(step.target)
    return _sum(_bytes(step.draft)) == step.after


def _claim(journal: str) -> int:
    """The journal, open and locked: this process's alone."""
    while True:
        try:
            descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise _nothing("another `lakekit lint --fix` is at work", "lint again") from error
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_at(descriptor, journal):
            return descriptor
        os.close(descriptor)  # it was taken for one that was left behind, and cleared away


def _is_at(descriptor: int, path: str) -> bool:
    return os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(descriptor))


def _checked(change: Change, file: str) -> bytes | None:
    """What the file holds, which is what was judged; None if there is none. Raises ``UsageError``."""
    old = _bytes(file)
    try:
        now = (old or b"").decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        now = None
    if now != change.before:
        raise _nothing(f"{change.source} has changed meanwhile", "lint again")
    if old is not None and not os.access(file, os.W_OK):
        raise _nothing(f"{change.source} is read-only", "make it writable")
    if change.target != change.source and os.path.lexists(change.target):
        raise _nothing(f"{change.target} is there already", "lint again")
    return old


def _take(step: Step) -> None:
    if step.draft:
        os.replace(step.draft, step.file)
    else:
        os.rename(step.file, step.target)


def _put_back(step: Step, old: bytes | None) -> None:
    if not step.draft:
        if not os.path.lexists(step.file):
            os.rename(step.target, step.file)
    elif not os.path.exists(step.draft):  # it was taken
        if old is None:
            os.unlink(step.file)
        else:
            _write(step.draft, old, like=step.file)
            os.replace(step.draft, step.file)


def _write(path: str, data: bytes, *, like: str) -> None:
    """Write a file with the mode and, where one may give files away, the owner of another, if that is there."""
    with open(path, "wb") as file:
        file.write(data)
        if os.path.exists(like):
            wanted, given = os.stat(like), os.fstat(file.fileno())
            if (wanted.st_uid, wanted.st_gid) != (given.st_uid, given.st_gid):
                with suppress(PermissionError):
                    os.fchown(file.fileno(), wanted.st_uid, wanted.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(wanted.st_mode))


def _sum(data: bytes | None) -> str:
    return "" if data is None else sha256(data).hexdigest()


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _remove(path: str) -> None:
    if path and os.path.lexists(path):
        os.unlink(path)


def _nothing(why: str, todo: str = "") -> UsageError:
    return UsageError("Nothing was mended.", why=why, todo=todo)
