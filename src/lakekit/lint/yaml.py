"""The YAML of dbt projects and Cube models, read fast and with places.

Text is read line by line, each different line is taken apart once, and what lines nest in is kept on a stack. That covers
what such files are written in. Whatever else a file holds makes ``parse`` hand all of it to PyYAML (``yaml_events``),
which takes ten times as long, so that every file means what it means to dbt, and is refused for PyYAML's reason.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple, TypeAlias

from ..errors import LakekitError

Value: TypeAlias = "str | bool | int | float | dict[str, Node] | list[Node] | None"


class Node(NamedTuple):
    """A value, and where it stands: offsets of characters in the text.

    A scalar's place has its quotes. A block's goes from its first key or dash to the end of its last value. What an alias
    stands for is where its anchor is. No value (``key:``) is an empty place after the colon. Dates are texts.
    """

    value: Value
    start: int
    end: int
    key_start: int = -1
    """Where the key is whose value it is, with its quotes; -1 in a list. Keys are texts, as they are written."""
    key_end: int = -1


class YamlError(LakekitError):
    """No YAML, or none that dbt would read: one line, and where that is."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class Unsure(Exception):
    """Only PyYAML can say."""


def parse(text: str) -> Node:
    """The one document of ``text``; an empty one is null. Raises ``YamlError``."""
    if text.startswith("\ufeff"):
        text = "\n" + text[1:]  # all else stays where it is
    try:
        return read(text)
    except Unsure:
        from .yaml_events import compose

        return compose(text)


DEPTH: Final = 100
"""Blocks within blocks: some thousand would end in a RecursionError in whoever walks them."""

_MARKS: Final = ("---", "...")
_KNOWN_LINES: Final = 20_000

# What a plain value may begin with and go on with: no indicator; ": " and " #" would end it.
_PLAIN: Final = (
    r"""(?:[^\s\-?:,\[\]{}#&*!|>'"%@`]|-(?=[\w./+$]))(?:[^\s:#]|:(?=\S)|(?<=\S)#| +(?=[^\s#:]|:\S))*"""
)
_QUOTED: Final = r"""'(?:[^'\r\n]|'')*'|"(?:[^"\\\r\n]|\\.)*\""""
_END: Final = r"(?= *$| +#)"

