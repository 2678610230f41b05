"""The wire, the log, the network and the consoles: what moves, what was said, who reaches whom."""

from __future__ import annotations

from typing import Any

from k8s_tutor.cluster import words
from k8s_tutor.cluster.build import INSTALLER
from k8s_tutor.cluster.views import (
    AnswerView,
    ConsoleView,
    EditorView,
    FlightView,
)
from k8s_tutor.kubectl.console import Console
from k8s_tutor.sim import TIMER, WORK, Lost, Message, World

RECENT = 40
"""Messages that have arrived or were lost, kept in a view."""
SEARCHED = 20 * RECENT
"""Records of the log that are searched for them."""
NOTES = 200
"""Notes in a view."""


def flight(world: World, message: Message, outcome: str) -> FlightView:
    """One message as a person sees it."""
    due, ident, src, dst, body, cause, sent_at, kind = message
    name, text = words.describe(body)
    hosts = world.network.hosts
    return FlightView(
        id=ident, src=src, dst=dst, src_machine=hosts.get(src, src), dst_machine=hosts.get(dst, dst), kind=name, text=text,
        sent_at=sent_at, due=due, cause=cause, work=bool(kind & WORK), outcome=outcome,
    )  # fmt: skip


def arrival(world: World, record: Any) -> FlightView | None:
    """A record of the log as a message that has landed or was lost; None for any other."""
    if type(record) is tuple:
        return None if record[7] & TIMER or record[2] == record[3] else flight(world, record, "arrived")
    return flight(world, record.envelope, record.reason) if isinstance(record, Lost) else None


def consoles_of(world: World) -> list[str]:
    """Names of the consoles at which somebody sits."""
    return [one.name for one in world.processes.values() if one.actor is Console and one.name != INSTALLER]


def console_view(world: World) -> ConsoleView:
    """What was typed and what came back, by all clients."""
    answers: list[AnswerView] = []
    editors: list[EditorView] = []
    for name in consoles_of(world):
        actor = world.actor(name)
        if not isinstance(actor, Console):
            continue
        for done in actor.answers:
            answers.append(AnswerView(
                id=done.id, client=name, at=done.at, line=done.line, stdout=done.stdout, stderr=done.stderr,
                code=done.code, done_at=done.done_at,
            ))  # fmt: skip
        editors += [EditorView(open_.session, name, open_.name, open_.text) for open_ in actor.editors]
        for running in actor.sessions.values():
            heard = actor.said(running).stdout if running.listens else ""
            answers.append(AnswerView(
                id=running.id, client=name, at=running.at, line=running.line, stdout=heard, stderr="", code=-1, done_at=0,
            ))  # fmt: skip
    answers.sort(key=lambda answer: answer.id)
    busy = any(answer.code == -1 for answer in answers if answer.id not in {one.session for one in editors})
    return ConsoleView(answers=tuple(answers[-50:]), busy=busy, editors=tuple(editors))
