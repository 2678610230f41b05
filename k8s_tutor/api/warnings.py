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
        case "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet" | "ReplicationController":
            return _name(tree) + _template("spec.template", tree["spec"].get("template", {}))
        case "Job":
            found = _name(tree) + _template("spec.template", tree["spec"]["template"])
            return found + _job(tree["spec"])
        case "CronJob":
            inside = tree["spec"]["jobTemplate"]["spec"]
            return _zone(tree["spec"]) + _template("spec.jobTemplate.spec.template", inside["template"])
        case "PodTemplate":
            return _template("template", tree["template"])
        case "Service":
            return _service(tree["spec"])
        case "Ingress":
            if "kubernetes.io/ingress.class" in tree["metadata"].get("annotations", {}):
                text = 'annotation "kubernetes.io/ingress.class" is deprecated, please use '
                return [f"{text}'spec.ingressClassName' instead"]
        case "PersistentVolume":
            return _volume(tree)
        case "StorageClass":
            return _class(tree)
    return []


_TEMPLATED = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "ReplicationController", "Job", "CronJob", "PodTemplate")


def of_update(kind: str, tree: Tree, old: Tree) -> list[str]:
    """The warnings about an object's next state: only what makes pods is looked at again, when its spec has changed."""
    if kind not in _TEMPLATED or tree["metadata"].get("generation") == old["metadata"].get("generation"):
        return []
    return [text for text in of(kind, tree) if not text.startswith("metadata.name")]


def _name(tree: Tree) -> list[str]:
    """A name that becomes part of host names should have no dots."""
    if "." not in tree["metadata"]["name"]:
        return []
    text = "this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {text}: [must not contain dots]"]


def _template(field: str, template: Tree) -> list[str]:
    return _pod_spec(f"{field}.spec", template.get("spec", {}))


def _job(spec: Tree) -> list[str]:
    """What an indexed job would have too much of."""
    if spec.get("completionMode") == "Indexed" and spec.get("completions", 0) > 100_000 and spec.get("parallelism", 0) > 10_000:
        return ["In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes "
                "might not be able to track completedIndexes when a big number of indexes fail"]  # fmt: skip
    return []


def _zone(spec: Tree) -> list[str]:
    if "TZ" in spec.get("schedule", ""):
        return ["spec.schedule: cannot use TZ or CRON_TZ in schedule, use timeZone field instead"]
    return []


def _service(spec: Tree) -> list[str]:
    found = []
    if spec.get("externalIPs"):
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.get("loadBalancerIP"):
        found.append("spec.loadBalancerIP is deprecated since v1.24, and may be removed in a future version")
    if spec.get("type") == "ExternalName" and spec.get("sessionAffinity") == "ClientIP":
        found.append("spec.SessionAffinity is ignored for ExternalName services")
    if spec.get("clusterIP") == "None" and spec.get("sessionAffinity") == "ClientIP":
        found.append("spec.SessionAffinity is ignored for headless services")
    return found


def _volume(tree: Tree) -> list[str]:
    found = []
    if tree["spec"].get("persistentVolumeReclaimPolicy") == "Recycle":
        found.append("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
                     "approach is to use dynamic provisioning.")  # fmt: skip
    for key, instead in (
        ("volume.beta.kubernetes.io/storage-class", 'use "storageClassName" attribute instead'),
        ("volume.beta.kubernetes.io/mount-options", 'use "mountOptions" attribute instead'),
    ):  # fmt: skip
        if key in tree["metadata"].get("annotations", {}):
            since = "v1.8" if "storage-class" in key else "v1.31"
            found.append(f"metadata.annotations[{key}]: deprecated since {since}; {instead}")
    return found


def _class(tree: Tree) -> list[str]:
    """Topology labels of old."""
    return [
        f'allowedTopologies[{index}].matchLabelExpressions[{at}].key: deprecated since {_OLD_LABELS[key][0]}; use '
        f'"{_OLD_LABELS[key][1]}" instead'
        for index, term in enumerate(tree.get("allowedTopologies", ()))
        for at, expression in enumerate(term.get("matchLabelExpressions", ()))
        if (key := expression.get("key", "")) in _OLD_LABELS
    ]
