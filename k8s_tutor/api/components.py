"""ComponentStatus: what the API server says when it is asked how its neighbours are (pkg/registry/core/componentstatus).

It knocks at the health ports of the scheduler and of the controller manager on its own machine. Nobody serves these ports
here, so the answer is an honest refusal; etcd it asks as it always does.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import presenting, scheme, status
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.reads import Reads
from k8s_tutor.api.strategy import subject
from k8s_tutor.etcd.wire import Range, RangeResult
from k8s_tutor.sim import Context

_PORTS = {"controller-manager": 10257, "scheduler": 10259}


def _tree(name: str, healthy: bool, message: str) -> dict[str, Any]:
    condition = {"type": "Healthy", "status": str(healthy), "message": message}
    return {"metadata": {"name": name}, "conditions": [condition]}


def trees(etcd: bool) -> list[dict[str, Any]]:
    """All components; ``etcd`` says whether it has answered."""
    found = []
    for name, port in _PORTS.items():
        place = f"127.0.0.1:{port}"
        text = f'Get "https://{place}/healthz": dial tcp {place}: connect: connection refused'
        found.append(_tree(name, False, text))
    return [*found, _tree("etcd-0", etcd, "ok" if etcd else "context deadline exceeded")]


class Components(Reads):
    """The part of the API server that answers for its neighbours."""

    def components(self, ctx: Context, op: Op) -> None:
        """GET of one ComponentStatus or of all."""
        self.note_request(ctx, op, "read …")
        self.ask(ctx, self.config.etcd, Range("health"), "components_seen", (op,), ETCD_TIMEOUT)

    def components_seen(self, ctx: Context, answer: Any, op: Op) -> None:
        """etcd has answered, or has not."""
        found = trees(isinstance(answer, RangeResult))
        if not op.target.name:
            items = [scheme.encode(op.row, tree) for tree in found]
            self.answer(ctx, op, 200, presenting.many(op.row, op.request, items, {}, self.moment(ctx)))
            return
        for tree in found:
            if tree["metadata"]["name"] == op.target.name:
                self.answer(ctx, op, 200, self.object_body(ctx, op, scheme.encode(op.row, tree)))
                return
        self.refuse(ctx, op, status.not_found(subject(op.row, op.target.name)))
