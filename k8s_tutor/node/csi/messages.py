"""What Kubernetes and a storage driver say to each other: the Container Storage Interface in small (csi.proto v1.11).

Each request travels in a `sim.Call` and is answered by its result, or by a `cri.RpcError`.
"""

from __future__ import annotations

from k8s_tutor.sim import Body


class CreateVolume(Body):
    """To the controller service: make a volume. ``node`` is where it must be reachable (empty: anywhere); ``source``: handle of
    the snapshot that it begins with."""

    name: str
    size: int
    parameters: tuple[tuple[str, str], ...] = ()
    node: str = ""
    source: str = ""


class CreateVolumeResult(Body):
    """The volume is there, and can be reached from ``node`` only."""

    volume: str
    size: int
    node: str


class DeleteVolume(Body):
    """Delete a volume. One that is not there is deleted."""

    volume: str


class ControllerExpandVolume(Body):
    """Make a volume larger."""

    volume: str
    size: int


class ControllerExpandVolumeResult(Body):
    """It is so large now; its file system grows on the node."""

    size: int
    node_expansion_required: bool = True


class CreateSnapshot(Body):
    """Keep a volume as it is now."""

    name: str
    volume: str


class CreateSnapshotResult(Body):
    """The snapshot, and bytes of the volume."""

    snapshot: str
    size: int


class DeleteSnapshot(Body):
    """Delete a snapshot."""

    snapshot: str


class NodeGetInfo(Body):
    """To the node service: who are you?"""


class NodeGetInfoResult(Body):
    """Id of the node, and by which labels its volumes are told apart."""

    node: str
    topology: tuple[tuple[str, str], ...]


class NodePublishVolume(Body):
    """Mount a volume at a path of this machine; a fresh one gets a file system."""

    volume: str
    target: str
    filesystem: str = "ext4"
    read_only: bool = False


class NodeUnpublishVolume(Body):
    """Unmount it."""

    volume: str
    target: str


class NodeExpandVolume(Body):
    """Let the file system at this path grow to the size of its volume."""

    volume: str
    path: str


class Done(Body):
    """Carried out; there is nothing to tell."""


DRIVER = "topolvm.io"
TOPOLOGY = "topology.topolvm.io/node"
"""Label of nodes: a volume can be reached from its own node only."""
CAPACITY = "capacity.topolvm.io/"
"""How annotations of nodes begin that say how many bytes a device class has left."""
DEFAULT_CLASS = "00default"
NAMESPACE = "topolvm-system"
CONTROLLER_USER = f"system:serviceaccount:{NAMESPACE}:topolvm-controller"
NODE_USER = f"system:serviceaccount:{NAMESPACE}:topolvm-node"
LOGICAL_VOLUMES = "/apis/topolvm.io/v1/logicalvolumes"
GROUP, POOL = "myvg1", "pool0"
"""Volume group and thin pool that lvmd's configuration names."""
THIN_CLASS = "thin"
"""The device class of the thin pool."""
