{#
  The incremental strategy `lakekit_merge`: upsert by key, on every adapter that speaks Trino SQL.

  unique_key     a column or a list of them: one row of the batch for each.
  merge_cursor   a column that says how new a row is: an older row never replaces a newer one. Optional.
  merge_scope    a column (an order line's order): the batch has all rows of the scopes that it has any of, so
                 rows of those scopes that are not in the batch, and not newer than it, are deleted. Optional.
                 A scope that has become empty says so by a row without a key, which deletes and is not kept; a
                 model must leave such rows out where it is not incremental. (A statement of its own, before the
                 merge: DuckDB's MERGE into Iceberg can update or delete, not both.)

  A row that would not change is not written: building again over the same rows writes nothing.
#}
{% macro merge_sql(arg_dict) %}
  {%- set target, batch = arg_dict["target_relation"], arg_dict["temp_relation"] -%}
  {%- set unique_key = arg_dict["unique_key"] -%}
  {%- if not unique_key -%}
    {{ exceptions.raise_compiler_error("lakekit_merge needs a unique_key: the column or columns of which each row has its own value") }}
  {%- endif -%}
  {%- set keys = [unique_key] if unique_key is string else unique_key -%}
  {%- set columns = arg_dict["dest_columns"] | map(attribute="name") | list -%}
  {%- for name in keys + [config.get("merge_cursor"), config.get("merge_scope")] | select | list -%}
    {%- if name not in columns -%}
      {{ exceptions.raise_compiler_error("lakekit_merge: " ~ target ~ " has no column " ~ name ~ " (it has " ~ columns | join(", ") ~ ")") }}
    {%- endif -%}
  {%- endfor -%}
  {%- set cursor = config.get("merge_cursor") -%}
  {%- set scope = config.get("merge_scope") -%}
  {%- set others = columns | reject("in", keys) | list -%}

  {% if scope -%}
  delete from {{ target }}
  where exists (
      select 1 from {{ batch }} as batch
      where {{ lakekit.equal([scope], "batch", target) }}
      {%- if cursor %} and coalesce(batch.{{ adapter.quote(cursor) }} >= {{ target }}.{{ adapter.quote(cursor) }}, true){% endif %}
    )
    and not exists (select 1 from {{ batch }} as batch where {{ lakekit.equal(keys, "batch", target) }});
  {%- endif %}

  merge into {{ target }} as kept
  using {{ batch }} as fresh
  on {{ lakekit.equal(keys, "fresh", "kept") }}
  {%- if others %}
  when matched
    {%- if cursor %} and coalesce(fresh.{{ adapter.quote(cursor) }} >= kept.{{ adapter.quote(cursor) }}, true){% endif %}
    and (
    {%- for name in others %}
      {{ "or " if not loop.first }}kept.{{ adapter.quote(name) }} is distinct from fresh.{{ adapter.quote(name) }}
    {%- endfor %}
    )
    then update set
    {%- for name in others %}
      {{ adapter.quote(name) }} = fresh.{{ adapter.quote(name) }}{{ "," if not loop.last }}
    {%- endfor %}
  {%- endif %}
  when not matched {% if scope %}{% for name in keys %}and fresh.{{ adapter.quote(name) }} is not null {% endfor %}{% endif %}then insert ({{ lakekit.listed(columns) }})
    values ({{ lakekit.listed(columns, "fresh") }})
{% endmacro %}


{# Quoted columns, separated by commas, of the relation with the given alias. #}
{% macro listed(columns, of=none) -%}
  {%- for name in columns -%}{{ of ~ "." if of }}{{ adapter.quote(name) }}{{ ", " if not loop.last }}{%- endfor -%}
{%- endmacro %}


{# Whether two rows have the same key. #}
{% macro equal(keys, left, right) -%}
  {%- for name in keys -%}{{ left }}.{{ adapter.quote(name) }} = {{ right }}.{{ adapter.quote(name) }}{{ " and " if not loop.last }}{%- endfor -%}
{%- endmacro %}
