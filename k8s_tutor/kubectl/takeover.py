"""``apply --server-side`` takes over what ``apply`` without it has managed: the fields of that manager become the applier's, so
that what is later left out of the manifest goes (client-go util/csaupgrade; kubectl pkg/cmd/apply, migrateToSSAIfNecessary)."""

from __future__ import annotations

from k8s_tutor.kubectl.create import LAST_APPLIED
from k8s_tutor.kubectl.errors import Refused
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import APPLY_PATCH, JSON_PATCH, Query, Session

MANAGER = "kubectl"
"""The manager of ``apply --server-side``, where no other is named."""
KEEPER = "kubectl-last-applied"
"""Who keeps the annotation, so that the next apply does not remove it."""
APPLY, UPDATE = "Apply", "Update"
TRIES = 5


def keep_annotation(session: Session, info: Info, tree: Tree, manager: str, query: Query) -> Asking[Tree]:
    """The object after an apply, with the annotation owned by an applier of its own where nobody else owns it."""
    kept = (tree["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if manager != MANAGER or kept is None or _owners(tree, APPLY):
        return tree
    metadata = {name: tree["metadata"][name] for name in ("name", "namespace") if name in tree["metadata"]}
    body = {"apiVersion": tree["apiVersion"], "kind": tree["kind"],
            "metadata": {**metadata, "annotations": {LAST_APPLIED: kept}}}  # fmt: skip
    found: Tree = yield from session.ask("PATCH", info.path, (*query, ("fieldManager", KEEPER)), body, APPLY_PATCH)
    return found


def take_over(session: Session, info: Info, tree: Tree, manager: str, query: Query) -> Asking[bool]:
    """Moves the fields of whoever has applied on the client's side to ``manager``; whether there were any."""
    names = _owners(tree, UPDATE)
    for attempt in range(TRIES):
        managed = tree["metadata"].get("managedFields") or []
        moved = managed
        for name in names:
            moved = _moved(moved, name, manager)
        if moved == managed:
            return False
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": moved},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": tree["metadata"]["resourceVersion"]},
        ]
        try:
            yield from session.ask("PATCH", info.path, (*query, ("fieldManager", manager)), patch, JSON_PATCH)
            return True
        except Refused as refused:
            if refused.reason != "Conflict" or attempt == TRIES - 1:
                raise
            tree = yield from session.ask("GET", info.path)
    return False


def _owners(tree: Tree, operation: str) -> list[str]:
    """The managers that own the annotation by such writes."""
    found: dict[str, None] = {}
    for entry in tree["metadata"].get("managedFields") or ():
        annotations = entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
        if entry.get("operation") == operation and f"f:{LAST_APPLIED}" in annotations:
            found[entry.get("manager", "")] = None
    return list(found)


def _moved(entries: list[Tree], name: str, manager: str) -> list[Tree]:
    """The entries, with those of an updater joined to the applier's, or made that."""

    def updates(entry: Tree) -> bool:
        return (entry.get("manager"), entry.get("operation")) == (name, UPDATE) and not entry.get("subresource")

    def applies(entry: Tree) -> bool:
        return (entry.get("manager"), entry.get("operation")) == (manager, APPLY) and not entry.get("subresource")

    old = next((one for one in entries if updates(one)), None)
    if old is None:
        return entries
    if not any(applies(one) for one in entries):
        made = {**old, "manager": manager, "operation": APPLY}
        return [made if one is old else one for one in entries if one is old or not updates(one)]
    return [
        {**one, "fieldsV1": _joined(one.get("fieldsV1", {}), old.get("fieldsV1", {}))}
        if applies(one) and one.get("apiVersion") == old.get("apiVersion") else one
        for one in entries if not updates(one)
    ]  # fmt: skip


def _joined(one: Tree, other: Tree) -> Tree:
    return {**one, **{name: _joined(one.get(name, {}), fields) for name, fields in other.items()}}
