"""Controllers at work in a process: each with its own queue, one key a message, its requests sent in batches.

The controller manager runs all built-in controllers this way, an operator runs its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.election import Election
from k8s_tutor.api.throttle import Throttled
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers.base import Controller
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.recorder import Recorder
from k8s_tutor.controllers.requests import MERGE, Event, Write
from k8s_tutor.sim import Body, CallFailed, Context

PATIENCE = 3
"""After so many failures in a row, trying again is housekeeping until it succeeds."""
NOTED = 10
"""So many requests of one decision are named in its note, and kept of a look."""


class Next(Body):
    """The process's message to itself: this controller takes the next key of its queue."""

    controller: str


class Tick(Body):
    """Time for a controller's periodic look."""

    controller: str
    reign: int


class Again(Body):
    """Put this key into the controller's queue."""

    controller: str
    key: str
    reign: int


class Errand(NamedTuple):
    """The requests that one look has led to, as far as they are still to be sent or answered."""

    batches: tuple[tuple[Write, ...], ...]
    last: tuple[Write, ...]
    open: int = 0
    """Requests of the current batch that wait for their answer."""
    failed: bool = False
    """Whether a request was refused."""
    troubled: bool = False
    """Whether the look itself could not be finished: try again soon."""
    again: int | None = None
    revisions: tuple[tuple[str, str], ...] = ()
    """resourceVersion of each object that this errand has written."""


class Look(NamedTuple):
    """What a controller's latest look at a key led to."""

    key: str
    at: int
    """µs since the world began."""
    requests: tuple[str, ...]
    """``POST Pod``: the first `NOTED` of them."""
    total: int
    """How many there were."""
    number: int
    """Which of all looks in this reign it is, from 1."""


class Failure(NamedTuple):
    """A request of a controller that was refused, or got no answer."""

    key: str
    at: int
    request: str
    text: str
    """What the API server said."""


