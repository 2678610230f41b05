"""``kubectl top node`` and ``kubectl top pod`` (kubectl pkg/cmd/top, pkg/metricsutil/metrics_printer.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity, times
from k8s_tutor.kubectl import tabs
from k8s_tutor.kubectl.errors import Failure, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import NODES, PODS
from k8s_tutor.kubectl.session import Query, Session

NODE_FLAGS = "selector:l sort-by no-headers! use-protocol-buffers! show-capacity! show-swap!"
POD_FLAGS = "selector:l field-selector sort-by containers! all-namespaces:A! no-headers! use-protocol-buffers! sum! show-swap!"
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
ROOT = f"/apis/{GROUP}/{VERSION}"
CREATION_DELAY = 120_000_000
"""µs after which a pod without metrics is worth a word (metricsCreationDelay)."""
_UNKNOWN = ["<unknown>"] * 4
_EVERY = ("cpu", "memory")


def top_node(session: Session, words: Words) -> Asking[int]:
    """Usage of nodes, and how much that is of what they can give to pods."""
    name = _name(words, "node", "[NAME | -l label]")
    yield from _available(session)
    metrics = yield from _metrics(session, f"{ROOT}/nodes", name, words)
    if not metrics:
        raise Failure("metrics not available yet")
    found = [(yield from session.fetch(NODES, name))] if name else (yield from session.listed(NODES, None, _selected(words)))
    field = "capacity" if words.on("show-capacity") else "allocatable"
    room = {node["metadata"]["name"]: (node.get("status") or {}).get(field) or {} for node in found}
    rows = [] if words.on("no-headers") else [["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]]
    for one in _sorted(metrics, words):
        known, whole = one["metadata"]["name"], room.pop(one["metadata"]["name"], {})
        usage = _usage([one])
        rows.append([known, *_cell("cpu", usage, whole), *_cell("memory", usage, whole)])
    rows += [[left, *_UNKNOWN] for left in room]
    _say(session, rows)
    return 0


def top_pod(session: Session, words: Words) -> Asking[int]:
    """Usage of pods, or of their containers."""
    name = _name(words, "pod", "[NAME | -l label]")
    if name and (words.text("selector") or words.text("field-selector")):
        raise Failure("only one of NAME or selector can be provided")
    yield from _available(session)
    everywhere = words.on("all-namespaces")
    scope = "" if everywhere else f"/namespaces/{session.namespace}"
    metrics = yield from _metrics(session, f"{ROOT}{scope}/pods", name, words)
    if not metrics:
        yield from _why_none(session, words)
        session.warn("No resources found" if everywhere else f"No resources found in {session.namespace} namespace.")
        return 0
    head = [*(["NAMESPACE"] if everywhere else []), *(["POD"] if words.on("containers") else []), "NAME", "CPU(cores)",
            "MEMORY(bytes)"]  # fmt: skip
    rows = [] if words.on("no-headers") else [head]
    for one in _sorted(metrics, words):
        metadata = one["metadata"]
        lead = [metadata.get("namespace", "")] if everywhere else []
        parts = one.get("containers") or []
        if words.on("containers"):
            for part in sorted(parts, key=lambda part: _order(part["name"], [part], words)):
                rows.append([*lead, metadata["name"], part["name"], *_amounts([part])])
        else:
            rows.append([*lead, metadata["name"], *_amounts(parts)])
    if words.on("sum"):
        blank = [""] * (len(head) - 2)
        total = _amounts([part for one in metrics for part in one.get("containers") or []])
        rows += [[*blank, "________", "________"], [*blank, *total]]
    _say(session, rows)
    return 0


def _name(words: Words, what: str, usage: str) -> str:
    if words.text("sort-by") not in ("", *_EVERY):
        raise Failure("--sort-by accepts only cpu or memory")
    if len(words.positional) > 1:
        raise Usage(f"{what} {usage}", f"kubectl top {what}")
    return words.positional[0] if words.positional else ""


def _available(session: Session) -> Asking[None]:
    """Looks whether anybody serves metrics. Raises Failure when not."""
    groups: Tree = yield from session.ask("GET", "/apis")
    for group in groups.get("groups") or ():
        if group["name"] == GROUP and any(one["version"] == VERSION for one in group["versions"]):
            return
    raise Failure("Metrics API not available")


def _selected(words: Words) -> Query:
    found = (("labelSelector", words.text("selector")), ("fieldSelector", words.text("field-selector")))
    return tuple((name, value) for name, value in found if value)


def _metrics(session: Session, path: str, name: str, words: Words) -> Asking[list[Tree]]:
    answer: Tree = yield from session.ask("GET", f"{path}/{name}" if name else path, () if name else _selected(words))
    return [answer] if name else answer.get("items") or []


def _why_none(session: Session, words: Words) -> Asking[None]:
    """There are no metrics. Raises Failure when there are pods; one that is not new is named."""
    pods = yield from session.listed(PODS, None if words.on("all-namespaces") else session.namespace, _selected(words))
    for pod in pods:
        metadata = pod["metadata"]
        age = session.now - times.parse(metadata["creationTimestamp"])
        if age > CREATION_DELAY:
            place = f"{metadata['namespace']}/{metadata['name']}"
            raise Failure(f"Metrics not available for pod {place}, age: {_duration(age)}")
    if pods:
        raise Failure("metrics not available yet")


def _duration(micros: int) -> str:
    """As Go prints it: ``2m35.123456s``."""
    seconds, rest = divmod(micros, 1_000_000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    text = f"{seconds % 60}.{rest:06d}".rstrip("0").rstrip(".") + "s"
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}" if minutes else text


def _sorted(metrics: list[Tree], words: Words) -> list[Tree]:
    def key(one: Tree) -> Any:
        title = f"{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"
        return _order(title, one.get("containers") or [one], words)

    return sorted(metrics, key=key)


def _order(name: str, parts: list[Tree], words: Words) -> tuple[int, str]:
    """By name; or who uses most comes first."""
    wanted = words.text("sort-by")
    return (-_usage(parts)[wanted] if wanted else 0, name)


def _usage(parts: list[Tree]) -> dict[str, int]:
    """Billionths of each resource."""
    return {name: sum(quantity.nano(str((part.get("usage") or {}).get(name, "0"))) for part in parts) for name in _EVERY}


def _amount(resource: str, nanos: int) -> str:
    return f"{-(-nanos // 1_000_000)}m" if resource == "cpu" else f"{-(-nanos // 1_000_000_000) >> 20}Mi"


def _amounts(parts: list[Tree]) -> list[str]:
    usage = _usage(parts)
    return [_amount(name, usage[name]) for name in _EVERY]


def _cell(resource: str, usage: dict[str, int], room: Tree) -> list[str]:
    whole = quantity.milli(str(room[resource])) if room.get(resource) is not None else 0
    share = -(-usage[resource] // 1_000_000) * 100 // whole if whole else 0
    return [_amount(resource, usage[resource]), *([f"{share}%"] if resource in room else [])]


def _say(session: Session, rows: list[list[str]]) -> None:
    """Each cell is ended by a tab, the last one too."""
    session.say(tabs.align("\n".join("".join(cell + "\t" for cell in row) for row in rows), minimum=6, padding=3))
