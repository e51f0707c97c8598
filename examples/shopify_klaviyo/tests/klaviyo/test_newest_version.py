"""Klaviyo's core: of each key the newest version stands."""

import pytest

from newest_version import NewestVersion, Version

MODELS = [
    Version(
        "int_klaviyo__profiles",
        "stg_klaviyo__profiles",
        {"profile_id": "P"},
        "updated_at",
        {"first_name": "Ann"},
        {"first_name": "Anna"},
    ),
    Version(
        "int_klaviyo__events",
        "stg_klaviyo__events",
        {"event_id": "E"},
        "event_at",
        {"profile_id": "P"},
        {"profile_id": "Q"},
    ),
    Version(
        "int_klaviyo__campaigns",
        "stg_klaviyo__campaigns",
        {"campaign_id": "C"},
        "updated_at",
        {"name": "Spring"},
        {"name": "Summer"},
    ),
    Version(
        "int_klaviyo__flows",
        "stg_klaviyo__flows",
        {"flow_id": "F"},
        "updated_at",
        {"name": "Welcome"},
        {"name": "Hello"},
    ),
]


@pytest.mark.parametrize("of", MODELS, ids=lambda of: of.model)
class TestKlaviyo(NewestVersion):
    pass
