"""Raft as a pure state machine: no I/O, no clock, no global chance. `RaftNode` is the door.

The order in which to read it: `types` (the values), `quorum` (the arithmetic), `log` and `progress` (the two books
that are kept), `core` (the Ready loop), then the state machine from the ground up: `replication`, `reads`,
`election`, `node`.
"""

from .core import Status
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
    ReadState,
    Ready,
    Refusal,
    Role,
    Snapshot,
)

__all__ = [
    "NOBODY",
    "Ballot",
    "Config",
    "Entry",
    "EntryType",
    "HardState",
    "Message",
    "MessageType",
    "Progress",
    "ProgressState",
    "ProposalDropped",
    "RaftNode",
    "ReadState",
    "Ready",
    "Refusal",
    "Role",
    "Snapshot",
    "Status",
    "quorum",
    "tolerates",
]
