"""The CNI plugin of a machine: it gives a sandbox an address on the node's bridge, and takes it back.

The plugin is ``bridge`` with ``host-local`` address management. In reality the runtime executes the plugin anew for each call;
here it is a process that waits for the next one.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.addresses import dotted, subnet
from k8s_tutor.node.cni import bridge, host_local
from k8s_tutor.node.cni.host_local import CniDisk
from k8s_tutor.node.cni.wire import CniAdd, CniDel, CniDone, CniError, CniResult
from k8s_tutor.node.kernel import Netlink
from k8s_tutor.sim import Actor, Body, Call, Context, Reply


class CniConfig(Body):
    """The network configuration of one machine: range of addresses, type of the plugin, name of the network, its bridge, and
    the process that stands for the machine's kernel."""

    subnet: str
    plugin: str = "bridge"
    network: str = "k8s"
    bridge: str = "cni0"
    kernel: str = ""


class Cni(Actor):
    """The plugin of one machine. Config: `CniConfig`; disk: `CniDisk`."""

    config: CniConfig
    disk: CniDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else CniDisk())

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if not isinstance(body, Call):
            return
        asked = body.body
        if isinstance(asked, CniAdd):
            ctx.reply(src, Reply(body.id, self.add(ctx, asked)))
        elif isinstance(asked, CniDel):
            self.delete(ctx, asked)
            ctx.reply(src, Reply(body.id, CniDone()))

    def add(self, ctx: Context, asked: CniAdd) -> CniResult | CniError:
        """Reserves an address and joins the sandbox to the bridge."""
        config = self.config
        address = host_local.reserve(self.disk, asked.container, config.subnet)
        if not address:
            return CniError(999, host_local.full(config.subnet))
        base, _, prefix = subnet(config.subnet)
        result, entries = bridge.attach(asked, f"{address}/{prefix}", f"{dotted(base + 1)}/{prefix}", config.bridge)
        device = result.interfaces[1].name
        ctx.note("cni.add", pod=f"{asked.namespace}/{asked.pod}", ip=address, plugin=config.plugin, device=device)
        self._write(ctx, Netlink(entries))
        return result

    def delete(self, ctx: Context, asked: CniDel) -> None:
        """Gives the address of a sandbox back, and closes its namespace."""
        for address in host_local.release(self.disk, asked.container):
            ctx.note("cni.del", container=asked.container[:13], ip=address, plugin=self.config.plugin)
            self._write(ctx, Netlink(closed=asked.container))

    def _write(self, ctx: Context, change: Netlink) -> None:
        if self.config.kernel:
            ctx.stream(self.config.kernel, change)
