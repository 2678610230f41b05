"""Role-based access control: what the Role, ClusterRole and binding objects of one moment allow.

Sources: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go, pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from k8s_tutor.api import scheme
from k8s_tutor.api.authn import User
from k8s_tutor.api.watchcache import Caches

Tree = dict[str, Any]

KINDS = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
GROUP = "rbac.authorization.k8s.io"
SERVICE_ACCOUNT = "system:serviceaccount:"


class Ask(NamedTuple):
    """What somebody wants to do: a verb on a resource, or (``path``) on a path that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def combined(self) -> str:
        """``pods``, ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Answer(NamedTuple):
    """Whether it is allowed, and the words of whoever decided."""

    allowed: bool
    reason: str = ""


class Grant(NamedTuple):
    """One binding that names the user: its own words, and the rules that it gives (None: there is no such role)."""

    words: str
    rules: tuple[Tree, ...] | None
    missing: str = ""


class Rights:
    """All bindings of one moment, by whom they name. Never changed."""

    __slots__ = ("_by_subject", "_roles", "version")

    def __init__(self, caches: Caches) -> None:
        self.version = version_of(caches)
        """Tells whether the objects have changed since."""
        self._roles: dict[tuple[str, str, str], tuple[Tree, ...]] = {}
        self._by_subject: dict[tuple[str, str], tuple[tuple[str, Tree, Tree], ...]] = {}
        for kind in ("ClusterRole", "Role"):
            for tree in _trees(caches, kind):
                metadata = tree["metadata"]
                self._roles[kind, metadata.get("namespace", ""), metadata["name"]] = tuple(tree.get("rules") or ())
        for kind in ("ClusterRoleBinding", "RoleBinding"):
            for tree in _trees(caches, kind):
                namespace = tree["metadata"].get("namespace", "")
                for subject in tree.get("subjects") or ():
                    key = _subject_key(subject, namespace)
                    self._by_subject[key] = (*self._by_subject.get(key, ()), (namespace, tree, subject))

    def grants(self, user: User, namespace: str) -> Iterator[Grant]:
        """What counts for a user in a namespace (empty: outside of all): cluster role bindings first."""
        keys = [("User", user.name), *(("Group", group) for group in user.groups)]
        found = [one for key in keys for one in self._by_subject.get(key, ())]
        for place in ("", namespace) if namespace else ("",):
            for where, binding, subject in found:
                if where == place:
                    yield self._grant(where, binding, subject)

    def _grant(self, namespace: str, binding: Tree, subject: Tree) -> Grant:
        role = binding["roleRef"]
        named = f'{role["kind"]} "{role["name"]}"'
        words = f"{_binding_words(binding, namespace)} of {named} to {_subject_words(subject, namespace)}"
        rules = self.rules_of(role, namespace)
        if rules is None:
            return Grant(words, None, f'{role["kind"].lower()}.{GROUP} "{role["name"]}" not found')
        return Grant(words, rules)

    def rules_of(self, role: Tree, namespace: str) -> tuple[Tree, ...] | None:
        """The rules of the role that a binding names, or None when there is no such role."""
        kind = role.get("kind", "")
        return self._roles.get((kind, namespace if kind == "Role" else "", role.get("name", "")))

    def answer(self, user: User, ask: Ask) -> Answer:
        """Whether some rule allows it; the reason names the binding, or roles that are missing."""
        missing = []
        for grant in self.grants(user, ask.namespace):
            if grant.rules is None:
                missing.append(grant.missing)
            elif any(rule_allows(rule, ask) for rule in grant.rules):
                return Answer(True, f"RBAC: allowed by {grant.words}")
        if not missing:
            return Answer(False)
        texts = list(dict.fromkeys(missing))
        return Answer(False, f"RBAC: {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}")

    def rules(self, user: User, namespace: str) -> list[Tree]:
        """All rules that count for a user in a namespace."""
        return [rule for grant in self.grants(user, namespace) for rule in grant.rules or ()]


def version_of(caches: Caches) -> tuple[int, ...]:
    """Changes whenever an RBAC object does."""
    return tuple([caches.kinds[kind].last for kind in KINDS])


@lru_cache(maxsize=8192)
def answer(rights: Rights, user: User, ask: Ask) -> Answer:
    """As `Rights.answer`, remembered."""
    return rights.answer(user, ask)


def _trees(caches: Caches, kind: str) -> list[Tree]:
    items = caches.kinds[kind].items
    return [scheme.tree(items[key].data) for key in sorted(items)]


def _subject_key(subject: Tree, namespace: str) -> tuple[str, str]:
    """Whom a subject means; a service account is the user that it works as."""
    if subject.get("kind") == "ServiceAccount":
        return "User", f"{SERVICE_ACCOUNT}{subject.get('namespace') or namespace}:{subject['name']}"
    return subject.get("kind", ""), subject["name"]


def _binding_words(binding: Tree, namespace: str) -> str:
    name = binding["metadata"]["name"]
    return f'RoleBinding "{name}/{namespace}"' if namespace else f'ClusterRoleBinding "{name}"'


def _subject_words(subject: Tree, namespace: str) -> str:
    if subject["kind"] == "ServiceAccount":
        return f'ServiceAccount "{subject["name"]}/{subject.get("namespace") or namespace}"'
    return f'{subject["kind"]} "{subject["name"]}"'


# ---------------------------------------------------------------------------------------------------- one rule


def rule_allows(rule: Tree, ask: Ask) -> bool:
    """Whether one PolicyRule allows it."""
    if not _has(rule.get("verbs"), ask.verb):
        return False
    if ask.path:
        return any(_path_matches(pattern, ask.path) for pattern in rule.get("nonResourceURLs") or ())
    if not _has(rule.get("apiGroups"), ask.group):
        return False
    resources = rule.get("resources") or ()
    if not (_has(resources, ask.combined) or (ask.subresource and f"*/{ask.subresource}" in resources)):
        return False
    names = rule.get("resourceNames") or ()
    return not names or ask.name in names


def _has(values: Any, wanted: str) -> bool:
    return bool(values) and ("*" in values or wanted in values)


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))
