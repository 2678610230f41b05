"""PodSecurity: the levels baseline and restricted of the Pod Security Standards, which namespaces ask for by labels.

Sources: k8s.io/pod-security-admission (admission/admission.go, policy/check_*.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8s_tutor.api.admission.gate import Gate, refused
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Subject, invalid
from k8s_tutor.api.validation import causes

Tree = dict[str, Any]

PREFIX = "pod-security.kubernetes.io/"
_VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
LEVELS = ("privileged", "baseline", "restricted")
TEMPLATES = {
    "Pod": (), "PodTemplate": ("template",), "Deployment": ("spec", "template"), "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"), "DaemonSet": ("spec", "template"), "StatefulSet": ("spec", "template"),
    "Job": ("spec", "template"), "CronJob": ("spec", "jobTemplate", "spec", "template"),
}  # fmt: skip
"""Kind → where its pod template lies."""


class Finding(NamedTuple):
    """One rule that a pod breaks: in short, and where."""

    reason: str
    detail: str

    @property
    def words(self) -> str:
        """``hostPort (container "c" uses hostPort 80)``."""
        return f"{self.reason} ({self.detail})"


class Level(NamedTuple):
    """What a namespace asks for in one mode."""

    name: str
    version: str

    @property
    def words(self) -> str:
        """``restricted:latest``."""
        return f"{self.name}:{self.version}"


def level_of(labels: dict[str, str] | None, mode: str) -> Level:
    """The level of a mode: ``enforce``, ``audit`` or ``warn``."""
    found = labels or {}
    return Level(found.get(PREFIX + mode, "privileged"), found.get(f"{PREFIX}{mode}-version", "latest"))


def check(row: Resource, tree: Tree, gate: Gate) -> None:
    """A pod, or something that has a pod template. Raises a Refusal (403) for a pod that the namespace does not take."""
    namespace = gate.get("Namespace", gate.namespace)
    labels = namespace["metadata"].get("labels") if namespace is not None else None
    if not labels or not any(label.startswith(PREFIX) for label in labels):
        return
    template = _template(row.kind, tree)
    if template is None:
        return
    enforced, warned = level_of(labels, "enforce"), level_of(labels, "warn")
    if row.kind == "Pod":
        found = findings(template, enforced.name)
        if found:
            raise refused(row, tree, f'violates PodSecurity "{enforced.words}": {_joined(found)}')
    found = findings(template, warned.name)
    if found:
        gate.warnings.append(f'would violate PodSecurity "{warned.words}": {_joined(found)}')


def _template(kind: str, tree: Tree) -> Tree | None:
    found: Any = tree
    for name in TEMPLATES[kind]:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) and found.get("spec") else None


def _joined(found: list[Finding]) -> str:
    return ", ".join(finding.words for finding in found)


def check_namespace(tree: Tree, old: Tree | None, gate: Gate) -> None:
    """Labels must name levels that there are; pods that a new level would not have let in are named in warnings."""
    labels = tree["metadata"].get("labels") or {}
    wrong = []
    for mode in ("enforce", "audit", "warn"):
        level, version = f"{PREFIX}{mode}", f"{PREFIX}{mode}-version"
        if labels.get(level, "privileged") not in LEVELS:
            wrong.append(causes.invalid(f"metadata.labels[{level}]", labels[level], f"must be one of {', '.join(LEVELS)}"))
        if not _VERSION.fullmatch(labels.get(version, "latest")):
            wrong.append(causes.invalid(f"metadata.labels[{version}]", labels[version], 'must be "latest" or "v1.x"'))
    if wrong:
        raise invalid(Subject("", "Namespace", tree["metadata"].get("name", "")), wrong)
    if old is None:
        return
    new, before = level_of(labels, "enforce"), level_of(old["metadata"].get("labels"), "enforce")
    if new == before or LEVELS.index(new.name) <= LEVELS.index(before.name if before.name in LEVELS else "privileged"):
        return
    name = tree["metadata"]["name"]
    by_words: dict[str, list[str]] = {}
    for pod in gate.all("Pod", name):
        found = findings(pod, new.name)
        if found:
            by_words.setdefault(", ".join(finding.reason for finding in found), []).append(pod["metadata"]["name"])
    if by_words:
        gate.warnings.append(f'existing pods in namespace "{name}" violate the new PodSecurity enforce level "{new.words}"')
    for words, pods in sorted(by_words.items(), key=lambda pair: pair[1]):
        others = len(pods) - 1
        more = f" (and {others} other pod{'s' if others > 1 else ''})" if others else ""
        gate.warnings.append(f"{sorted(pods)[0]}{more}: {words}")


# ---------------------------------------------------------------------------------------------------- the rules


def findings(pod: Tree, level: str) -> list[Finding]:
    """What a pod (or a template) does that a level does not allow."""
    if level == "privileged":
        return []
    rules = (*_BASELINE, *_RESTRICTED) if level == "restricted" else (*_BASELINE, *_BASELINE_ONLY)
    found = [rule(pod) for rule in sorted(rules, key=_ORDER.index)]
    return [finding for finding in found if finding is not None]


def _containers(pod: Tree) -> list[Tree]:
    spec = pod["spec"]
    fields = ("initContainers", "containers", "ephemeralContainers")
    return [container for field in fields for container in spec.get(field) or ()]


def _security(part: Tree) -> Tree:
    return part.get("securityContext") or {}


def _quoted(names: Iterable[Any]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _who(names: list[str]) -> str:
    return f"container{'s' if len(names) > 1 else ''} {_quoted(names)}"


def _bad_containers(pod: Tree, bad: Callable[[Tree], bool]) -> list[str]:
    return [container["name"] for container in _containers(pod) if bad(container)]


def _each(reason: str, must: str, bad: Callable[[Tree], bool]) -> Callable[[Tree], Finding | None]:
    """A rule about each container alone."""

    def rule(pod: Tree) -> Finding | None:
        names = _bad_containers(pod, bad)
        return Finding(reason, f"{_who(names)} {must}") if names else None

    return rule


def _host_namespaces(pod: Tree) -> Finding | None:
    names = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod["spec"].get(name)]
    return Finding("host namespaces", ", ".join(f"{name}=true" for name in names)) if names else None


def _host_paths(pod: Tree) -> Finding | None:
    names = [volume["name"] for volume in pod["spec"].get("volumes") or () if "hostPath" in volume]
    return Finding("hostPath volumes", f"volume{'s' if len(names) > 1 else ''} {_quoted(names)}") if names else None


def _host_ports(pod: Tree) -> Finding | None:
    names: list[str] = []
    ports: list[int] = []
    for container in _containers(pod):
        own = [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]
        if own:
            names.append(container["name"])
            ports += own
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    shown = ", ".join(str(port) for port in sorted(dict.fromkeys(ports)))
    return Finding("hostPort", f"{_who(names)} {verb} hostPort{'s' if len(set(ports)) > 1 else ''} {shown}")


_DEFAULT_CAPABILITIES = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
    "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip


def _added(container: Tree) -> list[str]:
    return list((_security(container).get("capabilities") or {}).get("add") or ())


def _default_capabilities(pod: Tree) -> Finding | None:
    names = _bad_containers(pod, lambda one: any(added not in _DEFAULT_CAPABILITIES for added in _added(one)))
    if not names:
        return None
    wrong = {added for one in _containers(pod) for added in _added(one) if added not in _DEFAULT_CAPABILITIES}
    text = f"{_who(names)} must not include {_quoted(sorted(wrong))} in securityContext.capabilities.add"
    return Finding("non-default capabilities", text)


def _dropped_capabilities(pod: Tree) -> Finding | None:
    def drops(container: Tree) -> list[str]:
        return list((_security(container).get("capabilities") or {}).get("drop") or ())

    lacking = _bad_containers(pod, lambda one: "ALL" not in drops(one))
    adding = _bad_containers(pod, lambda one: any(added != "NET_BIND_SERVICE" for added in _added(one)))
    parts = []
    if lacking:
        parts.append(f'{_who(lacking)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        wrong = {added for one in _containers(pod) for added in _added(one) if added != "NET_BIND_SERVICE"}
        parts.append(f"{_who(adding)} must not include {_quoted(sorted(wrong))} in securityContext.capabilities.add")
    return Finding("unrestricted capabilities", "; ".join(parts)) if parts else None


def _seccomp_type(part: Tree) -> str:
    return str((_security(part).get("seccompProfile") or {}).get("type", ""))


def _unconfined(pod: Tree) -> Finding | None:
    parts = ["pod"] if _seccomp_type(pod["spec"]) == "Unconfined" else []
    names = _bad_containers(pod, lambda one: _seccomp_type(one) == "Unconfined")
    if names:
        parts.append(_who(names))
    text = 'must not set securityContext.seccompProfile.type to "Unconfined"'
    return Finding("seccompProfile", f"{' and '.join(parts)} {text}") if parts else None


def _seccomp(pod: Tree) -> Finding | None:
    good = ("RuntimeDefault", "Localhost")
    whole = _seccomp_type(pod["spec"])
    explicit = ["pod"] if whole and whole not in good else []
    names = _bad_containers(pod, lambda one: bool(_seccomp_type(one)) and _seccomp_type(one) not in good)
    if names:
        explicit.append(_who(names))
    if explicit:
        text = 'must not set securityContext.seccompProfile.type to "Unconfined"'
        return Finding("seccompProfile", f"{' and '.join(explicit)} {text}")
    lacking = [] if whole in good else _bad_containers(pod, lambda one: not _seccomp_type(one))
    if not lacking:
        return None
    text = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Finding("seccompProfile", f"pod or {_who(lacking)} {text}")


def _non_root(pod: Tree) -> Finding | None:
    whole = _security(pod["spec"]).get("runAsNonRoot")
    names = _bad_containers(pod, lambda one: _security(one).get("runAsNonRoot") is False)
    lacking = [] if whole else _bad_containers(pod, lambda one: _security(one).get("runAsNonRoot") is None)
    parts = []
    if whole is False and lacking:
        parts.append("pod must not set securityContext.runAsNonRoot=false")
    if names:
        parts.append(f"{_who(names)} must not set securityContext.runAsNonRoot=false")
    if not parts and lacking:
        parts.append(f"pod or {_who(lacking)} must set securityContext.runAsNonRoot=true")
    return Finding("runAsNonRoot != true", "; ".join(parts)) if parts else None


def _root_user(pod: Tree) -> Finding | None:
    parts = ["pod"] if _security(pod["spec"]).get("runAsUser") == 0 else []
    names = _bad_containers(pod, lambda one: _security(one).get("runAsUser") == 0)
    if names:
        parts.append(_who(names))
    return Finding("runAsUser=0", f"{' and '.join(parts)} must not set runAsUser=0") if parts else None


_VOLUMES = ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")


def _volumes(pod: Tree) -> Finding | None:
    bad = [
        (volume["name"], kind) for volume in pod["spec"].get("volumes") or () for kind in volume
        if kind != "name" and kind not in _VOLUMES
    ]  # fmt: skip
    if not bad:
        return None
    names, kinds = [name for name, _ in bad], sorted({kind for _, kind in bad})
    one = len(names) == 1
    text = f"volume{'' if one else 's'} {_quoted(names)} {'uses' if one else 'use'} restricted volume type"
    return Finding("restricted volume types", f"{text}{'s' if len(kinds) > 1 else ''} {_quoted(kinds)}")


_SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)  # fmt: skip


def _sysctls(pod: Tree) -> Finding | None:
    names = [one["name"] for one in _security(pod["spec"]).get("sysctls") or () if one["name"] not in _SAFE_SYSCTLS]
    return Finding("forbidden sysctls", ", ".join(names)) if names else None


def _host_process(pod: Tree) -> Finding | None:
    def bad(part: Tree) -> bool:
        return bool((_security(part).get("windowsOptions") or {}).get("hostProcess"))

    parts = ["pod"] if bad(pod["spec"]) else []
    names = _bad_containers(pod, bad)
    if names:
        parts.append(_who(names))
    text = "must not set securityContext.windowsOptions.hostProcess=true"
    return Finding("hostProcess", f"{' and '.join(parts)} {text}") if parts else None


_privileged = _each(
    "privileged", "must not set securityContext.privileged=true", lambda one: bool(_security(one).get("privileged"))
)
_proc_mount = _each(
    "procMount", 'must not set securityContext.procMount to "Unmasked"',
    lambda one: _security(one).get("procMount", "Default") not in ("", "Default"),
)  # fmt: skip
_escalation = _each(
    "allowPrivilegeEscalation != false", "must set securityContext.allowPrivilegeEscalation=false",
    lambda one: _security(one).get("allowPrivilegeEscalation") is not False,
)  # fmt: skip

_BASELINE = (_host_namespaces, _host_ports, _privileged, _proc_mount, _sysctls, _host_process)
_BASELINE_ONLY = (_default_capabilities, _host_paths, _unconfined)
"""Rules that the restricted level replaces by stricter ones."""
_RESTRICTED = (_escalation, _dropped_capabilities, _volumes, _non_root, _root_user, _seccomp)
_ORDER = [
    _default_capabilities, _host_namespaces, _host_paths, _host_ports, _privileged, _proc_mount, _unconfined, _sysctls,
    _host_process, _escalation, _dropped_capabilities, _volumes, _non_root, _root_user, _seccomp,
]  # fmt: skip
