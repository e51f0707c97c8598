"""Changes as a patch that ``git apply`` takes."""

from __future__ import annotations

import os
from difflib import SequenceMatcher, unified_diff
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .writing import Change


def start(folder: str) -> str:
    """What paths are relative to: the repository around ``folder``, for else git would leave them out; else ``folder``."""
    here = folder
    while not os.path.exists(os.path.join(here, ".git")):
        here, before = os.path.dirname(here), here
        if here == before:
            return folder
    return here


def diff(made: Iterable[Change], start: str) -> Iterator[str]:
    """The changes with paths relative to ``start``."""
    for change in made:
        parts = [change]
        if os.path.islink(change.source):  # git knows the link and its file apart
            file = os.path.realpath(change.source)
            parts = [change._replace(source=file, target=file), change._replace(after=change.before)]
        for part in parts:
            if part.before != part.after or part.source != part.target:
                yield from _diff(part, start)


def _diff(change: Change, start: str) -> Iterator[str]:
    source, target = (
        os.path.relpath(path, start).replace(os.sep, "/") for path in (change.source, change.target)
    )
    is_new = not os.path.exists(change.source)
    mark = "\ufeff" if not is_new and _is_marked(change.source) else ""
    before, after = _lines(mark + change.before), _lines(mark + change.after)
    yield f"diff --git a/{source} b/{target}\n"
    if is_new:
        yield "new file mode 100644\n"
    if source != target:
        yield f"similarity index {_similarity(before, after)}%\nrename from {source}\nrename to {target}\n"
    for line in unified_diff(before, after, "/dev/null" if is_new else f"a/{source}", f"b/{target}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _is_marked(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(3) == b"\xef\xbb\xbf"


def _lines(text: str) -> list[str]:
    """As git sees them: nothing but a line feed ends one."""
    *ended, last = text.split("\n")
    return [*(f"{line}\n" for line in ended), *([last] if last else [])]


def _similarity(before: list[str], after: list[str]) -> int:
    if before == after:
        return 100
    return min(int(SequenceMatcher(None, before, after, autojunk=False).ratio() * 100), 99)
