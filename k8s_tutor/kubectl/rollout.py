"""``kubectl rollout status|history|undo|restart|pause|resume`` for Deployments (kubectl pkg/polymorphichelpers)."""

from __future__ import annotations

from k8s_tutor.api import times
from k8s_tutor.kubectl import tabs, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.delete import FOREVER
from k8s_tutor.kubectl.describe import template
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, Worded, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import DEPLOYMENTS, Info
from k8s_tutor.kubectl.revisions import REVISION, bare_template, replica_sets, revision_of
from k8s_tutor.kubectl.session import JSON_PATCH, STRATEGIC_PATCH, Session

FLAGS = "selector:l filename:f* watch:w! timeout~ revision# to-revision# output:o dry-run?unchanged recursive:R!"
MS = 1_000
SECOND = 1_000_000
NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration", REVISION, "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
)  # fmt: skip
HELP = """Manage the rollout of one or many resources.

 Valid resource types include:

  *  deployments
  *  daemonsets
  *  statefulsets

Available Commands:
  history       View rollout history
  pause         Mark the provided resource as paused
  restart       Restart a resource
  resume        Resume a paused resource
  status        Show the status of the rollout
  undo          Undo a previous rollout

Usage:
  kubectl rollout SUBCOMMAND [options]

Use "kubectl rollout <command> --help" for more information about a given command.
Use "kubectl options" for a list of global command-line options (applies to all commands)."""
VERBS = ("status", "history", "undo", "restart", "pause", "resume")


def run(session: Session, words: Words) -> Asking[int]:
    """Dispatch on the sub-command."""
    if not words.positional:
        raise Worded(HELP)
    verb, *args = words.positional
    if verb not in VERBS:
        raise Usage(f'unknown command "{verb}"', "kubectl rollout")
    if not args and not words.many("filename"):
        raise Failure("required resource not specified")
    failures: list[Failure] = []
    if verb in ("status", "history") and len(args) == 1 and "/" not in args[0] and not targets.selection(words):
        infos = yield from targets.listed(session, words, targets.known(args[0]))
    else:
        infos = yield from targets.resolve(session, words, tuple(args), failures)
    for info in infos:
        try:
            if info.resource != DEPLOYMENTS:
                raise Failure(_unfit(verb, info))
            yield from _verb(session, words, verb, info)
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def _unfit(verb: str, info: Info) -> str:
    kind, plural = info.resource.kind, info.resource.qualified
    if verb == "status":
        return f"no status viewer has been implemented for {kind}"
    if verb == "history":
        return f"no history viewer has been implemented for {kind}"
    if verb == "undo":
        return f"no rollbacker has been implemented for {kind}"
    doing = {"restart": "restarting", "pause": "pausing", "resume": "resuming"}[verb]
    return f'{plural} "{info.name}" {doing} is not supported'


