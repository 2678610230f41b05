"""NodeRestriction: a kubelet may change its own node and the pods on it, and of those only what is its business
(plugin/pkg/admission/noderestriction)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.admission.gate import Gate, refused
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

GROUP, PREFIX = "system:nodes", "system:node:"
MIRROR = "kubernetes.io/config.mirror"
_OWN_LABELS = (
    "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch", "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type", "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
)  # fmt: skip
"""Labels in Kubernetes' own domains that a kubelet may give its node."""
_REFERENCES = (("secret", "secrets"), ("configMap", "configmaps"), ("persistentVolumeClaim", "persistentvolumeclaims"))
_OWN_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")


def check(row: Resource, new: Tree | None, old: Tree | None, gate: Gate) -> None:
    """Looks at what a kubelet asks; ``new`` is None for a delete, ``old`` for a create. Raises a Refusal (403)."""
    if GROUP not in gate.user.groups or not gate.user.name.startswith(PREFIX):
        return
    rule = _RULES.get(row.kind)
    if rule is None:
        return
    node = gate.user.name.removeprefix(PREFIX)
    why = rule(node, new, old, gate)
    if why:
        tree = new if new is not None else old
        assert tree is not None
        raise refused(row, tree, why)


# ---------------------------------------------------------------------- pods


def _pod(node: str, new: Tree | None, old: Tree | None, gate: Gate) -> str:
    if gate.subresource == "status" and new is not None and old is not None:
        if old["spec"].get("nodeName") != node:
            return f'node "{node}" can only update pod status for pods with spec.nodeName set to itself'
        if (old["metadata"].get("labels") or {}) != (new["metadata"].get("labels") or {}):
            return f'node "{node}" cannot update labels through pod status'
        return ""
    if gate.subresource == "eviction" and old is not None:
        own = old["spec"].get("nodeName") == node
        return "" if own else f'node "{node}" can only evict pods with spec.nodeName set to itself'
    if new is None and old is not None:
        own = old["spec"].get("nodeName") == node
        return "" if own else f'node "{node}" can only delete pods with spec.nodeName set to itself'
    return _mirror(node, new) if new is not None and old is None else ""


def _mirror(node: str, pod: Tree) -> str:
    """The only pods that a kubelet makes are the pictures of its static pods."""
    spec, metadata = pod["spec"], pod["metadata"]
    if MIRROR not in (metadata.get("annotations") or {}):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if spec.get("nodeName") != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    owners = metadata.get("ownerReferences") or ()
    if len(owners) > 1:
        return f'node "{node}" can only create pods with a single owner reference set to itself'
    if owners and (owners[0].get("kind"), owners[0].get("name")) != ("Node", node):
        return f'node "{node}" can only create pods with an owner reference set to itself'
    if spec.get("serviceAccountName"):
        return f'node "{node}" can not create pods that reference a service account'
    for volume in spec.get("volumes") or ():
        for kind, words in _REFERENCES:
            if kind in volume:
                return f'node "{node}" can not create pods that reference {words}'
    return ""


# ---------------------------------------------------------------------- nodes


def _node(node: str, new: Tree | None, old: Tree | None, gate: Gate) -> str:
    tree = new if new is not None else old
    assert tree is not None
    name = tree["metadata"].get("name", "")
    if name != node:
        return f'node "{node}" is not allowed to modify node "{name}"'
    if new is None or gate.subresource:
        return ""
    before = (old["metadata"].get("labels") or {}) if old is not None else {}
    labels = new["metadata"].get("labels") or {}
    changed = sorted(label for label in {**before, **labels} if before.get(label) != labels.get(label))
    forbidden = ", ".join(label for label in changed if is_reserved(label))
    if forbidden:
        return f'node "{node}" is not allowed to {"set the following" if old is None else "modify"} labels: {forbidden}'
    if old is not None and (old["spec"].get("taints") or []) != (new["spec"].get("taints") or []):
        return f'node "{node}" is not allowed to modify taints'
    return ""


def is_reserved(label: str) -> bool:
    """Whether a label is one that no kubelet may give its node."""
    domain = label.partition("/")[0] if "/" in label else ""
    ours = any(domain == one or domain.endswith(f".{one}") for one in ("kubernetes.io", "k8s.io"))
    if not ours or label in _OWN_LABELS:
        return False
    return not any(domain == one or domain.endswith(f".{one}") for one in _OWN_DOMAINS)


def _csi_node(node: str, new: Tree | None, old: Tree | None, gate: Gate) -> str:
    tree = new if new is not None else old
    assert tree is not None
    return "" if tree["metadata"].get("name") == node else "can only access CSINode with the same name as the requesting node"


def _lease(node: str, new: Tree | None, old: Tree | None, gate: Gate) -> str:
    if gate.namespace != "kube-node-lease":
        return 'can only access leases in the "kube-node-lease" system namespace'
    tree = new if new is not None else old
    assert tree is not None
    own = tree["metadata"].get("name") == node
    return "" if own else "can only access node lease with the same name as the requesting node"


_RULES = {"CSINode": _csi_node, "Lease": _lease, "Node": _node, "Pod": _pod}
