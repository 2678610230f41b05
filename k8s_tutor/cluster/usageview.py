"""What nodes and pods use, as metrics-server has measured it; nothing without one, or before it has looked."""

from __future__ import annotations

from k8s_tutor.cluster.views import UsageView, UseView
from k8s_tutor.node.metrics_server import MetricsServer, Rate


def usage_view(server: MetricsServer | None) -> UsageView:
    """The latest rates of all nodes, and of all pods."""
    if server is None or not server.looks:
        return UsageView()
    nodes = {name: rate for name in server.looks if (rate := server.node_rate(name)) is not None}
    pods = {f"{key[0]}/{key[1]}": _sum(list(parts.values())) for key, parts in sorted(server.pod_rates().items())}
    return UsageView(nodes={name: _sum([rate]) for name, rate in sorted(nodes.items())}, pods=pods)


def _sum(rates: list[Rate]) -> UseView:
    return UseView(cpu=-(-sum(rate.cpu for rate in rates) // 1_000_000), memory=sum(rate.memory for rate in rates))
