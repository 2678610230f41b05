"""Pods (pkg/apis/core/validation ValidatePodSpec, ValidatePodUpdate)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import containers, dump, meta, names, placement, security, volumes
from k8s_tutor.api.validation.causes import (
    duplicate,
    forbidden,
    invalid,
    non_negative,
    not_found,
    not_supported,
    required,
)
from k8s_tutor.api.validation.services import IP_TEXT, is_ip

Tree = dict[str, Any]

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NAMESERVERS = 3

_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def spec(found: list[Cause], field: str, value: Tree) -> None:
    """A pod's spec, also inside a template."""
    seen_volumes = volumes.check(found, f"{field}.volumes", value["volumes"]) if "volumes" in value else []
    seen: list[str] = []
    if not value.get("containers"):
        found.append(required(f"{field}.containers"))
    else:
        containers.check(found, f"{field}.containers", value["containers"], seen_volumes, seen, init=False)
    if "initContainers" in value:
        containers.check(found, f"{field}.initContainers", value["initContainers"], seen_volumes, seen, init=True)
    if value.get("restartPolicy") not in _RESTART:
        found.append(not_supported(f"{field}.restartPolicy", value.get("restartPolicy", ""), _RESTART))
    if value.get("dnsPolicy") not in _DNS:
        found.append(not_supported(f"{field}.dnsPolicy", value.get("dnsPolicy", ""), _DNS))
    non_negative(found, f"{field}.terminationGracePeriodSeconds", value.get("terminationGracePeriodSeconds"))
    deadline = value.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        text = "must be between 1 and 2147483647, inclusive"
        found.append(invalid(f"{field}.activeDeadlineSeconds", deadline, text))
    for name in ("nodeName", "serviceAccountName", "schedulerName", "priorityClassName"):
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


def _aliases(found: list[Cause], field: str, aliases: list[Tree]) -> None:
    for index, alias in enumerate(aliases):
        address = alias.get("ip", "")
        if not is_ip(address):
            found.append(invalid(f"{field}[{index}].ip", address, IP_TEXT))
        for name in alias.get("hostnames", ()):
            found += [invalid(f"{field}[{index}].hostnames", name, problem) for problem in names.dns_subdomain(name)]


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
        if not is_ip(server):
            found.append(invalid(f"{field}.dnsConfig.nameservers[{index}]", server, IP_TEXT))


def _host_ports(found: list[Cause], field: str, value: Tree) -> None:
    """No two containers have the same port of the node."""
    seen: list[str] = []
    for at, container in enumerate(value.get("containers", ())):
        for index, port in enumerate(container.get("ports", ())):
            number, place = port.get("hostPort", 0), f"{field}.containers[{at}].ports[{index}]"
            if not number:
                continue
            if value.get("hostNetwork") and number != port.get("containerPort"):
                text = "must match `hostPort` when `hostNetwork` is true"
                found.append(invalid(f"{place}.containerPort", port.get("containerPort", 0), text))
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
    spec(found, "spec", tree.get("spec", {}))


def check_create(found: list[Cause], tree: Tree) -> None:
    """A new pod has no ephemeral containers yet."""
    if tree["spec"].get("ephemeralContainers"):
        found.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))


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
        for name in ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"):
            if name in item:
                found.append(forbidden(f"{field}[{index}].{name}", "cannot be set for an Ephemeral Container"))


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
            text = f"must be less than or equal to previous value: {before}"
            found.append(invalid("spec.activeDeadlineSeconds", deadline, text))
    kept = fresh.get("tolerations", [])
    for toleration in stored.get("tolerations", ()):
        if toleration not in kept:
            text = "existing toleration can not be modified except its tolerationSeconds"
            found.append(forbidden("spec.tolerations", text))
            break
    for gate in fresh.get("schedulingGates") or ():
        if gate not in (stored.get("schedulingGates") or ()):
            text = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            found.append(forbidden("spec.schedulingGates", text))
    masked = _masked(fresh, stored)
    if masked != stored:
        found.append(forbidden("spec", f"{_FROZEN}\n{dump.difference('PodSpec', stored, masked)}"))


def _masked(fresh: Tree, stored: Tree) -> Tree:
    """The new spec with all that may change set back to what it was."""
    masked = dict(fresh)
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    selector, wanted = stored.get("nodeSelector") or {}, fresh.get("nodeSelector") or {}
    if stored.get("schedulingGates") and selector.items() <= wanted.items():
        free.append("nodeSelector")
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
