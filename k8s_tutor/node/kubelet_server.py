"""The kubelet's own server (port 10250), which API servers ask for what is in containers: logs, exec, attach; and the
metrics server for what they use.

``GET /containerLogs/<namespace>/<pod>/<container>``, ``POST /exec/...`` and ``/attach/...``; answers and streams are those of
`api.wire`. Sources: pkg/kubelet/server/server.go, pkg/kubelet/kubelet_pods.go (GetKubeletContainerLogs).
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import times
from k8s_tutor.api.streams import Streams
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import STDOUT, Request, Response, StreamData
from k8s_tutor.node import exposition
from k8s_tutor.node.inside import Attach, Exec, Opened, ReadLog
from k8s_tutor.node.logs import LogOptions
from k8s_tutor.node.podstate import EXITED, RUNNING, Known, PodState
from k8s_tutor.node.runtimes import FLAVOURS
from k8s_tutor.node.usage_server import UsageServer
from k8s_tutor.sim import SECOND, CallFailed, Context, Reply

STREAM_TIMEOUT = 30 * SECOND


class Refused(Exception):
    """The kubelet's answer to what cannot be done: HTTP code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class KubeletServer(UsageServer, Streams):
    """The part of a kubelet that answers API servers."""

    def serve(self, ctx: Context, src: str, call: int, request: Request) -> None:
        """Answers a request, or asks the runtime."""
        if request.path == exposition.PATH:
            self.tell_usage(ctx, src, call)
            return
        try:
            what, *rest = [part for part in request.path.split("/") if part]
            if what not in ("containerLogs", "exec", "attach") or len(rest) != 3:
                raise Refused(404, "404 page not found\n")
            namespace, pod, container = rest
            state = next((one for one in self.states.values() if one.namespace == namespace and one.name == pod), None)
            if state is None:
                raise Refused(404, f'pod "{pod}" does not exist\n')
            asked = self._asked(ctx, what, state, container, request)
        except Refused as refusal:
            ctx.reply(src, Reply(call, Response(refusal.code, str(refusal).encode(), content_type="text/plain")))
            return
        code = 200 if what == "containerLogs" else 101
        near, then = Hop(src, "", call), (src, call, code)
        self.open_stream(ctx, near, self.config.runtime, asked, "_stream_opened", then, STREAM_TIMEOUT)

    def _asked(
        self, ctx: Context, what: str, state: PodState, name: str, request: Request
    ) -> ReadLog | Exec | Attach:  # fmt: skip
        """What the runtime is asked. Raises Refused."""
        known = next((one for one in state.containers if one.name == name), None)
        if what == "containerLogs":
            life = _life(known, state, name, request.flag("previous"))
            return ReadLog(life, self._options(ctx, request), request.flag("follow"))
        if known is None or known.phase != RUNNING:
            raise Refused(500, f'container not found ("{name}")')
        if what == "attach":
            return Attach(known.id, request.flag("input"))
        command = tuple(value for key, value in request.query if key == "command")
        return Exec(known.id, command, request.flag("tty"), request.flag("input"))

    def _options(self, ctx: Context, request: Request) -> LogOptions:
        since = 0
        if request.parameter("sinceSeconds"):
            since = max(1, ctx.now - int(request.parameter("sinceSeconds")) * SECOND)
        elif request.parameter("sinceTime"):
            since = max(1, times.unix_micros(request.parameter("sinceTime")) - self.config.epoch * SECOND)
        tail, limit = int(request.parameter("tailLines", "-1")), int(request.parameter("limitBytes", "0"))
        return LogOptions(tail, since, request.flag("timestamps"), limit)

    def _stream_opened(self, ctx: Context, answer: Any, src: str, call: int, code: int, far: int) -> None:
        """The runtime has answered."""
        if isinstance(answer, Opened):
            if code == 200 and answer.more:
                ctx.reply(src, Reply(call, Response(200, b"", content_type="text/plain", streams=True)))
                if answer.text:
                    ctx.reply(src, StreamData(call, STDOUT, answer.text.encode()))
                return
            if not answer.more:
                self.close_stream(far)
            body, streams = answer.text.encode(), code == 101
            ctx.reply(src, Reply(call, Response(code, body, content_type="text/plain", streams=streams)))
            return
        self.close_stream(far)
        if isinstance(answer, CallFailed):
            text = 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix '
            text += f'{FLAVOURS[self.config.runtime_kind].socket}: connect: connection refused"'
        else:
            text = f"error executing command in container: {answer.message}"
        ctx.reply(src, Reply(call, Response(500, text.encode(), content_type="text/plain")))


def _life(known: Known | None, state: PodState, name: str, previous: bool) -> str:
    """The id of the life of a container whose log is meant. Raises Refused (validateContainerLogStatus)."""
    if known is None:
        raise Refused(400, f'container "{name}" in pod "{state.name}" is not available')
    ended = known.last.id if known.last is not None else ""
    if previous:
        if not ended:
            raise Refused(400, f'previous terminated container "{name}" in pod "{state.name}" not found')
        return ended
    if known.phase in (RUNNING, EXITED):
        return known.id
    if ended:
        return ended
    why = {
        "ErrImagePull": ": image can't be pulled", "ImagePullBackOff": ": trying and failing to pull image",
    }.get(known.reason, f": {known.reason}" if known.reason else " - no logs yet")  # fmt: skip
    raise Refused(400, f'container "{name}" in pod "{state.name}" is waiting to start{why}')
