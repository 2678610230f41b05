"""The OpenAPI of custom resources (apiextensions-apiserver controller/openapi/builder)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.crd import rows
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_VERSION_TEXT = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas "
    "to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND_TEXT = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint "
    "the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)


def names(row: Resource) -> tuple[str, str]:
    """Names of the schemas of an object and of a list: ``io.ex.v1.Widget``, ``io.ex.v1.WidgetList``."""
    group = ".".join(reversed(row.group.split(".")))
    return f"{group}.{row.version}.{row.kind}", f"{group}.{row.version}.{row.list_kind}"


def _ref(name: str) -> Tree:
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(row: Resource) -> Tree:
    """Both schemas."""
    one, many = names(row)
    own = rows.schema_of(row)
    head: Tree = {
        "apiVersion": {"type": "string", "description": _VERSION_TEXT},
        "kind": {"type": "string", "description": _KIND_TEXT},
    }
    meta = {"description": "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/"
            "sig-architecture/api-conventions.md#metadata", "allOf": [_ref(f"{_META}ObjectMeta")]}  # fmt: skip
    body = {**own, "properties": {**own.get("properties", {}), **head, "metadata": meta}}
    items = {"type": "array", "description": f"List of {row.plural}. More info: https://git.k8s.io/community/contributors/"
             "devel/sig-architecture/api-conventions.md", "items": _ref(one)}  # fmt: skip
    listed = {
        "description": f"{row.list_kind} is a list of {row.kind}", "type": "object", "required": ["items"],
        "properties": {**head, "metadata": {"allOf": [_ref(f"{_META}ListMeta")]}, "items": items},
    }  # fmt: skip

    def gvk(kind: str) -> list[Tree]:
        return [{"group": row.group, "kind": kind, "version": row.version}]

    return {
        one: {**body, "x-kubernetes-group-version-kind": gvk(row.kind)},
        many: {**listed, "x-kubernetes-group-version-kind": gvk(row.list_kind)},
    }
