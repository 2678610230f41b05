"""Roles and their bindings (pkg/apis/rbac/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import names, selector
from k8s_tutor.api.validation.causes import invalid, not_supported, required

Tree = dict[str, Any]

GROUP = "rbac.authorization.k8s.io"


def role(found: list[Cause], tree: Tree) -> None:
    """A whole Role."""
    _rules(found, tree, True)


def cluster_role(found: list[Cause], tree: Tree) -> None:
    """A whole ClusterRole."""
    _rules(found, tree, False)
    rule = tree.get("aggregationRule")
    if rule is None:
        return
    if not rule.get("clusterRoleSelectors"):
        text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        found.append(required("aggregationRule.clusterRoleSelectors", text))
    for index, one in enumerate(rule.get("clusterRoleSelectors", ())):
        selector.check(found, f"aggregationRule.clusterRoleSelectors[{index}]", one)


def _rules(found: list[Cause], tree: Tree, namespaced: bool) -> None:
    for index, rule in enumerate(tree.get("rules") or ()):
        place = f"rules[{index}]"
        if not rule.get("verbs"):
            found.append(required(f"{place}.verbs", "verbs must contain at least one value"))
        urls = rule.get("nonResourceURLs")
        if urls:
            if namespaced:
                text = "namespaced rules cannot apply to non-resource URLs"
                found.append(invalid(f"{place}.nonResourceURLs", urls, text))
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                text = "rules cannot apply to both regular resources and non-resource URLs"
                found.append(invalid(f"{place}.nonResourceURLs", urls, text))
            continue
        if not rule.get("apiGroups"):
            found.append(required(f"{place}.apiGroups", "resource rules must supply at least one api group"))
        if not rule.get("resources"):
            found.append(required(f"{place}.resources", "resource rules must supply at least one resource"))


def role_binding(found: list[Cause], tree: Tree) -> None:
    """A whole RoleBinding."""
    _binding(found, tree, ("Role", "ClusterRole"), True)


def cluster_role_binding(found: list[Cause], tree: Tree) -> None:
    """A whole ClusterRoleBinding."""
    _binding(found, tree, ("ClusterRole",), False)


def _binding(found: list[Cause], tree: Tree, kinds: tuple[str, ...], namespaced: bool) -> None:
    reference = tree["roleRef"]
    if reference.get("apiGroup") != GROUP:
        found.append(not_supported("roleRef.apiGroup", reference.get("apiGroup", ""), (GROUP,)))
    if reference.get("kind") not in kinds:
        found.append(not_supported("roleRef.kind", reference.get("kind", ""), kinds))
    name = reference.get("name", "")
    if not name:
        found.append(required("roleRef.name"))
    else:
        found += [invalid("roleRef.name", name, problem) for problem in names.path_segment(name)]
    for index, subject in enumerate(tree.get("subjects", ())):
        _subject(found, f"subjects[{index}]", subject, namespaced)


def _subject(found: list[Cause], place: str, subject: Tree, namespaced: bool) -> None:
    name, kind, group = subject.get("name", ""), subject.get("kind", ""), subject.get("apiGroup", "")
    if not name:
        found.append(required(f"{place}.name"))
    if kind == "ServiceAccount":
        if name:
            found += [invalid(f"{place}.name", name, problem) for problem in names.dns_subdomain(name)]
        if group:
            found.append(not_supported(f"{place}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            found.append(required(f"{place}.namespace"))
    elif kind in ("User", "Group"):
        if not name:
            found.append(invalid(f"{place}.name", "", f"{kind.lower()} name cannot be empty"))
        if group != GROUP:
            found.append(not_supported(f"{place}.apiGroup", group, (GROUP,)))
    else:
        found.append(not_supported(f"{place}.kind", kind, ("ServiceAccount", "User", "Group")))


def binding_update(found: list[Cause], new: Tree, old: Tree) -> None:
    """Which role a binding gives is for life."""
    fresh, stored = new["roleRef"], old["roleRef"]
    if fresh != stored:
        shown = {"APIGroup": fresh.get("apiGroup", ""), "Kind": fresh.get("kind", ""), "Name": fresh.get("name", "")}
        found.append(invalid("roleRef", shown, "cannot change roleRef"))
