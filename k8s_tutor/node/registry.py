"""The image registry: it knows manifests and hands out blobs, no faster than its cable to each client allows, to whom it knows,
and not too often."""

from __future__ import annotations

from typing import Any

from k8s_tutor.node.images import ANY, Image, Layer, Reference, assumed, manifest_digest
from k8s_tutor.node.programs import Program, of_tag
from k8s_tutor.sim import SECOND, Actor, Body, Call, Context, Reply

WINDOW = 6 * 3600 * SECOND
"""Pulls of one client are counted over this time (Docker Hub: 100 in six hours for who has no account)."""


class RegistryConfig(Body):
    """The images, how many bytes a second one client gets, and how many manifests one client without a login gets in `WINDOW`
    (0: as many as it likes)."""

    images: tuple[Image, ...]
    bandwidth: int = 30_000_000
    assume: bool = False
    """Images that nobody described are taken to exist and to serve."""
    limit: int = 0


class GetManifest(Body):
    """GET /v2/<repository>/manifests/<tag or digest>: what is this image made of? ``login``: ``user:password``."""

    reference: Reference
    login: str = ""


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
    """A refusal: HTTP code, and the registry's error code (``MANIFEST_UNKNOWN``, ``UNAUTHORIZED``, ``DENIED``,
    ``TOOMANYREQUESTS``)."""

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
        self.pulls: dict[str, tuple[int, ...]] = {}
        """Client without a login → when it got manifests, µs."""

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Deliver):
            ctx.reply(body.client, body.reply)
        elif isinstance(body, Call) and isinstance(body.body, GetManifest):
            ctx.reply(src, Reply(body.id, self._asked(ctx, src, body.body)))
        elif isinstance(body, Call) and isinstance(body.body, GetBlob):
            asked = body.body
            begin = max(ctx.now, self.busy_until.get(src, 0))
            done = begin + asked.length * SECOND // self.config.bandwidth
            self.busy_until[src] = done
            ctx.after(done - ctx.now, Deliver(src, Reply(body.id, Blob(asked.digest, asked.offset, asked.length))))

    def _asked(self, ctx: Context, client: str, asked: GetManifest) -> Manifest | RegistryError:
        if self.config.limit and not asked.login:
            recent = tuple(at for at in self.pulls.get(client, ()) if at > ctx.now - WINDOW)
            if len(recent) >= self.config.limit:
                return RegistryError(429, "TOOMANYREQUESTS")
            self.pulls[client] = (*recent, ctx.now)
        return self.manifest(asked.reference, asked.login)

    def manifest(self, reference: Reference, login: str = "") -> Manifest | RegistryError:
        """What the registry knows about an image. Who may not have it is told no more than that it is not there."""
        image = self.find(reference)
        named = [found for found in self.config.images if found.name == reference.name]
        if any(found.login not in ("", login) for found in named):
            return RegistryError(403, "DENIED")
        if image is None:
            return RegistryError(404, "MANIFEST_UNKNOWN") if named else RegistryError(401, "UNAUTHORIZED")
        program = of_tag(image.program, reference.tag)
        digest = reference.digest or manifest_digest(reference.name, reference.tag)
        return Manifest(digest, image.layers, program)

    def find(self, reference: Reference) -> Image | None:
        """The image of that name and tag or digest, or None."""
        named = [image for image in self.config.images if image.name == reference.name]
        for image in named:
            digests = [manifest_digest(image.name, tag) for tag in image.tags] if reference.digest else []
            if reference.digest in digests or (not reference.digest and (reference.tag in image.tags or ANY in image.tags)):
                return image
        return assumed(reference, Program()) if self.config.assume and not named else None

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        self.busy_until.pop(peer, None)
