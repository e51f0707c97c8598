"""Several processes judge a part of the files each: forks, which know what this one knows and import nothing again.

Between, each tells all others what its models select from, for a cycle may go through everyone's files.
"""

from __future__ import annotations

import marshal
import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, NoReturn

from .findings import ordered
from .run import Judged

if TYPE_CHECKING:
    from .facts import Facts
    from .run import Judge
    from .subjects import File

_SHARE: Final = 0.4
"""So much of a process's part may be one folder's: its files read the same properties, so they stay together."""


class _Child(NamedTuple):
    process: int
    hears: BinaryIO
    tells: BinaryIO


def share(judge: Judge, facts: Facts, subjects: list[File], processes: int) -> Judged:
    """Judge ``subjects`` with so many processes, this one among them. Raises what any of them raises."""
    own, *others = _parts(subjects, processes)
    children = [_start(judge, facts, part) for part in others]

    def exchange() -> None:
        for child in children:
            facts.known_parents.update(marshal.load(child.tells))  # noqa: S302 # our own child's; nothing if it failed
        for child in children:
            _send(child.hears, marshal.dumps(facts.known_parents))

    try:
        results = [judge.judge(own, exchange), *map(_result, children)]
    finally:
        # All of them before waiting for any: each has inherited the ends of those before it.
        for child in children:
            child.hears.close()
            child.tells.close()
        for child in children:
            os.waitpid(child.process, 0)
    findings = ordered(finding for result in results for finding in result.findings)
    texts = {path: text for result in results for path, text in result.texts.items()}
    return Judged(findings, sum(result.silenced for result in results), texts)


def _parts(subjects: list[File], processes: int) -> list[list[File]]:
    """As even as whole folders allow."""
    most = max(int(len(subjects) / processes * _SHARE), 1)
    folders: dict[str, list[File]] = defaultdict(list)
    for subject in subjects:
        folders[subject.path[: subject.path.rfind(os.sep)]].append(subject)
    chunks = [files[at : at + most] for files in folders.values() for at in range(0, len(files), most)]
    parts: list[list[File]] = [[] for _ in range(processes)]
    for chunk in sorted(chunks, key=len, reverse=True):
        min(parts, key=len).extend(chunk)
    return parts


def _start(judge: Judge, facts: Facts, part: list[File]) -> _Child:
    child_hears, parent_tells = os.pipe()
    parent_hears, child_tells = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(parent_tells)
        os.close(parent_hears)
        with os.fdopen(child_hears, "rb") as hears, os.fdopen(child_tells, "wb") as tells:
            _work(judge, facts, part, hears, tells)
    os.close(child_hears)
    os.close(child_tells)
    return _Child(process, os.fdopen(parent_tells, "wb"), os.fdopen(parent_hears, "rb"))


def _work(judge: Judge, facts: Facts, part: list[File], hears: BinaryIO, tells: BinaryIO) -> NoReturn:
    """A child's whole life. Nothing of the parent's is run at its end: no handler, no buffer that is not its own."""
    import pickle

    exchanged = False

    def exchange() -> None:
        nonlocal exchanged
        exchanged = True
        _send(tells, marshal.dumps(facts.known_parents))
        facts.known_parents.update(marshal.load(hears))  # noqa: S302 # our own parent's

    try:
        result: Any = judge.judge(part, exchange)
    except BaseException as error:  # noqa: BLE001 # the parent raises it
        result = error
    try:
        if not exchanged:
            _send(tells, marshal.dumps({}))
        _send(tells, pickle.dumps(result))
    finally:
        os._exit(0)


def _send(pipe: BinaryIO, data: bytes) -> None:
    pipe.write(data)
    pipe.flush()


def _result(child: _Child) -> Judged:
    import pickle

    result = pickle.load(child.tells)  # noqa: S301 # our own child's
    if isinstance(result, BaseException):
        raise result
    assert isinstance(result, Judged)
    return result
