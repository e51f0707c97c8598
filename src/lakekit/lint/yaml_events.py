"""YAML as PyYAML reads it, for what ``yaml`` alone is unsure of: built from PyYAML's events, since those have places."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import yaml as pyyaml

from .yaml import DEPTH, Node, YamlError

_SIZE: Final = 1_000_000
"""How many values aliases and merges may add up to: a bomb of a few lines has billions."""

_TAG: Final = "tag:yaml.org,2002:"
_MAPPINGS: Final = {f"{_TAG}map", f"{_TAG}set"}
_LISTS: Final = {f"{_TAG}seq", f"{_TAG}omap", f"{_TAG}pairs"}
_PROPERTIES: Final = re.compile(r"(?:[&!]\S*\s*(?:#.*\s*)*)*")
_KEEPS: Final = re.compile(r"[|>]\d*\+")
_NO_YAML: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def compose(text: str) -> Node:
    """The one document of ``text``; an empty one is null. Raises ``YamlError``."""
    try:
        return _Composer(text).read()
    except pyyaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = ": ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(" ".join(told.split()), mark.index if mark else 0) from error
    except pyyaml.reader.ReaderError as error:
        found = _NO_YAML.search(text)
        raise YamlError(error.reason, found.start() if found else 0) from error
    except UnicodeEncodeError as error:  # half of a character, on its way to the C library
        raise YamlError(error.reason, error.start) from error


class _Made(NamedTuple):
    """A node, how many values it has, all in all, and what it is as a key."""

    node: Node
    size: int = 1
    text: str | None = None
    merge: bool = False


class _Block:
    """A mapping or list that is being read: its values, and a mapping's keys, in turn."""

    __slots__ = ("anchor", "entries", "mapping", "size", "start")

    def __init__(self, mapping: bool, start: int, anchor: str | None) -> None:
        self.mapping = mapping
        self.start = start
        self.anchor = anchor
        self.entries: list[_Made] = []
        self.size = 1


