"""What stands in the volumes of a pod that a kubelet fills itself: configMap, secret, projected, downwardAPI; and where the
others lie on the machine. Pure.

Sources: pkg/volume/configmap, secret, projected, downwardapi; pkg/kubelet/kubelet_pods.go (makeMounts).
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8s_tutor.node.shell.files import Mount

Tree = dict[str, Any]
Ref = tuple[str, ...]
"""What is read from the API server: ``(ConfigMap, namespace, name)``, ``(Secret, ...)``, or ``(Token, namespace, service
account, uid of the pod, its name, audience, seconds)``."""
Look = Callable[[Ref], "Tree | None"]
"""Finds what a reference stands for, None for what does not exist. Raises MountError when nobody knows."""
Files = tuple[tuple[str, str], ...]
"""(path below the volume, text)."""
HOST = "host"
"""The place of the machine's own files."""


class MountError(Exception):
    """A volume or a variable that cannot be made now, in the kubelet's words."""


def place(uid: str, volume: Any) -> str:
    """Where a volume lies on the machine (see `shell.files`)."""
    if volume.hostPath is not None:
        return HOST
    memory = volume.emptyDir is not None and volume.emptyDir.medium == "Memory"
    return f"{'memory' if memory else 'pods'}/{uid}/{volume.name}"


def claim_of(pod: Any, volume: Any) -> str:
    """The claim that stands for a volume, or empty; an ephemeral one has a claim named after the pod."""
    if volume.persistentVolumeClaim is not None:
        return str(volume.persistentVolumeClaim.claimName)
    return f"{pod.metadata.name}-{volume.name}" if volume.ephemeral is not None else ""


def filled(volume: Any) -> bool:
    """Whether the kubelet writes what is in it."""
    return any(one is not None for one in (volume.configMap, volume.secret, volume.projected, volume.downwardAPI))


def token_of(pod: Any, source: Any) -> Ref:
    """The reference of a token that is projected into a volume."""
    metadata, seconds = pod.metadata, source.expirationSeconds or 3600
    account = pod.spec.serviceAccountName or "default"
    return ("Token", metadata.namespace, account, metadata.uid, metadata.name, source.audience or "", str(seconds))


def references(pod: Any) -> tuple[Ref, ...]:
    """What must be read to fill a pod's volumes."""
    found: dict[Ref, None] = {}
    for volume in pod.spec.volumes or ():
        for kind, source in _sources(volume):
            ref = _reference(pod, kind, source)
            if ref:
                found[ref] = None
    return tuple(found)


def pull_secrets_of(pod: Any) -> tuple[Ref, ...]:
    """The Secrets with logins of registries that a pod names."""
    return tuple(("Secret", pod.metadata.namespace, one.name) for one in pod.spec.imagePullSecrets or () if one.name)


def logins(tree: Tree) -> tuple[tuple[str, str], ...]:
    """(host, ``user:password``) in a Secret of the type ``kubernetes.io/dockerconfigjson``; empty for what cannot be read."""
    try:
        found = json.loads(b64decode((tree.get("data") or {}).get(".dockerconfigjson", "e30=")))["auths"]
        return tuple((_host(url), _login(one)) for url, one in found.items())
    except (ValueError, KeyError, AttributeError, TypeError):
        return ()


def _login(one: Tree) -> str:
    return b64decode(one["auth"]).decode() if one.get("auth") else f"{one['username']}:{one['password']}"


def _host(url: str) -> str:
    host = url.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io") else host


def variables_of(pod: Any, container: Any) -> tuple[Ref, ...]:
    """What must be read for a container's variables."""
    found: dict[Ref, None] = {}
    space = pod.metadata.namespace
    for source in container.envFrom or ():
        for kind, one in (("ConfigMap", source.configMapRef), ("Secret", source.secretRef)):
            if one is not None:
                found[kind, space, one.name] = None
    for variable in container.env or ():
        source = variable.valueFrom
        if source is not None and (source.configMapKeyRef or source.secretKeyRef):
            kind = "ConfigMap" if source.configMapKeyRef is not None else "Secret"
            found[kind, space, (source.configMapKeyRef or source.secretKeyRef).name] = None
    return tuple(found)


