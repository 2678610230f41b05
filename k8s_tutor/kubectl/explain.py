"""``kubectl explain``: a kind and its fields, from the server's OpenAPI document (kubectl pkg/explain/v2)."""

from __future__ import annotations

from k8s_tutor.kubectl.errors import Failure, Refused, Worded
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Resource, Undiscovered, find
from k8s_tutor.kubectl.session import Session

FLAGS = "recursive! api-version output"
WIDTH = 76
KINDS = 'Use "kubectl api-resources" for a complete list of supported resources.'
GVK = "x-kubernetes-group-version-kind"


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl explain pod.spec.containers [--recursive]``."""
    if not words.positional:
        raise Failure(f"You must specify the type of resource to explain. {KINDS}")
    if len(words.positional) > 1:
        raise Failure("We accept only this format: explain RESOURCE")
    if words.text("output", "plaintext") not in ("plaintext", "plaintext-openapiv2"):
        raise Failure(f"unrecognized format: {words.text('output')}")
    resource, path = _target(session, words)
    document = yield from _document(session, resource)
    schemas: dict[str, Tree] = (document.get("components") or {}).get("schemas") or {}
    wanted = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    root = next((one for one in schemas.values() if wanted in (one.get(GVK) or ())), None)
    if root is None:
        place = f"{resource.group}/{resource.version}, Resource={resource.plural}"
        raise Failure(f"GVR ({place}) not found in OpenAPI schema")
    if resource.group:
        session.say(f"GROUP:      {resource.group}")
    session.say(f"KIND:       {resource.kind}\nVERSION:    {resource.version}\n")
    session.out.append(Page(schemas).text(root, path, words.on("recursive")))
    return 0


def _target(session: Session, words: Words) -> tuple[Resource, list[str]]:
    """The resource, and the path of the field. A group may stand between them (``widgets.example.com.spec``)."""
    word, *path = words.positional[0].rstrip(".").split(".")
    resource = find(word, session.known)
    for cut in range(len(path), 0, -1):
        longer = find(".".join([word, *path[:cut]]), session.known)
        if longer is not None and longer.group and longer.group.startswith(path[0]):
            resource, path = longer, path[cut:]
            break
    if resource is None:
        if not session.discovered:
            raise Undiscovered
        raise Worded(f'the server doesn\'t have a resource type "{word}"')
    wanted = words.text("api-version")
    if wanted and wanted != resource.api_version:
        other = next((one for one in session.known if one.plural == resource.plural and one.api_version == wanted), None)
        if other is None:
            raise Failure(f'couldn\'t find resource for "{wanted}, Resource={resource.plural}"')
        resource = other
    return resource, path


def _document(session: Session, resource: Resource) -> Asking[Tree]:
    place = f"apis/{resource.api_version}" if resource.group else f"api/{resource.api_version}"
    index = yield from session.ask("GET", "/openapi/v3")
    url = str(((index.get("paths") or {}).get(place) or {}).get("serverRelativeURL", f"/openapi/v3/{place}"))
    path, _, query = url.partition("?")
    try:
        name, _, value = query.partition("=")
        document: Tree = yield from session.ask("GET", path, ((name, value),) if name else ())
    except Refused as refused:
        raise Failure(f"couldn't find resource for {resource.api_version}: {refused.said}") from None
    return document


class Page:
    """Writes one page; ``schemas`` are what references lead to."""

    def __init__(self, schemas: dict[str, Tree]) -> None:
        self.schemas = schemas

    def text(self, schema: Tree, path: list[str], recursive: bool) -> str:
        """Everything after the head. Raises kubectl's error for a field that does not exist."""
        for name in path:
            properties = self.fields(schema)[0]
            if name not in properties:
                raise Failure(f'field "{name}" does not exist')
            schema = properties[name]
        lines: list[str] = []
        if path:
            lines += [f"FIELD: {path[-1]} <{self.type(schema)}>"]
            found = self.enum(schema)
            lines += ["ENUM:", *(f"    {one}" for one in found)] if found else [""]
            lines += [""]
        lines += ["DESCRIPTION:", *self.description(schema)]
        properties, required = self.fields(schema)
        if properties:
            lines += ["FIELDS:", *self.listed(properties, required, 1, recursive, ())]
        return "\n".join([*lines, "", ""])

    def target(self, schema: Tree) -> tuple[Tree, str]:
        """What a schema refers to, and under which name."""
        refs = [schema, *(schema.get("allOf") or ())]
        ref = next((one["$ref"] for one in refs if "$ref" in one), "")
        name = ref.rpartition("/")[2]
        return (self.schemas.get(name, {}), name) if name else (schema, "")

    def type(self, schema: Tree) -> str:
        """A type as kubectl writes it: ``[]Container``, ``map[string]string``, ``integer``."""
        inner, name = self.target(schema)
        if name:
            scalar = inner.get("type") in ("string", "integer", "boolean", "number")
            return str(inner["type"]) if scalar else name.rpartition(".")[2]
        if inner.get("type") == "array":
            return f"[]{self.type(inner.get('items') or {})}"
        if isinstance(inner.get("additionalProperties"), dict):
            return f"map[string]{self.type(inner['additionalProperties'])}"
        if inner.get("format") == "int-or-string" or inner.get("x-kubernetes-int-or-string"):
            return "IntOrString"
        return "Object" if inner.get("type", "object") == "object" else str(inner["type"])

    def fields(self, schema: Tree) -> tuple[dict[str, Tree], list[str]]:
        """The fields of what a schema is, or holds, and which are required."""
        inner, _ = self.target(schema)
        if inner.get("type") == "array":
            return self.fields(inner.get("items") or {})
        if isinstance(inner.get("additionalProperties"), dict) and not inner.get("properties"):
            return self.fields(inner["additionalProperties"])
        return inner.get("properties") or {}, inner.get("required") or []

    def enum(self, schema: Tree) -> list[str]:
        """The values that a field may have, sorted."""
        inner, _ = self.target(schema)
        if inner.get("type") == "array":
            inner = inner.get("items") or {}
        return sorted(str(one) if one != "" else '""' for one in inner.get("enum") or ())

    def description(self, schema: Tree) -> list[str]:
        """What the field is for, and what its type is."""
        inner, name = self.target(schema)
        texts = [schema.get("description", "")]
        while not name and inner.get("type") == "array":
            inner, name = self.target(inner.get("items") or {})
        if not name and isinstance(inner.get("additionalProperties"), dict):
            inner, name = self.target(inner["additionalProperties"])
        texts.append(inner.get("description", ""))
        found = [text for text in dict.fromkeys(texts) if text]
        if not found:
            return ["    <empty>"]
        return [*(f"    {line}" for text in found for line in wrap(text)), "    "]

    def listed(self, properties: dict[str, Tree], required: list[str], level: int, recursive: bool,
               above: tuple[str, ...]) -> list[str]:  # fmt: skip
        """The fields, one after the other; those of custom resources that contain themselves are not opened again."""
        lines: list[str] = []
        pad = "  " * level
        for name in sorted(properties):
            field = properties[name]
            lines.append(f"{pad}{name}\t<{self.type(field)}>{' -required-' if name in required else ''}")
            found = self.enum(field)
            if found:
                lines.append(f"{pad}enum: {', '.join(found[:4])}{', ....' if len(found) > 4 else ''}")
            if not recursive:
                text = field.get("description") or "<no description>"
                lines += [*(f"{pad}  {line}" for line in wrap(text)), ""]
                continue
            kind = self.type(field).rpartition("]")[2]
            if kind not in above or kind == "Object":
                inner, needed = self.fields(field)
                lines += self.listed(inner, needed, level + 1, True, (*above, kind)) if level < 12 else []
        return lines


def wrap(text: str) -> list[str]:
    """Lines of at most 76 letters; line breaks stay, and the spaces that a row begins with."""
    lines: list[str] = []
    for row in text.split("\n"):
        bare = row.lstrip(" ")
        first, *words = bare.split(" ")
        line = row[: len(row) - len(bare)] + first
        for word in words:
            if len(line) + 1 + len(word) > WIDTH:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}"
        lines.append(line)
    return lines
