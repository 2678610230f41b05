"""``kubectl auth reconcile``: roles and bindings get what the files have and they lack (kubectl pkg/cmd/auth/reconcile.go,
component-helpers auth/rbac/reconciliation)."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api.escalation import uncovered
from k8s_tutor.api.rbac import GROUP
from k8s_tutor.kubectl import manifests, printers
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, raise_all
from k8s_tutor.kubectl.goprint import plain
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import Session

FLAGS = printers.FLAGS + (
    "filename:f* recursive:R! kustomize:k dry-run?unchanged remove-extra-permissions! remove-extra-subjects!"
)
_RULE = (("Verbs", "verbs"), ("APIGroups", "apiGroups"), ("Resources", "resources"), ("ResourceNames", "resourceNames"),
         ("NonResourceURLs", "nonResourceURLs"))  # fmt: skip
_SUBJECT = (("Kind", "kind"), ("APIGroup", "apiGroup"), ("Name", "name"), ("Namespace", "namespace"))


class Outcome(NamedTuple):
    """What must be done (nothing, create, update, recreate), the object that is wanted, and what differs."""

    operation: str
    tree: Tree
    missing: list[Tree]
    extra: list[Tree]


def run(session: Session, words: Words) -> Asking[int]:
    """Each role and binding of the files, in order; other kinds are passed over."""
    if words.positional:
        raise Usage("no arguments are allowed", "kubectl auth reconcile")
    if not words.many("filename"):
        raise Failure("must specify one of -f and -k")
    printers.check(printers.chosen(session, words))
    failures: list[Failure] = []
    for info in manifests.load(session, words.many("filename"), failures):
        if info.resource.group == GROUP:
            yield from _one(session, words, info)
    raise_all(failures)
    return 0


def _one(session: Session, words: Words, info: Info) -> Asking[None]:
    binding = info.resource.kind.endswith("Binding")
    try:
        live: Tree | None = yield from session.ask("GET", info.path)
    except Refused as refused:
        if refused.reason != "NotFound":
            raise
        live = None
    found = (_binding if binding else _role)(words, info.tree, live)
    if dry_run(words) != "client":
        yield from _write(session, words, info, found)
    output = printers.chosen(session, words)
    session.out.append(printers.done(info.resource, info.name, "reconciled", output, found.tree, dry_run(words)))
    _tell(session, words, found, binding)


def _role(words: Words, wanted: Tree, live: Tree | None) -> Outcome:
    rules = list(wanted.get("rules") or ())
    if live is None:
        return Outcome("create", wanted, rules, [])
    own = list(live.get("rules") or ())
    missing, extra = uncovered(own, rules), uncovered(rules, own)
    remove = words.on("remove-extra-permissions")
    tree = {**live, "metadata": _metadata(wanted, live)}
    if missing or (extra and remove):
        tree["rules"] = rules if remove else [*own, *missing]
    return Outcome("" if tree == live else "update", tree, missing, extra if remove else [])


def _binding(words: Words, wanted: Tree, live: Tree | None) -> Outcome:
    subjects = [_whole(one, wanted) for one in wanted.get("subjects") or ()]
    if live is None or live.get("roleRef") != wanted.get("roleRef"):
        return Outcome("create" if live is None else "recreate", wanted, subjects if live is None else [], [])
    own = list(live.get("subjects") or ())
    missing, extra = [one for one in subjects if one not in own], [one for one in own if one not in subjects]
    remove = words.on("remove-extra-subjects")
    tree = {**live, "metadata": _metadata(wanted, live)}
    if missing or (extra and remove):
        tree["subjects"] = subjects if remove else [*own, *missing]
    return Outcome("" if tree == live else "update", tree, missing, extra if remove else [])


def _whole(subject: Tree, wanted: Tree) -> Tree:
    """A subject with its defaults, as the server stores it."""
    if subject.get("kind") == "ServiceAccount":
        return {"namespace": (wanted.get("metadata") or {}).get("namespace", ""), **subject}
    return {"apiGroup": GROUP, **subject}


def _metadata(wanted: Tree, live: Tree) -> Tree:
    """Labels and annotations of both; the file's go before."""
    found = dict(live["metadata"])
    for field in ("labels", "annotations"):
        merged = {**(found.get(field) or {}), **((wanted.get("metadata") or {}).get(field) or {})}
        if merged:
            found[field] = merged
    return found


def _write(session: Session, words: Words, info: Info, found: Outcome) -> Asking[None]:
    query = dry_run_query(words)
    if found.operation == "update":
        yield from session.ask("PUT", info.path, query, found.tree)
    elif found.operation:
        if found.operation == "recreate":
            yield from session.ask("DELETE", info.path, query)
        yield from session.ask("POST", info.resource.path(info.namespace), query, found.tree)


def _tell(session: Session, words: Words, found: Outcome, binding: bool) -> None:
    if not found.operation:
        return
    session.warn(f"\treconciliation required {found.operation}")
    what, fields = ("subjects", _SUBJECT) if binding else ("rules", _RULE)
    for title, items in ((f"missing {what} added", found.missing), (f"extra {what} removed", found.extra)):
        if items:
            session.warn(f"\t{title}:")
        for item in items:
            texts = [f"{name}:{plain(item.get(field, '' if binding else []))}" for name, field in fields]
            session.warn("\t\t{" + " ".join(texts) + "}")
