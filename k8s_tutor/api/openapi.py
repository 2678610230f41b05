"""OpenAPI v3: the schemas and operations of one group and version, made from the schema table at first need.

kubectl reads it to learn whether the server validates fields (the PATCH operations name ``fieldValidation``), for ``explain``
and for the merge keys of its patches. Descriptions come from the doc texts of ``lightkube.models``.
Sources: kube-openapi pkg/spec3, apiserver endpoints/openapi.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

import msgspec

from k8s_tutor.api import discovery, enums, schema
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_ALWAYS = ("APIResourceList", "DeleteOptions", "Patch", "Status", "WatchEvent", "APIGroup", "APIVersions", "APIGroupList")
_JSON = "application/json"
_PATCHES = (
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)  # fmt: skip

_encode = msgspec.json.Encoder(order="deterministic").encode

# ---------------------------------------------------------------------- descriptions

_ENTRY = re.compile(r"^\* \*\*(?P<name>[^*]+)\*\* ``[^`]*`` - ?", re.M)


@cache
def _texts(type_name: str) -> tuple[str, dict[str, str]]:
    """(description of a type, descriptions of its fields)."""
    *_, group, version, name = type_name.split(".")
    try:
        module = importlib.import_module(f"lightkube.models.{group}_{version}")
        raw = inspect.cleandoc(getattr(module, name).__doc__ or "")
    except (ImportError, AttributeError):
        return "", {}
    head, _, rest = raw.partition("**parameters**")
    parts = _ENTRY.split(rest)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return _flow(head), {name: _flow(inspect.cleandoc("\n" + text)) for name, text in pairs}


_WRAPPED = 78
"""Where the doc texts are wrapped: a line that the next word would still have fitted into ended a paragraph."""


def _flow(text: str) -> str:
    """Wrapped lines made one again; paragraphs and lists stay."""
    found = ""
    before = ""
    for line in text.strip().splitlines():
        line = line.strip()
        if not found or not line:
            found += line
        elif line.startswith(("- ", "* ")):
            found += f"\n{line}"
        elif not before or len(before) + 1 + len(line.split()[0]) <= _WRAPPED:
            found += f"\n\n{line}"
        else:
            found += f" {line}"
        before = line
    return found


# ---------------------------------------------------------------------- schemas

_SCALARS: dict[str, Tree] = {
    "string": {"type": "string"}, "boolean": {"type": "boolean"}, "object": {"type": "object"},
    "string:byte": {"type": "string", "format": "byte"}, "number:double": {"type": "number", "format": "double"},
    "string:date-time": {"type": "string", "format": "date-time"},
    "integer:int32": {"type": "integer", "format": "int32"}, "integer:int64": {"type": "integer", "format": "int64"},
    "int-or-string": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}  # fmt: skip


def _type(t: str) -> Tree:
    if t.startswith("["):
        return {"type": "array", "items": _type(t[1:-1])}
    if t.startswith("{"):
        return {"type": "object", "additionalProperties": _type(t[1:-1])}
    if t.startswith("io."):
        return {"$ref": f"#/components/schemas/{t}"}
    return dict(_SCALARS.get(t, {"type": t.partition(":")[0]}))


_EXTENSIONS = {
    "list": "x-kubernetes-list-type", "map": "x-kubernetes-map-type", "keys": "x-kubernetes-list-map-keys",
    "patch": "x-kubernetes-patch-strategy", "mergeKey": "x-kubernetes-patch-merge-key",
}  # fmt: skip


def _property(row: Tree, text: str) -> Tree:
    found = _type(row["t"])
    if "$ref" in found:
        found = {"allOf": [found]} if text else found
    if text:
        found["description"] = text
    if "enum" in row:
        found["enum"] = row["enum"]
    found.update({own: row[name] for name, own in _EXTENSIONS.items() if name in row})
    return found


def _words(type_name: str, name: str, row: Tree, texts: dict[str, str]) -> str:
    text = texts.get(name, "")
    return enums.described(text, type_name, name, row["enum"]) if "enum" in row else text


@cache
def schema_of(type_name: str) -> Tree:
    """One type as an OpenAPI schema."""
    row = schema.table().types[type_name]
    text, texts = _texts(type_name)
    found: Tree = {"description": text} if text else {}
    if "gvk" in row:
        found["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": kind} for group, version, kind in row["gvk"]
        ]
    if "fields" not in row:
        if type_name == schema.QUANTITY:
            return {**found, "oneOf": [{"type": "string"}, {"type": "number"}]}
        return {**found, **_SCALARS.get("string:date-time" if type_name in (schema.TIME, schema.MICRO_TIME) else
                                        row.get("type", "object"), {"type": "object"})}  # fmt: skip
    found["type"] = "object"
    if row["fields"]:
        found["properties"] = {
            name: _property(field, _words(type_name, name, field, texts)) for name, field in row["fields"].items()
        }
    required = [name for name, field in row["fields"].items() if field.get("required")]
    if required:
        found["required"] = required
    if "mapType" in row:
        found["x-kubernetes-map-type"] = row["mapType"]
    return found


def _named(t: str) -> str:
    inner = t.strip("[]{}")
    return inner if inner.startswith("io.") else ""


def closure(names: Iterable[str]) -> list[str]:
    """These types and all that they are made of."""
    found: dict[str, None] = {}
    waiting = [name for name in names if name in schema.table().types]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += [inner for field in schema.fields(name).values() if (inner := _named(field.t))]
    return sorted(found)


# ---------------------------------------------------------------------- operations


def _parameter(name: str, kind: str, text: str) -> Tree:
    return {"name": name, "in": "query", "description": text, "schema": {"type": kind, "uniqueItems": True}}


_PRETTY = _parameter("pretty", "string", "If 'true', then the output is pretty printed.")
_WRITE = (
    _parameter("dryRun", "string", "When present, indicates that modifications should not be persisted."),
    _parameter("fieldManager", "string", "fieldManager is a name associated with the actor or entity that is making these "
               "changes."),
    _parameter("fieldValidation", "string", "fieldValidation instructs the server on how to handle objects in the request "
               "(POST/PUT/PATCH) containing unknown or duplicate fields. Valid values are: Ignore, Warn, Strict."),
)  # fmt: skip
_FORCE = _parameter("force", "boolean", "Force is going to \"force\" Apply requests.")
_DELETE = (
    _WRITE[0], _parameter("gracePeriodSeconds", "integer", "The duration in seconds before the object should be deleted."),
    _parameter("orphanDependents", "boolean", "Deprecated: please use the PropagationPolicy."),
    _parameter("propagationPolicy", "string", "Whether and how garbage collection will be performed."),
)  # fmt: skip
_LIST = tuple(
    _parameter(name, kind, text)
    for name, kind, text in (
        ("allowWatchBookmarks", "boolean", "allowWatchBookmarks requests watch events with type \"BOOKMARK\"."),
        ("continue", "string", "The continue option should be set when retrieving more results from the server."),
        ("fieldSelector", "string", "A selector to restrict the list of returned objects by their fields."),
        ("labelSelector", "string", "A selector to restrict the list of returned objects by their labels."),
        ("limit", "integer", "limit is a maximum number of responses to return for a list call."),
        ("resourceVersion", "string", "resourceVersion sets a constraint on what resource versions a request may be served "
         "from."),
        ("resourceVersionMatch", "string", "resourceVersionMatch determines how resourceVersion is applied to list calls."),
        ("sendInitialEvents", "boolean", "`sendInitialEvents=true` may be set together with `watch=true`."),
        ("timeoutSeconds", "integer", "Timeout for the list/watch call."),
        ("watch", "boolean", "Watch for changes to the described resources."),
    )
)  # fmt: skip


def _content(ref: Tree, *media: str) -> Tree:
    return {kind: {"schema": ref} for kind in media or (_JSON, "application/yaml")}


def _operation(row: Resource, verb: str, body: Tree, answer: Tree, gvk: Tree, name: str, text: str) -> Tree:
    parameters = {
        "list": (_PRETTY, *_LIST), "get": (_PRETTY,), "delete": (_PRETTY, *_DELETE), "deletecollection": (_PRETTY, *_DELETE),
        "patch": (_PRETTY, *_WRITE, _FORCE),
    }.get(verb, (_PRETTY, *_WRITE))  # fmt: skip
    found: Tree = {
        "tags": [_tag(row)], "description": text, "operationId": name,
        "parameters": list(parameters),
        "responses": {"200": {"description": "OK", "content": _content(answer)},
                      "401": {"description": "Unauthorized"}},
        "x-kubernetes-action": {"create": "post", "update": "put"}.get(verb, verb),
        "x-kubernetes-group-version-kind": gvk,
    }  # fmt: skip
    if verb == "patch":
        kinds = _PATCHES[:3] if row.custom else _PATCHES
        found["requestBody"] = {"content": _content({"$ref": f"#/components/schemas/{_META}Patch"}, *kinds), "required": True}
    elif verb in ("create", "update"):
        found["requestBody"] = {"content": _content(body, "*/*"), "required": True}
    return found


def _tag(row: Resource) -> str:
    words = (row.group.split(".")[0] or "core").split("-")
    return f"{words[0]}{''.join(word.title() for word in words[1:])}_{row.version}"


_METHODS = {"list": "get", "get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete",
            "deletecollection": "delete"}  # fmt: skip
_WORDS = {
    "list": "list objects of kind", "get": "read the specified", "create": "create a", "delete": "delete a",
    "update": "replace the specified", "patch": "partially update the specified",
    "deletecollection": "delete collection of",
}  # fmt: skip


def _path_item(row: Resource, verbs: Iterable[str], body: Tree, answer: Tree, gvk: Tree, suffix: str, named: bool) -> Tree:
    found: Tree = {}
    tag = _tag(row).replace("_v", "V")
    tag = tag[:1].upper() + tag[1:]
    place = "Namespaced" if row.namespaced else ""
    status = {"$ref": f"#/components/schemas/{_META}Status"}
    for verb in verbs:
        shown = status if verb in ("delete", "deletecollection") else answer
        action = {"get": "read", "update": "replace", "deletecollection": "deleteCollection"}.get(verb, verb)
        found[_METHODS[verb]] = _operation(
            row, verb, body, shown, gvk, f"{action}{tag}{place}{row.kind}{suffix}", f"{_WORDS[verb]} {row.kind}"
        )
    if found:
        names = [*(["namespace"] if row.namespaced else []), *(["name"] if named else [])]
        found["parameters"] = [
            {"name": name, "in": "path", "required": True, "description": f"name of the {row.kind}" if name == "name" else
             "object name and auth scope, such as for teams and projects",
             "schema": {"type": "string", "uniqueItems": True}} for name in names
        ]  # fmt: skip
    return found


def _paths(row: Resource, type_name: str, list_type: str) -> Tree:
    gvk = {"group": row.group, "version": row.version, "kind": row.kind}
    body, listed = ({"$ref": f"#/components/schemas/{name}"} for name in (type_name, list_type))
    place = "{namespace}" if row.namespaced else ""
    found: Tree = {}
    collection = [verb for verb in ("list", "create", "deletecollection") if verb in row.verbs]
    item: Tree = {}
    for verb in collection:
        item.update(_path_item(row, (verb,), body, listed if verb == "list" else body, gvk, "", False))
    found[row.path(place)] = item
    if row.namespaced and "list" in row.verbs:
        found[row.path()] = _path_item(row._replace(namespaced=False), ("list",), body, listed, gvk, "ForAllNamespaces", False)
    single = [verb for verb in ("get", "update", "patch", "delete") if verb in row.verbs]
    if single:
        found[row.path(place, "{name}")] = _path_item(row, single, body, body, gvk, "", True)
    for sub in discovery.subresources(row):
        own = {"group": sub.group, "version": sub.version, "kind": sub.kind}
        known = schema.type_of(sub.group, sub.version, sub.kind)
        about = {"$ref": f"#/components/schemas/{known or type_name}"}
        verbs = [verb for verb in sub.verbs if verb in _METHODS]
        found[row.path(place, "{name}", sub.name)] = _path_item(row, verbs, about, about, own, sub.name.title(), True)
    return found


def _list_type(row: Resource) -> str:
    found = schema.type_of(row.group, row.version, row.list_kind)
    return found or f"{_META}Status"


def _document(paths: Tree, schemas: Tree) -> bytes:
    bearer = {"type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header"}
    return _encode(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.36.2"},
            "paths": paths,
            "components": {"schemas": schemas, "securitySchemes": {"BearerToken": bearer}},
        }
    )


def document(rows: tuple[Resource, ...], path: str) -> bytes | None:
    """The document of ``apis/apps/v1``, or None when there is none."""
    if path not in discovery.openapi_paths(rows):
        return None
    words = path.split("/")
    if words[0] == "api" and len(words) == 2:
        mine = tuple(row for row in rows if not row.group)
    elif words[0] == "apis" and len(words) == 3:
        mine = tuple(row for row in rows if (row.group, row.version) == (words[1], words[2]))
    else:
        return _document({f"/{path}{'/' if words[0] in ('api', 'apis') else ''}": {}}, {})
    return _of_rows(mine)


@lru_cache(maxsize=64)
def _of_rows(rows: tuple[Resource, ...]) -> bytes:
    from k8s_tutor.api.crd import publish

    paths: Tree = {}
    own: Tree = {}
    names = [f"{_META}{name}" for name in _ALWAYS]
    for row in rows:
        if row.custom:
            type_name, list_type = publish.names(row)
            own.update(publish.schemas(row))
            names.append(f"{_META}ObjectMeta")
            names.append(f"{_META}ListMeta")
        else:
            type_name, list_type = row.type_name, _list_type(row)
        names += [type_name, list_type]
        for sub in discovery.subresources(row):
            names.append(schema.type_of(sub.group, sub.version, sub.kind) or type_name)
        paths.update(_paths(row, type_name, list_type))
    return _document(paths, {**{name: schema_of(name) for name in closure(names)}, **own})


@lru_cache(maxsize=512)
def hash_of(rows: tuple[Resource, ...], path: str) -> str:
    """The hash under which a document may be kept for ever: it changes when the rows behind it do."""
    words = path.split("/")
    if words[0] == "apis" and len(words) == 3:
        mine = [row.custom or row.plural.encode() for row in rows if (row.group, row.version) == (words[1], words[2])]
    else:
        mine = [path.encode()]
    return discovery.etag(b"\n".join([path.encode(), *mine]))[1:-1]


def index(rows: tuple[Resource, ...]) -> Tree:
    """``/openapi/v3``: where each document is."""
    return {
        "paths": {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hash_of(rows, path)}"}
            for path in discovery.openapi_paths(rows)
        }
    }
