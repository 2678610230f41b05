"""The image half of the container runtime: which images are on the machine's disk, and how one gets there.

An image is pulled as: manifest, then each layer that the machine lacks, in steps of about an eighth of the image, so that the
progress can be seen. Layers that another image brought are not fetched again.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node import cri
from k8s_tutor.node.images import Image, Layer, Reference, manifest_digest, parse_reference
from k8s_tutor.node.programs import PAUSE, Program
from k8s_tutor.node.pull_errors import pull_error
from k8s_tutor.node.registry import Blob, GetBlob, GetManifest, Manifest, RegistryError
from k8s_tutor.node.tasks import Spec
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context, Reply, State

STEPS = 8
SMALLEST_STEP = 1_000_000
REGISTRY_TIMEOUT = 60 * SECOND
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"


class RuntimeConfig(Body):
    """Whom the runtime talks to: the process names of registry, shims and CNI plugin; and which runtime it is."""

    registry: str
    shim: str
    cni: str
    kind: str = "containerd"
    """One of `FLAVOURS`."""
    plugin: str = "bridge"
    """The network plugin of this machine. ``bridge`` is configured from the start, all others when their agent has begun."""
    preloaded: tuple[Image, ...] = ()
    """Images that are on the machine's disk from the start."""


class StoredImage(Body):
    """An image on disk. ``size`` is in compressed bytes."""

    name: str
    ref: str
    size: int
    layers: tuple[Layer, ...]
    program: Program


class Pull(Body):
    """An image on its way: ``done`` of ``total`` bytes. ``waiting``: (client, call) of those who asked for it."""

    image: str
    reference: Reference
    waiting: tuple[tuple[str, int], ...]
    started_at: int
    manifest: Manifest | None = None
    missing: tuple[Layer, ...] = ()
    offset: int = 0
    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """How far it is."""
        return self.done * 100 // self.total if self.total else 0


class RuntimeDisk(State):
    """The runtime's files: images, layers, and what it has written down of sandboxes and containers."""

    def __init__(self) -> None:
        self.network = ""
        """The plugin whose configuration lies in ``/etc/cni/net.d``."""
        self.images: dict[str, StoredImage] = {}
        """Full name → image."""
        self.layers: dict[str, int] = {}
        """Digest → bytes."""
        self.sandboxes: dict[str, cri.CriSandbox] = {}
        self.netns: dict[str, str] = {}
        """Id of a sandbox → its network namespace."""
        self.annotations: dict[str, tuple[tuple[str, str], ...]] = {}
        """Id of a sandbox → the annotations that its programs see."""
        self.names: dict[str, tuple[str, str]] = {}
        """Id of a sandbox → its ``resolv.conf`` and its full name."""
        self.containers: dict[str, cri.CriContainer] = {}
        self.programs: dict[str, Program] = {}
        """Id of a container → what its image does."""
        self.specs: dict[str, Spec] = {}
        """Id of a container → how it is run."""


