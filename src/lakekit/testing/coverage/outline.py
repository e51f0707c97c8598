"""A statement's outline: its words, and the brackets that hold them.

What a test exercised is asked of the very text that dbt compiled: pieces of it are cut out and put together anew,
never written again from a tree, for what is written again may mean something else. So this keeps to words and where
they stand. ``case … end`` is a bracket, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType  # type: ignore[attr-defined]

from ...errors import QueryFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSING: Final = {
    TokenType.L_PAREN: TokenType.R_PAREN,
    TokenType.L_BRACKET: TokenType.R_BRACKET,
    TokenType.CASE: TokenType.END,
}


@dataclass(frozen=True, slots=True)
class Word:
    """One token: its text, in small letters unless it is quoted, and where it stands."""

    text: str
    start: int
    stop: int
    quoted: bool = False

    def says(self, *words: str) -> bool:
        return not self.quoted and self.text in words


@dataclass(frozen=True, slots=True)
class Bracket:
    """What stands between ``(`` and ``)``, ``[`` and ``]`` or ``case`` and ``end``; the whole statement has no sign."""

    sign: str
    start: int
    stop: int
    pieces: list[Piece] = field(default_factory=list)

    def says(self, *words: str) -> bool:  # noqa: ARG002 - a bracket is no word
        return False


Piece = Word | Bracket


def outline(sql: str) -> Bracket:
    """The brackets of one statement (Trino's). Raises ``QueryFailed`` where they do not match."""
    try:
        tokens = sqlglot.tokenize(sql, dialect="trino")
    except SqlglotError as error:
        raise QueryFailed("The statement cannot be read.", why=str(error)) from error
    pieces: list[Piece] = []
    open_: list[tuple[TokenType, str, int, list[Piece]]] = []
    for token in tokens:
        kind, start, stop = token.token_type, token.start, token.end + 1
        if kind in _CLOSING:
            open_.append((kind, token.text.lower(), start, pieces))
            pieces = []
        elif kind in _CLOSING.values():
            if not open_ or _CLOSING[open_[-1][0]] != kind:
                raise QueryFailed(f"The statement has a '{token.text}' that closes nothing.")
            _, sign, began, around = open_.pop()
            around.append(Bracket(sign, began, stop, pieces))
            pieces = around
        elif kind != TokenType.SEMICOLON:
            # After a dot any word is a name: orders.limit.
            quoted = sql[stop - 1] in "'\"" or bool(pieces and pieces[-1].says("."))
            text = sql[start:stop] if quoted else " ".join(token.text.lower().split())
            pieces.append(Word(text, start, stop, quoted))
    if open_:
        raise QueryFailed(f"The statement has a '{open_[-1][1]}' that is not closed.")
    return Bracket("", 0, len(sql), pieces)


def split(pieces: Sequence[Piece], *separators: str) -> list[list[Piece]]:
    """The runs of pieces between separators."""
    runs: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece.says(*separators):
            runs.append([])
        else:
            runs[-1].append(piece)
    return runs


def words(pieces: Sequence[Piece]) -> list[str]:
    """All words at and below some pieces, with their brackets: what two spellings of one thing have in common."""
    found = []
    for piece in pieces:
        if isinstance(piece, Bracket):
            found += [piece.sign, *words(piece.pieces), "]"]
        else:
            found.append(piece.text)
    return found
