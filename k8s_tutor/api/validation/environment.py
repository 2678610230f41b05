"""Where a container's environment comes from (pkg/apis/core/validation ValidateEnv, ValidateEnvFrom)."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import invalid, not_supported, required

Tree = dict[str, Any]

_ENV_FIELDS = ("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
               "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs")  # fmt: skip
_VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_RESOURCES = ("limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
              "requests.memory")  # fmt: skip
_CONVERTIBLE = (
    *_ENV_FIELDS, *_VOLUME_FIELDS[:2], "spec.host", "spec.restartPolicy", "spec.schedulerName", "status.phase",
)  # fmt: skip
"""What the API knows by a name at all (pkg/apis/core/pods ConvertDownwardAPIFieldLabel)."""
_DIVISORS = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}
_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.*)'\]")
_SOURCES = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"


def variables(found: list[Cause], field: str, items: list[Tree]) -> None:
    """``env``."""
    for index, variable in enumerate(items):
        place = f"{field}[{index}]"
        name = variable.get("name", "")
        if not name:
            found.append(required(f"{place}.name"))
        else:
            found += [invalid(f"{place}.name", name, problem) for problem in names.env_name(name)]
        source = variable.get("valueFrom")
        if source is not None:
            _source(found, f"{place}.valueFrom", source, bool(variable.get("value")))


def _source(found: list[Cause], place: str, source: Tree, valued: bool) -> None:
    if "fieldRef" in source:
        field_reference(found, f"{place}.fieldRef", source["fieldRef"])
    if "resourceFieldRef" in source:
        resource_reference(found, f"{place}.resourceFieldRef", source["resourceFieldRef"])
    for kind in ("configMapKeyRef", "secretKeyRef"):
        reference = source.get(kind)
        if reference is None:
            continue
        name, key = reference.get("name", ""), reference.get("key", "")
        found += [invalid(f"{place}.{kind}.name", name, problem) for problem in names.dns_subdomain(name)]
        if not key:
            found.append(required(f"{place}.{kind}.key"))
        else:
            found += [invalid(f"{place}.{kind}.key", key, problem) for problem in names.config_map_key(key)]
    if not source:
        found.append(invalid(place, "", _SOURCES))
    elif valued:
        found.append(invalid(place, "", "may not be specified when `value` is not empty"))
    elif len(source) > 1:
        found.append(invalid(place, "", "may not have more than one field specified at a time"))


def field_reference(found: list[Cause], place: str, reference: Tree, volume: bool = False) -> None:
    """A reference to a field of the pod; in a volume to its labels too."""
    path = reference.get("fieldPath", "")
    if not reference.get("apiVersion"):
        found.append(required(f"{place}.apiVersion"))
        return
    if not path:
        found.append(required(f"{place}.fieldPath"))
        return
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        problems = names.qualified_name(subscript[2].lower() if "annotations" in subscript[1] else subscript[2])
        found += [invalid(place, path, problem) for problem in problems]
        return
    known = _VOLUME_FIELDS if volume else _ENV_FIELDS
    problem = ""
    if reference["apiVersion"] != "v1":
        problem = f"unsupported pod version: {reference['apiVersion']}"
    elif path.endswith("']") and "['" in path:
        problem = f"field label does not support subscript: {path}"
    elif path not in _CONVERTIBLE:
        problem = f"field label not supported: {path}"
    if problem:
        found.append(invalid(f"{place}.fieldPath", path, f"error converting fieldPath: {problem}"))
    elif path not in known:
        found.append(not_supported(f"{place}.fieldPath", path, known))


def resource_reference(found: list[Cause], place: str, reference: Tree, volume: bool = False) -> None:
    """A reference to what a container may use."""
    resource, divisor = reference.get("resource", ""), reference.get("divisor", "0")
    if volume and not reference.get("containerName"):
        found.append(required(f"{place}.containerName"))
    elif not resource:
        found.append(required(f"{place}.resource"))
    elif resource not in _RESOURCES and not resource.partition(".")[2].startswith("hugepages-"):
        found.append(not_supported(f"{place}.resource", resource, _RESOURCES))
    kind = resource.partition(".")[2]
    allowed = _DIVISORS["cpu" if kind == "cpu" else "memory"]
    if divisor != "0" and resource in _RESOURCES and divisor not in allowed:
        what = "local ephemeral storage" if kind == "ephemeral-storage" else kind
        values = " and ".join(allowed) if kind == "cpu" else ", ".join(allowed)
        text = f"only divisor's values {values} are supported with the {what} resource"
        found.append(invalid(f"{place}.divisor", resource, text))


def sources(found: list[Cause], field: str, items: list[Tree]) -> None:
    """``envFrom``; which source is meant is not said of those that name none or two."""
    for index, item in enumerate(items):
        place = f"{field}[{index}]"
        prefix = item.get("prefix", "")
        if prefix:
            found += [invalid(f"{place}.prefix", prefix, problem) for problem in names.env_name(prefix)]
        kinds = [kind for kind in ("configMapRef", "secretRef") if kind in item]
        for kind in kinds:
            name = item[kind].get("name", "")
            if not name:
                found.append(required(f"{place}.{kind}.name"))
            else:
                found += [invalid(f"{place}.{kind}.name", name, problem) for problem in names.dns_subdomain(name)]
        if not kinds:
            found.append(invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(kinds) > 1:
            found.append(invalid(field, "", "may not have more than one field specified at a time"))
