"""Authentication: who a request comes from (vendor/k8s.io/apiserver/pkg/authentication/request).

A client certificate comes first, then a bearer token, then nobody: `ANONYMOUS`. A credential that is wrong is refused; it is
never taken for nobody's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from k8s_tutor.api import tokens
from k8s_tutor.api.status import unauthorized
from k8s_tutor.api.tokens import Issuer
from k8s_tutor.api.watchcache import Caches
from k8s_tutor.sim import Body

ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"


class Token(Body):
    """A line of the server's token file: a bearer token that never ends, and who holds it."""

    token: str
    user: str
    groups: tuple[str, ...] = ()


class User(NamedTuple):
    """Who a request comes from: name, all groups, and what else a credential says."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


NOBODY = User(ANONYMOUS, (UNAUTHENTICATED,))


@lru_cache(maxsize=1024)
def of_certificate(name: str, groups: tuple[str, ...]) -> User:
    """The holder of a client certificate: the common name is the user, organizations are groups. The cluster's own parts do
    not spell out theirs."""
    if not groups and name in ("kubernetes-admin", "system:apiserver", "system:kube-controller-manager"):
        groups = (MASTERS,)
    elif not groups and name.startswith("system:node:"):
        groups = ("system:nodes",)
    return User(name, (*groups, AUTHENTICATED))


def of_bearer(token: str, known: tuple[Token, ...], issuer: Issuer, caches: Caches, now: int) -> User:
    """Who comes with this token, or with none; ``now`` in Unix seconds. Raises a Refusal (401)."""
    if not token:
        return NOBODY
    found = of_token(token, known, issuer, caches, now)
    if found is None:
        raise unauthorized()
    return found


def of_token(token: str, known: tuple[Token, ...], issuer: Issuer, caches: Caches, now: int) -> User | None:
    """Whom a bearer token stands for: a line of the token file, or a service account. None for one that is not good."""
    line = next((line for line in known if line.token == token), None)
    if line is not None:
        return User(line.user, (*line.groups, AUTHENTICATED))
    claims = issuer.verified(token, caches, now)
    if claims is None:
        return None
    account = claims.account
    return User(
        tokens.user_of(claims.namespace, account.name), (*tokens.groups_of(claims.namespace), AUTHENTICATED), account.uid,
        claims.extra(),
    )  # fmt: skip
