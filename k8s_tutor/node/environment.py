"""What a kubelet hands to a container: its variables.

Sources: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/kubelet/envvars, pkg/api/v1/resource, pkg/fieldpath.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.node.node_status import KubeletConfig
from k8s_tutor.node.podstate import PodState
from k8s_tutor.node.volumes import Look, MountError, Ref, missing, texts

_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))")

Pairs = tuple[tuple[str, str], ...]


def environment(
    spec: Any, pod: Any, state: PodState, config: KubeletConfig, look: Look, services: Iterable[Any] = ()
) -> Pairs:  # fmt: skip
    """The variables of a container: Services, what ``envFrom`` brings, then ``env``, with ``$(NAME)`` filled in. Raises
    MountError."""
    links = pod.spec.enableServiceLinks is not False
    around = service_variables(services, pod.metadata.namespace, links)
    found: dict[str, str] = {}
    for source in spec.envFrom or ():
        for kind, one in (("ConfigMap", source.configMapRef), ("Secret", source.secretRef)):
            if one is not None:
                data = _data((kind, pod.metadata.namespace, one.name), look, bool(one.optional))
                found.update({f"{source.prefix or ''}{key}": value for key, value in (data or {}).items()})
    for one in spec.env or ():
        value: str | None = _expanded(one.value or "", {**around, **found})
        if one.valueFrom is not None:
            value = _from(one.valueFrom, spec, pod, state, config, look)
        if value is not None:
            found[one.name] = value
    return tuple({**around, **found}.items())


def _from(source: Any, spec: Any, pod: Any, state: PodState, config: KubeletConfig, look: Look) -> str | None:
    """The value of a variable that comes from somewhere else; None: it is not set."""
    one = source.configMapKeyRef or source.secretKeyRef
    if one is None:
        return downward(source, pod, spec, state, config)
    kind = "ConfigMap" if source.configMapKeyRef is not None else "Secret"
    ref = (kind, pod.metadata.namespace, one.name)
    data = _data(ref, look, bool(one.optional))
    if data is None or one.key in data:
        return data[one.key] if data is not None else None
    if one.optional:
        return None
    raise MountError(f"couldn't find key {one.key} in {kind} {ref[1]}/{one.name}")


def _data(ref: Ref, look: Look, optional: bool) -> dict[str, str] | None:
    tree = look(ref)
    if tree is None and not optional:
        raise missing(ref)
    return texts(ref, tree) if tree is not None else None


def service_variables(services: Iterable[Any], namespace: str, links: bool) -> dict[str, str]:
    """The variables that tell of Services: those of the namespace, and ``kubernetes``."""
    found: dict[str, str] = {}
    for service in services:
        metadata, spec = service.metadata, service.spec
        master = (metadata.namespace, metadata.name) == ("default", "kubernetes")
        if not (master or (links and metadata.namespace == namespace)) or (spec.clusterIP or "None") == "None":
            continue
        name, address, ports = metadata.name.upper().replace("-", "_"), spec.clusterIP, spec.ports or ()
        if not ports:
            continue
        found |= {f"{name}_SERVICE_HOST": address, f"{name}_SERVICE_PORT": str(ports[0].port)}
        found |= {f"{name}_SERVICE_PORT_{one.name.upper().replace('-', '_')}": str(one.port) for one in ports if one.name}
        for place, one in enumerate(ports):
            protocol = (one.protocol or "TCP").lower()
            url, prefix = f"{protocol}://{address}:{one.port}", f"{name}_PORT_{one.port}_{protocol.upper()}"
            found |= {f"{name}_PORT": url} if not place else {}
            found |= {prefix: url, f"{prefix}_PROTO": protocol, f"{prefix}_PORT": str(one.port), f"{prefix}_ADDR": address}
    return found


def _expanded(text: str, known: dict[str, str]) -> str:
    """``$(NAME)`` becomes its value, ``$$`` a dollar; what is not known stays (third_party/forked/golang/expansion)."""
    return _REFERENCE.sub(lambda hit: "$" if hit[1] == "$" else known.get(hit[2], hit[0]), text)


def downward(source: Any, pod: Any, spec: Any, state: PodState, config: KubeletConfig) -> str:
    """What the downward API tells: a field of the pod, or a resource of one of its containers (``spec`` if none is named)."""
    if source.fieldRef is not None:
        return field(source.fieldRef.fieldPath, pod, state, config)
    one = source.resourceFieldRef
    if one is None:
        return ""
    if one.containerName:
        every = (*(pod.spec.initContainers or ()), *pod.spec.containers)
        spec = next(container for container in every if container.name == one.containerName)
    kind, _, resource = one.resource.partition(".")
    amounts = (getattr(spec.resources, kind) if spec.resources else None) or {}
    room = {"cpu": config.cpu, "memory": config.memory} if kind == "limits" else {}
    amount, divisor = amounts.get(resource, room.get(resource, "0")), str(one.divisor or "1")
    divisor = "1" if divisor == "0" else divisor
    measure = quantity.milli if resource == "cpu" else quantity.value
    return str(-(-measure(amount) // measure(divisor)))


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
    kind, bracket, key = path.removeprefix("metadata.").partition("['")
    values = {"labels": metadata.labels, "annotations": metadata.annotations}.get(kind) or {}
    if not bracket:
        return "\n".join(f"{name}={json.dumps(values[name], ensure_ascii=False)}" for name in sorted(values))
    return str(values.get(key.removesuffix("']"), ""))
