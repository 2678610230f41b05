"""The sandbox half of the container runtime: network namespaces by the CNI plugin, held open by a process each."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from k8s_tutor.node import cni, cri, tasks
from k8s_tutor.node.cni.options import ways_of
from k8s_tutor.node.image_service import ImageService
from k8s_tutor.node.programs import PAUSE, SIGKILL
from k8s_tutor.sim import Body, Context, Reply


class Sandboxes(ImageService):
    """The part of a runtime that makes sandboxes."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.listener = ""
        """The kubelet that wants events, or nobody."""

    @property
    def plugin(self) -> str:
        """The network plugin as libcni names it."""
        return ways_of(self.config.plugin).description

    def network_configured(self, ctx: Context, plugin: str) -> None:
        """The configuration of a network plugin has appeared in ``/etc/cni/net.d``."""
        if self.disk.network != plugin:
            self.disk.network = plugin
            ctx.note("runtime.network", node=ctx.name, plugin=plugin)
            if self.listener:
                ctx.reply(self.listener, cri.NetworkReady())

    def signal(self, ctx: Context, container: str, number: int) -> None:
        """Sends a signal to the process of a container or sandbox."""
        self.ask(ctx, self.config.shim, tasks.Signal(container, number), "done")

    def done(self, ctx: Context, answer: Any, *args: Any) -> None:
        """Takes the answer of a request that nobody waits for."""

    def forget_container(self, ctx: Context, ident: str) -> None:
        """Forgets a container."""
        raise NotImplementedError

    def run_sandbox(self, ctx: Context, client: str, call: int, asked: cri.RunPodSandbox) -> None:
        """RunPodSandbox: a network, then the process that holds it open."""
        ident = new_id(ctx, "sandbox")
        sandbox = cri.CriSandbox(ident, asked.uid, asked.namespace, asked.name, asked.attempt, cri.NOT_READY, "", ctx.now)
        netns = f"/var/run/netns/cni-{asked.uid[:8]}-{ident[:12]}"
        self.disk.sandboxes[ident], self.disk.netns[ident] = sandbox, "" if asked.host_address else netns
        self.disk.annotations[ident], self.disk.names[ident] = asked.annotations, asked.names
        if asked.host_address:
            self._has_network(ctx, client, call, ident, asked.host_address)
            return
        add = cni.CniAdd(ident, netns, "eth0", asked.namespace, asked.name)
        self.ask(ctx, self.config.cni, add, "_network_added", (client, call, ident))

    def _network_added(self, ctx: Context, answer: Any, client: str, call: int, ident: str) -> None:
        if not isinstance(answer, cni.CniResult):
            why = answer.msg if isinstance(answer, cni.CniError) else f"netplugin failed: {answer.reason}"
            self._abandon(ctx, ident)
            text = f'failed to setup network for sandbox "{ident}": plugin {self.plugin} failed (add): {why}'
            ctx.reply(client, Reply(call, cri.RpcError("Unknown", text)))
            return
        self._has_network(ctx, client, call, ident, answer.ips[0].address.partition("/")[0])

    def _has_network(self, ctx: Context, client: str, call: int, ident: str, address: str) -> None:
        self.disk.sandboxes[ident] = msgspec.structs.replace(self.disk.sandboxes[ident], ip=address)
        sandbox = self.disk.sandboxes[ident]
        pod = tasks.Pod(sandbox.namespace, sandbox.name, address, *self.disk.names.get(ident, ("", "")))
        self.ask(ctx, self.config.shim, tasks.RunTask(ident, ident, PAUSE, pod=pod), "_sandbox_runs", (client, call, ident))

    def _sandbox_runs(self, ctx: Context, answer: Any, client: str, call: int, ident: str) -> None:
        if not isinstance(answer, tasks.TaskStarted):
            self._abandon(ctx, ident)
            text = f"failed to start sandbox container task \"{ident}\": {answer.reason}"
            ctx.reply(client, Reply(call, cri.RpcError("Unknown", text)))
            return
        sandbox = msgspec.structs.replace(self.disk.sandboxes[ident], state=cri.READY)
        self.disk.sandboxes[ident] = sandbox
        ctx.note("runtime.sandbox", pod=f"{sandbox.namespace}/{sandbox.name}", sandbox=ident[:13], ip=sandbox.ip)
        ctx.reply(client, Reply(call, cri.RunPodSandboxResult(sandbox)))

    def _abandon(self, ctx: Context, ident: str) -> None:
        """A sandbox that could not be made: its network is taken down again; if that fails, the kubelet finds it later."""
        delete = cni.CniDel(ident, self.disk.netns.get(ident, ""), "eth0")
        self.ask(ctx, self.config.cni, delete, "_abandoned", (ident,))

    def _abandoned(self, ctx: Context, answer: Any, ident: str) -> None:
        if isinstance(answer, cni.CniDone):
            self.signal(ctx, ident, SIGKILL)
            self.forget_sandbox(ctx, ident)

    def stop_sandbox(self, ctx: Context, client: str, call: int, ident: str) -> Body | None:
        """StopPodSandbox: what runs in it is killed, and its network taken down."""
        sandbox = self.disk.sandboxes.get(ident)
        if sandbox is None:
            return cri.Done()
        for container in self.disk.containers.values():
            if container.sandbox == ident and container.state == cri.RUNNING:
                self.signal(ctx, container.id, SIGKILL)
        if not self.disk.netns.get(ident, ""):
            self._network_deleted(ctx, cni.CniDone(), client, call, ident)
            return None
        delete = cni.CniDel(ident, self.disk.netns[ident], "eth0")
        self.ask(ctx, self.config.cni, delete, "_network_deleted", (client, call, ident))
        return None

    def _network_deleted(self, ctx: Context, answer: Any, client: str, call: int, ident: str) -> None:
        if not isinstance(answer, cni.CniDone):
            why = answer.msg if isinstance(answer, cni.CniError) else f"netplugin failed: {answer.reason}"
            text = f'failed to destroy network for sandbox "{ident}": plugin {self.plugin} failed (delete): {why}'
            ctx.reply(client, Reply(call, cri.RpcError("Unknown", text)))
            return
        sandbox = self.disk.sandboxes.get(ident)
        if sandbox is not None:
            self.disk.sandboxes[ident] = msgspec.structs.replace(sandbox, state=cri.NOT_READY, ip="")
            self.signal(ctx, ident, SIGKILL)
            ctx.note("runtime.sandbox.stopped", pod=f"{sandbox.namespace}/{sandbox.name}", sandbox=ident[:13])
        ctx.reply(client, Reply(call, cri.Done()))

    def sandbox_died(self, ctx: Context, sandbox: cri.CriSandbox) -> None:
        """The pause process is gone, and with it the namespaces."""
        dead = msgspec.structs.replace(sandbox, state=cri.NOT_READY)
        self.disk.sandboxes[sandbox.id] = dead
        if self.listener:
            ctx.reply(self.listener, cri.SandboxEvent(dead))

    def forget_sandbox(self, ctx: Context, ident: str) -> None:
        """Forgets a sandbox and its containers."""
        for container in [c.id for c in self.disk.containers.values() if c.sandbox == ident]:
            self.forget_container(ctx, container)
        self.disk.sandboxes.pop(ident, None)
        self.disk.netns.pop(ident, None)
        self.disk.annotations.pop(ident, None)
        self.disk.names.pop(ident, None)


def new_id(ctx: Context, stream: str) -> str:
    """64 hex digits, as containerd names sandboxes and containers."""
    return sha256(f"{ctx.name}/{stream}/{ctx.draw(stream, 1 << 62)}".encode()).hexdigest()
