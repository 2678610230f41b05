"""Deterministic chance: one integer hash instead of a generator, so that a node's draws never depend on others'."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def mix(value: int) -> int:
    """The finalizer of splitmix64 (Steele, Lea and Flood 2014): every input bit moves every output bit."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def election_timeout(seed: int, node: int, draw: int, election_tick: int) -> int:
    """The ``draw``-th timeout of a node, in ticks, from ``[election_tick, 2 * election_tick - 1]``.

    Randomised so that split votes are rare and soon over (paper, section 5.2).
    """
    return election_tick + mix(mix(mix(seed & _MASK) ^ node) ^ draw) % election_tick
