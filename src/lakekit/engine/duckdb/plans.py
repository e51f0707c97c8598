"""Plans that are kept: in memory, and in a folder for the processes to come.

A plan lies in a file of its own, named by the hash of all that it was made from; so nothing is ever changed, several
processes share a folder without a lock, and a file that is damaged is made anew. What was made by another version
of the dialect, of sqlglot or of DuckDB lies in another folder.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import duckdb
import msgspec

from ... import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T", bound=msgspec.Struct)

_SEAL: Final = 8

_KEPT: Final = 20_000
"""How many plans are held in memory."""


class Plans:
    """Plans by what they were made from. Safe for several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder / _edition() if folder else None
        self._known: dict[str, msgspec.Struct] = {}

    def get(self, form: type[T], source: tuple[str, ...], make: Callable[[], T]) -> T:
        """The plan of that form for a source; made, and kept, at the first time."""
        key = _digest((form.__name__, *source))
        known = self._known.get(key) or self._read(form, key)
        if known is None:
            known = make()
            self._write(key, known)
        if len(self._known) >= _KEPT:  # whoever asks something new each time needs none of the old
            self._known.clear()
        self._known[key] = known
        assert isinstance(known, form)
        return known

    def _read(self, form: type[T], key: str) -> T | None:
        if self._folder is None:
            return None
        try:
            kept = (self._folder / key[:2] / key).read_bytes()
            if kept[:_SEAL] != _seal(kept[_SEAL:]):
                return None
            return msgspec.msgpack.decode(kept[_SEAL:], type=form)
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self, key: str, plan: msgspec.Struct) -> None:
        if self._folder is None:
            return
        file = self._folder / key[:2] / key
        draft = file.with_suffix(f".{secrets.token_hex(4)}")
        # A disk that is full, or is not to be written to, costs time and nothing else.
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            content = msgspec.msgpack.encode(plan)
            draft.write_bytes(_seal(content) + content)
            draft.replace(file)


def _seal(content: bytes) -> bytes:
    """What tells a file that is whole from one that is damaged: its SQL would be run."""
    return blake2b(content, digest_size=_SEAL).digest()


def _digest(parts: tuple[str, ...]) -> str:
    hashed = blake2b(digest_size=20)
    for part in parts:
        content = part.encode()
        hashed.update(b"%d:" % len(content))
        hashed.update(content)
    return hashed.hexdigest()


def _edition() -> str:
    """A name for all versions that a plan depends on."""
    here = Path(__file__).parent
    # While lakekit is being worked on, its version says nothing.
    sources = sorted([*here.glob("*.py"), *here.with_name("dialect").glob("*.py")])
    stamps = [f"{file.name} {stat.st_size} {stat.st_mtime_ns}" for file in sources if (stat := file.stat())]
    sqlglot = find_spec("sqlglot")
    version = Path(sqlglot.origin).with_name("_version.py") if sqlglot and sqlglot.origin else None
    parser = version.read_text(encoding="utf-8") if version and version.is_file() else ""
    return _digest((__version__, duckdb.__version__, parser, *stamps))[:16]
