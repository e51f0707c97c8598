"""SQL with Jinja in it, as tokens: what is text, comment or Jinja is told apart from what is SQL.

Trino's lexical rules; backquotes and dollar-quoted texts of other dialects are understood, and a backslash before a quote
where only that makes the texts end. Comments and white space are left out.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import Final

from . import jinja


@cache  # compiled where a model needs it
def _pattern(*, escapes: bool) -> re.Pattern[str]:
    block = r"\{(?:\{(?:[^}]++|\}(?!\}))*+\}\}|%(?:[^%]++|%(?!\}))*+%\})"
    plain, escaped = (r"[^'{\\]", r"|\\(?s:.)") if escapes else ("[^'{]", "")
    return re.compile(
        r"[^\W\d][\w$]*+|[^\s\w{'\"`$/-]|\d[\w.]*+"
        rf"|{jinja.UNGROUPED}"
        rf"|'(?:{plain}++|{block}|''|\{{{escaped})*+'|\$\$(?s:.*?)\$\$"
        rf'|"(?:[^"{{]++|{block}|""|\{{)*+"|`[^`\n]*`'
        rf"|{jinja.LINE_COMMENT}|{jinja.BLOCK_COMMENT}|\S"
    )


_COMMENTS: Final = ("--", "/*", "{#")
_QUOTES: Final = frozenset("'\"`")


class Tokens:
    """``texts`` are as written; ``words`` what SQL compares: in lower case, identifiers without their quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pattern = _pattern(escapes=False)
        self.texts = _split(text, self._pattern)
        if "\\'" in text and _is_torn(self.texts):
            escaped = _split(text, _pattern(escapes=True))
            if not _is_torn(escaped):
                self.texts, self._pattern = escaped, _pattern(escapes=True)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def words(self) -> list[str]:
        return [text[1:-1].lower() if text[0] in '"`' else text.lower() for text in self.texts]

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Where each token is: worked out for who has something to tell of one."""
        return [
            match.span() for match in self._pattern.finditer(self._text) if not match[0].startswith(_COMMENTS)
        ]


def _split(text: str, pattern: re.Pattern[str]) -> list[str]:
    return [found for found in pattern.findall(text) if not found.startswith(_COMMENTS)]


def _is_torn(texts: list[str]) -> bool:
    """Whether a quote opened a text that never ended."""
    return not _QUOTES.isdisjoint(texts)


def is_name(text: str) -> bool:
    """Whether a token can be an identifier, quoted or not; keywords can."""
    return text[0].isalpha() or text[0] in '_"`'


def is_expression(text: str) -> bool:
    """Whether a token is Jinja that becomes SQL."""
    return text.startswith("{{")
