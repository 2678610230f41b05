"""One seed of the sweep: a storm, the five properties at every step, progress after it, and what its clients saw."""

from __future__ import annotations

import msgspec

from .group import Broken, Figures
from .history import linearizable
from .storm import Storm

TAIL = 60
"""Lines that are told of a run that broke something."""


class Outcome(msgspec.Struct, frozen=True):
    """What came out of one seed. ``breach`` is empty when everything held; ``undecided``: the history of the clients was too
    long to be judged; ``told`` is the end of the run in words, when it was asked for."""

    seed: int
    figures: Figures
    breach: str = ""
    undecided: bool = False
    told: tuple[str, ...] = ()


def run_seed(seed: int, variant: str = "raft", tell: bool = False) -> Outcome:
    """Plays one seed."""
    storm = Storm(seed, variant)
    group = storm.group
    if tell:
        group.told = []
    breach, verdict = "", None
    try:
        storm.run()
        verdict = linearizable(group.history)
        if verdict is False:
            breach = "linearizability: no order of the clients' reads and writes explains what they saw"
    except Broken as broken:
        breach = str(broken)
    except AssertionError as error:
        breach = f"an assertion of a node's own: {error}"
    told = tuple((group.told or ())[-TAIL:])
    return Outcome(seed, group.figures, breach, not breach and verdict is None, told)


__all__ = ["Figures", "Outcome", "run_seed"]
