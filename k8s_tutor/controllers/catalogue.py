"""Kinds that only the garbage collector watches: those that no other controller needs, and custom resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_tutor.api.informer import Informer
from k8s_tutor.sim import State


class Custom(NamedTuple):
    """A custom resource that is served."""

    name: str
    """``widgets.ex.io``: as which its informer and the changes that it hears of are known."""
    base: str
    """``/apis/ex.io/v1``."""
    kind: str
    namespaced: bool

    @property
    def group(self) -> str:
        """``ex.io``."""
        return self.name.partition(".")[2]

    def collection(self, namespace: str = "") -> str:
        """The URL of all its objects, or of those in a namespace."""
        plural = self.name.partition(".")[0]
        return f"{self.base}/namespaces/{namespace}/{plural}" if self.namespaced and namespace else f"{self.base}/{plural}"


def custom_of(definition: Any) -> Custom | None:
    """What a CustomResourceDefinition (typed) serves; None before it is established, and when it goes."""
    if definition is None or definition.metadata.deletionTimestamp:
        return None
    conditions = (definition.status and definition.status.conditions) or ()
    if not any(one.type == "Established" and one.status == "True" for one in conditions):
        return None
    spec = definition.spec
    version = next((one.name for one in spec.versions if one.served), "")
    if not version:
        return None
    base = f"/apis/{spec.group}/{version}"
    return Custom(definition.metadata.name, base, spec.names.kind, spec.scope == "Namespaced")


class Shelf(State):
    """Informers, each as an attribute with the name of its kind."""

    def all(self) -> list[Informer]:
        """All of them, in the order in which they came."""
        return list(self.__dict__.values())

    def get(self, kind: str) -> Informer | None:
        """The informer of a kind, if there is one."""
        found: Informer | None = self.__dict__.get(kind)
        return found


class Catalogue(State):
    """The informers, and what is known of custom resources."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.shelf = Shelf()
        for kind in kinds:
            setattr(self.shelf, kind, Informer(kind))
        self.customs: dict[str, Custom] = {}
        """``ex.io/Widget`` → what is served."""

    def add(self, custom: Custom) -> Informer:
        """Takes in a custom resource; its informer has still to list."""
        informer = Informer(custom.name, root=custom.collection())
        setattr(self.shelf, custom.name, informer)
        self.customs[f"{custom.group}/{custom.kind}"] = custom
        return informer

    def remove(self, name: str) -> Informer | None:
        """Forgets a custom resource by its name; gives back the informer that watched it."""
        for key in [key for key, custom in self.customs.items() if custom.name == name]:
            del self.customs[key]
        found: Informer | None = self.shelf.__dict__.pop(name, None)
        return found

    def custom(self, api_version: str, kind: str) -> Custom | None:
        """The custom resource that an object or an owner reference is about."""
        return self.customs.get(f"{api_version.partition('/')[0]}/{kind}")
