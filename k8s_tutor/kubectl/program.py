"""What a command is: a plain generator function over answers.

It yields a `Request` (answered by a `Response` or a `CallFailed`), a tuple of Requests that may go out together (answered
by a tuple of as many answers), or a `Pause`. etcdctl yields bodies of `etcd.wire` and `etcd.admin` instead, which go to the
first endpoint that answers, or `At` a certain one; it can `Listen` for the events of its watch, and ask for its `Endpoints`,
the `Clock` and files. It returns a `Result`. It looks at nothing but its arguments and the answers, so whoever runs it may
store the answers and run it again from its start.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeAlias, TypeVar

from k8s_tutor.api.wire import Request
from k8s_tutor.sim import Body

Tree: TypeAlias = dict[str, Any]
T = TypeVar("T")


class Pause(NamedTuple):
    """Wait ``delay`` µs, then go on; the answer is ignored."""

    delay: int


class At(NamedTuple):
    """Ask this etcd process and no other. Answered like its ``body``, or by a `CallFailed`."""

    endpoint: str
    body: Body


class Endpoints(NamedTuple):
    """Which etcd processes do I know (ETCDCTL_ENDPOINTS)? Answered by a tuple of names."""


class Clock(NamedTuple):
    """What time is it? Answered by µs since the world began."""


class Listen(NamedTuple):
    """Wait for what the watch that was opened last tells next: of etcd `WatchEvents` or `WatchCanceled`, of an API server a
    `WatchFrame` or `WatchEnd`; or a `CallFailed`, whose reason is ``interrupted`` when somebody has typed something else."""


class Save(NamedTuple):
    """Write a file on this machine. The answer is ignored."""

    name: str
    data: bytes


class Load(NamedTuple):
    """Read a file of this machine. Answered by its bytes, or None."""

    name: str


EDITS = "/tmp/kubectl-edit-"
"""How the names of files begin in which edits are kept that could not be sent: each holds its documents as manifests come."""


class Edit(NamedTuple):
    """Hand a text to the person's editor. Answered by what they have made of it, an `Edited`. ``name``: what is edited."""

    name: str
    text: str


class Edited(Body):
    """What came back from the editor: the text, and its documents as manifests come (see `manifests`)."""

    text: str
    documents: str


class Result(NamedTuple):
    """What a finished command has printed, and its exit status."""

    stdout: str
    stderr: str
    code: int


Step: TypeAlias = Body | tuple[Request, ...] | Pause | At | Endpoints | Clock | Listen | Save | Load | Edit
Asking: TypeAlias = Generator[Step, Any, T]
"""A part of a command that may ask, and in the end has a value of type T."""
Command: TypeAlias = Generator[Step, Any, Result]
