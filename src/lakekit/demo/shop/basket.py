"""What is in an order, and what it costs: exact in the shop's currency and in the one that the customer paid in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from .clock import DAY
from .people import Person, person

if TYPE_CHECKING:
    from .catalogue import Catalogue, Product
    from .chance import Chance
    from .life import Lives

SHOP_CURRENCY: Final = "USD"
_RATES: Final = {"USD": 10_000, "CAD": 13_700, "GBP": 7_900, "EUR": 9_200, "JPY": 1_490_000}
"""Units of the currency for one dollar, times 10,000."""

_CODES: Final = (("WELCOME10", 10), ("FRIENDS15", 15), ("SPRING20", 20), ("BREW25", 25))
_FIXED_CODE: Final = ("TENOFF", 1_000)


class Money(NamedTuple):
    """An amount in hundredths: of the shop's currency, and of the customer's (whole yen are multiples of 100)."""

    shop: int
    paid: int

    def __add__(self, other: tuple[int, ...]) -> Money:  # type: ignore[override]
        return Money(self.shop + other[0], self.paid + other[1])

    def minus(self, other: Money) -> Money:
        return Money(self.shop - other.shop, self.paid - other.paid)

    def times(self, number: int) -> Money:
        return Money(self.shop * number, self.paid * number)


NOTHING: Final = Money(0, 0)


class Currency(NamedTuple):
    """The customer's currency on the day of the order; ``step`` is its smallest amount, in hundredths."""

    code: str
    rate: int
    step: int

    def money(self, cents: int) -> Money:
        return Money(cents, _nearest(cents * self.rate, 10_000, self.step))

    def share(self, money: Money, numerator: int, denominator: int) -> Money:
        """``money * numerator / denominator``, rounded in each currency on its own."""
        return Money(
            _nearest(money.shop * numerator, denominator, 1),
            _nearest(money.paid * numerator, denominator, self.step),
        )


class Line(NamedTuple):
    """One line of an order; ``taxes`` are (title, rate in hundredths of a percent, amount)."""

    product: Product | None
    title: str
    variant: int
    quantity: int
    unit: Money
    gross: Money
    discount: Money
    taxes: tuple[tuple[str, int, Money], ...]

    @property
    def net(self) -> Money:
        return self.gross.minus(self.discount)

    @property
    def tax(self) -> Money:
        return total(amount for _, _, amount in self.taxes)


class Basket(NamedTuple):
    """An order's content. ``customer`` is none for guests, ``code`` is (code, value, in percent)."""

    buyer: Person
    is_guest: bool
    currency: Currency
    lines: tuple[Line, ...]
    shipping: Money
    code: tuple[str, int, bool] | None

    @property
    def gross(self) -> Money:
        return total(line.gross for line in self.lines)

    @property
    def discount(self) -> Money:
        return total(line.discount for line in self.lines)

    @property
    def tax(self) -> Money:
        return total(line.tax for line in self.lines)

    @property
    def total(self) -> Money:
        return self.gross.minus(self.discount) + self.tax + self.shipping


