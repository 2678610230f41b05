"""Kinds and resources as kubectl sees them: what the server's discovery would tell, which is the server's own table."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.kubectl.program import Tree


class Resource(NamedTuple):
    """One kind of object and where it is served; what can be done with it; the categories (``all``) that it belongs to."""

    plural: str
    short_names: tuple[str, ...]
    api_version: str
    namespaced: bool
    kind: str
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    singular: str = ""

    @property
    def group(self) -> str:
        """API group; empty for the core."""
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""

    @property
    def version(self) -> str:
        """``v1``."""
        return self.api_version.rpartition("/")[2]

    @property
    def qualified(self) -> str:
        """``deployments.apps``, ``pods``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def prefix(self) -> str:
        """How names are printed: ``deployment.apps``, ``pod``."""
        return f"{self.kind.lower()}.{self.group}" if self.group else self.kind.lower()

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """REST path. ``namespace`` None means all namespaces."""
        parts = ["/api" if "/" not in self.api_version else "/apis", self.api_version]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/".join(parts + [part for part in (name, subresource) if part])


class Info(NamedTuple):
    """One object that a command works on; ``source`` is the file it comes from."""

    resource: Resource
    namespace: str | None
    name: str
    tree: Tree
    source: str = ""

    @property
    def title(self) -> str:
        """``deployment.apps/web``."""
        return f"{self.resource.prefix}/{self.name}"

    @property
    def path(self) -> str:
        """REST path of the object."""
        return self.resource.path(self.namespace, self.name)


RESOURCES = tuple(
    Resource(row.plural, row.short_names, row.api_version, row.namespaced, row.kind, row.categories, row.verbs, row.singular)
    for row in scheme.SERVED
)
"""What every server serves: kubectl's cached discovery."""


class Undiscovered(Exception):
    """A word that the cached discovery does not know: kubectl asks the server what it serves by now, and begins again."""


def discovered(document: Tree) -> tuple[Resource, ...]:
    """The resources of an aggregated discovery document (``/apis``)."""
    found: list[Resource] = []
    for group in document.get("items") or ():
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or ():
            for one in version.get("resources") or ():
                kind = one.get("responseKind") or {}
                found.append(Resource(
                    one["resource"], tuple(one.get("shortNames") or ()), f"{name}/{version['version']}" if name else "v1",
                    one.get("scope") == "Namespaced", kind.get("kind", ""), tuple(one.get("categories") or ()),
                    tuple(one.get("verbs") or ()), one.get("singularResource", ""),
                ))  # fmt: skip
    return tuple(found)


def find(word: str, known: tuple[Resource, ...] = RESOURCES) -> Resource | None:
    """The resource that a learner means: ``po``, ``pod``, ``Pods``, ``deployments.apps``, ``deployments.v1.apps``."""
    name, _, suffix = word.lower().partition(".")
    beginning: Resource | None = None
    for resource in known:
        if name not in (resource.plural, resource.singular, resource.kind.lower(), *resource.short_names):
            continue
        version = resource.api_version.rpartition("/")[2]
        if suffix in ("", resource.group, f"{version}.{resource.group}", version if not resource.group else ""):
            return resource
        if beginning is None and resource.group.startswith(suffix + "."):
            beginning = resource
    return beginning


def of_kind(api_version: str, kind: str, known: tuple[Resource, ...] = RESOURCES) -> Resource | None:
    """The resource of a manifest."""
    return next((one for one in known if one.api_version == api_version and one.kind == kind), None)


def the(plural: str, group: str = "") -> Resource:
    """A resource that is known to exist. Raises KeyError when it does not."""
    for resource in RESOURCES:
        if resource.plural == plural and resource.group == group:
            return resource
    raise KeyError(plural)


SECRETS = the("secrets")
PODS, NODES, EVENTS, NAMESPACES = the("pods"), the("nodes"), the("events"), the("namespaces")
SERVICES, CONFIGMAPS, LEASES = the("services"), the("configmaps"), the("leases", "coordination.k8s.io")
DEPLOYMENTS, REPLICASETS = the("deployments", "apps"), the("replicasets", "apps")
ENDPOINTSLICES = the("endpointslices", "discovery.k8s.io")
