"""From the bytes of a request to a checked tree (apiserver endpoints/handlers create.go, update.go, patch.go)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import codec, owners, patch, schema, status, strict
from k8s_tutor.api.crd import structural
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Subject
from k8s_tutor.api.validation import causes
from k8s_tutor.api.wire import Request

Tree = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_sorted = msgspec.json.Encoder(order="deterministic").encode
MOST_OPERATIONS = 10_000
"""The longest JSON patch (apiserver endpoints/handlers/patch.go maxJSONPatchOperations)."""
_MEDIA = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")


class Form(NamedTuple):
    """What a body may be that is no stored object."""

    kind: str
    version: str
    type_name: str


DELETE_OPTIONS = Form("DeleteOptions", "v1", "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
EVICTION = Form("Eviction", "v1", "io.k8s.api.policy.v1.Eviction")
BINDING = Form("Binding", "v1", "io.k8s.api.core.v1.Binding")
SCALE = Form("Scale", "v1", "io.k8s.api.autoscaling.v1.Scale")


def filled(form: Form, data: bytes) -> Tree:
    """A body that is no stored object, or nothing. Raises a Refusal (400)."""
    if not data:
        return {}
    try:
        return codec.decode(data, form.type_name).tree
    except ValueError as error:
        what = f'{form.kind} in version "{form.version}" cannot be handled as a {form.kind}'
        raise status.bad_request(f"{what}: {error}") from None


def _raw(data: bytes) -> Tree:
    """Any JSON object, or nothing. Raises a Refusal (400)."""
    try:
        found = read(data) if data else {}
    except ValueError as error:
        raise status.bad_request(str(error)) from None
    return found if isinstance(found, dict) else {}


def read(data: bytes) -> Any:
    """Any JSON. Raises ValueError with the words of Go's decoder."""
    try:
        return _decode(data)
    except msgspec.DecodeError:
        return strict.parsed(data)


def decode(row: Resource, request: Request) -> tuple[Tree, tuple[str, ...]]:
    """(fresh tree, warnings) of a POST or PUT. Raises a Refusal (400, 415)."""
    if not request.content_type.startswith(_MEDIA[0]):
        raise status.unsupported_media_type(_MEDIA)
    try:
        found = _decoded(row, request.body)
    except ValueError as error:
        _check_shape(row, request.body)
        _check_kind(row, request.body)
        raise status.bad_request(f"{_what(row, request.body)} cannot be handled as a {row.kind}: {error}") from None
    tree = found.tree
    if tree.get("kind", row.kind) != row.kind or tree.get("apiVersion", row.api_version) != row.api_version:
        _check_kind(row, request.body)
    if found.problems:
        return tree, _unknown_fields(row, request, found.problems)
    return tree, ()


def _decoded(row: Resource, data: bytes) -> codec.Decoded:
    return structural.decode(row, data) if row.custom else codec.decode(data, row.type_name)


def _normal(row: Resource, tree: Tree) -> codec.Decoded:
    return structural.normal(row, tree) if row.custom else codec.normal(tree, row.type_name)


def _what(row: Resource, data: bytes) -> str:
    try:
        tree = _decode(data)
    except msgspec.DecodeError:
        tree = {}
    tree = tree if isinstance(tree, dict) else {}
    kind, version = tree.get("kind", row.kind), tree.get("apiVersion", row.api_version)
    if not isinstance(kind, str) or not isinstance(version, str):
        kind, version = row.kind, row.api_version
    return f'{kind} in version "{version.rpartition("/")[2]}"'


_HEADER = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_SHOWN = 30
"""How many bytes of a body that is no object are shown again."""


