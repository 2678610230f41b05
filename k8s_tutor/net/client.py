"""A machine outside the cluster: whoever sits there types ``curl``, and what they send enters the cluster as any stranger's
packets do: at the address of a node, or at that of a load balancer."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.ssh import CommandDone, RunCommand
from k8s_tutor.net.cloud import VIPS
from k8s_tutor.node.addresses import shim_of, within
from k8s_tutor.node.naming import Connect, is_address
from k8s_tutor.node.proxy.packets import Packet
from k8s_tutor.node.shell import network
from k8s_tutor.node.shell.machine import Dialled, Done, Wait
from k8s_tutor.node.sockets import HEADERS, NEARBY, Arrive, Connected
from k8s_tutor.node.underlay import CLIENT, MACHINES, Underlay, machine_at
from k8s_tutor.sim import Body, Call, CallFailed, Calling, Context, Reply

MTU = 1500


class ClientConfig(Body):
    """The names that the machine knows (name, address), the network before the cluster, and the process that stands for the
    load balancers of a cloud, or empty."""

    names: tuple[tuple[str, str], ...] = ()
    net: Underlay = Underlay()
    balancers: str = ""
    address: str = CLIENT


class TimeOver(Body):
    """The machine's own timer: nobody answers a command."""

    client: str
    call: int
    wait: Wait
    address: str
    since: int


class Client(Calling):
    """The process ``client-you``. Config: `ClientConfig`."""

    config: ClientConfig

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call) and isinstance(body.body, RunCommand):
            self._run(ctx, src, body.id, body.body.argv)
        elif isinstance(body, TimeOver):
            found = Dialled("timeout", address=body.address, took=ctx.now - body.since)
            self._print(ctx, body.client, body.call, body.wait, found)

    def _run(self, ctx: Context, src: str, call: int, argv: tuple[str, ...]) -> None:
        """``curl URL``. What it prints goes to whoever typed it."""
        wait = network.curl(None, list(argv), "", False)
        if isinstance(wait, Done):
            ctx.reply(src, Reply(call, CommandDone(wait.out, wait.err, wait.code)))
            return
        dial = wait.dial
        assert dial is not None
        address = dict(self.config.names).get(dial.host, dial.host)
        if not is_address(address):
            self._print(ctx, src, call, wait, Dialled("unknown"))
            return
        asked = Connect(self.config.address, address, dial.port, dial.protocol, dial.data, dial.token)
        packet = Packet(self.config.address, address, dial.port, size=min(HEADERS + len(dial.data), MTU))
        there = self._first(address)
        if there:
            about = (src, call, wait, address, ctx.now)
            self.ask(ctx, there, Arrive(packet, None, asked), "answered", about, dial.timeout)
        else:
            ctx.after(dial.timeout, TimeOver(src, call, wait, address, ctx.now))

    def _first(self, address: str) -> str:
        """The process that gets a packet to this address first: the internet knows machines and load balancers, and neither
        pods nor ClusterIPs."""
        if within(address, VIPS):
            return self.config.balancers
        machine = machine_at(self.config.net, address) if within(address, MACHINES) else 0
        return shim_of(machine) if machine else ""

    def answered(
        self, ctx: Context, answer: Connected | CallFailed, src: str, call: int, wait: Wait, address: str, since: int
    ) -> None:  # fmt: skip
        """The cluster has answered, or has not."""
        took = max(ctx.now - since, NEARBY)
        if isinstance(answer, CallFailed):
            why = "timeout" if answer.reason == "timeout" else "refused"
            self._print(ctx, src, call, wait, Dialled(why, address=address, took=took))
        else:
            found = Dialled(answer.result, answer.data, answer.code, answer.headers, address, took)
            self._print(ctx, src, call, wait, found)

    def _print(self, ctx: Context, src: str, call: int, wait: Wait, found: Dialled) -> None:
        done = network.curl_on(None, wait, found)
        ctx.reply(src, Reply(call, CommandDone(done.out, done.err, done.code)))
