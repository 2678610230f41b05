"""How the API server prints its internal structs: Go's field names, every field, ``null`` for what is not set.

Some refusals carry such a print, or the difference of two. Source: pkg/apis/core/types.go. The order of fields is that of
the schema where nothing else is said here.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any

import msgspec

from k8s_tutor.api import schema, zeros

Tree = dict[str, Any]

_CORE = "io.k8s.api.core.v1."

_ORDER: dict[str, tuple[str, ...]] = {
    "PodSpec": (
        "volumes", "initContainers", "containers", "ephemeralContainers", "restartPolicy", "terminationGracePeriodSeconds",
        "activeDeadlineSeconds", "dnsPolicy", "nodeSelector", "serviceAccountName", "automountServiceAccountToken",
        "nodeName", "securityContext", "imagePullSecrets", "hostname", "subdomain", "setHostnameAsFQDN", "affinity",
        "schedulerName", "tolerations", "hostAliases", "priorityClassName", "priority", "preemptionPolicy", "dnsConfig",
        "readinessGates", "runtimeClassName", "overhead", "enableServiceLinks", "topologySpreadConstraints", "os",
        "schedulingGates", "resourceClaims", "resources", "hostnameOverride", "schedulingGroup",
    ),
    "Container": (
        "name", "image", "command", "args", "workingDir", "ports", "envFrom", "env", "resources", "resizePolicy",
        "restartPolicy", "restartPolicyRules", "volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe",
        "startupProbe", "lifecycle", "terminationMessagePath", "terminationMessagePolicy", "imagePullPolicy",
        "securityContext", "stdin", "stdinOnce", "tty",
    ),
    "Volume": (
        "name", "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs", "iscsi",
        "glusterfs", "persistentVolumeClaim", "rbd", "quobyte", "flexVolume", "cinder", "cephfs", "flocker", "downwardAPI",
        "fc", "azureFile", "configMap", "vsphereVolume", "azureDisk", "photonPersistentDisk", "projected",
        "portworxVolume", "scaleIO", "storageos", "csi", "ephemeral", "image",
    ),
    "PersistentVolumeSource": (
        "gcePersistentDisk", "awsElasticBlockStore", "hostPath", "glusterfs", "nfs", "rbd", "quobyte", "iscsi",
        "flexVolume", "cinder", "cephfs", "fc", "flocker", "azureFile", "vsphereVolume", "azureDisk",
        "photonPersistentDisk", "portworxVolume", "scaleIO", "local", "storageos", "csi",
    ),
    "PersistentVolumeClaimSpec": (
        "accessModes", "selector", "resources", "volumeName", "storageClassName", "volumeMode", "dataSource",
        "dataSourceRef", "volumeAttributesClassName",
    ),
    "PodSecurityContext": (
        "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers", "seLinuxOptions", "windowsOptions",
        "runAsUser", "runAsGroup", "runAsNonRoot", "supplementalGroups", "supplementalGroupsPolicy", "fsGroup",
        "fsGroupChangePolicy", "sysctls", "seccompProfile", "appArmorProfile", "seLinuxChangePolicy",
    ),
    "SecurityContext": (
        "capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot",
        "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile", "appArmorProfile",
    ),
    "Toleration": ("key", "operator", "value", "effect", "tolerationSeconds"),
    "VolumeMount": ("name", "readOnly", "recursiveReadOnly", "mountPath", "subPath", "mountPropagation", "subPathExpr"),
    "ServiceAccountTokenProjection": ("audience", "expirationSeconds", "path"),
}  # fmt: skip

_HOST = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""Fields of a pod's spec that stand in its security context internally."""

_POINTERS = {
    "PodSpec": ("preemptionPolicy", "runtimeClassName", "hostnameOverride"),
    "Container": ("restartPolicy",),
    "PersistentVolumeClaimSpec": ("storageClassName", "volumeMode", "volumeAttributesClassName"),
    "VolumeMount": ("recursiveReadOnly", "mountPropagation"),
    "HostPathVolumeSource": ("type",),
    "SecurityContext": ("procMount",),
    "PodSecurityContext": ("supplementalGroupsPolicy", "fsGroupChangePolicy", "seLinuxChangePolicy"),
    "TopologySpreadConstraint": ("nodeAffinityPolicy", "nodeTaintsPolicy"),
}  # fmt: skip
"""Texts that may be ``null``."""

