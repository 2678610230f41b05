"""``kubectl describe`` of roles and bindings, and of certificate signing requests."""

from __future__ import annotations

from k8s_tutor.kubectl.auth import rows_of
from k8s_tutor.kubectl.describe.writer import Writer, moment
from k8s_tutor.kubectl.goprint import plain
from k8s_tutor.kubectl.program import Tree


def role(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One Role or ClusterRole: its rules by resource."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, "PolicyRule:")
    writer.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs")
    writer.line(1, "---------\t-----------------\t--------------\t-----")
    for row in rows_of(tree.get("rules") or []):
        writer.line(1, f"{row.title}\t{plain(row.urls)}\t{plain(row.names)}\t{plain(row.verbs)}")
    return writer.text()


def binding(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One RoleBinding or ClusterRoleBinding."""
    metadata, ref = tree.get("metadata") or {}, tree.get("roleRef") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, "Role:")
    writer.line(1, f"Kind:\t{ref.get('kind', '')}")
    writer.line(1, f"Name:\t{ref.get('name', '')}")
    writer.line(0, "Subjects:")
    writer.line(1, "Kind\tName\tNamespace")
    writer.line(1, "----\t----\t---------")
    for one in tree.get("subjects") or ():
        writer.line(1, f"{one.get('kind', '')}\t{one.get('name', '')}\t{one.get('namespace', '')}")
    return writer.text()


def signing_request(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One CertificateSigningRequest, without what its request says."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    kinds = [one.get("type") for one in status.get("conditions") or ()]
    state = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"CreationTimestamp:\t{moment(metadata.get('creationTimestamp'))}")
    writer.line(0, f"Requesting User:\t{spec.get('username', '')}")
    if spec.get("signerName"):
        writer.line(0, f"Signer:\t{spec['signerName']}")
    if spec.get("expirationSeconds"):
        writer.line(0, f"Requested Duration:\t{spec['expirationSeconds']}s")
    writer.line(0, f"Status:\t{state + (',Issued' if status.get('certificate') else '')}")
    writer.events(events, now)
    return writer.text()
