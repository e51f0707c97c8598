"""What a project had before it had the linter: findings that are known, and are not told again.

The file is JSON with a finding on each line, in order, so that its changes read well. Findings are known by their file,
code and message, not by their lines: those move. Paths are relative to the file's own folder.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .facts import Facts
    from .findings import Finding

VERSION: Final = 1


class Entry(NamedTuple):
    """What makes findings the same one."""

    path: str
    code: str
    message: str


class Split(NamedTuple):
    """Findings beside a baseline; ``stale`` counts what it has and nobody found, in this run's files or in others."""

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    stale: dict[Entry, int]


class Baseline(NamedTuple):
    """How often each finding is known in the files below, and beside, ``folder``."""

    folder: str
    counts: dict[Entry, int]

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Raises ``UsageError`` where there is no baseline, or it cannot be understood."""
        import json

        try:
            with open(path, encoding="utf-8-sig") as file:  # pathlib is a tenth of a run
                content = json.load(file)
        except FileNotFoundError:
            raise UsageError(f"There is no baseline '{path}'.", todo=_write_it(path)) from None
        except OSError as error:
            raise UsageError(
                f"The baseline '{path}' cannot be read.", why=str(error.strerror), todo="name another file"
            ) from error
        except json.JSONDecodeError as error:
            raise _unclear(path, f"line {error.lineno}: {error.msg}") from None
        except (ValueError, RecursionError) as error:  # no UTF-8, or nothing that lakekit wrote
            raise _unclear(path, str(error)) from None
        return cls(_folder(path), _counts(path, content))

    def split(self, findings: Iterable[Finding]) -> Split:
        """Of equal findings, as many as are known are, the first ones first."""
        left = dict(self.counts)
        new, known = [], []
        for finding in findings:
            entry = _entry(finding, self.folder)
            if left.get(entry):
                left[entry] -= 1
                known.append(finding)
            else:
                new.append(finding)
        return Split(tuple(new), tuple(known), {entry: count for entry, count in left.items() if count})


def unknown(findings: Sequence[Finding], facts: Facts) -> Sequence[Finding]:
    """Those that the baseline in a project's settings does not know; all where it names none."""
    if facts.conventions.baseline is None:
        return findings
    return Baseline.read(os.path.join(facts.root, facts.conventions.baseline)).split(findings).new


def write(path: str, findings: Iterable[Finding]) -> None:
    """Make these findings the known ones. Raises ``UsageError`` where the file cannot be written."""
    import json

    folder = _folder(path)
    counts = Counter(_entry(finding, folder) for finding in findings)
    lines = [json.dumps({**entry._asdict(), "count": count}) for entry, count in sorted(counts.items())]
    body = ",\n".join(f"    {line}" for line in lines)
    listed = f"[\n{body}\n  ]" if lines else "[]"
    try:
        _replace(path, f'{{\n  "version": {VERSION},\n  "findings": {listed}\n}}\n')
    except OSError as error:
        raise UsageError(
            f"The baseline '{path}' cannot be written.", why=str(error.strerror), todo="name another file"
        ) from error


def _replace(path: str, text: str) -> None:
    """All of it or nothing: whoever reads meanwhile has the old file."""
    target = os.path.realpath(path)
    partial = f"{target}.{os.getpid()}.partial"
    try:
        with open(partial, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(partial, target)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def _folder(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


def _entry(finding: Finding, folder: str) -> Entry:
    path = finding.path
    below = os.path.join(folder, "")
    relative = path[len(below) :] if path.startswith(below) else os.path.relpath(path, folder)
    return Entry(relative.replace(os.sep, "/"), finding.code, finding.message)


def _counts(path: str, content: Any) -> dict[Entry, int]:
    match content:
        case {"version": int(version)} if version != VERSION:
            raise _unclear(path, f"its version is {version}, and this lakekit knows {VERSION}")
        case {"version": int(), "findings": list(found)}:
            counts: dict[Entry, int] = {}
            for number, one in enumerate(found, 1):
                match one:
                    case {"path": str(file), "code": str(code), "message": str(message), "count": int(count)}:
                        # A merge of two branches may have left one finding twice.
                        entry = Entry(file, code, message)
                        counts[entry] = max(count, counts.get(entry, 0))
                    case _:
                        raise _unclear(path, f"its finding {number} lacks a path, code, message or count")
            return counts
    raise _unclear(path, "it has no version or no findings")


def _unclear(path: str, why: str) -> UsageError:
    return UsageError(f"The baseline '{path}' cannot be understood.", why=why, todo=_write_it(path))


def _write_it(path: str) -> str:
    return f"lakekit lint --baseline {path} --update-baseline"
