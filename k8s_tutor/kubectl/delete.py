"""``kubectl delete``, and the waiting for things to be gone (kubectl pkg/cmd/delete/delete.go)."""

from __future__ import annotations

from collections.abc import Iterable

from k8s_tutor.kubectl import manifests, printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import Session

FLAGS = (
    "all! all-namespaces:A! selector:l field-selector filename:f* force! grace-period# now! wait! timeout~ cascade?background "
    "ignore-not-found! output:o dry-run?unchanged interactive:i! recursive:R! raw kustomize:k"
)
IMMEDIATE = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely."
)
MS = 1_000
SECOND = 1_000_000
FOREVER = 600 * SECOND
"""How long a command waits at most. The real one waits a week; a learner cannot press Ctrl-C here."""


def run(session: Session, words: Words) -> Asking[int]:
    """Delete what is named, then wait until it is gone."""
    grace = _grace(session, words)
    propagation = _propagation(words)
    if words.text("output") not in ("", "name"):
        raise Failure("unexpected -o output mode: " + words.text("output") + ". We only support '-o name'")
    if words.on("interactive"):
        raise Failure("-i is not available in this console: it cannot ask")
    mode = dry_run(words)
    failures: list[Failure] = []
    infos = yield from _chosen(session, words, failures)
    deleted: list[tuple[Info, str]] = []
    for info in infos:
        options: Tree = {"propagationPolicy": propagation}
        if grace >= 0:
            options["gracePeriodSeconds"] = grace
        uid = ""
        if mode != "client":
            try:
                answer = yield from session.ask("DELETE", info.path, dry_run_query(words), options)
            except Refused as refused:
                if not (words.on("ignore-not-found") and refused.reason == "NotFound"):
                    named = targets.typed(refused, info.resource)
                    failures.append(refused.when("deleting", info.source) if info.source else named)
                continue
            uid = (answer.get("details") or answer.get("metadata") or {}).get("uid", "")
        _print(session, words, info, grace, mode)
        deleted.append((info, uid))
    if not infos and not failures and not words.on("ignore-not-found"):
        session.say("No resources found")
    raise_all(failures)
    if not mode and words.text("wait", "true") == "true" and grace != 0:
        yield from gone(session, deleted, words.duration("timeout") or FOREVER)
    return 0


def _grace(session: Session, words: Words) -> int:
    grace = words.number("grace-period", -1)
    if words.on("now"):
        if grace != -1:
            raise Failure("--now and --grace-period cannot be specified together")
        grace = 1
    if grace == 0 and not words.on("force"):
        return 1
    if words.on("force"):
        if grace > 0:
            raise Failure("--force and --grace-period greater than 0 cannot be specified together")
        session.warn(IMMEDIATE)
        return 0
    return grace


def _propagation(words: Words) -> str:
    names = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
    names |= {"true": "Background", "false": "Orphan"}
    value = words.text("cascade", "background")
    if value not in names:
        raise Failure(f'invalid cascade value ({value}). Must be "background", "foreground", or "orphan"')
    return names[value]


def _chosen(session: Session, words: Words, failures: list[Failure]) -> Asking[list[Info]]:
    """What to delete. Objects that are named are not fetched first."""
    if words.many("filename"):
        if words.positional:
            raise Failure("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well")
        return manifests.load(session, words.many("filename"), failures)
    wanted = targets.read(session, words.positional)
    if not wanted and not (words.on("all") or words.text("selector")):
        raise Failure(targets.NONE_GIVEN)
    targets.check(words, wanted)
    found: list[Info] = []
    for target in wanted:
        if target.name:
            found.append(Info(target.resource, session.scope(target.resource), target.name, {}))
        elif targets.selection(words) or words.on("all"):
            try:
                found += yield from targets.listed(session, words, target.resource)
            except Failure as failure:
                failures.append(failure)
        else:
            raise Failure("resource(s) were provided, but no name was specified")
    return found


def _print(session: Session, words: Words, info: Info, grace: int, mode: str) -> None:
    if words.text("output") == "name":
        session.out.append(printers.done(info.resource, info.name, "", "name"))
        return
    what = "force deleted" if grace == 0 else "deleted"
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(mode, "")
    session.say(f'{info.resource.prefix} "{info.name}" {what}{suffix}')


def gone(session: Session, infos: Iterable[tuple[Info, str]], timeout: int, condition: bool = True) -> Asking[None]:
    """Wait until each object (as long as it has this uid) is gone; at most ``timeout`` µs for all of them.

    Asks at once, then after 100 ms, 200 ms, and so on up to every 2 s.
    """
    start, failures = session.waited, list[Failure]()
    for info, uid in infos:
        delay = 100 * MS
        while True:
            try:
                tree = yield from session.ask("GET", info.path)
            except Refused as refused:
                if refused.reason == "NotFound":
                    break
                raise
            if uid and (tree.get("metadata") or {}).get("uid") not in ("", uid):
                break
            if session.waited - start >= timeout:
                what = f"{info.resource.plural}/{info.name}"
                failures.append(Failure(f"timed out waiting for the condition on {what}"))
                break
            yield from session.pause(delay)
            delay = min(delay * 2, 2 * SECOND)
    if condition:
        raise_all(failures)
