"""TopoLVM as its makers' chart installs it: its processes, and its objects without their Deployments and DaemonSets."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access
from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.cluster.spec import ClusterSpec, WorkerSpec
from k8s_tutor.node.addresses import shim_of
from k8s_tutor.node.csi.messages import CONTROLLER_USER, DRIVER, GROUP, NAMESPACE, NODE_USER, POOL, THIN_CLASS
from k8s_tutor.node.csi.provisioner import FS_TYPE, CsiProvisioner
from k8s_tutor.node.csi.resizer import CsiResizer
from k8s_tutor.node.csi.sidecar import SidecarConfig
from k8s_tutor.node.csi.snapshotter import CsiSnapshotter, SnapshotController
from k8s_tutor.node.csi.topolvm_controller import CLASS, TopolvmController
from k8s_tutor.node.csi.topolvm_node import TopolvmNode, TopolvmNodeConfig
from k8s_tutor.sim import World

Tree = dict[str, Any]
CONTROLLER = "topolvm-controller"
_RBAC = "rbac.authorization.k8s.io"
_SNAPSHOTS = "snapshot.storage.k8s.io"


def node_process(number: int) -> str:
    """The node service of the driver on ``node-<number>``."""
    return f"topolvm-node-{number}"


def setup_of(spec: ClusterSpec, shape: WorkerSpec) -> tuple[tuple[str, ...], ...]:
    """What the administrator has typed on a worker beforehand: the driver expects a volume group."""
    if spec.storage == "none" or not shape.disks:
        return ()
    made: tuple[tuple[str, ...], ...] = (("vgcreate", GROUP, f"/dev/{shape.disks[0].name}"),)
    pool = (("lvcreate", "--type", "thin-pool", "-L", "4G", "-n", POOL, GROUP),)
    return (*made, *pool) if spec.storage == "lvm-thin" else made


def drivers_of(spec: ClusterSpec, number: int) -> tuple[tuple[str, str], ...]:
    """The storage drivers that a kubelet finds on its machine."""
    return () if spec.storage == "none" else ((DRIVER, node_process(number)),)


def add_storage(world: World, spec: ClusterSpec) -> None:
    """The driver's controller with its sidecars on a machine of their own, and a node service on each worker."""
    host = f"{CONTROLLER}-host"
    world.add(TopolvmController, CONTROLLER, Access(BALANCER, CONTROLLER_USER, spec.epoch), host=host)
    sidecar = SidecarConfig(BALANCER, CONTROLLER_USER, spec.epoch, CONTROLLER)
    parts = [(CsiProvisioner, "csi-provisioner"), (CsiResizer, "csi-resizer")]
    if spec.storage == "lvm-thin":
        parts += [(CsiSnapshotter, "csi-snapshotter"), (SnapshotController, "snapshot-controller")]
    for actor, name in parts:
        world.add(actor, name, sidecar, host=host)
    if spec.kubelets == "full":
        for number in range(1, spec.worker_count + 1):
            node = TopolvmNodeConfig(BALANCER, NODE_USER, spec.epoch, node=f"node-{number}", kernel=shim_of(number))
            world.add(TopolvmNode, node_process(number), node, host=f"node-{number}")


# ---------------------------------------------------------------------- objects


def objects(thin: bool) -> list[Tree]:
    """The manifests of the driver; with ``thin`` those of its thin device class and of snapshots."""
    driver = {**_tree("storage.k8s.io/v1", "CSIDriver", DRIVER), "spec": {
        "attachRequired": False, "podInfoOnMount": True, "storageCapacity": True, "volumeLifecycleModes": ["Persistent"],
    }}  # fmt: skip
    found = [
        _tree("v1", "Namespace", NAMESPACE), *_rights(), _crd("LogicalVolume", "logicalvolumes", "topolvm.io", False, _LOGICAL),
        driver, _class("topolvm-provisioner", {}),
    ]  # fmt: skip
    if thin:
        found += [
            _crd("VolumeSnapshot", "volumesnapshots", _SNAPSHOTS, True, _SNAPSHOT),
            _crd("VolumeSnapshotContent", "volumesnapshotcontents", _SNAPSHOTS, False, _CONTENT),
            _crd("VolumeSnapshotClass", "volumesnapshotclasses", _SNAPSHOTS, False, _SNAPSHOT_CLASS),
            _class("topolvm-provisioner-thin", {CLASS: THIN_CLASS}),
        ]
    return found


def late_objects() -> list[Tree]:
    """Objects of custom kinds, which can be made once their kinds are served."""
    return [{**_tree(f"{_SNAPSHOTS}/v1", "VolumeSnapshotClass", "topolvm-provisioner-thin"), "driver": DRIVER,
             "deletionPolicy": "Delete"}]  # fmt: skip


def _tree(api_version: str, kind: str, name: str, namespace: str = "") -> Tree:
    metadata: Tree = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _class(name: str, parameters: dict[str, str]) -> Tree:
    return {
        **_tree("storage.k8s.io/v1", "StorageClass", name), "provisioner": DRIVER, "allowVolumeExpansion": True,
        "parameters": {FS_TYPE: "ext4", **parameters}, "volumeBindingMode": "WaitForFirstConsumer",
    }  # fmt: skip


