"""The base of every client of the API server: it lists, watches, is told of changes, and sends requests.

A component knows only what its informers hold. When the connection is gone it lists again; when the API server is away it
waits and tries again, and acts on what it last knew.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.informer import Change, Informer, key_of
from k8s_tutor.api.wire import Request, Response, WatchEnd, WatchFrame
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context

TIMEOUT = 32 * SECOND
"""How long a component waits for an answer of the API server."""


class Access(Body):
    """Configuration of a client: the process that serves the API (``lb`` or ``api-1``), who the client is, and the Unix
    second at which the world's clock began."""

    api: str
    user: str
    epoch: int = 1_767_225_600


class Relist(Body):
    """A component's own timer: list this kind again."""

    kind: str


class Component(Calling):
    """One process that works through the API server. Subclasses make their `Informer`s in ``__init__`` as attributes."""

    config: Any
    """An `Access`, or a subclass with more fields."""

    def start(self, ctx: Context) -> None:
        for informer in self.informers():
            self._list(ctx, informer)

    def informers(self) -> list[Informer]:
        """All informers of this component."""
        return [value for value in self.__dict__.values() if isinstance(value, Informer)]

    @property
    def synced(self) -> bool:
        """Whether every informer has listed once."""
        return all(informer.synced for informer in self.informers())

    # ------------------------------------------------------------------ for subclasses

    def changed(self, ctx: Context, change: Change) -> None:
        """Called for each object that was added, modified or deleted, as far as this component hears of it."""

    def ready(self, ctx: Context) -> None:
        """Called when the last informer has listed for the first time in this life."""

    def event(self, ctx: Context, src: str, body: Any) -> None:
        """Called for all other messages and timers."""

    # ------------------------------------------------------------------ requests

    def request(
        self, ctx: Context, method: str, path: str, tree: Any = None, then: str = "done", args: tuple[Any, ...] = (),
        query: tuple[tuple[str, str], ...] = (), content_type: str = "application/json",
    ) -> int:  # fmt: skip
        """Sends one API request; ``self.<then>(ctx, answer, *args)`` gets a `Response` or a `CallFailed`."""
        body = b"" if tree is None else msgspec.json.encode(tree)
        request = Request(method, path, query, body, content_type, user=self.config.user, agent=self.agent)
        return self.ask(ctx, self.config.api, request, then, args, TIMEOUT)

    def done(self, ctx: Context, answer: Response | CallFailed, *args: Any) -> None:
        """Takes the answer of a request that nobody waits for."""

    @property
    def agent(self) -> str:
        """User-Agent: ``kube-scheduler`` for the process ``scheduler-1``."""
        return "kube-" + self.name.rstrip("0123456789").rstrip("-")

    # ------------------------------------------------------------------ list and watch

    def _list(self, ctx: Context, informer: Informer) -> None:
        informer.watch = 0
        query = (*self._selectors(informer), ("limit", "500"), ("resourceVersion", "0"))
        self.request(ctx, "GET", informer.root, None, "_listed", (informer.kind,), query)

    def _selectors(self, informer: Informer) -> tuple[tuple[str, str], ...]:
        pairs = (("fieldSelector", informer.field_selector), ("labelSelector", informer.label_selector))
        return tuple(pair for pair in pairs if pair[1])

    def informer(self, kind: str) -> Informer:
        """The informer of a kind."""
        return next(informer for informer in self.informers() if informer.kind == kind)

    def _listed(self, ctx: Context, answer: Response | CallFailed, kind: str) -> None:
        informer = self.informer(kind)
        if not isinstance(answer, Response) or answer.code != 200:
            ctx.after(informer.backoff(), Relist(kind), work=False)
            return
        was_synced = self.synced
        changes = informer.replace(answer.body)
        if changes:
            ctx.decide()
        self._watch(ctx, informer)
        if self.synced and not was_synced:
            self.ready(ctx)
        for change in changes:
            self.changed(ctx, change)

    def _watch(self, ctx: Context, informer: Informer) -> None:
        query = (
            *self._selectors(informer), ("watch", "true"), ("allowWatchBookmarks", "true"),
            ("resourceVersion", str(informer.revision)),
        )  # fmt: skip
        informer.watch = self.request(ctx, "GET", informer.root, None, "_watching", (informer.kind,), query)

    def _watching(self, ctx: Context, answer: Response | CallFailed, kind: str) -> None:
        informer = self.informer(kind)
        if not isinstance(answer, Response) or answer.code != 200:
            informer.watch = 0
            ctx.after(informer.backoff(), Relist(kind), work=False)

    def _frame(self, ctx: Context, frame: WatchFrame) -> None:
        informer = next((found for found in self.informers() if found.watch == frame.watch), None)
        if informer is None:
            return
        if frame.type == "ERROR":
            self._list(ctx, informer)
            return
        informer.revision = frame.revision
        if frame.type == "BOOKMARK":
            return
        key = key_of(frame.object)
        self.changed(ctx, informer.delete(key) if frame.type == "DELETED" else informer.put(key, frame.object))

    # ------------------------------------------------------------------ messages

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, WatchFrame):
            self._frame(ctx, body)
        elif isinstance(body, WatchEnd):
            for informer in self.informers():
                if informer.watch == body.watch:
                    self._list(ctx, informer)
        elif isinstance(body, Relist):
            self._list(ctx, self.informer(body.kind))
        else:
            self.event(ctx, src, body)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer != self.config.api:
            return
        for informer in self.informers():
            if informer.watch:
                informer.watch = 0
                ctx.after(informer.backoff(), Relist(informer.kind), work=False)
