{#
  Whether a row is new to this model: a condition for `where`.

  True on a first build and on a full refresh; after that, rows that were extracted since the newest row of this
  model, or at the same instant as it (what was merged already is not written again).
#}
{% macro is_new(extracted_at="_airbyte_extracted_at") -%}
  {%- if is_incremental() -%}
    {{ extracted_at }} >= (select coalesce(max({{ extracted_at }}), 0) from {{ this }})
  {%- else -%}
    true
  {%- endif -%}
{%- endmacro %}


{#
  The rows of a relation, one for each key: the first in the given order.

      {{ lakekit.dedupe(ref("stg_shopify__orders"), key="order_id", order_by="updated_at desc") }}

  relation: a relation or the name of a CTE. key: a column or a list of them. order_by: SQL. where: SQL, which
  rows to look at. The rows have a column more than the relation: lakekit_place, always 1.
#}
{% macro dedupe(relation, key, order_by, where="true") -%}
  select *
  from (
    select
      *,
      row_number() over (
        partition by {{ [key] | join(", ") if key is string else key | join(", ") }}
        order by {{ order_by }}
      ) as lakekit_place
    from {{ relation }}
    where {{ where }}
  ) as placed
  where lakekit_place = 1
{%- endmacro %}
