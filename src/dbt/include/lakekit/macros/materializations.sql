{# The engine replaces a table or a view in one commit: there is nothing to rename, to back up or to clean up. #}

{% materialization view, adapter="lakekit" %}
  {{ run_hooks(pre_hooks) }}
  {%- set target = this.incorporate(type="view") -%}
  {%- set existing = load_cached_relation(this) -%}
  {% if existing is not none and not existing.is_view %}{% do adapter.drop_relation(existing) %}{% endif %}
  {% call statement("main") -%}{{ get_create_view_as_sql(target, sql) }}{%- endcall %}
  {{ run_hooks(post_hooks) }}
  {{ return({"relations": [target]}) }}
{% endmaterialization %}


{% materialization table, adapter="lakekit" %}
  {{ run_hooks(pre_hooks) }}
  {%- set target = this.incorporate(type="table") -%}
  {% call statement("main") -%}{{ get_create_table_as_sql(false, target, sql) }}{%- endcall %}
  {{ run_hooks(post_hooks) }}
  {{ return({"relations": [target]}) }}
{% endmaterialization %}


{% materialization incremental, adapter="lakekit" %}
  {{ run_hooks(pre_hooks) }}
  {%- set target = this.incorporate(type="table") -%}
  {%- set existing = load_cached_relation(this) -%}
  {% if existing is none or not existing.is_table or should_full_refresh() %}
    {% call statement("main") -%}{{ get_create_table_as_sql(false, target, sql) }}{%- endcall %}
  {% else %}
    {#- The batch is worked out once, into memory, whatever the strategy then does with it. -#}
    {%- set batch = make_temp_relation(target) -%}
    {% do run_query(get_create_table_as_sql(true, batch, sql)) %}
    {%- set on_schema_change = incremental_validate_on_schema_change(config.get("on_schema_change"), default="ignore") -%}
    {%- set columns = process_schema_changes(on_schema_change, batch, existing) or adapter.get_columns_in_relation(existing) -%}
    {%- set strategy = adapter.get_incremental_strategy_macro(context, config.get("incremental_strategy") or "default") -%}
    {% call statement("main") -%}
      {{ strategy({
          "target_relation": target,
          "temp_relation": batch,
          "unique_key": config.get("unique_key"),
          "dest_columns": columns,
          "incremental_predicates": config.get("predicates") or config.get("incremental_predicates"),
      }) }}
    {%- endcall %}
    {% do adapter.drop_relation(batch) %}
  {% endif %}
  {{ run_hooks(post_hooks) }}
  {{ return({"relations": [target]}) }}
{% endmaterialization %}


{% materialization seed, adapter="lakekit" %}
  {{ run_hooks(pre_hooks) }}
  {%- set target = this.incorporate(type="table") -%}
  {%- set rows = load_agate_table() -%}
  {#- dbt counts a seed's rows in what is stored under this name. -#}
  {% do store_result("agate_table", response="OK", agate_table=rows) %}
  {% do adapter.load_seed(target, rows, config.get("column_types", {})) %}
  {% call noop_statement("main", "INSERT " ~ rows.rows | length, "INSERT", rows.rows | length) %}{% endcall %}
  {{ run_hooks(post_hooks) }}
  {{ return({"relations": [target]}) }}
{% endmaterialization %}


{% macro lakekit__create_table_as(temporary, relation, compiled_code, language="sql") -%}
  {%- if config.get("contract").enforced and not temporary -%}
    {{ get_assert_columns_equivalent(compiled_code) }}
    {%- set compiled_code = get_select_subquery(compiled_code) -%}
  {%- endif -%}
  {%- set partitioning = config.get("partitioning", []) -%}
  create or replace table {{ relation }}
  {%- if partitioning and not temporary %}
  with (partitioning = array[{% for field in partitioning %}'{{ field }}'{{ ", " if not loop.last }}{% endfor %}])
  {%- endif %} as
  {{ compiled_code }}
{%- endmacro %}


{% macro lakekit__create_view_as(relation, sql) -%}
  {%- if config.get("contract").enforced -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  create or replace view {{ relation }} as
  {{ sql }}
{%- endmacro %}


{% macro lakekit__make_temp_relation(base_relation, suffix) -%}
  {{ return(adapter.scratch_relation(base_relation)) }}
{%- endmacro %}


{% macro lakekit__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {% for column in add_columns or [] %}
    {% do run_query("alter table " ~ relation ~ " add column " ~ adapter.quote(column.name) ~ " " ~ column.data_type) %}
  {% endfor %}
  {% for column in remove_columns or [] %}
    {% do run_query("alter table " ~ relation ~ " drop column " ~ adapter.quote(column.name)) %}
  {% endfor %}
{% endmacro %}


{# Comments have no place in the embedded lake: the docs are in the project. #}
{% macro lakekit__persist_docs(relation, model, for_relation, for_columns) %}{% endmacro %}
