"""Nobody can give away rights that they do not hold (pkg/registry/rbac/validation, pkg/registry/rbac/escalation_check.go)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from k8s_tutor.api.authn import MASTERS, User
from k8s_tutor.api.rbac import GROUP, Ask, Rights, answer
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Refusal, Subject, forbidden, not_found

Tree = dict[str, Any]


def refusal(row: Resource, new: Tree, old: Tree | None, rights: Rights, user: User, namespace: str) -> Refusal | None:
    """The 403 for a role or a binding that would give more than the user has; ``old`` is None for a new one."""
    if row.group != GROUP or MASTERS in user.groups:
        return None
    if row.kind in ("Role", "ClusterRole"):
        return _role(row, new, old, rights, user, namespace)
    return _binding(row, new, old, rights, user, namespace)


def _role(row: Resource, new: Tree, old: Tree | None, rights: Rights, user: User, namespace: str) -> Refusal | None:
    fields = ("rules", "aggregationRule")
    if old is not None and all(new.get(field) == old.get(field) for field in fields):
        return None
    name = new["metadata"].get("name", "")
    if answer(rights, user, Ask("escalate", GROUP, row.plural, "", namespace, name)).allowed:
        return None
    about = Subject(row.group, row.plural, name)
    if row.kind == "ClusterRole" and new.get("aggregationRule"):
        everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]}]
        lacking = missing(rights.rules(user, namespace), everything)
        if lacking:
            why = f"must have cluster-admin privileges to use the aggregationRule: {_text(user, lacking)}"
            return forbidden(about, why)
    lacking = missing(rights.rules(user, namespace), new.get("rules") or ())
    return forbidden(about, _text(user, lacking)) if lacking else None


def _binding(row: Resource, new: Tree, old: Tree | None, rights: Rights, user: User, namespace: str) -> Refusal | None:
    if old is not None and new.get("subjects") == old.get("subjects"):
        return None
    role, name = new.get("roleRef") or {}, new["metadata"].get("name", "")
    plural = "clusterroles" if role.get("kind") == "ClusterRole" else "roles"
    if answer(rights, user, Ask("bind", GROUP, plural, "", namespace, role.get("name", ""))).allowed:
        return None
    rules = rights.rules_of(role, namespace)
    if rules is None:
        return not_found(Subject(GROUP, plural, role.get("name", "")))
    lacking = missing(rights.rules(user, namespace), rules)
    return forbidden(Subject(row.group, row.plural, name), _text(user, lacking)) if lacking else None


def _text(user: User, lacking: list[Tree]) -> str:
    texts = sorted({in_words(rule) for rule in lacking})
    return (
        f"user {json.dumps(user.name)} (groups={_strings(user.groups)}) is attempting to grant RBAC permissions not currently "
        "held:\n" + "\n".join(texts)
    )


# ---------------------------------------------------------------------------------------------------- rules against rules


def missing(held: list[Tree], wanted: Iterable[Tree]) -> list[Tree]:
    """The parts of the wanted rules that no held rule covers, those of one resource put together again."""
    return _compact(uncovered(held, wanted))


def uncovered(held: list[Tree], wanted: Iterable[Tree]) -> list[Tree]:
    """The same, as rules of one verb and one resource each."""
    return [part for rule in wanted for part in _broken_down(rule) if not any(_covers(own, part) for own in held)]


def _broken_down(rule: Tree) -> list[Tree]:
    """A rule as rules of one verb and one resource (or one path) each."""
    parts: list[Tree] = []
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in rule.get("verbs") or ():
                part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                parts += [{**part, "resourceNames": [name]} for name in names] if names else [part]
    for path in rule.get("nonResourceURLs") or ():
        parts += [{"nonResourceURLs": [path], "verbs": [verb]} for verb in rule.get("verbs") or ()]
    return parts


def _covers(own: Tree, part: Tree) -> bool:
    if not _includes(own.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        path = part["nonResourceURLs"][0]
        return any(
            held in ("*", path) or (held.endswith("*") and path.startswith(held.rstrip("*")))
            for held in own.get("nonResourceURLs") or ()
        )
    resource = part["resources"][0]
    resources = own.get("resources") or ()
    whole = _includes(resources, resource) or ("/" in resource and f"*/{resource.partition('/')[2]}" in resources)
    names = own.get("resourceNames") or ()
    named = not names or (bool(part.get("resourceNames")) and part["resourceNames"][0] in names)
    return _includes(own.get("apiGroups"), part["apiGroups"][0]) and whole and named


def _includes(values: Any, wanted: str) -> bool:
    return bool(values) and ("*" in values or wanted in values)


def _compact(parts: list[Tree]) -> list[Tree]:
    """Rules that differ in their verbs alone become one."""
    found: dict[str, Tree] = {}
    for part in parts:
        if "nonResourceURLs" in part:
            found.setdefault(in_words(part), part)
            continue
        key = in_words({**part, "verbs": []})
        known = found.get(key)
        found[key] = part if known is None else {**known, "verbs": [*known["verbs"], *part["verbs"]]}
    return list(found.values())


def in_words(rule: Tree) -> str:
    """``{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}``."""
    fields = (
        ("APIGroups", "apiGroups"), ("Resources", "resources"), ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"), ("Verbs", "verbs"),
    )  # fmt: skip
    return "{" + ", ".join(f"{title}:{_strings(rule[name])}" for title, name in fields if rule.get(name)) + "}"


def _strings(values: Iterable[str]) -> str:
    return "[" + " ".join(json.dumps(value) for value in values) + "]"
