"""Requests and answers as two messages, and programs of many requests."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from k8s_tutor.sim.actor import Actor
from k8s_tutor.sim.context import Context
from k8s_tutor.sim.message import SECOND, Body


class Call(Body):
    """A request on its way to a server, with the id that its answer will carry."""

    id: int
    body: Any


class Reply(Body):
    """The answer to the `Call` with the same id."""

    id: int
    body: Any


class CallTimeout(Body):
    """A caller's own timer."""

    id: int


class CallFailed(Body):
    """What a caller gets instead of an answer: ``timeout`` or ``disconnected``."""

    reason: str


class Pending(NamedTuple):
    """A call that waits for its answer: which method takes it, and what else that method is told."""

    dst: str
    then: str
    args: tuple[Any, ...]
    timer: int


class Calling(Actor):
    """An actor that asks others. Pending calls are data, and volatile."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.calls: dict[int, Pending] = {}

    def ask(self, ctx: Context, dst: str, body: Any, then: str, args: tuple[Any, ...] = (), timeout: int = 30 * SECOND) -> int:
        """Sends a request. Later ``self.<then>(ctx, answer, *args)`` is called, once, with the body of the answer or a
        `CallFailed`. Returns the call's id."""
        ident = ctx.fresh()
        timer = ctx.after(timeout, CallTimeout(ident))
        self.calls[ident] = Pending(dst, then, args, timer)
        ctx.stream(dst, Call(ident, body))
        return ident

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Reply):
            self._answered(ctx, body.id, body.body, cancel=True)
        elif isinstance(body, CallTimeout):
            self._answered(ctx, body.id, CallFailed("timeout"), cancel=False)
        else:
            self.handle(ctx, src, body)

    def _answered(self, ctx: Context, ident: int, answer: Any, cancel: bool) -> None:
        pending = self.calls.pop(ident, None)
        if pending is None:
            return
        if cancel:
            ctx.cancel(pending.timer)
        getattr(self, pending.then)(ctx, answer, *pending.args)

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        """Called for all that is no answer."""

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        for ident in [ident for ident, pending in self.calls.items() if pending.dst == peer]:
            self._answered(ctx, ident, CallFailed("disconnected"), cancel=True)


Request = TypeVar("Request")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Finished(NamedTuple):
    """A program has ended with this result."""

    result: Any


def advance(program: Callable[..., Generator[Any, Any, Any]], args: tuple[Any, ...], answers: tuple[Any, ...]) -> Any:
    """Runs a program from its start through the answers so far. Returns what it asks next, or `Finished`.

    A program is a generator function that depends on nothing but its arguments and answers, so (name, arguments, answers)
    is its whole state.
    """
    running = program(*args)
    try:
        asked = next(running)
        for answer in answers:
            asked = running.send(answer)
    except StopIteration as end:
        return Finished(end.value)
    running.close()
    return asked
