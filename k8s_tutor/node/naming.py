"""How processes of containers find the address of a host: ``/etc/hosts``, then the name servers of ``/etc/resolv.conf``.

Each question is a packet to the name server, as any other; its Service, its pods and policies on the way are asked for real.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from k8s_tutor.node.dns import resolver
from k8s_tutor.node.dns.message import NOERROR, NXDOMAIN, PORT, Query, packed, reply_of
from k8s_tutor.node.dns.resolver import Lookup
from k8s_tutor.node.ingress.forwarding import Relay
from k8s_tutor.node.processes import NOBODY, Processes, Wake
from k8s_tutor.node.shell.machine import Dial, Dialled, Proc
from k8s_tutor.sim import SECOND, Body, Context

LOCALHOST = ("127.0.0.1", "localhost", "0.0.0.0", "::1")
PATIENCE = 10 * SECOND
"""How long somebody waits who has not said how long."""
DNS = "dns"
"""The protocol of a question to a name server."""


class Connect(Body):
    """A process of this machine connects, with what is sent over it."""

    source: str
    address: str
    port: int
    protocol: str
    data: str = ""
    token: str = ""
    """A bearer token that comes with it."""


class Origin(NamedTuple):
    """Who waits for an answer: a process of a container (``container``, ``pid``, ``turn``), or a ``client`` with the number of
    its ``call``. The namespace that it is in, where it has connected to, when, and how long it waits (µs). ``lookup``: it is
    the libc of the process that asks a name server; ``began``: when."""

    netns: str
    target: str
    since: int
    patience: int
    container: str = ""
    pid: int = 0
    turn: int = 0
    client: str = ""
    call: int = 0
    lookup: Lookup | None = None
    began: int = 0
    relay: Relay | None = None
    """The client for whom an ingress controller fetches something."""
    shown: str = ""
    """Whose certificate that client was shown, if it speaks TLS."""


class Named(Body):
    """The shim's own timer: a name server has answered a process, or has not."""

    origin: Origin
    result: str
    data: str = ""


class Naming(Processes):
    """The part of the shims that stands for the resolvers of containers' libcs."""

    def travel(self, ctx: Context, origin: Origin, asked: Connect) -> None:
        """Sends off what a process says; somebody answers, or nobody does."""
        raise NotImplementedError

    def connect_to(self, ctx: Context, proc: Proc, dial: Dial, target: str, since: int) -> None:
        """A process goes on with an address. ``since``: when it began to look for it."""
        raise NotImplementedError

    def resolve(self, ctx: Context, proc: Proc, dial: Dial) -> None:
        """Finds the address of a host, and goes on with it."""
        names: dict[str, str] = {}
        files = self.box(ctx, self.tasks[proc.container]).files
        for line in (files.read("/etc/hosts") or "").splitlines():
            found, *known = line.partition("#")[0].split() or [""]
            if "." in found:
                names.update(dict.fromkeys(known, found))
        host = names.get(dial.host.rstrip("."), dial.host)
        if is_address(host) or host in LOCALHOST:
            self.connect_to(ctx, proc, dial, host, ctx.now)
            return
        search = resolver.lookup(resolver.read(files.read("/etc/resolv.conf") or ""), host)
        origin = Origin("", "", ctx.now, PATIENCE, proc.container, proc.pid, proc.turn, lookup=search, began=ctx.now)
        if search is None:
            self._no_name(ctx, origin, "unknown")
        else:
            self._question(ctx, origin, search)

    def _question(self, ctx: Context, origin: Origin, search: Lookup) -> None:
        """One question to one server, within what is left of the time."""
        task = self.tasks[origin.container]
        proc = self.procs[f"{origin.container}/{origin.pid}"]
        dial = proc.wait.dial if proc.wait is not None else None
        left = origin.began + dial.timeout - ctx.now if dial is not None and dial.timeout else search.timeout
        if left <= 0:
            self._no_name(ctx, origin, "timeout")
            return
        own = self.pods.get(task.sandbox, NOBODY).ip
        asked = Connect(own, search.server, PORT, DNS, packed(Query(search.names[0])))
        patience = min(search.timeout, left)
        self.travel(ctx, origin._replace(target=search.server, since=ctx.now, patience=patience, lookup=search), asked)

    def named(self, ctx: Context, named: Named) -> None:
        """A name server has answered, or has not: on with the address, the next name, or the next try."""
        origin = named.origin
        proc, search = self.procs.get(f"{origin.container}/{origin.pid}"), origin.lookup
        if proc is None or proc.wait is None or proc.turn != origin.turn or search is None or proc.wait.dial is None:
            return
        onward: Lookup | None
        if named.result != "ok":
            onward = search.again()
        else:
            try:
                reply = reply_of(named.data)
            except msgspec.DecodeError:
                self._no_name(ctx, origin, "unknown")
                return
            if reply.addresses:
                self.connect_to(ctx, proc, proc.wait.dial, reply.addresses[0], origin.began)
                return
            aliases = [record.value for record in reply.records if record.type == "CNAME"]
            if aliases:
                onward = search._replace(names=(aliases[0].rstrip("."),), tried=0)
            else:
                onward = search.next_name() if reply.code in (NXDOMAIN, NOERROR) else search.again()
        if onward is None:
            self._no_name(ctx, origin, "unknown")
        else:
            self._question(ctx, origin, onward)

    def _no_name(self, ctx: Context, origin: Origin, result: str) -> None:
        found = Dialled(result, took=ctx.now - origin.began)
        ctx.after(0, Wake(origin.container, origin.pid, origin.turn, found))


def is_address(host: str) -> bool:
    """Whether a host is written as an IPv4 address."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)
