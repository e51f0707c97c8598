"""Frozen time: the clock in a statement of Trino's SQL, as literals.

Only the tokens that read the clock are replaced; every other byte stays as it was written. A literal has the very
type of what it stands for, so nothing around it changes its meaning. The session's zone is UTC.

Source of the types and of the rounding: Trino's scalar functions ``$current_timestamp``, ``$localtimestamp``,
``$current_time`` and ``$localtime``; all round to the nearest, halves up, and a time goes round at midnight.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP: Final = r"(?:\s|--[^\r\n]*|/\*(?s:.*?)\*/)*+"
_NAME: Final = r"(?:urrent_timestamp|urrent_time|urrent_date|ocaltimestamp|ocaltime|ow)"
# Each alternative starts with one plain letter: that is what lets re leap from one candidate to the next.
_TOKEN: Final = re.compile(
    "|".join(
        [
            r"'[^']*(?:'|\Z)",  # a doubled quote reads as two texts side by side, which comes to the same
            r'"[^"]*(?:"|\Z)',
            r"--[^\r\n]*",
            r"/\*(?s:.*?)(?:\*/|\Z)",
            *(rf"{letter}(?<![\w@]{letter})(?ai:{_NAME})(?!\w)" for letter in "cClLnN"),
        ]
    )
)
# A precision, the empty parentheses of now(), or none; anything else in parentheses is for Trino to refuse.
_PRECISION: Final = re.compile(rf"(?:{_GAP}\({_GAP}(?P<digits>[0-9]*){_GAP}\))?+(?!{_GAP}\()")
_NAMES_SOMETHING: Final = re.compile(r"(?i:\.|(?<!\w)as)\Z")


def freeze(sql: str, now: datetime) -> str:
    """``sql`` with its clock stopped at ``now`` (in UTC, if it names no zone); ``sql`` itself if it reads none.

    ``current_timestamp``, ``localtimestamp``, ``current_time`` and ``localtime`` have milliseconds unless a precision
    of 0 to 12 is given; ``now()`` is ``current_timestamp``.
    """
    lowered = sql.lower()
    if not ("current_" in lowered or "localtime" in lowered or "now" in lowered):
        return sql
    now = (now if now.tzinfo else now.replace(tzinfo=UTC)).astimezone(UTC)
    parts: list[str] = []
    done = 0
    for start, end, name, digits in _clock_tokens(sql):
        literal = _literal(name, digits, now)
        if literal:
            parts += (sql[done:start], literal)
            done = end
    return "".join((*parts, sql[done:])) if parts else sql


def _clock_tokens(sql: str) -> Iterator[tuple[int, int, str, str | None]]:
    """Where code names the clock: from, to, the name, and the digits in its parentheses (None without any)."""
    comments: dict[int, int] = {}
    for token in _TOKEN.finditer(sql):
        start, end = token.span()
        if sql[start] in "-/":
            comments[end] = start
        elif sql[start] not in "'\"" and not _is_a_name(sql, start, comments):
            precision = _PRECISION.match(sql, end)
            if precision:
                yield start, precision.end(), token[0].lower(), precision["digits"]


def _is_a_name(sql: str, start: int, comments: dict[int, int]) -> bool:
    """Whether a column, a field or an alias is spelled like the clock there: after a dot, or after ``as``."""
    while True:
        while start and sql[start - 1].isspace():
            start -= 1
        if start not in comments:
            return _NAMES_SOMETHING.search(sql, max(0, start - 3), start) is not None
        start = comments[start]


def _literal(name: str, digits: str | None, now: datetime) -> str | None:
    """The literal for a token, or None where Trino has no such function and is to say so itself."""
    if name == "current_date":
        return f"date '{now.date().isoformat()}'" if digits is None else None
    if name == "now":
        return _literal("current_timestamp", None, now) if digits == "" else None
    places = 3 if digits is None else int(digits or 13)
    if places > 12:
        return None
    now = _rounded(now, places)
    day, clock = now.date().isoformat(), f"{now:%H:%M:%S}"
    if places:
        clock += f".{now.microsecond:06d}000000"[: places + 1]
    return {
        "current_timestamp": f"timestamp '{day} {clock} UTC'",
        "localtimestamp": f"timestamp '{day} {clock}'",
        "current_time": f"time '{clock}+00:00'",
        "localtime": f"time '{clock}'",
    }[name]


def _rounded(now: datetime, places: int) -> datetime:
    """To the nearest at that many decimal places of a second, halves up."""
    step = 10 ** max(6 - places, 0)
    micros = (now.microsecond + step // 2) // step * step
    return now.replace(microsecond=0) + timedelta(microseconds=micros)
