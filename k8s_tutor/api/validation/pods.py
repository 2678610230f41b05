"""Pods (pkg/apis/core/validation ValidatePodSpec, ValidatePodUpdate)."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import containers, dump, meta, names, placement, security, volumes
from k8s_tutor.api.validation.addresses import ip_problems
from k8s_tutor.api.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)

Tree = dict[str, Any]

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NAMESERVERS, _SEARCHES, _SEARCH_LETTERS = 3, 32, 2048
_PREEMPTION = ("PreemptLowerPriority", "Never")
_SYSTEMS = ("linux", "windows")
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_MIRROR = "kubernetes.io/config.mirror"
_COST = re.compile(r"-?(0|[1-9][0-9]*)")

_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def spec(found: list[Cause], field: str, value: Tree) -> None:
    """A pod's spec, also inside a template."""
    seen_volumes = volumes.check(found, f"{field}.volumes", value["volumes"]) if "volumes" in value else []
    seen: list[str] = []
    grace = value.get("terminationGracePeriodSeconds")
    if not value.get("containers"):
        found.append(required(f"{field}.containers"))
    else:
        containers.check(found, f"{field}.containers", value["containers"], seen_volumes, seen, init=False, grace=grace)
    if "initContainers" in value:
        place = f"{field}.initContainers"
        containers.check(found, place, value["initContainers"], seen_volumes, seen, init=True, grace=grace)
    if value.get("restartPolicy") not in _RESTART:
        found.append(not_supported(f"{field}.restartPolicy", value.get("restartPolicy", ""), _RESTART))
    if value.get("dnsPolicy") not in _DNS:
        found.append(not_supported(f"{field}.dnsPolicy", value.get("dnsPolicy", ""), _DNS))
    deadline = value.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        text = "must be between 1 and 2147483647, inclusive"
        found.append(invalid(f"{field}.activeDeadlineSeconds", deadline, text))
    for name in ("nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"):
        if value.get(name):
            found += [invalid(f"{field}.{name}", value[name], problem) for problem in names.dns_subdomain(value[name])]
    for name in ("hostname", "subdomain"):
        if value.get(name):
            found += [invalid(f"{field}.{name}", value[name], problem) for problem in names.dns_label(value[name])]
    if "nodeSelector" in value:
        meta.labels(found, f"{field}.nodeSelector", value["nodeSelector"])
    if "tolerations" in value:
        placement.tolerations(found, f"{field}.tolerations", value["tolerations"])
    if "affinity" in value:
        placement.affinity(found, f"{field}.affinity", value["affinity"])
    if "topologySpreadConstraints" in value:
        placement.spread(found, f"{field}.topologySpreadConstraints", value["topologySpreadConstraints"])
    if value.get("securityContext"):
        security.pod(found, f"{field}.securityContext", value["securityContext"])
    if "hostAliases" in value:
        _aliases(found, f"{field}.hostAliases", value["hostAliases"])
    _dns(found, field, value)
    _host_ports(found, field, value)
    _gates(found, field, value)
    policy = value.get("preemptionPolicy")
    if policy is not None and policy not in _PREEMPTION:
        found.append(not_supported(f"{field}.preemptionPolicy", policy, _PREEMPTION))
    if "os" in value:
        _system(found, field, value)


def _gates(found: list[Cause], field: str, value: Tree) -> None:
    """What a pod waits for before it is scheduled, and what else it takes to be ready."""
    seen: list[str] = []
    for index, gate in enumerate(value.get("schedulingGates") or ()):
        place, name = f"{field}.schedulingGates[{index}]", gate.get("name", "")
        found += [invalid(place, name, problem) for problem in names.qualified_name(name)]
        if name in seen:
            found.append(duplicate(place, name))
        seen.append(name)
    for index, gate in enumerate(value.get("readinessGates") or ()):
        place, name = f"{field}.readinessGates[{index}].conditionType", gate.get("conditionType", "")
        found += [invalid(place, name, problem) for problem in names.qualified_name(name)]


def _system(found: list[Cause], field: str, value: Tree) -> None:
    """The operating system that a pod says it is for."""
    name = (value["os"] or {}).get("name", "")
    if not name:
        found.append(required(f"{field}.os.name", "cannot be empty"))
    elif name not in _SYSTEMS:
        found.append(not_supported(f"{field}.os", name, _SYSTEMS))


def _aliases(found: list[Cause], field: str, aliases: list[Tree]) -> None:
    for index, alias in enumerate(aliases):
        address = alias.get("ip", "")
        found += [invalid(f"{field}[{index}].ip", address, problem) for problem in ip_problems(address)]
        for at, name in enumerate(alias.get("hostnames", ())):
            place = f"{field}[{index}].hostnames[{at}]"
            found += [invalid(place, name, problem) for problem in names.dns_subdomain(name)]


