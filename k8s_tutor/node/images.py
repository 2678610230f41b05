"""Container images: names, layers, and what they run. Images are data (``assets/images/*.yaml``); this module knows their
shape, not where they come from.

The data of one file::

    format_version: 1
    images:
      - name: nginx                      # as in a pod; the registry's full name is docker.io/library/nginx
        tags: [latest, "1.27"]           # ["*"]: every tag; []: the name is known, and no tag is
        layers: {debian-12: 28200000, nginx-1.27: 44000000}   # name of a layer → compressed bytes; same name, same layer
        program: {kind: serve, port: 80, start_ms: 300,       # fields of `programs.Program`
                  cpu: 5m, memory: 64Mi, leak: 1Mi, request_us: 200, threads: 2,   # what it uses (see `usage.Load`)
                  metrics: true}                              # it tells Prometheus of itself at /metrics
        modes: {liveness: {sick_after_ms: 10000}}             # what is different with this word as its first argument
        login: ada:secret                                     # who may have it (imagePullSecrets); without: everybody
        entrypoint: [/docker-entrypoint.sh]                   # ENTRYPOINT and CMD: a line that is split, or a list
        cmd: nginx -g 'daemon off;'
        tools: debian+curl                                    # what else is in the image (see `toolbox`)
        env: {NGINX_VERSION: 1.29.3}
        files: {/etc/nginx/nginx.conf: "..."}
        answers: {nginx -v: "nginx version: nginx/1.29.3"}    # what further commands print
        logs: {start: [...], ready: [...], request: "...", stop: [...], exit: [...],
               taken: [...]}                                  # with {placeholders} (see `speech`)
        http: {server: nginx, root: /usr/share/nginx/html, pages: {/healthz: ok}, missing: "...",
               live: [/healthz], ready: [/readyz]}            # paths whose answers tell its health (see `programs.Site`)
"""

from __future__ import annotations

import re
import shlex
from hashlib import sha256
from typing import Any

import msgspec

from k8s_tutor.api import quantity
from k8s_tutor.node.programs import LIVE_PATHS, READY_PATHS, Program, Site, Speech
from k8s_tutor.node.toolbox import BOXES
from k8s_tutor.node.usage import Load
from k8s_tutor.sim import Body

FORMAT_VERSION = 1
ANY = "*"
"""Among the tags of an image: it has every tag."""
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"[a-zA-Z0-9.-]+(?::\d+)?")


class Reference(Body):
    """An image's name taken apart, with what Docker's rules fill in."""

    host: str
    repository: str
    tag: str
    digest: str = ""
    """``sha256:...`` when the image is named by its content; then there is no tag."""

    @property
    def name(self) -> str:
        """``docker.io/library/nginx``."""
        return f"{self.host}/{self.repository}"

    @property
    def full(self) -> str:
        """``docker.io/library/nginx:1.27``, or ``docker.io/library/nginx@sha256:...``."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"

    @property
    def familiar(self) -> str:
        """``nginx``: without what was filled in."""
        if self.host != "docker.io":
            return self.name
        return self.repository.removeprefix("library/")


def parse_reference(text: str) -> Reference:
    """``nginx`` → docker.io, library/nginx, latest. Raises ValueError with the words of distribution/reference."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host, path = first, rest
    else:
        host, path = "docker.io", text if slash else f"library/{text}"
    path, at, content = path.partition("@")
    repository, _, tag = path.partition(":")
    if repository.lower() != repository:
        raise ValueError("invalid reference format: repository name must be lowercase")
    good = _HOST.fullmatch(host) and _REPOSITORY.fullmatch(repository) and (not tag or _TAG.fullmatch(tag))
    if not text or not good or path.endswith(":") or (at and not _DIGEST.fullmatch(content)):
        raise ValueError("invalid reference format")
    return Reference(host, repository, "" if content else tag or "latest", content)


class Layer(Body):
    """One layer of an image: its digest, and how many compressed bytes travel."""

    digest: str
    size: int


class Image(Body):
    """One repository of a registry: its full name, its tags, its layers and what it runs."""

    name: str
    tags: tuple[str, ...]
    layers: tuple[Layer, ...]
    program: Program = Program()
    login: str = ""
    """``user:password`` without which nobody gets it; empty: everybody does."""

    @property
    def size(self) -> int:
        """Compressed bytes of all layers."""
        return sum(layer.size for layer in self.layers)


def digest(text: str) -> str:
    """A digest as registries write it, of a name that stands for the content."""
    return "sha256:" + sha256(text.encode()).hexdigest()


def manifest_digest(name: str, tag: str) -> str:
    """The digest of an image's manifest."""
    return digest(f"manifest {name}:{tag}")


def layer(name: str, size: int) -> Layer:
    """The layer of that name."""
    return Layer(digest(f"layer {name}"), size)


def assumed(reference: Reference, program: Program) -> Image:
    """An image that nobody described: one small layer of its own."""
    return Image(reference.name, (reference.tag,), (layer(reference.full, 4_000_000),), program)


