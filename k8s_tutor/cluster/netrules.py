"""The three rules of the network of Kubernetes, tested at this moment by walks over pairs that send nothing.

Source: kubernetes.io/docs/concepts/services-networking, "The Kubernetes network model". Segmentation by NetworkPolicies is
wanted and breaks no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from k8s_tutor.cluster.walking import End, Objects, Walker, own_address, shims, short
from k8s_tutor.cluster.walkviews import RuleView
from k8s_tutor.node.datapath import DELIVERED
from k8s_tutor.node.kernel import HOST
from k8s_tutor.sim import World

MOST_PAIRS = 200
"""More pairs than this are sampled, evenly."""
SHOWN = 8
PODS, NODES, SELF = "pods reach pods", "nodes reach pods", "one address for all"
PROMISES = {
    PODS: "Every pod reaches every other pod, on whatever node, without address translation.",
    NODES: "Every node reaches every pod without address translation, and every pod every node.",
    SELF: "The address that a pod sees as its own is the one by which all others see it.",
}
Test = tuple[str, str, str]
"""From, to, and how it failed: empty: it did not; `SHUT`: a policy has stopped it."""
SHUT = "shut"


class _Pod(NamedTuple):
    """A pod with a network namespace of its own: its end, and the address that the API server tells."""

    end: End
    told: str


class Rules:
    """Tests the rules; what was found is kept for each pair until a machine that it came through has changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, End, End, str], tuple[tuple[tuple[int, int], ...], str]] = {}
        self._fabric: tuple[Any, ...] = ()
        """Cut cables and machines that were up at the last look."""

    def look(self, world: World, objects: Objects) -> tuple[RuleView, ...]:
        """The rules, as they are kept now."""
        walker = Walker(world, objects)
        stamps = {number: kernel.changes for number, kernel in walker.kernels.items()}
        pods, nodes = list(_pods(walker)), list(_nodes(walker))
        fabric = (tuple(world.network.cuts), tuple(walker.kernels))
        before, self._known = (self._known if fabric == self._fabric else {}), {}
        self._fabric = fabric

        def tested(kind: str, one: End, other: End, told: str, make: Callable[[], tuple[str, tuple[int, ...]]]) -> Test:
            key = (kind, one, other, told)
            known = before.get(key)
            if known is None or any(stamps.get(number) != stamp for number, stamp in known[0]):
                failed, machines = make()
                known = tuple((number, stamps.get(number, -1)) for number in machines), failed
            self._known[key] = known
            return one.name, other.name, known[1]

        ways = [(one, other) for one, other in _sampled(len(pods), len(pods), True)]
        passed = [
            tested(PODS, pods[a].end, pods[b].end, "", lambda a=a, b=b: _plain(walker, pods[a].end, pods[b].end))  # type: ignore[misc]
            for a, b in ways
        ]
        ends = [(nodes[a], pods[b].end) for a, b in _sampled(len(nodes), len(pods), False)]
        both = [pair for one, other in ends for pair in ((one, other), (other, one))]
        reached = [
            tested(NODES, one, other, "", lambda one=one, other=other: _plain(walker, one, other))  # type: ignore[misc]
            for one, other in both
        ]
        same = [
            tested(SELF, pods[a].end, pods[b].end, pods[a].told, lambda a=a, b=b: _same(walker, pods[a], pods[b].end))  # type: ignore[misc]
            for a, b in _neighbours(len(pods))
        ]
        return _rule(PODS, passed), _rule(NODES, reached), _rule(SELF, same)


def _rule(name: str, tests: list[Test]) -> RuleView:
    broken = [test for test in tests if test[2] and test[2] != SHUT]
    sentence = f"{broken[0][0]} → {broken[0][1]}: {broken[0][2]}" if broken else ""
    return RuleView(
        name=name, promise=PROMISES[name], ok=not broken, tested=len(tests), shut=sum(test[2] == SHUT for test in tests),
        broken=tuple((one, other) for one, other, _ in broken[:SHOWN]), sentence=sentence,
    )  # fmt: skip


def _pods(walker: Walker) -> Iterator[_Pod]:
    """The pods that run, as kernels and the API server know them."""
    for machine in sorted(walker.kernels):
        kernel = walker.kernels[machine]
        for netns in sorted(kernel.namespaces, key=kernel.namespaces.__getitem__):
            name, own = kernel.namespaces[netns], own_address(kernel, netns)
            told = walker.objects["Pod"].get(name, {}).get("status", {}).get("podIP", "")
            if own and told:
                yield _Pod(End(short(name), own, machine, netns), told)


def _nodes(walker: Walker) -> Iterator[End]:
    for machine in sorted(walker.kernels):
        kernel = walker.kernels[machine]
        if kernel.node.startswith("node-"):
            yield End(kernel.node, kernel.address, machine)


def _plain(walker: Walker, one: End, other: End) -> tuple[str, tuple[int, ...]]:
    """How a packet from one end fails to reach the other with the addresses that it had; and which machines it saw. To what
    is no pod a plugin may lend a pod the address of its node."""
    trip = walker.trip(one, other.address, 0, "icmp")
    machines = trip.there.machines + (trip.back.machines if trip.back is not None else ())
    if trip.verdict != DELIVERED:
        way = trip.back if trip.back is not None else trip.there
        last = way.hops[-1]
        return (SHUT if last.rule.startswith("NetworkPolicy") else last.what), machines
    arrived, lent = trip.there.packet, one.netns != HOST and other.netns == HOST
    if arrived.destination != other.address or (arrived.source != one.address and not lent):
        return f"{one.address} → {other.address} arrives as {arrived.source} → {arrived.destination}", machines
    return "", machines


def _same(walker: Walker, pod: _Pod, other: End) -> tuple[str, tuple[int, ...]]:
    """How the address that a pod has, the one that the API server tells, and the one that another sees differ."""
    own = pod.end.address
    if pod.told != own:
        return f"it has {own}, and the API server says {pod.told}", (pod.end.machine,)
    trip = walker.trip(pod.end, other.address, 0, "icmp")
    if trip.there.verdict == DELIVERED and trip.there.packet.source != own:
        return f"it has {own}, and is seen as {trip.there.packet.source}", trip.there.machines
    return "", trip.there.machines


def _sampled(rows: int, columns: int, distinct: bool) -> Iterator[tuple[int, int]]:
    """All pairs, or `MOST_PAIRS` of them, evenly; ``distinct``: nobody is paired with itself."""
    total = rows * columns
    if not total:
        return
    stride = max(1, -(-total // MOST_PAIRS))
    if stride > 1 and columns % stride == 0:
        stride += 1
    for place in range(0, total, stride):
        one, other = divmod(place, columns)
        if not distinct or one != other:
            yield one, other


def _neighbours(count: int) -> Iterator[tuple[int, int]]:
    """Each with the next; of many, every so manieth."""
    for one in range(0, count, max(1, -(-count // MOST_PAIRS))):
        yield one, (one + 1) % count


def key(world: World, pods: Any) -> tuple[Any, ...]:
    """Equal while nothing that the rules read can have changed."""
    network = world.network
    kernels = tuple((name, shim.kernel.changes) for name, shim in shims(world).items())
    return world, kernels, tuple(network.cuts), tuple(world.dead_hosts), tuple(world.down), pods
