"""What runtimes say of a pull that failed: each in its own words.

Sources: containerd core/remotes/docker; CRI-O internal/storage/image.go and containers/image; moby
daemon/containerd/image_pull.go (Docker Engine 29 keeps its images in containerd's store, and so
has much of containerd's words).
"""

from __future__ import annotations

from k8s_tutor.node import cri
from k8s_tutor.node.images import Reference
from k8s_tutor.node.registry import RegistryError
from k8s_tutor.sim import CallFailed

LIMITED, MISSING, UNAUTHORIZED, DENIED, UNREACHABLE = "limited", "missing", "unauthorized", "denied", "unreachable"
RATE_LIMIT = "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"


def pull_error(kind: str, reference: Reference, answer: RegistryError | CallFailed) -> cri.RpcError:
    """The error with which the runtime ``kind`` answers the kubelet."""
    why = _why(reference, answer)
    dial = f"dial tcp: {'i/o timeout' if answer.reason == 'timeout' else 'connect: connection refused'}"
    if kind == "cri-o":
        return _crio(reference, why, dial)
    if kind == "docker":
        return _docker(reference, why, dial)
    return _containerd(reference, why, dial)


def _why(reference: Reference, answer: RegistryError | CallFailed) -> str:
    if not isinstance(answer, RegistryError):
        return UNREACHABLE
    if answer.code == 429:
        return LIMITED
    if answer.reason == "MANIFEST_UNKNOWN" or (reference.host != "docker.io" and answer.code != 403):
        return MISSING
    return DENIED if reference.host == "docker.io" else UNAUTHORIZED


def _host(reference: Reference) -> str:
    return "registry-1.docker.io" if reference.host == "docker.io" else reference.host


def _url(reference: Reference) -> str:
    return f"https://{_host(reference)}/v2/{reference.repository}/manifests/{reference.digest or reference.tag}"


def _resolving(reference: Reference, why: str, dial: str) -> str:
    """The words of containerd's resolver, which dockerd uses too."""
    prefix = f'failed to resolve reference "{reference.full}": '
    if why == MISSING:
        return f"{prefix}{reference.full}: not found"
    if why == UNAUTHORIZED:
        return f"{prefix}unexpected status from HEAD request to {_url(reference)}: 401 Unauthorized"
    return f'{prefix}failed to do request: Head "{_url(reference)}": {dial}'


def _containerd(reference: Reference, why: str, dial: str) -> cri.RpcError:
    prefix = f'failed to pull and unpack image "{reference.full}": '
    if why == LIMITED:
        return cri.RpcError("Unknown", (
            f"{prefix}failed to copy: httpReadSeeker: failed open: unexpected status code {_url(reference)}: "
            f"429 Too Many Requests - Server message: toomanyrequests: {RATE_LIMIT}"
        ))  # fmt: skip
    if why == DENIED:
        return cri.RpcError("Unknown", (
            f'{prefix}failed to resolve reference "{reference.full}": pull access denied, repository does not exist or may '
            "require authorization: server message: insufficient_scope: authorization failed"
        ))  # fmt: skip
    return cri.RpcError("NotFound" if why == MISSING else "Unknown", prefix + _resolving(reference, why, dial))


def _crio(reference: Reference, why: str, dial: str) -> cri.RpcError:
    """CRI-O tries an image first and an OCI artifact then, and tells of both."""
    tag = reference.digest or reference.tag
    reading = f"reading manifest {tag} in {reference.name}: "
    host = _host(reference)
    said = {
        LIMITED: f"{reading}toomanyrequests: {RATE_LIMIT}",
        MISSING: f"{reading}manifest unknown",
        UNAUTHORIZED: f"{reading}unauthorized: authentication required",
        DENIED: f"{reading}requested access to the resource is denied",
        UNREACHABLE: f'pinging container registry {host}: Get "https://{host}/v2/": {dial}',
    }[why]
    source = f"{reference.familiar}@{tag}" if reference.digest else f"{reference.familiar}:{tag}"
    return cri.RpcError("Unknown", (
        f"unable to pull image or OCI artifact: pull image err: initializing source docker://{source}: {said}; "
        f"artifact err: get manifest: build image source: {said}"
    ))  # fmt: skip


def _docker(reference: Reference, why: str, dial: str) -> cri.RpcError:
    """dockerd's answer, as cri-dockerd hands it on."""
    if why == LIMITED:
        said = f"error from registry: {RATE_LIMIT}"
    elif why == DENIED:
        said = f"pull access denied for {reference.familiar}, repository does not exist or may require 'docker login'"
    else:
        said = _resolving(reference, why, dial)
    return cri.RpcError("Unknown", f"Error response from daemon: {said}")
