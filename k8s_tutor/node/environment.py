"""What a kubelet hands to a container: its variables, and the volumes that containers of a pod share."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.node.node_status import KubeletConfig
from k8s_tutor.node.podstate import PodState

_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))")

Pairs = tuple[tuple[str, str], ...]


def environment(spec: Any, pod: Any, state: PodState, config: KubeletConfig) -> Pairs:
    """The variables of a container: values with ``$(NAME)`` filled in, and fields of the pod."""
    found: dict[str, str] = {}
    for one in spec.env or ():
        if one.valueFrom is None:
            found[one.name] = _expanded(one.value or "", found)
        elif one.valueFrom.fieldRef is not None:
            found[one.name] = field(one.valueFrom.fieldRef.fieldPath, pod, state, config)
    return tuple(found.items())


def _expanded(text: str, known: dict[str, str]) -> str:
    """``$(NAME)`` becomes its value, ``$$`` a dollar; what is not known stays (third_party/forked/golang/expansion)."""
    return _REFERENCE.sub(lambda hit: "$" if hit[1] == "$" else known.get(hit[2], hit[0]), text)


def field(path: str, pod: Any, state: PodState, config: KubeletConfig) -> str:
    """A field of the pod, as the downward API names it."""
    metadata = pod.metadata
    plain = {
        "metadata.name": metadata.name, "metadata.namespace": metadata.namespace, "metadata.uid": metadata.uid,
        "spec.nodeName": config.node, "spec.serviceAccountName": pod.spec.serviceAccountName or "",
        "status.podIP": state.ip, "status.podIPs": state.ip, "status.hostIP": config.address, "status.hostIPs": config.address,
    }  # fmt: skip
    if path in plain:
        return str(plain[path])
    kind, _, key = path.removeprefix("metadata.").partition("['")
    values = {"labels": metadata.labels, "annotations": metadata.annotations}.get(kind) or {}
    return str(values.get(key.removesuffix("']"), ""))


def mounts(spec: Any, pod: Any) -> Pairs:
    """(path, name) of the mounted volumes that are directories of the node."""
    shared = {volume.name for volume in pod.spec.volumes or () if volume.emptyDir is not None}
    return tuple((one.mountPath.rstrip("/"), one.name) for one in spec.volumeMounts or () if one.name in shared)
