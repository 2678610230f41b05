"""Discovery: what this server serves, told plainly (``APIGroupList``, ``APIResourceList``) or all at once.

Everything is made of the rows of `resources`; what each subresource takes comes from the schema table's operations.
Sources: apiserver endpoints/discovery, endpoints/installer.go, kube-aggregator apiserver/handler_discovery.go.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import health, numbers, schema
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]
Rows = Sequence[Resource]

_encode = msgspec.json.Encoder().encode

_GROUP_ORDER = (
    "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch",
    "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io",
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io",
    "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
)  # fmt: skip
"""Groups by the priority of their APIService (kube-apiserver apiserver/aggregator.go); others follow by name."""
_VERBS = {"list": "list", "post": "create", "deletecollection": "deletecollection", "get": "get", "put": "update",
          "delete": "delete", "patch": "patch"}  # fmt: skip
_CONNECT_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""Verbs of custom resources, in the order in which the real server tells them."""

AGGREGATED = ("v2", "v2beta1")


class Sub(NamedTuple):
    """One subresource: its name, what kind it takes and gives, what can be done."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@lru_cache(maxsize=1)
def _operations() -> dict[tuple[str, str], list[Sub]]:
    """(root of the URLs, plural) → subresources in order."""
    found: dict[tuple[str, str], dict[str, Sub]] = {}
    for method, path, action, kind in schema.table().operations:
        head, _, rest = path.partition("/{name}/")
        if not rest or "/watch/" in path or rest.endswith("{path}"):
            continue
        root, plural = head.replace("/namespaces/{namespace}", "").rsplit("/", 1)
        verb = _CONNECT_VERBS.get(method, "") if action == "connect" else _VERBS.get(action, "")
        *where, name = kind.split("/")
        group, version = (where[0], where[1]) if len(where) > 1 else ("", where[0])
        known = found.setdefault((root, plural), {}).get(rest)
        verbs = sorted({*(known.verbs if known else ()), *([verb] if verb else [])})
        found[root, plural][rest] = Sub(rest, group, version, name, tuple(verbs))
    return {key: [subs[name] for name in sorted(subs)] for key, subs in found.items()}


def subresources(row: Resource) -> list[Sub]:
    """The subresources that this row serves."""
    if row.custom:
        own = {
            "status": Sub("status", row.group, row.version, row.kind, ("get", "patch", "update")),
            "scale": Sub("scale", "autoscaling", "v1", "Scale", ("get", "patch", "update")),
        }
        return [own[name] for name in ("status", "scale") if name in row.subresources]
    return [sub for sub in _operations().get((row.root, row.plural), ()) if sub.name in row.subresources]


def _storage_hash(row: Resource) -> str:
    home = row.home
    text = f"{home.group}/{home.version}/{home.kind}"
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


# ---------------------------------------------------------------------- plain


def versions(rows: Rows) -> list[tuple[str, list[str]]]:
    """(group, versions, the preferred one first) of all named groups."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row.group and row.version not in groups.setdefault(row.group, []):
            groups[row.group].append(row.version)
    order = {name: index for index, name in enumerate(_GROUP_ORDER)}
    names = sorted(groups, key=lambda name: (order.get(name, len(order)), name))
    return [(name, sorted(groups[name], key=_version_key)) for name in names]


def _version_key(version: str) -> tuple[Any, ...]:
    """Stable before beta before alpha, higher numbers first (apimachinery version.CompareKubeAwareVersionStrings)."""
    digits = version[1:]
    for level, word in enumerate(("", "beta", "alpha")):
        major, _, minor = digits.partition(word) if word else (digits, "", "0")
        first, second = numbers.unsigned(major), numbers.unsigned(minor)
        if version.startswith("v") and first is not None and second is not None:
            return (level, -first, -second, "")
    return (3, 0, 0, version)


def _group(name: str, found: list[str]) -> Tree:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def core_versions(server: str) -> Tree:
    """``/api``."""
    return {
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server}],
    }  # fmt: skip