def _rights() -> list[Tree]:
    """Service accounts, and what they may do."""
    every = ["create", "delete", "get", "list", "patch", "update", "watch"]
    own = {"apiGroups": ["topolvm.io"], "resources": ["logicalvolumes", "logicalvolumes/status"], "verbs": every}
    events = {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch", "update", "list", "watch"]}
    read = ["get", "list", "watch"]
    controller = [
        own, events, {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": every},
        {"apiGroups": [""], "resources": ["persistentvolumeclaims", "persistentvolumeclaims/status"],
         "verbs": ["get", "list", "watch", "patch", "update"]},
        {"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": read},
        {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses", "csinodes", "csidrivers"], "verbs": read},
        {"apiGroups": [_SNAPSHOTS], "resources": ["*"], "verbs": every},
    ]  # fmt: skip
    node = [own, events, {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch", "patch", "update"]}]
    found = []
    for name, rules in (("topolvm-controller", controller), ("topolvm-node", node)):
        role, account = f"{NAMESPACE}:{name}", {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
        found += [
            _tree("v1", "ServiceAccount", name, NAMESPACE), {**_tree(f"{_RBAC}/v1", "ClusterRole", role), "rules": rules},
            {**_tree(f"{_RBAC}/v1", "ClusterRoleBinding", role), "subjects": [account],
             "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}},
        ]  # fmt: skip
    return found


_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer", "format": "int64"}, {"type": "boolean"}
_SIZE = {"x-kubernetes-int-or-string": True}


def _object(**fields: Tree) -> Tree:
    return {"type": "object", "properties": fields}


_REFERENCE = _object(name=_TEXT, namespace=_TEXT, uid=_TEXT, kind=_TEXT, apiVersion=_TEXT, resourceVersion=_TEXT)
_LOGICAL = {
    "spec": _object(name=_TEXT, nodeName=_TEXT, size=_SIZE, deviceClass=_TEXT, source=_TEXT, accessType=_TEXT),
    "status": _object(volumeID=_TEXT, currentSize=_SIZE, code=_NUMBER, message=_TEXT),
}  # fmt: skip
_SNAPSHOT = {
    "spec": _object(source=_object(persistentVolumeClaimName=_TEXT, volumeSnapshotContentName=_TEXT),
                    volumeSnapshotClassName=_TEXT),
    "status": _object(boundVolumeSnapshotContentName=_TEXT, creationTime=_TEXT, readyToUse=_FLAG, restoreSize=_SIZE,
                      error=_object(message=_TEXT, time=_TEXT)),
}  # fmt: skip
_CONTENT = {
    "spec": _object(deletionPolicy=_TEXT, driver=_TEXT, source=_object(volumeHandle=_TEXT, snapshotHandle=_TEXT),
                    volumeSnapshotClassName=_TEXT, volumeSnapshotRef=_REFERENCE),
    "status": _object(creationTime=_NUMBER, readyToUse=_FLAG, restoreSize=_NUMBER, snapshotHandle=_TEXT,
                      error=_object(message=_TEXT, time=_TEXT)),
}  # fmt: skip
_SNAPSHOT_CLASS: dict[str, Tree] = {
    "driver": _TEXT, "deletionPolicy": _TEXT, "parameters": {"type": "object", "additionalProperties": _TEXT},
}  # fmt: skip
_COLUMNS: dict[str, list[tuple[str, str, str]]] = {
    "LogicalVolume": [("NodeName", "string", ".spec.nodeName"), ("Size", "string", ".spec.size"),
                      ("VolumeID", "string", ".status.volumeID")],
    "VolumeSnapshot": [
        ("ReadyToUse", "boolean", ".status.readyToUse"), ("SourcePVC", "string", ".spec.source.persistentVolumeClaimName"),
        ("SourceSnapshotContent", "string", ".spec.source.volumeSnapshotContentName"),
        ("RestoreSize", "string", ".status.restoreSize"), ("SnapshotClass", "string", ".spec.volumeSnapshotClassName"),
        ("SnapshotContent", "string", ".status.boundVolumeSnapshotContentName"),
        ("CreationTime", "date", ".status.creationTime"),
    ],
    "VolumeSnapshotContent": [
        ("ReadyToUse", "boolean", ".status.readyToUse"), ("RestoreSize", "integer", ".status.restoreSize"),
        ("DeletionPolicy", "string", ".spec.deletionPolicy"), ("Driver", "string", ".spec.driver"),
        ("VolumeSnapshotClass", "string", ".spec.volumeSnapshotClassName"),
        ("VolumeSnapshot", "string", ".spec.volumeSnapshotRef.name"),
    ],
    "VolumeSnapshotClass": [("Driver", "string", ".driver"), ("DeletionPolicy", "string", ".deletionPolicy")],
}  # fmt: skip
_SHORT = {"VolumeSnapshot": ["vs"], "VolumeSnapshotContent": ["vsc", "vscs"], "VolumeSnapshotClass": ["vsclass", "vsclasses"]}


def _crd(kind: str, plural: str, group: str, namespaced: bool, fields: dict[str, Tree]) -> Tree:
    """The definition of one of the driver's kinds."""
    columns = [{"name": name, "type": form, "jsonPath": path} for name, form, path in _COLUMNS[kind]]
    columns.append({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})
    version: Tree = {
        "name": "v1", "served": True, "storage": True, "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _object(**fields)},
    }  # fmt: skip
    if "status" in fields:
        version["subresources"] = {"status": {}}
    names: Tree = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    if kind in _SHORT:
        names["shortNames"] = _SHORT[kind]
    tree = _tree("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}")
    if group.endswith("k8s.io"):
        tree["metadata"]["annotations"] = {
            "api-approved.kubernetes.io": "https://github.com/kubernetes-csi/external-snapshotter/pull/814"
        }
    return {**tree, "spec": {"group": group, "names": names, "scope": "Namespaced" if namespaced else "Cluster",
                             "versions": [version]}}  # fmt: skip
