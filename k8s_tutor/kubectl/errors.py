"""What can go wrong in a command, and kubectl's words for it (kubectl pkg/cmd/util/helpers.go, checkErr)."""

from __future__ import annotations

from k8s_tutor.kubectl.program import Tree

SERVER = "lb:6443"
"""Where the learner's kubectl reaches the API servers: the load balancer."""


class Failure(Exception):
    """A command, or one object of it, has failed. ``message`` has no ``error:`` in front."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code

    def alone(self) -> str:
        """The text on stderr when it is the only error."""
        return self.message if self.message.startswith("error: ") else f"error: {self.message}"

    def among(self) -> str:
        """The text on stderr when it is one of several."""
        return self.message


class Usage(Failure):
    """Wrong arguments; ``command`` is the full name (``kubectl create deployment``) whose help would tell."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(f"{message}\nSee '{command} -h' for help and examples")


class Worded(Failure):
    """An error whose text is printed as it stands."""

    def alone(self) -> str:
        return self.message


class Unreachable(Failure):
    """No answer: the connection was refused or reset, or nothing came in time. ``reason`` is that of `CallFailed`."""

    def __init__(self, reason: str, url: str) -> None:
        self.reason = reason
        self.url = url
        if reason == "timeout":
            text = "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"
            super().__init__(f"Unable to connect to the server: {text}")
        else:
            text = f"The connection to the server {SERVER} was refused - did you specify the right host or port?"
            super().__init__(text)

    def alone(self) -> str:
        return self.message


class Refused(Failure):
    """The server answered with a Status of failure."""

    def __init__(self, status: Tree, said: str | None = None) -> None:
        self.status = status
        self.reason = str(status.get("reason") or "")
        self.said = said if said is not None else str(status.get("message") or "unknown")
        super().__init__(self._standard())

    def _standard(self) -> str:
        if self.reason == "Unauthorized":
            return f"error: You must be logged in to the server ({self.said})"
        return f"Error from server ({self.reason}): {self.said}" if self.reason else f"Error from server: {self.said}"

    @property
    def missing_type(self) -> bool:
        """True when the server does not serve such a resource at all (a 404 that names no object)."""
        return self.reason == "NotFound" and not (self.status.get("details") or {}).get("name")

    def alone(self) -> str:
        return self._invalid() if self.reason == "Invalid" else self.message

    def _invalid(self) -> str:
        details = self.status.get("details") or {}
        text = "The request is invalid"
        causes = details.get("causes") or []
        if details.get("kind") or details.get("name"):
            text = f'The {details.get("kind", "")} "{details.get("name", "")}" is invalid'
        elif not causes:
            text = f"{text}: {self.said}"
        lines = list(dict.fromkeys(f"{cause.get('field') or ''}: {cause.get('message')}" for cause in causes))
        if not lines:
            return text
        if len(lines) == 1:
            return f"{text}: {lines[0]}"
        return "\n".join([f"{text}: ", *(f"* {line}" for line in lines)])

    def about(self, api_version: str, plural: str, selection: tuple[tuple[str, str], ...]) -> Refused:
        """A list that was refused for its selectors says which they were (cli-runtime resource/selector.go)."""
        if self.reason not in ("BadRequest", "NotFound") or not selection:
            return self
        chosen = dict(selection)
        group, _, version = api_version.rpartition("/")
        text = (
            f'Unable to find "{group}/{version}, Resource={plural}" that match label selector '
            f'"{chosen.get("labelSelector", "")}", field selector "{chosen.get("fieldSelector", "")}": {self.said}'
        )
        return Refused(self.status, text)

    def when(self, verb: str, source: str) -> Refused:
        """The same error, with the file that it is about (AddSourceToErr)."""
        return Refused(self.status, f'error when {verb} "{source}": {self.said}')


class Several(Failure):
    """More than one thing failed."""

    def __init__(self, failures: list[Failure]) -> None:
        self.failures = failures
        super().__init__("\n".join(failure.among() for failure in failures))

    def alone(self) -> str:
        return self.message


def raise_all(failures: list[Failure]) -> None:
    """Raise what was collected, if anything."""
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise Several(failures)
