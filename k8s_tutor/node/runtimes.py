"""The container runtimes behind the CRI: what each is called, where it listens, and of which processes it is made.

containerd and CRI-O speak the CRI themselves. Docker Engine does not: until Kubernetes 1.23 an adapter inside the kubelet,
dockershim, stood between them; since 1.24, where it was removed, cri-dockerd is that adapter, a process of its own. So with
docker a request passes cri-dockerd, dockerd and containerd before it comes to a shim.
"""

from __future__ import annotations

from typing import NamedTuple


class Flavour(NamedTuple):
    """One runtime. ``name`` is the scheme of container ids and what the runtime answers to Version."""

    name: str
    version: str
    socket: str
    """Where the kubelet finds it."""
    processes: tuple[str, ...]
    """Its processes on a machine: first the one that the kubelet talks to."""
    keeper: str
    """The process that has the images, and the books of sandboxes and containers."""
    no_start: str
    """What stands before runc's words when a container's process could not be started; ``{id}``: the container's."""
    restores: bool = True
    """Whether containers go on when the keeper starts again. dockerd ends them, unless it is told to ``--live-restore``."""


DOCKER_SOCKET = "/var/run/docker.sock"
"""Where dockerd listens."""
FLAVOURS = {
    one.name: one
    for one in (
        Flavour(
            "containerd", "2.1.4", "/run/containerd/containerd.sock", ("containerd",), "containerd",
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: ",
        ),
        Flavour("cri-o", "1.36.0", "/var/run/crio/crio.sock", ("crio",), "crio", "container create failed: "),
        Flavour(
            "docker", "29.1.3", "/var/run/cri-dockerd.sock", ("cri-dockerd", "dockerd", "containerd"), "dockerd",
            'failed to start container "{id}": Error response from daemon: failed to create task for container: '
            "failed to create shim task: OCI runtime create failed: ", restores=False,
        ),
    )
}  # fmt: skip


def image_id(kind: str, ref: str) -> str:
    """How a runtime names an image by its content. ``ref``: ``docker.io/library/nginx@sha256:...``."""
    if kind != "docker":
        return ref
    return f"docker-pullable://{ref.removeprefix('docker.io/').removeprefix('library/')}"


__all__ = ["DOCKER_SOCKET", "FLAVOURS", "Flavour", "image_id"]
