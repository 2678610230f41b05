"""Deeds of hands: what is done to the cluster, and what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.cluster import inputs
from k8s_tutor.ui import deeds_lesson, hands, lenses, lesson_panel, membership

if TYPE_CHECKING:
    from k8s_tutor.ui.stage import Stage


def crash(stage: Stage, argument: str) -> None:
    """Crash what is up, start what is down."""
    for given in hands.crash(stage.session.view(), _target(stage, argument)):
        stage.session.give(given)
        stage.say(inputs.in_words(given), "leader")


def fail_disk(stage: Stage, argument: str) -> None:
    """A disk of a worker fails, or one that has failed is well again. Raises ValueError for what names no disk."""
    machine, _, name = argument.partition("/")
    nodes = stage.session.view().storage.nodes
    disk = next((one for node in nodes if node.node == machine for one in node.disks if one.name == name), None)
    if disk is None:
        known = ", ".join(f"{node.node}/{one.name}" for node in nodes for one in node.disks)
        raise ValueError(f":fail-disk MACHINE/DISK; there are {known}" if known else "no worker has a disk beside its own")
    given = inputs.FailDisk(machine, name, not disk.failed)
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")


def freeze(stage: Stage, argument: str) -> None:
    """Freeze what runs, let go what is frozen."""
    given = hands.freeze(stage.session.view(), _target(stage, argument))
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")


def cut(stage: Stage, argument: str) -> None:
    """Cut or mend cables."""
    names = [[lenses.component(stage.lens, word) for word in side.split()] for side in argument.split("|")] if argument else []
    given = hands.cut(stage.session.view(), stage.look.selected, names)
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")


def move(stage: Stage, argument: str) -> None:
    """Carry a manager into another room."""
    name, _, room = argument.rpartition(" ") if " " in argument else (argument, "", "")
    given = hands.move(stage.session.view(), _target(stage, name), room.removeprefix("room ").strip())
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")
    if "rooms" not in stage.look.shown:
        stage.look.open("rooms")


def drag(stage: Stage, source: str, target: str) -> None:
    """A manager was dropped on a room, or on somebody who sits in it."""
    view = stage.session.view()
    kind, _, room = target.partition(" ")
    if kind != "room":
        machine = hands.machine_of(view, target)
        room = next((one.name for one in view.network.rooms if machine in one.machines), "")
    if room:
        stage.look.selected = source
        move(stage, f"{source} {room}")


def add(stage: Stage, argument: str) -> None:
    """One manager more, let in at the console."""
    kind, _, room = stage.look.selected.partition(" ")
    room = argument.removeprefix("room ") or (room if kind == "room" else "")
    session = stage.session
    given = membership.add(session.view(), session.cluster.next_manager(), room, stage.look.client)
    session.give(given)
    _at_the_console(stage, inputs.in_words(given))


def remove(stage: Stage, argument: str) -> None:
    """One manager less: struck off at the console, then thrown away."""
    now, then = membership.remove(stage.session.view(), _target(stage, argument), stage.look.client)
    if isinstance(now, inputs.Kubectl) and then is not None:
        stage.session.give_then(now, then)
    else:
        stage.session.give(now)
    _at_the_console(stage, inputs.in_words(now))


def serve(stage: Stage, argument: str) -> None:
    """Open the door to the outside, or shut it."""
    from pathlib import Path

    from k8s_tutor.ui.guests import KUBECONFIG, Guests

    if stage.guests is not None:
        stage.shut()
        stage.say("nobody from outside is served any more", "dim")
        return
    if stage.session.cluster.spec.components == "etcd":
        raise LookupError("there is no API server here that could serve a kubectl")
    if stage.tutor.serve is None:
        raise LookupError("this app was started without the means to serve")
    stage.guests = Guests(stage, stage.tutor.serve)
    stage.guests.open(Path(argument or KUBECONFIG))


def reconfigure(stage: Stage, argument: str) -> None:
    """Several come and go at once."""
    come, leave = ([lenses.component(stage.lens, name) for name in names] for names in inputs.comings(argument.split()))
    given = membership.reconfigure(stage.session.view(), stage.session.cluster.next_manager(), come, leave)
    stage.session.give(given)
    stage.driver.playing = True
    stage.say(inputs.in_words(given), "leader")


def operator(stage: Stage, argument: str) -> None:
    """The operators of a file."""
    from pathlib import Path

    from k8s_tutor.lessons.loader import operators

    for given in operators(Path(argument).expanduser()):
        stage.session.give(given)
    _at_the_console(stage, f"the operators of {argument}: kubectl applies what they may do, then they start")


def _at_the_console(stage: Stage, words: str) -> None:
    """Time goes on, and the console is there to be read; the focus stays where it is."""
    stage.driver.playing = True
    focus = stage.look.focus
    stage.look.open("console")
    stage.look.focus = focus
    stage.say(words, "leader")


def interrupt(stage: Stage, argument: str) -> None:
    """Ctrl-C, as in every terminal: ends what runs at this console, else empties the line that is being typed; where there is
    neither it leaves."""
    from k8s_tutor.kubectl.console import INTERRUPT

    client, prompt = stage.look.client, stage.prompt
    if any(one.code < 0 and one.client == client for one in stage.session.view().console.answers):
        stage.session.give(inputs.Kubectl(INTERRUPT, (), client))
        stage.driver.playing = True
    elif prompt.has_focus and prompt.edit.text:
        prompt.edit.set("")
    elif prompt.has_focus:
        stage.set_focus(None)
    else:
        stage.tutor.leave()


def rooms(stage: Stage, argument: str) -> None:
    """The rooms of this cluster; once more, or with ``new``: design another one."""
    look = stage.look
    if argument not in ("", "new"):
        raise ValueError(":rooms shows the rooms, :rooms new designs a committee of your own")
    if argument or (look.focus == "rooms" and "rooms" in look.shown):
        stage.tutor.design(stage.session)
    else:
        look.open("rooms")


def heal(stage: Stage, argument: str) -> None:
    """Mend all cables."""
    stage.session.give(inputs.Heal())
    stage.say("every cable is whole", "leader")


def drop(stage: Stage, argument: str) -> None:
    """Lose a message in flight."""
    stage.session.give(inputs.Drop(hands.message(argument or stage.look.selected)))


def delay(stage: Stage, argument: str) -> None:
    """Delay the selected message."""
    stage.session.give(inputs.Delay(hands.message(stage.look.selected), int(float(argument) * 1000)))


def delete(stage: Stage, argument: str) -> None:
    """kubectl delete of the selected thing."""
    type_line(stage, f"delete {hands.resource(stage.look.selected)}")


def kill(stage: Stage, argument: str) -> None:
    """The process in a pod's container dies."""
    stage.session.give(inputs.Kill(hands.pod(stage.look.selected)))
    stage.say(f"killed the process of {stage.look.selected}", "leader")


