"""A ``case`` or an ``if``: its parts, and where the text of each outcome stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .outline import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .outline import Bracket, Piece

Pieces = list["Piece"]


@dataclass(frozen=True, slots=True)
class End:
    """An outcome: its number, its name, and the text that stands for it."""

    number: int
    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Branching:
    """One way or another, by conditions that are asked in turn."""

    kind: Literal["case", "if"]
    start: int
    stop: int
    operand: Pieces
    """What a simple case compares with; empty for a searched one."""
    arms: list[tuple[Pieces, Pieces]]
    """Conditions, and what there is where they hold."""
    default: Pieces
    ends: tuple[End, ...]
    """The arms are numbered from 1; whatever is left has 0, whether or not it is spelled out."""


def read_case(bracket: Bracket) -> Branching:
    """The parts of ``case … end``."""
    pieces = bracket.pieces
    keywords = [piece.start for piece in pieces if piece.says("when", "then", "else")]
    operand, *runs = split(pieces, "when", "then", "else")
    arms = list(zip(runs[::2], runs[1::2], strict=False))
    default = runs[-1] if len(runs) % 2 else []
    ends = [
        End(n + 1, f"when {n + 1}", keywords[2 * n], _stop(value, bracket))
        for n, (_, value) in enumerate(arms)
    ]
    start = keywords[-1] if default else bracket.stop - len("end")
    ends.append(End(0, "else", start, _stop(default, bracket)))
    return Branching("case", bracket.start, bracket.stop, operand, arms, default, tuple(ends))


def read_if(start: int, bracket: Bracket) -> Branching | None:
    """The parts of ``if(condition, value, default)``; None of another function's call."""
    condition, *values = split(bracket.pieces, ",")
    if not condition or len(values) not in {1, 2} or not all(values):
        return None
    value, default = values[0], values[1] if values[1:] else []
    ends = (
        End(1, "when 1", condition[0].start, value[-1].stop),
        End(0, "else", default[0].start if default else bracket.stop - 1, _stop(default, bracket)),
    )
    return Branching("if", start, bracket.stop, [], [(condition, value)], default, ends)


def _stop(pieces: Sequence[Piece], bracket: Bracket) -> int:
    return pieces[-1].stop if pieces else bracket.stop