# Indentation, dashes, a key with its colon, a plain value if it is simple and the last of its line, else what is left.
_LINE: Final = (
    r"( *)((?:-(?: +|$))*)(?:([A-Za-z_+][\w.+/-]{0,99})(:(?: +|$)))?"
    r"([A-Za-z_](?:[^:#]*[^:# ])?$)?(.*)"
)
_KEY: Final = rf"({_QUOTED}|{_PLAIN}) *(:(?: +|$))"
_SCALAR: Final = rf"(?:({_QUOTED})|({_PLAIN})){_END}"
_LONG: Final = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\""""
_AFTER: Final = r"(?= *(?:\r?\n|\Z)| +#)"
_HEADER: Final = rf"([|>])([-+]?){_AFTER}"
# In brackets plain values end at more, and lines mean nothing.
_FLOW: Final = (
    rf"""[ \r\n]*(?:(?P<quoted>{_QUOTED})|(?P<mark>[\[\]{{}},]|:(?=[ \r\n]))"""
    r"""|(?P<plain>(?:[^\s\-?:,\[\]{}#&*!|>'"%@`=<]|-(?=\w))(?:[^\s,\[\]{}:#?]|:(?=[\w/.])| +(?=[^\s,\[\]{}:#?]))*)) *"""
)
# What may be a number, a date or something else that is no text; and what of it is a date that there is, a version, a hash.
_ODD: Final = r"[-+.\d][-+.:_\da-fA-FxXtTzZiInN ]*|=|<<"
_CODE: Final = (
    r"(?!0000)[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])?"
    r"|[0-9]+(?:\.[0-9]+){2,}|(?!0[xb]|[0-9]{4}-[0-9])[0-9][^.:]*[a-zA-Z][^.:]*"
)
_SPECIAL: Final = "[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"

_WORDS: Final[dict[str, Any]] = {
    **{form: True for word in ("true", "yes", "on") for form in (word, word.title(), word.upper())},
    **{form: False for word in ("false", "no", "off") for form in (word, word.title(), word.upper())},
    **dict.fromkeys(("null", "Null", "NULL", "~")),
}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "/": "/", " ": " "}

# What a line has for a value that is none by itself.
_NOTHING: Final = object()
_OPEN: Final = object()
"""It begins here, and may go on in further lines."""
_STRANGE: Final = object()

_Line: TypeAlias = "tuple[int, str, str, Any, int, int, int, int] | tuple[()]"
"""Indentation, dashes, key, value, and the places of key and value; nothing for a line that says nothing."""

_FINISH: Final = "\n"
"""Stands after the last line, as no line can."""

_lines: Final[dict[str, _Line]] = {}


def read(text: str) -> Node:  # noqa: C901, PLR0912, PLR0915 # calls would take longer than what is done
    """``parse`` without PyYAML. Raises ``Unsure``."""
    eol = _line_end(text)
    if found := re.match(r"(?: *(?:#[^\n]*)?\r?\n)*---(?= *(?:\r?\n|$))", text):
        text = f"{text[: found.end() - 3]}   {text[found.end() :]}"
    if len(_lines) > _KNOWN_LINES:
        _lines.clear()
    new, known, width = tuple.__new__, _lines, len(eol)
    # The block that is open, a mapping or a list: its column, and where it begins.
    here: Any = []
    mapping, at, opened = False, -1, 0
    # Whether its last key or dash has no value yet, and where that key is.
    waiting, name, name_start, name_end = True, "", -1, -1
    # Each block around it, with what this one is called there.
    stack: list[Any] = []
    offset = last = 0
    lines = iter([*text.split(eol), _FINISH])
    for line in lines:
        begin = offset
        offset += len(line) + width
        taken = known.get(line)
        if not taken:
            if taken is None:
                taken = known[line] = _take_apart(line)
            if not taken:
                continue
        column, dashes, key, item, key_start, key_end, start, end = taken

        if column > at and not waiting:
            index: Any = next(reversed(here)) if mapping else -1
            node = here[index] = _continued(text, here[index], begin, line)
            last = node[2]
            continue
        if item is _OPEN:
            parent = key_start if key else column + dashes.rfind("-") if dashes else at
            item, end = _opened(text, begin + start, offset, parent)
            while offset < end:
                offset += len(next(lines)) + width
            end -= begin
        elif item is _STRANGE:
            raise Unsure

        if waiting:
            waiting = False
            if column > at or (column == at and mapping and dashes):
                if not key and not dashes:
                    last = begin + end
                    node = new(Node, (item, begin + start, last, name_start, name_end))
                    if not mapping:
                        here.append(node)
                    elif name in here:
                        raise Unsure
                    else:
                        here[name] = node
                    continue
                stack.append((here, mapping, at, opened, name, name_start, name_end))
                mapping, at, opened = not dashes, column, begin + column
                here = {} if mapping else []
            elif not mapping:
                here.append(new(Node, (None, last, last, -1, -1)))
            elif name in here:
                raise Unsure
            else:
                here[name] = new(Node, (None, last, last, name_start, name_end))
        while column < at or (column == at and not mapping and not dashes):
            block, block_opened = here, opened
            here, mapping, at, opened, name, name_start, name_end = stack.pop()
            node = new(Node, (block, block_opened, last, name_start, name_end))
            if not mapping:
                here.append(node)
            elif name in here:
                raise Unsure
            else:
                here[name] = node
        if column != at or (mapping and dashes) or len(stack) > DEPTH:
            raise Unsure

        if dashes:
            inner = dashes.find("-", 1)
            while inner > 0:  # lists in lists
                stack.append((here, False, at, opened, "", -1, -1))
                here, at, opened = [], column + inner, begin + column + inner
                inner = dashes.find("-", inner + 1)
                if len(stack) > DEPTH:
                    raise Unsure
            if not key:
                if item is _NOTHING:
                    waiting, name, name_start, name_end = True, "", -1, -1
                    last = begin + column + dashes.rfind("-") + 1
                else:
                    last = begin + end
                    here.append(new(Node, (item, begin + start, last, -1, -1)))
                continue
            stack.append((here, False, at, opened, "", -1, -1))
            here, mapping, at, opened = {}, True, key_start, begin + key_start
        if not key or key in here:
            raise Unsure
        if item is _NOTHING:
            waiting, name, name_start, name_end = True, key, begin + key_start, begin + key_end
            last = begin + end
        else:
            last = begin + end
            here[key] = new(Node, (item, begin + start, last, begin + key_start, begin + key_end))
    root: Node = here[0]
    return root


def _line_end(text: str) -> str:
    """What ends all lines of ``text``, which has none but characters that mean nothing special."""
    bare, eol = text.replace("\n", ""), "\n"
    if "\r" in bare:
        bare, eol = bare.replace("\r", ""), "\r\n"
        if not text.count("\r") == text.count("\n") == text.count(eol):
            raise Unsure
    # What is printable is soon found to be; YAML allows more, such as no-break spaces.
    if not bare.isprintable() and re.search(_SPECIAL, bare):
        raise Unsure
    return eol


def _take_apart(line: str) -> _Line:  # noqa: C901, PLR0911, PLR0912 # one line, all that it may be
    if line == _FINISH:
        return (-1, "-", "", _NOTHING, 0, 0, 0, 0)
    found = re.match(_LINE, line)
    assert found is not None
    indent, dashes, key, colon, value, rest = found.groups("")
    column = len(indent)
    key_start = column + len(dashes)
    key_end = key_start + len(key)
    start = key_end + len(colon)
    strange: _Line = (column, "", "", _STRANGE, 0, 0, 0, 0)
    item: Any = _NOTHING
    if line.startswith(_MARKS):
        return strange
    if value:
        item = _WORDS.get(value, value)
    elif not key and rest and (found := re.match(_KEY, rest)):
        key, colon = found.groups()
        if key == "<<" or len(key) > 1000:  # PyYAML allows 1024
            return strange
        key_end, start = key_start + len(key), key_start + found.end()
        rest = rest[found.end() :]
    end = start + len(value)
    try:
        if key[:1] in {"'", '"'}:
            key = _unquoted(key)
            if not key:
                return strange
        if rest and rest[0] != "#":
            if found := re.match(_SCALAR, rest):
                item = _plain(found[2]) if found[2] else _unquoted(found[1])
                end = start + found.end()
            elif rest[0] in "|>[{'\"":
                item = _OPEN
            else:
                return strange
    except Unsure:
        return strange
    if item is _NOTHING:
        if not key and not dashes:
            return ()
        start = end = start - len(colon) + 1
    return (column, dashes, key, item, key_start, key_end, start, end)


def _plain(text: str) -> Any:
    """What PyYAML makes of a plain value. Raises ``Unsure``."""
    if text in _WORDS:
        return _WORDS[text]
    if not re.fullmatch(_ODD, text) or re.fullmatch(_CODE, text):
        return text
    if re.fullmatch(r"[-+]?(?:0|[1-9][0-9]{0,17})", text):
        return int(text)
    if re.fullmatch(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18}", text):
        return float(text)
    raise Unsure


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if text[0] == "'":
        return inner.replace("''", "'")
    if "\\" not in inner:
        return inner
    try:
        return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], inner)
    except KeyError:
        raise Unsure from None


