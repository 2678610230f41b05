"""Deployments, ReplicaSets and Scale (pkg/apis/apps/validation)."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.api import selectors
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import pods, selector
from k8s_tutor.api.validation.causes import (
    NEGATIVE,
    forbidden,
    immutable,
    invalid,
    non_negative,
    not_supported,
    required,
)

Tree = dict[str, Any]

_PERCENT = re.compile(r"[0-9]+%")
_PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def _selector(found: list[Cause], spec: Tree, kind: str, problem: str = "invalid label selector") -> bool:
    """The selector of a workload; returns whether it is one at all. No selector matches nothing, an empty one is refused."""
    wanted = spec.get("selector")
    before = len(found)
    if wanted is not None:
        selector.check(found, "spec.selector", wanted)
    elif kind != "daemonset":
        found.append(required("spec.selector"))
    broken = wanted is not None and len(found) > before
    empty = wanted is not None and not wanted.get("matchLabels") and not wanted.get("matchExpressions")
    if empty:
        found.append(invalid("spec.selector", wanted, f"empty selector is invalid for {kind}"))
    if broken:
        if kind != "daemonset":
            found.append(invalid("spec.selector", wanted, problem))
        return False
    labels = spec["template"].get("metadata", {}).get("labels")
    if not empty and (wanted is None or not selectors.from_object(wanted).matches(labels)):
        text = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", labels, text))
    return True


def _template(found: list[Cause], template: Tree, kind: str = "ReplicaSet") -> None:
    field = "spec.template"
    if kind == "StatefulSet":
        # Its pods get volumes that the template does not name, so the real server does not look inside.
        pods.template_metadata(found, field, template)
    else:
        pods.template(found, field, template)
    spec = template.get("spec", {})
    if spec.get("restartPolicy") != "Always":
        found.append(not_supported(f"{field}.spec.restartPolicy", spec.get("restartPolicy"), ("Always",)))
    if "activeDeadlineSeconds" in spec:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        found.append(forbidden(f"{field}.spec.activeDeadlineSeconds", text))


def amount(found: list[Cause], field: str, value: int | str) -> int:
    """Checks a number or a percentage; returns the number, or the percentage as a number."""
    if isinstance(value, int):
        non_negative(found, field, value)
        return value
    if _PERCENT.fullmatch(value) is None:
        found.append(invalid(field, value, _PERCENT_TEXT))
        return int(value) if value.isascii() and value.isdecimal() else 0
    return int(value[:-1])


def _at_most_all(found: list[Cause], field: str, value: int | str) -> None:
    if isinstance(value, str) and _PERCENT.fullmatch(value) and int(value[:-1]) > 100:
        found.append(invalid(field, value, "must not be greater than 100%"))


def _strategy(found: list[Cause], strategy: Tree) -> None:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            text = "may not be specified when strategy `type` is 'Recreate'"
            found.append(forbidden("spec.strategy.rollingUpdate", text))
        return
    if kind != "RollingUpdate":
        found.append(not_supported("spec.strategy", _shown(strategy), ("Recreate", "RollingUpdate")))
        return
    field = "spec.strategy.rollingUpdate"
    if rolling is None:
        found.append(required(field, "this should be defaulted and never be nil"))
        return
    unavailable = amount(found, f"{field}.maxUnavailable", rolling["maxUnavailable"])
    surge = amount(found, f"{field}.maxSurge", rolling["maxSurge"])
    if unavailable == 0 and surge == 0:
        text = "may not be 0 when `maxSurge` is 0"
        found.append(invalid(f"{field}.maxUnavailable", rolling["maxUnavailable"], text))
    _at_most_all(found, f"{field}.maxUnavailable", rolling["maxUnavailable"])


def _shown(strategy: Tree) -> Tree:
    """A strategy as Go prints the internal one."""
    return {"Type": strategy.get("type", ""), "RollingUpdate": strategy.get("rollingUpdate")}


def deployment(found: list[Cause], tree: Tree) -> None:
    """A whole Deployment."""
    spec = tree["spec"]
    non_negative(found, "spec.replicas", spec["replicas"])
    if _selector(found, spec, "deployment"):
        _template(found, spec["template"])
    _strategy(found, spec["strategy"])
    ready = spec.get("minReadySeconds", 0)
    non_negative(found, "spec.minReadySeconds", ready)
    non_negative(found, "spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        non_negative(found, "spec.progressDeadlineSeconds", deadline)
        if deadline <= ready:
            text = "must be greater than minReadySeconds"
            found.append(invalid("spec.progressDeadlineSeconds", deadline, text))


def replica_set(found: list[Cause], tree: Tree) -> None:
    """A whole ReplicaSet."""
    spec = tree["spec"]
    non_negative(found, "spec.replicas", spec["replicas"])
    non_negative(found, "spec.minReadySeconds", spec.get("minReadySeconds"))
    if _selector(found, spec, "deployment"):  # as the real server says here too
        _template(found, spec["template"])


def _kind(found: list[Cause], tree: Tree, kind: str) -> Tree:
    """What DaemonSets and StatefulSets have in common; returns the spec."""
    spec: Tree = tree["spec"]
    _selector(found, spec, kind.lower(), "")
    _template(found, spec["template"], kind)
    non_negative(found, "spec.minReadySeconds", spec.get("minReadySeconds"))
    non_negative(found, "spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    return spec


def daemon_set(found: list[Cause], tree: Tree) -> None:
    """A whole DaemonSet."""
    strategy = _kind(found, tree, "DaemonSet").get("updateStrategy", {})
    kind, field = strategy.get("type"), "spec.updateStrategy"
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        found.append(not_supported(field, _shown(strategy), ("RollingUpdate", "OnDelete")))
        return
    rolling, field = strategy.get("rollingUpdate", {}), f"{field}.rollingUpdate"
    unavailable = amount(found, f"{field}.maxUnavailable", rolling.get("maxUnavailable", 0))
    surge = amount(found, f"{field}.maxSurge", rolling.get("maxSurge", 0))
    for name in ("maxUnavailable", "maxSurge"):
        _at_most_all(found, f"{field}.{name}", rolling.get(name, 0))
    if not unavailable and not surge:
        found.append(required(f"{field}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    elif unavailable and surge:
        text = "may not be set when maxUnavailable is non-zero"
        found.append(invalid(f"{field}.maxSurge", rolling.get("maxSurge"), text))


def stateful_set(found: list[Cause], tree: Tree) -> None:
    """A whole StatefulSet."""
    spec = _kind(found, tree, "StatefulSet")
    non_negative(found, "spec.replicas", spec.get("replicas"))
    policy = spec.get("podManagementPolicy", "")
    if not policy:
        found.append(required("spec.podManagementPolicy"))
    elif policy not in ("OrderedReady", "Parallel"):
        text = "must be 'OrderedReady' or 'Parallel'"
        found.append(invalid("spec.podManagementPolicy", policy, text))
    strategy = spec.get("updateStrategy", {})
    kind = strategy.get("type", "")
    if not kind:
        found.append(required("spec.updateStrategy"))
    elif kind == "OnDelete":
        if "rollingUpdate" in strategy:
            text = "only allowed for updateStrategy 'RollingUpdate'"
            rolling = strategy["rollingUpdate"] or {}
            shown = {"Partition": rolling.get("partition", 0), "MaxUnavailable": rolling.get("maxUnavailable")}
            found.append(invalid("spec.updateStrategy.rollingUpdate", shown, text))
    elif kind == "RollingUpdate":
        field, rolling = "spec.updateStrategy.rollingUpdate", strategy.get("rollingUpdate", {})
        non_negative(found, f"{field}.partition", rolling.get("partition"))
        if "maxUnavailable" in rolling:
            if not amount(found, f"{field}.maxUnavailable", rolling["maxUnavailable"]):
                found.append(invalid(f"{field}.maxUnavailable", rolling["maxUnavailable"], "cannot be 0"))
            _at_most_all(found, f"{field}.maxUnavailable", rolling["maxUnavailable"])
    else:
        found.append(invalid("spec.updateStrategy", _shown(strategy), "must be 'RollingUpdate' or 'OnDelete'"))
    non_negative(found, "spec.ordinals.start", spec.get("ordinals", {}).get("start"))
    for name, value in spec.get("persistentVolumeClaimRetentionPolicy", {}).items():
        if value not in ("Retain", "Delete"):
            field = f"spec.persistentVolumeClaimRetentionPolicy.{name}"
            found.append(not_supported(field, value, ("Retain", "Delete")))


_STATEFUL = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_CHANGEABLE = ("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
               "persistentVolumeClaimRetentionPolicy", "minReadySeconds")  # fmt: skip


def stateful_set_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What a StatefulSet promised its pods is for life."""
    fresh, stored = ({k: v for k, v in tree["spec"].items() if k not in _CHANGEABLE} for tree in (new, old))
    if fresh != stored:
        found.append(forbidden("spec", _STATEFUL))