def _check_shape(row: Resource, data: bytes) -> None:
    """A body is read for its version and kind first, so it has to be a JSON object. Raises a Refusal (400)."""
    try:
        found = read(data)
    except ValueError as error:
        problem = str(error) if data.strip() else "unexpected end of JSON input"
    else:
        if isinstance(found, dict) or found is None:
            return
        what = {list: "array", str: "string", bool: "bool"}.get(type(found), "number")
        problem = f"json: cannot unmarshal {what} into Go value of type {_HEADER}"
    head = data[:_SHOWN].decode("utf-8", "replace") if data[:1] == b"{" else data[:_SHOWN].hex()
    shown = f"{head}{' ...' if len(data) > _SHOWN else ''}" if data else "<empty>"
    text = f"couldn't get version/kind; json parse error: {problem}"
    raise status.bad_request(f"the object provided is unrecognized (must be of type {row.kind}): {text} ({shown})")


def _check_kind(row: Resource, data: bytes) -> None:
    """The object is decoded as what it says that it is, and then does not fit here. Raises a Refusal (400)."""
    tree = _raw(data)
    kind, version = tree.get("kind", row.kind), tree.get("apiVersion", row.api_version)
    if (kind, version) == (row.kind, row.api_version) or not isinstance(kind, str) or not isinstance(version, str):
        return
    group, _, short = version.rpartition("/")
    own = schema.type_of(group, short, kind)
    try:
        if own is not None:
            codec.decode(data, own)
    except ValueError as error:
        raise status.bad_request(f"{_what(row, data)} cannot be handled as a {row.kind}: {error}") from None
    raise status.bad_request(_wrong_kind(row, kind, version))


def _wrong_kind(row: Resource, kind: str, version: str) -> str:
    group, _, short = version.rpartition("/")
    head = f'{kind} in version "{short}" cannot be handled as a {row.kind}'
    if schema.type_of(group, short, kind) is None:
        return f'{head}: no kind "{kind}" is registered for version "{version}" in scheme "pkg/api/legacyscheme/scheme.go:30"'
    own = row.group.partition(".")[0] or "core"
    return f"{head}: converting ({short}.{kind}) to ({own}.{row.kind}): unknown conversion"


def _unknown_fields(row: Resource, request: Request, problems: tuple[str, ...]) -> tuple[str, ...]:
    mode = request.parameter("fieldValidation", "Warn")
    if mode == "Strict":
        text = f"strict decoding error: {', '.join(problems)}"
        raise status.bad_request(f'{row.kind} in version "{row.version}" cannot be handled as a {row.kind}: {text}')
    return problems if mode == "Warn" else ()


def check_patch(row: Resource | None, request: Request) -> str:
    """The media type of a patch. Raises a Refusal (415)."""
    kind = request.content_type.partition(";")[0].strip()
    supported = patch.SUPPORTED_CUSTOM if row is not None and row.custom else patch.SUPPORTED
    if kind not in supported:
        raise status.unsupported_media_type(supported)
    return kind


def configuration(row: Resource, request: Request) -> tuple[Tree, tuple[str, ...]]:
    """(tree, warnings) of a server-side apply. Raises a Refusal (400, 500)."""
    try:
        tree = read(request.body)
    except ValueError as error:
        raise status.bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(tree, dict):
        raise status.bad_request("error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}")
    version, kind = str(tree.get("apiVersion") or "/"), tree.get("kind") or ""
    if version != row.api_version or kind != row.kind:
        given = f"{version if '/' in version else f'/{version}'}, Kind={kind}"
        raise status.bad_request(f"invalid object type: {given}")
    metadata = tree["metadata"] = {} if tree.get("metadata") is None else tree["metadata"]
    if not isinstance(metadata, dict):
        raise status.bad_request("invalid object metadata: the metadata of an object is an object")
    if metadata.get("managedFields"):
        raise status.bad_request("metadata.managedFields must be nil")
    if not row.custom:
        owners.check_typed(row, tree)
    return tree, ()


