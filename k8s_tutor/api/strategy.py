"""What happens to an object between the client's bytes and etcd's: per-kind preparation of creates and updates.

Sources: apiserver registry/rest (BeforeCreate, BeforeUpdate) and pkg/registry/*/strategy.go. Trees that come in as ``old``
are never changed; those that come in as ``new`` are fresh.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import admission, conversion, defaults, names, preparing, status, times, validation
from k8s_tutor.api.admission import Gate, pods
from k8s_tutor.api.names import Draw
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Refusal, Subject
from k8s_tutor.api.validation import causes as wording

Tree = dict[str, Any]


class Setting(NamedTuple):
    """What a strategy knows of the world: the instant (µs since ``epoch``), chance, and who stands at the gate (None: the
    server itself)."""

    now: int
    epoch: int
    draw: Draw
    gate: Gate | None = None
    outdated: Refusal | None = None
    """What is answered to a client that has seen another version of the object: the store finds that out, after admission has
    made its changes and before anything is validated."""

    @property
    def stamp(self) -> str:
        """Now as an RFC 3339 time."""
        return times.rfc3339(self.now, self.epoch)

    def enter(self, stage: str) -> None:
        """The request comes to its next stage; see `Gate.enter`."""
        if self.gate is not None:
            self.gate.enter(stage)

    def check_version(self) -> None:
        """Raises the Refusal (409) of a client that is behind."""
        if self.outdated is not None:
            self.enter("version")
            raise self.outdated


def subject(resource: Resource, name: str) -> Subject:
    """``deployments.apps "web"``: for what is missing, forbidden or in conflict."""
    return Subject(resource.group, resource.plural, name)


def kind_subject(resource: Resource, name: str) -> Subject:
    """``Deployment.apps "web"``: for what is invalid."""
    return Subject(resource.group, resource.kind, name)


def check_place(resource: Resource, tree: Tree, namespace: str, name: str) -> None:
    """The object must say the same place as the URL; what it does not say is filled in. Raises a Refusal (400)."""
    metadata = tree.setdefault("metadata", {})
    if resource.namespaced and metadata.setdefault("namespace", namespace) != namespace:
        raise status.bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if name and metadata.get("name", name) != name:
        found = metadata["name"]
        raise status.bad_request(f"the name of the object ({found}) does not match the name on the URL ({name})")
    if name and not metadata.get("name"):
        text = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        raise status.bad_request(text)


def create(resource: Resource, tree: Tree, setting: Setting) -> Tree:
    """A fresh tree, with its defaults, becomes the object to store: admitted, with its system fields, validated. Raises a
    Refusal."""
    metadata = tree["metadata"]
    if metadata.get("resourceVersion"):
        raise status.internal_error("resourceVersion should not be set on objects to be created")
    version = resource.api_version
    resource, tree = stored_form(resource, tree)
    metadata = tree["metadata"]
    setting.enter("mutate")
    admission.mutate(resource, tree, None, setting.draw, setting.gate)
    setting.enter("validate")
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "generation"):
        metadata.pop(name, None)
    if metadata.get("generateName") and not metadata.get("name"):
        metadata["name"] = names.generate_name(metadata["generateName"], setting.draw)
    metadata["uid"] = names.uid(setting.draw)
    metadata["creationTimestamp"] = setting.stamp
    if resource.generation:
        metadata["generation"] = 1
    if resource.custom:
        if "status" in resource.subresources:
            tree.pop("status", None)
    else:
        preparing.create(resource, tree, setting.stamp, setting.gate.user if setting.gate else None)
    causes = validation.check(resource, tree, version)
    if causes:
        raise status.invalid(kind_subject(resource, metadata.get("name", "")), causes)
    setting.enter("admit")
    admission.validate(resource, tree, None, setting.gate)
    return tree


def stored_form(resource: Resource, tree: Tree) -> tuple[Resource, Tree]:
    """An object of another version becomes one of the version in which it is kept."""
    home = resource.stored_as
    if home is None:
        return resource, tree
    return home, conversion.home(resource.api_version, resource.kind, tree, home.api_version)


def update(resource: Resource, new: Tree, old: Tree, setting: Setting, subresource: str = "") -> Tree:
    """The next state of an object; all but its status may change. ``old`` and the result are as they are stored, ``new`` is
    in the version of the resource, and may have come through a subresource. Raises a Refusal."""
    setting.enter("default")
    defaults.apply(resource, new)
    version = resource.api_version
    resource, new = stored_form(resource, new)
    if not resource.custom or "status" in resource.subresources:
        _keep_status(new, old)
    setting.enter("mutate")
    admission.mutate(resource, new, old, setting.draw, setting.gate)
    setting.check_version()
    setting.enter("validate")
    _system_fields(resource, new, old)
    if not resource.custom:
        preparing.update(resource, new, old)
    if _counts(resource, new, old):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    _validated(resource, new, old, validation.check_update(resource, new, old, subresource, version))
    setting.enter("admit")
    admission.validate(resource, new, old, setting.gate)
    return new


def _keep_status(new: Tree, old: Tree) -> None:
    if "status" in old:
        new["status"] = old["status"]
    else:
        new.pop("status", None)


def _system_fields(resource: Resource, new: Tree, old: Tree) -> None:
    """Fields of metadata that only the server sets keep their values."""
    fresh, stored = new["metadata"], old["metadata"]
    for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        fresh.pop(name, None)
        if name in stored:
            fresh[name] = stored[name]
    fresh.setdefault("uid", stored["uid"])
    fresh.pop("managedFields", None)
    fresh.pop("resourceVersion", None)


_ENVELOPE = ("metadata", "kind", "apiVersion")
_OUTSIDE = (*_ENVELOPE, "status")
"""Parts of an object that its generation does not count."""


def _counts(resource: Resource, new: Tree, old: Tree) -> bool:
    """Whether this change raises ``metadata.generation``."""
    if not resource.generation:
        return False
    outside = _OUTSIDE if not resource.custom or "status" in resource.subresources else _ENVELOPE
    if any(new.get(name) != old.get(name) for name in (*new, *old) if name not in outside):
        return True
    fresh, stored = new["metadata"], old["metadata"]
    if resource.kind == "EndpointSlice":
        return bool(fresh.get("labels") != stored.get("labels"))
    return bool(resource.kind == "Deployment" and fresh.get("annotations") != stored.get("annotations"))


def update_status(resource: Resource, new: Tree, old: Tree, setting: Setting) -> Tree:
    """The next state of an object through ``/status``: only its status may change. Raises a Refusal."""
    setting.enter("mutate")
    admission.restrict(resource, new, old, setting.gate)
    setting.check_version()
    setting.enter("validate")
    resource, new = stored_form(resource, new)
    _system_fields(resource, new, old)
    if resource.custom:
        found = {key: value for key, value in new.items() if key == "status"}
        rest = {key: value for key, value in old.items() if key not in ("metadata", "status")}
        new = {**rest, "metadata": {**old["metadata"]}, **found}
        new["metadata"].pop("resourceVersion", None)
        return _admitted(resource, new, old, setting)
    if resource.kind == "Pod":
        new["metadata"]["ownerReferences"] = old["metadata"].get("ownerReferences", [])
        if not new["metadata"]["ownerReferences"]:
            del new["metadata"]["ownerReferences"]
        qos_before = old.get("status", {}).get("qosClass")
        if qos_before:
            new["status"] = {**new.get("status", {}), "qosClass": qos_before}
    elif resource.kind in ("Deployment", "ReplicaSet"):
        new["metadata"] = {**new["metadata"], "labels": old["metadata"].get("labels", {})}
        if not new["metadata"]["labels"]:
            del new["metadata"]["labels"]
    if resource.kind in ("Pod", "PersistentVolumeClaim") and (new.get("status") or {}).get("conditions"):
        conditions = [{"lastProbeTime": None, **item} for item in new["status"]["conditions"]]
        new["status"] = {**new["status"], "conditions": conditions}
    found = {**preparing.ZERO_STATUS.get(resource.kind, {}), **(new.get("status") or {})}
    new = {key: value for key, value in old.items() if key not in ("metadata", "status")} | {
        "metadata": new["metadata"],
        "status": found,
    }
    return _admitted(resource, new, old, setting)


def _admitted(resource: Resource, new: Tree, old: Tree, setting: Setting) -> Tree:
    """A new status, validated and seen by policies. Raises a Refusal."""
    _validated(resource, new, old, validation.check_status(resource, new, old))
    admission.validate_status(resource, new, old, setting.gate)
    return new


def _validated(resource: Resource, new: Tree, old: Tree, causes: list[status.Cause]) -> Tree:
    if causes:
        raise status.invalid(kind_subject(resource, old["metadata"]["name"]), causes)
    return new


def check_uid(resource: Resource, new: Tree, old: Tree, key: str) -> None:
    """A PUT that names another uid is about another object. Raises a Refusal (409)."""
    given, found = new["metadata"].get("uid"), old["metadata"]["uid"]
    if given and given != found:
        why = (
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
            f"failed: UID in precondition: {given}, UID in object meta: {found}"
        )
        raise status.conflict(subject(resource, new["metadata"].get("name", "")), why)


def same(new: Tree, old: Tree) -> bool:
    """Whether an update changes nothing: then nothing is written and the revision stays."""
    if {**new, "metadata": None} != {**old, "metadata": None}:
        return False
    fresh, stored = new["metadata"], old["metadata"]
    return {**fresh, "resourceVersion": ""} == {**stored, "resourceVersion": ""}


def bind(tree: Tree, binding: Tree, setting: Setting) -> Tree:
    """A pod with its node written in, the node's zone and region as labels, the condition that says so, and no place that it
    was promised any more (pkg/registry/core/pod/storage assignPod)."""
    name = tree["metadata"]["name"]
    about = Subject("", "pods/binding", name)
    node = binding.get("target", {}).get("name", "")
    if tree["metadata"].get("deletionTimestamp"):
        raise status.conflict(about, f"pod {name} is being deleted, cannot be assigned to a host")
    if tree["spec"].get("nodeName"):
        raise status.conflict(about, f'pod {name} is already assigned to node "{tree["spec"]["nodeName"]}"')
    if tree["spec"].get("schedulingGates"):
        raise status.conflict(about, f"pod {name} has non-empty .spec.schedulingGates")
    uid = binding.get("metadata", {}).get("uid")
    if uid and uid != tree["metadata"]["uid"]:
        raise status.conflict(about, f"pod {name} has uid {tree['metadata']['uid']}, not {uid}")
    scheduled = {
        "type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": setting.stamp,
    }  # fmt: skip
    conditions = [
        item for item in tree.get("status", {}).get("conditions", ()) if item.get("type") != "PodScheduled"
    ]
    state = {key: value for key, value in tree.get("status", {}).items() if key != "nominatedNodeName"}
    metadata = tree["metadata"]
    place = pods.topology_labels(node, setting.gate) if setting.gate is not None else {}
    given = binding.get("metadata", {})
    for field, extra in (("annotations", given.get("annotations")), ("labels", {**(given.get("labels") or {}), **place})):
        if extra:
            metadata = {**metadata, field: {**metadata.get(field, {}), **extra}}
    return {
        **tree,
        "metadata": metadata,
        "spec": {**tree["spec"], "nodeName": node},
        "status": {**state, "conditions": [*conditions, scheduled]},
    }


def check_binding(binding: Tree, name: str) -> None:
    """A binding must name a node; what is wrong with it is no status of its own (ValidatePodBinding). Raises a Refusal."""
    if binding.get("metadata", {}).get("name", "") != name:
        raise status.bad_request("name in URL does not match name in Binding object")
    target = binding.get("target", {})
    causes: list[status.Cause] = []
    if target.get("kind") not in (None, "", "Node"):
        causes.append(wording.not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        causes.append(wording.required("target.name"))
    if causes:
        lines = [f"{cause.field}: {cause.message}" for cause in causes]
        raise status.internal_error(lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]")


def finalize(new: Tree, old: Tree) -> Tree:
    """A namespace through ``/finalize``: only ``spec.finalizers`` changes."""
    wanted = new.get("spec", {}).get("finalizers", [])
    spec = {key: value for key, value in old.get("spec", {}).items() if key != "finalizers"}
    return {**old, "spec": {**spec, "finalizers": wanted} if wanted else spec}


__all__ = [
    "Refusal", "Setting", "bind", "check_binding", "check_place", "check_uid", "create", "finalize", "kind_subject",
    "same", "subject", "update", "update_status",
]  # fmt: skip