def group_list(rows: Rows) -> Tree:
    """``/apis``."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*found) for found in versions(rows)]}


def group(rows: Rows, name: str) -> Tree | None:
    """``/apis/apps``, or None when there is no such group."""
    found = dict(versions(rows)).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, found)} if found else None


def _resource(row: Resource) -> Tree:
    found: Tree = {
        "name": row.plural, "singularName": row.singular, "namespaced": row.namespaced, "kind": row.kind,
        "verbs": list(CUSTOM_VERBS if row.custom else row.verbs),
    }  # fmt: skip
    if row.short_names:
        found["shortNames"] = list(row.short_names)
    if row.categories:
        found["categories"] = list(row.categories)
    if "list" in row.verbs and row.kind != "ComponentStatus":
        found["storageVersionHash"] = _storage_hash(row)
    return found


def _sub_resource(row: Resource, sub: Sub) -> Tree:
    found: Tree = {"name": f"{row.plural}/{sub.name}", "singularName": "", "namespaced": row.namespaced}
    if (sub.group, sub.version) != (row.group, row.version):
        found.update(group=sub.group, version=sub.version)
    return {**found, "kind": sub.kind, "verbs": list(sub.verbs)}


def resource_list(rows: Rows, group_name: str, version: str) -> Tree | None:
    """``/api/v1``, ``/apis/apps/v1``; None when there is no such version."""
    mine = _sorted([row for row in rows if (row.group, row.version) == (group_name, version)])
    if not mine:
        return None
    found = []
    for row in mine:
        found += [_resource(row), *(_sub_resource(row, sub) for sub in subresources(row))]
    head = {"kind": "APIResourceList", "apiVersion": "v1"} if group_name else {"kind": "APIResourceList"}
    return {**head, "groupVersion": mine[0].api_version, "resources": found}


def _sorted(rows: list[Resource]) -> list[Resource]:
    return sorted(rows, key=lambda row: row.plural)


# ---------------------------------------------------------------------- all at once


def aggregated_version(accept: str) -> str:
    """The version of the aggregated form that the client likes best, or empty when it wants the plain one."""
    for part in accept.split(","):
        words = [word.strip() for word in part.split(";")]
        if words[0] not in ("application/json", "*/*", "application/*"):
            continue
        given = dict(word.partition("=")[::2] for word in words[1:])
        if given.get("as") == "APIGroupDiscoveryList" and given.get("g") == "apidiscovery.k8s.io":
            if given.get("v") in AGGREGATED:
                return given["v"]
        elif "as" not in given:
            return ""
    return ""


def aggregated_type(version: str) -> str:
    """The media type of an aggregated answer."""
    return f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"


@lru_cache(maxsize=16)
def aggregated(rows: tuple[Resource, ...], core: bool, version: str, stale: tuple[tuple[str, str], ...] = ()) -> bytes:
    """The whole of ``/api`` or ``/apis`` in one document; ``stale``: groups and versions whose server does not answer."""
    groups = [("", ["v1"])] if core else versions(rows)
    items = []
    for name, found in groups:
        metadata = {"name": name} if name else {}
        entries = [
            {"version": one, "resources": _all_of(rows, name, one), "freshness": "Stale" if (name, one) in stale else "Current"}
            for one in found
        ]
        items.append({"metadata": metadata, "versions": entries})
    head = {"kind": "APIGroupDiscoveryList", "apiVersion": f"apidiscovery.k8s.io/{version}", "metadata": {}}
    return _encode({**head, "items": items})


def _all_of(rows: Rows, group_name: str, version: str) -> list[Tree]:
    mine = [row for row in rows if (row.group, row.version) == (group_name, version) and row.plural]
    return [_entry(row) for row in _sorted(mine)]


def _entry(row: Resource) -> Tree:
    found: Tree = {
        "resource": row.plural,
        "responseKind": {"group": row.group, "version": row.version, "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(CUSTOM_VERBS if row.custom else row.verbs),
    }
    if row.short_names:
        found["shortNames"] = list(row.short_names)
    if row.categories:
        found["categories"] = list(row.categories)
    subs = [
        {
            "subresource": sub.name,
            "responseKind": {"group": sub.group, "version": sub.version, "kind": sub.kind},
            "verbs": list(sub.verbs),
        }
        for sub in subresources(row)
    ]
    return {**found, "subresources": subs} if subs else found


def etag(body: bytes) -> str:
    """The tag of a document."""
    return f'"{hashlib.sha512(body).hexdigest().upper()}"'


# ---------------------------------------------------------------------- everything else that can be asked


def openapi_paths(rows: Rows) -> list[str]:
    """The documents of ``/openapi/v3``."""
    found = [".well-known/openid-configuration", "api", "api/v1", "apis", "openid/v1/jwks", "version"]
    for name, known in versions(rows):
        found += [f"apis/{name}", *(f"apis/{name}/{version}" for version in known)]
    return sorted(found)


def paths(rows: Rows) -> Tree:
    """``/``: every path that answers a GET."""
    served = [f"/{path}" for path in openapi_paths(rows)]
    other = ("/apis/", "/flagz", "/metrics", "/metrics/slis", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/statusz")
    return {"paths": sorted([*served, *other, *health.PATHS])}
