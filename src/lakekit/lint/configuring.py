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
    opens = text.index("(", call.start) + 1
    in_mapping = re.compile(r"\s*\{").match(text, opens)  # config({'materialized': 'view'})
    between = r"\s*:\s*" if in_mapping else r"\s*=\s*"
    said = re.compile(rf"""(?<![\w.])(['"]?){re.escape(key)}\1{between}(['"])(.*?)\2""").search(
        text, call.start, call.end
    )
    if said:
        return Fix(title, (Edit(model.path, *said.span(3), value),))
    quote = '"' if '"' in text[call.start : call.end] else "'"
    if in_mapping:
        opens, written = in_mapping.end(), f"{quote}{key}{quote}: {quote}{value}{quote}"
    else:
        written = f"{key}={quote}{value}{quote}"
    # In front of the first argument, on the same line: whatever the call's layout is, it stays one.
    at = re.compile(r"\s*").match(text, opens).end()  # type: ignore[union-attr] # it matches nothing, too
    if text[at] in ")}":
        return Fix(title, (Edit(model.path, opens, opens, written),))
    return Fix(title, (Edit(model.path, at, at, f"{written}, "),))