def _dns(found: list[Cause], field: str, value: Tree) -> None:
    config = value.get("dnsConfig")
    if value.get("dnsPolicy") == "None":
        if config is None:
            text = "must provide `dnsConfig` when `dnsPolicy` is None"
            found.append(required(f"{field}.dnsConfig", text))
            return
        if not config.get("nameservers"):
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            found.append(required(f"{field}.dnsConfig.nameservers", text))
            return
    servers = (config or {}).get("nameservers", [])
    if len(servers) > _NAMESERVERS:
        text = f"must not have more than {_NAMESERVERS} nameservers"
        found.append(invalid(f"{field}.dnsConfig.nameservers", servers, text))
    for index, server in enumerate(servers):
        place = f"{field}.dnsConfig.nameservers[{index}]"
        found += [invalid(place, server, problem) for problem in ip_problems(server)]
    _searches(found, f"{field}.dnsConfig", config or {})


def _searches(found: list[Cause], field: str, config: Tree) -> None:
    searches = config.get("searches", [])
    if len(searches) > _SEARCHES:
        found.append(invalid(f"{field}.searches", searches, f"must not have more than {_SEARCHES} search paths"))
    if len(" ".join(searches)) > _SEARCH_LETTERS:
        text = f"must not have more than {_SEARCH_LETTERS} characters (including spaces) in the search list"
        found.append(invalid(f"{field}.searches", searches, text))
    for index, search in enumerate(searches):
        name = search.removesuffix(".") if search != "." else "a"
        problems = names.dns_subdomain(name.replace("_", "a"))
        found += [invalid(f"{field}.searches[{index}]", name, problem) for problem in problems]
    for index, option in enumerate(config.get("options", ())):
        if not option.get("name"):
            found.append(required(f"{field}.options[{index}]", "must not be empty"))


def _host_ports(found: list[Cause], field: str, value: Tree) -> None:
    """No two containers have the same port of the node."""
    seen: list[str] = []
    for at, container in enumerate(value.get("containers", ())):
        for index, port in enumerate(container.get("ports", ())):
            number, place = port.get("hostPort", 0), f"{field}.containers[{at}].ports[{index}]"
            if not number:
                continue
            if value.get("hostNetwork") and number != port.get("containerPort"):
                text = "must match `containerPort` when `hostNetwork` is true"
                found.append(invalid(f"{place}.hostPort", number, text))
            shown = f"{port.get('protocol', 'TCP')}/{port.get('hostIP', '')}/{number}"
            if shown in seen:
                found.append(duplicate(f"{place}.hostPort", shown))
            seen.append(shown)


def template_metadata(found: list[Cause], field: str, value: Tree) -> None:
    """Labels and annotations of a pod template, at the places that Go's embedded struct gives them."""
    metadata = value.get("metadata", {})
    meta.labels(found, f"{field}.labels", metadata.get("labels"))
    meta.annotation_keys(found, f"{field}.annotations", metadata.get("annotations"))


def template(found: list[Cause], field: str, value: Tree) -> None:
    """A whole pod template."""
    template_metadata(found, field, value)
    spec(found, f"{field}.spec", value.get("spec", {}))
    if value.get("spec", {}).get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        found.append(forbidden(f"{field}.spec.ephemeralContainers", text))


def check(found: list[Cause], tree: Tree) -> None:
    """A whole pod."""
    value = tree.get("spec", {})
    _annotations(found, tree["metadata"].get("annotations", {}), value)
    spec(found, "spec", value)
    for kind in ("containers", "initContainers"):
        containers.padded_images(found, f"spec.{kind}", value.get(kind, []))


def _annotations(found: list[Cause], annotations: dict[str, str], value: Tree) -> None:
    if _MIRROR in annotations and not value.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        found.append(invalid(f"metadata.annotations[{_MIRROR}]", annotations[_MIRROR], text))
    cost = annotations.get(_DELETION_COST)
    if cost is not None and (_COST.fullmatch(cost) is None or not -(2**31) <= int(cost) < 2**31):
        found.append(invalid(f"metadata.annotations[{_DELETION_COST}]", cost, "must be a 32bit integer"))


def check_create(found: list[Cause], tree: Tree) -> None:
    """A new pod has no ephemeral containers yet, and no node while it waits to be scheduled."""
    if tree["spec"].get("ephemeralContainers"):
        found.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if tree["spec"].get("nodeName") and tree["spec"].get("schedulingGates"):
        found.append(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))