def _change(request: Request, kind: str) -> Any:
    """The patch in a request. Raises a Refusal (400)."""
    head = "error decoding patch: " if kind == patch.MERGE_PATCH else ""
    try:
        change = read(request.body)
    except ValueError as error:
        raise status.bad_request(f"{head}{error}") from None
    if kind == patch.JSON_PATCH:
        if not isinstance(change, list):
            raise status.bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
        if len(change) > MOST_OPERATIONS:
            text = f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(change)}"
            raise status.failure(413, "RequestEntityTooLarge", f"Request entity too large: {text}")
    elif not isinstance(change, dict):
        what = {list: "array", str: "string", bool: "bool"}.get(type(change), "number")
        raise status.bad_request(f"{head}json: cannot unmarshal {what} into Go value of type map[string]interface {{}}")
    return change


def _repeated(data: bytes) -> tuple[str, ...]:
    """Fields that come twice in a patch written by hand."""
    return () if _encode(_decode(data)) == data else strict.duplicates(data)


def patched(
    request: Request, tree: Tree, type_name: str, row: Resource | None = None
) -> tuple[Tree, tuple[str, ...]]:
    """(fresh tree, texts of unknown fields) after the patch in a request. Raises a Refusal."""
    kind = check_patch(row, request)
    change = _change(request, kind)
    try:
        if kind == patch.JSON_PATCH:
            result = patch.json_patch(tree, change)
        elif kind in (patch.MERGE_PATCH, patch.APPLY):
            result = patch.merge(tree, change)
        else:
            result = patch.strategic(tree, change, type_name)
    except patch.PatchError as error:
        if kind == patch.STRATEGIC:
            raise status.internal_error(str(error)) from None
        raise status.failure(422, "Invalid", "the server rejected our request due to an error in our request", {}) from None
    try:
        if row is not None and kind != patch.STRATEGIC:
            _same_kind(row, tree, result)
        found = codec.normal(result, type_name) if row is None else _normal(row, result)
    except ValueError as error:
        why = str(error) if kind != patch.STRATEGIC else _converted(str(error))
        raise _invalid_patch(kind, change, result, why) from None
    mode = request.parameter("fieldValidation", "Warn") or "Warn"
    problems = found.problems if kind == patch.JSON_PATCH or mode == "Ignore" else (*_repeated(request.body), *found.problems)
    if problems and mode == "Strict":
        raise _invalid_patch(kind, change, result, f"strict decoding error: {', '.join(problems)}")
    return found.tree, problems if mode == "Warn" else ()


def _same_kind(row: Resource, before: Any, after: Any) -> None:
    """A patch does not make another kind of an object. Raises ValueError."""
    if not isinstance(after, dict):
        return
    kind, version = after.get("kind", row.kind), after.get("apiVersion", row.api_version)
    if (kind, version) != (before.get("kind", row.kind), before.get("apiVersion", row.api_version)):
        raise ValueError(_wrong_kind(row, str(kind), str(version)).partition(": ")[2])


def _invalid_patch(kind: str, change: Any, result: Any, why: str) -> status.Refusal:
    """422: a strategic patch is shown as Go prints a map, the others by the object that came out."""
    shown = patch.go_map(change) if kind == patch.STRATEGIC else _sorted(result).decode()
    return status.invalid(Subject("", "", ""), [causes.invalid("patch", shown, why)])


_CANNOT = re.compile(r"json: cannot unmarshal (\w+)(?: \S+)? into Go \S.* of type (\S+)$")
_GO_KINDS = {"object": "map", "array": "slice", "number": "int64"}
_GO_SCALARS = ("string", "bool", "int32", "int64", "float64")


def _converted(text: str) -> str:
    """What a strategic patch says of a wrong type: it goes from map to struct without JSON (runtime/converter.go)."""
    found = _CANNOT.fullmatch(text)
    if found is None:
        return text
    kind, wanted = _GO_KINDS.get(found[1], found[1]), found[2]
    if wanted in _GO_SCALARS:
        return f"cannot convert {kind} to {wanted}"
    if wanted.startswith("["):
        return f"cannot restore slice from {kind}"
    return f"cannot restore map from {kind}" if wanted.startswith("map[") else f"cannot restore struct from: {kind}"
