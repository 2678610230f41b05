"""``kubectl logs`` (kubectl pkg/cmd/logs)."""

from __future__ import annotations

from k8s_tutor.api import selectors
from k8s_tutor.kubectl import streaming, targets
from k8s_tutor.kubectl.errors import Failure, Refused, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.pods import container_of
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import PODS, Info
from k8s_tutor.kubectl.session import Query, Session

FLAGS = (
    "container:c follow:f! previous:p! tail# since~ since-time timestamps! all-containers! all-pods! selector:l limit-bytes# "
    "prefix! ignore-errors! max-log-requests# pod-running-timeout~ insecure-skip-tls-verify-backend!"
)
MISSING = (
    "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
    "POD or TYPE/NAME is a required argument for the logs command"
)
FIELDS = ("initContainers", "containers", "ephemeralContainers")


def run(session: Session, words: Words) -> Asking[int]:
    """What containers have written so far, one after the other."""
    if words.positional and words.text("selector"):
        raise Usage("only a selector (-l) or a POD name is allowed", "kubectl logs")
    if not words.positional and not words.text("selector"):
        raise Usage(MISSING, "kubectl logs")
    if words.given("since") and words.given("since-time"):
        raise Failure("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if words.on("all-containers") and words.text("container"):
        raise Failure("--all-containers=true should not be specified with container name " + words.text("container"))
    if len(words.positional) > 2:
        raise Usage(MISSING, "kubectl logs")
    if len(words.positional) == 2:
        if words.text("container"):
            raise Usage("only one of -c or an inline [CONTAINER] arg is allowed", "kubectl logs")
        words = Words(words.command, words.positional[:1], words.rest, {**words.values, "container": (words.positional[1],)})
    pods = yield from _pods(session, words)
    for pod in pods:
        for container in _containers(session, words, pod.tree):
            yield from _print(session, words, pod, container)
    return 0


def _pods(session: Session, words: Words) -> Asking[list[Info]]:
    """The pods of a selector, of a workload (the first, unless ``--all-pods``), or the one that is named."""
    if words.text("selector"):
        infos = yield from targets.listed(session, words, PODS)
        if not infos:
            session.warn(f"No resources found in {session.namespace} namespace.")
        return infos
    kind, slash, name = words.positional[0].rpartition("/")
    resource = targets.known(session, kind) if slash else PODS
    try:
        tree = yield from session.fetch(resource, name)
    except Refused as refused:
        if refused.reason == "NotFound":
            said = f'{refused.said} in namespace "{session.namespace}"'
            raise Failure(f"error from server (NotFound): {said}") from None
        raise
    if resource == PODS:
        return [Info(PODS, session.namespace, name, tree)]
    selector = (tree.get("spec") or {}).get("selector")
    if not selector:
        raise Failure(f"cannot get the logs from {resource.group}/{resource.version}, Kind={resource.kind}")
    text = str(selectors.from_map(selector) if resource.group == "" else selectors.from_object(selector))
    found = yield from session.listed(PODS, session.namespace, (("labelSelector", text),))
    infos = [targets.info_of(PODS, pod) for pod in found]
    if not infos:
        raise Failure("timed out waiting for the condition")
    if len(infos) > 1 and not words.on("all-pods"):
        session.warn(f"Found {len(infos)} pods, using pod/{infos[0].name}")
        return infos[:1]
    return infos


def _containers(session: Session, words: Words, pod: Tree) -> list[str]:
    if words.on("all-containers") or words.on("all-pods"):
        return [one["name"] for field in FIELDS for one in (pod.get("spec") or {}).get(field) or ()]
    return [container_of(session, words, pod)]


def _print(session: Session, words: Words, pod: Info, container: str) -> Asking[None]:
    if not (pod.tree.get("spec") or {}).get("nodeName"):
        return
    query: Query = (("container", container),)
    query += (("previous", "true"),) if words.on("previous") else ()
    tail = words.number("tail", 10 if words.text("selector") else -1)
    query += (("tailLines", str(tail)),) if tail >= 0 else ()
    query += (("timestamps", "true"),) if words.on("timestamps") else ()
    query += (("sinceSeconds", str(words.duration("since") // 1_000_000)),) if words.duration("since") else ()
    query += (("sinceTime", words.text("since-time")),) if words.text("since-time") else ()
    query += (("limitBytes", words.text("limit-bytes")),) if words.number("limit-bytes") else ()
    prefix = f"[pod/{pod.name}/{container}] " if words.on("prefix") else ""
    path = PODS.path(pod.namespace, pod.name, "log")
    if words.on("follow"):
        yield from streaming.follow(session, session.request("GET", path, (*query, ("follow", "true"))), prefix)
        return
    text = yield from session.ask_raw("GET", path, query)
    session.out.append(streaming.prefixed(text, prefix))
