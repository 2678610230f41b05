"""From NetworkPolicies, Namespaces and Pods to guards, and the verdict on one packet: pure functions over typed objects.

Source: api/networking/v1/types.go and the concept page of NetworkPolicy. A pod is isolated in a direction as soon as one policy
selects it for that direction; what any of them allows is allowed; there are no rules that deny. Pods of the host's network
are the node: they have no guard, and selectors do not find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.api.selectors import EVERYTHING, Selector, from_object
from k8s_tutor.node.netpol.guards import EGRESS, INGRESS, Allow, Block, Guard, Ports, Ruling, Side, judge


class Known(NamedTuple):
    """A pod as policies see it. ``ports``: (name, protocol) → number."""

    key: str
    namespace: str
    address: str
    labels: Mapping[str, str]
    ports: Mapping[tuple[str, str], int]


class Cast(NamedTuple):
    """Everybody whom selectors may find: pods, and the labels of each namespace."""

    pods: tuple[Known, ...]
    namespaces: Mapping[str, Mapping[str, str]]


def cast(namespaces: Iterable[Any], pods: Iterable[Any]) -> Cast:
    """Everybody with an address of their own who has not ended."""
    return Cast(
        tuple(known(pod) for pod in pods if is_enforceable(pod)), {one.metadata.name: _labels(one) for one in namespaces}
    )


def guards(policies: Iterable[Any], crowd: Cast, local: Iterable[Known], place: str = "") -> tuple[Guard, ...]:
    """What must be enforced for the pods ``local``; a pod that no policy selects has no guard."""
    listed = sorted(policies, key=_key)
    found = [_guard(listed, crowd, pod, place) for pod in local]
    return tuple(guard for guard in found if guard.ingress is not None or guard.egress is not None)


def verdict(
    policies: Iterable[Any], namespaces: Iterable[Any], pods: Iterable[Any], source: str, destination: str, port: int,
    protocol: str = "tcp", answer: bool = False,
) -> Ruling:  # fmt: skip
    """Whether policies let a packet pass from one address to another: the sender's egress, then the receiver's ingress. An
    ``answer`` always passes, and so does what a pod sends to itself."""
    if answer or source == destination:
        why = "it belongs to a connection that was allowed" if answer else "a pod always reaches itself"
        return Ruling(True, EGRESS, "", why=why)
    crowd, listed = cast(namespaces, pods), list(policies)
    ends = [one for one in crowd.pods if one.address in (source, destination)]
    found = {guard.address: guard for guard in guards(listed, crowd, ends)}
    out = judge(found.get(source), EGRESS, destination, port, protocol)
    if not out.allowed:
        return out
    arrival = judge(found.get(destination), INGRESS, source, port, protocol)
    return out if arrival.allowed and not arrival.policy and out.policy else arrival


def known(pod: Any) -> Known:
    """A pod as policies see it."""
    ports = {
        (port.name, (port.protocol or "TCP").lower()): port.containerPort
        for container in (*(pod.spec.initContainers or ()), *pod.spec.containers)
        for port in container.ports or ()
        if port.name
    }
    return Known(_key(pod), pod.metadata.namespace, pod.status.podIP, _labels(pod), ports)


def is_enforceable(pod: Any) -> bool:
    """Whether policies are about a pod: it has an address of its own, and has not ended."""
    status = pod.status
    return bool(status and status.podIP) and not pod.spec.hostNetwork and status.phase not in ("Succeeded", "Failed")


# ---------------------------------------------------------------------- one pod


def _guard(policies: list[Any], crowd: Cast, pod: Known, place: str) -> Guard:
    selecting = [
        one
        for one in policies
        if one.metadata.namespace == pod.namespace and _selector(one.spec.podSelector).matches(pod.labels)
    ]
    return Guard(pod.address, pod.key, _side(selecting, crowd, pod, INGRESS), _side(selecting, crowd, pod, EGRESS), place)


def _side(policies: list[Any], crowd: Cast, pod: Known, direction: str) -> Side | None:
    isolating = [one for one in policies if direction.capitalize() in _types(one.spec)]
    if not isolating:
        return None
    allows = [allow for one in isolating for allow in _allows(one, crowd, pod, direction)]
    return Side(tuple(_key(one) for one in isolating), tuple(allows))


def _types(spec: Any) -> tuple[str, ...]:
    """The directions that a policy is about; as the API server completes it."""
    return tuple(spec.policyTypes or (("Ingress", "Egress") if spec.egress else ("Ingress",)))


def _allows(policy: Any, crowd: Cast, pod: Known, direction: str) -> list[Allow]:
    rules = (policy.spec.ingress if direction == INGRESS else policy.spec.egress) or ()
    found: list[Allow] = []
    for index, rule in enumerate(rules):
        peers = (rule.from_ if direction == INGRESS else rule.to) or ()
        addresses = dict.fromkeys(one.address for peer in peers for one in _selected(peer, crowd, pod.namespace))
        blocks = [Block(peer.ipBlock.cidr, tuple(peer.ipBlock.except_ or ())) for peer in peers if peer.ipBlock is not None]
        plain = Allow(_key(policy), index, not peers, tuple(addresses), tuple(blocks))
        found += _ported(plain, rule.ports or (), crowd, pod, direction)
    return found


def _selected(peer: Any, crowd: Cast, home: str) -> list[Known]:
    """The pods that a peer means: of its own namespace, unless a selector names others."""
    if peer.ipBlock is not None:
        return []
    chosen = _selector(peer.podSelector) if peer.podSelector is not None else EVERYTHING
    spaces = _selector(peer.namespaceSelector) if peer.namespaceSelector is not None else None
    return [
        one
        for one in crowd.pods
        if (one.namespace == home if spaces is None else spaces.matches(crowd.namespaces.get(one.namespace)))
        and chosen.matches(one.labels)
    ]


def _ported(allow: Allow, ports: Iterable[Any], crowd: Cast, pod: Known, direction: str) -> list[Allow]:
    """A rule with its ports. A name is the receiver's: of the pod itself for ingress, of each peer for egress."""
    listed = list(ports)
    if not listed:
        return [allow]
    numbers: list[Ports] = []
    named: list[Allow] = []
    for port in listed:
        protocol = (port.protocol or "TCP").lower()
        if port.port is None:
            numbers.append(Ports(protocol))
        elif isinstance(port.port, int):
            numbers.append(Ports(protocol, port.port, port.endPort or port.port))
        elif direction == INGRESS:
            own = pod.ports.get((port.port, protocol))
            numbers += [Ports(protocol, own, own)] if own else []
        else:
            named += _by_number(allow, port.port, protocol, crowd)
    return [*([_with(allow, tuple(numbers))] if numbers else []), *named]


def _by_number(allow: Allow, name: str, protocol: str, crowd: Cast) -> list[Allow]:
    """A rule for a named port of others: one for each number that it has among them."""
    by_number: dict[int, list[str]] = {}
    for one in crowd.pods:
        number = one.ports.get((name, protocol))
        if number and (allow.anybody or one.address in allow.addresses):
            by_number.setdefault(number, []).append(one.address)
    return [
        Allow(allow.policy, allow.rule, False, tuple(by_number[number]), (), (Ports(protocol, number, number),))
        for number in sorted(by_number)
    ]


def _with(allow: Allow, ports: tuple[Ports, ...]) -> Allow:
    return Allow(allow.policy, allow.rule, allow.anybody, allow.addresses, allow.blocks, ports)


def _selector(found: Any) -> Selector:
    return from_object(found) if found is not None else EVERYTHING


def _labels(one: Any) -> Mapping[str, str]:
    return one.metadata.labels or {}


def _key(one: Any) -> str:
    return f"{one.metadata.namespace}/{one.metadata.name}"
