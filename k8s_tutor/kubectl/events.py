"""``kubectl events``, and how old an event is."""

from __future__ import annotations

from k8s_tutor.api import times
from k8s_tutor.kubectl import printers, tabs, targets
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import EVENTS
from k8s_tutor.kubectl.session import Session

FLAGS = printers.FLAGS + "all-namespaces:A! for types* watch:w! no-headers! chunk-size#"


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl events [--for TYPE/NAME]``."""
    query: tuple[tuple[str, str], ...] = ()
    if words.text("for"):
        kind, slash, name = words.text("for").partition("/")
        if not slash:
            raise Failure("--for must be in resource/name form")
        resource = targets.known(session, kind)
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
