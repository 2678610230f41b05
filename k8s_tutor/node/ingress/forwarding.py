"""How a machine's network serves the pods of an ingress controller: the controller says where a request goes, a connection to
there is opened from its pod, and what comes back goes to the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from k8s_tutor.node.ingress.controller import PAGE, TITLES, Asked, Route
from k8s_tutor.sim import SECOND, Body, CallFailed

if TYPE_CHECKING:
    from k8s_tutor.node.naming import Origin
    from k8s_tutor.node.proxy.packets import Packet

CONNECT_TIMEOUT = 5 * SECOND
"""``proxy_connect_timeout``."""
HTTP_PORTS = {80: False, 443: True}
"""Port → whether TLS is spoken there."""


class Relay(NamedTuple):
    """A client of a controller that waits: of this machine (``origin``), or of another (``client``, ``call``, and the packet
    that has come, with the namespace to which it came)."""

    origin: Origin | None = None
    client: str = ""
    call: int = 0
    packet: Packet | None = None
    netns: str = ""


class Relayed(Body):
    """The shim's own timer: what a controller has fetched reaches its client."""

    relay: Relay
    result: str
    data: str = ""
    code: int = 0
    headers: tuple[tuple[str, str], ...] = ()


class Request(NamedTuple):
    """A request as it travels: what stands in its first line, and beside it; and its body."""

    method: str
    path: str
    agent: str
    host: str = ""
    forwarded: str = ""
    body: str = ""

    def text(self) -> str:
        """As data of a connection."""
        return f"{self.method} {self.path} {self.agent}\t{self.host}\t{self.forwarded}\n{self.body}"


def forwarded(request: Any) -> str:
    """The headers that a controller has added to a request, as lines."""
    client = request.forwarded
    return f"X-Forwarded-For: {client}\nX-Forwarded-Host: {request.host}\nX-Real-Ip: {client}\n" if client else ""


def request_of(data: str) -> Request:
    """The request in the data of a connection."""
    first, _, body = data.partition("\n")
    line, _, rest = first.partition("\t")
    host, _, forwarded = rest.partition("\t")
    method, _, rest = line.partition(" ")
    path, _, agent = rest.partition(" ")
    return Request(method or "GET", path or "/", agent, host, forwarded, body)


def question(data: str, tls: bool) -> Asked:
    """What the controller is asked about a request."""
    request = request_of(data)
    return Asked(request.host, request.path, tls)


def onward(data: str, client: str) -> str:
    """The request as the controller passes it on."""
    return request_of(data)._replace(forwarded=client).text()


def answer_of(relay: Relay, found: Route | CallFailed, tls: bool) -> Relayed:
    """What a controller answers by itself; 502 and 504 for one that does not answer."""
    if isinstance(found, CallFailed):
        return Relayed(relay, "refused")
    text = PAGE.format(title=TITLES[found.code])
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html"), ("Content-Length", str(len(text))))
    if found.location:
        headers = (*headers, ("Location", found.location))
    return Relayed(relay, "ok", text, found.code, (*headers, *certificate(found.certificate, tls)))


def passed_on(relay: Relay, result: str, data: str, code: int, headers: tuple[tuple[str, str], ...], shown: str) -> Relayed:
    """What a backend has answered, or that it did not, as a controller passes it on: without its ``Server`` header, which
    ingress-nginx removes (``server-tokens: "false"``)."""
    if result == "ok":
        kept = tuple(pair for pair in headers if pair[0] != "Server")
        return Relayed(relay, "ok", data, code, (*kept, *certificate(shown, bool(shown))))
    code = 504 if result == "timeout" else 502
    text = PAGE.format(title=TITLES[code])
    own = (("Content-Type", "text/html"), ("Content-Length", str(len(text))))
    return Relayed(relay, "ok", text, code, (*own, *certificate(shown, bool(shown))))


def certificate(name: str, tls: bool) -> tuple[tuple[str, str], ...]:
    """Whose certificate was shown, beside the headers."""
    return ((CERTIFICATE, name),) if tls else ()


CERTIFICATE = ":certificate"
"""What stands for the name in the server's certificate among the headers of an answer."""
