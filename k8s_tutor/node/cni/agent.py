"""The agent of a network plugin on one node: what all of them do.

An agent watches the Nodes at the API server, tells the others there what they must know of it, and writes devices and routes
into the kernel of its own node only. When it has done so for the first time it puts the plugin's configuration where the
runtime looks for it (``/etc/cni/net.d``); until then the node has no network.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.addresses import dotted, subnet, within
from k8s_tutor.node.kernel import Entry, Netlink, changes
from k8s_tutor.node.netpol.agent import WATCHED, Enforcer
from k8s_tutor.node.underlay import PREFIX
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Context, Reply, State

RETRY = 1 * SECOND
MERGE = "application/merge-patch+json"


class AgentConfig(Access, kw_only=True):
    """An agent: its node and that one's own address, the processes that stand for kernel, runtime and plugin, the range that
    the node has for pods, and how the plugin is set up (`mode`, `mtu`: see `options`). ``ips``: of a VPC: how many addresses
    an interface of this machine has, ``enis``: how many interfaces it may have, ``block``: its addresses there."""

    node: str
    address: str
    kernel: str
    runtime: str
    plugin: str
    pod_cidr: str = ""
    mode: str = ""
    mtu: int = 1450
    enis: int = 0
    ips: int = 0
    block: tuple[int, int] = (0, 0)
    peers: tuple[tuple[str, str], ...] = ()
    """(node, its agent), for agents that talk to each other."""


class Peer(NamedTuple):
    """What a Node tells of another machine: its own address, its range for pods, its annotations."""

    name: str
    address: str
    pod_cidr: str
    notes: tuple[tuple[str, str], ...]

    def note(self, key: str) -> str:
        """An annotation, or an empty text."""
        return dict(self.notes).get(key, "")


class Allocate(Body):
    """The plugin wants an address for a sandbox."""

    container: str
    pod: str


class Allocated(Body):
    """The address that a sandbox has got, its gateway if it has one on the node, and the routing table for what it sends."""

    address: str
    gateway: str = ""
    table: str = ""


class NoAddress(Body):
    """There is none; in the plugin's words."""

    msg: str


class Release(Body):
    """A sandbox is gone: its address is free."""

    container: str


class Released(Body):
    """The answer to `Release`: the address that is free now, or an empty text."""

    address: str = ""


class AgentUp(Body):
    """From an agent to its plugin: it takes requests, and its files are there."""


class NetworkConfigured(Body):
    """From an agent to the runtime: the configuration of the plugin lies where you look for it."""

    plugin: str


class Again(Body):
    """The agent's own timer: the kernel has lost everything, or a write to the API has failed; do it again."""

    what: str


class AgentDisk(State):
    """What an agent has written down on its node."""

    def __init__(self) -> None:
        self.leases: dict[str, str] = {}
        """Address → id of the sandbox."""
        self.ranges: tuple[str, ...] = ()
        """Ranges of addresses that are this node's."""


