"""What a lesson can do to a cluster: one verb an action, e.g. ``{crash: Carol}`` or ``{kubectl: "get pods", as: amy}``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator

from k8s_tutor.cluster.inputs import comings
from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.lessons.errors import did_you_mean
from k8s_tutor.lessons.values import Condition, Duration
from k8s_tutor.lessons.values import in_words as duration
from k8s_tutor.sim import SECOND

LEADER, OTHERS = "leader", "others"
"""Instead of a name: the machine whose etcd member leads at that moment, and (in groups) all other managers."""


class Model(BaseModel):
    """Base of all that stands in a lesson file: no unknown keys, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, coerce_numbers_to_str=True)


class Base(Model):
    """What every action takes: ``after`` (how long to wait before it) and ``say`` (a caption while it plays)."""

    VERB: ClassVar[str] = ""
    after: Duration = 0
    say: str = ""


class Crash(Base):
    """A machine loses power, or a process ends."""

    VERB = "crash"
    crash: str


class Restart(Base):
    """A machine or process starts again from its disk."""

    VERB = "restart"
    restart: str


class Pause(Base):
    """A machine or process stops where it is."""

    VERB = "pause"
    pause: str


class Resume(Base):
    """A paused machine or process goes on."""

    VERB = "resume"
    resume: str


class Cut(Base):
    """Cuts the cables between groups; a member is a machine, a process or a room."""

    VERB = "cut"
    cut: list[list[str]]
    one_way: bool = False

    @field_validator("cut", mode="before")
    @classmethod
    def _rooms(cls, value: Any) -> Any:
        return [[group] if isinstance(group, str) else group for group in value] if isinstance(value, list) else value

    @field_validator("cut")
    @classmethod
    def _two(cls, value: list[list[str]]) -> list[list[str]]:
        if len(value) < 2 or not all(value):
            raise ValueError("cut needs two or more groups, e.g. [[Alice], [Bob, Carol]]")
        return value


