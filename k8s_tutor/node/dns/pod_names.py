"""What a kubelet tells a pod of names: its ``resolv.conf``, and its full name.

Sources: pkg/kubelet/network/dns/dns.go (GetPodDNS), pkg/kubelet/kubelet_pods.go (GeneratePodHostNameAndDomain).
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.dns.message import UPSTREAM
from k8s_tutor.node.dns.resolver import MOST_SEARCH, MOST_SERVERS
from k8s_tutor.node.dns.zone import DOMAIN

HOST_CONF = f"nameserver {UPSTREAM}\n"
"""``/etc/resolv.conf`` of the machines."""


def resolv_conf(pod: Any, cluster_dns: str) -> str:
    """A pod's ``/etc/resolv.conf``, as its ``dnsPolicy`` and ``dnsConfig`` want it."""
    spec = pod.spec
    policy = spec.dnsPolicy or "ClusterFirst"
    servers: list[str] = []
    search: list[str] = []
    options: dict[str, str | None] = {}
    if policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not spec.hostNetwork):
        servers, options = [cluster_dns], {"ndots": "5"}
        search = [f"{pod.metadata.namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN]
    elif policy != "None":
        servers = [UPSTREAM]
    if spec.dnsConfig is not None:
        servers += [one for one in spec.dnsConfig.nameservers or () if one not in servers]
        search += [one for one in spec.dnsConfig.searches or () if one not in search]
        options |= {one.name or "": one.value for one in spec.dnsConfig.options or ()}
    lines = [f"search {' '.join(search[:MOST_SEARCH])}"] if search else []
    lines += [f"nameserver {one}" for one in servers[:MOST_SERVERS]]
    if options:
        lines.append("options " + " ".join(name if value is None else f"{name}:{value}" for name, value in options.items()))
    return "".join(line + "\n" for line in lines)


def full_name(pod: Any) -> str:
    """``web-0.web.default.svc.cluster.local`` of a pod with a subdomain; else empty."""
    spec, metadata = pod.spec, pod.metadata
    if not spec.subdomain or spec.hostNetwork:
        return ""
    return f"{spec.hostname or metadata.name}.{spec.subdomain}.{metadata.namespace}.svc.{DOMAIN}"
