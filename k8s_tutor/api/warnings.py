"""Warnings that come with a good answer: what works but is probably not meant (pkg/api/pod/warnings.go and neighbours)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity

Tree = dict[str, Any]

_OLD_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}


def _container(field: str, container: Tree) -> list[str]:
    found = []
    names: list[str] = []
    for index, variable in enumerate(container.get("env", ())):
        if variable.get("name") in names:
            text = f'hides previous definition of "{variable["name"]}", which may be dropped when using apply'
            found.append(f"{field}.env[{index}]: {text}")
        names.append(variable.get("name", ""))
    ports: list[tuple[Any, ...]] = []
    for index, port in enumerate(container.get("ports", ())):
        key = (port.get("containerPort"), port.get("protocol"), port.get("hostIP"), port.get("hostPort"))
        if key in ports:
            found.append(f"{field}.ports[{index}]: duplicate port definition with {field}.ports[{ports.index(key)}]")
        ports.append(key)
    for part in ("limits", "requests"):
        for name, amount in container.get("resources", {}).get(part, {}).items():
            if name in ("memory", "ephemeral-storage") and quantity.nano(amount) % quantity.NANO:
                text = f'fractional byte value "{amount}" is invalid, must be an integer'
                found.append(f"{field}.resources.{part}[{name}]: {text}")
    return found


def _pod_spec(field: str, spec: Tree) -> list[str]:
    found = []
    for key in spec.get("nodeSelector", ()):
        if key in _OLD_LABELS:
            since, instead = _OLD_LABELS[key]
            found.append(f'{field}.nodeSelector[{key}]: deprecated since {since}; use "{instead}" instead')
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind, ())):
            if "env" in container or "ports" in container or "resources" in container:
                found += _container(f"{field}.{kind}[{index}]", container)
    return found


def of(kind: str, tree: Tree) -> list[str]:
    """The warnings about a new object."""
    match kind:
        case "Pod":
            return _pod_spec("spec", tree["spec"])
        case "Deployment" | "ReplicaSet":
            found = []
            if "." in tree["metadata"]["name"]:
                text = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is "
                found.append(f"metadata.name: {text}recommended: [must not contain dots]")
            return found + _pod_spec("spec.template.spec", tree["spec"]["template"]["spec"])
        case "Service":
            if tree["spec"].get("externalIPs"):
                return ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]
    return []
