"""A person's console: a process that runs typed lines as programs of requests."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from k8s_tutor import kubectl
from k8s_tutor.api import wire
from k8s_tutor.api.component import Access
from k8s_tutor.api.ssh import RunCommand
from k8s_tutor.api.wire import Request, StreamData, StreamEnd, WatchEnd, WatchFrame
from k8s_tutor.etcd.admin import Status
from k8s_tutor.etcd.wire import WatchCancel, WatchCanceled, WatchCreated, WatchEvents
from k8s_tutor.kubectl.program import EDITS, At, Clock, Edit, Edited, Endpoints, Listen, Load, Pause, Result, Save
from k8s_tutor.kubectl.settings import FILE, Login, Settings, decode, encode, of_logins
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context, Finished, State, advance

PATIENCE = 75 * SECOND
"""How long a command waits for one answer; longer than any server takes to give up."""
COMMAND_PATIENCE = 140 * SECOND
"""How long a command on a machine may take: longer than a kernel tries to connect."""
DIAL_TIMEOUT = 2 * SECOND
"""How long etcdctl waits for one endpoint (--dial-timeout)."""
COMMAND_TIMEOUT = 8 * SECOND
"""How long etcdctl waits for its answer: a little longer than a member takes to give up (etcdctl itself: 5 s)."""
KEPT = 50
"""Finished lines that are remembered."""
INTERRUPT = "^C"
"""Typed as a line: ends whatever runs."""


class ConsoleConfig(Access):
    """``etcd``: the members that etcdctl may talk to, in order of preference. ``users``: (name, groups, bearer token) of those
    who have a context beside the admin's."""

    etcd: tuple[str, ...] = ()
    users: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    machines: tuple[tuple[str, str], ...] = ()
    """(machine, process that stands for it): where ``ssh`` leads."""


class Typed(Body):
    """A line that somebody types. ``files``: (name, JSON array of documents) of the manifests it names."""

    line: str
    files: tuple[tuple[str, str], ...] = ()


class Editor(NamedTuple):
    """An editor that a command has opened: the session that waits for it, what is edited, and the text."""

    session: int
    name: str
    text: str


class Continue(Body):
    """The console's own timer: a command has waited long enough."""

    session: int


class Files(State):
    """What a person has saved on their machine."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}


class Saved(Body):
    """The person at the console closes the editor that a command has opened. ``text`` is what they leave, ``documents`` what
    it says, as manifests come; an empty text gives up."""

    session: int
    text: str
    documents: str = "[]"


class Session(Body):
    """A command that runs: its line, files and settings, when it began (µs), its answers so far, and those being gathered.
    ``watch``: the id of the watch that it has opened at ``endpoint``; while it has nothing else to do it ``listens``, and what
    comes earlier is kept in ``heard``. ``editing``: the (name, text) that it has handed to the person's editor."""

    id: int
    line: str
    files: tuple[tuple[str, str], ...]
    at: int
    answers: tuple[Any, ...] = ()
    gathered: tuple[Any, ...] = ()
    watch: int = 0
    endpoint: str = ""
    listens: bool = False
    heard: tuple[Any, ...] = ()
    settings: bytes = b""
    editing: tuple[str, str] | None = None


class Answered(Body):
    """A command that has ended."""

    id: int
    line: str
    at: int
    done_at: int
    stdout: str
    stderr: str
    code: int


