"""Docker Engine under a kubelet: requests go from cri-dockerd to dockerd, and from dockerd to containerd and its shims.

dockerd has the images and the books, so it is a `Runtime`. The processes above and below it pass on what they are asked,
each to the one below, and what happens there to the one above.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.streams import Streams
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import StreamData, StreamEnd
from k8s_tutor.node import cni, cri
from k8s_tutor.node.inside import Attach, Exec, Opened, ReadLog
from k8s_tutor.node.runtimes import DOCKER_SOCKET
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Context, Reply

LONGEST = 3_600 * SECOND
"""Who asks has a deadline of its own; this one only clears up."""
NO_DOCKER = f"Cannot connect to the Docker daemon at unix://{DOCKER_SOCKET}. Is the docker daemon running?"


class PassConfig(Body):
    """The processes between which one stands."""

    above: str
    below: str
    cni: str = ""
    """The network plugin, for the one that calls it."""


class Passing(Streams):
    """The process ``containerd-i`` of a machine with dockerd. Config: `PassConfig`. It keeps nothing."""

    config: PassConfig

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call):
            self._pass(ctx, src, body.id, body.body)
        elif isinstance(body, (StreamData, StreamEnd)):
            self.passed(ctx, src, "", body)
        elif src == self.config.below:
            ctx.reply(self.config.above, body)
        else:
            ctx.stream(self.config.below, body)

    def below(self, asked: Any) -> str:
        """Whom a request is for."""
        return self.config.below

    def _pass(self, ctx: Context, client: str, call: int, asked: Any) -> None:
        if isinstance(asked, (Exec, Attach, ReadLog)):
            near = Hop(client, "", call)
            self.open_stream(ctx, near, self.below(asked), asked, "_opened", (near,), LONGEST)
        else:
            self.ask(ctx, self.below(asked), asked, "_answered_below", (client, call), LONGEST)

    def _answered_below(self, ctx: Context, answer: Any, client: str, call: int) -> None:
        ctx.reply(client, Reply(call, self.failed(client, answer) if isinstance(answer, CallFailed) else answer))

    def _opened(self, ctx: Context, answer: Any, near: Hop, call: int) -> None:
        if not (isinstance(answer, Opened) and answer.more):
            self.close_stream(call)
        self._answered_below(ctx, answer, near.via, near.call)

    def failed(self, client: str, answer: CallFailed) -> Body:
        """What is said when there is no answer from below."""
        return answer

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.below:
            ctx.reset(self.config.above)


class CriDockerd(Passing):
    """The process ``cri-dockerd-i``: the CRI on one side, dockerd on the other. Networks are its business, not dockerd's."""

    def below(self, asked: Any) -> str:
        return self.config.cni if isinstance(asked, (cni.CniAdd, cni.CniDel)) else self.config.below

    def failed(self, client: str, answer: CallFailed) -> Body:
        return cri.RpcError("Unknown", NO_DOCKER) if client == self.config.above else answer


__all__ = ["CriDockerd", "PassConfig", "Passing"]
