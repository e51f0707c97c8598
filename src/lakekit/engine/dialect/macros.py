"""What DuckDB lacks of Trino, as macros of its own."""

from __future__ import annotations

from typing import Final

SETTINGS: Final = ("set TimeZone = 'UTC'",)

MACROS: Final = (
    # Trino fails where DuckDB gives null.
    "create macro lk_quotient(a, b) as case when b = 0 then error('Division by zero') else a // b end",
    "create macro lk_remainder(a, b) as case when b = 0 then error('Division by zero') else a % b end",
    "create macro lk_ratio(a, b) as a / b",
    # Whole numbers a and b, divided with halves away from zero.
    """create macro lk_rounded_quotient(a, b) as case
        when b = 0 then error('Division by zero')
        else a // b + case when abs(a % b) >= abs(b) - abs(a % b) then sign(a) * sign(b) else 0 end
    end""",
    # A text that is to be cast, if it is written as Trino reads it; `wider` is what only Trino reads.
    """create macro lk_written(t, pattern, wider, kind) as case
        when t is null or regexp_full_match(t, pattern) then trim(t)
        when wider <> '' and regexp_full_match(t, wider)
        then error('The embedded engine cannot read ''' || t || ''' as Trino would (' || kind || ')')
        else error('Cannot cast ''' || t || ''' to ' || kind)
    end""",
    """create macro lk_try_written(t, pattern, wider, kind) as case
        when regexp_full_match(t, pattern) then trim(t)
        when wider <> '' and regexp_full_match(t, wider)
        then error('The embedded engine cannot read ''' || t || ''' as Trino would (' || kind || ')')
    end""",
    # To Trino ß has no capital.
    "create macro lk_upper(t) as replace(upper(replace(t, 'ß', chr(57344))), chr(57344), 'ß')",
    "create macro lk_array_max(l) as case when list_count(l) = len(l) then list_max(l) end",
    "create macro lk_array_min(l) as case when list_count(l) = len(l) then list_min(l) end",
    # Instants round to a precision, halves up.
    "create macro lk_milliseconds(t) as date_trunc('milliseconds', t + to_microseconds(500))",
    "create macro lk_instant(seconds) as epoch_ms(cast(floor(seconds * 1000e0 + 0.5e0) as bigint))::timestamptz",
    # Of an instant, or a local time, of six digits.
    """create macro lk_instant_text(t, zone) as case
        when year(t) not between 1 and 9999 then error('The embedded engine cannot write the year of ' || t || ' as Trino would')
        else strftime(t, '%Y-%m-%d %H:%M:%S.%f') || zone
    end""",
    "create macro lk_seconds(t) as date_trunc('second', t + to_microseconds(500000))",
    # Scalars only; strings without their quotes. An object or an array is null.
    "create macro lk_json_scalar(j, p) as json_value(j, p) ->> '$'",
    # DuckDB reads a number and writes it anew: 12.30 would come out as 12.3, so that is refused.
    """create macro lk_json_text(j, p) as case
        when regexp_matches(json_value(j, p)::varchar, '^-?[0-9]+[.eE]') and not (
            contains(j::varchar, json_value(j, p)::varchar || ',') or contains(j::varchar, json_value(j, p)::varchar || '}')
            or contains(j::varchar, json_value(j, p)::varchar || ']') or contains(j::varchar, json_value(j, p)::varchar || ' ')
            or contains(j::varchar, json_value(j, p)::varchar || chr(10)) or j::varchar = json_value(j, p)::varchar
        ) then error('A number in JSON is not written in its shortest form: cast it to decimal or double')
        else json_value(j, p) ->> '$'
    end""",
    """create macro lk_json_varchar(j) as case json_type(j)
        when 'OBJECT' then error('Cannot cast a JSON object to varchar')
        when 'ARRAY' then error('Cannot cast a JSON array to varchar')
        when 'DOUBLE' then error('Cannot cast a JSON number to varchar as Trino does: cast it to decimal first')
        else j ->> '$'
    end""",
    """create macro lk_json_varchars(j) as case
        when list_has_any(json_type(j, '$[*]'), ['DOUBLE', 'OBJECT', 'ARRAY'])
        then error('Cannot cast a JSON array of other things than strings to array(varchar) as Trino does')
        else cast(j as varchar[])
    end""",
    "create macro lk_json_array_length(j) as case when json_type(j) = 'ARRAY' then json_array_length(j)::bigint end",
    """create macro lk_pad_length(n) as case
        when n < 0 then error('Target length must not be negative') else n::integer end""",
    """create macro lk_substr(t, start) as case
        when start = 0 or -start > length(t) then '' else substr(t, start) end""",
    """create macro lk_substr_of(t, start, size) as case
        when t is null or size is null then null
        when start = 0 or -start > length(t) or size <= 0 then '' else substr(t, start, size) end""",
    """create macro lk_split_part(t, d, n) as case
        when n < 1 then error('Index must be greater than zero')
        when n <= len(string_split(t, d)) then split_part(t, d, n)
    end""",
    "create macro lk_regexp_extract(t, p, g) as case when regexp_matches(t, p) then regexp_extract(t, p, g) end",
    """create macro lk_contains(l, x) as case
        when list_contains(l, x) then true
        when l is null or x is null or list_count(l) < len(l) then null
        else false
    end""",
    """create macro lk_subscript(l, n) as case
        when n < 1 then error('SQL array indices start at 1')
        when n > len(l) then error('Array subscript must be less than or equal to array length')
        else list_extract(l, n)
    end""",
    """create macro lk_element_at(l, n) as case
        when n = 0 then error('SQL array indices start at 1') else list_extract(l, n) end""",
    """create macro lk_map_subscript(m, k) as case
        when m is not null and not map_contains(m, k) then error('Key not present in map') else m[k] end""",
    """create macro lk_slice(l, start, size) as case
        when start > 0 then list_slice(l, start, start + size - 1)
        when start = 0 or size < 0 then error('SQL array indices start at 1, and lengths at 0')
        when -start > len(l) then list_slice(l, 1, 0)
        else list_slice(l, len(l) + start + 1, len(l) + start + size)
    end""",
    """create macro lk_sequence(a, b) as case when a <= b then generate_series(a, b) else generate_series(a, b, -1) end""",
    """create macro lk_days(a, b, step) as
        list_transform(generate_series(a::timestamp, b::timestamp, step), lambda day: day::date)""",
)
