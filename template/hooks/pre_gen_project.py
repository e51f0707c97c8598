"""Refuses what would make no project; `lakekit new` has asked the same before."""

import re
import sys
from zoneinfo import available_timezones

NAME = "{{ cookiecutter.name }}"
ZONE = "{{ cookiecutter.shop_timezone }}"

if not re.fullmatch(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", NAME):
    sys.exit(f"'{NAME}' can name no project: it is a letter, then letters, digits, '-', '_' and '.'.")
if ZONE not in available_timezones():
    sys.exit(f"'{ZONE}' is no time zone; they are named like Europe/Berlin.")
