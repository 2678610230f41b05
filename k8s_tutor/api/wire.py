"""HTTP in small: what travels between a client and an API server.

A client sends a `Request` inside a `sim.Call`; the server answers with a `Response` inside a `sim.Reply`. Bodies are the
JSON bytes that the real wire would carry, so nothing is shared by reference between two components.

A watch is a `Request` with the query parameter ``watch=true``. It is answered at once by a `Response` (code 200, empty
body, or a Status that refuses it); after that the server streams `WatchFrame`s that carry the id of the call, until
either side closes the connection or the server sends `WatchEnd`.

The log of a container is one `Response` with its text. With ``follow=true`` it is a stream: a `Response` with ``streams``,
code 200 and no body, then `StreamData` on channel 1, and `StreamEnd` when the container has ended. ``exec`` and ``attach``
are streams too, with code 101: the server sends what the process writes on channels 1 and 2, and last a Status on channel 3
whose ``details.causes`` name the exit code (reason ``ExitCode``); a client with ``stdin=true`` sends on channel 0. A client
ends a stream with `StreamEnd`. Streams carry the id of the call that opened them, as watches do; a refusal is a `Response`
with a Status as always.
"""

from __future__ import annotations

from k8s_tutor.sim import Body


class Request(Body):
    """One HTTP request as a user.

    ``query`` holds (name, value) pairs in order; ``body`` is empty or what ``content_type`` says; ``user`` is the common name
    of the client's certificate, e.g. ``kubernetes-admin`` or ``system:node:node-1``, or empty without one.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = "application/json"
    accept: str = "application/json"
    user: str = "kubernetes-admin"
    agent: str = "k8s-tutor"
    """User-Agent: its part before the first slash is the default field manager."""
    managed: bool = False
    """Whether objects come with ``metadata.managedFields``. Everybody outside gets them; components inside drop them on
    arrival, as the informers of kube-controller-manager do, and are spared the bytes."""
    if_none_match: str = ""
    """An ETag that the client holds already."""
    groups: tuple[str, ...] = ()
    """Organizations of the client certificate."""
    token: str = ""
    """A bearer token; it counts for a client without a certificate."""
    headers: tuple[tuple[str, str], ...] = ()
    """Other headers that the server looks at, names in lower case: ``impersonate-user``, ..."""

    def parameter(self, name: str, default: str = "") -> str:
        """The first value of a query parameter, or ``default``."""
        return next((value for key, value in self.query if key == name), default) if self.query else default

    def flag(self, name: str) -> bool:
        """Whether a query parameter is set to a true value."""
        return self.parameter(name) in ("1", "true")

    @property
    def opens_stream(self) -> bool:
        """Whether frames may follow its answer: it opens a watch, follows a log, or runs a process."""
        return self.flag("watch") or self.flag("follow") or self.path.endswith(("/exec", "/attach"))


class Response(Body):
    """One HTTP answer: status code and body, JSON (a Status object when ``code`` is 400 or more) unless the type says else."""

    code: int
    body: bytes = b""
    warnings: tuple[str, ...] = ()
    """Texts of ``Warning`` headers, which kubectl prints on stderr as ``Warning: ...``."""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    """Other headers: ``Retry-After``, ``ETag``, ``Vary``, ..."""
    streams: bool = False
    """Frames follow: of a watch, a log that is followed, a process."""


class WatchFrame(Body):
    """One line of a watch: the call that opened it, the type of the event, the object's JSON and its revision."""

    watch: int
    type: str
    """ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
    object: bytes
    revision: int = 0


class WatchEnd(Body):
    """The server has ended a watch; the client lists and watches again."""

    watch: int


STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
"""Channels of a stream (v5.channel.k8s.io): ``RESIZE`` carries ``{"Width": 80, "Height": 24}``; ``CLOSE`` the number of a
channel that its sender has closed, as one byte."""


class StreamData(Body):
    """Some bytes on a channel of a stream, either way. ``stream``: the call that opened it."""

    stream: int
    channel: int
    data: bytes


class StreamEnd(Body):
    """Whoever sends this has ended the stream."""

    stream: int


class Relayed(Body):
    """A frame that the load balancer passes on between a client and an API server, over its connection to that server."""

    client: str
    frame: Body
    """A `sim.Call` towards the server; a `sim.Reply`, `WatchFrame` or `WatchEnd` towards the client; of a stream both ways."""


class RelayClosed(Body):
    """Between the load balancer and an API server: the connection to or from this client is gone."""

    client: str


class WatchCancel(Body):
    """A client does not want more frames of this watch (it closes that one stream, not the connection)."""

    watch: int