class _Composer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.loader = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)(text)
        self.anchors: dict[str, _Made | None] = {}
        """None while it is read."""
        self.blocks: list[_Block] = []
        self.root = Node(None, 0, 0)
        self.last = 0
        self.shared = 0

    def read(self) -> Node:
        """Each event in turn: recursion would overflow the C library's stack where a file nests deeply."""
        documents = 0
        while self.loader.check_event():
            event = self.loader.get_event()
            if isinstance(event, pyyaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlError("expected one document, but found another", event.start_mark.index)
            elif isinstance(event, pyyaml.AliasEvent):
                self.alias(event)
            elif isinstance(event, pyyaml.ScalarEvent):
                self.anchor(event)
                self.scalar(event)
            elif isinstance(event, pyyaml.CollectionStartEvent):
                self.anchor(event)
                self.open(event)
            elif isinstance(event, pyyaml.CollectionEndEvent):
                self.close(event)
        return self.root if self.root.start < self.root.end else Node(self.root.value, 0, 0)

    def anchor(self, event: Any) -> None:
        if event.anchor in self.anchors:
            raise YamlError(f"found duplicate anchor '{event.anchor}'", event.start_mark.index)
        if event.anchor:
            self.anchors[event.anchor] = None

    def alias(self, event: Any) -> None:
        start = event.start_mark.index
        if event.anchor not in self.anchors:
            raise YamlError(f"found undefined alias '{event.anchor}'", start)
        made = self.anchors[event.anchor]
        if not made:
            raise YamlError(f"the alias '{event.anchor}' stands within what it is for", start)
        self.last = event.end_mark.index
        self.share(made, start)
        self.add(made)

    def share(self, made: _Made, where: int) -> None:
        self.shared += made.size
        if self.shared > _SIZE:
            raise YamlError(f"its aliases stand for more than {_SIZE:,} values", where)

    def scalar(self, event: Any) -> None:
        end = event.end_mark.index
        start = min(self.skipped(event), end)  # there may be no more than a tag
        if event.style in {"|", ">"} and not _KEEPS.match(self.text, start):
            end = self.last_line(start, end, event.value)
        self.last = end
        tag = event.tag
        if tag in {None, "!"}:
            tag = self.loader.resolve(pyyaml.ScalarNode, event.value, event.implicit)
        merge = tag == f"{_TAG}merge" and self.at_key()
        if tag == f"{_TAG}str" or merge or (tag == f"{_TAG}value" and self.at_key()):
            value = event.value
        else:
            value = self.converted(event, tag)
        made = _Made(Node(value, start, end), text=event.value, merge=merge)
        if event.anchor:
            self.anchors[event.anchor] = made
        self.add(made)

    def skipped(self, event: Any) -> int:
        """Where it begins, after its anchor and tag."""
        start: int = event.start_mark.index
        found = _PROPERTIES.match(self.text, start) if event.anchor or event.tag else None
        return found.end() if found else start

    def last_line(self, start: int, end: int, value: str) -> int:
        """Where a block scalar's last line ends: PyYAML's end is that of the empty lines after it."""
        said = self.text[start:end].rstrip(" \r\n")
        _, _, empty = self.text[start + len(said) : end].partition("\n")
        if " " in empty and value.rstrip("\n").endswith(" "):
            return end  # lines of spaces that are no empty ones
        return end - len(empty)

    def converted(self, event: Any, tag: str) -> Any:
        """A scalar that is no text; a date is one here. Raises ``YamlError`` where PyYAML cannot make it."""
        start = event.start_mark.index
        if tag in _MAPPINGS | _LISTS:
            raise YamlError(f"expected a mapping or a list for '{tag}', but found a scalar", start)
        node = pyyaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, event.style)
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise YamlError(f"'{event.value}' is no {tag.removeprefix(_TAG)}", start) from error
        return value if value is None or isinstance(value, bool | int | float) else event.value

    def at_key(self) -> bool:
        return bool(self.blocks) and self.blocks[-1].mapping and not len(self.blocks[-1].entries) % 2

    def open(self, event: Any) -> None:
        start = event.start_mark.index
        mapping = isinstance(event, pyyaml.MappingStartEvent)
        if event.tag not in {None, "!"} | (_MAPPINGS if mapping else _LISTS):
            raise YamlError(f"could not determine a constructor for the tag '{event.tag}'", start)
        if len(self.blocks) > DEPTH:
            raise YamlError(f"it is nested more than {DEPTH} deep", start)
        if event.flow_style or not mapping:  # else the first key tells
            start = self.skipped(event)
        if self.at_key():
            raise YamlError("found unhashable key", start)
        self.blocks.append(_Block(mapping, start, event.anchor))

    def close(self, event: Any) -> None:
        block = self.blocks.pop()
        if event.start_mark.index < event.end_mark.index:  # a bracket: else it is where something else begins
            self.last = event.end_mark.index
        entries = block.entries
        value: Any
        if block.mapping:
            if entries and not self.text.startswith("{", block.start):
                block.start = max(block.start, entries[0].node.start)
            pairs = list(zip(entries[::2], entries[1::2], strict=True))
            value = {}
            for key, made in pairs:
                if key.merge:
                    value |= self.merged(made)
                    block.size += len(value)
            for key, made in pairs:
                if not key.merge:
                    if key.text is None:
                        raise YamlError("found unhashable key", key.node.start)
                    value[key.text] = made.node._replace(key_start=key.node.start, key_end=key.node.end)
        else:
            value = [made.node._replace(key_start=-1, key_end=-1) for made in entries]
        made = _Made(Node(value, block.start, self.last), block.size)
        if block.anchor:
            self.anchors[block.anchor] = made
        self.add(made)

    def merged(self, made: _Made) -> dict[str, Node]:
        """What a merge key brings: of several mappings the first that has a key wins."""
        value = made.node.value
        found: dict[str, Node] = {}
        for one in reversed(value) if isinstance(value, list) else [made.node]:
            if not isinstance(one.value, dict):
                raise YamlError("expected a mapping or list of mappings for merging", one.start)
            self.share(_Made(one, len(one.value)), one.start)
            found |= one.value
        return found

    def add(self, made: _Made) -> None:
        if not self.blocks:
            self.root = made.node
            return
        block = self.blocks[-1]
        block.entries.append(made)
        block.size += made.size
