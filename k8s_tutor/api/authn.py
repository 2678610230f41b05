"""Authentication: who a request comes from (vendor/k8s.io/apiserver/pkg/authentication/request).

A client certificate comes first, then a bearer token, then nobody: `ANONYMOUS`. A credential that is wrong is refused; it is
never taken for nobody's.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from k8s_tutor.api.status import unauthorized
from k8s_tutor.api.wire import Request
from k8s_tutor.sim import Body

ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"
AUTHENTICATED, UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"


class Token(Body):
    """A line of the server's token file: a bearer token that never ends, and who holds it."""

    token: str
    user: str
    groups: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def certificate_groups(user: str) -> tuple[str, ...]:
    """The organizations in the certificates of the cluster's own parts, which are issued when it is set up."""
    if user in ("kubernetes-admin", "system:apiserver", "system:kube-controller-manager"):
        return (MASTERS,)
    return ("system:nodes",) if user.startswith("system:node:") else ()


def identify(request: Request, tokens: tuple[Token, ...]) -> Request:
    """The request with the user and all groups that its credentials stand for. Raises a Refusal (401)."""
    user, groups = request.user, request.groups
    if user:
        groups = groups or certificate_groups(user)
    elif request.token:
        known = next((token for token in tokens if token.token == request.token), None)
        if known is None:
            raise unauthorized()
        user, groups = known.user, known.groups
    else:
        return msgspec.structs.replace(request, user=ANONYMOUS, groups=(UNAUTHENTICATED,))
    return msgspec.structs.replace(request, user=user, groups=(*groups, AUTHENTICATED))
