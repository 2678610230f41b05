"""Volumes of a pod (pkg/apis/core/validation validateVolumeSource)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import environment, names
from k8s_tutor.api.validation.causes import duplicate, forbidden, invalid, not_supported, required

Tree = dict[str, Any]

_NEEDED = {
    "hostPath": ("path",), "secret": ("secretName",), "configMap": ("name",), "persistentVolumeClaim": ("claimName",),
    "nfs": ("server", "path"), "csi": ("driver",), "iscsi": ("targetPortal", "iqn"), "gitRepo": ("repository",),
    "gcePersistentDisk": ("pdName",), "awsElasticBlockStore": ("volumeID",), "glusterfs": ("endpoints", "path"),
    "rbd": ("monitors", "image"), "cephfs": ("monitors",), "azureDisk": ("diskName", "diskURI"),
    "azureFile": ("secretName", "shareName"), "flexVolume": ("driver",), "cinder": ("volumeID",), "image": ("reference",),
    "ephemeral": ("volumeClaimTemplate",),
}  # fmt: skip
"""What a source must name."""
_HOST_PATHS = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
_ORDER = ("emptyDir", "hostPath")
"""The first two sources in Go's order of fields; further ones are told as they come."""
_MODE_TEXT = "must be a number between 0 and 0777 (octal), both inclusive"
_SHORTEST_TOKEN, _LONGEST_TOKEN = 600, 1 << 32


_TOKEN = {
    "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{
            "path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
        }]}},
    ],
    "defaultMode": 420,
}  # fmt: skip
"""The volume that nearly every pod gets from admission: known to be right."""


def check(found: list[Cause], field: str, volumes: list[Tree]) -> list[str]:
    """All volumes of a pod; returns the names of those that are right: no other can be mounted."""
    seen: list[str] = []
    for index, volume in enumerate(volumes):
        place = f"{field}[{index}]"
        name, before = volume.get("name", ""), len(found)
        kinds = [kind for kind in _ORDER if kind in volume]
        kinds += [kind for kind in volume if kind not in ("name", *_ORDER)]
        for extra in kinds[1:]:
            found.append(forbidden(f"{place}.{extra}", "may not specify more than 1 volume type"))
        if kinds and volume[kinds[0]] != _TOKEN:
            _source(found, f"{place}.{kinds[0]}", kinds[0], volume[kinds[0]])
        if not name:
            found.append(required(f"{place}.name"))
        else:
            problems = names.dns_label(name)
            found += [invalid(f"{place}.name", name, problem) for problem in problems]
            if name in seen:
                found.append(duplicate(f"{place}.name", name))
            if len(found) == before:
                seen.append(name)
    return seen


def _source(found: list[Cause], place: str, kind: str, source: Tree) -> None:
    for name in _NEEDED.get(kind, ()):
        if not source.get(name):
            found.append(required(f"{place}.{name}"))
    if "defaultMode" in source and not 0 <= source["defaultMode"] <= 0o777:
        found.append(invalid(f"{place}.defaultMode", source["defaultMode"], _MODE_TEXT))
    match kind:
        case "hostPath" if source.get("path"):
            if ".." in source["path"].split("/"):
                found.append(invalid(f"{place}.path", source["path"], "must not contain '..'"))
            if source.get("type", "") not in _HOST_PATHS:
                found.append(not_supported(f"{place}.type", source["type"], _HOST_PATHS))
        case "nfs":
            if not source.get("path", "").startswith("/"):
                found.append(invalid(f"{place}.path", source.get("path", ""), "must be an absolute path"))
        case "emptyDir":
            if "sizeLimit" in source and quantity.nano(source["sizeLimit"]) < 0:
                text = "SizeLimit field must be a valid resource quantity"
                found.append(forbidden(f"{place}.sizeLimit", text))
        case "secret" | "configMap":
            _items(found, f"{place}.items", source.get("items", ()))
        case "downwardAPI":
            _fields(found, place, source.get("items", ()))
        case "projected":
            paths: list[str] = []
            for index, part in enumerate(source.get("sources") or ()):
                _projection(found, place, f"{place}.sources[{index}]", part)
                _collisions(found, place, part, paths)


def _relative(found: list[Cause], field: str, path: str) -> None:
    if not path:
        found.append(required(field))
        return
    if path.startswith("/"):
        found.append(invalid(field, path, "must be a relative path"))
    if ".." in path.split("/"):
        found.append(invalid(field, path, "must not contain '..'"))
    elif path.startswith(".."):
        found.append(invalid(field, path, "must not start with '..'"))


def _items(found: list[Cause], field: str, items: list[Tree]) -> None:
    for index, item in enumerate(items):
        place = f"{field}[{index}]"
        if not item.get("key"):
            found.append(required(f"{place}.key"))
        _relative(found, f"{place}.path", item.get("path", ""))
        if "mode" in item and not 0 <= item["mode"] <= 0o777:
            found.append(invalid(f"{place}.mode", item["mode"], _MODE_TEXT))


def _fields(found: list[Cause], place: str, items: list[Tree]) -> None:
    """Items of the downward API, whose causes do not say which item."""
    for item in items:
        _relative(found, f"{place}.path", item.get("path", ""))
        if "fieldRef" in item:
            environment.field_reference(found, f"{place}.fieldRef", item["fieldRef"], volume=True)
            if "resourceFieldRef" in item:
                text = "fieldRef and resourceFieldRef can not be specified simultaneously"
                found.append(invalid(place, "resource", text))
        elif "resourceFieldRef" in item:
            environment.resource_reference(found, f"{place}.resourceFieldRef", item["resourceFieldRef"], volume=True)
        else:
            found.append(required(place, "one of fieldRef and resourceFieldRef is required"))
        if "mode" in item and not 0 <= item["mode"] <= 0o777:
            found.append(invalid(f"{place}.mode", item["mode"], _MODE_TEXT))


def _collisions(found: list[Cause], field: str, part: Tree, paths: list[str]) -> None:
    """No two sources of a projected volume write the same file; ``paths`` collects them."""
    for kind in ("secret", "configMap", "downwardAPI"):
        source = part.get(kind, {})
        for item in source.get("items", ()):
            path = item.get("path", "")
            if path and path in paths:
                shown = path if kind == "downwardAPI" else source.get("name", "")
                found.append(invalid(field, shown, "conflicting duplicate paths"))
            paths.append(path)


def _projection(found: list[Cause], volume: str, place: str, part: Tree) -> None:
    if len(part) > 1:
        found.append(forbidden(place, "may not specify more than 1 volume type per source"))
    for kind in ("secret", "configMap"):
        if kind in part:
            if not part[kind].get("name"):
                found.append(required(f"{place}.{kind}.name"))
            _items(found, f"{place}.{kind}.items", part[kind].get("items", ()))
    if "downwardAPI" in part:
        _fields(found, f"{place}.downwardAPI", part["downwardAPI"].get("items", ()))
    token = part.get("serviceAccountToken")
    if token is not None:
        seconds = token.get("expirationSeconds", 3600)
        field = f"{place}.serviceAccountToken.expirationSeconds"
        if seconds < _SHORTEST_TOKEN:
            found.append(invalid(field, seconds, "may not specify a duration less than 10 minutes"))
        if seconds > _LONGEST_TOKEN:
            found.append(invalid(field, seconds, "may not specify a duration larger than 2^32 seconds"))
        _relative(found, f"{volume}.path", token.get("path", ""))
