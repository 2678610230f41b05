"""Deeds of time: play, step, speed, back and forth, futures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.ui.pace import SECOND, parse_speed
from k8s_tutor.ui.words import clock

if TYPE_CHECKING:
    from k8s_tutor.cluster.views import QueueView
    from k8s_tutor.ui.stage import Stage

BACK = 100_000
"""µs that one step back goes at most: a tick of the members' clocks."""


LOOKED = 4_000
"""Messages that may pass until a controller looks at something."""


def play(stage: Stage, argument: str) -> None:
    """Let time run, or stop it."""
    stage.driver.toggle()


def step(stage: Stage, argument: str) -> None:
    """Deliver messages until one that a person can see has arrived or was lost."""
    stage.driver.playing = False
    if stage.session.holds:
        raise ValueError("answer first; then time goes on")
    session = stage.session
    here = (session.cluster.events, session.now)
    before = _wire(stage)
    for _ in range(400):
        if not session.step():
            raise ValueError("nothing more is due")
        now = _wire(stage)
        if now[0] != before[0] or before[1] - now[1]:
            break
        before = now
    stage.look.steps += (here,)


def _wire(stage: Stage) -> tuple[int, frozenset[int]]:
    """The newest message that has landed, and all that are in the air."""
    wire = stage.session.view().wire
    return (wire.recent[-1].id if wire.recent else 0), frozenset(flight.id for flight in wire.flying)


def back(stage: Stage, argument: str) -> None:
    """Go back to where the last step began; else to just before the newest message landed, a tenth of a second at most."""
    stage.driver.playing = False
    _back(stage)
    stage.say(f"back at {clock(stage.session.now)}; Space goes on from here", "other")


def _back(stage: Stage) -> None:
    session, look = stage.session, stage.look
    events, now = session.cluster.events, session.now
    while look.steps and look.steps[-1][0] >= events:
        look.steps = look.steps[:-1]
    if look.steps and now - look.steps[-1][1] <= BACK:
        last, look.steps = look.steps[-1], look.steps[:-1]
        session.goto_event(last[0])
        return
    look.steps = ()
    landed = [flight.due for flight in session.view().wire.recent if 0 < flight.due <= now]
    session.goto(max(max(landed, default=0) - 1, now - BACK, 0))
    if session.cluster.events >= events and not session.back():
        raise ValueError("this is the beginning")


def faster(stage: Stage, argument: str) -> None:
    """The next higher speed."""
    stage.driver.change_speed(True)


def slower(stage: Stage, argument: str) -> None:
    """The next lower speed."""
    stage.driver.change_speed(False)


def speed(stage: Stage, argument: str) -> None:
    """A steady clock at a speed."""
    stage.driver.speed = parse_speed(argument)
    stage.driver.pace = "steady"


def cinema(stage: Stage, argument: str) -> None:
    """Cinema pace, or a steady clock."""
    driver = stage.driver
    driver.pace = "steady" if driver.pace == "cinema" else "cinema"
    stage.say("slow while messages fly, quick over quiet" if driver.pace == "cinema" else "a steady clock", "dim")


def jump(stage: Stage, argument: str) -> None:
    """On to the next piece of work."""
    if stage.session.holds:
        raise ValueError("answer first; then time goes on")
    if not stage.session.jump():
        stage.say("nothing is due: all is quiet", "dim")


def reconcile(stage: Stage, argument: str) -> None:
    """On to just after a controller has looked at an object, and say what that led to."""
    from k8s_tutor.ui.panels.queues import deeds

    stage.driver.playing = False
    if stage.session.holds:
        raise ValueError("answer first; then time goes on")
    session = stage.session
    here, before = (session.cluster.events, session.now), session.view().controllers.queues
    if not before:
        raise LookupError("no controller works at the moment: nobody holds its Lease")
    for _ in range(LOOKED):
        if not session.step():
            break
        looked = _looked(before, session.view().controllers.queues)
        if looked is not None:
            stage.look.steps += (here,)
            asked = deeds(looked) if looked.acted_at == looked.at and looked.acted_on == looked.key else "all is as wanted"
            stage.say(f"{looked.controller} looked at {looked.key}: {asked}", "leader")
            return
    stage.look.steps += (here,)
    raise ValueError("no controller has anything to look at for now")


def _looked(before: tuple[QueueView, ...], now: tuple[QueueView, ...]) -> QueueView | None:
    """The controller that has looked at something since."""
    known = {(one.process, one.controller): one.looks for one in before}
    return next((one for one in now if one.looks not in (0, known.get((one.process, one.controller), 0))), None)


