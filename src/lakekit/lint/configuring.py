"""Writing a configuration into a model: into its config() if it has one, else into a new one at its top."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .findings import Edit, Fix

if TYPE_CHECKING:
    from .subjects import Model


def configured(model: Model, key: str, value: str) -> Fix:
    """What makes ``model`` say ``key=value`` itself."""
    title = f"configure {key}='{value}'"
    text, calls = model.text, model.sql.configurations
    if not calls:
        end = "\r\n" if "\r\n" in text else "\n"
        return Fix(title, (Edit(model.path, 0, 0, f"{{{{ config({key}='{value}') }}}}{end}{end}"),))
    call = next((one for one in reversed(calls) if key in one.values), calls[0])
    said = re.compile(rf"""(?<![\w.]){re.escape(key)}\s*=\s*(['"])(.*?)\1""").search(
        text, call.start, call.end
    )
    if said:
        return Fix(title, (Edit(model.path, *said.span(2), value),))
    quote = '"' if '"' in text[call.start : call.end] else "'"
    opens = text.index("(", call.start) + 1
    empty = text[opens : call.end - 1].strip() == ""
    # In front of the first argument, on the same line: whatever the call's layout is, it stays one.
    indent = re.compile(r"\s*").match(text, opens)
    at = opens if empty or indent is None else indent.end()
    separator = "" if empty else ", "
    return Fix(title, (Edit(model.path, at, at, f"{key}={quote}{value}{quote}{separator}"),))