def _continued(text: str, node: Node, begin: int, line: str) -> Node:
    """The plain value ``node`` with one more line, which begins at ``begin``. Raises ``Unsure``."""
    raw, between, more = text[node.start : node.end], text[node.end : begin], line.strip(" ")
    if (
        raw[:1] in {"", '"', "'", "[", "{", "|", ">"}
        or between.strip()
        or re.search(r"^#| #|: |:$", more)
        or line.startswith(_MARKS)
    ):
        raise Unsure
    before = str(node.value) if "\n" in raw else raw
    value = before + _glue(between.count("\n") - 1) + more
    return node._replace(value=value, end=begin + len(line.rstrip(" ")))


def _glue(empty: int) -> str:
    """What is between two lines that are folded, with so many empty ones between them."""
    return "\n" * empty or " "


def _opened(text: str, start: int, offset: int, parent: int) -> tuple[Any, int]:
    """The value that begins at ``start`` and may go on in lines from ``offset`` on, and its end. Raises ``Unsure``."""
    if text[start] in "|>":
        return _block(text, start, offset, max(parent, 0))  # a document's own is indented, too
    if text[start] in "[{":
        value, end = _flow(text, start, 0)
    elif found := re.compile(_LONG).match(text, start):
        value, end = _unfolded(found[0]), found.end()
    else:
        raise Unsure
    if not re.compile(_AFTER).match(text, end):
        raise Unsure
    return value, end