def goto(stage: Stage, argument: str) -> None:
    """To a moment, in seconds."""
    try:
        at = int(float(argument.removesuffix("s")) * SECOND)
    except ValueError:
        raise ValueError(f"{argument!r} is no moment; write seconds, e.g. 3.2") from None
    stage.driver.playing = False
    stage.session.goto(at)


def follow(stage: Stage, argument: str) -> None:
    """To the moment of what is selected: the event that broke a promise, the landing of a message or a cause."""
    session, selected = stage.session, stage.look.selected
    if selected.startswith("step "):
        _to_step(stage, int(selected.removeprefix("step ")))
        return
    if selected.startswith("rule "):
        from k8s_tutor.ui.deeds_walk import to_rule

        to_rule(stage, selected.removeprefix("rule "))
        return
    lamp = next((lamp for lamp in session.view().raft.invariants if selected == f"lamp {lamp.property}"), None)
    if lamp is not None:
        if lamp.ok:
            raise ValueError(f"{lamp.property} holds: {lamp.promise}")
        stage.driver.playing = False
        session.goto_event(lamp.broken_at_event)
        stage.say(lamp.sentence, "fail")
        return
    at = next((link.at for link in reversed(session.why(selected, stage.lens)) if link.target == selected), None)
    if at is None:
        raise LookupError(f"{selected} stands for no moment; select a message, a cause or a red lamp")
    stage.driver.playing = False
    session.goto(at)
    stage.say(f"at {clock(at)}; u or , goes back, Space goes on from here", "other")


def trace(stage: Stage, argument: str) -> None:
    """What became of the line typed last; the same key puts it away."""
    look = stage.look
    if "trace" in look.opened and look.focus == "trace":
        look.toggle("trace")
    else:
        look.open("trace")


def trace_line(stage: Stage, by: int) -> None:
    """Follow an earlier line, or a later one. Raises LookupError beyond the first and the last."""
    known = stage.session.trace()
    if known is None:
        raise LookupError("nothing was typed yet that could be followed; k types a line")
    if not 1 <= known.number + by <= known.of:
        raise LookupError("nothing was typed before this line" if by < 0 else "nothing was typed after this line")
    stage.session.traced = known.number + by if known.number + by < known.of else 0
    if stage.look.selected.startswith("step "):
        stage.look.selected = ""
    stage.look.open("trace")


def trace_step(stage: Stage, by: int) -> None:
    """To the next step of the trace, or the one before."""
    from k8s_tutor.ui.panels.trace import current

    known = stage.session.trace()
    if known is None:
        raise LookupError("nothing was typed yet that could be followed; k types a line")
    _to_step(stage, current(known, stage.session.now, stage.look.selected) + by)


def _to_step(stage: Stage, number: int) -> None:
    """To a step of the trace: the panels show its moment. Raises LookupError beyond its ends."""
    known = stage.session.trace()
    if known is None or not 0 <= number < len(known.steps):
        raise LookupError("this is the first step" if number < 0 else "nothing more has come of it so far")
    stage.driver.playing = False
    step = known.steps[number]
    stage.session.goto(step.at)
    stage.look.selected = f"step {number}"
    stage.look.open("trace")


def undo(stage: Stage, argument: str) -> None:
    """To just before the last input."""
    words = stage.session.undo()
    stage.driver.playing = False
    stage.say(f"before: {words}   (Ctrl-R goes forward again)" if words else "nothing was done so far", "other")


def redo(stage: Stage, argument: str) -> None:
    """To just after the next input of this future."""
    words = stage.session.redo()
    stage.say(f"again: {words}" if words else "nothing to do again", "other")


def branch(stage: Stage, argument: str) -> None:
    """Name this future, or choose one. On the projector the same key makes the wall black, as clickers have it."""
    if stage.look.projector and not argument:
        stage.look.black = not stage.look.black
        return
    clusters = stage.session.clusters
    views = stage.session.timeline().branches
    here = next((one.name for one in views if one.current), "")
    names = [one.name for one in views]
    if argument in names:
        go_to_branch(stage, argument)
    elif argument:
        for cluster in clusters:
            cluster.rename(here, argument)
        stage.say(f"this future is now called {argument}", "other")
    else:
        choices = [(("● " if one.current else "  ") + one.name, f"to {one.head_at / SECOND:.3f} s", one.name) for one in views]
        stage.choose("futures; :branch NAME names this one", choices, lambda name: go_to_branch(stage, name))


def go_to_branch(stage: Stage, name: str) -> None:
    """To the newest moment of a future."""
    stage.driver.playing = False
    for cluster in stage.session.clusters:
        cluster.checkout(name)
    stage.say(f"this is {name}", "other")