class Runner(Throttled):
    """A process whose controllers work while it holds its Lease. They forget everything when it is lost."""

    def __init__(self, name: str, config: Any, disk: Any, lease: str) -> None:
        super().__init__(name, config, disk)
        self.election = Election(lease)
        self.recorder = Recorder()
        self.working = False
        """Whether it holds the lease and knows what its controllers need."""
        self.errands: dict[tuple[str, str], Errand] = {}
        self.waits: dict[tuple[str, str], tuple[int, int]] = {}
        """(controller, key) → (when it comes into its queue, µs; timer)."""
        self.looks: dict[str, Look] = {}
        """The latest look of each controller."""
        self.deeds: dict[str, Look] = {}
        """The latest look of each that has led to requests."""
        self.failures: dict[str, Failure] = {}
        """The latest request of each controller that failed."""

    # ------------------------------------------------------------------ for subclasses

    def fresh(self) -> None:
        """Controllers that know nothing yet."""
        self.errands, self.waits, self.looks, self.deeds, self.failures = {}, {}, {}, {}, {}

    def controllers(self) -> list[Controller]:
        """All controllers, in the order in which they hear of changes."""
        raise NotImplementedError

    @property
    def stores(self) -> Any:
        """What is known; handed to the controllers."""
        raise NotImplementedError

    # ------------------------------------------------------------------ beginning and ending

    def controller(self, name: str) -> Controller:
        """The controller of that name."""
        return next(found for found in self.controllers() if found.name == name)

    def _clock(self, ctx: Context) -> Clock:
        return Clock(ctx.now, self.config.epoch)

    def begin(self, ctx: Context) -> None:
        """Starts to work, if it leads and knows enough and does not work yet."""
        if self.working or not self.election.leading or not self.synced:
            return
        self.working = True
        self.reign += 1
        self.fresh()
        stores, clock = self.stores, self._clock(ctx)
        for controller in self.controllers():
            for key in controller.begin(stores, clock):
                self._add(ctx, controller, key)
            if controller.period:
                ctx.after(controller.period, Tick(controller.name, self.reign), work=False)

    def lost(self, ctx: Context) -> None:
        self.working = False
        self.reign += 1
        self.fresh()

    # ------------------------------------------------------------------ what it hears

    def _add(self, ctx: Context, controller: Controller, key: str) -> None:
        if controller.queue.add(key):
            ctx.after(0, Next(controller.name))

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Next):
            if self.working:
                self._next(ctx, self.controller(body.controller))
        elif isinstance(body, Tick):
            if body.reign == self.reign:
                self._tick(ctx, self.controller(body.controller))
        elif isinstance(body, Again):
            if body.reign == self.reign:
                self.waits.pop((body.controller, body.key), None)
                self._add(ctx, self.controller(body.controller), body.key)
        else:
            super().event(ctx, src, body)

    def _tick(self, ctx: Context, controller: Controller) -> None:
        ctx.after(controller.period, Tick(controller.name, self.reign), work=False)
        for key in controller.tick(self.stores, self._clock(ctx)):
            self._add(ctx, controller, key)

    # ------------------------------------------------------------------ one look at one key

    def _next(self, ctx: Context, controller: Controller) -> None:
        queue = controller.queue
        if len(queue.busy) >= controller.workers:
            queue.stalled += 1
            return
        key = queue.take()
        if key is None:
            return
        decision = controller.sync(self.stores, key, self._clock(ctx))
        writes = decision.writes
        acts = bool(decision.events or decision.notes or any(not write.asking for write in writes))
        if acts and queue.failures.get(key, 0) < PATIENCE:
            ctx.decide()
        requests = tuple(f"{write.method} {write.kind}" for write in writes[:NOTED])
        before = self.looks.get(controller.name)
        look = self.looks[controller.name] = Look(key, ctx.now, requests, len(writes), before.number + 1 if before else 1)
        if writes:
            self.deeds[controller.name] = look
            ctx.note("controller.decided", controller=controller.name, key=key, requests=requests)
        for kind, fields in decision.notes:
            ctx.note(kind, **fields)
        for event in decision.events:
            self._record(ctx, controller, event)
        self.errands[controller.name, key] = Errand(
            decision.batches, decision.last, troubled=decision.failed, again=decision.again
        )
        self._advance(ctx, controller, key)

    def _advance(self, ctx: Context, controller: Controller, key: str) -> None:
        """Sends the next batch of an errand, or ends it."""
        errand = self.errands[controller.name, key]
        if errand.failed:
            errand = errand._replace(batches=())
        if errand.batches:
            batch, rest = errand.batches[0], errand._replace(batches=errand.batches[1:])
        elif errand.last:
            batch, rest = errand.last[:1], errand._replace(last=errand.last[1:])
        else:
            self._finish(ctx, controller, key, errand)
            return
        self.errands[controller.name, key] = rest._replace(open=len(batch))
        for write in batch:
            tree = _current(write, dict(errand.revisions))
            args = (controller.name, key, write, self.reign)
            self.say(
                ctx, controller.throttle, write.method, write.path, tree, "_answered_write", args, write.query,
                write.content_type,
            )  # fmt: skip

    def _answered_write(
        self, ctx: Context, answer: Response | CallFailed, name: str, key: str, write: Write, reign: int
    ) -> None:
        if reign != self.reign:
            return
        controller = self.controller(name)
        errand = self.errands[name, key]
        ok = succeeded(write, answer)
        found: dict[str, Any] = {}
        if isinstance(answer, Response):
            found = scheme.tree(answer.body) if answer.body and answer.content_type == "application/json" else {}
        if ok and write.method != "GET":
            ctx.decide()
        if not ok:
            text = str(found.get("message", "")) if isinstance(answer, Response) else "no answer from the API server"
            self.failures[name] = Failure(key, ctx.now, f"{write.method} {write.kind}", text)
        event = write.done if ok else write.failed
        if isinstance(answer, Response) and answer.code == 409:
            event = None
        if event is not None:
            named = event.text.replace("{name}", found.get("metadata", {}).get("name", ""))
            error = found.get("message", "") if found else "timed out"
            self._record(ctx, controller, event._replace(text=named.replace("{error}", error)))
        own = ok and not write.uid and found.get("kind") == write.kind
        revision = found.get("metadata", {}).get("resourceVersion", "") if own else ""
        revisions = {**dict(errand.revisions), write.about: revision} if revision else dict(errand.revisions)
        self.errands[name, key] = errand = errand._replace(
            open=errand.open - 1, failed=errand.failed or not ok, revisions=tuple(revisions.items())
        )
        controller.answered(key, write, answer, self._clock(ctx))
        if not errand.open:
            self._advance(ctx, controller, key)

    def _finish(self, ctx: Context, controller: Controller, key: str, errand: Errand) -> None:
        del self.errands[controller.name, key]
        queue = controller.queue
        again = controller.finished(key, not errand.failed)
        if errand.failed or errand.troubled:
            delay = queue.failed(key, ctx.now)
            self._wait(ctx, controller, key, delay, False if queue.failures[key] >= PATIENCE else None)
        else:
            queue.forget(key)
            if again:
                queue.add(key)
            elif errand.again is not None:
                self._wait(ctx, controller, key, errand.again, False)
        if queue.finish(key):
            ctx.after(0, Next(controller.name))
        if queue.stalled:
            queue.stalled -= 1
            ctx.after(0, Next(controller.name))

    def _wait(self, ctx: Context, controller: Controller, key: str, delay: int, work: bool | None) -> None:
        """Puts a key into its queue after a while; of several waits of one key the first to end counts."""
        place, due = (controller.name, key), ctx.now + delay
        if place in self.waits:
            before, timer = self.waits[place]
            if before <= due:
                return
            ctx.cancel(timer)
        self.waits[place] = due, ctx.after(delay, Again(*place, self.reign), work=work)

    def _record(self, ctx: Context, controller: Controller, event: Event) -> None:
        kind = "Warning" if event.warning else "Normal"
        source = controller.source or controller.name
        record = self.recorder.record(source, event.about, kind, event.reason, event.text, self._clock(ctx))
        if record is not None:
            form = MERGE if record.method == "PATCH" else "application/json"
            self.say(ctx, controller.throttle, record.method, record.path, record.tree, content_type=form)


def succeeded(write: Write, answer: Response | CallFailed) -> bool:
    """Whether a request has done its work: also a DELETE of what is gone, and a POST into a namespace that ends."""
    if write.asking:
        return True
    if not isinstance(answer, Response):
        return False
    if write.uid:
        metadata = scheme.tree(answer.body).get("metadata", {}) if answer.code == 200 else {}
        return metadata.get("uid") == write.uid and "deletionTimestamp" not in metadata
    if answer.code < 300:
        return True
    if write.method == "GET":
        return answer.code == 404
    if write.method == "DELETE" and answer.code == 404:
        return True
    if write.method == "POST" and answer.code == 403:
        details = msgspec.json.decode(answer.body).get("details", {})
        return any(cause.get("reason") == "NamespaceTerminating" for cause in details.get("causes", ()))
    return False


def _current(write: Write, revisions: dict[str, str]) -> Any:
    """The body of a request; when the same errand has written that object before, with the revision which that gave it."""
    revision = revisions.get(write.about)
    tree = write.tree
    if tree is None or revision is None or write.method not in ("PUT", "PATCH"):
        return tree
    if "resourceVersion" not in tree.get("metadata", {}):
        return tree
    return {**tree, "metadata": {**tree["metadata"], "resourceVersion": revision}}
