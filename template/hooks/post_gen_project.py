"""Takes out what was not asked for: the template is the whole project. Refuses what would be no project at all."""

import re
import shutil
import sys
from pathlib import Path
from zoneinfo import available_timezones

NAME = "{{ cookiecutter.name }}"
ZONE = "{{ cookiecutter.shop_timezone }}"

# What is there for a source alone, and for both of them.
NEEDS = {
    "shopify": [
        "**/shopify",
        "orchestration/assets/marts/_marts*.yml",
        "orchestration/macros/money.sql",
        "orchestration/tests/*orders*.sql",
        "**/*daily_sales*",
        "**/*product*",
        "**/*customer*",
        "**/*cohort*",
        "**/*email_attribution*",
        "orchestration/tests/attribution*.sql",
        "tests/shop.py",
        "**/*the_whole_shop*",
    ],
    "klaviyo": [
        "**/klaviyo",
        "**/*email*",
        "orchestration/tests/attribution*.sql",
        "orchestration/tests/engagement*.sql",
        "tests/mailing.py",
        "**/*the_whole_mailing*",
    ],
    "github": [".github"],
}
ASKED = {
    "shopify": "{{ cookiecutter.sources }}" != "klaviyo",
    "klaviyo": "{{ cookiecutter.sources }}" != "shopify",
    "github": "{{ cookiecutter.ci }}" == "github",
}

# `lakekit new` has asked this before it began.
if not re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", NAME):
    sys.exit(f"'{NAME}' can name no project: it is a letter, then letters, digits, '-', '_' and '.'.")
if ZONE not in available_timezones():
    sys.exit(f"'{ZONE}' is no time zone; they are named like Europe/Berlin.")

for what, patterns in NEEDS.items():
    if ASKED[what]:
        continue
    for path in [path for pattern in patterns for path in Path().glob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