class Heal(Base):
    """Mends all cables (``heal: all``), or those between groups."""

    VERB = "heal"
    heal: list[list[str]]

    @field_validator("heal", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        if value in ("all", True):
            return []
        return [[group] if isinstance(group, str) else group for group in value] if isinstance(value, list) else value


class Kill(Base):
    """A container's process dies. ``kill: web-0`` or ``kill: shop/web-0``; ``web-*``: the first such pod."""

    VERB = "kill"
    kill: str
    container: str = ""


class Replace(Model):
    """A change in an editor: the first ``replace`` in its text becomes ``with``."""

    replace: str
    by: str = Field(alias="with")


class Kubectl(Base):
    """A line at a client's console, without the word kubectl. ``files``: name → the manifest's YAML; ``edit``: what is done in
    the editor that the line opens (when it opens again because something is wrong, it is left as it is)."""

    VERB = "kubectl"
    kubectl: str
    client: str = Field(default="you", alias="as")
    files: dict[str, str] = Field(default_factory=dict)
    edit: list[Replace] = Field(default_factory=list)


class Etcdctl(Base):
    """A line for etcdctl at a client's console, without the word etcdctl."""

    VERB = "etcdctl"
    etcdctl: str
    client: str = Field(default="you", alias="as")


class Ssh(Base):
    """A command on a machine, typed at a client's console: ``{ssh: node-1 lvs}``."""

    VERB = "ssh"
    ssh: str
    client: str = Field(default="you", alias="as")


class Apply(Base):
    """``kubectl apply -f`` of a manifest that stands in the lesson."""

    VERB = "apply"
    apply: str
    client: str = Field(default="you", alias="as")


class Operator(Base):
    """An operator is installed, or gets new rules: ``{operator: {name: ..., watches: ..., children: ...}}``."""

    VERB = "operator"
    operator: OperatorSpec
    client: str = Field(default="you", alias="as")


class Latency(Base):
    """Sets how long a packet takes between two machines, both ways: ``{latency: 50ms, between: [Alice, Bob]}``."""

    VERB = "latency"
    latency: Duration
    between: tuple[str, str]


class Drop(Base):
    """Loses every message of a kind that is in flight now: ``{drop: AppendEntries, to: Bob}``."""

    VERB = "drop"
    drop: str
    to: str = ""


class Delay(Base):
    """Holds up every message of a kind that is in flight now: ``{delay: AppendEntries, by: 2s, to: Bob}``."""

    VERB = "delay"
    delay: str
    by: Duration
    to: str = ""


class Move(Base):
    """A machine is carried into another room: ``{move: Carol, to: B}``; without ``to`` out of all rooms."""

    VERB = "move"
    move: str
    to: str = ""


class AddManager(Base):
    """A new control-plane machine in a room (empty: in none). ``etcdctl member add`` lets its etcd in."""

    VERB = "add_manager"
    add_manager: str


class RemoveManager(Base):
    """A control-plane machine is thrown away with its disk."""

    VERB = "remove_manager"
    remove_manager: str


class Reconfigure(Base):
    """Several managers join and leave in one change, by joint consensus: ``{reconfigure: [+Dave, +Erin, -Carol]}``. etcd's own
    commands change one member at a time."""

    VERB = "reconfigure"
    reconfigure: list[str]

    @field_validator("reconfigure")
    @classmethod
    def _signed(cls, value: list[str]) -> list[str]:
        comings(value)
        return value


class SlowDisk(Base):
    """How long the disk of a machine takes to write something down: ``{slow_disk: Carol, by: 50ms}``."""

    VERB = "slow_disk"
    slow_disk: str
    by: Duration


def _disk(value: str) -> str:
    """Raises ValueError."""
    if value.count("/") != 1 or not all(value.split("/")):
        raise ValueError("say machine and disk: node-1/sdb")
    return value


class FailDisk(Base):
    """A disk of a worker fails: ``{fail_disk: node-1/sdb}``."""

    VERB = "fail_disk"
    fail_disk: Annotated[str, AfterValidator(_disk)]


class MendDisk(Base):
    """A disk that had failed is well again: ``{mend_disk: node-1/sdb}``."""

    VERB = "mend_disk"
    mend_disk: Annotated[str, AfterValidator(_disk)]


class Clock(Base):
    """By how many percent the clock of a machine runs fast: ``{clock: Carol, percent: 30}``."""

    VERB = "clock"
    clock: str
    percent: int


class Restore(Base):
    """All of etcd starts again from a backup that a client saved with ``etcdctl snapshot save``."""

    VERB = "restore"
    restore: str
    client: str = Field(default="you", alias="as")


class Wait(Base):
    """Lets time pass."""

    VERB = "wait"
    wait: Duration


class Until(Base):
    """Lets time pass until a condition holds, at most ``limit``."""

    VERB = "until"
    until: Condition
    limit: Duration = 60 * SECOND


KINDS: tuple[type[Base], ...] = (
    Crash, Restart, Pause, Resume, Cut, Heal, Kill, Kubectl, Etcdctl, Ssh, Apply, Operator, Latency, Drop, Delay, Move,
    AddManager, RemoveManager, Reconfigure, SlowDisk, FailDisk, MendDisk, Clock, Restore, Wait, Until,
)  # fmt: skip
VERBS = {kind.VERB: kind for kind in KINDS}


def _checked(value: Any) -> Any:
    """Sees that there is exactly one verb, before anything else is looked at; ``{after: 500ms}`` alone is a wait."""
    if isinstance(value, Base):
        return value
    if not isinstance(value, dict):
        raise ValueError('an action is a mapping with one verb, e.g. {crash: Carol} or {kubectl: "get pods"}')
    verbs = [key for key in value if key in VERBS]
    if not verbs and "after" in value and set(value) <= {"after", "say"}:
        return {"wait": value["after"], **{key: text for key, text in value.items() if key == "say"}}
    if len(verbs) > 1:
        raise ValueError(f"an action has one verb: split {' and '.join(verbs)} into two actions")
    if not verbs:
        word = str(next(iter(value), ""))
        raise ValueError(f"{word!r} is no action{did_you_mean(word, VERBS)}")
    return value


def _tag(value: Any) -> str:
    if isinstance(value, Base):
        return f"<{type(value).__name__}>"
    return f"<{VERBS[next(key for key in value if key in VERBS)].__name__}>"


_Verb = (
    Annotated[Crash, Tag("<Crash>")]
    | Annotated[Restart, Tag("<Restart>")]
    | Annotated[Pause, Tag("<Pause>")]
    | Annotated[Resume, Tag("<Resume>")]
    | Annotated[Cut, Tag("<Cut>")]
    | Annotated[Heal, Tag("<Heal>")]
    | Annotated[Kill, Tag("<Kill>")]
    | Annotated[Kubectl, Tag("<Kubectl>")]
    | Annotated[Etcdctl, Tag("<Etcdctl>")]
    | Annotated[Ssh, Tag("<Ssh>")]
    | Annotated[Apply, Tag("<Apply>")]
    | Annotated[Operator, Tag("<Operator>")]
    | Annotated[Latency, Tag("<Latency>")]
    | Annotated[Drop, Tag("<Drop>")]
    | Annotated[Delay, Tag("<Delay>")]
    | Annotated[Move, Tag("<Move>")]
    | Annotated[AddManager, Tag("<AddManager>")]
    | Annotated[RemoveManager, Tag("<RemoveManager>")]
    | Annotated[Reconfigure, Tag("<Reconfigure>")]
    | Annotated[SlowDisk, Tag("<SlowDisk>")]
    | Annotated[FailDisk, Tag("<FailDisk>")]
    | Annotated[MendDisk, Tag("<MendDisk>")]
    | Annotated[Clock, Tag("<Clock>")]
    | Annotated[Restore, Tag("<Restore>")]
    | Annotated[Wait, Tag("<Wait>")]
    | Annotated[Until, Tag("<Until>")]
)
Action = Annotated[_Verb, Discriminator(_tag), BeforeValidator(_checked)]
"""One action of a lesson."""


def canonical(action: Base) -> str:
    """What an action does, without waiting and captions: equal for actions that do the same. Empty: it only waits."""
    if isinstance(action, (Wait, Until)):
        return ""
    given = action.model_dump(exclude={"after", "say"})
    if isinstance(action, (Kubectl, Etcdctl, Ssh)):
        given[action.VERB] = " ".join(given[action.VERB].split())
    if isinstance(action, Reconfigure):
        given[action.VERB] = sorted(action.reconfigure)
    if isinstance(action, (Cut, Heal)):
        given[action.VERB] = sorted(sorted(group) for group in given[action.VERB])
    return f"{action.VERB} {given}"


def in_words(action: Base) -> str:
    """An action in a few words, as somebody would tell it."""
    match action:
        case Kubectl(kubectl=line, client=client, edit=changes):
            edited = f" ({', '.join(f'{one.replace} → {one.by}' for one in changes)})" if changes else ""
            return f"{'' if client == 'you' else f'{client}: '}kubectl {line}{edited}"
        case Ssh(ssh=line, client=client):
            return f"ssh {line}" if client == "you" else f"{client}: ssh {line}"
        case Etcdctl(etcdctl=line, client=client):
            return f"etcdctl {line}" if client == "you" else f"{client}: etcdctl {line}"
        case Apply():
            return "kubectl apply -f manifest.yaml"
        case Operator(operator=operator):
            return f"install the operator {operator.name}"
        case Cut(cut=groups):
            return "cut " + " | ".join(" ".join(group) for group in groups)
        case Heal(heal=groups):
            return "mend " + (" | ".join(" ".join(group) for group in groups) or "all cables")
        case Move(move=name, to=room):
            return f"move {name} to {room}" if room else f"move {name} out"
        case AddManager(add_manager=room):
            return f"add a manager in {room}" if room else "add a manager"
        case Reconfigure(reconfigure=words):
            return " ".join(("reconfigure", *words))
        case SlowDisk(slow_disk=name, by=us):
            return f"slow disk {name} {duration(us)}"
        case FailDisk(fail_disk=name):
            return f"disk {name} fails"
        case MendDisk(mend_disk=name):
            return f"disk {name} is mended"
        case Clock(clock=name, percent=percent):
            return f"clock of {name} {percent:+} %"
        case Wait(wait=us):
            return f"wait {duration(us)}"
        case Until(until=condition):
            return f"wait until {condition}"
        case Latency(latency=us, between=(a, b)):
            return f"latency {a} {b} {duration(us)}"
        case Drop(drop=kind, to=to) | Delay(delay=kind, to=to):
            return f"{action.VERB} every {kind}" + (f" to {to}" if to else "")
        case _:
            return f"{action.VERB} {getattr(action, action.VERB)}"
