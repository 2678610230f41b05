"""How etcdctl asks, and what it says when it gets no good answer (etcdctl/ctlv3/command/global.go, pkg/cobrautl)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.etcd import admin, wire
from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, At, Clock, Endpoints
from k8s_tutor.sim import Body, CallFailed

BAD_CONNECTION, INVALID_INPUT, BAD_FEATURE, INTERRUPTED, USAGE = 2, 3, 4, 5, 128
"""Exit statuses (pkg/cobrautl/error.go); 1 is for all other errors."""
DEADLINE = "context deadline exceeded"
REFUSED = 'rpc error: code = Unavailable desc = connection error: desc = "transport: connection refused"'


class Refused(Failure):
    """What etcdctl ends with."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(f"Error: {text}", code)

    def alone(self) -> str:
        return self.message


def trouble(answer: Any) -> str:
    """Why an answer is none, or an empty text."""
    if isinstance(answer, CallFailed):
        return REFUSED if answer.reason == "disconnected" else DEADLINE
    return answer.message if isinstance(answer, wire.EtcdError) else ""


def ask(body: Body, code: int = 1, wrap: str = "{}") -> Asking[Any]:
    """One request to whichever endpoint answers. Raises etcdctl's error for a refusal or silence."""
    answer = yield body
    wrong = trouble(answer)
    if wrong:
        raise Refused(wrap.format(wrong), code)
    return answer


def need(words: Words, least: int, most: int, text: str) -> tuple[str, ...]:
    """The arguments of a command. Raises its error when there are too few or too many."""
    if not least <= len(words.positional) <= most:
        raise Refused(text, USAGE)
    return words.positional


def number(text: str, complaint: str, base: int = 10) -> int:
    """A number from an argument. ``complaint`` takes Go's error. Raises `Refused`."""
    try:
        return int(text, base)
    except ValueError:
        raise Refused(complaint.format(f'strconv.ParseInt: parsing "{text}": invalid syntax'), USAGE) from None


def named(endpoint: str) -> str:
    """The process behind an endpoint as people write it: ``etcd-1``, ``https://etcd-1:2379``, ``cp-1:2379``."""
    host = endpoint.partition("://")[2] or endpoint
    host = host.partition("/")[0].partition(":")[0]
    return f"etcd-{host[3:]}" if host.startswith("cp-") else host


def endpoints(words: Words) -> Asking[list[tuple[str, str]]]:
    """(as it is printed, process) of the endpoints that a command is about (endpointsFromCluster)."""
    if words.on("cluster"):
        listed: admin.MemberListResult = yield from ask(
            admin.MemberList(), wrap="failed to fetch endpoints from etcd cluster member list: {}"
        )
        return [(url, named(url)) for member in listed.members for url in member.client_urls]
    if words.given("endpoints"):
        return [(one, named(one)) for one in words.many("endpoints")]
    known = yield Endpoints()
    return [(f"{name}:2379", name) for name in known]


def first(words: Words, body: Body, code: int = 1, wrap: str = "{}") -> Asking[Any]:
    """As `ask`, but of the endpoints that were given on the line, if any were: the first that answers."""
    if not words.given("endpoints"):
        return (yield from ask(body, code, wrap))
    wrong = DEADLINE
    for one in words.many("endpoints"):
        answer = yield At(named(one), body)
        wrong = trouble(answer)
        if not isinstance(answer, CallFailed):
            break
    if wrong:
        raise Refused(wrap.format(wrong), code)
    return answer


def clock() -> Asking[int]:
    """µs since the world began."""
    now = yield Clock()
    return int(now)


__all__ = ["Refused", "Worded", "ask", "clock", "endpoints", "first", "named", "need", "number", "trouble"]
