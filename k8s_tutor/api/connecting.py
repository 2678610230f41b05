"""What is in a pod's containers: ``log``, ``exec`` and ``attach``. The API server checks, and then asks the pod's kubelet.

Sources: pkg/registry/core/pod/strategy.go (LogLocation, streamLocation), rest/log.go, rest/subresources.go; for the status of a
stream that could not be opened apimachinery util/remotecommand. Requests to a kubelet are those of its own server (port 10250).
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import numbers, scheme, status
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.door import Door
from k8s_tutor.api.status import Cause, Refusal, Subject
from k8s_tutor.api.strategy import subject
from k8s_tutor.api.streams import Streams
from k8s_tutor.api.validation import causes
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import STATUS, STDOUT, Request, Response, StreamData, StreamEnd
from k8s_tutor.etcd.wire import Range
from k8s_tutor.sim import SECOND, Body, CallFailed, Context, Reply

Tree = dict[str, Any]

KUBELET_TIMEOUT = 30 * SECOND
CONNECTS = ("attach", "exec", "log", "portforward")
_KINDS = {"exec": "PodExecOptions", "attach": "PodAttachOptions"}
_DEFAULT = "kubectl.kubernetes.io/default-container"
_NO_FORWARD = (
    "port-forward is not there in this cluster: its packets never leave the simulated network. "
    "Reach the pod from inside: kubectl exec POD -- curl http://ADDRESS:PORT"
)
_encode = msgspec.json.Encoder().encode


class Connecting(Door, Streams):
    """The part of the API server that connects clients with containers."""

    def send_near(self, ctx: Context, hop: Hop, frame: Body) -> None:
        self.send(ctx, hop, frame)

    def connect(self, ctx: Context, op: Op) -> None:
        """Begins with the pod, as etcd has it. Raises a Refusal."""
        what = op.target.subresource
        if what == "portforward":
            raise status.bad_request(_NO_FORWARD)
        if what == "log":
            _check_log(op)
        elif not any(op.request.flag(name) for name in ("stdin", "stdout", "stderr", "tty")):
            fields = [Cause("FieldValueRequired", "", "Required value: at least one of stdin, stdout, stderr must be set")]
            raise status.invalid(Subject("", _KINDS[what]), [cause._replace(field="<nil>") for cause in fields])
        elif what == "exec" and not op.request.parameter("command"):
            raise status.invalid(Subject("", "PodExecOptions"), [causes.required("command", "")])
        self.note_request(ctx, op, "read …")
        self.ask(ctx, self.config.etcd, Range(op.key), "pod_seen", (op,), ETCD_TIMEOUT)

    def pod_seen(self, ctx: Context, answer: Any, op: Op) -> None:
        """Takes the pod, and asks its kubelet."""
        if self.unanswered(ctx, op, answer):
            return
        try:
            if not answer.kvs:
                raise status.not_found(subject(op.row, op.target.name))
            self._to_kubelet(ctx, op, scheme.tree(answer.kvs[0].value))
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, "connect ✗")

    def _to_kubelet(self, ctx: Context, op: Op, pod: Tree) -> None:
        what, name = op.target.subresource, op.target.name
        container = _container(pod, op.request.parameter("container"), what)
        node = pod["spec"].get("nodeName", "")
        if not node and what == "log":
            self.answer(ctx, op, 200, b"", content_type="text/plain")
            return
        if not node:
            raise status.bad_request(f"pod {name} does not have a host assigned")
        asked = dict(op.request.headers).get("upgrade", "websocket").lower()
        if asked != "websocket" and what != "log":
            more = "" if asked == "none" else f": this server speaks WebSocket, not {asked.upper()}"
            raise status.bad_request("Upgrade request required" + more)
        row = scheme.resource("Node")
        found = self.caches.get(row, row.key("", node))
        if found is None:
            raise status.not_found(subject(row, node))
        addresses = scheme.tree(found.data).get("status", {}).get("addresses", ())
        address = next((one["address"] for one in addresses if one["type"] == "InternalIP"), node)
        path = f"/{_PATHS[what]}/{op.target.namespace}/{name}/{container}"
        method = "GET" if what == "log" else "POST"
        request = Request(method, path, _query(op.request, what), user="kube-apiserver-kubelet-client", agent="kube-apiserver")
        self.note_request(ctx, op, "kubelet …")
        kubelet = f"kubelet-{node.rpartition('-')[2]}"
        self.open_stream(ctx, op.hop, kubelet, request, "kubelet_answered", (op, f"{address}:10250{path}"), KUBELET_TIMEOUT)

    def kubelet_answered(self, ctx: Context, answer: Response | CallFailed, op: Op, url: str, call: int) -> None:
        """The kubelet has answered, or cannot be reached."""
        streams = isinstance(answer, Response) and answer.streams
        if not streams:
            self.close_stream(call)
        if op.target.subresource == "log":
            self._log_answered(ctx, answer, op, url)
        elif isinstance(answer, Response) and answer.code == 101:
            self._switch(ctx, op)
        else:
            self._switch(ctx, op)
            text = f'error sending request: Post "https://{url}": {_dial_error(answer, url)}'
            if isinstance(answer, Response):
                said = answer.body.decode()
                text = said if said.startswith("error executing") else f"unable to upgrade connection: {said}"
            failed = _internal(text)
            self.send(ctx, op.hop, StreamData(op.hop.call, STATUS, _encode(failed.tree)))
            self.send(ctx, op.hop, StreamEnd(op.hop.call))

    def _switch(self, ctx: Context, op: Op) -> None:
        """101 Switching Protocols."""
        if ctx.work:
            ctx.note("api.answer", id=op.hop.call, code=101, verb=op.verb, path=op.request.path)
        self.send(ctx, op.hop, Reply(op.hop.call, Response(101, streams=True)))

    def _log_answered(self, ctx: Context, answer: Response | CallFailed, op: Op, url: str) -> None:
        if not isinstance(answer, Response):
            self.refuse(ctx, op, status.internal_error(f'Get "https://{url}": {_dial_error(answer, url)}'))
        elif answer.code == 400:
            self.refuse(ctx, op, status.bad_request(answer.body.decode()))
        elif answer.code == 404:
            text = f"the server could not find the requested resource ( pods/log {op.target.name})"
            details = {"name": op.target.name, "kind": "pods/log"}
            self.refuse(ctx, op, status.failure(404, "NotFound", text, details))
        elif answer.code != 200:
            self.refuse(ctx, op, _internal(answer.body.decode()))
        elif op.request.flag("follow"):
            self.send(ctx, op.hop, Reply(op.hop.call, Response(200, content_type="text/plain", streams=True)))
            if not answer.streams:
                self.send(ctx, op.hop, StreamData(op.hop.call, STDOUT, answer.body))
                self.send(ctx, op.hop, StreamEnd(op.hop.call))
        else:
            self.answer(ctx, op, 200, answer.body, content_type="text/plain")


_PATHS = {"log": "containerLogs", "exec": "exec", "attach": "attach"}
_RENAMED = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty", "command": "command"}
_LOG = ("follow", "previous", "tailLines", "sinceSeconds", "sinceTime", "limitBytes", "timestamps")


def _query(request: Request, what: str) -> tuple[tuple[str, str], ...]:
    """What the kubelet is asked, by its own names."""
    if what == "log":
        return tuple((name, value) for name, value in request.query if name in _LOG)
    return tuple((_RENAMED[name], value) for name, value in request.query if name in _RENAMED)


def _internal(text: str) -> Refusal:
    message = f"Internal error occurred: {text}"
    return status.failure(500, "InternalError", message, {"causes": [{"message": text}]})


def _dial_error(answer: Response | CallFailed, url: str) -> str:
    place = url.partition("/")[0]
    timed_out = isinstance(answer, CallFailed) and answer.reason == "timeout"
    return f"dial tcp {place}: " + ("i/o timeout" if timed_out else "connect: connection refused")


def _container(pod: Tree, given: str, what: str) -> str:
    """The container that is meant. Raises a Refusal (400)."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    names = {
        kind: [one["name"] for one in spec.get(kind, ())] for kind in ("containers", "initContainers", "ephemeralContainers")
    }
    if given:
        if not any(given in known for known in names.values()):
            raise status.bad_request(f"container {given} is not valid for pod {name}")
        return given
    apps = names["containers"]
    default = pod["metadata"].get("annotations", {}).get(_DEFAULT, "")
    if len(apps) == 1:
        return str(apps[0])
    if default in apps:
        return str(default)
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(apps)}]"
    if names["initContainers"]:
        text += f" or one of the init containers: [{' '.join(names['initContainers'])}]"
    if names["ephemeralContainers"]:
        text += f" or one of the ephemeral containers: [{' '.join(names['ephemeralContainers'])}]"
    raise status.bad_request(text)


def _check_log(op: Op) -> None:
    """Raises a Refusal (400, 422) for options of a log that make no sense (ValidatePodLogOptions)."""
    request, found = op.request, []
    for name, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        text = request.parameter(name)
        if not text:
            continue
        number = numbers.signed(text)
        if number is None:
            raise status.bad_request(numbers.problem("ParseInt", text))
        if number < least:
            found.append(causes.invalid(name, number, f"must be greater than {'or equal to 0' if not least else '0'}"))
    if request.parameter("sinceSeconds") and request.parameter("sinceTime"):
        found.append(causes.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    if found:
        raise status.invalid(Subject("", "PodLogOptions", op.target.name), found)
