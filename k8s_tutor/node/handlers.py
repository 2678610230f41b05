"""Handlers: what a kubelet does to a container for a probe or a lifecycle hook (exec, httpGet, tcpSocket, grpc, sleep), and
what its outcome means.

Sources: pkg/probe (exec, http, tcp, grpc), pkg/kubelet/prober/prober.go, pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.node import cri
from k8s_tutor.node.inside import ExecSync
from k8s_tutor.node.naming import Connect
from k8s_tutor.node.node_status import NodeReporter
from k8s_tutor.node.podstate import PodState
from k8s_tutor.node.sockets import Connected
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

AGENT = "kube-probe/1.36"
SUCCESS, FAILURE, UNKNOWN = "success", "failure", "unknown"


class Outcome(NamedTuple):
    """``success``, ``failure``, or ``unknown`` (it could not be carried out), and the words for it."""

    result: str
    text: str = ""


class Slept(Body):
    """The kubelet's own timer: a ``sleep`` handler is over."""

    then: str
    args: tuple[Any, ...]


class Handlers(NodeReporter):
    """The part of a kubelet that carries out handlers."""

    def handle_action(
        self, ctx: Context, state: PodState, spec: Any, action: Any, seconds: int, then: str, args: tuple[Any, ...],
        agent: str = AGENT,
    ) -> None:  # fmt: skip
        """Carries out a handler (typed struct) of a container; ``then(ctx, outcome, *args)`` is called when it is over, at the
        latest after ``seconds``. ``spec``: the container's specification."""
        try:
            if action.exec is not None:
                words = tuple(action.exec.command or ())
                asked = ExecSync(state.container(spec.name).id, words, seconds)
                about = (then, args, " ".join(words), seconds)
                self.ask(ctx, self.config.runtime, asked, "_command_over", about, (seconds + 2) * SECOND)
            elif getattr(action, "sleep", None) is not None:
                ctx.after(min(action.sleep.seconds, seconds) * SECOND, Slept(then, args))
            else:
                self._connect(ctx, state, spec, action, seconds, then, args, agent)
        except ValueError as error:
            getattr(self, then)(ctx, Outcome(UNKNOWN, str(error)), *args)

    def slept(self, ctx: Context, body: Slept) -> None:
        """A ``sleep`` handler is over."""
        getattr(self, body.then)(ctx, Outcome(SUCCESS), *body.args)

    def _connect(
        self, ctx: Context, state: PodState, spec: Any, action: Any, seconds: int, then: str, args: tuple[Any, ...], agent: str
    ) -> None:  # fmt: skip
        """Connects to a port of the pod. Raises ValueError when the port has no number."""
        one = action.httpGet or action.tcpSocket or action.grpc
        host, port = getattr(one, "host", None) or state.ip, port_of(one.port, spec)
        protocol, data, url = "tcp", "", f"{host}:{port}"
        if action.httpGet is not None:
            protocol = (one.scheme or "HTTP").lower()
            path = "/" + (one.path or "").removeprefix("/")
            data, url = f"GET {path} {agent}", f"{protocol}://{url}{path}"
        elif action.tcpSocket is None:
            protocol = "grpc"
        about = (then, args, protocol, url, f"{host}:{port}", seconds)
        connect = Connect(self.config.address, host, port, protocol, data)
        self.ask(ctx, self.config.shim, connect, "_connected", about, seconds * SECOND)

    def _command_over(
        self, ctx: Context, answer: Any, then: str, args: tuple[Any, ...], command: str, seconds: int
    ) -> None:  # fmt: skip
        if isinstance(answer, cri.ExecSyncResult):
            outcome = Outcome(FAILURE if answer.code else SUCCESS, answer.text)
        elif isinstance(answer, cri.RpcError) and answer.code == "DeadlineExceeded":
            outcome = Outcome(FAILURE, f'command timed out: "{command}" timed out after {seconds}s')
        else:
            outcome = Outcome(UNKNOWN, str(answer) if isinstance(answer, cri.RpcError) else "the runtime does not answer")
        getattr(self, then)(ctx, outcome, *args)

    def _connected(
        self, ctx: Context, answer: Any, then: str, args: tuple[Any, ...], protocol: str, url: str, peer: str, seconds: int
    ) -> None:  # fmt: skip
        words = {"tcp": tcp_outcome, "grpc": grpc_outcome}.get(protocol, http_outcome)
        getattr(self, then)(ctx, words(answer, url, peer, seconds), *args)


def port_of(port: int | str, spec: Any) -> int:
    """A port by number or by the name that it has in the container. Raises ValueError."""
    if isinstance(port, int):
        return port
    found = next((one.containerPort for one in spec.ports or () if one.name == port), 0)
    if not found and not port.isdigit():
        raise ValueError(f"couldn't find port: {port} in container ports")
    return int(found or port)


def http_outcome(answer: Connected | CallFailed, url: str, peer: str, seconds: int) -> Outcome:
    """What became of ``httpGet``: codes from 200 to 399 are good."""
    if isinstance(answer, CallFailed) or answer.result == "timeout":
        return Outcome(FAILURE, f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
    if answer.result == "ok":
        good = 200 <= answer.code < 400
        return Outcome(SUCCESS) if good else Outcome(FAILURE, f"HTTP probe failed with statuscode: {answer.code}")
    why = {
        "plain": "http: server gave HTTP response to HTTPS client", "speechless": "EOF",
        "reset": f"read tcp {peer}: read: connection reset by peer",
        "unreachable": f"dial tcp {peer}: connect: no route to host",
    }.get(answer.result, f"dial tcp {peer}: connect: connection refused")  # fmt: skip
    return Outcome(FAILURE, f'Get "{url}": {why}')


def tcp_outcome(answer: Connected | CallFailed, url: str, peer: str, seconds: int) -> Outcome:
    """What became of ``tcpSocket``: who takes the connection is well."""
    if isinstance(answer, CallFailed) or answer.result == "timeout":
        return Outcome(FAILURE, f"dial tcp {peer}: i/o timeout")
    if answer.result == "unreachable":
        return Outcome(FAILURE, f"dial tcp {peer}: connect: no route to host")
    return Outcome(FAILURE, f"dial tcp {peer}: connect: connection refused") if answer.result == "refused" else Outcome(SUCCESS)


def grpc_outcome(answer: Connected | CallFailed, url: str, peer: str, seconds: int) -> Outcome:
    """What became of ``grpc``: the service must say SERVING."""
    if isinstance(answer, Connected) and answer.result == "ok":
        good = answer.data == "SERVING"
        return Outcome(SUCCESS) if good else Outcome(FAILURE, f'service unhealthy (responded with "{answer.data}")')
    if isinstance(answer, Connected) and answer.result == "speechless":
        text = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return Outcome(FAILURE, f"{text}: unknown service grpc.health.v1.Health")
    return Outcome(FAILURE, f'timeout: failed to connect service "{peer}" within {seconds}s: context deadline exceeded')
