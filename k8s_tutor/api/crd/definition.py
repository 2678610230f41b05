"""Definitions themselves: what is wrong with one, which names it gets, and when it is established.

Sources: apiextensions-apiserver pkg/apis/apiextensions/validation, pkg/controller/{status,establish,finalizer}.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import cel
from k8s_tutor.api.crd.check import problems
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import causes, names

Tree = dict[str, Any]

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")


# ---------------------------------------------------------------------- validation


def check(found: list[Cause], tree: Tree) -> None:
    """All that is wrong with a definition."""
    spec = tree.get("spec", {})
    group, scope, own = spec.get("group", ""), spec.get("scope", ""), spec.get("names", {})
    if tree["metadata"].get("name") != f"{own.get('plural', '')}.{group}":
        text = 'must be spec.names.plural+"."+spec.group'
        found.append(causes.invalid("metadata.name", tree["metadata"].get("name", ""), text))
    if not group:
        found.append(causes.required("spec.group"))
    else:
        found += [causes.invalid("spec.group", group, problem) for problem in names.dns_subdomain(group)]
        if "." not in group:
            found.append(causes.invalid("spec.group", group, "should be a domain with at least one dot"))
    if scope not in ("Cluster", "Namespaced"):
        found.append(causes.not_supported("spec.scope", scope, ("Cluster", "Namespaced")) if scope else
                     causes.required("spec.scope"))  # fmt: skip
    _versions(found, spec.get("versions") or [])
    _names(found, own)
    if spec.get("preserveUnknownFields"):
        text = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        )
        found.append(causes.invalid("spec.preserveUnknownFields", True, text))


def _names(found: list[Cause], own: Tree) -> None:
    for field in ("plural", "singular", "kind", "listKind"):
        value = own.get(field, "")
        where = f"spec.names.{field}"
        if not value:
            if field != "singular":
                found.append(causes.required(where))
            continue
        found += [causes.invalid(where, value, problem) for problem in names.dns1035_label(value.lower())]
    for index, name in enumerate(own.get("shortNames", ())):
        found += [causes.invalid(f"spec.names.shortNames[{index}]", name, one) for one in names.dns1035_label(name)]
    if own.get("kind") and own.get("kind") == own.get("listKind"):
        found.append(causes.invalid("spec.names.listKind", own["listKind"], "kind and listKind may not be the same"))


def _versions(found: list[Cause], versions: list[Tree]) -> None:
    seen: list[str] = []
    for index, version in enumerate(versions):
        where = f"spec.versions[{index}]"
        name = version.get("name", "")
        if name in seen:
            found.append(causes.invalid("spec.versions", _shown(versions), "must contain unique version names"))
        seen.append(name)
        found += [causes.invalid(f"{where}.name", name, problem) for problem in names.dns1035_label(name)]
        _version(found, version, where)
    stored = sum(bool(version.get("storage")) for version in versions)
    if stored != 1:
        text = "must have exactly one version marked as storage version"
        found.append(causes.invalid("spec.versions", _shown(versions), text))
    if versions and not any(version.get("served") for version in versions):
        found.append(causes.invalid("spec.versions", _shown(versions), "must have at least one version marked as served"))


def _shown(versions: list[Tree]) -> list[Tree]:
    return [{key: value for key, value in version.items() if key != "schema"} for version in versions]


def _version(found: list[Cause], version: Tree, where: str) -> None:
    schema = version.get("schema", {}).get("openAPIV3Schema")
    at = f"{where}.schema.openAPIV3Schema"
    if schema is None:
        found.append(causes.required(at, "schemas are required" if "schema" in version else ""))
    else:
        if schema.get("type") != "object":
            if schema.get("type"):
                found.append(causes.invalid(f"{at}.type", schema["type"], "must be object at the root"))
            else:
                found.append(causes.required(f"{at}.type", "must not be empty at the root"))
        _schema(found, schema, at, root=True)
    for index, column in enumerate(version.get("additionalPrinterColumns", ())):
        _column(found, column, f"{where}.additionalPrinterColumns[{index}]")
    scale = version.get("subresources", {}).get("scale")
    if scale is not None:
        _scale(found, scale, f"{where}.subresources.scale")


def _column(found: list[Cause], column: Tree, where: str) -> None:
    if not column.get("name"):
        found.append(causes.required(f"{where}.name"))
    if not column.get("type"):
        found.append(causes.required(f"{where}.type", f"must be one of {','.join(_COLUMN_TYPES)}"))
    elif column["type"] not in _COLUMN_TYPES:
        found.append(causes.invalid(f"{where}.type", column["type"], f"must be one of {','.join(_COLUMN_TYPES)}"))
    if not column.get("jsonPath"):
        found.append(causes.required(f"{where}.JSONPath"))
    elif not column["jsonPath"].startswith("."):
        text = "must be a simple json path starting with ."
        found.append(causes.invalid(f"{where}.jsonPath", column["jsonPath"], text))


def _scale(found: list[Cause], scale: Tree, where: str) -> None:
    for field, start in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        path = scale.get(field, "")
        if not path:
            found.append(causes.required(f"{where}.{field}"))
        elif not path.startswith(start):
            found.append(causes.invalid(f"{where}.{field}", path, f"should be a json path under {start[:-1]}"))
    selector = scale.get("labelSelectorPath", "")
    if selector and not selector.startswith((".spec.", ".status.")):
        text = "should be a json path under either .spec or .status"
        found.append(causes.invalid(f"{where}.labelSelectorPath", selector, text))


def _schema(found: list[Cause], schema: Tree, where: str, root: bool = False, inside: bool = False) -> None:
    """Structural schemas: every place has a type, and junctors none."""
    kind = schema.get("type", "")
    if kind and kind not in _TYPES:
        found.append(causes.not_supported(f"{where}.type", kind, _TYPES))
    free = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string")
    if not kind and not root and not inside and not free:
        found.append(causes.required(f"{where}.type", "must not be empty for specified object fields"))
    if schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
        text = "additionalProperties and properties are mutual exclusive"
        found.append(causes.forbidden(f"{where}.additionalProperties", text))
    if kind == "array" and "items" not in schema and not inside:
        found.append(causes.required(f"{where}.items", "must be specified"))
    pattern = schema.get("pattern")
    if pattern:
        try:
            re.compile(pattern)
        except re.error as error:
            found.append(causes.invalid(f"{where}.pattern", pattern, f"must be a valid regular expression, but isn't: {error}"))
    _list_type(found, schema, where)
    if "default" in schema and not inside:
        rest = {key: value for key, value in schema.items() if key != "default"}
        found += problems(schema["default"], rest, f"{where}.default")
    for index, rule in enumerate(schema.get("x-kubernetes-validations", ())):
        _rule(found, rule, f"{where}.x-kubernetes-validations[{index}]", {**schema, "properties": _seen(schema, root)})
    for name, own in schema.get("properties", {}).items():
        free = inside or (root and name in ("metadata", "apiVersion", "kind"))
        _schema(found, own, f"{where}.properties[{name}]", inside=free)
    for field in ("items", "additionalProperties"):
        if isinstance(schema.get(field), dict):
            _schema(found, schema[field], f"{where}.{field}", inside=inside)
    for field in ("allOf", "anyOf", "oneOf"):
        for index, own in enumerate(schema.get(field, ())):
            at = f"{where}.{field}[{index}]"
            if own.get("type") and not schema.get("x-kubernetes-int-or-string"):
                text = "must be empty to be structural"
                found.append(causes.forbidden(f"{at}.type", text))
            _schema(found, own, at, inside=True)


def _list_type(found: list[Cause], schema: Tree, where: str) -> None:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys")
    if kind is None:
        return
    if schema.get("type") != "array":
        text = "must be array if x-kubernetes-list-type is specified"
        found.append(causes.invalid(f"{where}.type", schema.get("type", ""), text))
    if kind not in ("atomic", "set", "map"):
        found.append(causes.not_supported(f"{where}.x-kubernetes-list-type", kind, ("atomic", "set", "map")))
    if kind == "map" and not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        found.append(causes.required(f"{where}.x-kubernetes-list-map-keys", text))
    known = schema.get("items", {}).get("properties", {})
    for key in keys or ():
        if key not in known:
            text = "entries must all be names of item properties"
            found.append(causes.invalid(f"{where}.x-kubernetes-list-map-keys", key, text))


def _seen(schema: Tree, root: bool) -> Tree:
    """The properties that a rule may name; of a whole object also what every object has."""
    own = dict(schema.get("properties", {}))
    if root:
        text = {"type": "string"}
        own |= {"apiVersion": text, "kind": text, "metadata": {"type": "object", "properties": _NAMED}}
    return own


_NAMED = {"name": {"type": "string"}, "generateName": {"type": "string"}}
_CHAIN = re.compile(r"\b(?:self|oldSelf)((?:\s*\.\s*[A-Za-z_]\w*)+)(\s*\()?")
_STEP = re.compile(r"\.\s*([A-Za-z_]\w*)")


def _undefined(text: str, schema: Tree) -> list[tuple[int, str]]:
    """(place, name) of fields that a rule names and its schema does not."""
    found = []
    for chain in _CHAIN.finditer(cel.masked(text)):
        steps = list(_STEP.finditer(text, chain.start(1), chain.end(1)))
        here: Tree | None = schema
        for step in steps[:-1] if chain[2] else steps:
            known = {_escaped(name): own for name, own in (here or {}).get("properties", {}).items()}
            if here is None or not known or here.get("type") != "object":
                break
            if step[1] not in known:
                found.append((step.start(), step[1]))
                break
            here = known[step[1]]
    return found


def _escaped(name: str) -> str:
    """The name of a field as rules write it."""
    for mark, word in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__")):
        name = name.replace(mark, word)
    return name


def _rule(found: list[Cause], rule: Tree, where: str, schema: Tree) -> None:
    text = rule.get("rule", "")
    if not text.strip():
        found.append(causes.required(f"{where}.rule", "rule is not specified"))
        return
    try:
        cel.check(text, ("self", "oldSelf"), (), "cel expression must evaluate to a bool")
        missing = [cel.issue(text, at, f"undefined field '{name}'") for at, name in _undefined(text, schema)]
        if missing:
            raise cel.CelFailure("compilation failed: " + "\n".join(missing))
    except cel.CelFailure as error:
        shown = {
            "Rule": text, "Message": rule.get("message", ""), "MessageExpression": rule.get("messageExpression", ""),
            "Reason": rule.get("reason"), "FieldPath": rule.get("fieldPath", ""),
            "OptionalOldSelf": rule.get("optionalOldSelf"),
        }  # fmt: skip
        found.append(causes.invalid(f"{where}.rule", shown, str(error)))
    if rule.get("message", "x").strip() == "":
        found.append(causes.invalid(f"{where}.message", rule["message"], "message must be non-empty if specified"))
    elif "\n" in rule.get("message", ""):
        found.append(causes.invalid(f"{where}.message", rule["message"], "message must not contain line breaks"))


def check_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What may not change in an established definition."""
    established = any(one["type"] == "Established" and one["status"] == "True"
                      for one in old.get("status", {}).get("conditions") or ())  # fmt: skip
    if not established:
        return
    for field in ("group", "scope"):
        if new["spec"].get(field) != old["spec"].get(field):
            found.append(causes.immutable(f"spec.{field}", new["spec"].get(field)))
    for field in ("plural", "kind"):
        value = new["spec"].get("names", {}).get(field)
        if value != old["spec"].get("names", {}).get(field) and field == "plural":
            found.append(causes.immutable(f"spec.names.{field}", value))
    known = [version["name"] for version in new["spec"].get("versions", ())]
    for index, name in enumerate(old.get("status", {}).get("storedVersions") or ()):
        if name not in known:
            found.append(causes.invalid(f"status.storedVersions[{index}]", name, "must appear in spec.versions"))


