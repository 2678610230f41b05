"""Protobuf bodies: kubectl's typed commands send them, and they become the JSON that everything else here works on.

A body is ``k8s\\0`` and a ``runtime.Unknown`` message with the kind and the encoded object. One generic reader walks it along
the field numbers of the schema table. Maps, and structs that Go embeds in others, have no number there; they are told here
(k8s.io/api/**/generated.proto).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import schema, times

Tree = dict[str, Any]

MEDIA = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
"""They may come as a kind of any group and version."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_NUMBERS: dict[str, dict[str, int]] = {
    "ObjectMeta": {"labels": 11, "annotations": 12},
    "LabelSelector": {"matchLabels": 1},
    "ConfigMap": {"data": 2, "binaryData": 3},
    "Secret": {"data": 2, "stringData": 4},
    "ResourceRequirements": {"limits": 1, "requests": 2},
    "VolumeResourceRequirements": {"limits": 1, "requests": 2},
    "PodSpec": {"nodeSelector": 7, "overhead": 32},
    "ServiceSpec": {"selector": 2},
    "ReplicationControllerSpec": {"selector": 2},
    "LimitRangeItem": {"max": 2, "min": 3, "default": 4, "defaultRequest": 5, "maxLimitRequestRatio": 6},
    "ResourceQuotaSpec": {"hard": 1},
    "ResourceQuotaStatus": {"hard": 1, "used": 2},
    "NodeStatus": {"capacity": 1, "allocatable": 2},
    "ContainerStatus": {"allocatedResources": 10},
    "PersistentVolumeClaimStatus": {"capacity": 3, "allocatedResources": 5, "allocatedResourceStatuses": 7},
    "PersistentVolumeSpec": {"capacity": 1},
    "FlexVolumeSource": {"options": 5},
    "FlexPersistentVolumeSource": {"options": 5},
    "CSIVolumeSource": {"volumeAttributes": 4},
    "CSIPersistentVolumeSource": {"volumeAttributes": 5},
    "PodDisruptionBudgetStatus": {"disruptedPods": 2},
    "StorageClass": {"parameters": 3},
    "VolumeAttributesClass": {"parameters": 3},
    "VolumeAttachmentStatus": {"attachmentMetadata": 2},
    "SubjectAccessReviewSpec": {"extra": 5},
    "UserInfo": {"extra": 4},
    "CertificateSigningRequestSpec": {"extra": 6},
    "BoundObjectReference": {"uid": 4},
    "Overhead": {"podFixed": 1},
    "Scheduling": {"nodeSelector": 1},
    "Endpoint": {"deprecatedTopology": 5},
    "IngressClassParametersReference": {"apiGroup": 1},
    "MutatingWebhookConfiguration": {"webhooks": 2},
    "ValidatingWebhookConfiguration": {"webhooks": 2},
    "Validation": {"expression": 1},
    "Variable": {"name": 1, "expression": 2},
}
"""Type → field → number, where the schema table has none."""

_NAME = ("name",)
_RULE = ("apiGroups", "apiVersions", "resources", "scope")
_EMBEDDED: dict[str, tuple[int, tuple[str, ...]]] = {
    "Volume": (2, (
        "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "secret", "nfs", "iscsi", "glusterfs",
        "persistentVolumeClaim", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "downwardAPI", "fc", "azureFile",
        "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO",
        "projected", "storageos", "csi", "ephemeral", "image",
    )),
    "PersistentVolumeSpec": (2, (
        "gcePersistentDisk", "awsElasticBlockStore", "hostPath", "glusterfs", "nfs", "rbd", "iscsi", "cinder", "cephfs", "fc",
        "flocker", "flexVolume", "azureFile", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk",
        "portworxVolume", "scaleIO", "local", "storageos", "csi",
    )),
    "Probe": (1, ("exec", "httpGet", "tcpSocket", "grpc")),
    "ConfigMapEnvSource": (1, _NAME), "ConfigMapKeySelector": (1, _NAME), "ConfigMapProjection": (1, _NAME),
    "ConfigMapVolumeSource": (1, _NAME), "SecretEnvSource": (1, _NAME), "SecretKeySelector": (1, _NAME),
    "SecretProjection": (1, _NAME),
    "IngressRule": (2, ("http",)),
    "RuleWithOperations": (2, _RULE),
}  # fmt: skip
"""Type → (number of the embedded message, its fields in order of their numbers)."""


class _Field(NamedTuple):
    name: str
    t: str
    inside: bool = False
    """The field lies in an embedded message whose fields belong to the outer object."""


@cache
def _fields(type_name: str) -> dict[int, _Field]:
    base = type_name.rsplit(".", 1)[-1]
    numbers = _NUMBERS.get(base, {})
    found = {}
    for name, field in schema.fields(type_name).items():
        number = field.number or numbers.get(name, 0)
        if number:
            found[number] = _Field(name, field.t)
    if base in _EMBEDDED:
        found[_EMBEDDED[base][0]] = _Field("", "", True)
    elif base == "EphemeralContainer":
        found[1] = _Field("", type_name[: -len(base)] + "Container", True)
    return found


