"""The image registry: it knows manifests and hands out blobs, no faster than its cable to each client allows."""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.images import ANY, Image, Layer, Reference, assumed, manifest_digest
from k8s_tutor.node.programs import Program, of_tag
from k8s_tutor.sim import SECOND, Actor, Body, Call, Context, Reply


class RegistryConfig(Body):
    """The images, and how many bytes a second one client gets."""

    images: tuple[Image, ...]
    bandwidth: int = 30_000_000
    assume: bool = False
    """Images that nobody described are taken to exist and to serve."""


class GetManifest(Body):
    """GET /v2/<repository>/manifests/<tag>: what is this image made of?"""

    reference: Reference


class Manifest(Body):
    """The answer to `GetManifest`: digest, layers, and what the image runs."""

    digest: str
    layers: tuple[Layer, ...]
    program: Program


class GetBlob(Body):
    """GET /v2/<repository>/blobs/<digest> with a Range: some bytes of a layer."""

    digest: str
    offset: int
    length: int


class Blob(Body):
    """The answer to `GetBlob`; the bytes themselves are not simulated, the time that they take is."""

    digest: str
    offset: int
    length: int


class RegistryError(Body):
    """A refusal: HTTP code, and the registry's error code (``MANIFEST_UNKNOWN``, ``NAME_UNKNOWN``)."""

    code: int
    reason: str


class Deliver(Body):
    """The registry's own timer: the last byte of a blob has left for this client."""

    client: str
    reply: Reply


class Registry(Actor):
    """The process ``registry``. Config: `RegistryConfig`."""

    config: RegistryConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.busy_until: dict[str, int] = {}
        """Client → when the cable to it is free again, µs."""

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Deliver):
            ctx.reply(body.client, body.reply)
        elif isinstance(body, Call) and isinstance(body.body, GetManifest):
            ctx.reply(src, Reply(body.id, self.manifest(body.body.reference)))
        elif isinstance(body, Call) and isinstance(body.body, GetBlob):
            asked = body.body
            begin = max(ctx.now, self.busy_until.get(src, 0))
            done = begin + asked.length * SECOND // self.config.bandwidth
            self.busy_until[src] = done
            ctx.after(done - ctx.now, Deliver(src, Reply(body.id, Blob(asked.digest, asked.offset, asked.length))))

    def manifest(self, reference: Reference) -> Manifest | RegistryError:
        """What the registry knows about an image."""
        image = self.find(reference)
        if image is None:
            known = any(found.name == reference.name for found in self.config.images)
            return RegistryError(404, "MANIFEST_UNKNOWN") if known else RegistryError(401, "UNAUTHORIZED")
        program = of_tag(image.program, reference.tag)
        return Manifest(manifest_digest(reference.name, reference.tag), image.layers, program)

    def find(self, reference: Reference) -> Image | None:
        """The image of that name and tag, or None."""
        named = [image for image in self.config.images if image.name == reference.name]
        for image in named:
            if reference.tag in image.tags or ANY in image.tags:
                return image
        return assumed(reference, Program()) if self.config.assume and not named else None

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        self.busy_until.pop(peer, None)
