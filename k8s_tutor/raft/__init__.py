"""Raft as a pure state machine: no I/O, no clock, no global chance. `RaftNode` is the door.

The order in which to read it: `types` (the values), `quorum` and `membership` (the arithmetic), `log` and `progress`
(the two books that are kept), `core` (the Ready loop), then the state machine from the ground up, each a layer on the one
before: `replication`, `snapshots`, `reads`, `election`, `reconfiguration`, `transfer`, `node`. Beside it stand `naive` and
`twins`, the deliberately wrong ones (`variants` chooses), and `invariants`, the five safety properties as a live check.
"""

from .core import Status
from .invariants import Breach, Invariants, Property
from .membership import ConfChange, Membership
from .naive import NaiveNode
from .node import RaftNode
from .progress import Progress, ProgressState
from .quorum import quorum, tolerates
from .types import (
    NOBODY,
    Ballot,
    Config,
    Entry,
    EntryType,
    HardState,
    Message,
    MessageType,
    ProposalDropped,
    ReadOnly,
    ReadState,
    Ready,
    Refusal,
    Role,
    Snapshot,
)
from .variants import BROKEN_RULES, Node, make_node, sends_first

__all__ = [
    "BROKEN_RULES",
    "NOBODY",
    "Ballot",
    "Breach",
    "ConfChange",
    "Config",
    "Entry",
    "EntryType",
    "HardState",
    "Invariants",
    "Membership",
    "Message",
    "MessageType",
    "NaiveNode",
    "Node",
    "Progress",
    "ProgressState",
    "Property",
    "ProposalDropped",
    "RaftNode",
    "ReadOnly",
    "ReadState",
    "Ready",
    "Refusal",
    "Role",
    "Snapshot",
    "Status",
    "make_node",
    "quorum",
    "sends_first",
    "tolerates",
]
