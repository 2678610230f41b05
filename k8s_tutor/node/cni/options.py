"""The plugins that a cluster can be set up with: their names, modes and sizes, and how each does things on a node."""

from __future__ import annotations

from hashlib import sha1, sha256
from typing import NamedTuple

from k8s_tutor.node.cni.wire import CniAdd

CLUSTER_CIDRS = {
    "bridge": "10.244.0.0/16", "flannel": "10.244.0.0/16", "calico": "192.168.0.0/16", "weave": "10.32.0.0/12",
    "cilium": "10.0.0.0/8", "aws-vpc-cni": "172.31.0.0/16",
}  # fmt: skip
"""Range of all pods' addresses."""
MODES = {
    "bridge": ("",),
    "flannel": ("vxlan", "host-gw"),
    "calico": ("ipip", "ipip-cross-subnet", "vxlan", "vxlan-cross-subnet", "none"),
    "weave": ("fastdp", "sleeve"),
    "cilium": ("vxlan", "native"),
    "aws-vpc-cni": ("",),
}
"""The first of each is its default."""
ENFORCES = ("calico", "weave", "cilium")
"""Those that enforce NetworkPolicies."""


def default_mtu(plugin: str, mode: str, cable: int) -> int:
    """The MTU that a plugin gives to pods' devices where machines' cables take ``cable`` bytes."""
    if plugin == "aws-vpc-cni":
        return min(9001, cable)
    if plugin == "weave":
        return min(1376, cable - 124)
    overhead = 50 if mode.startswith("vxlan") else 20 if mode.startswith("ipip") else 0
    return cable - overhead


class Ways(NamedTuple):
    """How a plugin does things. ``description``: as libcni names it in errors; ``local``: whether it gives addresses from
    files of its own; ``bridge``: the bridge to which it joins pods, or none; ``gateway`` and ``hardware``: the neighbour to
    which a pod without a bridge sends everything; ``program``: what is attached to the machine's end of the veth;
    ``add_error``, ``del_error``: its words when its agent does not answer (empty: it deletes later)."""

    description: str
    agent: str = ""
    local: bool = False
    bridge: str = ""
    prefix: str = ""
    gateway: str = "169.254.1.1"
    hardware: str = ""
    program: str = ""
    add_error: str = ""
    del_error: str = ""

    def host_device(self, asked: CniAdd) -> str:
        """The name of the machine's end of a veth pair."""
        if self.prefix == "lxc":
            return "lxc" + sha256(asked.container.encode()).hexdigest()[:12]
        return self.prefix + sha1(f"{asked.namespace}.{asked.pod}".encode()).hexdigest()[:11]


_CALICO = (
    "stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted"
    " /var/lib/calico/"
)
_AWS = (
    "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:50051:"
    " connect: connection refused\""
)
_CILIUM = (
    "unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get"
    " \"http://localhost/v1/config\": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory\nIs the agent"
    " running?"
)
_REFUSED = "dial tcp 127.0.0.1:6784: connect: connection refused"

WAYS = {
    "bridge": Ways('type="bridge"', local=True, bridge="cni0"),
    "flannel": Ways(
        'type="flannel"', "flanneld", local=True, bridge="cni0",
        add_error="loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory",
    ),
    "calico": Ways(
        'type="calico"', "calico-node", prefix="cali", hardware="ee:ee:ee:ee:ee:ee", add_error=_CALICO, del_error=_CALICO
    ),
    "weave": Ways(
        'type="weave-net" name="weave"', "weave-net", bridge="weave",
        add_error=f'unable to allocate IP address: Post "http://127.0.0.1:6784/ip/{{container}}": {_REFUSED}',
        del_error=f'unable to release IP address: Delete "http://127.0.0.1:6784/ip/{{container}}": {_REFUSED}',
    ),
    "cilium": Ways('type="cilium-cni"', "cilium-agent", prefix="lxc", program="cil_from_container", add_error=_CILIUM),
    "aws-vpc-cni": Ways(
        'type="aws-cni" name="aws-cni"', "aws-node", prefix="eni",
        add_error=f"add cmd: Error received from AddNetwork gRPC call: {_AWS}",
        del_error=f"del cmd: Error received from DelNetwork gRPC call: {_AWS}",
    ),
}  # fmt: skip


def ways_of(plugin: str) -> Ways:
    """How a plugin does things."""
    return WAYS[plugin]