_NAMES = {
    "dnsPolicy": "DNSPolicy", "dnsConfig": "DNSConfig", "gcePersistentDisk": "GCEPersistentDisk", "nfs": "NFS",
    "awsElasticBlockStore": "AWSElasticBlockStore", "iscsi": "ISCSI", "rbd": "RBD", "cephfs": "CephFS", "fc": "FC",
    "storageos": "StorageOS", "csi": "CSI", "os": "OS", "tty": "TTY", "apiVersion": "APIVersion", "httpGet": "HTTPGet",
    "tcpSocket": "TCPSocket", "grpc": "GRPC", "fsGroup": "FSGroup", "fsGroupChangePolicy": "FSGroupChangePolicy",
    "seLinuxOptions": "SELinuxOptions", "seLinuxChangePolicy": "SELinuxChangePolicy", "fsType": "FSType",
    "apiGroup": "APIGroup", "ip": "IP", "uid": "UID",
}  # fmt: skip
_VALUES = (("Container", "resources"), ("EphemeralContainer", "resources"), ("PersistentVolumeClaimSpec", "resources"),
           ("PodSpec", "securityContext"))  # fmt: skip
"""Structs that are there even when they are empty."""


def _name(field: str) -> str:
    return _NAMES.get(field) or field[:1].upper() + field[1:]


@cache
def _fields(type_name: str) -> tuple[tuple[str, str, bool], ...]:
    """(name, type, required) of a struct's fields in the order of the internal one."""
    base = type_name.rpartition(".")[2]
    rows = dict(schema.fields(_CORE + ("PersistentVolumeSpec" if base == "PersistentVolumeSource" else base)))
    if base == "PodSecurityContext":
        rows |= {name: row for name, row in schema.fields(f"{_CORE}PodSpec").items() if name in _HOST}
    order = _ORDER.get(base) or tuple(sorted(rows, key=lambda name: (rows[name].number, name)))
    return tuple((name, rows[name].t, rows[name].required) for name in order if name in rows)


def go(kind: str, tree: Tree | None) -> Tree:
    """A struct of ``core/v1`` (``PodSpec``) as the internal one is printed."""
    found: Tree = {}
    tree = tree or {}
    for name, t, required in _fields(_CORE + kind):
        value = tree.get(name)
        if (kind, name) == ("PodSpec", "securityContext"):
            value = {**(value or {}), **{part: tree[part] for part in _HOST if part in tree}}
        found[_name(name)] = _zero(kind, name, t, required) if value is None or value in ([], {}) else _value(t, value)
        if (kind, name) in _VALUES and not value:
            found[_name(name)] = go(t.rpartition(".")[2], {})
    return found


def _value(t: str, value: Any) -> Any:
    if t.startswith("["):
        return [_value(t[1:-1], item) for item in value]
    if t.startswith(_CORE) and not schema.primitive(t):
        return go(t.rpartition(".")[2], value)
    return value


def _zero(kind: str, name: str, t: str, required: bool) -> Any:
    if t == "string":
        return None if name in _POINTERS.get(kind, ()) else ""
    if t in ("boolean", "integer:int32", "integer:int64"):
        plain = required or name in zeros.DROPPED_NUMBERS.get(kind, ()) or (name in _HOST[:3])
        return (False if t == "boolean" else 0) if plain else None
    return None


def template(tree: Tree) -> Tree:
    """A pod template: its metadata as clients see it, its spec as it is inside."""
    return {**tree.get("metadata", {}), "Spec": go("PodSpec", tree.get("spec", {}))}


def difference(kind: str, old: Tree, new: Tree) -> str:
    """A unified diff of two structs of ``core/v1``."""
    left, right = (
        msgspec.json.format(msgspec.json.encode(go(kind, tree)), indent=1).decode().splitlines() for tree in (old, new)
    )
    lines = list(difflib.unified_diff(left, right, lineterm=""))[2:]
    return "\n".join(lines) + "\n"