class Agent(Component):
    """An agent. Config: `AgentConfig`; disk: `AgentDisk`."""

    config: AgentConfig
    disk: AgentDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else AgentDisk())
        self.nodes = Informer("Node")
        self.peers: tuple[Peer, ...] = ()
        """The other nodes, as they were last looked at."""
        self.written: tuple[Entry, ...] = ()
        """What it has written into the kernel."""
        self.waiting: dict[str, tuple[str, int, Allocate]] = {}
        """Sandbox → (client, call, request) of those who wait for an address."""
        self.configured = False
        """Whether the runtime has been told."""

    @property
    def agent(self) -> str:
        return self.name.rstrip("0123456789").rstrip("-")

    # ------------------------------------------------------------------ for the plugins

    def facts(self) -> dict[str, str] | None:
        """What this agent writes onto its Node as annotations; None: it does not know yet."""
        return {}

    def wanted(self) -> tuple[Entry, ...] | None:
        """What the kernel shall have; None: not known yet."""
        raise NotImplementedError

    def allocate(self, ctx: Context, asked: Allocate) -> Allocated | NoAddress | None:
        """An address for a sandbox. None: not yet; `serve` asks again."""
        raise NotImplementedError

    def release(self, ctx: Context, container: str) -> str:
        """Takes the address of a sandbox back. Returns it, or an empty text."""
        found = next((address for address, owner in self.disk.leases.items() if owner == container), "")
        self.disk.leases.pop(found, None)
        return found

    def lease(self, cidr: str, container: str, first: int = 0) -> str:
        """The address of a sandbox, or the first free one of a range from its ``first`` on; an empty text when it is full."""
        held = next((address for address, owner in self.disk.leases.items() if owner == container), "")
        if held:
            return held
        base, size, _ = subnet(cidr)
        for offset in range(first, size):
            address = dotted(base + offset)
            if address not in self.disk.leases:
                self.disk.leases[address] = container
                return address
        return ""

    def heard(self, ctx: Context, src: str, body: Any) -> None:
        """Called for messages of other agents and own timers."""

    # ------------------------------------------------------------------ what they all do

    @property
    def plugin_process(self) -> str:
        """The plugin beside it."""
        return "cni-" + self.config.kernel.removeprefix("shim-")

    def ready(self, ctx: Context) -> None:
        self.look(ctx)
        self.tell(ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        if self.synced:
            self.look(ctx)

    def look(self, ctx: Context) -> None:
        """Looks at what it knows, and writes what has changed into the kernel."""
        self.peers = tuple(_peer(node) for node in self.nodes if node.metadata.name != self.config.node)
        self.program(ctx)
        if self.waiting:
            self.serve(ctx)

    def program(self, ctx: Context) -> None:
        """Writes what has changed into the kernel, and the first time tells the runtime."""
        wanted = self.wanted()
        if wanted is None:
            return
        if wanted != self.written:
            change = changes(self.written, wanted)
            self.written = wanted
            routes = sum(1 for entry in wanted if entry.__class__.__name__ == "Route")
            ctx.note("cni.agent", node=self.config.node, plugin=self.config.plugin, routes=routes)
            if change.new or change.gone:
                ctx.stream(self.config.kernel, change)
        if not self.configured:
            self.configured = True
            ctx.decide()
            ctx.stream(self.plugin_process, AgentUp())
            ctx.stream(self.config.runtime, NetworkConfigured(self.config.plugin))

    def tell(self, ctx: Context) -> None:
        """Writes the facts of this node onto its Node."""
        facts, own = self.facts(), self.nodes.get(None, self.config.node)
        if not facts or own is None:
            if facts:
                ctx.after(RETRY, Again("tell"), work=False)
            return
        known = own.metadata.annotations or {}
        if any(known.get(key) != value for key, value in facts.items()):
            ctx.decide()
            path = f"/api/v1/nodes/{self.config.node}"
            self.request(ctx, "PATCH", path, {"metadata": {"annotations": facts}}, "_told", content_type=MERGE)

    def _told(self, ctx: Context, answer: Response | CallFailed) -> None:
        if not isinstance(answer, Response) or answer.code != 200:
            ctx.after(RETRY, Again("tell"), work=False)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call) and isinstance(body.body, Allocate):
            self.waiting[body.body.container] = (src, body.id, body.body)
            self.serve(ctx)
        elif isinstance(body, Call) and isinstance(body.body, Release):
            ctx.reply(src, Reply(body.id, Released(self.release(ctx, body.body.container))))
        elif isinstance(body, Again):
            self._again(ctx, body.what)
        else:
            self.heard(ctx, src, body)

    def serve(self, ctx: Context) -> None:
        """Answers those who wait for an address, as far as it can."""
        for container, (client, call, asked) in list(self.waiting.items()):
            answer = self.allocate(ctx, asked)
            if answer is not None:
                del self.waiting[container]
                ctx.reply(client, Reply(call, answer))

    def _again(self, ctx: Context, what: str) -> None:
        if what == "kernel":
            ctx.stream(self.config.kernel, Netlink(self.written))
        elif what == "plugin":
            ctx.stream(self.plugin_process, AgentUp())
        elif what == "tell":
            self.tell(ctx)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.kernel and reason == "reset" and self.written:
            ctx.after(RETRY, Again("kernel"), work=False)
        elif peer == self.plugin_process and self.configured:
            ctx.after(RETRY, Again("plugin"), work=False)


class PolicyAgent(Agent, Enforcer):
    """An agent that enforces NetworkPolicies as well."""

    def ready(self, ctx: Context) -> None:
        Agent.ready(self, ctx)
        Enforcer.ready(self, ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind not in WATCHED:
            Agent.changed(self, ctx, change)
        Enforcer.changed(self, ctx, change)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        Agent.event(self, ctx, src, body)
        Enforcer.event(self, ctx, src, body)

    def _again(self, ctx: Context, what: str) -> None:
        super()._again(ctx, what)
        if what == "kernel":
            self.told = None
            self.enforce(ctx)


def neighbours(one: str, other: str) -> bool:
    """Whether two machines are in the same subnet."""
    return within(one, f"{other}/{PREFIX}")


def _peer(node: Any) -> Peer:
    addresses = (node.status and node.status.addresses) or ()
    own = next((one.address for one in addresses if one.type == "InternalIP"), "")
    notes = tuple(sorted((node.metadata.annotations or {}).items()))
    return Peer(node.metadata.name, own, (node.spec and node.spec.podCIDR) or "", notes)
