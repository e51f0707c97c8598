"""Chance without a sequence: every draw is a pure function of who asks, so any entity can be made at any time."""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct
from typing import Final

_KEY: Final = Struct("<qq")
_WORDS: Final = Struct("<16I")
_SCALE: Final = 2.0**-32
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Chance:
    """Draws of one shop: sixteen numbers in [0, 1) for each (kind, index).

    Counter-based: BLAKE2b keyed by the seed over the index, personalised by the kind; a microsecond a call.
    """

    __slots__ = ("_seed",)

    def __init__(self, seed: int) -> None:
        self._seed = seed % 2**63

    def draws(self, kind: bytes, index: int) -> tuple[float, ...]:
        """``kind`` has at most 16 bytes."""
        words = _WORDS.unpack(blake2b(_KEY.pack(self._seed, index), person=kind).digest())
        return tuple([word * _SCALE for word in words])

    def token(self, kind: bytes, index: int, length: int) -> str:
        """An opaque id of ``length`` (at most 32) characters."""
        digest = blake2b(_KEY.pack(self._seed, index), person=kind, digest_size=32).digest()
        return "".join([_ALPHABET[byte & 31] for byte in digest[:length]])