class _ImageTree(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    layers: dict[str, int]
    tags: tuple[str, ...] = ("latest",)
    program: dict[str, Any] = {}
    modes: dict[str, dict[str, Any]] = {}
    login: str = ""
    entrypoint: str | list[str] = ""
    cmd: str | list[str] = ""
    tools: str = ""
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    answers: dict[str, str] = {}
    logs: dict[str, Any] = {}
    http: dict[str, Any] | None = None


class _ProgramTree(msgspec.Struct, forbid_unknown_fields=True):
    kind: str = "serve"
    start_ms: int = 500
    port: int = 0
    ports: tuple[int, ...] = ()
    exit_after_ms: int = 0
    exit_code: int = 0
    exit_tag: bool = False
    stop_ms: int = 400
    stop_code: int = 0
    readiness: str = "program"
    warm_ms: int = 0
    sick_after_ms: int = 0
    hang_after_ms: int = 0
    grpc: bool = False
    process: str = ""
    cpu: str | int = "1m"
    memory: str | int = "8Mi"
    leak: str | int = 0
    request_us: int = 100
    threads: int = 1
    metrics: bool = False


_USAGE = ("cpu", "memory", "leak", "request_us", "threads")
"""Fields of a program that say what it uses."""


class _LogsTree(msgspec.Struct, forbid_unknown_fields=True):
    start: list[str] = []
    ready: list[str] = []
    request: str = ""
    stop: list[str] = []
    exit: list[str] = []
    taken: list[str] = []


class _HttpTree(msgspec.Struct, forbid_unknown_fields=True):
    server: str = ""
    root: str = ""
    pages: dict[str, str] = {}
    missing: str = "404 page not found\n"
    live: tuple[str, ...] = LIVE_PATHS
    ready: tuple[str, ...] = READY_PATHS


class _FileTree(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    images: list[_ImageTree]


def from_tree(tree: dict[str, Any]) -> tuple[Image, ...]:
    """The images of one file's data. Raises ValueError that says what is wrong, and where (``$.images[0].layers``)."""
    try:
        found = msgspec.convert(tree, _FileTree)
        if found.format_version != FORMAT_VERSION:
            raise ValueError(f"format_version {found.format_version} is not known; this version reads {FORMAT_VERSION}")
        return tuple(_image(row) for row in found.images)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _image(row: _ImageTree) -> Image:
    program = msgspec.convert(row.program, _ProgramTree)
    if program.kind not in ("serve", "exit"):
        raise ValueError(f"image {row.name}: program.kind must be serve or exit, not {program.kind}")
    if program.readiness not in ("program", "never", "annotation"):
        raise ValueError(f"image {row.name}: program.readiness must be program, never or annotation, not {program.readiness}")
    box = row.tools.split("+")[0]
    if box and box not in BOXES:
        raise ValueError(f"image {row.name}: tools {box} is not known; choose among {', '.join(BOXES)}, with +tool behind it")
    layers = tuple(layer(name, size) for name, size in row.layers.items())
    entrypoint, cmd = _words(row.entrypoint), _words(row.cmd)
    name = parse_reference(row.name).name
    found = Program(
        **_behaviour(program), load=_load(row.name, program),
        entrypoint=entrypoint, cmd=cmd or (() if entrypoint else (name.rsplit("/", 1)[-1],)),
        tools=row.tools, env=tuple(row.env.items()), files=tuple(row.files.items()),
        answers=tuple((line, text if not text or text.endswith("\n") else text + "\n") for line, text in row.answers.items()),
        speech=_speech(row.logs), site=_site(row.http), modes=_modes(row),
    )  # fmt: skip
    return Image(name, tuple(row.tags), layers, found, row.login)


def _modes(row: _ImageTree) -> tuple[tuple[str, Program], ...]:
    return tuple(
        (word, _image(msgspec.structs.replace(row, program={**row.program, **fields}, modes={})).program)
        for word, fields in row.modes.items()
    )  # fmt: skip


def _behaviour(program: _ProgramTree) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(program).items() if name not in _USAGE}


def _load(name: str, program: _ProgramTree) -> Load:
    for field in ("request_us", "threads"):
        if getattr(program, field) < (field == "threads"):
            raise ValueError(f"image {name}: program.{field} must be {'1 or more' if field == 'threads' else '0 or more'}")
    try:
        cpu, memory, leak = quantity.milli(program.cpu), quantity.value(program.memory), quantity.value(program.leak)
    except ValueError as error:
        raise ValueError(f"image {name}: program.cpu, memory and leak are quantities such as 50m and 64Mi: {error}") from None
    return Load(cpu, memory, leak, program.request_us * 1_000, program.threads)


def _words(line: str | list[str]) -> tuple[str, ...]:
    return tuple(shlex.split(line)) if isinstance(line, str) else tuple(line)


def _speech(tree: dict[str, Any]) -> Speech:
    found = msgspec.convert(tree, _LogsTree)
    taken = tuple(found.taken) or Speech().taken
    return Speech(tuple(found.start), tuple(found.ready), found.request, tuple(found.stop), tuple(found.exit), taken)


def _site(tree: dict[str, Any] | None) -> Site | None:
    if tree is None:
        return None
    found = msgspec.convert(tree, _HttpTree)
    return Site(found.server, found.root, tuple(found.pages.items()), found.missing, found.live, found.ready)