def replication_controller(found: list[Cause], tree: Tree) -> None:
    """A whole ReplicationController."""
    spec = tree["spec"]
    non_negative(found, "spec.minReadySeconds", spec.get("minReadySeconds"))
    wanted = spec.get("selector", {})
    if not wanted:
        found.append(required("spec.selector"))
    non_negative(found, "spec.replicas", spec.get("replicas"))
    if "template" not in spec:
        found.append(required("spec.template"))
        return
    labels = spec["template"].get("metadata", {}).get("labels") or {}
    if wanted and any(labels.get(name) != value for name, value in wanted.items()):
        text = "`selector` does not match template `labels`"
        found.append(invalid("spec.template.metadata.labels", labels, text))
    _template(found, spec["template"], "ReplicationController")


def pod_template(found: list[Cause], tree: Tree) -> None:
    """A whole PodTemplate."""
    pods.template(found, "template", tree["template"])


def controller_revision(found: list[Cause], tree: Tree) -> None:
    """A whole ControllerRevision."""
    if "data" not in tree:
        found.append(required("data", "data is mandatory"))
    non_negative(found, "revision", tree.get("revision"))


def controller_revision_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """A revision says what once was."""
    if new.get("data") != old.get("data"):
        found.append(immutable("data", new.get("data")))