class Console(Calling):
    """The actor ``you``, and every other client of the cluster."""

    config: ConsoleConfig
    disk: Files

    def __init__(self, name: str, config: ConsoleConfig, disk: Files | None = None) -> None:
        super().__init__(name, config, disk or Files())
        self.sessions: dict[int, Session] = {}
        self.answers: deque[Answered] = deque(maxlen=KEPT)

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Typed):
            self._interrupt(ctx, everything=body.line.strip() == INTERRUPT)
            if body.line.strip() == INTERRUPT:
                return
            files = (*body.files, *self._edits(body.line))
            session = Session(ctx.fresh(), body.line, files, ctx.now, settings=encode(self.settings))
            ctx.note("console.typed", line=body.line)
            self._go_on(ctx, session)
        elif isinstance(body, Continue) and body.session in self.sessions:
            self._answer(ctx, self.sessions[body.session], None)
        elif isinstance(body, Saved):
            session_ = self.sessions.get(body.session)
            if session_ is not None and session_.editing is not None:
                self._answer(ctx, session_, Edited(body.text, body.documents))
        elif isinstance(body, (WatchEvents, WatchCanceled, WatchFrame, WatchEnd, StreamData, StreamEnd)):
            self._heard(ctx, src, body)

    @property
    def settings(self) -> Settings:
        """kubectl's configuration: the file, or a context for the admin and one for each user."""
        if FILE in self.disk.files:
            return decode(self.disk.files[FILE])
        others = [Login(name, "", groups, token) for name, groups, token in self.config.users]
        return of_logins((Login("admin", self.config.user), *others))

    def _edits(self, line: str) -> list[tuple[str, str]]:
        """The edits of this machine that a line names."""
        return [(name, data.decode()) for name, data in self.disk.files.items() if name.startswith(EDITS) and name in line]

    @property
    def editors(self) -> list[Editor]:
        """What commands have handed to the person's editor, oldest first; a `Saved` goes back."""
        return [Editor(one.id, *one.editing) for one in self.sessions.values() if one.editing is not None]

    def _interrupt(self, ctx: Context, everything: bool) -> None:
        """Somebody types something else: watches end, and with Ctrl-C ``everything`` that runs does."""
        for session in list(self.sessions.values()):
            if session.listens:
                self._answer(ctx, session, CallFailed("interrupted"))
            elif everything:
                done = self.said(session)
                self._finish(ctx, session, Result(done.stdout, done.stderr + "^C\n", 130))

    def said(self, session: Session) -> Result:
        """What a line that still runs has printed so far."""
        settings = decode(session.settings)
        return kubectl.so_far(session.line, session.files, self._clock(session.at), session.answers, settings)

    def _heard(
        self, ctx: Context, src: str, body: WatchEvents | WatchCanceled | WatchFrame | WatchEnd | StreamData | StreamEnd
    ) -> None:  # fmt: skip
        """A watch tells something, or a stream."""
        opened_by = body.stream if isinstance(body, (StreamData, StreamEnd)) else body.watch
        for session in list(self.sessions.values()):
            if session.endpoint == src and opened_by in (-1, session.watch):
                if session.listens:
                    self._answer(ctx, session, body)
                else:
                    self.sessions[session.id] = _changed(session, heard=(*session.heard, body))

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        for session in list(self.sessions.values()):
            if session.listens and session.endpoint == peer:
                self._answer(ctx, session, CallFailed("disconnected"))

    def _go_on(self, ctx: Context, session: Session) -> None:
        """Runs the program through its answers so far and does what it asks next."""
        asked = advance(kubectl.run, (session.line, session.files, self._clock(session.at), decode(session.settings)),
                        session.answers)  # fmt: skip
        if isinstance(asked, Finished):
            self._finish(ctx, session, asked.result)
            return
        self.sessions[session.id] = session
        if isinstance(asked, Pause):
            ctx.after(asked.delay, Continue(session.id))
        elif isinstance(asked, (Endpoints, Clock, Save, Load)):
            self._answer(ctx, session, self._here(ctx, asked))
        elif isinstance(asked, Edit):
            self.sessions[session.id] = _changed(session, editing=(asked.name, asked.text))
        elif isinstance(asked, Listen) and session.heard:
            first, *rest = session.heard
            self._answer(ctx, _changed(session, heard=tuple(rest)), first)
        elif isinstance(asked, Listen):
            self.sessions[session.id] = _changed(session, listens=True)
        elif isinstance(asked, tuple) and not isinstance(asked, At):
            self.sessions[session.id] = _changed(session, gathered=(None,) * len(asked))
            for index, request in enumerate(asked):
                self._send(ctx, request, (session.id, index))
        else:
            self._send(ctx, asked, (session.id, -1))

    def _here(self, ctx: Context, asked: Endpoints | Clock | Save | Load) -> Any:
        """What this machine answers by itself."""
        if isinstance(asked, Endpoints):
            return self.config.etcd
        if isinstance(asked, Clock):
            return self._clock(ctx.now)
        if isinstance(asked, Load):
            return self.disk.files.get(asked.name)
        self.disk.files[asked.name] = asked.data
        return None

    def _clock(self, at: int) -> int:
        """µs since 2026-01-01T00:00:00Z, which is what kubectl's clock shows."""
        return at + (self.config.epoch - 1_767_225_600) * SECOND

    def _send(self, ctx: Context, request: Any, args: tuple[int, int]) -> None:
        if isinstance(request, Request):
            call = self.ask(ctx, self.config.api, request, "_arrived", args, PATIENCE)
            if request.opens_stream:
                session = self.sessions[args[0]]
                self.sessions[session.id] = _changed(session, watch=call, endpoint=self.config.api, heard=())
        elif isinstance(request, At) and isinstance(request.body, RunCommand):
            process = dict(self.config.machines).get(request.endpoint)
            if process is None:
                self._arrived(ctx, CallFailed("unknown"), *args)
            else:
                self.ask(ctx, process, request.body, "_arrived", args, COMMAND_PATIENCE)
        elif isinstance(request, At):
            self.ask(ctx, request.endpoint, request.body, "_arrived_from", (request.endpoint, *args), COMMAND_TIMEOUT)
        else:
            self._connect(ctx, request, args, 0)

    def _connect(self, ctx: Context, request: Any, args: tuple[int, int], endpoint: int) -> None:
        """An etcd client asks its endpoints one after the other until one answers, and stays with that one."""
        if endpoint == len(self.config.etcd):
            self._arrived(ctx, CallFailed("timeout"), *args)
        else:
            self.ask(ctx, self.config.etcd[endpoint], Status(), "_connected", (request, args, endpoint), DIAL_TIMEOUT)

    def _connected(self, ctx: Context, answer: Any, request: Any, args: tuple[int, int], endpoint: int) -> None:
        if isinstance(answer, CallFailed):
            self._connect(ctx, request, args, endpoint + 1)
        else:
            name = self.config.etcd[endpoint]
            self.ask(ctx, name, request, "_arrived_from", (name, *args), COMMAND_TIMEOUT)

    def _arrived_from(self, ctx: Context, answer: Any, endpoint: str, session: int, index: int) -> None:
        """A member has answered; if it has opened a watch, that is remembered."""
        if isinstance(answer, WatchCreated) and session in self.sessions:
            self.sessions[session] = _changed(self.sessions[session], watch=answer.watch, endpoint=endpoint)
        self._arrived(ctx, answer, session, index)

    def _arrived(self, ctx: Context, answer: Any, session: int, index: int) -> None:
        running = self.sessions.get(session)
        if running is None:
            return
        if index < 0:
            self._answer(ctx, running, answer)
            return
        gathered = (*running.gathered[:index], (answer,), *running.gathered[index + 1 :])
        if None in gathered:
            self.sessions[session] = _changed(running, gathered=gathered)
        else:
            self._answer(ctx, running, tuple(item[0] for item in gathered))

    def _answer(self, ctx: Context, session: Session, answer: Any) -> None:
        self._go_on(ctx, _changed(session, answers=(*session.answers, answer), gathered=(), listens=False, editing=None))

    def _finish(self, ctx: Context, session: Session, result: Result) -> None:
        self.sessions.pop(session.id, None)
        if session.watch and session.endpoint == self.config.api:
            ctx.reply(session.endpoint, wire.WatchCancel(session.watch))
            ctx.reply(session.endpoint, StreamEnd(session.watch))
        elif session.watch:
            ctx.reply(session.endpoint, WatchCancel(session.watch))
        self.answers.append(Answered(session.id, session.line, session.at, ctx.now, result.stdout, result.stderr, result.code))
        ctx.note("console.answered", line=session.line, code=result.code)
        if not self.sessions:  # kubectl and etcdctl are new processes each time, with connections of their own
            for server in (self.config.api, *self.config.etcd):
                ctx.reset(server)


def _changed(session: Session, **fields: Any) -> Session:
    values = {name: getattr(session, name) for name in session.__struct_fields__}
    return Session(**{**values, **fields})
