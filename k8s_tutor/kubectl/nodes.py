"""``kubectl cordon``, ``uncordon`` and ``drain`` (kubectl pkg/drain)."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api.wire import Request
from k8s_tutor.kubectl import targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.delete import FOREVER
from k8s_tutor.kubectl.errors import Failure, Refused, Several, Usage, Worded, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import NODES, PODS, Info, find
from k8s_tutor.kubectl.session import STRATEGIC_PATCH, Session

CORDON_FLAGS = "selector:l dry-run?unchanged"
DRAIN_FLAGS = (
    "selector:l dry-run?unchanged force! grace-period# ignore-daemonsets! delete-emptydir-data! delete-local-data! timeout~ "
    "pod-selector disable-eviction! skip-wait-for-delete-timeout# chunk-size#"
)
MIRROR = "kubernetes.io/config.mirror"
SECOND = 1_000_000


def cordon(session: Session, words: Words) -> Asking[int]:
    """``cordon`` and ``uncordon``."""
    verb = words.command.rpartition(" ")[2]
    infos, failures = yield from _nodes(session, words, verb)
    for info in infos:
        try:
            yield from _cordon(session, words, info, verb == "cordon")
        except Refused as refused:
            failures.append(Failure(f'unable to {verb} node "{info.name}": {refused.said}'))
    raise_all(failures)
    return 0


def _nodes(session: Session, words: Words, verb: str) -> Asking[tuple[list[Info], list[Failure]]]:
    if not words.positional and not words.text("selector"):
        raise Usage(f"USAGE: {verb} NODE [flags]", f"kubectl {verb}")
    if words.positional and words.text("selector"):
        raise Usage("error: cannot specify both a node name and a --selector option", f"kubectl {verb}")
    failures: list[Failure] = []
    if words.text("selector"):
        infos = yield from targets.listed(session, words, NODES)
        if not infos:
            session.warn("No resources found")
        return infos, failures
    names = tuple(name.removeprefix("node/").removeprefix("nodes/") for name in words.positional)
    infos = yield from targets.resolve(session, words, ("nodes", *names), failures)
    return infos, failures


def _cordon(session: Session, words: Words, info: Info, wanted: bool) -> Asking[None]:
    verb = "cordoned" if wanted else "uncordoned"
    if bool((info.tree.get("spec") or {}).get("unschedulable")) == wanted:
        session.say(f"node/{info.name} already {verb}")
        return
    mode = dry_run(words)
    if mode != "client":
        patch = {"spec": {"unschedulable": True if wanted else None}}
        yield from session.ask("PATCH", info.path, dry_run_query(words), patch, STRATEGIC_PATCH)
    session.say(f"node/{info.name} {verb}" + {"client": " (dry run)", "server": " (server dry run)"}.get(mode, ""))


class Verdict(NamedTuple):
    """What drain makes of one pod: ``delete``; else ``error`` or ``warning`` says why not (a warning may go with delete)."""

    delete: bool
    warning: str = ""
    error: str = ""


def drain(session: Session, words: Words) -> Asking[int]:
    """Cordon each node, then evict its pods and wait until they are gone."""
    infos, failures = yield from _nodes(session, words, "drain")
    raise_all(failures)
    for info in infos:
        yield from _cordon(session, words, info, True)
    fatal: list[Failure] = []
    pending: list[str] = []
    for info in infos:
        try:
            yield from _drain(session, words, info)
            session.say(f"node/{info.name} drained")
        except Failure as failure:
            fatal.append(failure)
            pending.append(info.name)
            session.warn(f'error: unable to drain node "{info.name}" due to error: {_flat(failure)}, continuing command...')
    if pending:
        session.warn("There are pending nodes to be drained:")
        for name in pending:
            session.warn(f" {name}")
    if fatal:
        raise Worded("\n".join(failure.among() for failure in fatal))
    return 0


def _flat(failure: Failure) -> str:
    if isinstance(failure, Several):
        return f"[{', '.join(one.among() for one in failure.failures)}]"
    return failure.among()


def _drain(session: Session, words: Words, info: Info) -> Asking[None]:
    query = [("fieldSelector", f"spec.nodeName={info.name}")]
    if words.text("pod-selector"):
        query.append(("labelSelector", words.text("pod-selector")))
    pods = yield from session.listed(PODS, None, tuple(query))
    leaving: list[Info] = []
    problems: dict[str, list[str]] = {}
    warnings: dict[str, list[str]] = {}
    for pod in pods:
        verdict = yield from _judge(session, words, pod)
        title = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if verdict.error:
            problems.setdefault(verdict.error, []).append(title)
        if verdict.warning:
            warnings.setdefault(verdict.warning, []).append(title)
        if verdict.delete:
            leaving.append(targets.info_of(PODS, pod))
    if problems:
        raise_all([Failure(f"cannot delete {text}: {', '.join(names)}") for text, names in problems.items()])
    if warnings:
        session.warn("Warning: " + "; ".join(f"{text}: {', '.join(names)}" for text, names in sorted(warnings.items())))
    if dry_run(words):
        for pod_info in leaving:
            session.say(f"evicting pod {pod_info.namespace}/{pod_info.name} ({dry_run(words)} dry run)")
        return
    yield from _evict(session, words, leaving)


def _judge(session: Session, words: Words, pod: Tree) -> Asking[Verdict]:
    """The filters of kubectl, in its order: daemon sets, mirror pods, local storage, pods without a controller."""
    metadata, spec = pod.get("metadata") or {}, pod.get("spec") or {}
    owner = next((ref for ref in metadata.get("ownerReferences") or () if ref.get("controller")), None)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    warnings: list[str] = []
    if owner is not None and owner["kind"] == "DaemonSet" and not finished:
        daemon_set = find("daemonsets")
        present = True
        if daemon_set is not None:
            try:
                yield from session.fetch(daemon_set, owner["name"], metadata.get("namespace"))
            except Refused as refused:
                present = refused.reason != "NotFound"
        if present and not words.on("ignore-daemonsets"):
            return Verdict(False, error="DaemonSet-managed Pods (use --ignore-daemonsets to ignore)")
        return Verdict(False, "ignoring DaemonSet-managed Pods")
    if MIRROR in (metadata.get("annotations") or {}):
        return Verdict(False)
    if any("emptyDir" in volume for volume in spec.get("volumes") or ()) and not finished:
        if not (words.on("delete-emptydir-data") or words.on("delete-local-data")):
            return Verdict(False, error="Pods with local storage (use --delete-emptydir-data to override)")
        warnings.append("deleting Pods with local storage")
    if owner is None and not finished:
        if not words.on("force"):
            return Verdict(False, error="cannot delete Pods that declare no controller (use --force to override)")
        warnings.append("deleting Pods that declare no controller")
    return Verdict(True, warnings[-1] if warnings else "")


def _evict(session: Session, words: Words, pods: list[Info]) -> Asking[None]:
    """Evict all at once; one that a budget protects is tried again after 5 s. Then wait for each to be gone."""
    timeout = words.duration("timeout") or FOREVER
    start, waiting = session.waited, list(pods)
    evicted: list[Info] = []
    for pod in pods:
        session.say(f"evicting pod {pod.namespace}/{pod.name}")
    while waiting:
        answers = yield from session.ask_all([_eviction(session, words, pod) for pod in waiting])
        again: list[Info] = []
        for pod, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, Refused) and answer.reason == "TooManyRequests":
                session.warn(
                    f'error when evicting pods/"{pod.name}" -n "{pod.namespace}" (will retry after 5s): {answer.said}'
                )
                again.append(pod)
            elif isinstance(answer, Refused) and answer.reason != "NotFound":
                raise Failure(f'error when evicting pods/"{pod.name}" -n "{pod.namespace}": {answer.said}')
            elif isinstance(answer, Failure) and not isinstance(answer, Refused):
                raise answer
            else:
                evicted.append(pod)
        waiting = again
        if waiting:
            if session.waited - start >= timeout:
                raise Failure(f"global timeout reached: {_seconds(timeout)}")
            yield from session.pause(5 * SECOND)
            for pod in waiting:
                session.say(f"evicting pod {pod.namespace}/{pod.name}")
    yield from _until_gone(session, evicted, timeout - (session.waited - start), timeout)


def _eviction(session: Session, words: Words, pod: Info) -> Request:
    options: Tree = {}
    if words.number("grace-period", -1) >= 0:
        options["gracePeriodSeconds"] = words.number("grace-period")
    if words.on("disable-eviction"):
        return session.request("DELETE", pod.path, body=options)
    body: Tree = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod.name, "namespace": pod.namespace}}
    if options:
        body["deleteOptions"] = options
    return session.request("POST", PODS.path(pod.namespace, pod.name, "eviction"), body=body)


def _until_gone(session: Session, pods: list[Info], left: int, timeout: int) -> Asking[None]:
    start, waiting = session.waited, list(pods)
    while waiting:
        answers = yield from session.ask_all([session.request("GET", pod.path) for pod in waiting])
        still: list[Info] = []
        for pod, answer in zip(waiting, answers, strict=True):
            missing = isinstance(answer, Refused) and answer.reason == "NotFound"
            if isinstance(answer, Failure) and not missing:
                raise answer
            if missing or answer["metadata"].get("uid") != pod.tree["metadata"].get("uid"):
                session.say(f"pod/{pod.name} evicted")
            else:
                still.append(pod)
        waiting = still
        if waiting:
            if session.waited - start >= left:
                raise Failure(f"global timeout reached: {_seconds(timeout)}")
            yield from session.pause(SECOND)


def _seconds(micros: int) -> str:
    minutes, seconds = divmod(micros // SECOND, 60)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
