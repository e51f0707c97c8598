"""What the shop sells: coffee, tea and what goes with it; prices that change, and limited editions that come and go."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .clock import DAY, WEEKS_BEFORE_FIRST_SYNC, sync_instant, utc, week_of

if TYPE_CHECKING:
    from .chance import Chance

_BAG: Final = (("Size", ("250 g", "500 g", "1 kg")), (100, 188, 350))
_TIN: Final = (("Size", ("50 g", "100 g")), (100, 180))
_MUG: Final = (("Colour", ("Chalk", "Moss", "Ink", "Clay")), (100, 100, 100, 100))
_ONE: Final = (("Title", ("Default Title",)), (100,))

_LINES: Final = (
    ("Coffee", "North Quay Roasters", _BAG, (
        ("Harbour Espresso", 1450), ("Lighthouse Filter", 1550), ("Slow Tide Decaf", 1600), ("Morning Ferry Blend", 1395),
        ("Ethiopia Guji", 1850), ("Colombia Huila", 1690), ("Kenya Nyeri", 1950), ("Guatemala Antigua", 1725),
        ("Brazil Cerrado", 1490), ("Sumatra Gayo", 1775), ("Rwanda Nyamasheke", 1825), ("Peru Cajamarca", 1650),
    )),
    ("Tea", "North Quay Tea", _TIN, (
        ("Sencha Uji", 1200), ("Assam Breakfast", 850), ("Earl Grey Blue", 900), ("Jasmine Pearls", 1650), ("Rooibos Vanilla", 795),
        ("Peppermint Leaf", 750), ("Darjeeling First Flush", 1890), ("Genmaicha", 1050), ("Chamomile Fields", 780),
    )),
    ("Brewing", "North Quay Goods", _ONE, (
        ("Ceramic Dripper", 2900), ("Paper Filters, 100", 800), ("Gooseneck Kettle", 8900), ("Hand Grinder", 12900), ("Glass Server", 3400),
        ("French Press", 3900), ("Moka Pot", 4200), ("Digital Scale", 5900), ("Tea Strainer", 1400), ("Matcha Whisk", 2200),
    )),
    ("Cups", "Studio Varde", _MUG, (("Stoneware Mug", 2400), ("Espresso Cup", 1600), ("Travel Cup", 2800), ("Tea Bowl", 2600))),
    ("Pantry", "North Quay Goods", _ONE, (("Oat Biscuits", 650), ("Dark Chocolate 70%", 720), ("Heather Honey", 980), ("Gift Box", 1200), ("Cold Brew Bottle", 3200))),
)  # fmt: skip
_BASE: Final = tuple(
    (title, cents, kind, vendor, options) for kind, vendor, options, goods in _LINES for title, cents in goods
)
_POPULARITY: Final = tuple(accumulate(1 / (1 + rank) ** 0.55 for rank in range(len(_BASE))))
_EDITIONS: Final = (
    "Frost",
    "Candlemas",
    "Thaw",
    "Equinox",
    "Blossom",
    "Rain",
    "Meadow",
    "Long Day",
    "Salt",
    "Drift",
    "Harvest",
    "Ember",
    "Fog",
    "Lantern",
)
_ORIGINS: Final = (
    "Yirgacheffe",
    "Tarrazú",
    "Nariño",
    "Limu",
    "Chiapas",
    "Boquete",
    "Minas",
    "Kirinyaga",
    "Jinotega",
)
_SHELF_WEEKS: Final = 9


class Product(NamedTuple):
    """One product; prices in cents of the shop's currency, instants in epoch seconds."""

    number: int
    id: int
    title: str
    kind: str
    vendor: str
    option: str
    values: tuple[str, ...]
    price: int
    steps: tuple[int, ...]
    created: int
    changes: tuple[int, ...]
    deleted: int | None

    def variant_id(self, variant: int) -> int:
        return 43_400_000_000_000 + (self.id % 1_000_000_000) * 32 + variant

    def sku(self, variant: int) -> str:
        return f"{self.kind[:3].upper()}-{self.number + 101}-{variant + 1}"

    def price_of(self, variant: int, instant: int) -> int:
        """The price at an instant: it rises by some four percent with each change, to a full ten cents less five."""
        changes = bisect_right(self.changes, instant)
        cents = self.price * self.steps[variant] / 100 * 1.04**changes
        return max(round(cents / 10) * 10 - 5, 95)


