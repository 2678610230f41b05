"""Connections of containers: names, the rules of the node's kernel, the way to the other machine, and who answers there.

A packet to another pod is a message to the machine that has its address. Containers of one pod share addresses and ports.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api.wire import Request, Response
from k8s_tutor.node import speech
from k8s_tutor.node.addresses import MANAGERS, shim_of, within
from k8s_tutor.node.datapath import DELIVERED, DROPPED, OVERHEAD, REFUSED, SENT, UNREACHABLE, Outer, Passage, enter, leave
from k8s_tutor.node.dns import upstream
from k8s_tutor.node.dns.message import UPSTREAM, packed, query_of
from k8s_tutor.node.dns.message import Reply as Names
from k8s_tutor.node.ingress.controller import KIND, Route
from k8s_tutor.node.ingress.forwarding import (
    CONNECT_TIMEOUT,
    HTTP_PORTS,
    Relay,
    Relayed,
    answer_of,
    forwarded,
    onward,
    passed_on,
    question,
    request_of,
)
from k8s_tutor.node.kernel import HOST
from k8s_tutor.node.naming import DNS, LOCALHOST, PATIENCE, Connect, Named, Naming, Origin
from k8s_tutor.node.processes import NOBODY, Wake
from k8s_tutor.node.programs import Site
from k8s_tutor.node.proxy.packets import Draw, Packet
from k8s_tutor.node.shell.machine import Dial, Dialled, Proc
from k8s_tutor.node.tasks import Task
from k8s_tutor.node.underlay import OUTSIDE, gateway, next_machine
from k8s_tutor.sim import MS, SECOND, Body, CallFailed, Context, Reply

NEARBY = 60
"""µs to another pod of the same machine and back."""
NO_HOST = 3 * SECOND
"""How long a kernel looks for who has an address in its own network."""
API_PORT = 6443
TLS = 1
"""Stands in for a code while a request that came over TLS is on its way to a controller."""
PLAIN_TO_TLS = "<html>\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\n</html>\n"
HEADERS = 40
"""Bytes of the headers of IP and TCP, without options."""
SHORT_HEADERS = 28
"""Those of IP and UDP, or ICMP."""
_TRANSPORT = {"icmp": "icmp", DNS: "udp"}
"""What is said → how it travels; all else over TCP."""
replace = msgspec.structs.replace


class Arrive(Body):
    """A packet comes over the cable from another machine. ``packet``: its addresses, port and protocol (`netfilter.Packet`);
    ``outer``: the header around it, if it is encapsulated; ``connect``: what the program at its end is told."""

    packet: Packet
    outer: Outer | None
    connect: Connect


class Connected(Body):
    """What became of it (see `shell.machine.Dialled`)."""

    result: str
    data: str = ""
    code: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    container: str = ""
    """Who answers, if it takes ``took`` µs to do so."""
    took: int = 0
    outer: Outer | None = None
    """The header around the answer, if it comes encapsulated from another machine."""


class Answered(Body):
    """The shim's own timer: a program has worked on a request long enough to notice, and answers."""

    client: str
    call: int
    container: str
    answer: Connected


class Asked(NamedTuple):
    """An HTTP request."""

    method: str
    path: str
    agent: str
    host: str = ""
    forwarded: str = ""
    """``X-Forwarded-For``."""


