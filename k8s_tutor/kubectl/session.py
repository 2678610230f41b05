"""One run of one command: what it was given, what it has printed, and how it asks the API server."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from k8s_tutor.api import strict
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.kubectl.errors import Failure, Refused, Unreachable
from k8s_tutor.kubectl.program import Asking, Pause, Tree
from k8s_tutor.kubectl.resources import RESOURCES, Resource
from k8s_tutor.kubectl.settings import ADMIN, Settings
from k8s_tutor.sim import CallFailed

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
AGENT = "kubectl/v1.36.2 (linux/amd64) kubernetes/98b3519"
PAGE = ("limit", "500")

Query = tuple[tuple[str, str], ...]


class Session:
    """State of a run. ``now`` is µs since the world began, at the start of the command."""

    def __init__(self, now: int, files: tuple[tuple[str, str], ...], settings: Settings,
                 known: tuple[Resource, ...] = RESOURCES) -> None:  # fmt: skip
        self.now = now
        self.files = files
        self.settings = settings
        self.known = known
        """What the server serves, as far as this command knows."""
        self.discovered = False
        """Whether the server has been asked for that."""
        context = settings.context()
        self.login = (settings.login(context.login) if context else None) or ADMIN
        self.managed = False
        """Whether objects shall come with their ``managedFields``."""
        self.headers: tuple[tuple[str, str], ...] = ()
        """Whom to impersonate."""
        self.namespace = (context.namespace if context else "") or "default"
        self.namespace_given = False
        self.out: list[str] = []
        self.err: list[str] = []
        self.code = 0
        """Exit status of a command that fails without an error of its own."""
        self.waited = 0
        """µs spent in pauses: all that a command can know about time that has passed."""

    @property
    def clock(self) -> int:
        """``now`` plus the pauses."""
        return self.now + self.waited

    def say(self, text: str) -> None:
        """One line (or several) on stdout."""
        self.out.append(text + "\n")

    def warn(self, text: str) -> None:
        """One line on stderr."""
        self.err.append(text + "\n")

    def texts(self, path: str) -> list[tuple[str, str]]:
        """(name, text) of a file that is no manifest, or of all files of a folder. They come as ``text:NAME``."""
        files = {name.removeprefix("text:"): text for name, text in self.files if name.startswith("text:")}
        if path in files:
            return [(path.rpartition("/")[2], files[path])]
        folder = path.rstrip("/") + "/"
        inside = sorted(name for name in files if name.startswith(folder) and "/" not in name[len(folder) :])
        if not inside:
            raise Failure(f"error reading {path}: no such file or directory")
        return [(name[len(folder) :], files[name]) for name in inside]

    def yaml(self, text: str) -> list[Any]:
        """The documents of a text. Raises ValueError for one that cannot be read. What begins with a brace is JSON, and read
        here; YAML is read by whoever hands in the line (file ``yaml:TEXT``)."""
        known = "" if is_json(text) else dict(self.files).get(f"yaml:{text.strip()}")
        content = json.loads(known or json.dumps(_json_values(text)))
        if isinstance(content, str):
            raise ValueError(content)
        return list(content)

    def request(self, method: str, path: str, query: Query = (), body: Any = None, content_type: str = JSON,
                accept: str = JSON) -> Request:  # fmt: skip
        """A request of this user."""
        data = b"" if body is None else msgspec.json.encode(body)
        login = self.login
        return Request(method, path, query, data, content_type, accept, login.user, AGENT, managed=self.managed,
                       groups=login.groups, token=login.token, headers=self.headers)  # fmt: skip

    def ask(self, method: str, path: str, query: Query = (), body: Any = None, content_type: str = JSON,
            accept: str = JSON) -> Asking[Any]:  # fmt: skip
        """Send one request; its answer as a tree. Raises `Unreachable` or `Refused`."""
        request = self.request(method, path, query, body, content_type, accept)
        answer = yield request
        return self.read(request, answer)

    def ask_raw(self, method: str, path: str, query: Query = (), body: Any = None, content_type: str = JSON) -> Asking[str]:
        """The same, with the answer's text as it came."""
        request = self.request(method, path, query, body, content_type, "application/json, */*")
        answer = yield request
        self.read(request, answer)
        return bytes(answer.body).decode("utf-8", "replace")

    def ask_all(self, requests: list[Request]) -> Asking[list[Any]]:
        """Send several requests at once; for each its answer, or the `Failure` that it met."""
        if not requests:
            return []
        answers = yield tuple(requests)
        found: list[Any] = []
        for request, answer in zip(requests, answers, strict=True):
            try:
                found.append(self.read(request, answer))
            except Failure as failure:
                found.append(failure)
        return found

    def read(self, request: Request, answer: Any) -> Any:
        """The tree of an answer. Raises `Unreachable` or `Refused`."""
        if isinstance(answer, CallFailed):
            raise Unreachable(answer.reason, request.path)
        if not isinstance(answer, Response):
            raise TypeError(f"a request was answered with {type(answer).__name__}")
        for text in answer.warnings:
            line = f"Warning: {text}\n"
            if line not in self.err:
                self.err.append(line)
        try:
            tree = msgspec.json.decode(answer.body) if answer.body else {}
        except msgspec.DecodeError:
            tree = {"message": answer.body.decode("utf-8", "replace")}
        if answer.code >= 400:
            told = isinstance(tree, dict) and tree.get("kind") == "Status"
            raise Refused(tree if told else generic(answer.code, tree, request))
        return tree

    def pause(self, delay: int) -> Asking[None]:
        """Let ``delay`` µs pass."""
        yield Pause(delay)
        self.waited += delay

    def scope(self, resource: Resource, namespace: str | None = None) -> str | None:
        """The namespace part of a path: None for cluster-wide kinds."""
        return (namespace or self.namespace) if resource.namespaced else None

    def fetch(self, resource: Resource, name: str, namespace: str | None = None) -> Asking[Tree]:
        """GET one object."""
        found: Tree = yield from self.ask("GET", resource.path(self.scope(resource, namespace), name))
        return found

    def listed(self, resource: Resource, namespace: str | None, query: Query = ()) -> Asking[list[Tree]]:
        """GET all objects (of a namespace, or everywhere with None), page by page."""
        items: list[Tree] = []
        more = ""
        while True:
            page = (*query, PAGE, ("continue", more)) if more else (*query, PAGE)
            answer = yield from self.ask("GET", resource.path(namespace), page)
            kind = {"kind": resource.kind, "apiVersion": resource.api_version}
            items += [{**kind, **item} for item in answer.get("items") or []]
            more = (answer.get("metadata") or {}).get("continue") or ""
            if not more:
                return items


