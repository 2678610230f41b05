"""What kubelet and container runtime say to each other: the CRI in small (cri-api runtime/v1 api.proto).

Each request travels in a `sim.Call` and is answered by its result, by `Done`, or by `RpcError`.
"""

from __future__ import annotations

from k8s_tutor.node.shell.files import Mount
from k8s_tutor.node.usage import Limits
from k8s_tutor.sim import Body

READY, NOT_READY = "SANDBOX_READY", "SANDBOX_NOTREADY"
CREATED, RUNNING, EXITED = "CONTAINER_CREATED", "CONTAINER_RUNNING", "CONTAINER_EXITED"


class CriSandbox(Body):
    """A pod sandbox as the runtime knows it: the network namespace and the process that holds it open."""

    id: str
    uid: str
    namespace: str
    name: str
    attempt: int
    state: str
    ip: str
    created_at: int


class CriContainer(Body):
    """A container as the runtime knows it. Instants in µs."""

    id: str
    sandbox: str
    uid: str
    name: str
    attempt: int
    state: str
    image: str
    """Full name, ``docker.io/library/nginx:latest``."""
    image_ref: str
    """Name with digest, ``docker.io/library/nginx@sha256:...``."""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    reason: str = ""
    ready: bool = False
    """Whether its program answers (the runtime's own addition: it stands for a readiness probe)."""
    pid: int = 0
    message: str = ""
    """Why it could not be started."""


class Version(Body):
    """Which runtime are you?"""


class VersionResult(Body):
    """Name and version of the runtime."""

    runtime_name: str
    runtime_version: str
    network_ready: bool = True
    """Its condition NetworkReady (in reality of a request of its own, Status)."""


class RunPodSandbox(Body):
    """Make a sandbox for this pod: network namespace, CNI ADD, pause process."""

    uid: str
    namespace: str
    name: str
    attempt: int
    annotations: tuple[tuple[str, str], ...] = ()
    host_address: str = ""
    """The machine's own address, for a pod in the machine's network (``hostNetwork``); else empty."""
    names: tuple[str, str] = ("", "")
    """Its ``/etc/resolv.conf``, and its full name in the cluster, if it has one."""


class RunPodSandboxResult(Body):
    """The sandbox is up; it has an address."""

    sandbox: CriSandbox


class StopPodSandbox(Body):
    """Kill what is left in the sandbox and take its network down (CNI DEL)."""

    sandbox: str


class RemovePodSandbox(Body):
    """Forget a stopped sandbox and its containers."""

    sandbox: str


class UpdateAnnotations(Body):
    """The pod's annotations have changed: refresh what its programs see of them (as a downward API volume is refreshed)."""

    sandbox: str
    annotations: tuple[tuple[str, str], ...]


class ImageStatus(Body):
    """Is this image on the machine?"""

    image: str


class ImageStatusResult(Body):
    """The image on the machine; ``image_ref`` is empty when it is not there."""

    image_ref: str
    size: int = 0


class PullImage(Body):
    """Fetch this image from its registry. ``logins``: (host, ``user:password``)."""

    image: str
    logins: tuple[tuple[str, str], ...] = ()


class PullImageResult(Body):
    """The image is on the machine."""

    image_ref: str
    size: int


class RemoveImage(Body):
    """Remove this image from the machine, with the layers that no other has."""

    image: str


class ListImages(Body):
    """All images on the machine."""


class ListImagesResult(Body):
    """(full name, name with digest, bytes) of each image."""

    images: tuple[tuple[str, str, int], ...]


class CreateContainer(Body):
    """Prepare a container in a sandbox: its file system from the image, its configuration."""

    sandbox: str
    name: str
    attempt: int
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    stdin: bool = False
    """Whether its process reads what an attached client types."""
    tty: bool = False
    limits: Limits = Limits()
    """LinuxContainerResources: its cgroup."""


class CreateContainerResult(Body):
    """The container exists; it does not run yet."""

    container: CriContainer


class StartContainer(Body):
    """Start the process of a created container."""

    container: str


class StopContainer(Body):
    """SIGTERM, and SIGKILL after ``timeout`` seconds. Answered when the process has ended."""

    container: str
    timeout: int


class RemoveContainer(Body):
    """Forget a container that has ended."""

    container: str


class ExecSyncResult(Body):
    """What the process has written (stdout and stderr), and its exit status."""

    text: str
    code: int


class ListPodSandbox(Body):
    """All sandboxes of this machine."""


class ListPodSandboxResult(Body):
    """All sandboxes, oldest first."""

    sandboxes: tuple[CriSandbox, ...]


class ListContainers(Body):
    """All containers of this machine."""


class ListContainersResult(Body):
    """All containers, oldest first."""

    containers: tuple[CriContainer, ...]


class ListContainerStats(Body):
    """What have the containers of this machine used?"""


class ContainerUsage(Body):
    """What one container has used since its start (µs): CPU ns; bytes in use now; µs in which its limit held it back; requests
    that it has served (ours: its program's own count)."""

    uid: str
    name: str
    started_at: int
    cpu: int
    memory: int
    throttled: int
    served: int


class ListContainerStatsResult(Body):
    """At an instant (µs): of the machine CPU ns since the world began, and bytes in use (in reality the kubelet reads these
    from cgroups itself); then each container that runs. The process that holds a sandbox has the name ``POD``."""

    at: int
    cpu: int
    memory: int
    containers: tuple[ContainerUsage, ...]


class GetContainerEvents(Body):
    """Tell me from now on what happens to containers (evented PLEG, KEP-3386)."""


class ContainerEvent(Body):
    """Something happened to a container: CONTAINER_STARTED_EVENT, CONTAINER_STOPPED_EVENT, or CONTAINER_READY_EVENT (ours)."""

    kind: str
    container: CriContainer


class SandboxEvent(Body):
    """A sandbox is not ready any more: its pause process has ended."""

    sandbox: CriSandbox


class NetworkReady(Body):
    """The runtime has found the configuration of a network plugin: its condition NetworkReady is true now."""


class Done(Body):
    """The request was carried out; there is nothing to tell."""


class RpcError(Body):
    """A gRPC error: code (``NotFound``, ``Unknown``, ``Unavailable``) and description."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"rpc error: code = {self.code} desc = {self.message}"


class Kill(Body):
    """From outside, to the runtime: end a container's process at once (SIGKILL). ``container``: an id or its start,
    ``namespace/pod`` or ``namespace/pod/container``."""

    container: str
