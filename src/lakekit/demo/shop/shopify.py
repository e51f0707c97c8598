"""The Shopify connector's streams: what each sync reads, in the order of the cursors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .catalogue import product_record, product_times
from .clock import DAY, HOUR, local, utc
from .customers import (
    SIGN_UP,
    customer_id,
    customer_record,
    customer_stream_record,
    customer_times,
    visitor,
    visits_only,
)
from .life import LIFETIME, READING, Life
from .orders import deleted_order, order_record, refund_records
from .protocol import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .world import World

LOOKBACK = DAY
"""The connector is configured to read one day again (its ``lookback_window_in_days``): what it sent at the end of a
sync comes once more at the start of the next."""


def orders(world: World) -> Iterator[dict[str, Any]]:
    """By ``updated_at``; then the tombstones of what was deleted, the last known one again.

    Now and then an order comes twice, as at the seam of two pages, and a later sync delivers some orders'
    older version behind the newer one.
    """
    deleted: list[tuple[int, int]] = []
    for updated_at, index, as_of in in_order(_versions(world, deleted)):
        life = world.lives.life(index)
        yield _order(world, life, updated_at, as_of)
    since = world.before + READING if world.before else 0
    known = [at for at, _ in deleted if at <= since]
    for at, index in sorted(deleted):
        if at > since or at == max(known, default=None):
            yield deleted_order(index, at, world.shop_url)


def order_refunds(world: World) -> Iterator[dict[str, Any]]:
    """Those inside the orders that are read anew, unless an earlier sync has sent them."""
    sent = 0 if world.before is None else world.before - LOOKBACK
    for updated_at, index, as_of in in_order(_versions(world, [])):
        life = world.lives.life(index)
        if life.refunds and as_of == world.now:
            basket = world.baskets.basket(index, life.created)
            for at, record in refund_records(life, basket, updated_at, as_of, world.shop_url):
                if at >= sent:
                    yield {**record, "_parent": local(updated_at)}


def products(world: World) -> Iterator[dict[str, Any]]:
    since = _product_version(world, world.before)[-1][0] if world.before else 0
    for updated_at, number in _product_version(world, world.now):
        if updated_at >= since:
            yield product_record(world.catalogue.products[number], world.now, world.shop_url)


def deleted_products(world: World) -> Iterator[dict[str, Any]]:
    """Deletions since the last one known, as the events of the GraphQL interface tell them."""
    gone = sorted((p.deleted, p.id, p.title) for p in world.catalogue.products if p.deleted is not None)
    for at, identity, title in gone:
        if (world.before or 0) < at <= world.now:
            yield {
                "id": identity, "deleted_at": utc(at).replace("+00:00", "Z"), "deleted_message": f"The product {title} was deleted.",
                "deleted_description": None, "shop_url": world.shop_url,
            }  # fmt: skip


def customers(world: World) -> Iterator[dict[str, Any]]:
    for _, index, bought in in_order(_accounts(world)):
        record = _customer(world, index, world.now) if bought else _visitor(world, index)
        yield customer_stream_record(record, world.shop_url)


def _versions(
    world: World, deleted: list[tuple[int, int]]
) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Groups of (key, index, as of); the key is ``updated_at``, but for the versions that come late."""
    since = 0 if world.before is None else world.before - LOOKBACK
    for index in world.indexes(LIFETIME):
        life = world.lives.life(index)
        entries = []
        if life.deleted is not None and life.deleted <= world.now + READING:
            deleted.append((life.deleted, index))
        updated_at = life.version(world.now)
        if updated_at is not None and updated_at >= since:
            entries.append((updated_at, index, world.now))
            if index % 211 == 0 or updated_at == life.touched:
                entries.append((updated_at, index, world.now))
            older = life.version(updated_at - 1)
            if world.before and older is not None and (index % 29 == 0 or life.refunds):
                entries.append((updated_at + 6 * HOUR, index, older))
        yield life.created, entries


def _order(world: World, life: Life, key: int, as_of: int) -> dict[str, Any]:
    updated_at = key if as_of == world.now else as_of
    basket = world.baskets.basket(life.number, life.created)
    root = world.baskets.root(life.number)
    customer = None if root is None else _customer(world, root, max(updated_at, life.created))
    return order_record(life, basket, updated_at, as_of, world.shop_url, customer)


def _customer(world: World, root: int, as_of: int) -> dict[str, Any]:
    times = customer_times(world.chance, root, world.lives.created(root) - SIGN_UP)
    who, _ = world.baskets.buyer(root)
    return customer_record(who, customer_id(root, bought=True), times, as_of)


def _visitor(world: World, number: int) -> dict[str, Any]:
    times = customer_times(world.chance, number, world.lives.created(number))
    return customer_record(visitor(world.chance, number), customer_id(number, bought=False), times, world.now)


def _accounts(world: World) -> Iterator[tuple[int, list[tuple[int, int, bool]]]]:
    """Groups of (``updated_at``, index of the order that somebody came with, whether they bought)."""
    since = 0 if world.before is None else world.before - LOOKBACK
    for index in world.indexes(LIFETIME, SIGN_UP):
        created = world.lives.created(index)
        entries = []
        joined = []
        if world.baskets.root(index) == index:
            joined.append((created - SIGN_UP, True))
        if visits_only(world.chance, index):
            joined.append((created, False))
        for at, bought in joined:
            updated = _latest(customer_times(world.chance, index, at), world.now)
            if updated is not None and updated >= since:
                entries.append((updated, index, bought))
        yield created - SIGN_UP, entries


def _product_version(world: World, as_of: int) -> list[tuple[int, int]]:
    return sorted(
        (updated, product.number)
        for product in world.catalogue.products
        if (updated := _latest(product_times(product), as_of)) is not None
        and not (product.deleted is not None and product.deleted <= as_of)
    )


def _latest(times: Iterable[int | None], as_of: int) -> int | None:
    return max((time for time in times if time is not None and time <= as_of), default=None)
