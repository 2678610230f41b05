"""``kubectl describe`` of volumes, claims, storage classes, secrets, service accounts, quotas, limits, priority classes."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.kubectl.describe.template import volume_rows
from k8s_tutor.kubectl.describe.writer import Writer, decoded, labels_line, lower, moment, truth
from k8s_tutor.kubectl.program import Tree

MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def modes(names: list[str] | None) -> str:
    """``RWO,ROX``."""
    return ",".join(dict.fromkeys(MODES.get(name, name) for name in names or ()))


def _phase(metadata: Tree, status: Tree) -> str:
    gone = metadata.get("deletionTimestamp")
    return f"Terminating (lasts {moment(gone)})" if gone else str(status.get("phase", ""))


def volume(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One PersistentVolume."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    claim = spec.get("claimRef")
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Finalizers:\t[{' '.join(metadata.get('finalizers') or ())}]")
    writer.line(0, f"StorageClass:\t{spec.get('storageClassName', '')}")
    writer.line(0, f"Status:\t{_phase(metadata, status)}")
    writer.line(0, f"Claim:\t{claim.get('namespace', '') + '/' + claim.get('name', '') if claim else ''}")
    writer.line(0, f"Reclaim Policy:\t{spec.get('persistentVolumeReclaimPolicy', '')}")
    writer.line(0, f"Access Modes:\t{modes(spec.get('accessModes'))}")
    if spec.get("volumeMode"):
        writer.line(0, f"VolumeMode:\t{spec['volumeMode']}")
    writer.line(0, f"Capacity:\t{_amount(spec.get('capacity'))}")
    _affinity(writer, spec.get("nodeAffinity"))
    writer.line(0, f"Message:\t{status.get('message', '')}")
    writer.line(0, "Source:")
    for row in volume_rows({key: value for key, value in spec.items() if key in SOURCES}):
        writer.line(2, row)
    writer.events(events, now)
    return writer.text()


SOURCES = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "nfs", "iscsi", "glusterfs", "rbd", "cephfs", "cinder", "fc",
    "azureDisk", "azureFile", "vsphereVolume", "csi", "local", "flocker", "portworxVolume", "quobyte", "scaleIO", "storageos",
)  # fmt: skip


def _amount(amounts: Tree | None) -> str:
    amount = (amounts or {}).get("storage")
    return quantity.canonical(str(amount)) if amount is not None else ""


def _affinity(writer: Writer, affinity: Tree | None) -> None:
    required = (affinity or {}).get("required")
    if not affinity or required is None:
        writer.line(0, "Node Affinity:\t<none>")
        return
    writer.line(0, "Node Affinity:\t")
    terms = required.get("nodeSelectorTerms") or []
    writer.line(1, "Required Terms:\t" + ("" if terms else "<none>"))
    for place, term in enumerate(terms):
        rows = [_expression(one) for one in term.get("matchExpressions") or ()]
        writer.line(2, f"Term {place}:\t" + (rows[0] if rows else "<none>"))
        for row in rows[1:]:
            writer.line(2, f"\t{row}")


def _expression(one: Tree) -> str:
    operator, values = str(one.get("operator", "")).lower(), one.get("values") or ()
    return f"{one.get('key')} {operator}" + (f" [{', '.join(values)}]" if values else "")


def claim(tree: Tree, pods: list[Tree], events: list[Tree] | None, now: int) -> str:
    """One PersistentVolumeClaim; ``pods``: all of its namespace."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    cls = (metadata.get("annotations") or {}).get(BETA_CLASS) or spec.get("storageClassName") or ""
    writer.line(0, f"StorageClass:\t{cls}")
    writer.line(0, f"Status:\t{_phase(metadata, status)}")
    writer.line(0, f"Volume:\t{spec.get('volumeName', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Finalizers:\t[{' '.join(metadata.get('finalizers') or ())}]")
    bound = bool(spec.get("volumeName"))
    writer.line(0, f"Capacity:\t{_amount(status.get('capacity')) if bound else ''}")
    writer.line(0, f"Access Modes:\t{modes(status.get('accessModes')) if bound else ''}")
    if spec.get("volumeMode"):
        writer.line(0, f"VolumeMode:\t{spec['volumeMode']}")
    source = spec.get("dataSource")
    if source:
        writer.line(0, "DataSource:")
        for field, title in (("apiGroup", "APIGroup"), ("kind", "Kind"), ("name", "Name")):
            if field != "apiGroup" or source.get(field):
                writer.line(1, f"{title}:\t{source.get(field)}")
    users = [pod["metadata"]["name"] for pod in pods if _uses(pod, metadata.get("name"))]
    writer.several("Used By", users)
    for place, one in enumerate(status.get("conditions") or ()):
        if place == 0:
            writer.line(0, "Conditions:")
            writer.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage")
            writer.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        stamps = f"{moment(one.get('lastProbeTime'))} \t{moment(one.get('lastTransitionTime'))}"
        writer.line(1, f"{one['type']} \t{one.get('status')} \t{stamps} \t{one.get('reason', '')} \t{one.get('message', '')}")
    writer.events(events, now)
    return writer.text()


def _uses(pod: Tree, name: Any) -> bool:
    for one in (pod.get("spec") or {}).get("volumes") or ():
        if (one.get("persistentVolumeClaim") or {}).get("claimName") == name:
            return True
        if "ephemeral" in one and f"{pod['metadata']['name']}-{one['name']}" == name:
            return True
    return False


