"""Lenses: one live state told in other words. A lens is data (``assets/lenses/<id>.yaml``) and says where it breaks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from string import Formatter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from k8s_tutor import paths
from k8s_tutor.cluster.views import AGENTS, FlightView, NoteView
from k8s_tutor.lessons.errors import LessonError, Problem

KUBERNETES = "kubernetes"
"""The lens that speaks Kubernetes' own words; every other lens falls back to it."""


class Lens(BaseModel):
    """Names, words, glyphs and sentences. Sentences are templates such as ``{actor} becomes chair of term {term}``.

    ``machines``: machine → name (``cp-1: Alice``). ``processes``: kind of process → template over ``{machine}`` and
    ``{number}``. ``words``: what a role or a thing is called (``leader: chair``). ``messages``: kind of message → sentence.
    ``notes``: kind of note → sentence. ``breaks``: where the analogy ends, in a few sentences.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    about: str
    machines: dict[str, str] = Field(default_factory=dict)
    processes: dict[str, str] = Field(default_factory=dict)
    words: dict[str, str] = Field(default_factory=dict)
    glyphs: dict[str, str] = Field(default_factory=dict)
    messages: dict[str, str] = Field(default_factory=dict)
    notes: dict[str, str] = Field(default_factory=dict)
    breaks: str

    def name(self, component: str) -> str:
        """What a machine or process is called: ``cp-1`` → Alice. What the lens does not name keeps its own name."""
        if component in self.machines:
            return self.machines[component]
        kind, _, number = component.rpartition("-")
        template = self.processes.get(kind or component)
        if template is None:
            return component
        machine = f"node-{number}" if kind in _NODE_PROCESSES else f"cp-{number}"
        return fill(template, {"machine": self.machines.get(machine, machine), "number": number})

    def component(self, name: str) -> str:
        """The machine (or else the process) that a name means: Alice → ``cp-1``. Case does not matter; unknown names come
        back as they are."""
        return self._components.get(name.casefold(), name)

    @cached_property
    def _components(self) -> dict[str, str]:
        """What is called by a name, without regard to case; machines before processes, the first of several."""
        processes = [process for kind in self.processes for process in (kind, *(f"{kind}-{n}" for n in range(1, 10)))]
        called = [*self.machines.items(), *((process, self.name(process)) for process in processes)]
        return {name.casefold(): component for component, name in reversed(called)}

    def word(self, key: str, default: str = "") -> str:
        """What a role, state or thing is called, e.g. ``leader`` → chair."""
        return self.words.get(key) or default or key

    def glyph(self, key: str, default: str = "·") -> str:
        """The glyph of a role or state."""
        return self.glyphs.get(key, default)

    def message(self, flight: FlightView) -> str:
        """What a message says, in this lens; Kubernetes' own words where the lens has no sentence for its kind.

        A key may be the kind alone or with the first word of the text (``AppendEntriesReply no``).
        """
        first = flight.text.split(" ", 1)[0].rstrip(":,")
        template = self.messages.get(f"{flight.kind} {first}") or self.messages.get(flight.kind)
        if template is None:
            return flight.text or flight.kind
        ends = {"src": self.name(flight.src), "dst": self.name(flight.dst)}
        return fill(template, {"text": self.thing(flight.text, flight.kind), "kind": flight.kind, **ends})

    def thing(self, path: str, verb: str = "") -> str:
        """An object's path in this lens' words: ``/api/v1/namespaces/default/pods/web-1`` → ``musician web-1``, a Deployment's
        ``.../scale`` → ``volume of section web``. A collection is ``new musician`` for POST, else ``all musicians``. Other
        texts stay as they are."""
        found = _PATH.match(path)
        if found is None:
            return path
        resource, name, part = found["resource"], found["name"], found["part"]
        kind = self.words.get(resource.removesuffix("s"), resource.removesuffix("s"))
        if name is None:
            return f"new {kind}" if verb == "POST" else f"all {self.words.get(resource, resource)}"
        called = self.machines.get(name) or f"{kind} {name}"
        return f"{self.words.get(part, part)} of {called}" if part else called

    def note(self, note: NoteView) -> str:
        """The sentence for a note of the event log, or empty: this lens has nothing to say about it.

        A key may be the kind alone or with an exit code or a number of lost entries (``container.died 0``, ``raft.reset 0``).
        """
        number = note.fields.get("exit_code", note.fields.get("lost", ""))
        template = self.notes.get(f"{note.kind} {number}") or self.notes.get(note.kind)
        if template is None:
            return ""
        fields = {key: self._translated(value) for key, value in note.fields.items()}
        return fill(template, {**fields, "actor": self.name(note.actor), "machine": self.name(note.machine)})

    def _translated(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.name(value.removeprefix("default/"))
        if isinstance(value, (tuple, list)):
            return ", ".join(str(self._translated(item)) for item in value)
        return value


_PATH = re.compile(
    r"^/api(?:s/[^/]+)?/v[^/]+/(?:namespaces/[^/]+/(?=[^/]))?(?P<resource>[a-z]+)(?:/(?P<name>[^/]+)(?:/(?P<part>[a-z]+))?)?$"
)
"""A path of the API: only what, which and which part of it are told; the namespace goes without saying."""
_NODE_PROCESSES = frozenset({"kubelet", "containerd", "crio", "cri-dockerd", "dockerd", "cni", "kube-proxy", *AGENTS})


class _Known(dict[str, Any]):
    """Template fields; one that is missing reads as an ellipsis, so that a sentence never fails."""

    def __missing__(self, key: str) -> str:
        return "…"


def fill(template: str, fields: Mapping[str, Any]) -> str:
    """``template`` with its ``{fields}`` filled in; only plain names are fields, attributes and indices are not followed."""
    known = _Known(fields)
    out = []
    for literal, name, _, _ in Formatter().parse(template):
        out.append(literal)
        if name is not None:
            out.append(str(known[name]))
    return "".join(out)


def fields_of(template: str) -> tuple[str, ...]:
    """Names of the ``{fields}`` of a template."""
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def folder() -> Path:
    """Where the lenses lie."""
    return paths.assets() / "lenses"


@cache
def names() -> tuple[str, ...]:
    """Ids of all lenses, Kubernetes' own first."""
    found = sorted(path.stem for path in folder().glob("*.yaml"))
    return tuple(sorted(found, key=lambda name: (name != KUBERNETES, name)))


@cache
def lens(name: str) -> Lens:
    """The lens with that id.

    Raises `LessonError`: there is no such lens, or its file is broken.
    """
    from k8s_tutor.lessons.source import read, validated

    path = folder() / f"{name}.yaml"
    if not path.is_file():
        raise LessonError([Problem(str(path), 1, 1, f"there is no lens {name!r}: use one of {', '.join(names())}")])
    return validated(Lens, read(path))
