"""Columns and the small words of server-side tables (pkg/printers/internalversion/printers.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8s_tutor.api import selectors, times

Tree = dict[str, Any]
NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

NAME_TEXT = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a "
    "client to request the generation of an appropriate name automatically. Name is primarily intended for creation "
    "idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)
AGE_TEXT = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in happens-before order across separate operations. Clients may not set this value. It is represented "
    "in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


class Column(NamedTuple):
    """One column; ``wide`` ones (priority 1) show with ``-o wide``."""

    name: str
    description: str = ""
    type: str = "string"
    wide: bool = False

    def tree(self) -> Tree:
        """As an entry of ``columnDefinitions``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" and not self.wide else "",
            "description": self.description,
            "priority": 1 if self.wide else 0,
        }


class Moment(NamedTuple):
    """The instant at which ages are read, µs since ``epoch`` (Unix seconds)."""

    now: int
    epoch: int = times.EPOCH

    def age(self, stamp: str | None) -> str:
        """``4s``, or ``<unknown>``."""
        return times.age(stamp, self.now, self.epoch)


NAME = Column("Name", NAME_TEXT)
"""The first column of every table."""
AGE = Column("Age", AGE_TEXT)
CONTAINERS = (
    Column("Containers", "Names of each container in the template.", wide=True),
    Column("Images", "Images referenced by each container in the template.", wide=True),
)
WORKLOAD = (*CONTAINERS, Column("Selector", "Label selector for pods.", wide=True))

Cells = Callable[[Tree, Moment], list[Any]]
Rows = dict[str, tuple[Cells, tuple[Column, ...]]]
"""Kind → (what makes a row of an object, columns)."""


def name(tree: Tree) -> str:
    """The first cell of every row."""
    return str(tree["metadata"]["name"])


def created(tree: Tree, at: Moment) -> str:
    """The cell of the column Age."""
    return at.age(tree["metadata"].get("creationTimestamp"))


def labels(found: dict[str, str] | None) -> str:
    """``a=1,b=2``."""
    return ",".join(f"{key}={found[key]}" for key in sorted(found)) if found else NONE


def selector(found: Tree | None) -> str:
    """A ``LabelSelector`` as text."""
    return str(selectors.from_object(found or {})) or NONE


def containers(template: Tree) -> tuple[str, str]:
    """Names and images of a pod template."""
    inside = template.get("spec", {}).get("containers") or ()
    return ",".join(item.get("name", "") for item in inside), ",".join(item.get("image", "") for item in inside)


def some(items: Iterable[str], empty: str) -> str:
    """At most three, then how many more."""
    found = list(items)
    if len(found) > 3:
        return f"{','.join(found[:3])} + {len(found) - 3} more..."
    return ",".join(found) or empty


def condition(tree: Tree, kind: str) -> bool:
    """Whether a condition of an object's status is True."""
    conditions = tree.get("status", {}).get("conditions") or ()
    return any(item.get("type") == kind and item.get("status") == "True" for item in conditions)