def describe(stage: Stage, argument: str) -> None:
    """kubectl describe of an object; what the screen knows of anything else."""
    if hands.is_object(stage.look.selected):
        type_line(stage, f"describe {hands.resource(stage.look.selected)}")
    else:
        stage.look.details, stage.look.why = (), False
        stage.look.open("inspector")


def yaml(stage: Stage, argument: str) -> None:
    """The object as its API server holds it; nothing is sent for this."""
    from k8s_tutor.kubectl.yamlout import dump

    kind, key = hands.kind_and_key(stage.look.selected)
    tree = stage.session.cluster.objects(kind).get(key)
    if tree is None:
        raise LookupError(f"the API server knows no {kind} {key}")
    stage.look.details, stage.look.why = tuple(dump(tree).splitlines()), False
    stage.look.open("inspector")


def edit(stage: Stage, argument: str) -> None:
    """kubectl edit of the selected thing, or back to the editor that waits."""
    if not stage.open_editor(again=True):
        type_line(stage, f"edit {hands.resource(stage.look.selected)}")


def logs(stage: Stage, argument: str) -> None:
    """kubectl logs of the selected thing."""
    type_line(stage, f"logs {hands.running(stage.look.selected)}")


def shell(stage: Stage, argument: str) -> None:
    """kubectl exec in the selected pod; while a question is open its key says how sure one is."""
    lesson = stage.session.lesson
    if lesson is not None and lesson_panel.can(lesson, "answer") and not argument:
        deeds_lesson.sure(stage, "")
        return
    line = f"exec {hands.running(stage.look.selected)} -- "
    if argument:
        type_line(stage, line + argument)
    else:
        stage.prompt.open("kubectl", line)


def why(stage: Stage, argument: str) -> None:
    """The chain of causes, of a pod together with the scheduler's verdict."""
    from k8s_tutor.ui.panels.verdict_rows import cases

    look = stage.look
    look.selected = hands.named_pod(argument) if argument else _target(stage, "")
    if not stage.session.why(look.selected, stage.lens):
        if look.selected.startswith("verdict ") or look.selected in [case.pod for case in cases(stage.session.view())]:
            look.open("verdicts")
            return
        raise LookupError(f"nothing is known yet about what led to {look.selected}")
    look.details, look.why, look.why_of = (), True, look.selected
    look.open("inspector")


def kubectl(stage: Stage, argument: str) -> None:
    """Type a line, or give the one that was typed after ``:kubectl``."""
    if argument:
        type_line(stage, argument)
    else:
        stage.prompt.open("kubectl")


def client(stage: Stage, argument: str) -> None:
    """Sit down at somebody's console."""
    names = [*stage.session.cluster.spec.clients, "you"]
    if argument not in names:
        raise LookupError(f"there is no client {argument}; there are {', '.join(names)}")
    stage.look.client = argument
    stage.say(f"you type as {argument} now", "dim")


def apply(stage: Stage, argument: str) -> None:
    """kubectl apply -f."""
    type_line(stage, f"apply -f {argument}")


def type_line(stage: Stage, line: str) -> None:
    """One line at the console, with the manifests that it names."""
    from pathlib import Path

    from k8s_tutor.lessons.manifests import files_of

    files = files_of(line, Path.cwd())
    stage.session.give(inputs.Kubectl(line, files, stage.look.client))
    stage.session.traced = 0
    stage.driver.playing = True
    stage.look.open("console")
    stage.look.scrolls.pop("console", None)


def _target(stage: Stage, argument: str) -> str:
    name = lenses.component(stage.lens, argument) if argument else stage.look.selected
    if not name:
        raise ValueError("select something first: arrows, Tab or the mouse")
    return name