# ---------------------------------------------------------------------- names, establishing, ending


def _condition(tree: Tree, kind: str, value: str, reason: str, message: str, stamp: str) -> Tree:
    conditions: list[Tree] = tree.get("status", {}).get("conditions") or []
    known = next((one for one in conditions if one["type"] == kind), None)
    if known is not None and (known["status"], known["reason"], known["message"]) == (value, reason, message):
        return known
    at = known["lastTransitionTime"] if known is not None and known["status"] == value else stamp
    return {"type": kind, "status": value, "lastTransitionTime": at, "reason": reason, "message": message}


def settled(tree: Tree, others: Iterable[Tree], stamp: str) -> Tree | None:
    """The status that a definition should have, or None when it has it: names are accepted unless another one of the group
    has them, and whoever has its names is established."""
    wanted, group = tree["spec"]["names"], tree["spec"]["group"]
    taken: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for other in others:
        if other["spec"]["group"] == group and other["metadata"]["name"] != tree["metadata"]["name"]:
            accepted = other.get("status", {}).get("acceptedNames", {})
            short = accepted.get("shortNames", ())
            taken.update({name: name for name in (accepted.get("plural"), accepted.get("singular"), *short) if name})
            kinds.update({name: name for name in (accepted.get("kind"), accepted.get("listKind")) if name})
    before = tree.get("status", {}).get("acceptedNames", {})
    accepted, problem = _accepted(wanted, before, taken, kinds)
    conditions = [one for one in tree.get("status", {}).get("conditions") or ()
                  if one["type"] not in ("NamesAccepted", "Established")]  # fmt: skip
    if problem:
        conditions.append(_condition(tree, "NamesAccepted", "False", *problem, stamp))
    else:
        conditions.append(_condition(tree, "NamesAccepted", "True", "NoConflicts", "no conflicts found", stamp))
    was = any(one["type"] == "Established" and one["status"] == "True"
              for one in tree.get("status", {}).get("conditions") or ())  # fmt: skip
    if was or not problem:
        text = "the initial names have been accepted"
        conditions.append(_condition(tree, "Established", "True", "InitialNamesAccepted", text, stamp))
    else:
        text = "not all names are accepted"
        conditions.append(_condition(tree, "Established", "False", "NotAccepted", text, stamp))
    found = {**tree.get("status", {}), "conditions": conditions, "acceptedNames": accepted}
    return None if found == tree.get("status") else found