def storage_class(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One StorageClass."""
    metadata = tree.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"IsDefaultClass:\t{'Yes' if annotations.get(DEFAULT_CLASS) == 'true' else 'No'}")
    writer.line(0, f"Annotations:\t{labels_line(annotations)}")
    writer.line(0, f"Provisioner:\t{tree.get('provisioner', '')}")
    writer.line(0, f"Parameters:\t{labels_line(tree.get('parameters'))}")
    grows = tree.get("allowVolumeExpansion")
    writer.line(0, f"AllowVolumeExpansion:\t{'<unset>' if grows is None else truth(grows)}")
    if tree.get("mountOptions"):
        writer.line(0, "MountOptions:")
        for option in tree["mountOptions"]:
            writer.line(1, option)
    else:
        writer.line(0, "MountOptions:\t<none>")
    writer.line(0, f"ReclaimPolicy:\t{tree.get('reclaimPolicy', '')}")
    writer.line(0, f"VolumeBindingMode:\t{tree.get('volumeBindingMode', '')}")
    for place, term in enumerate(tree.get("allowedTopologies") or ()):
        if place == 0:
            writer.line(0, "AllowedTopologies:\t")
        wanted = term.get("matchLabelExpressions") or ()
        rows = [f"{one.get('key')} in [{', '.join(one.get('values') or ())}]" for one in wanted]
        writer.line(1, f"Term {place}:\t" + (rows[0] if rows else "<none>"))
        for row in rows[1:]:
            writer.line(1, f"\t{row}")
    writer.events(events, now)
    return writer.text()


# ---------------------------------------------------------------------- secrets and service accounts


def secret(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One Secret: how much is in it, not what."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.head(metadata)
    writer.line(0, f"\nType:\t{tree.get('type', '')}")
    writer.line(0, "\nData\n====")
    for key, value in sorted((tree.get("data") or {}).items()):
        if key == "token" and tree.get("type") == "kubernetes.io/service-account-token":
            writer.line(0, f"{key}:\t{decoded(value).decode('utf-8', 'replace')}")
        else:
            writer.line(0, f"{key}:\t{len(decoded(value))} bytes")
    return writer.text()


def service_account(tree: Tree, secrets: list[Tree], events: list[Tree] | None, now: int) -> str:
    """One ServiceAccount; ``secrets``: all of its namespace."""
    metadata = tree.get("metadata") or {}
    there = {one["metadata"]["name"] for one in secrets}
    tokens = [one["metadata"]["name"] for one in secrets if one.get("type") == "kubernetes.io/service-account-token"
              and (one["metadata"].get("annotations") or {}).get("kubernetes.io/service-account.name") == metadata.get("name")]
    writer = Writer()
    writer.head(metadata)
    for title, names in (("Image pull secrets", [one.get("name", "") for one in tree.get("imagePullSecrets") or ()]),
                         ("Mountable secrets", [one.get("name", "") for one in tree.get("secrets") or ()]),
                         ("Tokens", tokens)):  # fmt: skip
        writer.several(title, [name if name in there else f"{name} (not found)" for name in names])
    writer.events(events, now)
    return writer.text()


# ---------------------------------------------------------------------- quotas, limits, priorities


SCOPES = {
    "Terminating": "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being "
                   "actively terminated by the system.",
    "NotTerminating": "Matches all pods that do not have an active deadline. These pods usually include long running pods "
                      "whose container command is not expected to terminate.",
    "BestEffort": "Matches all pods that do not have resource requirements set. These pods have a best effort quality of "
                  "service.",
    "NotBestEffort": "Matches all pods that have at least one resource requirement set. These pods have a burstable or "
                     "guaranteed quality of service.",
}  # fmt: skip


def quota_rows(tree: Tree) -> list[tuple[str, str, str]]:
    """(resource, used, hard) by resource."""
    status = tree.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    rows = []
    for name in sorted(hard):
        rows.append((name, quantity.canonical(str(used.get(name, "0"))), quantity.canonical(str(hard[name]))))
    return rows


def quota(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One ResourceQuota."""
    metadata, scopes = tree.get("metadata") or {}, sorted((tree.get("spec") or {}).get("scopes") or ())
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    if scopes:
        writer.line(0, f"Scopes:\t{', '.join(scopes)}")
        for scope in scopes:
            if scope in SCOPES:
                writer.line(0, f" * {SCOPES[scope]}")
    writer.line(0, "Resource\tUsed\tHard")
    writer.line(0, "--------\t----\t----")
    for row in quota_rows(tree):
        writer.line(0, "\t".join(row))
    return writer.text()


def limit_rows(tree: Tree) -> list[str]:
    """A line for each type and resource."""
    fields = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")
    rows = []
    for item in (tree.get("spec") or {}).get("limits") or ():
        names = sorted({name for field in fields for name in item.get(field) or ()})
        for name in names:
            cells = [(item.get(field) or {}).get(name) for field in fields]
            texts = ["-" if cell is None else quantity.canonical(str(cell)) for cell in cells]
            rows.append("\t".join([str(item.get("type", "")), name, *texts]))
    return rows


LIMIT_HEAD = (
    "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio",
    "----\t--------\t---\t---\t---------------\t-------------\t-----------------------",
)


def limit_range(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One LimitRange."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    for row in (*LIMIT_HEAD, *limit_rows(tree)):
        writer.line(0, row)
    return writer.text()


def priority_class(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One PriorityClass."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Value:\t{tree.get('value', 0)}")
    writer.line(0, f"GlobalDefault:\t{lower(tree.get('globalDefault'))}")
    writer.line(0, f"PreemptionPolicy:\t{tree.get('preemptionPolicy', '')}")
    writer.line(0, f"Description:\t{tree.get('description', '')}")
    writer.line(0, f"Annotations:\t{labels_line(metadata.get('annotations'))}")
    writer.events(events, now)
    return writer.text()
