"""What all describers share: lines at a level, aligned at the end; labels, taints, tolerations, events."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

from k8s_tutor.api import selectors, times
from k8s_tutor.kubectl import tabs
from k8s_tutor.kubectl.events import interval
from k8s_tutor.kubectl.program import Tree

LONGEST = 140
SKIPPED = ("kubectl.kubernetes.io/last-applied-configuration",)

_START = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Writer:
    """Gathers lines; ``level`` 0, 1, 2, ... indents by two blanks each. Tabs become columns in `text`."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def line(self, level: int, text: str) -> None:
        """One line."""
        self.parts.append("  " * level + text + "\n")

    def text(self) -> str:
        """Everything, aligned."""
        return tabs.align("".join(self.parts))

    def head(self, metadata: Tree) -> None:
        """Name, namespace, labels and annotations."""
        self.line(0, f"Name:\t{metadata.get('name', '')}")
        self.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
        self.labels("Labels", metadata.get("labels"))
        self.annotations("Annotations", metadata.get("annotations"))

    def several(self, title: str, values: list[str], indent: str = "") -> None:
        """A title with one value a line, or ``<none>``."""
        for place, value in enumerate(values or ["<none>"]):
            self.line(0, f"{indent}{title + ':' if place == 0 else ''}\t{value}")

    def labels(self, title: str, labels: dict[str, str] | None) -> None:
        """``key=value``, sorted, one a line."""
        self.several(title, [f"{key}={value}" for key, value in sorted((labels or {}).items())])

    def annotations(self, title: str, annotations: dict[str, str] | None) -> None:
        """``key: value``, sorted; long or multi-line values on lines of their own."""
        shown = {key: value for key, value in sorted((annotations or {}).items()) if key not in SKIPPED}
        if not shown:
            self.line(0, f"{title}:\t<none>")
        for place, (key, value) in enumerate(shown.items()):
            head = f"{title}:\t" if place == 0 else "\t"
            value = value.removesuffix("\n")
            if len(value) + len(key) + 2 > LONGEST or "\n" in value:
                self.line(0, f"{head}{key}:")
                for row in value.split("\n"):
                    short = row if len(row) <= LONGEST - 2 else row[: LONGEST - 2] + "..."
                    self.line(0, f"\t  {short}")
            else:
                self.line(0, f"{head}{key}: {value}")

    def tolerations(self, title: str, tolerations: list[Tree] | None) -> None:
        """``key=value:Effect op=Exists for 300s``, sorted by key."""
        self.several(title, [_toleration(one) for one in sorted(tolerations or [], key=lambda one: one.get("key") or "")])

    def taints(self, title: str, taints: list[Tree] | None) -> None:
        """``key=value:Effect``, sorted by effect and key."""
        ordered = sorted(taints or [], key=lambda one: f"{one.get('effect')},{one.get('key')}")
        self.several(title, [taint(one) for one in ordered])

    def events(self, events: list[Tree] | None, now: int) -> None:
        """The table of events, last seen last; None when they were not asked for."""
        if events is None:
            return
        if not events:
            self.line(0, "Events:\t<none>")
            return
        self.line(0, "Events:")
        self.line(1, "Type\tReason\tAge\tFrom\tMessage")
        self.line(1, "----\t------\t----\t----\t-------")
        for event in sorted(events, key=lambda one: str(one.get("lastTimestamp") or "")):
            source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
            message = str(event.get("message", "")).strip()
            path = (event.get("involvedObject") or {}).get("fieldPath")
            message = f"{path}: {message}" if path else message
            row = (str(event.get("type", "")), str(event.get("reason", "")), interval(event, now), source, message)
            self.line(1, "\t".join(row))


def labels_line(labels: dict[str, str] | None) -> str:
    """``a=b,c=d``, or ``<none>``."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def decoded(text: str) -> bytes:
    """Base64 as bytes; nothing for what is none."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


def taint(one: Tree) -> str:
    """``key=value:Effect``."""
    value = f"={one['value']}" if one.get("value") else ""
    effect = f":{one['effect']}" if one.get("effect") else ""
    return f"{one['key']}{value}{effect}"


def _toleration(one: Tree) -> str:
    key, value, effect = one.get("key") or "", one.get("value") or "", one.get("effect") or ""
    text = key + (f"={value}" if value else "") + (f":{effect}" if effect else "")
    if one.get("operator") == "Exists" and not value:
        text += " op=Exists" if key or effect else "op=Exists"
    if one.get("tolerationSeconds") is not None:
        text += f" for {one['tolerationSeconds']}s"
    return text


def moment(stamp: str | None) -> str:
    """An RFC 3339 stamp as RFC 1123 with a numeric zone: ``Thu, 01 Jan 2026 00:00:03 +0000``."""
    if not stamp:
        return "Mon, 01 Jan 0001 00:00:00 +0000"
    at = _START + timedelta(seconds=times.unix_micros(stamp) // 1_000_000)
    return f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} {at:%H:%M:%S} +0000"


def truth(value: Any) -> str:
    """``True`` or ``False``."""
    return "True" if value else "False"


def lower(value: Any) -> str:
    """Go's ``true`` or ``false``."""
    return "true" if value else "false"


def controller(tree: Tree) -> str:
    """``ReplicaSet/web-1``, or nothing."""
    owners = (tree.get("metadata") or {}).get("ownerReferences") or ()
    return next((f"{owner['kind']}/{owner['name']}" for owner in owners if owner.get("controller")), "")


def selector(tree: Tree | None) -> str:
    """A label selector as text, ``<none>`` for an empty one."""
    return str(selectors.from_object(tree)) or "<none>" if tree else "<none>"
