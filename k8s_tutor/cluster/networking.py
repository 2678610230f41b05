"""How a specification's network becomes a plan: who is in which subnet, what routers know, which addresses a VPC gives."""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster.spec import ClusterSpec, WorkerSpec
from k8s_tutor.node.addresses import MANAGERS, SUBNETS, number
from k8s_tutor.node.cni.aws_vpc import INSTANCES, addresses_of, max_pods
from k8s_tutor.node.cni.options import MODES, default_mtu, ways_of
from k8s_tutor.node.machine import AGENTS, NetworkPlan
from k8s_tutor.node.underlay import Underlay

INSTANCE = "m5.large"
"""What a machine in a VPC is that does not say."""

Tree = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_EXTENSIONS = "apiextensions.k8s.io"
_RIGHTS: dict[str, list[Tree]] = {
    "flannel": [{"apiGroups": [""], "resources": ["nodes", "nodes/status"], "verbs": ["get", "list", "watch", "patch"]}],
    "calico": [{"apiGroups": ["crd.projectcalico.org"], "resources": ["*"], "verbs": ["*"]}],
    "weave": [],
    "cilium": [
        {"apiGroups": ["cilium.io"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
    ],
    "aws-vpc-cni": [],
}
_NODES = [
    {"apiGroups": [""], "resources": ["nodes", "pods", "namespaces"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": ["get", "list", "watch"]},
]
_CRDS = {
    "calico": (("crd.projectcalico.org", "v1", "IPAMBlock"), ("crd.projectcalico.org", "v1", "BlockAffinity"),
               ("crd.projectcalico.org", "v1", "IPPool")),
    "cilium": (("cilium.io", "v2", "CiliumNode"),),
}  # fmt: skip


def agent_of(spec: ClusterSpec) -> str:
    """The name of the network plugin's process on each node, without the node's number; empty: it has none."""
    return ways_of(spec.cni).agent if spec.kubelets == "full" else ""


def places(spec: ClusterSpec) -> dict[str, int]:
    """Name of a subnet → its place; managers and machines that name none are in the first."""
    names = dict.fromkeys(["", *[shape.subnet for shape in spec.worker_shapes]])
    return {name: place for place, name in enumerate(names)}


def interfaces(spec: ClusterSpec, shape: WorkerSpec) -> tuple[int, int]:
    """(network interfaces, addresses of each) of a machine in a VPC."""
    return INSTANCES[shape.instance_type or INSTANCE] if spec.cni == "aws-vpc-cni" else (0, 0)


def most_pods(spec: ClusterSpec, shape: WorkerSpec) -> int:
    """How many pods a kubelet takes: in a VPC as its instance type says, unless the specification does."""
    if spec.cni != "aws-vpc-cni" or "pods" in shape.model_fields_set:
        return shape.pods
    return max_pods(shape.instance_type or INSTANCE)


def plan_of(spec: ClusterSpec) -> NetworkPlan:
    """The network of a cluster."""
    mode = spec.network.mode or MODES[spec.cni][0]
    cable = spec.network.cable_mtu or (9001 if spec.cni == "aws-vpc-cni" else 1500)
    nodes = [(f"node-{i}", str(i)) for i in range(1, spec.worker_count + 1)]
    if spec.control_plane == "static-pods":
        nodes += [(f"cp-{i}", f"cp-{i}") for i in range(1, spec.managers + 1)]
    net = Underlay(cable, spec.cni == "bridge", _blocks(spec) if spec.cni == "aws-vpc-cni" else ())
    return NetworkPlan(spec.cni, mode, spec.network.mtu or default_mtu(spec.cni, mode, cable), net, tuple(nodes))


def _blocks(spec: ClusterSpec) -> tuple[tuple[int, int, int], ...]:
    """The addresses of a VPC that belong to each machine beside its own, one after the other in the upper half of its
    subnet."""
    known, found = places(spec), []
    rows = [(i, known[shape.subnet], interfaces(spec, shape)) for i, shape in enumerate(spec.worker_shapes, start=1)]
    if spec.control_plane == "static-pods":
        rows += [(MANAGERS + i, 0, INSTANCES[INSTANCE]) for i in range(1, spec.managers + 1)]
    free = {place: number(f"172.31.{SUBNETS * place + SUBNETS // 2}.0") for place in known.values()}
    for machine, place, (enis, ips) in rows:
        count, first = addresses_of(enis, ips), free[place]
        last = min(first + count - 1, number(f"172.31.{SUBNETS * place + SUBNETS - 1}.254"))
        free[place] = first + count
        if first <= last:
            found.append((first, last, machine))
    return tuple(found)


def objects(spec: ClusterSpec) -> list[Tree]:
    """What is installed with a network plugin: account and rights of its agents, and the kinds that they keep."""
    if spec.cni not in AGENTS or spec.components == "etcd" or spec.kubelets == "plain":
        return []
    namespace, name = AGENTS[spec.cni][1].split(":")
    account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    found = [_tree("v1", "Namespace", namespace)] if namespace != "kube-system" else []
    return [
        *found,
        *[_definition(*one) for one in _CRDS.get(spec.cni, ())],
        _tree("v1", "ServiceAccount", name, namespace),
        {**_tree(f"{_RBAC}/v1", "ClusterRole", name), "rules": [*_NODES, *_RIGHTS[spec.cni]]},
        {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", name), "subjects": [account],
         "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}},
    ]  # fmt: skip


def _definition(group: str, version: str, kind: str) -> Tree:
    singular = kind.lower()
    plural = singular[:-1] + "ies" if singular.endswith("y") else singular + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    spec = {
        "group": group, "scope": "Cluster",
        "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": singular},
        "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
    }  # fmt: skip
    return {**_tree(f"{_EXTENSIONS}/v1", "CustomResourceDefinition", f"{plural}.{group}"), "spec": spec}


def _tree(api_version: str, kind: str, name: str, namespace: str = "") -> Tree:
    return {
        "apiVersion": api_version, "kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
    }  # fmt: skip