class Baskets:
    """The content of every order, as a pure function of its index."""

    def __init__(self, chance: Chance, catalogue: Catalogue, lives: Lives, per_day: float) -> None:
        self._chance = chance
        self._catalogue = catalogue
        self._lives = lives
        self._per_day = per_day

    def root(self, index: int) -> int | None:
        """The first order of the customer behind this one; none for a guest's order.

        A repeat order goes back some days to another order and belongs to whoever made that one: so those who
        bought often are likely to come again, and no list of customers is ever held.
        """
        d = self._chance.draws(b"basket", index)
        if d[0] < 0.07:
            return None
        while d[1] > 0.56:
            earlier = index - 1 - int(self._per_day * (4 + 110 * d[2] * d[2] + 30 * d[3]))
            if earlier < 0:
                return index
            while (d := self._chance.draws(b"basket", earlier))[0] < 0.07:
                earlier -= 1
                if earlier < 0:
                    return index
            index = earlier
        return index

    def buyer(self, index: int) -> tuple[Person, bool]:
        """Who made the order, and whether as a guest."""
        root = self.root(index)
        if root is None:
            return person(self._chance, b"guest", index), True
        return person(self._chance, b"buyer", root), False

    def basket(self, index: int, created: int) -> Basket:
        d = self._chance.draws(b"basket", index)
        e = self._chance.draws(b"lines", index)
        buyer, is_guest = self.buyer(index)
        currency = _currency(buyer.country.currency, created)
        chosen: dict[int, tuple[Product, int, int]] = {}
        for number in range(1 + sum(d[4] > share for share in (0.46, 0.72, 0.87, 0.95, 0.985))):
            product = self._catalogue.pick(e[2 * number], created)
            fine = e[2 * number + 1]
            quantity = 1 + sum(fine * 17 % 1 > share for share in (0.74, 0.92, 0.97))
            chosen.setdefault(product.number, (product, int(fine * len(product.values)), quantity))
        goods: list[tuple[Product | None, str, int, int, Money]] = [
            (product, product.title, variant, quantity, currency.money(product.price_of(variant, created)))
            for product, variant, quantity in chosen.values()
        ]
        if d[5] < 0.03:
            goods.append((None, "Gift wrapping", 0, 1, currency.money(450)))
        return _priced(goods, buyer, is_guest, currency, d)


def _priced(
    goods: list[tuple[Product | None, str, int, int, Money]],
    buyer: Person,
    is_guest: bool,
    currency: Currency,
    d: tuple[float, ...],
) -> Basket:
    gross = total(unit.times(quantity) for *_, quantity, unit in goods)
    code: tuple[str, int, bool] | None = None
    off = NOTHING
    if d[6] < 0.17:
        name, percent = _CODES[int(d[7] * len(_CODES))]
        code, off = (name, percent, True), currency.share(gross, percent, 100)
    elif d[6] < 0.23:
        code = (*_FIXED_CODE, False)
        fixed = currency.money(_FIXED_CODE[1])
        off = Money(min(fixed.shop, gross.shop), min(fixed.paid, gross.paid))
    lines = []
    before = given = NOTHING
    for product, title, variant, quantity, unit in goods:
        line = unit.times(quantity)
        before += line
        # The discount is spread by the running total, so that the lines' parts add up to it.
        until = Money(
            _nearest(off.shop * before.shop, gross.shop, 1),
            _nearest(off.paid * before.paid, gross.paid, currency.step),
        )
        discount = Money(min(until.shop - given.shop, line.shop), min(until.paid - given.paid, line.paid))
        given += discount
        net = line.minus(discount)
        taxes = tuple((tax, rate, currency.share(net, rate, 10_000)) for tax, rate in buyer.tax)
        lines.append(Line(product, title, variant, quantity, unit, line, discount, taxes))
    free = gross.shop >= (6_000 if buyer.country.code == "US" else 12_000)
    fee = 0 if free else 595 if buyer.country.code == "US" else 1_490
    return Basket(buyer, is_guest, currency, tuple(lines), currency.money(fee), code)


def total(amounts: object) -> Money:
    shop = paid = 0
    for amount in amounts:  # type: ignore[attr-defined]
        shop += amount[0]
        paid += amount[1]
    return Money(shop, paid)


def _currency(code: str, instant: int) -> Currency:
    """Rates drift by two percent to either side and back, over some four months."""
    base = _RATES[code]
    drift = 0 if code == SHOP_CURRENCY else abs(instant // DAY % 122 - 61) - 30
    return Currency(code, base + base * drift // 1_500, 100 if code == "JPY" else 1)


def _nearest(numerator: int, denominator: int, step: int) -> int:
    """``numerator / denominator`` to the nearest multiple of ``step``, halves up."""
    return (2 * numerator + denominator * step) // (2 * denominator * step) * step