def _verb(session: Session, words: Words, verb: str, info: Info) -> Asking[None]:
    if verb == "status":
        yield from _status(session, words, info)
    elif verb == "history":
        yield from _history(session, words, info)
    elif verb == "undo":
        yield from _undo(session, words, info)
    elif verb == "restart":
        stamp = times.rfc3339(session.clock)
        change: Tree = {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": stamp}}}}
        if (info.tree.get("spec") or {}).get("paused"):
            raise Failure(f'deployments.apps "{info.name}" can\'t restart paused deployment (run rollout resume first)')
        yield from _patched(session, words, info, change, "restarted")
    else:
        paused = bool((info.tree.get("spec") or {}).get("paused"))
        if paused == (verb == "pause"):
            raise Failure(f'deployments.apps "{info.name}" is {"already" if paused else "not"} paused')
        yield from _patched(session, words, info, {"paused": True if verb == "pause" else None}, verb + "d")


def _patched(session: Session, words: Words, info: Info, change: Tree, done: str) -> Asking[None]:
    query = (*dry_run_query(words), ("fieldManager", "kubectl-rollout"))
    if dry_run(words) != "client":
        yield from session.ask("PATCH", info.path, query, {"spec": change}, STRATEGIC_PATCH)
    session.say(f"{info.title} {done}" + (" (dry run)" if dry_run(words) == "client" else ""))


def progress(tree: Tree) -> tuple[str, bool]:
    """What ``rollout status`` says of a Deployment, and whether it is through. Raises `Failure` past its deadline."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    name = metadata.get("name")
    if metadata.get("generation", 0) > status.get("observedGeneration", 0):
        return "Waiting for deployment spec update to be observed...", False
    for condition in status.get("conditions") or ():
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            raise Failure(f'deployment "{name}" exceeded its progress deadline')
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available, wanted = status.get("availableReplicas", 0), spec.get("replicas", 1)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return f"{waiting}{updated} out of {wanted} new replicas have been updated...", False
    if total > updated:
        return f"{waiting}{total - updated} old replicas are pending termination...", False
    if available < updated:
        return f"{waiting}{available} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _status(session: Session, words: Words, info: Info) -> Asking[None]:
    """Look again, at growing intervals, until it is done; say each new state once."""
    tree, said, start, delay = info.tree, "", session.waited, 100 * MS
    timeout = words.duration("timeout") or FOREVER
    while True:
        text, done = progress(tree)
        if text != said:
            session.say(text)
            said = text
        if done or words.text("watch", "true") != "true":
            return
        if session.waited - start >= timeout:
            raise Failure("timed out waiting for the condition")
        yield from session.pause(delay)
        delay = min(delay * 2, 2 * SECOND)
        try:
            tree = yield from session.ask("GET", info.path)
        except Refused as refused:
            if refused.reason == "NotFound":
                raise Failure("object has been deleted") from None
            raise


def _history(session: Session, words: Words, info: Info) -> Asking[None]:
    sets = yield from replica_sets(session, info.tree)
    revisions = {revision_of(one): one for one in sets if revision_of(one)}
    if words.number("revision"):
        chosen = revisions.get(words.number("revision"))
        if chosen is None:
            raise Failure("unable to find the specified revision")
        text = template.pod_template((chosen.get("spec") or {}).get("template") or {})
        session.out.append(f"{info.title} with revision #{words.number('revision')}\n{text}\n")
        return
    if not revisions:
        session.say(f"{info.title} \nNo rollout history found.")
        return
    rows = ["REVISION\tCHANGE-CAUSE"]
    for number in sorted(revisions):
        annotations = (revisions[number].get("metadata") or {}).get("annotations") or {}
        rows.append(f"{number}\t{annotations.get('kubernetes.io/change-cause') or '<none>'}")
    session.say(f"{info.title} \n{tabs.align(chr(10).join(rows))}\n")


def _undo(session: Session, words: Words, info: Info) -> Asking[None]:
    if (info.tree.get("spec") or {}).get("paused"):
        raise Failure(
            'you cannot rollback a paused deployment; resume it first with "kubectl rollout resume" and try again'
        )
    sets = yield from replica_sets(session, info.tree)
    revisions = {revision_of(one): one for one in sets if revision_of(one)}
    wanted = words.number("to-revision")
    if not wanted:
        if len(revisions) < 2:
            raise Failure(f'no rollout history found for deployment "{info.name}"')
        wanted = sorted(revisions)[-2]
    if wanted not in revisions:
        raise Failure(f"unable to find specified revision {wanted} in history")
    target = revisions[wanted]
    wanted_template = bare_template(target)
    if _same(wanted_template, (info.tree.get("spec") or {}).get("template") or {}):
        session.say(f"{info.title} skipped rollback (current template already matches revision {wanted})")
        return
    if dry_run(words) != "client":
        kept = (info.tree.get("metadata") or {}).get("annotations") or {}
        taken = (target.get("metadata") or {}).get("annotations") or {}
        annotations = {key: value for key, value in kept.items() if key in NOT_COPIED}
        annotations |= {key: value for key, value in taken.items() if key not in NOT_COPIED}
        patch = [
            {"op": "replace", "path": "/spec/template", "value": wanted_template},
            {"op": "replace", "path": "/metadata/annotations", "value": annotations},
        ]
        yield from session.ask("PATCH", info.path, dry_run_query(words), patch, JSON_PATCH)
    session.say(f"{info.title} rolled back" + (" (dry run)" if dry_run(words) == "client" else ""))


def _same(left: Tree, right: Tree) -> bool:
    """Are two templates equal? A null creationTimestamp counts as none."""
    def bare(tree: Tree) -> Tree:
        metadata = {key: value for key, value in (tree.get("metadata") or {}).items() if key != "creationTimestamp" and value}
        return {**tree, "metadata": metadata}

    return bare(left) == bare(right)
