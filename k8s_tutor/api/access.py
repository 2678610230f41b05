"""Who may do what at First light: fixed rights of the cluster's own parts, all rights for the admin, none for others.

The texts are those of RBAC (plugin/pkg/auth/authorizer/rbac, apiserver endpoints/handlers/responsewriters/errors.go).
"""

from __future__ import annotations

from functools import lru_cache

from k8s_tutor.api.scheme import Target
from k8s_tutor.api.status import Refusal, Subject, forbidden, forbidden_path

ANONYMOUS = "system:anonymous"
MASTERS = ("kubernetes-admin", "system:apiserver", "system:kube-controller-manager")
"""Users whose groups or cluster roles allow everything that exists at First light."""

_READ = ("get", "list", "watch")
_OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/api", "/apis", "/openapi")
"""Paths that every user may get (cluster roles system:discovery and system:public-info-viewer)."""

_WRITES: dict[str, tuple[str, ...]] = {
    "system:kube-scheduler": ("pods", "pods/binding", "pods/status", "events", "leases"),
    "system:node": ("nodes", "nodes/status", "pods", "pods/status", "pods/eviction", "events", "leases"),
    "system:kube-proxy": ("events",),
}

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@lru_cache(maxsize=256)
def verb_of(method: str, named: bool, watching: bool) -> str:
    """The API verb of a request: ``list``, ``watch``, ``deletecollection``, ..."""
    if method in ("GET", "HEAD"):
        return "watch" if watching else "get" if named else "list"
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    return _VERBS.get(method, method.lower())


@lru_cache(maxsize=4096)
def allowed(user: str, verb: str, resource: str) -> bool:
    """Whether a user may do this with a resource (``pods``, ``pods/status``)."""
    if user in MASTERS:
        return True
    role = "system:node" if user.startswith("system:node:") else user
    writes = _WRITES.get(role)
    return writes is not None and (verb in _READ or resource in writes)


def denial(user: str, verb: str, target: Target, path: str) -> Refusal | None:
    """The 403 of a request, or None when it may go on."""
    row = target.resource
    if row is None:
        public = verb == "get" and path.startswith(_OPEN_PATHS)
        return None if user in MASTERS or public else forbidden_path(user, verb, path)
    resource = f"{row.plural}/{target.subresource}" if target.subresource else row.plural
    if allowed(user, verb, resource):
        return None
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    why = f'User "{user}" cannot {verb} resource "{resource}" in API group "{row.group}" {scope}'
    name = "" if verb == "create" else target.name
    return forbidden(Subject(row.group, row.plural, name), why)
