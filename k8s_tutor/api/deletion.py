"""What a DELETE means for an object: gone at once, going gracefully, or held by finalizers.

Sources: apiserver registry/rest/delete.go (BeforeDelete), registry/generic/registry/store.go (Delete),
pkg/registry/core/pod/strategy.go (CheckGracefulDelete).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import status, times
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Subject
from k8s_tutor.api.strategy import Setting
from k8s_tutor.api.validation import causes

Tree = dict[str, Any]

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_POLICIES = ("Foreground", "Background", "Orphan")
RETURNS_OBJECT = (
    "CSIDriver", "CSINode", "DeviceClass", "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate",
    "ResourceClaim", "ResourceClaimTemplate", "ResourceQuota", "ResourceSlice", "Service", "ServiceAccount", "StorageClass",
    "VolumeAttachment", "VolumeAttributesClass",
)  # fmt: skip
"""Kinds whose DELETE answers with the object that is gone, not with a Status."""


class Options(NamedTuple):
    """``DeleteOptions``: None where the client says nothing."""

    grace: int | None = None
    policy: str = ""
    orphan: bool | None = None
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


class Outcome(NamedTuple):
    """``write``: the object's next state, or None when it stays as it is; ``remove``: it goes (after the write, if any)."""

    write: Tree | None
    remove: bool


def options(body: Tree, query: dict[str, str]) -> Options:
    """From the body of the request, else from its query. Raises a Refusal (422)."""
    found: list[status.Cause] = []
    grace = body.get("gracePeriodSeconds")
    if grace is None and query.get("gracePeriodSeconds"):
        try:
            grace = int(query["gracePeriodSeconds"])
        except ValueError:
            text = f'strconv.ParseInt: parsing "{query["gracePeriodSeconds"]}": invalid syntax'
            raise status.bad_request(text) from None
    policy = body.get("propagationPolicy") or query.get("propagationPolicy", "")
    orphan = body.get("orphanDependents")
    if policy and policy not in _POLICIES:
        found.append(causes.not_supported("propagationPolicy", policy, (*_POLICIES, "nil")))
    elif policy and orphan is not None:
        text = "orphanDependents and deletionPropagation cannot be both set"
        found.append(causes.invalid("propagationPolicy", policy, text))
    dry = body.get("dryRun") or [value for name, value in query.items() if name == "dryRun"]
    if dry and dry != ["All"]:
        found.append(causes.not_supported("dryRun", dry, ("All",)))
    if found:
        raise status.invalid(Subject("meta.k8s.io", "DeleteOptions"), found)
    conditions = body.get("preconditions", {})
    return Options(
        grace, policy, orphan, conditions.get("uid", ""), conditions.get("resourceVersion", ""),
        bool(dry),
    )  # fmt: skip


def check_preconditions(resource: Resource, tree: Tree, wanted: Options, revision: int) -> None:
    """The client may insist on a uid and a resourceVersion. Raises a Refusal (409)."""
    metadata = tree["metadata"]
    about = Subject(resource.group, resource.kind, metadata["name"])
    if wanted.uid and wanted.uid != metadata["uid"]:
        raise status.conflict(
            about,
            f"the UID in the precondition ({wanted.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated",
        )
    if wanted.resource_version and wanted.resource_version != str(revision):
        raise status.conflict(
            about,
            f"the ResourceVersion in the precondition ({wanted.resource_version}) does not match the ResourceVersion "
            f"in record ({revision}). The object might have been modified",
        )


def grace_seconds(pod: Tree, wanted: int | None) -> int:
    """How long a pod gets: what was asked, else what its spec says; nothing when nobody runs it."""
    period = pod["spec"].get("terminationGracePeriodSeconds", 30) if wanted is None else wanted
    if not pod["spec"].get("nodeName") or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return 1 if period < 0 else period


def _collector_finalizers(current: list[str], wanted: Options) -> list[str]:
    """The finalizers with which the garbage collector is told what to do with the dependents."""
    if wanted.policy:
        orphan, foreground = wanted.policy == "Orphan", wanted.policy == "Foreground"
    elif wanted.orphan is not None:
        orphan, foreground = wanted.orphan, False
    else:
        orphan, foreground = ORPHAN in current, FOREGROUND in current
    kept = [name for name in current if name not in (ORPHAN, FOREGROUND)]
    return [*kept, *([ORPHAN] if orphan else []), *([FOREGROUND] if foreground else [])]


def _marked(metadata: Tree, grace: int, setting: Setting) -> Tree:
    """Metadata of an object that begins to go: a deadline, and a generation more."""
    deadline = times.rfc3339(setting.now + grace * 1_000_000, setting.epoch)
    found = {**metadata, "deletionTimestamp": deadline, "deletionGracePeriodSeconds": grace}
    if found.get("generation", 0) > 0:
        found["generation"] += 1
    return found


def _shortened(metadata: Tree, grace: int, setting: Setting) -> Tree:
    """A deadline may come nearer, counted from when the deletion began."""
    deadline = times.parse(metadata["deletionTimestamp"], setting.epoch)
    deadline += (grace - metadata["deletionGracePeriodSeconds"]) * 1_000_000
    return {
        **metadata, "deletionTimestamp": times.rfc3339(deadline, setting.epoch), "deletionGracePeriodSeconds": grace,
    }  # fmt: skip


def delete(resource: Resource, tree: Tree, wanted: Options, setting: Setting) -> Outcome:
    """What becomes of an object that somebody deletes."""
    if resource.kind == "Namespace":
        return _namespace(tree, setting)
    metadata = tree["metadata"]
    graceful, grace = False, 0
    if resource.kind == "Pod":
        if metadata.get("deletionTimestamp"):
            before = metadata.get("deletionGracePeriodSeconds")
            if before is not None:
                if wanted.grace is None or wanted.grace >= before:
                    return Outcome(None, False)
                grace = 1 if wanted.grace < 0 else wanted.grace
                metadata = _shortened(metadata, grace, setting)
                graceful = True
        else:
            grace = grace_seconds(tree, wanted.grace)
            metadata = _marked(metadata, grace, setting)
            graceful = True
    current = metadata.get("finalizers", [])
    finalizers = _collector_finalizers(current, wanted)
    if finalizers != current:
        metadata = {key: value for key, value in metadata.items() if key != "finalizers"}
        if finalizers:
            metadata["finalizers"] = finalizers
    if not graceful and finalizers and not metadata.get("deletionTimestamp"):
        metadata = _marked(metadata, 0, setting)
    changed = None if metadata == tree["metadata"] else {**tree, "metadata": metadata}
    return Outcome(changed, not finalizers and grace == 0)


def _namespace(tree: Tree, setting: Setting) -> Outcome:
    """A namespace ends when its controller has emptied it and taken the finalizer away."""
    if tree["metadata"].get("deletionTimestamp"):
        return Outcome(None, not tree.get("spec", {}).get("finalizers") and not tree["metadata"].get("finalizers"))
    metadata = {**tree["metadata"], "deletionTimestamp": setting.stamp}
    return Outcome({**tree, "metadata": metadata, "status": {**tree.get("status", {}), "phase": "Terminating"}}, False)


def finished(resource: Resource, tree: Tree) -> bool:
    """Whether an update has taken away the last thing that held an object which is being deleted."""
    metadata = tree["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if resource.kind == "Namespace":
        return not tree.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")
