"""The part of a CNI plugin's agent that enforces NetworkPolicies: it watches them, Pods and Namespaces, and programs the
kernel of its own node. While it is away, the kernel goes on with what it was told last.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.kernel import Netlink
from k8s_tutor.node.netpol.compiled import cast, guards, is_enforceable, known
from k8s_tutor.node.netpol.guards import Guards
from k8s_tutor.sim import MS, Body, Context

REFRESH = 100 * MS
"""How long an agent collects changes before it programs its kernel."""
WATCHED = ("NetworkPolicy", "Pod", "Namespace")


class EnforcerConfig(Access, kw_only=True):
    """An agent, its node, and the process that stands for the node's kernel."""

    node: str
    kernel: str


class EnforcePolicies(Body):
    """The agent's own timer: program the kernel."""


class Enforcer(Component):
    """Base of the agents that enforce NetworkPolicies. Subclasses call these methods from their own of the same name.
    ``PLACE``: where the plugin enforces, as a packet walk names it."""

    config: Any
    """An `EnforcerConfig`, or the configuration of an agent that has the same fields."""
    PLACE = ""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.policies, self.pods, self.namespaces = Informer("NetworkPolicy"), Informer("Pod"), Informer("Namespace")
        self.told: Guards | None = None
        """What this life of the agent has told the kernel."""
        self.collecting = False

    def ready(self, ctx: Context) -> None:
        ctx.after(0, EnforcePolicies())

    def changed(self, ctx: Context, change: Change) -> None:
        matters = change.kind in WATCHED and (change.kind == "NetworkPolicy" or self.policies.objects)
        if matters and self.synced and not self.collecting:
            self.collecting = True
            ctx.after(REFRESH, EnforcePolicies())

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, EnforcePolicies):
            self.collecting = False
            self.enforce(ctx)

    def enforce(self, ctx: Context) -> None:
        """Tells the kernel what to enforce, if that is not what it was told last."""
        local = [known(pod) for pod in self.pods if pod.spec.nodeName == self.config.node and is_enforceable(pod)]
        wanted = Guards(guards(self.policies, cast(self.namespaces, self.pods), local, self.PLACE))
        if wanted != self.told:
            if wanted.guards or self.told is not None:
                ctx.decide()
                ctx.note("netpol.programmed", node=self.config.node, pods=len(wanted.guards), policies=len(self.policies))
            self.told = wanted
            ctx.stream(self.config.kernel, Netlink((wanted,)))
