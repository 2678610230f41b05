"""Impersonation: an admin asks as somebody else (vendor/k8s.io/apiserver/pkg/endpoints/filters/impersonation).

Each name that is put on (user, groups, uid, extra) is a right of its own, the verb ``impersonate``.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from k8s_tutor.api import tokens
from k8s_tutor.api.authn import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, User
from k8s_tutor.api.rbac import SERVICE_ACCOUNT, Ask
from k8s_tutor.api.status import internal_error
from k8s_tutor.api.wire import Request

_USER, _GROUP, _UID, _EXTRA = "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"


def wanted(request: Request) -> User | None:
    """Whom the client wants to be, or None. Raises a Refusal (500) for groups without a user."""
    if not request.headers:
        return None
    headers = [(name, value) for name, value in request.headers if name.startswith("impersonate-")]
    name = next((value for header, value in headers if header == _USER), "")
    if not name:
        if headers:
            asked = " ".join(f"{header}={value}" for header, value in headers)
            text = f'Internal Server Error: "{request.path}": requested [{asked}] without impersonating a user'
            raise internal_error(text)
        return None
    groups = tuple(value for header, value in headers if header == _GROUP)
    uid = next((value for header, value in headers if header == _UID), "")
    extra: dict[str, tuple[str, ...]] = {}
    for header, value in headers:
        if header.startswith(_EXTRA):
            key = unquote(header.removeprefix(_EXTRA))
            extra[key] = (*extra.get(key, ()), value)
    return User(name, groups, uid, tuple(extra.items()))


def asks(user: User) -> Iterator[Ask]:
    """The rights that it takes to be this user."""
    if user.name.startswith(SERVICE_ACCOUNT) and user.name.count(":") == 3:
        _, _, namespace, name = user.name.split(":")
        yield Ask("impersonate", "", "serviceaccounts", "", namespace, name)
    else:
        yield Ask("impersonate", "", "users", name=user.name)
    for group in user.groups:
        yield Ask("impersonate", "", "groups", name=group)
    for key, values in user.extra:
        for value in values:
            yield Ask("impersonate", _AUTHENTICATION, "userextras", key, name=value)
    if user.uid:
        yield Ask("impersonate", _AUTHENTICATION, "uids", name=user.uid)


def complete(user: User) -> User:
    """The user with the groups that come with the name."""
    groups = user.groups
    if user.name.startswith(SERVICE_ACCOUNT) and not groups:
        groups = tokens.groups_of(user.name.split(":")[2])
    ending = UNAUTHENTICATED if user.name == ANONYMOUS else AUTHENTICATED
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups = (*groups, ending)
    return user._replace(groups=groups)
