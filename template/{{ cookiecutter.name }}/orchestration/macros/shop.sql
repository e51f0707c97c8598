{# The day of an instant, in the shop's time zone. #}
{% macro shop_date(instant) -%}
  cast({{ instant }} at time zone '{{ var("shop_timezone") }}' as date)
{%- endmacro %}


{# One side of a Shopify `…_set` object: side is presentment_money or shop_money, path where in the JSON the object is. #}
{% macro money(json, side, path="$") -%}
  cast(json_extract_scalar({{ json }}, '{{ path }}.{{ side }}.amount') as decimal(18, 2))
{%- endmacro %}


{# An e-mail address as addresses are compared: trimmed, in lower case, null where empty. #}
{% macro clean_email(email) -%}
  nullif(lower(trim({{ email }})), '')
{%- endmacro %}
