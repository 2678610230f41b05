"""Named random streams: chance that one component draws never shifts another's."""

from __future__ import annotations

from hashlib import blake2b

_MASK = (1 << 64) - 1


def mix(value: int) -> int:
    """A 64-bit integer hash (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


class Chance:
    """All random streams of a world: the value number ``n`` of a stream is one hash of (seed, stream, n)."""

    __slots__ = ("_bases", "_counters", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._counters: dict[str, int] = {}
        self._bases: dict[str, int] = {}

    def draw(self, stream: str, bound: int) -> int:
        """The next value of a stream, in ``[0, bound)``."""
        count = self._counters.get(stream, 0) + 1
        self._counters[stream] = count
        base = self._bases.get(stream)
        if base is None:
            digest = blake2b(f"{self.seed}/{stream}".encode(), digest_size=8).digest()
            base = self._bases[stream] = int.from_bytes(digest, "big")
        return mix((base + count * 0x9E3779B97F4A7C15) & _MASK) % bound

    def copy(self) -> Chance:
        """Streams that go on from the same values (the bases follow from the seed, so they are shared)."""
        new = Chance.__new__(Chance)
        new.seed, new._counters, new._bases = self.seed, self._counters.copy(), self._bases
        return new
