"""Metadata that every object has (apimachinery api/validation/objectmeta.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names
from k8s_tutor.api.validation.causes import forbidden, immutable, invalid, required, too_long

Tree = dict[str, Any]

ANNOTATIONS_LIMIT = 256 * 1024
_NAME_RULES: dict[str, Callable[[str], tuple[str, ...]]] = {
    "subdomain": names.dns_subdomain,
    "label": names.dns_label,
    "label1035": names.dns1035_label,
    "path": names.path_segment,
    "ip": names.ip_name,
}
_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def labels(found: list[Cause], field: str, value: dict[str, str] | None) -> None:
    """Keys and values of labels."""
    for key, text in (value or {}).items():
        found += [invalid(field, key, problem) for problem in names.qualified_name(key)]
        found += [invalid(field, text, problem) for problem in names.label_value(text)]


def annotation_keys(found: list[Cause], field: str, value: dict[str, str] | None) -> None:
    """Keys of annotations, and their size."""
    size = 0
    for key, text in (value or {}).items():
        found += [invalid(field, key, problem) for problem in names.qualified_name(key.lower())]
        size += len(key.encode()) + len(text.encode())
    if size > ANNOTATIONS_LIMIT:
        found.append(too_long(field, ANNOTATIONS_LIMIT))


def _owners(found: list[Cause], owners: list[Tree]) -> None:
    field = "metadata.ownerReferences"
    controllers: list[str] = []
    for owner in owners:
        if not owner.get("apiVersion"):
            found.append(invalid(f"{field}.apiVersion", "", "version must not be empty"))
        for name in ("kind", "name", "uid"):
            if not owner.get(name):
                found.append(invalid(f"{field}.{name}", "", "must not be empty"))
        if owner.get("controller"):
            controllers.append(f"{owner['kind']}/{owner['name']}")
            if len(controllers) > 1:
                text = 'Only one reference can have Controller set to true. Found "true" in references for {} and {}'
                shown = [{"apiVersion": owner["apiVersion"], **owner} for owner in owners]
                found.append(invalid(field, shown, text.format(controllers[0], controllers[1])))


def _finalizers(found: list[Cause], finalizers: list[str]) -> None:
    for index, name in enumerate(finalizers):
        field = f"metadata.finalizers[{index}]"
        problems = names.qualified_name(name)
        found += [invalid(field, name, problem) for problem in problems]
        if not problems and "/" not in name and name not in _STANDARD_FINALIZERS:
            found.append(invalid(field, name, "name is neither a standard finalizer name nor is it fully qualified"))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        found.append(invalid("metadata.finalizers", finalizers, text))


def check(found: list[Cause], resource: Resource, metadata: Tree) -> None:
    """All of an object's metadata."""
    rule = _NAME_RULES[resource.name_rule]
    name = metadata.get("name", "")
    generate = metadata.get("generateName", "")
    if generate:
        # The suffix is to come: a last dash stands for it (api/validation maskTrailingDash).
        masked = generate[:-2] + "a" if len(generate) > 1 and generate.endswith("-") else generate
        found += [invalid("metadata.generateName", generate, problem) for problem in rule(masked)]
    if not name:
        found.append(required("metadata.name", "name or generateName is required"))
    else:
        found += [invalid("metadata.name", name, problem) for problem in rule(name)]
    if resource.namespaced:
        namespace = metadata.get("namespace", "")
        if not namespace:
            found.append(required("metadata.namespace"))
        else:
            found += [invalid("metadata.namespace", namespace, problem) for problem in names.dns_label(namespace)]
    elif metadata.get("namespace"):
        found.append(forbidden("metadata.namespace", "not allowed on this type"))
    if "labels" in metadata:
        labels(found, "metadata.labels", metadata["labels"])
    if "annotations" in metadata:
        annotation_keys(found, "metadata.annotations", metadata["annotations"])
    if "ownerReferences" in metadata:
        _owners(found, metadata["ownerReferences"])
    if "finalizers" in metadata:
        _finalizers(found, metadata["finalizers"])


def check_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """What may not change in metadata. The real server asks twice (BeforeUpdate and the strategy), and says so twice."""
    once: list[Cause] = []
    if old.get("deletionTimestamp"):
        known = old.get("finalizers", [])
        extra = [name for name in new.get("finalizers", ()) if name not in known]
        if extra:
            listed = ", ".join(f'"{name}"' for name in sorted(extra))
            text = "no new finalizers can be added if the object is being deleted, found new finalizers "
            once.append(forbidden("metadata.finalizers", f"{text}[]string{{{listed}}}"))
    for field in ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if new.get(field) != old.get(field):
            once.append(immutable(f"metadata.{field}", new.get(field)))
    if new.get("generation", 0) < old.get("generation", 0):
        once.append(invalid("metadata.generation", new.get("generation", 0), "must not be decremented"))
    found += once * 2
