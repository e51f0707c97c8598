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
  lower(to_hex(md5(to_utf8(
    {%- for arg in args -%}
      coalesce(cast({{ arg }} as varchar), ''){{ " || '|' || " if not loop.last }}
    {%- endfor -%}
  ))))
{%- endmacro %}
