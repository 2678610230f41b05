"""``kubectl exec``, ``attach`` and ``top`` (kubectl pkg/cmd/exec, attach, top)."""

from __future__ import annotations

from k8s_tutor.api import quantity, selectors
from k8s_tutor.kubectl import streaming, tabs, targets
from k8s_tutor.kubectl.errors import Failure, Refused
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import NODES, PODS, Info
from k8s_tutor.kubectl.session import Query, Session

EXEC_FLAGS = "container:c stdin:i! tty:t! quiet:q! filename:f* pod-running-timeout~"
ATTACH_FLAGS = "container:c stdin:i! tty:t! quiet:q! pod-running-timeout~"
TOP_FLAGS = (
    "all-namespaces:A! selector:l field-selector containers! sort-by no-headers! use-protocol-buffers! sum! show-capacity! "
    "show-swap!"
)
SHELLS = ("sh", "bash", "ash", "dash", "zsh")
METRICS = "/apis/metrics.k8s.io/v1beta1"


def pod_of(session: Session, word: str) -> Asking[Info]:
    """The pod that ``web-1``, ``pod/web-1``, ``deploy/web`` or ``svc/web`` means: of several, the first that is ready."""
    kind, slash, name = word.rpartition("/")
    resource = targets.known(session, kind) if slash else PODS
    tree = yield from session.fetch(resource, name)
    if resource == PODS:
        return Info(PODS, session.namespace, name, tree)
    spec = tree.get("spec") or {}
    selector = spec.get("selector")
    if not selector:
        raise Failure(f"cannot attach to *{resource.version}.{resource.kind}: selector for {resource.kind} not implemented")
    plain = resource.kind in ("Service", "ReplicationController")
    text = str(selectors.from_map(selector) if plain else selectors.from_object(selector))
    found = yield from session.listed(PODS, session.namespace, (("labelSelector", text),))
    if not found:
        raise Failure("timed out waiting for the condition")
    found.sort(key=lambda pod: (not _ready(pod), pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]))
    return targets.info_of(PODS, found[0])


