"""``/healthz``, ``/livez`` and ``/readyz``: what the server looks at, and how it says so (apiserver server/healthz)."""

from __future__ import annotations

from typing import NamedTuple

_HOOKS = (
    "start-apiserver-admission-initializer", "generic-apiserver-start-informers", "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter", "storage-object-count-tracker-hook", "start-apiextensions-informers",
    "start-apiextensions-controllers", "crd-informer-synced", "start-system-namespaces-controller",
    "peer-endpoint-reconciler-controller", "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller", "start-kube-apiserver-identity-lease-garbage-collector",
    "storage-readiness", "start-legacy-token-tracking-controller", "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles", "scheduling/bootstrap-system-priority-classes", "priority-and-fairness-config-producer",
    "bootstrap-controller", "start-kubernetes-service-cidr-controller", "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers", "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller", "apiservice-registration-controller", "apiservice-wait-for-first-sync",
    "apiservice-discovery-controller", "kube-apiserver-autoregistration",
)  # fmt: skip
_LAST_HOOKS = ("apiservice-openapi-controller", "apiservice-openapiv3-controller")


def _checks(first: tuple[str, ...], last: tuple[str, ...]) -> tuple[str, ...]:
    hooks = (f"poststarthook/{name}" for name in _HOOKS)
    late = (f"poststarthook/{name}" for name in _LAST_HOOKS)
    return (*first, *hooks, "autoregister-completion", *late, *last)


CHECKS = {
    "healthz": _checks(("ping", "log", "etcd", "loopback-serving-certificate"), ()),
    "livez": _checks(("ping", "log", "etcd", "loopback-serving-certificate"), ()),
    "readyz": _checks(("ping", "log", "informer-sync"), ("shutdown",)),
}
"""The checks of each endpoint, in the order in which they are told."""

PATHS = tuple(f"/{kind}{'/' if name else ''}{name}" for kind in CHECKS for name in ("", *CHECKS[kind]))


class Question(NamedTuple):
    """What is asked: the endpoint, one check or all of them (empty), the checks to leave out."""

    kind: str
    check: str
    excluded: tuple[str, ...]
    verbose: bool


def question(path: str, query: tuple[tuple[str, str], ...]) -> Question | None:
    """What a path asks, or None when there is no such check."""
    kind, _, check = path.strip("/").partition("/")
    if kind not in CHECKS or (check and check not in CHECKS[kind]):
        return None
    excluded = tuple(value for name, value in query if name == "exclude")
    return Question(kind, check, excluded, any(name == "verbose" for name, _ in query))


def answer(asked: Question, failing: tuple[str, ...]) -> tuple[int, bytes]:
    """(code, text) when these checks fail. Reasons are not told over HTTP."""
    names = (asked.check,) if asked.check else CHECKS[asked.kind]
    bad = [name for name in names if name in failing and name not in asked.excluded]
    if not bad and not asked.verbose:
        return 200, b"ok"
    lines = []
    for name in names:
        if name in asked.excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif name in bad:
            lines.append(f"[-]{name} failed: reason withheld")
        else:
            lines.append(f"[+]{name} ok")
    lines.append(f"{asked.kind} check {'failed' if bad else 'passed'}")
    return 500 if bad else 200, ("\n".join(lines) + "\n").encode()