def _unfolded(text: str) -> str:
    """What a quoted text says that has several lines."""
    if re.search(r"\n(?:---|\.\.\.)|\\[ \r\n]", text):
        raise Unsure
    first, *others = text[1:-1].split("\n")
    if not others:
        return _unquoted(text)
    parts, empty = [first.rstrip(" \r")], 0
    for number, line in enumerate(others, 1):
        said = line.strip(" \r") if number < len(others) else line.lstrip(" ")
        if said or number == len(others):
            parts += [_glue(empty), said]
            empty = 0
        else:
            empty += 1
    return _unquoted(text[0] + "".join(parts) + text[0])


def _block(text: str, start: int, offset: int, parent: int) -> tuple[str, int]:
    """The block scalar whose lines begin at ``offset``, and its end."""
    found = re.compile(_HEADER).match(text, start)
    if not found:
        raise Unsure
    style, chomping = found.groups()
    lines: list[str] = []
    indent, filled, end = 0, 0, offset
    while offset < len(text):
        stop = text.find("\n", offset) + 1 or len(text) + 1
        line = text[offset : stop - 1].removesuffix("\r")
        depth = len(line) - len(line.lstrip(" "))
        if depth < len(line):
            indent = indent or depth
            if depth < indent or indent <= parent:
                break
            lines.append(line[indent:])
            filled, end = len(lines), stop
        elif depth > indent or (depth and filled and lines[filled - 1].endswith(" ")):
            raise Unsure  # these spaces may count
        else:
            lines.append("")
        offset = stop
    if not filled:
        raise Unsure
    value = "\n".join(lines[:filled]) if style == "|" else _folded(lines[:filled])
    if end > len(text):  # the last line has no end
        return value, len(text)
    if chomping == "+":
        return value + "\n" * (len(lines) - filled + 1), offset
    return (value if chomping == "-" else value + "\n"), end


def _folded(lines: list[str]) -> str:
    """Lines as one, but for those that are indented."""
    parts: list[str] = []
    empty, before = 0, ""
    for line in lines:
        if not line:
            empty += 1
            continue
        if not before:
            parts.append("\n" * empty)
        else:
            parts.append("\n" * (empty + 1) if " " in (before[0], line[0]) else _glue(empty))
        parts.append(line)
        empty, before = 0, line
    return "".join(parts)


def _flow(text: str, start: int, depth: int) -> tuple[Any, int]:  # noqa: C901 # one loop over tokens
    """The list or mapping in brackets that begins at ``start``, and its end. Raises ``Unsure``."""
    match = re.compile(_FLOW).match

    def token(position: int) -> re.Match[str]:
        found = match(text, position)
        if not found or depth > 10:
            raise Unsure
        return found

    closing = "]" if text[start] == "[" else "}"
    here: Any = [] if closing == "]" else {}
    now = token(start + 1)
    while now["mark"] != closing:
        key, key_start, key_end = None, -1, -1
        if closing == "}":
            key = _unquoted(now["quoted"]) if now["quoted"] else now["plain"]
            key_start, key_end = now.span(now.lastgroup or 0)
            now = token(now.end())
            # Its colon is on the same line.
            if (
                key is None
                or key in here
                or now["mark"] != ":"
                or now.start("mark") != now.start()
                or key_end - key_start > 1000
            ):
                raise Unsure
            now = token(now.end())
        value_start, value_end = now.span(now.lastgroup or 0)
        value: Any
        if now["quoted"]:
            value = _unquoted(now["quoted"])
        elif now["plain"]:
            value = _plain(now["plain"])
        elif now["mark"] in "[{":
            value, value_end = _flow(text, value_start, depth + 1)
        else:
            raise Unsure
        node = Node(value, value_start, value_end, key_start, key_end)
        if key is None:
            here.append(node)
        else:
            here[key] = node
        now = token(value_end)
        if now["mark"] == ",":
            now = token(now.end())  # PyYAML allows one before the bracket
        elif now["mark"] != closing:
            raise Unsure
    return here, now.end("mark")
