"""Server-side tables: what ``kubectl get`` prints (pkg/printers/internalversion/printers.go).

`table` makes a ``meta.k8s.io/v1 Table`` of objects; `cells` is the row of one object. Ages are taken at a given instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from k8s_tutor.api import conversion, tables_cluster, tables_network, tables_storage, tables_workloads
from k8s_tutor.api.printing import AGE_TEXT, Cells, Rows, name
from k8s_tutor.api.printing import NAME as NAME
from k8s_tutor.api.printing import Column as Column
from k8s_tutor.api.printing import Moment as Moment
from k8s_tutor.api.scheme import Resource
from k8s_tutor.api.tables_cluster import node_roles as node_roles
from k8s_tutor.api.tables_cluster import node_status as node_status

Tree = dict[str, Any]

_TABLES: Rows = {**tables_cluster.ROWS, **tables_network.ROWS, **tables_storage.ROWS, **tables_workloads.ROWS}


def _plain(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree["metadata"].get("creationTimestamp", "")]


_PLAIN: tuple[Cells, tuple[Column, ...]] = (_plain, (NAME, Column("Created At", AGE_TEXT, "date")))


def columns(kind: str) -> tuple[Column, ...]:
    """The columns of a kind, wide ones at their place."""
    return _TABLES.get(kind, _PLAIN)[1]


def cells(kind: str, tree: Tree, at: Moment) -> list[Any]:
    """One row: a cell for each column."""
    return _TABLES.get(kind, _PLAIN)[0](tree, at)


def _home(resource: Resource, tree: Tree) -> Tree:
    """The tree in the version that the columns are made for."""
    stored = resource.stored_as
    return tree if stored is None else conversion.home(resource.api_version, resource.kind, tree, stored.api_version)


def table(resource: Resource, trees: Iterable[Tree], metadata: Tree, at: Moment, whole: bool = False) -> Tree:
    """A Table of objects; each row carries the object's metadata, or the ``whole`` object."""
    rows = []
    for tree in trees:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": tree["metadata"]}
        rows.append({"cells": cells(resource.kind, _home(resource, tree), at), "object": tree if whole else partial})
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [column.tree() for column in columns(resource.kind)],
        "rows": rows,
    }
