"""Who buys: names, addresses and currencies of people in five corners of the world."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

if TYPE_CHECKING:
    from .chance import Chance

_T = TypeVar("_T")


class Country(NamedTuple):
    """Where people live: their currency, their tax, their towns (town, province, code, postcode) and names."""

    code: str
    name: str
    currency: str
    locale: str
    tax: tuple[tuple[str, int], ...]
    """Titles and rates in hundredths of a percent; for the United States they go with the town."""
    towns: tuple[tuple[str, str | None, str | None, str], ...]
    streets: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


_EN_FIRST = ("Emma", "Olivia", "Noah", "Liam", "Ava", "Mia", "Lucas", "Grace", "Henry", "Chloe", "Ethan", "Nora", "Owen", "Ruth", "Maya", "Felix", "Priya", "Diego", "Aaliyah", "Jonah", "Hannah", "Marcus", "Leah", "Theo")  # fmt: skip
_EN_LAST = ("Smith", "Johnson", "Carter", "Nguyen", "Patel", "Garcia", "Brooks", "Murphy", "Kelly", "Reed", "Hughes", "Ward", "Bennett", "Cohen", "Rivera", "Shaw", "Foster", "Okafor", "Larsen", "Price", "Walsh", "Kim", "Diaz", "Fraser")  # fmt: skip
_STREETS = (
    "Maple Street",
    "Oak Avenue",
    "Mill Lane",
    "Church Road",
    "Harbor Way",
    "2nd Street",
    "Elm Court",
    "Station Road",
)

COUNTRIES: Final = (
    Country("US", "United States", "USD", "en-US", (), (
        ("New York", "New York", "NY", "10013"), ("Brooklyn", "New York", "NY", "11215"), ("Boston", "Massachusetts", "MA", "02118"),
        ("Portland", "Oregon", "OR", "97214"), ("Seattle", "Washington", "WA", "98103"), ("Austin", "Texas", "TX", "78704"),
        ("Chicago", "Illinois", "IL", "60614"), ("San Francisco", "California", "CA", "94110"), ("Philadelphia", "Pennsylvania", "PA", "19147"),
    ), _STREETS, _EN_FIRST, _EN_LAST),
    Country("CA", "Canada", "CAD", "en-CA", (("GST", 500), ("PST", 700)), (
        ("Vancouver", "British Columbia", "BC", "V5T 1V3"), ("Winnipeg", "Manitoba", "MB", "R3C 0N9"), ("Victoria", "British Columbia", "BC", "V8W 1E4"),
    ), _STREETS, _EN_FIRST, _EN_LAST),
    Country("GB", "United Kingdom", "GBP", "en-GB", (("VAT", 2000),), (
        ("London", "England", "ENG", "E8 3PN"), ("Bristol", "England", "ENG", "BS6 5JQ"), ("Edinburgh", "Scotland", "SCT", "EH6 5NP"),
    ), _STREETS, _EN_FIRST, _EN_LAST),
    Country("DE", "Germany", "EUR", "de-DE", (("MwSt", 1900),), (
        ("Berlin", None, None, "10437"), ("Hamburg", None, None, "22767"), ("Köln", None, None, "50823"), ("München", None, None, "80469"),
    ), ("Lindenallee", "Bergstraße", "Am Hafen", "Gartenweg"), ("Anna", "Lukas", "Jürgen", "Lena", "Paul", "Käthe", "Jonas", "Mia"), ("Müller", "Schmidt", "Weiß", "Fischer", "Köhler", "Brandt", "Vogt")),
    Country("FR", "France", "EUR", "fr-FR", (("TVA", 2000),), (("Paris", None, None, "75011"), ("Lyon", None, None, "69001"), ("Nantes", None, None, "44000")),
        ("Rue des Lilas", "Rue Saint-Michel", "Avenue de la Gare"), ("Chloé", "Hugo", "Léa", "Jules", "Inès", "Zoé", "Rémi"), ("Martin", "Bernard", "Lefèvre", "Garnier", "Dupont", "Noël")),
    Country("JP", "Japan", "JPY", "ja-JP", (("消費税", 1000),), (("Setagaya", "Tōkyō", "JP-13", "154-0004"), ("Kita", "Ōsaka", "JP-27", "530-0001"), ("Nakagyō", "Kyōto", "JP-26", "604-8001")),
        ("1-2-3 Kitazawa", "4-5 Sanjō", "7-1 Umeda"), ("Yuki", "Haruto", "Sakura", "Ren", "Aoi", "Sōta"), ("Satō", "Suzuki", "Tanaka", "Itō", "Watanabe", "Kobayashi")),
)  # fmt: skip
_SHARES: Final = tuple(accumulate((0.62, 0.09, 0.1, 0.08, 0.05, 0.06)))
_STATE_TAX: Final = {"NY": (("New York State Tax", 400), ("New York City Tax", 450)), "MA": (("Massachusetts State Tax", 625),), "OR": (), "WA": (("Washington State Tax", 650), ("King County Tax", 380)),
                     "TX": (("Texas State Tax", 625), ("Austin City Tax", 200)), "IL": (("Illinois State Tax", 625), ("Cook County Tax", 175)), "CA": (("California State Tax", 725), ("San Francisco County Tax", 138)),
                     "PA": (("Pennsylvania State Tax", 600), ("Philadelphia City Tax", 200))}  # fmt: skip
_MAILS: Final = ("gmail.com", "gmail.com", "outlook.com", "icloud.com", "example.com", "proton.me", "hey.com")
_ASCII: Final = str.maketrans(
    {"ü": "ue", "ö": "oe", "ä": "ae", "ß": "ss", "é": "e", "è": "e", "ë": "e", "ō": "o", "ū": "u"}
)


class Person(NamedTuple):
    """Somebody. ``number`` is the index of the order that they first came with, unique within its kind."""

    number: int
    first: str
    last: str
    email: str
    """In lower case; Shopify and Klaviyo each write it their own way."""
    country: Country
    town: tuple[str, str | None, str | None, str]
    street: str
    subscribed: bool
    in_klaviyo: bool
    typing: float
    """How they type: people below 0.06 write their e-mail address with capitals."""

    @property
    def tax(self) -> tuple[tuple[str, int], ...]:
        return _STATE_TAX[self.town[2] or ""] if self.country.code == "US" else self.country.tax

    @property
    def shopify_email(self) -> str:
        return self.email.title() if self.typing < 0.06 else self.email

    @property
    def klaviyo_email(self) -> str:
        return self.email.upper() if 0.04 < self.typing < 0.1 else self.email

    def address(self, moved: bool = False) -> dict[str, Any]:
        """``moved``: another house in the same street."""
        town, province, code, postcode = self.town
        house = 1 + (self.number * 7 + (40 if moved else 0)) % 180
        name = f"{self.first} {self.last}"
        return {
            "first_name": self.first, "last_name": self.last, "name": name, "company": None, "address1": f"{house} {self.street}",
            "address2": None, "city": town, "zip": postcode, "province": province, "province_code": code,
            "country": self.country.name, "country_code": self.country.code, "phone": None,
        }  # fmt: skip


def person(chance: Chance, kind: bytes, number: int) -> Person:
    """Kinds: ``buyer`` (a customer), ``guest`` (bought without an account), ``reader`` (newsletter only)."""
    d = chance.draws(kind, number)
    country = COUNTRIES[min(bisect_right(_SHARES, d[0]), len(COUNTRIES) - 1)]
    first, last = _of(country.first, d[1]), _of(country.last, d[2])
    local = (
        f"{first}.{last}"
        if kind == b"buyer"
        else f"{first[0]}{last}"
        if kind == b"guest"
        else f"{last}.{first}"
    )
    number_part = number + 11 if kind == b"buyer" else number + 7
    email = f"{local.lower().translate(_ASCII)}{number_part}@{_of(_MAILS, d[3])}"
    return Person(number, first, last, email, country, _of(country.towns, d[4]), _of(country.streets, d[5]),
                  d[6] < 0.7, kind == b"reader" or d[7] < (0.87 if kind == b"buyer" else 0.4), d[8])  # fmt: skip


def _of(choices: tuple[_T, ...], draw: float) -> _T:
    return choices[int(draw * len(choices))]
