with sold as (
    select
        lines.product_id,
        sum(lines.quantity) as units_sold,
        count(distinct lines.order_id) as orders,
        sum(lines.shop_gross_amount) as shop_gross_sales,
        min(orders.order_date) as first_sold_date,
        max(orders.order_date) as last_sold_date
    from {{ ref("int_shopify__order_lines") }} as lines
    inner join {{ ref("int_shopify__orders") }} as orders on lines.order_id = orders.order_id
    where orders.is_sale
    group by lines.product_id
)

select
    products.product_id,
    products.title,
    products.product_type,
    products.vendor,
    products.status,
    products.variant_count,
    products.min_price,
    products.max_price,
    products.created_at,
    products.updated_at,
    coalesce(sold.units_sold, 0) as units_sold,
    coalesce(sold.orders, 0) as orders,
    cast(coalesce(sold.shop_gross_sales, 0) as decimal(18, 2)) as shop_gross_sales,
    sold.first_sold_date,
    sold.last_sold_date
from {{ ref("int_shopify__products") }} as products
left join sold on products.product_id = sold.product_id
where not products.is_deleted
