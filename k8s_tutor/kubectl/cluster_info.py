"""``kubectl version``, ``cluster-info``, ``api-resources``, ``api-versions``, ``logs`` and ``events``."""

from __future__ import annotations

from k8s_tutor.api import times
from k8s_tutor.kubectl import printers, tabs, targets
from k8s_tutor.kubectl.errors import SERVER, Failure, Refused, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import EVENTS, PODS, RESOURCES
from k8s_tutor.kubectl.session import Session

VERSION_FLAGS = "client! output:o"
API_RESOURCES_FLAGS = "namespaced! api-group output:o no-headers! sort-by verbs* cached! categories*"
LOGS_FLAGS = "container:c follow:f! previous:p! tail# since~ timestamps! all-containers! selector:l limit-bytes# prefix!"
EVENTS_FLAGS = "all-namespaces:A! for types* watch:w! no-headers! output:o chunk-size#"
CLIENT = {"gitVersion": "v1.36.2", "major": "1", "minor": "36"}


def version(session: Session, words: Words) -> Asking[int]:
    """Client and, unless ``--client``, server."""
    form = words.text("output")
    if form not in ("", "yaml", "json"):
        raise Failure("--output must be 'yaml' or 'json'")
    tree: Tree = {"clientVersion": CLIENT, "kustomizeVersion": "v5.8.1"}
    if not words.on("client"):
        tree["serverVersion"] = yield from session.ask("GET", "/version", (("timeout", "32s"),))
    if form:
        session.out.append(printers.show(tree, form))
        return 0
    session.say("Client Version: v1.36.2\nKustomize Version: v5.8.1")
    if "serverVersion" in tree:
        session.say(f"Server Version: {tree['serverVersion'].get('gitVersion', '')}")
    return 0


def cluster_info(session: Session, words: Words) -> Asking[int]:
    """Where the control plane is. Asks for the services of kube-system, as the real one does."""
    if words.positional:
        raise Failure("'kubectl cluster-info dump' is not available in this console")
    query = (("labelSelector", "kubernetes.io/cluster-service=true"), ("limit", "500"))
    yield from session.ask("GET", "/api/v1/namespaces/kube-system/services", query)
    session.say(f"Kubernetes control plane is running at https://{SERVER}\n")
    session.say("To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    return 0


def api_resources(session: Session, words: Words) -> Asking[int]:
    """What the server serves."""
    yield from ()  # a command is a generator, also when it asks nothing
    form = words.text("output")
    if form not in ("", "wide", "name"):
        raise Failure(f"--output {form} is not available")
    chosen = [one for one in RESOURCES if not words.given("namespaced") or one.namespaced == words.on("namespaced")]
    if words.given("api-group"):
        chosen = [one for one in chosen if one.group == words.text("api-group")]
    chosen.sort(key=lambda one: (one.group, one.plural))
    if form == "name":
        session.out.append("".join(one.qualified + "\n" for one in chosen))
        return 0
    rows = [] if words.on("no-headers") else [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    for one in chosen:
        rows.append([one.plural, ",".join(one.short_names), one.api_version, str(one.namespaced).lower(), one.kind])
    session.say(tabs.table(rows))
    return 0


def api_versions(session: Session, words: Words) -> Asking[int]:
    """Groups and versions."""
    yield from ()
    session.say("\n".join(sorted({one.api_version for one in RESOURCES})))
    return 0


def logs(session: Session, words: Words) -> Asking[int]:
    """What a container has written so far."""
    if words.text("selector") or not words.positional:
        text = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument"
        raise Usage(f"{text} for the logs command", "kubectl logs")
    if words.on("follow"):
        raise Failure("-f is not available in this console: it prints once")
    kind, _, name = words.positional[0].rpartition("/")
    if not name:
        raise Failure("resource name may not be empty")
    if kind and targets.known(kind) != PODS:
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


def events(session: Session, words: Words) -> Asking[int]:
    """``kubectl events [--for TYPE/NAME]``."""
    query: tuple[tuple[str, str], ...] = ()
    if words.text("for"):
        kind, slash, name = words.text("for").partition("/")
        if not slash:
            raise Failure("--for must be in resource/name form")
        resource = targets.known(kind)
        query = (("fieldSelector", f"involvedObject.kind={resource.kind},involvedObject.name={name}"),)
    everywhere = words.on("all-namespaces")
    items = yield from session.listed(EVENTS, None if everywhere else session.namespace, query)
    if words.many("types"):
        items = [item for item in items if item.get("type") in words.many("types")]
    if not items:
        session.warn("No events found." if everywhere else f"No events found in {session.namespace} namespace.")
        return 0
    if words.text("output"):
        printers.check(words.text("output"))
        listed = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}
        session.out.append(printers.show(listed, words.text("output")))
        return 0
    head = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    rows = [] if words.on("no-headers") else [["NAMESPACE", *head] if everywhere else head]
    for item in sorted(items, key=seen_at):
        about = item.get("involvedObject") or {}
        row = [interval(item, session.now), str(item.get("type", "")), str(item.get("reason", "")),
               f"{about.get('kind')}/{about.get('name')}", str(item.get("message", "")).strip()]  # fmt: skip
        rows.append([str(item["metadata"].get("namespace", "")), *row] if everywhere else row)
    session.say(tabs.table(rows))
    return 0


def seen_at(event: Tree) -> str:
    """When an event was last seen, as its stamp."""
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def interval(event: Tree, now: int) -> str:
    """``3s``, or ``3s (x4 over 2m)``."""
    first = event.get("eventTime") or event.get("firstTimestamp")
    series = event.get("series") or {}
    if series:
        return f"{times.age(series.get('lastObservedTime'), now)} (x{series.get('count')} over {times.age(first, now)})"
    if int(event.get("count") or 0) > 1:
        return f"{times.age(event.get('lastTimestamp'), now)} (x{event['count']} over {times.age(first, now)})"
    return times.age(first, now)