def is_json(text: str) -> bool:
    """Whether kubectl takes a text for JSON (apimachinery util/yaml, hasJSONPrefix)."""
    return text.lstrip().startswith("{")


def _json_values(text: str) -> list[Any] | str:
    """JSON values that follow each other; why not, when there is something else."""
    decoder, at, found = json.JSONDecoder(), 0, []
    try:
        while rest := text[at:].lstrip():
            at = len(text) - len(rest)
            tree, at = decoder.raw_decode(text, at)
            found.append(tree)
    except json.JSONDecodeError as error:
        if is_json(text):
            return f"json: offset {error.pos + 1}: {go_words(text[at:])}"
        return "this console reads YAML that stands in the line or in a file, and what kubectl writes into a pipe, nothing else"
    return found


def go_words(text: str) -> str:
    """Why a text is no JSON, in the words of Go's decoder."""
    try:
        strict.parsed(text.encode())
    except ValueError as error:
        return str(error)
    return "unexpected end of JSON input"


GENERIC = {
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    403: ("Forbidden", "unknown"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
}


def generic(code: int, tree: Any, request: Request) -> Tree:
    """The Status that a client makes of an answer that is none (apimachinery NewGenericServerResponse)."""
    said = tree.get("message", "") if isinstance(tree, dict) else str(tree)
    reason, text = GENERIC.get(code, ("InternalError" if code >= 500 else "", said))
    about = _about(request)
    text += f" ({request.method.lower()} {about})" if code in GENERIC and about else ""
    return {"kind": "Status", "status": "Failure", "reason": reason, "message": text, "code": code}


def _about(request: Request) -> str:
    """``pods.metrics.k8s.io web``: the resource that a request is about, and its name; empty for other paths."""
    parts = request.path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    if parts[0] not in ("api", "apis") or not rest:
        return ""
    return " ".join([f"{rest[0]}.{group}" if group else rest[0], *rest[1:2]])
