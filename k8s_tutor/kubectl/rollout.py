"""``kubectl rollout`` of Deployments, StatefulSets and DaemonSets (kubectl pkg/cmd/rollout, pkg/polymorphichelpers)."""

from __future__ import annotations

from collections.abc import Callable

from k8s_tutor.api import times
from k8s_tutor.kubectl import printers, progress, tabs, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.delete import FOREVER
from k8s_tutor.kubectl.describe import template
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.revisions import (
    REVISION,
    bare_template,
    controller_revisions,
    replica_sets,
    revision_of,
    template_of,
)
from k8s_tutor.kubectl.session import JSON_PATCH, STRATEGIC_PATCH, Session

COMMON = "selector:l filename:f* recursive:R! kustomize:k "
STATUS_FLAGS = COMMON + "watch:w! timeout~ revision#"
HISTORY_FLAGS = COMMON + printers.FLAGS + "revision#"
UNDO_FLAGS = COMMON + printers.FLAGS + "to-revision# dry-run?unchanged"
CHANGE_FLAGS = COMMON + printers.FLAGS + "field-manager"
MS = 1_000
SECOND = 1_000_000
NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration", REVISION, "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)  # fmt: skip
RESTARTED = "kubectl.kubernetes.io/restartedAt"
Act = Callable[[Session, Words, Info], Asking[None]]


def _each(session: Session, words: Words, act: Act, kinds: tuple[str, ...], unfit: str) -> Asking[int]:
    """Do it to each object. ``unfit`` is said of kinds that are not among ``kinds``."""
    args = words.positional
    if not args and not words.many("filename"):
        raise Failure("required resource not specified")
    failures: list[Failure] = []
    if len(args) == 1 and "/" not in args[0] and not words.many("filename"):
        infos: list[Info] = []
        for resource in targets.expand(session, args[0]):
            infos += yield from targets.listed(session, words, resource)
    else:
        infos = yield from targets.resolve(session, words, args, failures)
    for info in infos:
        try:
            if info.resource.kind not in kinds:
                resource = info.resource
                said = {"group": resource.group, "kind": resource.kind, "plural": resource.qualified, "name": info.name}
                raise Failure(unfit.format(**said))
            yield from act(session, words, info)
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


ROLLED = ("Deployment", "StatefulSet", "DaemonSet")


def status(session: Session, words: Words) -> Asking[int]:
    """``rollout status``: look again, at growing intervals, until it is done; say each new state once."""
    return (yield from _each(session, words, _status, ROLLED, "no status viewer has been implemented for {kind}"))


def _status(session: Session, words: Words, info: Info) -> Asking[None]:
    timeout = words.duration("timeout") or FOREVER
    start, delay, before, tree = session.waited, 200 * MS, "", info.tree
    while True:
        text, done = progress.of(info.resource.kind, tree, words.number("revision"))
        if text != before:
            session.say(text)
        before = text
        if done or words.text("watch", "true") == "false":
            return
        if session.waited - start >= timeout:
            raise Failure("timed out waiting for the condition")
        yield from session.pause(min(delay, max(timeout - (session.waited - start), MS)))
        delay = min(delay * 2, SECOND)
        try:
            tree = yield from session.ask("GET", info.path)
        except Refused as refused:
            if refused.reason == "NotFound":
                raise Failure("object has been deleted") from None
            raise


# ---------------------------------------------------------------------- history and undo


def _revisions(session: Session, info: Info) -> Asking[dict[int, Tree]]:
    if info.resource.kind == "Deployment":
        found = yield from replica_sets(session, info.tree)
    else:
        found = yield from controller_revisions(session, info)
    return {revision_of(one): one for one in found if revision_of(one)}


def history(session: Session, words: Words) -> Asking[int]:
    """``rollout history``."""
    unfit = 'error retrieving history for "{kind}", no visitor method exists for {{{group} {kind}}}'
    return (yield from _each(session, words, _history, ROLLED, unfit))


def _history(session: Session, words: Words, info: Info) -> Asking[None]:
    revisions = yield from _revisions(session, info)
    wanted, output = words.number("revision"), printers.chosen(session, words)
    if wanted:
        chosen = revisions.get(wanted)
        if chosen is None:
            raise Failure("unable to find the specified revision")
        if output:
            session.out.append(printers.show(chosen, output))
            return
        text = template.pod_template(template_of(chosen))
        session.out.append(f"{info.title} with revision #{wanted}\n{text}\n")
        return
    if not revisions:
        session.say(f"{info.title} \nNo rollout history found.")
        return
    rows = ["REVISION\tCHANGE-CAUSE"]
    for number in sorted(revisions):
        annotations = (revisions[number].get("metadata") or {}).get("annotations") or {}
        rows.append(f"{number}\t{annotations.get('kubernetes.io/change-cause') or '<none>'}")
    session.say(f"{info.title} \n{tabs.align(chr(10).join(rows))}\n")


