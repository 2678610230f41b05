"""kubectl's configuration: which contexts there are, whose credentials they hold, and which is in use.

It lies among the files of a console as ``~/.kube/config``, written as JSON (which is YAML, too).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

FILE = "~/.kube/config"
CLUSTER = "k8s-tutor"


@dataclass(frozen=True)
class Login:
    """A user of the configuration: the name it goes by there, and a certificate (``user``, ``groups``) or a bearer token."""

    name: str
    user: str = ""
    groups: tuple[str, ...] = ()
    token: str = ""


@dataclass(frozen=True)
class Context:
    """Whom to be, and where."""

    name: str
    login: str
    namespace: str = ""


ADMIN = Login("admin", "kubernetes-admin")


@dataclass(frozen=True)
class Settings:
    """The whole configuration."""

    logins: tuple[Login, ...] = (ADMIN,)
    contexts: tuple[Context, ...] = (Context("admin", "admin"),)
    current: str = "admin"

    def context(self, name: str = "") -> Context | None:
        """The context of that name, or the one in use."""
        return next((one for one in self.contexts if one.name == (name or self.current)), None)

    def login(self, name: str) -> Login | None:
        """The user of that name."""
        return next((one for one in self.logins if one.name == name), None)

    def with_login(self, login: Login) -> Settings:
        """With a user added, or put in place of the one of that name."""
        return replace(self, logins=(*(one for one in self.logins if one.name != login.name), login))

    def with_context(self, context: Context) -> Settings:
        """With a context added, or put in place of the one of that name."""
        if self.context(context.name) is None:
            return replace(self, contexts=(*self.contexts, context))
        return replace(self, contexts=tuple(context if one.name == context.name else one for one in self.contexts))


def of_logins(logins: tuple[Login, ...]) -> Settings:
    """A context for each user; the first is in use."""
    return Settings(logins, tuple(Context(one.name, one.name) for one in logins), logins[0].name)


def encode(settings: Settings) -> bytes:
    """The file."""
    logins = [{"name": one.name, "user": one.user, "groups": list(one.groups), "token": one.token} for one in settings.logins]
    contexts = [{"name": one.name, "login": one.login, "namespace": one.namespace} for one in settings.contexts]
    return json.dumps({"logins": logins, "contexts": contexts, "current": settings.current}).encode()


def decode(data: bytes) -> Settings:
    """What the file says."""
    tree: dict[str, Any] = json.loads(data)
    logins = tuple(Login(one["name"], one["user"], tuple(one["groups"]), one["token"]) for one in tree["logins"])
    contexts = tuple(Context(one["name"], one["login"], one["namespace"]) for one in tree["contexts"])
    return Settings(logins, contexts, tree["current"])
