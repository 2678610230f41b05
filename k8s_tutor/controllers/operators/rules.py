"""One operator's rules, as its process has them: which kind it looks after and what each object of it asks for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.component import Access
from k8s_tutor.api.informer import Informer
from k8s_tutor.sim import Body

OWNER = "k8s-tutor.dev/owner"
"""Annotation of a child that has no owner reference: key of the object for which it was made."""
MANAGED_BY = "app.kubernetes.io/managed-by"


class ChildRule(Body):
    """One child, or one for each item of a list."""

    name: str
    """How expressions of the status call it: ``children.<name>``."""
    manifest: str
    """JSON of the template."""
    when: str = ""
    """CEL; without it always."""
    each: str = ""
    """CEL of a list: one child for each ``item``."""
    owned: bool = True
    """With an owner reference, so that it goes with its owner. False: the operator's finalizer sees to that."""


class Rules(Body):
    """A whole operator."""

    name: str
    api_version: str
    kind: str
    plural: str = ""
    """Of a custom kind, if it is not as `plural_of` makes it."""
    namespaced: bool = True
    """Of a custom kind."""
    children: tuple[ChildRule, ...] = ()
    status: str = "{}"
    """JSON of the template of the object's status."""
    finalizer: str = ""

    @property
    def watched(self) -> Kind:
        """What it looks after."""
        return kind_of(self.api_version, self.kind, self.plural, self.namespaced)

    def kinds(self) -> tuple[Kind, ...]:
        """What it watches: its own kind, and those of its children."""
        found = [self.watched]
        for child in self.children:
            tree = template_of(child.manifest)
            found.append(kind_of(tree["apiVersion"], tree["kind"]))
        return tuple({kind.name: kind for kind in reversed(found)}.values())[::-1]

    @property
    def user(self) -> str:
        """The service account as which it comes."""
        return f"system:serviceaccount:kube-system:{self.name}"


class OperatorConfig(Access):
    """How it reaches the API server, and its rules."""

    rules: Rules = Rules("", "v1", "ConfigMap")


class Kind(NamedTuple):
    """A kind as an operator deals with it."""

    name: str
    """Of its informer: ``Deployment``, ``websites.ex.io``."""
    api_version: str
    kind: str
    plural: str
    namespaced: bool
    custom: bool

    @property
    def group(self) -> str:
        """``ex.io``; empty for the core."""
        return self.api_version.rpartition("/")[0]

    def collection(self, namespace: str = "") -> str:
        """The URL of all its objects, or of those in a namespace."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if self.namespaced and namespace else f"{root}/{self.plural}"

    def informer(self) -> Informer:
        """A new, empty store of it."""
        return Informer(self.name, root=self.collection())


@lru_cache(maxsize=256)
def kind_of(api_version: str, kind: str, plural: str = "", namespaced: bool = True) -> Kind:
    """A built-in kind as it is, a custom one as it is said or guessed to be."""
    row = scheme.BY_GVK.get((api_version, kind))
    if row is not None:
        return Kind(kind, api_version, kind, row.plural, row.namespaced, False)
    plural = plural or plural_of(kind)
    return Kind(f"{plural}.{api_version.partition('/')[0]}", api_version, kind, plural, namespaced, True)


def plural_of(kind: str) -> str:
    """``Website`` → ``websites``, as apimachinery guesses (meta.UnsafeGuessKindToResource)."""
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


@lru_cache(maxsize=512)
def template_of(text: str) -> dict[str, Any]:
    """A template that all share: never to be changed."""
    found: dict[str, Any] = msgspec.json.decode(text)
    return found
