"""Klaviyo's profiles in core."""

import pytest

from clock import at
from mailing import profile

MODEL = "int_klaviyo__profiles"


def test_a_profile_moves_and_takes_another_name(lake):
    lake.given(
        "klaviyo.profiles", [profile("P", "ann@example.com", country="United States", last_name="Lee")]
    )
    lake.build(MODEL)
    moved = profile("P", "ann@example.com", country="Canada", first_name="Ann", last_name="Wong")
    lake.given("klaviyo.profiles", [moved, profile("Q")])
    lake.build(MODEL)
    lake.expect(
        MODEL,
        [
            {
                "profile_id": "P",
                "email": "ann@example.com",
                "first_name": "Ann",
                "last_name": "Wong",
                "country": "Canada",
                "created_at": at("2026-01-02"),
            },
            {
                "profile_id": "Q",
                "email": None,
                "first_name": None,
                "last_name": None,
                "country": None,
                "created_at": at("2026-01-02"),
            },
        ],
    )


@pytest.mark.parametrize(
    ("written", "compared"),
    [(" Ann@Example.COM", "ann@example.com"), ("", None), (" ", None), (None, None)],
)
def test_addresses_are_kept_as_they_are_compared(lake, written, compared):
    lake.given("klaviyo.profiles", [profile("P", written)])
    lake.build(MODEL)
    lake.expect(MODEL, [{"profile_id": "P", "email": compared}])
