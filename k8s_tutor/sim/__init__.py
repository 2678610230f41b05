"""The deterministic world: virtual time, actors, messages with causes, links, faults, and a timeline that can go back.

Knows nothing of Kubernetes. Start with `World`.
"""

from k8s_tutor.sim.actor import Actor, Panic, State
from k8s_tutor.sim.calls import Call, CallFailed, Calling, Finished, Reply, advance
from k8s_tutor.sim.chance import Chance, mix
from k8s_tutor.sim.context import Context
from k8s_tutor.sim.encode import encode
from k8s_tutor.sim.grow import Grow
from k8s_tutor.sim.message import MS, SECOND, STREAM, TIMER, WORK, Body, Ended, Envelope, Given, Lost, Message, Note, Record
from k8s_tutor.sim.network import Link, Network
from k8s_tutor.sim.timeline import Branch, Stamped, Timeline
from k8s_tutor.sim.world import World

__all__ = [
    "MS",
    "SECOND",
    "STREAM",
    "TIMER",
    "WORK",
    "Actor",
    "Body",
    "Branch",
    "Call",
    "CallFailed",
    "Calling",
    "Chance",
    "Context",
    "Ended",
    "Envelope",
    "Finished",
    "Given",
    "Grow",
    "Link",
    "Lost",
    "Message",
    "Network",
    "Note",
    "Panic",
    "Record",
    "Reply",
    "Stamped",
    "State",
    "Timeline",
    "World",
    "advance",
    "encode",
    "mix",
]
