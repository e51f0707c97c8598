"""Where a finding is, in the words that reports, comments and baselines share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .findings import Finding


def shown(path: str) -> str:
    """``path`` as people read it: relative to the working directory where it is below, with '/' between folders."""
    here = os.path.join(os.getcwd(), "")  # pathlib is a tenth of a run
    return path.removeprefix(here).replace(os.sep, "/")


def of_whole_file(finding: Finding) -> bool:
    """Whether the finding has no place of its own: an empty span where the file begins."""
    return finding[1:5] == (1, 1, 1, 1)


def last_line(finding: Finding) -> int:
    """The last line that the finding has a character on: a line's own end is still that line."""
    line, end, column = finding.line, finding.end_line, finding.end_column
    return end - 1 if column == 1 and end > line else end
