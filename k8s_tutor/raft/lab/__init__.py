"""Raft under test: a group of nodes in a network where everything goes wrong, all from one seed, checked at every step.

Pure as the rest of Raft: no clock, no global chance. `sweep.run_seed` plays one seed; `history` checks what clients have seen.
"""

from .group import Broken, Group
from .history import Operation, linearizable
from .storm import Storm
from .sweep import Figures, Outcome, run_seed

__all__ = ["Broken", "Figures", "Group", "Operation", "Outcome", "Storm", "linearizable", "run_seed"]
