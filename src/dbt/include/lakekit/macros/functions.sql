{# dbt's cross-database functions, where Trino's own differ from dbt's defaults. #}

{% macro lakekit__current_timestamp() %}current_timestamp{% endmacro %}

{% macro lakekit__dateadd(datepart, interval, from_date_or_timestamp) -%}
  date_add('{{ datepart }}', {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{% macro lakekit__datediff(first_date, second_date, datepart) -%}
  {#- dbt counts the boundaries that lie between; Trino counts whole units. -#}
  date_diff('{{ datepart }}', date_trunc('{{ datepart }}', {{ first_date }}), date_trunc('{{ datepart }}', {{ second_date }}))
{%- endmacro %}

{% macro lakekit__hash(field) -%}
  lower(to_hex(md5(to_utf8(cast({{ field }} as varchar)))))
{%- endmacro %}

{% macro lakekit__right(string_text, length_expression) -%}
  case when {{ length_expression }} = 0 then '' else substr({{ string_text }}, -1 * ({{ length_expression }})) end
{%- endmacro %}

{% macro lakekit__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  array_join(array_agg({{ measure }} {{ order_by_clause if order_by_clause }}), {{ delimiter_text }})
{%- endmacro %}

{% macro lakekit__safe_cast(field, type) -%}
  try_cast({{ field }} as {{ type }})
{%- endmacro %}

{% macro lakekit__snapshot_hash_arguments(args) -%}
  {#- A time reads as text as Trino's do once it has a precision; dbt gives it last. -#}
  {%- set time = args | last -%}
  {%- set found = adapter.get_column_schema_from_query("select " ~ time ~ " as at from (" ~ model.compiled_code ~ ") as source") -%}
  {%- set time = "cast(" ~ time ~ " as " ~ found[0].data_type ~ ")" if found else time -%}
  lower(to_hex(md5(to_utf8(
    {%- for arg in args[:-1] + [time] -%}
      coalesce(cast({{ arg }} as varchar), ''){{ " || '|' || " if not loop.last }}
    {%- endfor -%}
  ))))
{%- endmacro %}

{% macro lakekit__post_snapshot(staging_relation) %}
  {% do adapter.drop_relation(staging_relation) %}
{% endmacro %}

{# dbt asks a macro for these where a snapshot keeps records of what was deleted. #}
{% macro lakekit__get_columns_in_relation(relation) %}
  {{ return(adapter.get_columns_in_relation(relation)) }}
{% endmacro %}