class Sockets(Naming):
    """The part of the shims that stands for the network of a machine's containers."""

    def dial(self, ctx: Context, proc: Proc) -> None:
        assert proc.wait is not None and proc.wait.dial is not None
        self.resolve(ctx, proc, proc.wait.dial)

    def connect_to(self, ctx: Context, proc: Proc, dial: Dial, target: str, since: int) -> None:
        if dial.protocol == "name":
            ctx.after(0, Wake(proc.container, proc.pid, proc.turn, Dialled("ok", address=target)))
            return
        sandbox = self.tasks[proc.container].sandbox
        patience = max(1, since + (dial.timeout or PATIENCE) - ctx.now) if dial.timeout else PATIENCE
        origin = Origin(self.netns(sandbox), target, ctx.now, patience, proc.container, proc.pid, proc.turn, began=since)
        protocol = "tcp" if dial.port and not dial.protocol.startswith(("http", "icmp", DNS)) else dial.protocol
        own = self.pods.get(sandbox, NOBODY).ip
        self.travel(ctx, origin, Connect(own, target, dial.port, protocol, dial.data, dial.token))

    def travel(self, ctx: Context, origin: Origin, asked: Connect) -> None:
        origin = origin._replace(netns=self.netns(self.tasks[origin.container].sandbox))
        if asked.address in LOCALHOST or asked.address == asked.source:
            own = "127.0.0.1" if asked.address in LOCALHOST else asked.address
            near = replace(asked, source=own, address=asked.source)
            self._answer_near(ctx, origin._replace(target=own), self.arrived(ctx, near, origin.netns))
            return
        packet = self._packet(asked, origin.netns)
        self._carry(ctx, origin, leave(self.kernel, packet, origin.netns, self._lots(ctx), now=ctx.now), asked)

    def connect(self, ctx: Context, client: str, call: int, asked: Connect) -> None:
        """A process of the machine itself, outside all containers, connects."""
        origin = Origin(HOST, asked.address, ctx.now, PATIENCE, client=client, call=call)
        self._carry(ctx, origin, leave(self.kernel, self._packet(asked, HOST), HOST, self._lots(ctx), now=ctx.now), asked)

    def netns(self, sandbox: str) -> str:
        """The network namespace of a sandbox: its own, or the machine's."""
        return sandbox if sandbox in self.kernel.namespaces else HOST

    def _lots(self, ctx: Context) -> Draw:
        return lambda bound: ctx.draw("iptables", bound)

    def _packet(self, asked: Connect, netns: str) -> Packet:
        """The largest packet of a request: what does not fit the sender's own device goes in several."""
        device = self.kernel.device("eth0", netns)
        protocol = _TRANSPORT.get(asked.protocol, "tcp")
        headers = HEADERS if protocol == "tcp" else SHORT_HEADERS
        size = min(headers + len(asked.data), device.mtu if device is not None else 1500)
        return Packet(asked.source, asked.address, asked.port, protocol, size=size)

    # ------------------------------------------------------------------ on its way

    def _carry(self, ctx: Context, origin: Origin, found: Passage, asked: Connect) -> None:
        """Does what the kernel says of a packet."""
        self._remember(ctx, found)
        asked = replace(asked, source=found.packet.source, address=found.packet.destination, port=found.packet.port)
        if found.verdict == DELIVERED:
            self._answer_near(ctx, origin, self.arrived(ctx, asked, found.netns))
        elif found.verdict == REFUSED:
            self._answer_later(ctx, origin, Connected("refused"), NEARBY)
        elif found.verdict == UNREACHABLE:
            self._answer_near(ctx, origin, Connected("unreachable"))
        elif found.verdict == DROPPED:
            self._answer_near(ctx, origin, None)
        else:
            self._send(ctx, origin, found, asked)

    def _remember(self, ctx: Context, found: Passage) -> None:
        """The kernel notes which endpoint a connection was given."""
        if found.noted is not None and found.noted.hits:
            self.kernel.rules.note(found.noted, ctx.now)

    def _send(self, ctx: Context, origin: Origin, found: Passage, asked: Connect) -> None:
        """Over the cable, to whoever the network between the machines takes it."""
        destination = found.outer.destination if found.outer is not None else found.packet.destination
        if destination == UPSTREAM and asked.protocol == DNS:
            self.ask(ctx, upstream.NAME, query_of(asked.data), "answered_by_server", (origin,), origin.patience)
            return
        there = next_machine(self.config.net, self.kernel.address, found.via, destination)
        if there > MANAGERS and found.packet.port == API_PORT:
            self._to_api(ctx, origin, there - MANAGERS, asked)
            return
        size = found.packet.size + (OVERHEAD[found.outer.kind] if found.outer is not None else 0)
        if not there or size > self.config.net.mtu:
            self._answer_near(ctx, origin, None)
            return
        self.ask(ctx, shim_of(there), Arrive(found.packet, found.outer, asked), "connected", (origin,), origin.patience)

    def _to_api(self, ctx: Context, origin: Origin, manager: int, asked: Connect) -> None:
        """A connection to an API server: who speaks TLS is asked who they are."""
        if asked.protocol != "https":
            text = "Client sent an HTTP request to an HTTPS server.\n"
            self._answer_near(ctx, origin, Connected("ok", text, 400) if asked.protocol == "http" else Connected("ok"))
            return
        line, _, body = asked.data.partition("\n")
        method, _, rest = line.partition(" ")
        path, _, agent = rest.partition(" ")
        where, _, query = path.partition("?")
        pairs = tuple((name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one))
        request = Request(method or "GET", where or "/", pairs, body.encode(), user="", agent=agent, token=asked.token)
        self.ask(ctx, f"api-{manager}", request, "served_by_api", (origin,), origin.patience)

    def served_by_api(self, ctx: Context, answer: Response | CallFailed, origin: Origin) -> None:
        """An API server has answered, or cannot be reached."""
        if isinstance(answer, CallFailed):
            self._answer_near(ctx, origin, None if answer.reason == "timeout" else Connected("refused"))
            return
        headers = (("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))))
        self._answer_near(ctx, origin, Connected("ok", answer.body.decode(), answer.code, headers))

    def connected(self, ctx: Context, answer: Any, origin: Origin) -> None:
        """The other machine has answered, or has not."""
        if isinstance(answer, CallFailed):
            answer = Connected("timeout" if answer.reason == "timeout" else "unreachable")
        elif answer.outer is not None:
            back = enter(self.kernel, Packet("", self.kernel.address, 0), answer.outer, self._lots(ctx), answer=True)
            if back.verdict == DROPPED:
                self._answer_near(ctx, origin, None)
                return
        self._answer_later(ctx, origin, replace(answer, outer=None), 0)

    def _answer_near(self, ctx: Context, origin: Origin, answer: Connected | None) -> None:
        """The same for what a pod of this machine has answered, or has not."""
        if answer is not None and answer.result == "process":
            self.ask(ctx, answer.container, query_of(answer.data), "answered_by_server", (origin,), origin.patience)
            return
        if answer is not None and answer.result == "relay":
            self.forward(ctx, Relay(origin), answer)
            return
        if answer is None:
            rest = max(0, origin.since + origin.patience - ctx.now)
            if not origin.client:
                self._answer_later(ctx, origin, Connected("timeout"), rest)
        elif origin.client:
            self.reply(ctx, origin.client, origin.call, answer)
        else:
            self._answer_later(ctx, origin, answer, NO_HOST if answer.result == "unreachable" else NEARBY)

    def _answer_later(self, ctx: Context, origin: Origin, answer: Connected, delay: int) -> None:
        """What somebody has waited for comes from this machine."""
        if origin.relay is not None:
            fetched = (answer.result, answer.data, answer.code, answer.headers)
            ctx.after(delay + answer.took, passed_on(origin.relay, *fetched, origin.shown))
            return
        if origin.lookup is not None:
            ctx.after(delay, Named(origin, answer.result, answer.data))
            return
        if origin.client:
            self.reply(ctx, origin.client, origin.call, answer)
            return
        delay += answer.took
        took = ctx.now - (origin.began or origin.since) + delay
        found = Dialled(answer.result, answer.data, answer.code, answer.headers, origin.target, took)
        wake = Wake(origin.container, origin.pid, origin.turn, found)
        if delay:
            ctx.after(delay, wake)
        else:
            self.woken(ctx, wake)

    def arrive(self, ctx: Context, client: str, call: int, asked: Arrive) -> None:
        """A packet has come over the cable. Its answer goes back by this machine's own routes, or is lost."""
        found = enter(self.kernel, asked.packet, asked.outer, self._lots(ctx), now=ctx.now)
        self._remember(ctx, found)
        if found.verdict != DELIVERED:
            origin = Origin(HOST, found.packet.destination, ctx.now, PATIENCE, client=client, call=call)
            self._carry(ctx, origin, found, asked.connect)
            return
        packet = found.packet
        answer = self.arrived(
            ctx, replace(asked.connect, source=packet.source, address=packet.destination, port=packet.port), found.netns
        )
        netns = found.netns
        if packet.source != asked.packet.source:  # conntrack gives the answer its old addresses back, here
            packet, netns = asked.packet, HOST
        if answer is not None and answer.result == "process":
            query = query_of(answer.data)
            self.ask(ctx, answer.container, query, "answered_for_far", (client, call, packet, netns), PATIENCE)
        elif answer is not None and answer.result == "relay":
            self.forward(ctx, Relay(None, client, call, packet, netns), answer)
        elif answer is not None:
            self._answer_far(ctx, client, call, packet, netns, answer)

    def _answer_far(
        self, ctx: Context, client: str, call: int, packet: Packet, netns: str, answer: Connected
    ) -> None:  # fmt: skip
        """An answer to another machine goes by this machine's own routes."""
        device = self.kernel.device("eth0", netns)
        size = min(HEADERS + len(answer.data), device.mtu if device is not None else 1500)
        size = packet.size if packet.protocol == "icmp" else size
        reply = Packet(packet.destination, packet.source, packet.port, packet.protocol, size=size)
        back = leave(self.kernel, reply, netns, self._lots(ctx), answer=True)
        if back.verdict != SENT:
            return
        to = back.outer.destination if back.outer is not None else back.packet.destination
        outside = within(to, OUTSIDE) and back.via == gateway(self.kernel.address)
        there = next_machine(self.config.net, self.kernel.address, back.via, to)
        if outside or shim_of(there) == client:
            self.reply(ctx, client, call, replace(answer, outer=back.outer))

    def answered_by_server(self, ctx: Context, answer: Names | CallFailed, origin: Origin) -> None:
        """A name server has answered a question from this machine, or has not."""
        self._answer_near(ctx, origin, _told(answer))

    def answered_for_far(
        self, ctx: Context, answer: Names | CallFailed, client: str, call: int, packet: Packet, netns: str
    ) -> None:  # fmt: skip
        """The same for a question from another machine."""
        found = _told(answer)
        if found is not None:
            self._answer_far(ctx, client, call, packet, netns, found)

    # ------------------------------------------------------------------ ingress controllers

    def forward(self, ctx: Context, relay: Relay, answer: Connected) -> None:
        """A request has come to a controller's pod: its process says where to with it."""
        task, tls = self.tasks[answer.container], answer.code == TLS
        client = dict(answer.headers)["client"]
        args = (relay, answer.container, onward(answer.data, client), tls)
        self.ask(ctx, self.child_of(task), question(answer.data, tls), "routed", args, PATIENCE)

    def routed(
        self, ctx: Context, found: Route | CallFailed, relay: Relay, container: str, data: str, tls: bool
    ) -> None:  # fmt: skip
        """On to the endpoint, from the controller's pod; or an answer of its own."""
        if isinstance(found, CallFailed) or not found.endpoint or container not in self.tasks:
            self.relayed(ctx, answer_of(relay, found, tls))
            return
        sandbox = self.tasks[container].sandbox
        address, _, port = found.endpoint.rpartition(":")
        shown = found.certificate if tls else ""
        origin = Origin(self.netns(sandbox), address, ctx.now, CONNECT_TIMEOUT, container, relay=relay, shown=shown)
        self.travel(ctx, origin, Connect(self.pods.get(sandbox, NOBODY).ip, address, int(port), "http", data))

    def relayed(self, ctx: Context, found: Relayed) -> None:
        """The client gets what the controller has for it."""
        answer, relay = Connected(found.result, found.data, found.code, found.headers), found.relay
        if relay.origin is not None:
            self._answer_near(ctx, relay.origin, answer)
        elif relay.packet is not None:
            self._answer_far(ctx, relay.client, relay.call, relay.packet, relay.netns, answer)

    # ------------------------------------------------------------------ who answers

    def child_of(self, task: Task) -> str:
        """The process of this machine that a container really is, or empty."""
        raise NotImplementedError

    def reply(self, ctx: Context, client: str, call: int, answer: Body) -> None:
        """Answers a call: a connection when the program has done its work."""
        if isinstance(answer, Connected) and answer.took:
            plain = replace(answer, container="", took=0)
            ctx.after(answer.took, Answered(client, call, answer.container, plain))
        else:
            ctx.reply(client, Reply(call, answer))

    def finished(self, container: str, answer: Connected) -> Connected:
        """The answer, unless the program has ended over it."""
        task = self.tasks.get(container)
        return answer if task is not None and not task.exited else Connected("reset")

    def arrived(self, ctx: Context, asked: Connect, netns: str) -> Connected | None:
        """A connection arrives in a network namespace of this machine. None: it is never answered."""
        sandboxes = [ident for ident in self.pods if self.netns(ident) == netns and not self.tasks[ident].exited]
        if not sandboxes and netns != HOST:
            return Connected("unreachable")
        if asked.protocol == "icmp":
            return Connected("ok")
        for task in self.tasks.values():
            if task.sandbox in sandboxes and not task.exited and task.container != task.sandbox:
                if self._listens(ctx.now, task, asked.port):
                    return self._serve(ctx, task, asked)
                proc = self._listener(task.container, asked.port)
                if proc is not None:
                    found = Dialled("ok", asked.data, address=asked.source)
                    ctx.after(0, Wake(proc.container, proc.pid, proc.turn, found))
                    return Connected("ok" if asked.protocol == "tcp" else "reset")
        return Connected("refused")

    def listens(self, now: int, netns: str, port: int) -> bool:
        """Whether somebody in a network namespace takes connections to a port."""
        return any(
            self.netns(task.sandbox) == netns
            and (self._listens(now, task, port) or self._listener(task.container, port) is not None)
            for task in self.tasks.values()
            if not task.exited
        )

    def _listens(self, now: int, task: Task, port: int) -> bool:
        return task.acting >= 0 and port in (task.program.port, *task.program.ports) and now >= _listens_from(task)

    def port_taken(self, task: Task) -> bool:
        """Whether another container of the pod listens where this one is about to."""
        mine = (_listens_from(task), task.pid)
        return task.program.port > 0 and any(
            other.sandbox == task.sandbox and not other.exited and other.acting >= 0
            and other.program.port == task.program.port and (_listens_from(other), other.pid) < mine
            for other in self.tasks.values()
        )  # fmt: skip

    def _listener(self, container: str, port: int) -> Proc | None:
        """A process of a container that waits for a connection to this port (``nc -l``)."""
        for proc in self.procs.values():
            wait = proc.wait
            if proc.container == container and wait is not None and (wait.what, wait.note) == ("listen", str(port)):
                return proc
        return None

    def _serve(self, ctx: Context, task: Task, asked: Connect) -> Connected | None:
        """The image's program answers; one that hangs takes connections and says nothing."""
        site = task.program.site
        if asked.protocol == DNS:
            child = self.child_of(task)
            return Connected("process", asked.data, container=child) if child else Connected("refused")
        if asked.protocol == "tcp":
            return Connected("ok")
        if task.program.process == KIND and asked.port in HTTP_PORTS and self.child_of(task):
            tls = HTTP_PORTS[asked.port]
            if tls != (asked.protocol == "https"):
                return Connected("plain") if asked.protocol == "https" else Connected("ok", PLAIN_TO_TLS, 400)
            return Connected("relay", asked.data, TLS if tls else 0, (("client", asked.source),), task.container)
        health = task.health(ctx.now)
        if health == "hang":
            return None
        if asked.protocol == "https":
            return Connected("plain")
        if asked.protocol == "grpc":
            return Connected("ok" if task.program.grpc else "speechless", "NOT_SERVING" if health == "sick" else "SERVING")
        request = _asked(asked.data)
        values = {
            **self.facts(ctx, task), "client": asked.source, "method": request.method, "path": request.path,
            "agent": request.agent, "host": request.host, "forwarded": forwarded(request), "port": str(asked.port),
        }  # fmt: skip
        if request.path == "/metrics" and task.program.metrics:
            return Connected("ok", self.told(ctx, task), 200, (("Content-Type", "text/plain; version=0.0.4"),))
        if site is None and task.program.tools:
            self.say(ctx, task, (task.program.speech.request,) if task.program.speech.request else (), **values)
            return Connected("speechless")
        took = self.charge(ctx, task, requests=1)
        code, body = self._unhealthy(ctx, task, request, health) or self._page(ctx, task, request, values)
        size = str(len(body.encode()))
        line = task.program.speech.request
        self.say(ctx, task, (line,) if line else (), **{**values, "status": str(code), "bytes": size})
        kind = "text/html" if body.lstrip().startswith("<") else "application/json" if body.startswith("{") else "text/plain"
        server = (("Server", site.server),) if site is not None and site.server else ()
        body = "" if request.method == "HEAD" else body
        headers = (*server, ("Content-Type", kind), ("Content-Length", size))
        return Connected("ok", body, code, headers, task.container if took else "", took)

    def answers(self, ctx: Context, task: Task) -> bool:
        """Whether a program is ready."""
        raise NotImplementedError

    def _unhealthy(self, ctx: Context, task: Task, request: Asked, health: str) -> tuple[int, str] | None:
        """What a path that tells the program's health answers when all is not well."""
        site, path = task.program.site or Site(), request.path.partition("?")[0]
        if path in site.live or path in site.ready:
            if health == "sick":
                return 500, "error: not healthy\n"
            warm = task.acting + (task.program.start_ms + task.program.warm_ms) * MS
            if path in site.ready and (ctx.now < warm or not self.answers(ctx, task)):
                return 503, "not ready\n"
        return None

    def _page(self, ctx: Context, task: Task, request: Asked, values: dict[str, str]) -> tuple[int, str]:
        site = task.program.site
        if site is None:
            name = task.program.argv[0].rsplit("/", 1)[-1] if task.program.argv else "it works"
            return 200, f"{name} on {values['hostname']}\n"
        path = request.path.partition("?")[0]
        pages = dict(site.pages)
        template = pages.get(path, pages.get("*") if not site.root else None)
        if template is not None:
            return 200, speech.fill(template, values)
        if site.root:
            files = self.box(ctx, task).files
            where = site.root + path.rstrip("/")
            try:
                found = files.read(where + "/index.html" if files.is_dir(where) else where)
            except OSError:
                return 500, speech.fill(site.missing, values).replace("404 Not Found", "500 Internal Server Error")
            if found is not None:
                return 200, found
            if files.is_dir(where):
                return 403, speech.fill(site.missing, values).replace("404 Not Found", "403 Forbidden")
        return 404, speech.fill(site.missing, values)


def _asked(data: str) -> Asked:
    request = request_of(data)
    return Asked(request.method, request.path, request.agent, request.host, request.forwarded)


def _listens_from(task: Task) -> int:
    """When the image's own program begins to listen, µs."""
    return task.acting + task.program.start_ms * MS


def _told(answer: Names | CallFailed) -> Connected | None:
    """What a name server's process has said, or that it is not there."""
    if isinstance(answer, Names):
        return Connected("ok", packed(answer))
    return None if answer.reason == "timeout" else Connected("refused")
