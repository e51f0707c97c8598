"""Customers as the REST interface writes them, alone and inside their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .clock import DAY, local
from .people import person

if TYPE_CHECKING:
    from .chance import Chance
    from .people import Person

SIGN_UP: Final = 180
"""Seconds before the first order at which a customer's account is made."""


def customer_id(number: int, *, bought: bool) -> int:
    return 7_200_000_000_000 + number * 16_384 + (0 if bought else 8_192)


def customer_times(chance: Chance, number: int, created: int) -> tuple[int, int | None, int | None]:
    """When the account was made, when its owner moved house, and when they changed their mind about e-mail."""
    d = chance.draws(b"account", number)
    moved = created + int((3 + 50 * d[1]) * DAY) if d[0] < 0.12 else None
    changed = created + int((2 + 30 * d[3]) * DAY) if d[2] < 0.12 else None
    return created, moved, changed


def visits_only(chance: Chance, number: int) -> bool:
    """Whether somebody opened an account at about the time of this order and bought nothing."""
    return chance.draws(b"account", number)[4] < 0.05


def visitor(chance: Chance, number: int) -> Person:
    return person(chance, b"visitor", number)


def customer_record(
    who: Person, identity: int, times: tuple[int, int | None, int | None], as_of: int
) -> dict[str, Any]:
    """The customer at ``as_of``, as an order shows them."""
    created, moved, changed = times
    moved = moved if moved is not None and moved <= as_of else None
    changed = changed if changed is not None and changed <= as_of else None
    subscribed = who.subscribed != (changed is not None)
    return {
        "id": identity, "email": who.shopify_email, "created_at": local(created), "updated_at": local(max(t for t in (created, moved, changed) if t)),
        "first_name": who.first, "last_name": who.last, "state": "enabled" if who.number % 3 == 0 else "disabled", "note": None, "verified_email": True,
        "multipass_identifier": None, "tax_exempt": False, "phone": None, "tags": "", "currency": who.country.currency,
        "email_marketing_consent": {
            "state": "subscribed" if subscribed else "not_subscribed", "opt_in_level": "single_opt_in",
            "consent_updated_at": local(changed or created) if subscribed else None,
        },
        "sms_marketing_consent": None, "tax_exemptions": [], "admin_graphql_api_id": f"gid://shopify/Customer/{identity}",
        "default_address": {
            "id": identity + 1_500_000_000_000, "customer_id": identity, **who.address(moved is not None),
            "country_name": who.country.name, "default": True,
        },
    }  # fmt: skip


def customer_stream_record(record: dict[str, Any], shop_url: str) -> dict[str, Any]:
    """The stream also lists the addresses, and the connector writes the exemptions as text."""
    return {**record, "tax_exemptions": "[]", "addresses": [record["default_address"]], "shop_url": shop_url}
