{#
  A data test: no two rows of a model have the same values in these columns.

      data_tests:
        - lakekit.unique_combination_of_columns:
            arguments:
              combination_of_columns: [sales_date, currency]
#}
{% test unique_combination_of_columns(model, combination_of_columns) %}
  select {{ combination_of_columns | join(", ") }}
  from {{ model }}
  group by {{ combination_of_columns | join(", ") }}
  having count(*) > 1
{% endtest %}