@cache
def _embedded(type_name: str) -> dict[int, _Field]:
    """Fields of the message that Go embeds in this type."""
    base = type_name.rsplit(".", 1)[-1]
    if base == "EphemeralContainer":
        return _fields(type_name[: -len(base)] + "Container")
    rows = schema.fields(type_name)
    names = _EMBEDDED[base][1]
    return {number: _Field(name, rows[name].t) for number, name in enumerate(names, 1) if name in rows}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(data):
            raise ValueError("unexpected EOF")
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
        if shift > 63:
            raise ValueError("proto: integer overflow")


def _parts(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of each field of a message. Raises ValueError when it is cut short."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        size = {1: 8, 5: 4}.get(wire, 0)
        if wire == 2:
            size, at = _varint(data, at)
        elif not size:
            raise ValueError(f"proto: illegal wireType {wire}")
        if at + size > len(data):
            raise ValueError("unexpected EOF")
        yield number, wire, data[at : at + size]
        at += size


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _first(data: bytes) -> dict[int, Any]:
    return {number: value for number, _, value in _parts(data)}


def _special(data: bytes, t: str) -> Any:
    """A message that is one value in JSON; None when it is none."""
    found = _first(data)
    if t == schema.QUANTITY:
        return found.get(1, b"0").decode()
    if t == schema.INT_OR_STRING:
        return found.get(3, b"").decode() if found.get(1) else _signed(found.get(2, 0))
    if t in (schema.TIME, schema.MICRO_TIME):
        if not data:
            return None
        micros = _signed(found.get(1, 0)) * 1_000_000 + found.get(2, 0) // 1000
        return times.rfc3339(micros, 0) if t == schema.TIME else times.micro_time(micros, 0)
    raw = found.get(1, b"")
    if isinstance(raw, bytes) and (raw[:1] in (b"{", b"[", b'"', b"t", b"f", b"n") or raw.isdigit()):
        return _decode(raw)
    if isinstance(raw, int):  # metav1.Duration
        return f"{_signed(raw) // 1_000_000_000}s"
    return None


def _scalar(value: Any, t: str) -> Any:
    if isinstance(value, int):
        return bool(value) if t == "boolean" else _signed(value)
    if t == "string:byte":
        return base64.b64encode(value).decode()
    if t == "number:double" and len(value) == 8:
        return struct.unpack("<d", value)[0]
    return value.decode()


def _value(value: Any, t: str) -> Any:
    if t.startswith("io."):
        return _struct(value, t) if schema.is_struct(t) else _special(value, t)
    if t.startswith("["):  # the values of a map of lists: a message with repeated items
        return [_value(item, t[1:-1]) for _, _, item in _parts(value)]
    if t == "object":
        return _special(value, t)
    return _scalar(value, t)


def _struct(data: bytes, type_name: str) -> Tree:
    found: Tree = {}
    _fill(found, data, type_name, _fields(type_name))
    return found


def _fill(found: Tree, data: bytes, type_name: str, fields: dict[int, _Field]) -> None:
    for number, wire, value in _parts(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.inside:
            _fill(found, value, type_name, _embedded(type_name))
        elif field.t.startswith("["):
            inner = field.t[1:-1]
            items = found.setdefault(field.name, [])
            if wire == 2 and inner.startswith("integer"):
                items += _packed(value)
            else:
                items.append(_value(value, inner))
        elif field.t.startswith("{"):
            pair = _first(value)
            inner = field.t[1:-1]
            empty: Any = 0 if inner.startswith("integer") else b""
            found.setdefault(field.name, {})[pair.get(1, b"").decode()] = _value(pair.get(2, empty), inner)
        else:
            item = _value(value, field.t)
            if item is not None:
                found[field.name] = item


def _packed(data: bytes) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(_signed(value))
    return found


def to_json(data: bytes) -> bytes:
    """The JSON of a protobuf body. Raises ValueError when it is none."""
    if not data.startswith(MAGIC):
        raise ValueError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    unknown = _first(data[len(MAGIC) :])
    head = _first(unknown.get(1, b""))
    api_version, kind = head.get(1, b"").decode(), head.get(2, b"").decode()
    group, _, version = api_version.rpartition("/")
    type_name = DELETE_OPTIONS if kind == "DeleteOptions" else schema.type_of(group, version, kind)
    tree: Tree = {"kind": kind, "apiVersion": api_version}
    if type_name is not None:
        tree.update(_struct(unknown.get(2, b""), type_name))
        tree.update(kind=kind, apiVersion=api_version)
    return _encode(tree)
