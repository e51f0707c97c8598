{# dbt looks for a strategy's macro in the project alone: this names the one that lakekit brings. #}
{% macro get_incremental_lakekit_merge_sql(arg_dict) -%}
  {{ return(lakekit.merge_sql(arg_dict)) }}
{%- endmacro %}