def _accepted(wanted: Tree, before: Tree, taken: Tree, kinds: Tree) -> tuple[Tree, tuple[str, str] | None]:
    """(accepted names, (reason, message) of what is in the way)."""
    found = dict(before) if before.get("plural") else {"plural": "", "kind": ""}
    problem: tuple[str, str] | None = None
    for field, word, known in (("plural", "PluralConflict", taken), ("singular", "SingularConflict", taken),
                               ("kind", "KindConflict", kinds), ("listKind", "ListKindConflict", kinds)):  # fmt: skip
        name = wanted.get(field)
        if not name:
            continue
        if name in known:
            problem = (word, f'"{name}" is already in use')
        else:
            found[field] = name
    used = [name for name in wanted.get("shortNames", ()) if name in taken]
    if used:
        problem = ("ShortNamesConflict", ", ".join(f'"{name}" is already in use' for name in used))
    elif wanted.get("shortNames"):
        found["shortNames"] = wanted["shortNames"]
    if wanted.get("categories"):
        found["categories"] = wanted["categories"]
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return {field: found[field] for field in order if field in found}, problem


def terminating(tree: Tree, stamp: str) -> Tree:
    """The status of a definition whose resources are being deleted."""
    others = [one for one in tree.get("status", {}).get("conditions") or () if one["type"] != "Terminating"]
    text = "CustomResource deletion is in progress"
    condition = _condition(tree, "Terminating", "True", "InstanceDeletionInProgress", text, stamp)
    return {**tree.get("status", {}), "conditions": [*others, condition]}
