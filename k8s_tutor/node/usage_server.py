"""The kubelet tells what is used on its machine, as Prometheus reads it, at ``/metrics/resource``."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.wire import Response
from k8s_tutor.node import cri, exposition
from k8s_tutor.node.garbage import SandboxCollector
from k8s_tutor.sim import SECOND, Context, Reply

STATS_TIMEOUT = 10 * SECOND
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class UsageServer(SandboxCollector):
    """The part of a kubelet that tells what its pods use."""

    def tell_usage(self, ctx: Context, src: str, call: int) -> None:
        """Asks the runtime, and answers."""
        self.ask(ctx, self.config.runtime, cri.ListContainerStats(), "_usage_read", (src, call), STATS_TIMEOUT)

    def _usage_read(self, ctx: Context, answer: Any, src: str, call: int) -> None:
        if not isinstance(answer, cri.ListContainerStatsResult):
            ctx.reply(src, Reply(call, Response(500, b"the runtime does not answer\n", content_type="text/plain")))
            return
        pods = {state.uid: (state.namespace, state.name) for state in self.states.values()}
        body = exposition.write(exposition.resource_samples(answer, pods, self.config.epoch))
        ctx.reply(src, Reply(call, Response(200, body, content_type=_TEXT)))