def ephemeral_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Ephemeral containers come, and neither change nor go."""
    fresh, field = new["spec"].get("ephemeralContainers", []), "spec.ephemeralContainers"
    known = {item["name"]: item for item in fresh}
    for item in old["spec"].get("ephemeralContainers", ()):
        if item["name"] not in known:
            text = f'existing ephemeral containers "{item["name"]}" may not be removed\n'
            found.append(forbidden(field, text))
        elif known[item["name"]] != item:
            text = f'existing ephemeral containers "{item["name"]}" may not be changed\n'
            found.append(forbidden(field, text))
    others = [item["name"] for item in (*new["spec"].get("containers", ()), *new["spec"].get("initContainers", ()))]
    seen_volumes = [item["name"] for item in new["spec"].get("volumes", ())]
    containers.check(found, field, fresh, seen_volumes, list(others), init=False)
    for index, item in enumerate(fresh):
        target = item.get("targetContainerName", "")
        if target and target not in others:
            found.append(not_found(f"{field}[{index}].targetContainerName", target))
        for name in ("ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
            if item.get(name):
                found.append(forbidden(f"{field}[{index}].{name}", "cannot be set for an Ephemeral Container"))
        for at, mount in enumerate(item.get("volumeMounts", ())):
            for name in ("subPath", "subPathExpr"):
                if mount.get(name):
                    place = f"{field}[{index}].volumeMounts[{at}].{name}"
                    found.append(forbidden(place, "cannot be set for an Ephemeral Container"))


def check_update(found: list[Cause], new: Tree, old: Tree, subresource: str = "") -> None:
    """A pod's spec is frozen but for images, an active deadline, further tolerations and gates that go, and with gates the
    node selector may grow; ``resize`` and ``ephemeralcontainers`` change what they are for."""
    fresh, stored = new["spec"], old["spec"]
    if subresource == "ephemeralcontainers":
        ephemeral_update(found, new, old)
    if fresh == stored or subresource:
        return
    for kind in ("containers", "initContainers"):
        if len(fresh.get(kind, ())) != len(stored.get(kind, ())):
            found.append(forbidden(f"spec.{kind}", "pod updates may not add or remove containers"))
            return
    deadline, before = fresh.get("activeDeadlineSeconds"), stored.get("activeDeadlineSeconds")
    if before is not None:
        if deadline is None:
            text = "must not update from a positive integer to nil value"
            found.append(invalid("spec.activeDeadlineSeconds", None, text))
        elif deadline > before:
            text = "must be less than or equal to previous value"
            found.append(invalid("spec.activeDeadlineSeconds", deadline, text))
            return
    kept = [{**toleration, "tolerationSeconds": 0} for toleration in fresh.get("tolerations", ())]
    for toleration in stored.get("tolerations", ()):
        if {**toleration, "tolerationSeconds": 0} not in kept:
            text = "existing toleration can not be modified except its tolerationSeconds"
            found.append(forbidden("spec.tolerations", text))
            break
    for index, gate in enumerate(fresh.get("schedulingGates") or ()):
        if gate not in (stored.get("schedulingGates") or ()):
            text = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            found.append(forbidden(f"spec.schedulingGates[{index}].name", text))
    _narrowed(found, fresh, stored)
    masked = _masked(fresh, stored)
    if masked != stored:
        found.append(forbidden("spec", f"{_FROZEN}\n{dump.difference('PodSpec', stored, masked)}"))


def _node_affinity(spec: Tree) -> Tree:
    found: Tree = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return found


def _narrowed(found: list[Cause], fresh: Tree, stored: Tree) -> None:
    """With gates the choice of nodes may get smaller, not other."""
    if not stored.get("schedulingGates"):
        return
    selector, wanted = stored.get("nodeSelector") or {}, fresh.get("nodeSelector") or {}
    if not selector.items() <= wanted.items():
        text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        found.append(invalid("spec.nodeSelector", wanted, text))
    part = "requiredDuringSchedulingIgnoredDuringExecution"
    old = (_node_affinity(stored).get(part) or {}).get("nodeSelectorTerms") or []
    new = (_node_affinity(fresh).get(part) or {}).get("nodeSelectorTerms") or []
    field = f"spec.affinity.nodeAffinity.{part}.nodeSelectorTerms"
    if old and len(old) != len(new):
        text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        found.append(invalid(field, [dump.go("NodeSelectorTerm", term) for term in new] or None, text))
        return
    for index, term in enumerate(old):
        kinds = ("matchExpressions", "matchFields")
        before, after = ([one.get(kind) or [] for kind in kinds] for one in (term, new[index]))
        grown = all(more[: len(some)] == some for some, more in zip(before, after, strict=True))
        if not grown or (not any(before) and any(after)):
            text = "only additions are allowed (no mutations or deletions)"
            found.append(invalid(f"{field}[{index}]", dump.go("NodeSelectorTerm", new[index]), text))


def _masked(fresh: Tree, stored: Tree) -> Tree:
    """The new spec with all that may change set back to what it was."""
    masked = dict(fresh)
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    if stored.get("schedulingGates"):
        free.append("nodeSelector")
        affinity = {key: part for key, part in (fresh.get("affinity") or {}).items() if key != "nodeAffinity"}
        if _node_affinity(stored):
            affinity["nodeAffinity"] = _node_affinity(stored)
        masked.pop("affinity", None)
        if affinity or "affinity" in stored:
            masked["affinity"] = affinity
    for name in free:
        masked.pop(name, None)
        if name in stored:
            masked[name] = stored[name]
    if stored.get("terminationGracePeriodSeconds", 0) < 0 and fresh.get("terminationGracePeriodSeconds") == 1:
        masked["terminationGracePeriodSeconds"] = stored["terminationGracePeriodSeconds"]
    for kind in ("containers", "initContainers"):
        if kind in masked:
            masked[kind] = [
                {**new, "image": old.get("image")}
                for new, old in zip(masked[kind], stored.get(kind, ()), strict=True)
            ]
    return masked
