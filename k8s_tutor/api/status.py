"""Status objects: how the API server says that something went wrong, or well (apimachinery api/errors).

`Refusal` is the exception that carries one from any stage of a request to its answer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

Tree = dict[str, Any]

CONFLICT = "the object has been modified; please apply your changes to the latest version and try again"


class Cause(NamedTuple):
    """One thing that is wrong with an object: machine-readable reason, field path, text without the path."""

    reason: str
    field: str
    message: str

    def tree(self) -> Tree:
        """As an entry of ``details.causes``."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


class Subject(NamedTuple):
    """What a Status is about: the plural resource (or the kind, for invalid objects), its group and the name."""

    group: str
    resource: str
    name: str = ""

    @property
    def qualified(self) -> str:
        """``deployments.apps``, ``pods``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def title(self) -> str:
        """``deployments.apps "web"``."""
        return f'{self.qualified} "{self.name}"'

    def details(self) -> Tree:
        """The ``details`` of a Status, without empty fields."""
        found = {"name": self.name, "group": self.group, "kind": self.resource}
        return {key: text for key, text in found.items() if text}


class Refusal(Exception):
    """A request ends here with this Status; ``code`` is the HTTP code, ``tree`` the Status object."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree["message"])
        self.tree = tree
        self.code: int = tree["code"]


def failure(code: int, reason: str, message: str, details: Tree | None = None) -> Refusal:
    """A Status of failure; empty ``reason`` and None ``details`` are left out, as the real server does."""
    tree: Tree = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    if reason:
        tree["reason"] = reason
    if details is not None:
        tree["details"] = details
    tree["code"] = code
    return Refusal(tree)


def success(subject: Subject, uid: str) -> Tree:
    """The answer to a delete that finished at once."""
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {**subject.details(), "uid": uid},
    }  # fmt: skip


def bad_request(message: str) -> Refusal:
    """400."""
    return failure(400, "BadRequest", message)


def unauthorized() -> Refusal:
    """401: a credential that nobody knows."""
    return failure(401, "Unauthorized", "Unauthorized")


def forbidden(subject: Subject, why: str, causes: tuple[Cause, ...] = ()) -> Refusal:
    """403: ``pods "p" is forbidden: ...`` (without the name when there is none)."""
    about = subject.title if subject.name else subject.qualified
    details = subject.details()
    if causes:
        details["causes"] = [cause.tree() for cause in causes]
    return failure(403, "Forbidden", f"{about} is forbidden: {why}", details)


def forbidden_path(user: str, verb: str, path: str) -> Refusal:
    """403 for a path that is no resource."""
    return failure(403, "Forbidden", f'forbidden: User "{user}" cannot {verb} path "{path}"', {})


def not_found(subject: Subject) -> Refusal:
    """404: ``pods "p" not found``."""
    return failure(404, "NotFound", f"{subject.title} not found", subject.details())


def unknown_path() -> Refusal:
    """404 for a resource that does not exist."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> Refusal:
    """405."""
    text = "the server does not allow this method on the requested resource"
    return failure(405, "MethodNotAllowed", text, {})


def already_exists(subject: Subject, why: str = "") -> Refusal:
    """409 of a create."""
    return failure(409, "AlreadyExists", f"{subject.title} already exists{why}", subject.details())


def conflict(subject: Subject, why: str = CONFLICT) -> Refusal:
    """409 of an update, a patch or a delete with a precondition."""
    return failure(409, "Conflict", f"Operation cannot be fulfilled on {subject.title}: {why}", subject.details())


def expired(message: str) -> Refusal:
    """410: the revision asked for has been compacted."""
    return failure(410, "Expired", message)


def too_old(asked: int, oldest: int) -> Refusal:
    """410 of a watch whose revision the watch cache no longer holds."""
    return expired(f"too old resource version: {asked} ({oldest})")


def too_many_requests(message: str, seconds: int) -> Refusal:
    """429: try again later."""
    return failure(429, "TooManyRequests", message, {"retryAfterSeconds": seconds})


def too_large(limit: int) -> Refusal:
    """413: the body is larger than what is read."""
    return failure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def not_acceptable(supported: tuple[str, ...]) -> Refusal:
    """406: the client takes nothing that this request can be answered with."""
    text = f"only the following media types are accepted: {', '.join(supported)}"
    return failure(406, "NotAcceptable", text)


def unsupported_media_type(supported: tuple[str, ...]) -> Refusal:
    """415: a body in a format that this request does not take."""
    text = f"the body of the request was in an unknown format - accepted media types include: {', '.join(supported)}"
    return failure(415, "UnsupportedMediaType", text)


def invalid(subject: Subject, causes: list[Cause]) -> Refusal:
    """422 with every cause; ``subject.resource`` is the kind here (``Deployment.apps "web" is invalid: ...``)."""
    texts: list[str] = []
    for cause in causes:
        text = f"{cause.field}: {cause.message}"
        if text not in texts:
            texts.append(text)
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {**subject.details(), "causes": [cause.tree() for cause in causes]}
    return failure(422, "Invalid", f"{subject.title} is invalid: {joined}", details)


def internal_error(message: str) -> Refusal:
    """500 as for errors without a reason of their own: what etcd said, or a rule of the storage layer."""
    return failure(500, "", message)


def too_large_revision(asked: int, current: int) -> Refusal:
    """504: a revision that has not come yet."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return failure(504, "Timeout", f"Timeout: Too large resource version: {asked}, current: {current}", details)


def request_timeout(message: str) -> Refusal:
    """504: the server gave up waiting."""
    return failure(504, "Timeout", f"Timeout: {message}")
