"""What a kernel knows of NetworkPolicies: for each pod of its machine who may send to it and to whom it may send.

Selectors are addresses here, as an agent has resolved them; so a kernel whose agent is behind goes by old addresses.
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.node.addresses import within
from k8s_tutor.sim import Body

INGRESS, EGRESS = "ingress", "egress"


class Block(Body):
    """An ``ipBlock``: a range without the ranges of ``apart``."""

    cidr: str
    apart: tuple[str, ...] = ()


class Ports(Body):
    """Ports of a protocol (lower case), from ``first`` to ``last``; ``first`` 0: all of them."""

    protocol: str
    first: int = 0
    last: int = 0


class Allow(Body):
    """One rule of a policy. ``rule``: its index. ``anybody``: it names no peers. Without ``ports`` it is about all of them."""

    policy: str
    rule: int
    anybody: bool = False
    addresses: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    ports: tuple[Ports, ...] = ()

    def fits(self, peer: str, port: int, protocol: str) -> bool:
        """Whether the rule lets this through."""
        return self._reaches(peer) and (not self.ports or any(_covers(one, port, protocol) for one in self.ports))

    def _reaches(self, peer: str) -> bool:
        return (
            self.anybody
            or peer in self.addresses
            or any(within(peer, one.cidr) and not any(within(peer, part) for part in one.apart) for one in self.blocks)
        )


class Side(Body):
    """One direction of a pod that is isolated in it: by which policies, and what they allow together."""

    policies: tuple[str, ...]
    allows: tuple[Allow, ...] = ()


class Guard(Body):
    """What is enforced for one address. A direction that is None is open. ``place``: where the plugin does it, in its words."""

    address: str
    pod: str
    ingress: Side | None = None
    egress: Side | None = None
    place: str = ""


class Guards(Body):
    """All guards of a machine: they take the place of those that were there."""

    guards: tuple[Guard, ...]


class Ruling(NamedTuple):
    """Whether a packet may pass in one direction, by which policy (empty: by the default) and which of its rules, and why."""

    allowed: bool
    direction: str
    pod: str
    policy: str = ""
    rule: int = -1
    why: str = ""


def judge(guard: Guard | None, direction: str, peer: str, port: int, protocol: str = "tcp") -> Ruling:
    """Whether the pod of a guard may send to ``peer`` (`EGRESS`) or receive from it (`INGRESS`); ``port``: the receiver's."""
    side = None if guard is None else guard.ingress if direction == INGRESS else guard.egress
    if guard is None or side is None:
        pod = guard.pod if guard is not None else ""
        return Ruling(True, direction, pod, why=f"no NetworkPolicy isolates it for {direction}")
    for allow in side.allows:
        if allow.fits(peer, port, protocol):
            why = f"allowed by {allow.policy}, {direction} rule {allow.rule + 1}"
            return Ruling(True, direction, guard.pod, allow.policy, allow.rule, why)
    names = ", ".join(side.policies)
    why = f"isolated for {direction} by {names}, and no rule allows {peer} on {port}/{protocol.upper()}"
    return Ruling(False, direction, guard.pod, side.policies[0], -1, why)


def _covers(ports: Ports, port: int, protocol: str) -> bool:
    return ports.protocol == protocol and (not ports.first or ports.first <= port <= ports.last)