def undo(session: Session, words: Words) -> Asking[int]:
    """``rollout undo``."""
    return (yield from _each(session, words, _undo, ROLLED, "no rollbacker has been implemented for {kind}"))


def _undo(session: Session, words: Words, info: Info) -> Asking[None]:
    if (info.tree.get("spec") or {}).get("paused"):
        raise Failure(
            'you cannot rollback a paused deployment; resume it first with "kubectl rollout resume" and try again'
        )
    revisions = yield from _revisions(session, info)
    wanted = words.number("to-revision")
    if wanted < 0:
        raise Failure(f"unable to find specified revision {wanted} in history")
    if not wanted:
        if len(revisions) < 2:
            kind = "deployment" if info.resource.kind == "Deployment" else ""
            raise Failure(f'no rollout history found for {kind} "{info.name}"' if kind else "no last revision to roll back to")
        wanted = sorted(revisions)[-2]
    if wanted not in revisions:
        raise Failure(f"unable to find specified revision {wanted} in history")
    chosen, mode = revisions[wanted], dry_run(words)
    if mode == "client":
        text = template.pod_template(template_of(chosen))
        session.say(f"{info.title} {text} (dry run)")
        return
    live = (info.tree.get("spec") or {}).get("template") or {}
    if _same(bare_template(chosen), live):
        session.say(f"{info.title} skipped rollback (current template already matches revision {wanted})")
        return
    if info.resource.kind == "Deployment":
        yield from _roll_back(session, words, info, chosen)
    else:
        yield from session.ask("PATCH", info.path, dry_run_query(words), chosen.get("data") or {}, STRATEGIC_PATCH)
    session.say(f"{info.title} rolled back" + (" (server dry run)" if mode else ""))


def _roll_back(session: Session, words: Words, info: Info, chosen: Tree) -> Asking[None]:
    kept = (info.tree.get("metadata") or {}).get("annotations") or {}
    taken = (chosen.get("metadata") or {}).get("annotations") or {}
    annotations = {key: value for key, value in kept.items() if key in NOT_COPIED}
    annotations |= {key: value for key, value in taken.items() if key not in NOT_COPIED}
    patch = [
        {"op": "replace", "path": "/spec/template", "value": bare_template(chosen)},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]
    yield from session.ask("PATCH", info.path, dry_run_query(words), patch, JSON_PATCH)


def _same(left: Tree, right: Tree) -> bool:
    """Are two templates equal? A null creationTimestamp counts as none."""
    def bare(tree: Tree) -> Tree:
        metadata = {key: value for key, value in (tree.get("metadata") or {}).items() if key != "creationTimestamp" and value}
        return {**tree, "metadata": metadata}

    return bare(left) == bare(right)


# ---------------------------------------------------------------------- restart, pause, resume


def restart(session: Session, words: Words) -> Asking[int]:
    """``rollout restart``: an annotation with the time makes a new template."""

    def act(session: Session, words: Words, info: Info) -> Asking[None]:
        if (info.tree.get("spec") or {}).get("paused"):
            what = "can't restart paused deployment (run rollout resume first)"
            raise Failure(f'{info.resource.qualified} "{info.name}" {what}')
        change = {"template": {"metadata": {"annotations": {RESTARTED: times.rfc3339(session.clock)}}}}
        yield from _patched(session, words, info, change, "restarted")

    return (yield from _each(session, words, act, ROLLED, '{plural} "{name}" restarting is not supported'))


def pause(session: Session, words: Words) -> Asking[int]:
    """``rollout pause``."""

    def act(session: Session, words: Words, info: Info) -> Asking[None]:
        if (info.tree.get("spec") or {}).get("paused"):
            raise Failure(f'{info.resource.qualified} "{info.name}" is already paused')
        yield from _patched(session, words, info, {"paused": True}, "paused")

    return (yield from _each(session, words, act, ("Deployment",), '{plural} "{name}" pausing is not supported'))


def resume(session: Session, words: Words) -> Asking[int]:
    """``rollout resume``."""

    def act(session: Session, words: Words, info: Info) -> Asking[None]:
        if not (info.tree.get("spec") or {}).get("paused"):
            raise Failure(f'{info.resource.qualified} "{info.name}" is not paused')
        yield from _patched(session, words, info, {"paused": None}, "resumed")

    return (yield from _each(session, words, act, ("Deployment",), '{plural} "{name}" resuming is not supported'))


def _patched(session: Session, words: Words, info: Info, change: Tree, done: str) -> Asking[None]:
    query = (("fieldManager", words.text("field-manager", "kubectl-rollout")),)
    tree = yield from session.ask("PATCH", info.path, query, {"spec": change}, STRATEGIC_PATCH)
    session.out.append(printers.done(info.resource, info.name, done, printers.chosen(session, words), tree))
