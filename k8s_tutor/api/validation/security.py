"""Security contexts of pods and containers (pkg/apis/core/validation ValidateSecurityContext)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import dump
from k8s_tutor.api.validation.causes import duplicate, invalid, not_supported, required

Tree = dict[str, Any]

_MOST = 2**31 - 1
_ID_TEXT = f"must be between 0 and {_MOST}, inclusive"
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")
_SYSCTL_MOST = 253
_SECCOMP = ("Localhost", "RuntimeDefault", "Unconfined")


def _ids(found: list[Cause], field: str, context: Tree, names: tuple[str, ...]) -> None:
    for name in names:
        value = context.get(name)
        if value is not None and not 0 <= value <= _MOST:
            found.append(invalid(f"{field}.{name}", value, _ID_TEXT))


def _seccomp(found: list[Cause], field: str, context: Tree) -> None:
    profile = context.get("seccompProfile")
    if profile is None:
        return
    kind, place = profile.get("type", ""), f"{field}.seccompProfile"
    if not kind:
        found.append(required(f"{place}.type", "type is required when seccompProfile is set"))
    elif kind not in _SECCOMP:
        found.append(not_supported(f"{place}.type", kind, _SECCOMP))
    elif kind == "Localhost":
        if not profile.get("localhostProfile"):
            found.append(required(f"{place}.localhostProfile", "must be set when seccomp type is Localhost"))
    elif "localhostProfile" in profile:
        text = "can only be set when seccomp type is Localhost"
        found.append(invalid(f"{place}.localhostProfile", dump.go("SeccompProfile", profile), text))


def pod(found: list[Cause], field: str, context: Tree) -> None:
    """``spec.securityContext``."""
    _ids(found, field, context, ("fsGroup", "runAsUser", "runAsGroup"))
    for index, group in enumerate(context.get("supplementalGroups", ())):
        if not 0 <= group <= _MOST:
            found.append(invalid(f"{field}.supplementalGroups[{index}]", group, _ID_TEXT))
    policy = context.get("fsGroupChangePolicy")
    if policy is not None and policy not in ("Always", "OnRootMismatch"):
        found.append(not_supported(f"{field}.fsGroupChangePolicy", policy, ("OnRootMismatch", "Always")))
    _seccomp(found, field, context)
    _apparmor(found, field, context)
    _sysctls(found, f"{field}.sysctls", context.get("sysctls", ()))


def _apparmor(found: list[Cause], field: str, context: Tree) -> None:
    profile = context.get("appArmorProfile")
    if profile is None:
        return
    kind, place, name = profile.get("type", ""), f"{field}.appArmorProfile", profile.get("localhostProfile")
    if not kind:
        found.append(required(f"{place}.type", "type is required when appArmorProfile is set"))
    elif kind not in _SECCOMP:
        found.append(not_supported(f"{place}.type", kind, _SECCOMP))
    elif kind != "Localhost":
        if name is not None:
            found.append(invalid(f"{place}.localhostProfile", name, "can only be set when AppArmor type is Localhost"))
    elif not (name or "").strip():
        found.append(required(f"{place}.localhostProfile", "must be set when AppArmor type is Localhost"))
    elif name != name.strip():
        found.append(invalid(f"{place}.localhostProfile", name, "must not be padded with whitespace"))


def _sysctls(found: list[Cause], field: str, items: Sequence[Tree]) -> None:
    seen: list[str] = []
    for index, item in enumerate(items):
        place, name = f"{field}[{index}].name", item.get("name", "")
        if not name:
            found.append(required(place))
        elif len(name) > _SYSCTL_MOST or _SYSCTL.fullmatch(name) is None:
            text = f"must have at most {_SYSCTL_MOST} characters and match regex ^{_SYSCTL.pattern}$"
            found.append(invalid(place, name, text))
        elif name in seen:
            found.append(duplicate(place, name))
        seen.append(name)


def container(found: list[Cause], field: str, context: Tree) -> None:
    """``securityContext`` of one container."""
    _ids(found, field, context, ("runAsUser", "runAsGroup"))
    if context.get("procMount") not in (None, "Default", "Unmasked"):
        found.append(not_supported(f"{field}.procMount", context["procMount"], ("Default", "Unmasked")))
    _seccomp(found, field, context)
    _apparmor(found, field, context)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            found.append(invalid(field, dump.go("SecurityContext", context), text))
        if "CAP_SYS_ADMIN" in context.get("capabilities", {}).get("add", ()):
            text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            found.append(invalid(field, dump.go("SecurityContext", context), text))
