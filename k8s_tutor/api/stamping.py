"""Creating many pods from one body: a ReplicaSet's requests differ in nothing but what the server itself makes up.

The first is decoded, defaulted, admitted and validated as any object is; what comes out is kept as a mould, and the others
get only their own name, uid, time and token volume. Nothing of the result depends on which way an object went.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api import bodies, defaults, names, options, owners, scheme, strategy, warnings
from k8s_tutor.api.strategy import Setting
from k8s_tutor.api.wire import Request

Tree = dict[str, Any]

_POD = scheme.resource("Pod")
_BLANK = names.suffix(lambda bound: 0)


class Mould(NamedTuple):
    """A valid pod but for what `stamp` puts in. ``volume`` is the name of the token volume in the mould, or empty;
    ``generated`` says whether the server makes up the name."""

    tree: Tree
    warnings: tuple[str, ...]
    volume: str
    generated: bool
    managed: bytes
    """Whose its fields are, at the beginning of time."""


def suits(kind: str, request: Request) -> bool:
    """Whether this is a pod whose name the server makes up: then others like it are to be expected."""
    return kind == "Pod" and b'"generateName"' in request.body and b'"name":"kube-api-access-' not in request.body


def mould(request: Request, namespace: str) -> Mould:
    """The mould for a request. Raises a Refusal as any create does."""
    return _mould(
        request.body, namespace, request.parameter("fieldValidation", "Warn"), request.content_type, options.manager(request)
    )


@lru_cache(maxsize=256)
def _mould(body: bytes, namespace: str, validation: str, content_type: str, manager: str) -> Mould:
    request = Request("POST", "", (("fieldValidation", validation), ("fieldManager", manager)), body, content_type)
    tree, told = bodies.decode(_POD, request)
    strategy.check_place(_POD, tree, namespace, "")
    generated = not tree["metadata"].get("name")
    setting = Setting(0, 0, lambda bound: 0)
    defaults.apply(_POD, tree)
    managed = owners.created(_POD, tree, request, setting.stamp)
    made = strategy.create(_POD, tree, setting)
    last = (made["spec"].get("volumes") or [{}])[-1].get("name", "")
    volume = last if last == f"kube-api-access-{_BLANK}" else ""
    return Mould(made, (*told, *warnings.of("Pod", made)), volume, generated, managed)


def stamp(found: Mould, setting: Setting) -> Tree:
    """One pod of its own, with the chances drawn in the same order as by `strategy.create`."""
    spec = found.tree["spec"]
    if found.volume:
        spec = _with_volume(spec, found.volume, names.generate_name("kube-api-access-", setting.draw))
    metadata = found.tree["metadata"]
    own = {"creationTimestamp": setting.stamp}
    if found.generated:
        own["name"] = names.generate_name(metadata["generateName"], setting.draw)
    own["uid"] = names.uid(setting.draw)
    return {**found.tree, "metadata": {**metadata, **own}, "spec": spec}


def _with_volume(spec: Tree, blank: str, name: str) -> Tree:
    """A spec whose token volume has this name."""
    renamed = {**spec, "volumes": [*spec["volumes"][:-1], {**spec["volumes"][-1], "name": name}]}
    for kind in ("initContainers", "containers"):
        if kind in spec:
            renamed[kind] = [_with_mount(container, blank, name) for container in spec[kind]]
    return renamed


def _with_mount(container: Tree, blank: str, name: str) -> Tree:
    mounts = [{**mount, "name": name} if mount["name"] == blank else mount for mount in container["volumeMounts"]]
    return {**container, "volumeMounts": mounts}
