"""The CNI plugin of a machine: it joins sandboxes to the network, and takes them out again.

In reality the runtime executes the plugin anew for each call; here it is a process that waits for the next one. ``bridge`` and
``flannel`` give addresses from files (`host_local`), the others ask the agent on their node for one.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.addresses import bare, dotted, subnet
from k8s_tutor.node.cni import bridge, host_local, veth
from k8s_tutor.node.cni.agent import AgentUp, Allocate, Allocated, NoAddress, Release, Released
from k8s_tutor.node.cni.host_local import CniDisk
from k8s_tutor.node.cni.options import CLUSTER_CIDRS, Ways, ways_of
from k8s_tutor.node.cni.wire import CniAdd, CniCheck, CniDel, CniDone, CniError, CniResult
from k8s_tutor.node.kernel import Entry, HasNetwork, Netlink, NetworkThere
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Calling, Context, Reply

TIMEOUT = 30 * SECOND


class CniConfig(Body):
    """The network configuration of one machine: its range of addresses (if it hands them out itself), the plugin, the process
    that stands for the machine's kernel, its agent, and the MTU of pods' devices."""

    subnet: str
    plugin: str = "bridge"
    kernel: str = ""
    agent: str = ""
    mtu: int = 1500


class Cni(Calling):
    """The plugin of one machine. Config: `CniConfig`; disk: `CniDisk`."""

    config: CniConfig
    disk: CniDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else CniDisk())
        self.agent_files = False
        """Whether its agent has left its files since the machine was started."""

    @property
    def ways(self) -> Ways:
        """How this plugin does things."""
        return ways_of(self.config.plugin)

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, AgentUp):
            self.agent_files = True
            for container in self.disk.queue:
                self.ask(ctx, self.config.agent, Release(container), "_queue_done", (container,), TIMEOUT)
        elif isinstance(body, Call) and isinstance(body.body, CniAdd):
            self.add(ctx, src, body.id, body.body)
        elif isinstance(body, Call) and isinstance(body.body, CniDel):
            self.delete(ctx, src, body.id, body.body)
        elif isinstance(body, Call) and isinstance(body.body, CniCheck):
            asked = body.body
            wanted = HasNetwork(asked.container, asked.ifname, bare(asked.previous.ips[0].address))
            self.ask(ctx, self.config.kernel, wanted, "_checked", (src, body.id, asked), TIMEOUT)

    # ------------------------------------------------------------------ ADD

    def add(self, ctx: Context, client: str, call: int, asked: CniAdd) -> None:
        """Gets an address and joins the sandbox to the network."""
        config, ways = self.config, self.ways
        if not ways.local:
            wanted = Allocate(asked.container, f"{asked.namespace}/{asked.pod}")
            self.ask(ctx, config.agent, wanted, "_allocated", (client, call, asked), TIMEOUT)
            return
        if config.agent and not self.agent_files:
            ctx.reply(client, Reply(call, CniError(999, ways.add_error)))
            return
        address = host_local.reserve(self.disk, asked.container, config.subnet)
        if not address:
            ctx.reply(client, Reply(call, CniError(999, host_local.full(config.subnet))))
            return
        base, _, prefix = subnet(config.subnet)
        gateway = f"{dotted(base + 1)}/{prefix}"
        beyond = CLUSTER_CIDRS["flannel"] if config.plugin == "flannel" else ""
        made = bridge.attach(asked, f"{address}/{prefix}", gateway, ways.bridge, config.mtu, beyond=beyond)
        self._joined(ctx, client, call, asked, *made)

    def _allocated(self, ctx: Context, answer: Any, client: str, call: int, asked: CniAdd) -> None:
        """The agent has given an address, or none."""
        config, ways = self.config, self.ways
        if isinstance(answer, NoAddress):
            ctx.reply(client, Reply(call, CniError(999, answer.msg)))
        elif isinstance(answer, CallFailed):
            ctx.reply(client, Reply(call, CniError(999, ways.add_error.replace("{container}", asked.container))))
        elif isinstance(answer, Allocated) and ways.bridge:
            prefix = "vethwepl" if config.plugin == "weave" else "veth"
            made = bridge.attach(asked, answer.address, answer.gateway, ways.bridge, config.mtu, prefix)
            self._joined(ctx, client, call, asked, *made)
        elif isinstance(answer, Allocated):
            self._joined(ctx, client, call, asked, *veth.attach(asked, answer, ways, config.mtu))

    def _joined(
        self, ctx: Context, client: str, call: int, asked: CniAdd, result: CniResult, entries: tuple[Entry, ...]
    ) -> None:  # fmt: skip
        device = next(one.name for one in reversed(result.interfaces) if not one.sandbox)
        pod, address = f"{asked.namespace}/{asked.pod}", bare(result.ips[0].address)
        ctx.note("cni.add", pod=pod, ip=address, plugin=self.config.plugin, device=device)
        self._write(ctx, Netlink(entries))
        ctx.reply(client, Reply(call, result))

    def _checked(self, ctx: Context, answer: Any, client: str, call: int, asked: CniCheck) -> None:
        """CHECK: whether the kernel still has what ADD has made."""
        missing = answer.missing if isinstance(answer, NetworkThere) else "the kernel does not answer"
        ctx.reply(client, Reply(call, CniError(999, missing) if missing else CniDone()))

    # ------------------------------------------------------------------ DEL

    def delete(self, ctx: Context, client: str, call: int, asked: CniDel) -> None:
        """Gives the address of a sandbox back, and closes its namespace."""
        if not self.ways.local:
            self.ask(ctx, self.config.agent, Release(asked.container), "_released", (client, call, asked), TIMEOUT)
            return
        found = host_local.release(self.disk, asked.container)
        self._closed(ctx, client, call, asked, found[0] if found else "")

    def _released(self, ctx: Context, answer: Any, client: str, call: int, asked: CniDel) -> None:
        if isinstance(answer, Released):
            self._closed(ctx, client, call, asked, answer.address)
        elif self.ways.del_error:
            ctx.reply(client, Reply(call, CniError(999, self.ways.del_error.replace("{container}", asked.container))))
        else:
            self.disk.queue[asked.container] = True
            self._closed(ctx, client, call, asked, "")

    def _queue_done(self, ctx: Context, answer: Any, container: str) -> None:
        """The agent has taken back what was deleted while it was away."""
        if isinstance(answer, Released):
            self.disk.queue.pop(container, None)

    def _closed(self, ctx: Context, client: str, call: int, asked: CniDel, address: str) -> None:
        if address:
            ctx.note("cni.del", container=asked.container[:13], ip=address, plugin=self.config.plugin)
        self._write(ctx, Netlink(closed=asked.container))
        ctx.reply(client, Reply(call, CniDone()))

    def _write(self, ctx: Context, change: Netlink) -> None:
        if self.config.kernel:
            ctx.stream(self.config.kernel, change)
