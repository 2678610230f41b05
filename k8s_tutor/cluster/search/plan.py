"""A plan: what is done to a cluster, and when. Playing it gives a run that can be saved."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.apply import InputError
from k8s_tutor.cluster.cluster import Cluster
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.views import LampView
from k8s_tutor.raft import Message, MessageType


class Hold(NamedTuple):
    """Delays the first Raft message of a kind that is in flight between two members, by ``by`` µs. When the plan is played it
    becomes a `Delay` of whatever message that is: ids change when anything before them does, this does not."""

    src: str
    dst: str
    kind: MessageType
    by: int


class Move(NamedTuple):
    """Something is done at an instant (µs), after everything that is delivered at it."""

    at: int
    act: inputs.Input | Hold


class Plan(NamedTuple):
    """``end``: the instant (µs) at which the run is over if nothing has broken by then."""

    spec: ClusterSpec
    moves: tuple[Move, ...]
    end: int


def play(plan: Plan, wanted: str = "", start: Cluster | None = None) -> Cluster:
    """Plays a plan up to the first breach (of ``wanted``, if given), or to its end. ``start``: a cluster of that
    specification that has just come up, of which a copy is used; without it one is booted."""
    cluster = start.fork() if start is not None else Cluster(plan.spec)
    for move in plan.moves:
        if not _run(cluster, move.at, wanted):
            return cluster
        give(cluster, move.act)
    _run(cluster, plan.end, wanted)
    return cluster


def give(cluster: Cluster, act: inputs.Input | Hold) -> bool:
    """Does one thing now, if it means anything now. Says whether it did."""
    given = in_flight(cluster, act) if isinstance(act, Hold) else act
    if given is None:
        return False
    try:
        cluster.give(given)
    except InputError:
        return False
    return True


def in_flight(cluster: Cluster, hold: Hold) -> inputs.Delay | None:
    """The delay of the message that a `Hold` means now, or None."""
    for _, ident, src, dst, body, _, _, _ in cluster.world.flying():
        if src == hold.src and dst == hold.dst and isinstance(body, Message) and body.type is hold.kind:
            return inputs.Delay(ident, hold.by)
    return None


def breach(cluster: Cluster, wanted: str = "") -> LampView | None:
    """The first promise that the run has broken, or whether it has broken ``wanted``."""
    return next((lamp for lamp in cluster.broken() if wanted in ("", lamp.property)), None)


def _run(cluster: Cluster, to: int, wanted: str) -> bool:
    """Runs to an instant (µs). False when a breach came first."""
    step = cluster.timeline.step
    while breach(cluster, wanted) is None:
        if not step(to):
            cluster.advance(to)
            return True
    return False
