"""``kubectl describe`` of config maps, namespaces, and of kinds without a describer: custom resources, leases, events."""

from __future__ import annotations

import re

from k8s_tutor.kubectl.describe import storage
from k8s_tutor.kubectl.describe.writer import Writer, decoded, lower, moment
from k8s_tutor.kubectl.program import Tree


def config_map(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One ConfigMap, its data in full."""
    writer = Writer()
    writer.head(tree.get("metadata") or {})
    writer.line(0, "\nData\n====")
    for key, value in sorted((tree.get("data") or {}).items()):
        writer.line(0, f"{key}:\n----\n{value}\n")
    writer.line(0, "\nBinaryData\n====")
    for key, value in sorted((tree.get("binaryData") or {}).items()):
        writer.line(0, f"{key}: {len(decoded(value))} bytes")
    writer.line(0, "")
    writer.events(events, now)
    return writer.text()


def namespace(tree: Tree, quotas: list[Tree], limits: list[Tree]) -> str:
    """One Namespace, with its quotas and limits."""
    metadata, status = tree.get("metadata") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Status:\t{status.get('phase', '')}")
    if status.get("conditions"):
        writer.line(0, "Conditions:")
        writer.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage")
        writer.line(1, "----\t------\t------------------\t------\t-------")
        for one in status["conditions"]:
            row = (one["type"], one.get("status"), moment(one.get("lastTransitionTime")), one.get("reason", ""),
                   one.get("message", ""))  # fmt: skip
            writer.line(1, "\t".join(str(cell) for cell in row))
    _quotas(writer, quotas)
    if not limits:
        writer.line(0, "\nNo LimitRange resource.")
    else:
        writer.line(0, "\nResource Limits")
        for row_ in (*storage.LIMIT_HEAD, *(line for one in limits for line in storage.limit_rows(one))):
            writer.line(0, f" {row_}")
    return writer.text()


def _quotas(writer: Writer, quotas: list[Tree]) -> None:
    if not quotas:
        writer.line(0, "\nNo resource quota.")
        return
    writer.line(0, "\nResource Quotas")
    for one in sorted(quotas, key=lambda quota: str(quota["metadata"]["name"])):
        writer.line(1, f"Name:\t{one['metadata']['name']}")
        scopes = sorted((one.get("spec") or {}).get("scopes") or ())
        if scopes:
            writer.line(1, f"Scopes:\t{', '.join(scopes)}")
            for scope in scopes:
                if scope in storage.SCOPES:
                    writer.line(1, f"* {storage.SCOPES[scope]}")
        writer.line(1, "Resource\tUsed\tHard")
        writer.line(1, "--------\t---\t---")
        for row in storage.quota_rows(one):
            writer.line(1, "\t".join(row))


def generic(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """Any object: its head, then its fields as a tree of titles (kubectl's describer for unknown kinds)."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    skip = ("managedFields", "name", "namespace", "labels", "annotations")
    shown = {"apiVersion": tree.get("apiVersion"), "kind": tree.get("kind")}
    shown["metadata"] = {key: value for key, value in metadata.items() if key not in skip}
    shown.update({key: value for key, value in tree.items() if key not in shown})
    _fields(writer, 0, {_title(key): value for key, value in shown.items()})
    writer.events(events, now)
    return writer.text()


ACRONYMS = ("api", "url", "uid", "osb", "guid")


def _fields(writer: Writer, level: int, fields: Tree) -> None:
    names = sorted(fields)
    for name in names:
        value = fields[name]
        if isinstance(value, dict):
            writer.line(level, f"{name}:")
            _fields(writer, level + 1, {_title(key): inner for key, inner in value.items()})
        elif isinstance(value, list):
            writer.line(level, f"{name}:")
            for item in value:
                if isinstance(item, dict):
                    _fields(writer, level + 1, {_title(key): inner for key, inner in item.items()})
                else:
                    writer.line(level + 1, str(item))
        else:
            text = lower(value) if isinstance(value, bool) else "<nil>" if value is None else str(value)
            writer.line(level, f"{name}:\t{text}")


def _title(name: str) -> str:
    """``holderIdentity`` → ``Holder Identity`` (kubectl's smartLabelFor)."""
    if not re.fullmatch(r"[A-Za-z-]*", name):
        return name
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|-", name)
    return " ".join(one.upper() if one.lower() in ACRONYMS else one[:1].upper() + one[1:] for one in words)
