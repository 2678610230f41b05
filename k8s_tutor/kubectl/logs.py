"""``kubectl logs``."""

from __future__ import annotations

from k8s_tutor.kubectl import targets
from k8s_tutor.kubectl.errors import Failure, Refused, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.resources import PODS
from k8s_tutor.kubectl.session import Session

FLAGS = "container:c follow:f! previous:p! tail# since~ timestamps! all-containers! selector:l limit-bytes# prefix!"


def run(session: Session, words: Words) -> Asking[int]:
    """What a container has written so far."""
    if words.text("selector") or not words.positional:
        text = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument"
        raise Usage(f"{text} for the logs command", "kubectl logs")
    if words.on("follow"):
        raise Failure("-f is not available in this console: it prints once")
    kind, _, name = words.positional[0].rpartition("/")
    if not name:
        raise Failure("resource name may not be empty")
    if kind and targets.known(session, kind) != PODS:
        raise Failure("this console reads logs of pods only: name one (kubectl get pods)")
    try:
        pod = yield from session.fetch(PODS, name)
    except Refused as refused:
        if refused.reason == "NotFound":
            said = f'{refused.said} in namespace "{session.namespace}"'
            raise Failure(f"error from server (NotFound): {said}") from None
        raise
    names = [one["name"] for field in ("containers", "initContainers") for one in (pod.get("spec") or {}).get(field) or ()]
    container = words.text("container") or (words.positional[1] if len(words.positional) > 1 else names[0])
    if container not in names:
        raise Failure(f"container {container} is not valid for pod {name}")
    if not words.text("container") and len((pod["spec"]).get("containers") or ()) > 1:
        session.warn(f'Defaulted container "{container}" out of: {", ".join(names)}')
    query: list[tuple[str, str]] = [("container", container)]
    query += [("previous", "true")] if words.on("previous") else []
    query += [("tailLines", words.text("tail"))] if words.number("tail", -1) >= 0 else []
    query += [("timestamps", "true")] if words.on("timestamps") else []
    answer = yield from session.ask("GET", PODS.path(session.namespace, name, "log"), tuple(query))
    session.out.append(str(answer.get("message", "")) if isinstance(answer, dict) else str(answer))
    return 0
