"""Defaults of pods and of pod templates (pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import quantity

Tree = dict[str, Any]

_TAG = re.compile(r"(?:@sha256:[0-9a-f]+|:[\w][\w.-]*)$")


def image_pull_policy(image: str) -> str:
    """Always for ``:latest`` or no tag, else IfNotPresent (util/parsers)."""
    if "@" in image:
        return "IfNotPresent"
    match = _TAG.search(image.rsplit("/", 1)[-1])
    return "Always" if match is None or match[0] == ":latest" else "IfNotPresent"


def _probe(probe: Tree) -> None:
    for field, value in (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)):
        if not probe.get(field):
            probe[field] = value
    if "httpGet" in probe:
        _http_get(probe["httpGet"])
    if "grpc" in probe:
        probe["grpc"].setdefault("service", "")


def _http_get(action: Tree) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")


def amounts(found: dict[str, str]) -> None:
    """Quantities finer than a thousandth are rounded up to one."""
    for name, text in found.items():
        if text[-1:] in "nu":
            found[name] = quantity.canonical(f"{quantity.milli(text)}m")


def _resources(resources: Tree) -> None:
    for part in ("limits", "requests"):
        if part in resources:
            amounts(resources[part])


def _container(container: Tree) -> None:
    _resources(container.setdefault("resources", {}))
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if kind in container:
            _probe(container[kind])
    lifecycle = container.get("lifecycle")
    if lifecycle:
        for hook in lifecycle.values():
            if isinstance(hook, dict) and "httpGet" in hook:
                _http_get(hook["httpGet"])
    for variable in container.get("env", ()):
        if "valueFrom" in variable:
            _references(variable["valueFrom"])
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = image_pull_policy(container.get("image", ""))


def _references(source: Tree) -> None:
    """A reference to a field has a version, one to a resource a divisor."""
    if "fieldRef" in source:
        source["fieldRef"].setdefault("apiVersion", "v1")
    if "resourceFieldRef" in source:
        source["resourceFieldRef"].setdefault("divisor", "0")
    if "fileKeyRef" in source:
        source["fileKeyRef"].setdefault("optional", False)


_SOURCES: dict[str, Tree] = {
    "secret": {"defaultMode": 420},
    "configMap": {"defaultMode": 420},
    "projected": {"defaultMode": 420},
    "downwardAPI": {"defaultMode": 420},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def volume_source(volume: Tree) -> None:
    """Defaults of whatever a volume is, in a pod or in a PersistentVolume."""
    for kind, values in _SOURCES.items():
        source = volume.get(kind)
        if source is not None:
            for field, value in values.items():
                source.setdefault(field, value)


def _volume(volume: Tree) -> None:
    if len(volume) == 1:
        volume["emptyDir"] = {}
    volume_source(volume)
    if "image" in volume:
        volume["image"].setdefault("pullPolicy", image_pull_policy(volume["image"].get("reference", "")))
    if "ephemeral" in volume:
        template = volume["ephemeral"].setdefault("volumeClaimTemplate", {})
        template.setdefault("metadata", {})
        claim_spec(template.setdefault("spec", {}))
    projected = volume.get("projected")
    if projected is not None:
        projected.setdefault("sources", None)
        for source in projected["sources"] or ():
            if "serviceAccountToken" in source:
                source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
            if "podCertificate" in source:
                source["podCertificate"].setdefault("maxExpirationSeconds", 86_400)
            _items(source.get("downwardAPI", {}))
    _items(volume.get("downwardAPI", {}))


def _items(source: Tree) -> None:
    for item in source.get("items", ()):
        _references(item)


def claim_spec(spec: Tree) -> None:
    """Defaults of a claim, also of one inside a template."""
    spec.setdefault("resources", {})
    _resources(spec["resources"])
    spec.setdefault("volumeMode", "Filesystem")
    for name in ("dataSource", "dataSourceRef"):
        if name in spec:
            spec[name].setdefault("apiGroup", None)


def pod_spec(spec: Tree) -> None:
    """Defaults of a pod's spec, also inside a template."""
    for volume in spec.get("volumes", ()):
        _volume(volume)
    for kind in ("initContainers", "ephemeralContainers"):
        for container in spec.get(kind, ()):
            _container(container)
    for container in spec.get("containers", ()):
        _container(container)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if spec.get("serviceAccountName") and "serviceAccount" not in spec:
        spec["serviceAccount"] = spec["serviceAccountName"]
    elif spec.get("serviceAccount") and "serviceAccountName" not in spec:
        spec["serviceAccountName"] = spec["serviceAccount"]
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if "overhead" in spec:
        amounts(spec["overhead"])


def template(spec: Tree) -> None:
    """Defaults of the pod template of a workload."""
    found = spec.setdefault("template", {})
    found.setdefault("metadata", {})
    pod_spec(found.setdefault("spec", {}))


def pod(tree: Tree) -> None:
    """A pod: what is filled in only here, not in a template, comes last."""
    spec = tree.setdefault("spec", {})
    pod_spec(spec)
    containers = [*spec.get("containers", ()), *spec.get("initContainers", ())]
    for container in containers:
        _requests(container["resources"])
    if "resources" in spec:
        _pod_resources(spec)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        for container in containers:
            for port in container.get("ports", ()):
                port.setdefault("hostPort", port.get("containerPort", 0))
    tree.setdefault("status", {})


def _requests(resources: Tree) -> None:
    """Limits become requests where no request is named."""
    limits = resources.get("limits")
    if limits:
        requests = resources.setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)


def _pod_resources(spec: Tree) -> None:
    """Requests of a pod as a whole, when it has limits: those of its containers together, else the limits."""
    limits = spec["resources"].get("limits")
    _resources(spec["resources"])
    if not limits:
        return
    requests = spec["resources"].setdefault("requests", {})
    for name in ("cpu", "memory"):
        together = _sum(name, spec)
        if together and name not in requests:
            requests[name] = together
    for name, amount in limits.items():
        requests.setdefault(name, amount)


def _sum(name: str, spec: Tree) -> str:
    """What the containers request together, counting those that run at the same time (KEP-753)."""

    def milli(container: Tree) -> int:
        return quantity.milli(container["resources"].get("requests", {}).get(name, "0"))

    sidecars, most = 0, 0
    for container in spec.get("initContainers", ()):
        if container.get("restartPolicy") == "Always":
            sidecars += milli(container)
            most = max(most, sidecars)
        else:
            most = max(most, sidecars + milli(container))
    total = max(sidecars + sum(map(milli, spec.get("containers", ()))), most)
    texts = [text for text in _requested(name, spec) if text]
    binary = next((text[-2:] for text in texts if text.endswith("i")), "")
    if binary and total % 1000 == 0:
        unit = 1024 ** ("KMGTPE".index(binary[0]) + 1)
        if total // 1000 % unit == 0:
            return f"{total // 1000 // unit}{binary}"
        return quantity.canonical(f"{total // 1000}")
    return quantity.canonical(f"{total}m") if total else ""


def _requested(name: str, spec: Tree) -> Iterable[str]:
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        yield container["resources"].get("requests", {}).get(name, "")
