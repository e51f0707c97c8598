{# One side of a Shopify `…_set` object: side is presentment_money or shop_money, path where in the JSON the object is. #}
{% macro money(json, side, path="$") -%}
  cast(json_extract_scalar({{ json }}, '{{ path }}.{{ side }}.amount') as decimal(18, 2))
{%- endmacro %}