def _ready(pod: Tree) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def container_of(session: Session, words: Words, pod: Tree) -> str:
    """The container that ``-c`` names, or the first. Raises kubectl's error for one that does not exist."""
    spec = pod.get("spec") or {}
    fields = ("containers", "initContainers", "ephemeralContainers")
    names = [one["name"] for field in fields for one in spec.get(field) or ()]
    name = pod["metadata"]["name"]
    if words.text("container"):
        if words.text("container") not in names:
            raise Failure(f"container {words.text('container')} is not valid for pod {name}")
        return words.text("container")
    default = ((pod.get("metadata") or {}).get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if default in names:
        return str(default)
    if len(names) > 1 and not words.on("quiet"):
        kinds = [f"{one['name']}{suffix}" for field, suffix in zip(fields, ("", " (init)", " (ephem)"), strict=True)
                 for one in spec.get(field) or ()]  # fmt: skip
        session.warn(f'Defaulted container "{names[0]}" out of: {", ".join(kinds)}')
    return str(names[0])


def exec_(session: Session, words: Words) -> Asking[int]:
    """``exec POD -- COMMAND``."""
    if not words.positional and not words.many("filename"):
        raise Failure("pod, type/name or --filename must be specified")
    if not words.rest:
        if len(words.positional) > 1:
            raise Failure("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
                          "See 'kubectl exec -h' for help and examples")  # fmt: skip
        raise Failure("you must specify at least one command for the container")
    info = yield from pod_of(session, words.positional[0])
    phase = (info.tree.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {phase}")
    container = container_of(session, words, info.tree)
    query: list[tuple[str, str]] = [("command", word) for word in words.rest]
    query += [("container", container), ("stdout", "true"), ("stderr", "true")]
    if words.on("tty") and words.rest[0].rsplit("/", 1)[-1] in SHELLS and len(words.rest) == 1:
        raise Failure(f"this console has no terminal to talk to a shell in; give it a line at a time: kubectl exec "
                      f"{info.name} -- "
                      f"{words.rest[0]} -c '...'")  # fmt: skip
    return (yield from streaming.run(session, PODS.path(info.namespace, info.name, "exec"), tuple(query), words.on("quiet")))


def attach(session: Session, words: Words) -> Asking[int]:
    """``attach POD``."""
    if not words.positional:
        raise Failure("at least 1 argument is required for attach")
    if len(words.positional) > 2:
        raise Failure(f"expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {len(words.positional)}: "
                      f"{' '.join(words.positional)}")  # fmt: skip
    info = yield from pod_of(session, "/".join(words.positional))
    phase = (info.tree.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot attach a container in a completed pod; current phase is {phase}")
    container = container_of(session, words, info.tree)
    query = (("container", container), ("stdout", "true"), ("stderr", "true"))
    return (yield from streaming.run(session, PODS.path(info.namespace, info.name, "attach"), query, words.on("quiet")))


# ---------------------------------------------------------------------- top


def top_node(session: Session, words: Words) -> Asking[int]:
    """``top node``."""
    _sortable(words)
    metrics = yield from _metrics(session, "nodes", None, words)
    nodes = yield from session.listed(NODES, None, _selected(words))
    room = {node["metadata"]["name"]: (node.get("status") or {}).get("allocatable") or {} for node in nodes}
    head = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    rows: list[list[str]] = []
    for one in _sorted(metrics, words):
        usage, whole = one.get("usage") or {}, room.get(one["metadata"]["name"], {})
        cpu, memory = _milli(usage.get("cpu")), _bytes(usage.get("memory"))
        rows.append([one["metadata"]["name"], f"{cpu}m", _share(cpu, _milli(whole.get("cpu"))),
                     f"{memory >> 20}Mi", _share(memory, _bytes(whole.get("memory")))])  # fmt: skip
    session.say(tabs.table(rows if words.on("no-headers") else [head, *rows]))
    return 0


def top_pod(session: Session, words: Words) -> Asking[int]:
    """``top pod``."""
    _sortable(words)
    everywhere = words.on("all-namespaces")
    metrics = yield from _metrics(session, "pods", None if everywhere else session.namespace, words)
    if not metrics:
        session.warn("No resources found" if everywhere else f"No resources found in {session.namespace} namespace.")
        return 0
    head = [*(["NAMESPACE"] if everywhere else []), *(["POD"] if words.on("containers") else []), "NAME", "CPU(cores)",
            "MEMORY(bytes)"]  # fmt: skip
    rows: list[list[str]] = []
    for one in _sorted(metrics, words):
        metadata = one["metadata"]
        lead = [metadata.get("namespace", "")] if everywhere else []
        parts = one.get("containers") or []
        if words.on("containers"):
            rows += [[*lead, metadata["name"], part["name"], *_amounts([part])] for part in parts]
        else:
            rows.append([*lead, metadata["name"], *_amounts(parts)])
    session.say(tabs.table(rows if words.on("no-headers") else [head, *rows]))
    return 0


def _sortable(words: Words) -> None:
    if words.text("sort-by") not in ("", "cpu", "memory"):
        raise Failure("--sort-by accepts only cpu or memory")


def _selected(words: Words) -> Query:
    return (("labelSelector", words.text("selector")),) if words.text("selector") else ()


def _metrics(session: Session, plural: str, namespace: str | None, words: Words) -> Asking[list[Tree]]:
    scope = f"/namespaces/{namespace}" if namespace else ""
    name = f"/{words.positional[0]}" if words.positional else ""
    try:
        answer: Tree = yield from session.ask("GET", f"{METRICS}{scope}/{plural}{name}", _selected(words))
    except Refused as refused:
        if refused.missing_type or not refused.reason:
            raise Failure("Metrics API not available") from None
        raise
    return [answer] if name else answer.get("items") or []


def _sorted(metrics: list[Tree], words: Words) -> list[Tree]:
    order = words.text("sort-by")
    if not order:
        return sorted(metrics, key=lambda one: (one["metadata"].get("namespace", ""), one["metadata"]["name"]))
    return sorted(metrics, key=lambda one: -_total(one, order))


def _total(one: Tree, resource: str) -> int:
    parts = one.get("containers") or [one]
    return sum(quantity.nano(str((part.get("usage") or {}).get(resource, "0"))) for part in parts)


def _amounts(parts: list[Tree]) -> list[str]:
    cpu = sum(_milli((part.get("usage") or {}).get("cpu")) for part in parts)
    memory = sum(_bytes((part.get("usage") or {}).get("memory")) for part in parts)
    return [f"{cpu}m", f"{memory >> 20}Mi"]


def _milli(amount: str | None) -> int:
    return -(-quantity.nano(str(amount or "0")) // 1_000_000)


def _bytes(amount: str | None) -> int:
    return quantity.nano(str(amount or "0")) // 1_000_000_000


def _share(part: int, whole: int) -> str:
    return f"{part * 100 // whole}%" if whole else "<unknown>"