def same_selector(found: list[Cause], new: Tree, old: Tree) -> None:
    """A workload's selector is for life."""
    wanted = new["spec"].get("selector")
    if wanted != old["spec"].get("selector"):
        found.append(immutable("spec.selector", wanted))


_PARTS = {
    "Deployment": ("updatedReplicas", "readyReplicas", "availableReplicas"),
    "ReplicaSet": ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    "StatefulSet": ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
}
"""What a status counts of its replicas, by kind."""


def status_numbers(found: list[Cause], tree: Tree) -> None:
    """Counts in a workload's status are not negative, and not more than there are replicas."""
    status = tree.get("status", {})
    for name, value in status.items():
        if isinstance(value, int):
            non_negative(found, f"status.{name}", value)
    total = status.get("replicas", 0)
    for name in _PARTS.get(tree.get("kind", ""), ()):
        if status.get(name, 0) > total:
            found.append(invalid(f"status.{name}", status.get(name, 0), "cannot be greater than status.replicas"))
    if status.get("availableReplicas", 0) > status.get("readyReplicas", 0):
        text = f"cannot be greater than {'status.' if tree.get('kind') == 'StatefulSet' else ''}readyReplicas"
        found.append(invalid("status.availableReplicas", status["availableReplicas"], text))


def scale(found: list[Cause], tree: Tree) -> None:
    """A Scale."""
    replicas = tree.get("spec", {}).get("replicas", 0)
    if replicas < 0:
        found.append(invalid("spec.replicas", replicas, NEGATIVE))