class Catalogue:
    """All products up to some week, the long gone among them.

    Numbers below ``len(_BASE)`` were there before the first order and stay. Every week brings one limited
    edition and takes one away, and in the last second before the sync one product's price changes: a later sync
    always has all three, and a finished one is known by its cursor.
    """

    def __init__(self, chance: Chance, weeks: int) -> None:
        first = 2 - WEEKS_BEFORE_FIRST_SYNC
        self._first = first
        changes: dict[int, list[int]] = {}
        for week in range(first, weeks + 1):
            draws = chance.draws(b"price", week)
            changes.setdefault((week * 7 + int(draws[0] * 6)) % len(_BASE), []).append(sync_instant(week) - 1)
        self.products: list[Product] = []
        for number, (title, cents, kind, vendor, ((option, values), steps)) in enumerate(_BASE):
            created = sync_instant(first - 1) - (len(_BASE) - number) * 3 * DAY
            self.products.append(
                Product(
                    number,
                    _product_id(chance, number),
                    title,
                    kind,
                    vendor,
                    option,
                    values,
                    cents,
                    steps,
                    created,
                    tuple(sorted(changes.get(number, ()))),
                    None,
                )
            )
        for week in range(first, weeks + 1):
            number = len(self.products)
            draws = chance.draws(b"edition", week)
            title = f"{_EDITIONS[week % len(_EDITIONS)]} Edition No. {week - first + 1}: {_ORIGINS[int(draws[0] * len(_ORIGINS))]}"
            (option, values), steps = _BAG
            self.products.append(
                Product(
                    number,
                    _product_id(chance, number),
                    title,
                    "Coffee",
                    "North Quay Roasters",
                    option,
                    values,
                    1600 + int(draws[1] * 12) * 50,
                    steps,
                    sync_instant(week - 1) + int(draws[2] * DAY),
                    (),
                    sync_instant(week + _SHELF_WEEKS - 1) + DAY + int(draws[3] * 5 * DAY),
                )
            )

    def pick(self, which: float, instant: int) -> Product:
        """A product that is on sale at ``instant``, the popular ones more often."""
        if which < 0.92:
            return self.products[bisect_right(_POPULARITY, which / 0.92 * _POPULARITY[-1])]
        week = week_of(instant) - 1 - int((which - 0.92) / 0.08 * 7)
        return self.products[len(_BASE) + max(week, self._first) - self._first]


def product_times(product: Product) -> list[int]:
    return [product.created, *product.changes]


def product_record(product: Product, as_of: int, shop_url: str) -> dict[str, Any]:
    """What the bulk query makes of a product: variants are ids only, prices are the range's."""
    prices = [product.price_of(variant, as_of) for variant in range(len(product.values))]
    handle = (
        product.title.lower()
        .replace(":", "")
        .replace(",", "")
        .replace(".", "")
        .replace("%", "")
        .replace(" ", "-")
    )
    image = product.id + 21_000_000_000_000
    text = f"{product.title} by {product.vendor}."
    stock = 20 + (product.id + as_of // DAY) % 180
    return {
        "id": product.id, "published_at": utc(product.created), "created_at": utc(product.created), "status": "ACTIVE", "vendor": product.vendor,
        "updated_at": utc(max(t for t in product_times(product) if t <= as_of)), "body_html": f"<p>{text}</p>", "product_type": product.kind,
        "tags": product.kind.lower(), "handle": handle, "template_suffix": None, "title": product.title, "description": text,
        "description_html": f"<p>{text}</p>", "is_gift_card": False, "legacy_resource_id": str(product.id),
        "online_store_preview_url": f"https://{shop_url}.myshopify.com/products/{handle}", "online_store_url": f"https://{shop_url}.myshopify.com/products/{handle}",
        "total_inventory": stock, "tracks_inventory": True, "has_only_default_variant": len(prices) == 1, "has_out_of_stock_variants": False,
        "requires_selling_plan": False,
        "price_range_v2": {
            "max_variant_price": {"amount": max(prices) / 100, "currency_code": "USD"},
            "min_variant_price": {"amount": min(prices) / 100, "currency_code": "USD"},
        },
        "featured_image": {"height": 1200, "id": f"gid://shopify/ProductImage/{image}", "url": f"https://cdn.example.com/{handle}.jpg", "width": 1200, "alt_text": product.title},
        "seo": {"description": None, "title": None}, "featured_media": None, "feedback": None, "category": None,
        "total_variants": len(prices), "media_count": 1,
        "options": [{"id": product.id + 2_000_000_000_000, "name": product.option, "values": list(product.values), "position": 1, "product_id": product.id}],
        "images": [{"id": image}], "variants": [{"id": product.variant_id(variant)} for variant in range(len(prices))],
        "admin_graphql_api_id": f"gid://shopify/Product/{product.id}", "shop_url": shop_url,
    }  # fmt: skip


def _product_id(chance: Chance, number: int) -> int:
    return 8_100_000_000_000 + number * 4_096 * 64 + int(chance.draws(b"product", number)[0] * 4_096)
