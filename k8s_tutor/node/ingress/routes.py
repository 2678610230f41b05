"""Which Service gets a request: hosts and paths of Ingresses as one table, as pure functions.

Source: api/networking/v1/types.go: an exact path beats a prefix, the longest path wins, a prefix matches whole elements, a
wildcard stands for one label. ``ImplementationSpecific`` is a prefix of letters, as in ingress-nginx.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

FAKE_CERTIFICATE = "Kubernetes Ingress Controller Fake Certificate"
"""Whose name stands in the certificate that is shown when there is no other."""
CLASS_CONTROLLER = "k8s.io/ingress-nginx"
_OLD_CLASS = "kubernetes.io/ingress.class"


class Backend(NamedTuple):
    """Where a request goes: a Service (``namespace/name``), and its port as a number or a name."""

    service: str
    port: str


class Path(NamedTuple):
    """A path of a host. ``kind``: ``Exact``, ``Prefix`` or ``ImplementationSpecific``; ``ingress``: whose it is."""

    path: str
    kind: str
    backend: Backend
    ingress: str

    def matches(self, path: str) -> bool:
        """Whether a request's path is meant."""
        if self.kind == "Exact":
            return path == self.path
        if self.kind == "Prefix":
            bare = self.path.rstrip("/")
            return path == bare or path.startswith(bare + "/") or not bare
        return path.startswith(self.path)

    @property
    def weight(self) -> tuple[bool, int]:
        """What the best match has most of."""
        return self.kind == "Exact", len(self.path)


class Table(NamedTuple):
    """All rules of a controller. ``hosts``: host (empty: any) → its paths; ``fallback``: of all; ``secrets``: host → Secret."""

    hosts: Mapping[str, tuple[Path, ...]]
    fallback: Backend | None
    secrets: Mapping[str, str]


def mine(ingress: Any, classes: Iterable[Any]) -> bool:
    """Whether an Ingress is for this controller: by its class, or by the old annotation."""
    names = {one.metadata.name for one in classes if one.spec is not None and one.spec.controller == CLASS_CONTROLLER}
    if ingress.spec is not None and ingress.spec.ingressClassName:
        return ingress.spec.ingressClassName in names
    return (ingress.metadata.annotations or {}).get(_OLD_CLASS) == "nginx"


def table(ingresses: Iterable[Any]) -> Table:
    """The table of these Ingresses; of equal rules the oldest Ingress has the say."""
    hosts: dict[str, list[Path]] = {}
    secrets: dict[str, str] = {}
    fallback: Backend | None = None
    for one in sorted(
        ingresses, key=lambda one: (str(one.metadata.creationTimestamp or ""), one.metadata.namespace, one.metadata.name)
    ):
        name = f"{one.metadata.namespace}/{one.metadata.name}"
        own = _backend(one.spec.defaultBackend, one.metadata.namespace)
        fallback = fallback or (own if not one.spec.rules else None)
        for rule in one.spec.rules or ():
            paths = hosts.setdefault(rule.host or "", [])
            listed = rule.http.paths if rule.http is not None else ()
            for path in listed:
                backend = _backend(path.backend, one.metadata.namespace)
                if backend is not None and not any((old.path, old.kind) == (path.path or "/", path.pathType) for old in paths):
                    paths.append(Path(path.path or "/", path.pathType, backend, name))
            if own is not None and not any(old.path == "/" for old in paths):
                paths.append(Path("/", "Prefix", own, name))
        for tls in one.spec.tls or ():
            for host in tls.hosts or ("",):
                if tls.secretName:
                    secrets.setdefault(host, f"{one.metadata.namespace}/{tls.secretName}")
    return Table({host: tuple(paths) for host, paths in hosts.items()}, fallback, secrets)


def choose(rules: Table, host: str, path: str) -> tuple[Backend | None, str]:
    """Who gets a request, and by which Ingress; None: nobody (the answer is 404). A host's own rules come before those of a
    wildcard, and those before the rules of no host; there is no way back from one to the next."""
    listed = rules.hosts.get(_host(rules.hosts, host))
    found = max((one for one in listed or () if one.matches(path.partition("?")[0])), key=lambda one: one.weight, default=None)
    if found is not None:
        return found.backend, found.ingress
    return (rules.fallback, "") if listed is None or "" in rules.hosts or rules.fallback is not None else (None, "")


def secret_of(rules: Table, host: str) -> str:
    """The Secret with the certificate for a host, or an empty text."""
    return rules.secrets.get(_host(rules.secrets, host), "")


def _host(known: Mapping[str, Any], host: str) -> str:
    """The key under which a host is known: itself, its wildcard, or the empty one."""
    name = host.partition(":")[0].lower()
    wildcard = "*." + name.partition(".")[2]
    return name if name in known else wildcard if wildcard in known else ""


def _backend(backend: Any, namespace: str) -> Backend | None:
    service = backend.service if backend is not None else None
    if service is None:
        return None
    port = service.port
    text = (port.name or str(port.number or "")) if port is not None else ""
    return Backend(f"{namespace}/{service.name}", text)


def endpoints(service: Any, slices: Iterable[Any], port: str) -> tuple[str, ...]:
    """``address:port`` of the ready endpoints of a Service's port, as its slices have them. Nobody, if it has no such port."""
    if service is None:
        return ()
    wanted = next((one for one in service.spec.ports or () if port in (one.name, str(one.port))), None)
    if wanted is None:
        return ()
    found: list[str] = []
    for row in slices:
        number = next((one.port for one in row.ports or () if (one.name or "") == (wanted.name or "")), None)
        for endpoint in row.endpoints or ():
            if number is not None and (endpoint.conditions is None or endpoint.conditions.ready is not False):
                found.append(f"{endpoint.addresses[0]}:{number}")
    return tuple(sorted(dict.fromkeys(found)))
