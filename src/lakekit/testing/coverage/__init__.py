"""How much of the models the tests exercise: which of them, which columns, which branches of their SQL.

Importing this costs next to nothing: what reads SQL is imported when a statement is first measured.
"""

from .recorder import Coverage
from .report import html, text

__all__ = ["Coverage", "html", "text"]