class ImageService(Calling):
    """Pulls images from the registry and keeps them."""

    config: RuntimeConfig
    disk: RuntimeDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else RuntimeDisk())
        self.pulls: dict[str, Pull] = {}
        """Full name → the pull in progress."""
        if self.config.plugin == "bridge":
            self.disk.network = self.config.plugin
        if not self.disk.images:
            self._store(parse_reference(PAUSE_IMAGE), Manifest(manifest_digest(*PAUSE_IMAGE.split(":")), (), PAUSE), 320_000)
            for image in self.config.preloaded:
                for tag in image.tags:
                    reference = msgspec.structs.replace(parse_reference(image.name), tag=tag)
                    self._store(reference, Manifest(manifest_digest(image.name, tag), image.layers, image.program), image.size)

    def find_image(self, text: str) -> StoredImage | None:
        """The image of that name on this machine, or None."""
        return self.disk.images.get(parse_reference(text).full)

    def image_status(self, text: str) -> cri.ImageStatusResult:
        """Whether an image is here."""
        found = self.find_image(text)
        return cri.ImageStatusResult(found.ref, found.size) if found else cri.ImageStatusResult("")

    def remove_image(self, name: str) -> None:
        """Removes an image, and the layers that no other has."""
        self.disk.images.pop(name, None)
        kept = {layer.digest for image in self.disk.images.values() for layer in image.layers}
        for digest in [digest for digest in self.disk.layers if digest not in kept]:
            del self.disk.layers[digest]

    def list_images(self) -> cri.ListImagesResult:
        """All images of the machine."""
        return cri.ListImagesResult(tuple((image.name, image.ref, image.size) for image in self.disk.images.values()))

    # ------------------------------------------------------------------ pulling

    def pull(self, ctx: Context, client: str, call: int, image: str, logins: tuple[tuple[str, str], ...]) -> None:
        """Begins to pull an image, or joins who does already; the client is answered when it is here or has failed."""
        reference = parse_reference(image)
        known = self.pulls.get(reference.full)
        if known is not None:
            self.pulls[reference.full] = msgspec.structs.replace(known, waiting=(*known.waiting, (client, call)))
            return
        self.pulls[reference.full] = Pull(image, reference, ((client, call),), ctx.now)
        ctx.note("image.pulling", image=image)
        manifest = GetManifest(reference, dict(logins).get(reference.host, ""))
        self.ask(ctx, self.config.registry, manifest, "_manifest", (reference.full,), REGISTRY_TIMEOUT)

    def _manifest(self, ctx: Context, answer: Any, name: str) -> None:
        pull = self.pulls[name]
        if not isinstance(answer, Manifest):
            self._failed(ctx, pull, answer)
            return
        missing = tuple(layer for layer in answer.layers if layer.digest not in self.disk.layers)
        total = sum(layer.size for layer in missing)
        self.pulls[name] = msgspec.structs.replace(pull, manifest=answer, missing=missing, total=total)
        self._next_step(ctx, self.pulls[name])

    def _next_step(self, ctx: Context, pull: Pull) -> None:
        """Asks for the next bytes, or finishes."""
        if not pull.missing:
            self._pulled(ctx, pull)
            return
        layer = pull.missing[0]
        length = min(max(pull.total // STEPS, SMALLEST_STEP), layer.size - pull.offset)
        blob = GetBlob(layer.digest, pull.offset, length)
        self.ask(ctx, self.config.registry, blob, "_blob", (pull.reference.full,), REGISTRY_TIMEOUT)

    def _blob(self, ctx: Context, answer: Any, name: str) -> None:
        pull = self.pulls[name]
        if not isinstance(answer, Blob):
            self._failed(ctx, pull, answer)
            return
        layer, offset, missing = pull.missing[0], pull.offset + answer.length, pull.missing
        if offset >= layer.size:
            self.disk.layers[layer.digest] = layer.size
            missing, offset = missing[1:], 0
        pull = msgspec.structs.replace(pull, missing=missing, offset=offset, done=pull.done + answer.length)
        self.pulls[name] = pull
        self._next_step(ctx, pull)

    def _pulled(self, ctx: Context, pull: Pull) -> None:
        assert pull.manifest is not None
        size = sum(layer.size for layer in pull.manifest.layers)
        stored = self._store(pull.reference, pull.manifest, size)
        del self.pulls[pull.reference.full]
        ctx.note("image.pulled", image=pull.image, bytes=pull.total, took=ctx.now - pull.started_at)
        for client, call in pull.waiting:
            ctx.reply(client, Reply(call, cri.PullImageResult(stored.ref, size)))

    def _store(self, reference: Reference, manifest: Manifest, size: int) -> StoredImage:
        ref = f"{reference.name}@{manifest.digest}"
        stored = StoredImage(reference.full, ref, size, manifest.layers, manifest.program)
        self.disk.images[reference.full] = stored
        for layer in manifest.layers:
            self.disk.layers[layer.digest] = layer.size
        return stored

    def _failed(self, ctx: Context, pull: Pull, answer: RegistryError | CallFailed) -> None:
        del self.pulls[pull.reference.full]
        error = pull_error(self.config.kind, pull.reference, answer)
        ctx.note("image.failed", image=pull.image, error=error.message)
        for client, call in pull.waiting:
            ctx.reply(client, Reply(call, error))
