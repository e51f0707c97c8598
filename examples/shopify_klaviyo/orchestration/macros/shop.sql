{# The day of an instant, in the shop's time zone. #}
{% macro shop_date(instant) -%}
  cast({{ instant }} at time zone '{{ var("shop_timezone") }}' as date)
{%- endmacro %}


{# An e-mail address as addresses are compared: trimmed, in lower case, null where empty. #}
{% macro clean_email(email) -%}
  nullif(lower(trim({{ email }})), '')
{%- endmacro %}
