"""The name server outside the cluster, which knows a few names of the world."""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.dns.message import NXDOMAIN, Query, Record, Reply
from k8s_tutor.sim import Actor, Body, Call, Context
from k8s_tutor.sim import Reply as Answer

NAME = "upstream-dns"
WORLD = (
    ("example.com", "203.0.113.80"), ("www.example.com", "203.0.113.80"), ("kubernetes.io", "203.0.113.81"),
    ("www.kubernetes.io", "203.0.113.81"), ("registry.k8s.io", "203.0.113.82"), ("github.com", "203.0.113.83"),
    ("google.com", "203.0.113.84"), ("www.google.com", "203.0.113.84"),
)  # fmt: skip
"""Name → address, from the range that is set aside for examples (RFC 5737)."""


class UpstreamConfig(Body):
    """Further names that it knows."""

    names: tuple[tuple[str, str], ...] = WORLD


class Upstream(Actor):
    """The process ``upstream-dns``. Config: `UpstreamConfig`."""

    config: UpstreamConfig

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call) and isinstance(body.body, Query):
            ctx.reply(src, Answer(body.id, self.answer(body.body)))

    def answer(self, query: Query) -> Reply:
        """What it knows of a name."""
        address = dict(self.config.names).get(query.name.lower())
        if address is None:
            return Reply(NXDOMAIN, zone=query.name.rpartition(".")[2])
        return Reply(records=(Record(query.name, 300, "A", address),) if query.type == "A" else ())