def _sources(volume: Any) -> Iterator[tuple[str, Any]]:
    """(kind, source) of all that is put into a volume."""
    for one in (volume, *((volume.projected.sources or ()) if volume.projected is not None else ())):
        for kind in ("configMap", "secret", "downwardAPI", "serviceAccountToken"):
            source = getattr(one, kind, None)
            if source is not None:
                yield kind, source


def _reference(pod: Any, kind: str, source: Any) -> Ref:
    if kind == "serviceAccountToken":
        return token_of(pod, source)
    if kind == "downwardAPI":
        return ()
    name = getattr(source, "secretName", None) or source.name
    return ("Secret" if kind == "secret" else "ConfigMap", pod.metadata.namespace, name or "")


def content(volume: Any, pod: Any, look: Look, field: Callable[[Any], str]) -> Files:
    """The files of a volume. ``field`` tells what an item of the downward API stands for. Raises MountError."""
    found: dict[str, str] = {}
    for kind, source in _sources(volume):
        if kind == "downwardAPI":
            found.update({item.path: field(item) for item in source.items or ()})
        elif kind == "serviceAccountToken":
            tree = look(token_of(pod, source))
            found[source.path] = tree["status"]["token"] if tree is not None else ""
        else:
            ref = _reference(pod, kind, source)
            found.update(_items(ref, look(ref), source))
    return tuple(sorted(found.items()))


def _items(ref: Ref, tree: Tree | None, source: Any) -> dict[str, str]:
    """The keys of a ConfigMap or Secret that are asked for."""
    if tree is None:
        if source.optional:
            return {}
        raise missing(ref)
    data = texts(ref, tree)
    if not source.items:
        return data
    found = {}
    for item in source.items:
        if item.key in data:
            found[item.path] = data[item.key]
        elif not source.optional:
            what = "configmap references non-existent config" if ref[0] == "ConfigMap" else "references non-existent secret"
            raise MountError(f"{what} key: {item.key}")
    return found


def missing(ref: Ref) -> MountError:
    """The words for what does not exist."""
    return MountError(f'{ref[0].lower()} "{ref[2]}" not found')


def texts(ref: Ref, tree: Tree) -> dict[str, str]:
    """Key → text of a ConfigMap or Secret."""
    coded = tree.get("data" if ref[0] == "Secret" else "binaryData") or {}
    plain = {} if ref[0] == "Secret" else tree.get("data") or {}
    return {**plain, **{key: b64decode(value).decode("utf-8", "replace") for key, value in coded.items()}}


def mounts(
    spec: Any, pod: Any, attempt: int, claimed: Mapping[str, tuple[str, str, bool]]
) -> tuple[tuple[Mount, ...], tuple[tuple[str, str, str], ...]]:
    """The mounts of a container, deepest first; and the copies that they need: a ``subPath`` of a filled volume shows what was
    there when the container began, and is not refreshed: (place from, path in it, place to). ``claimed``: see
    `claims.ClaimVolumes.places`."""
    volumes = {volume.name: volume for volume in pod.spec.volumes or ()}
    found, copies = [], []
    for number, one in enumerate(spec.volumeMounts or ()):
        volume = volumes.get(one.name)
        if one.name in claimed:
            where, prefix, read_only = claimed[one.name]
            prefix += "/" + one.subPath.strip("/") if one.subPath else ""
            found.append(Mount(one.mountPath.rstrip("/") or "/", where, prefix, read_only or bool(one.readOnly)))
            continue
        if volume is None or not (filled(volume) or volume.emptyDir is not None or volume.hostPath is not None):
            continue
        where, prefix = place(pod.metadata.uid, volume), "/" + one.subPath.strip("/") if one.subPath else ""
        if volume.hostPath is not None:
            prefix = volume.hostPath.path.rstrip("/") + prefix
        elif filled(volume) and prefix:
            copy = f"{where}/{spec.name}-{attempt}-{number}"
            copies.append((where, prefix, copy))
            where = copy
        read_only = bool(one.readOnly) or filled(volume)
        found.append(Mount(one.mountPath.rstrip("/") or "/", where, prefix, read_only))
    return tuple(sorted(found, key=lambda mount: -len(mount.path))), tuple(copies)
