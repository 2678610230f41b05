"""APIs that another process serves behind the API server: an APIService says which, and the API server passes requests on.

Every server asks that process now and then whether it is there; the condition ``Available`` of the APIService says what came
of it, and without it requests are refused at once. Sources: kube-aggregator pkg/apiserver/handler_proxy.go,
pkg/controllers/status/remote/remote_available_controller.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.base import Op
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.scheme import Target, Tree
from k8s_tutor.api.watchcache import Item
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.api.writes import Writes
from k8s_tutor.sim import SECOND, Body, CallFailed, Context

SERVICES = scheme.resource("APIService")
_SERVICE = scheme.resource("Service")
CHECK_EVERY = 30 * SECOND
CHECK_TIMEOUT = 5 * SECOND
RELAY_TIMEOUT = 60 * SECOND
AGGREGATOR = "system:kube-aggregator"
_UNAVAILABLE = b"service unavailable\n"


class CheckServices(Body):
    """A timer: are the processes behind this server there?"""


class Aggregation(Writes):
    """The part of the API server that has others answer."""

    def __init__(self, name: str, config: Any, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.behind: dict[str, bytes] = {}
        """``v1beta1.metrics.k8s.io`` → what it said that it serves, when it last said so."""
        self.checking = False
        """Whether a `CheckServices` is on its way."""

    # ------------------------------------------------------------------ what is served elsewhere

    def aggregated(self) -> dict[str, Item]:
        """APIServices that another process stands for: name → object, in order."""
        if SERVICES.cache not in self.caches.kinds:
            return {}
        items = self.caches.of(SERVICES).items
        found = {key.rpartition("/")[2]: item for key, item in sorted(items.items())}
        return {name: item for name, item in found.items() if scheme.tree(item.data).get("spec", {}).get("service")}

    def service_of(self, path: str) -> Tree | None:
        """The APIService, if another process answers this path."""
        parts = path.split("/", 4)
        if len(parts) < 4 or parts[1] != "apis" or SERVICES.cache not in self.caches.kinds:
            return None
        item = self.caches.of(SERVICES).items.get(SERVICES.key("", f"{parts[3]}.{parts[2]}"))
        tree = scheme.tree(item.data) if item is not None else {}
        return tree if tree.get("spec", {}).get("service") else None

    def elsewhere(self, path: str) -> Target | None:
        """What a path is about that another process answers: the authorizer wants to know."""
        if self.service_of(path) is None:
            return None
        parts = [part for part in path.split("/") if part]
        group, version, rest = parts[1], parts[2], parts[3:]
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        if not rest:
            return Target(None)
        row = Resource("", rest[0], group, version, namespaced=bool(namespace))
        name, subresource = (*rest[1:3], "", "")[:2]
        return Target(row, namespace, name, subresource)

    def rows_behind(self) -> tuple[Resource, ...]:
        """What is served elsewhere, for discovery; and a row without a name for each version."""
        rows: list[Resource] = []
        for name in self.aggregated():
            listed = msgspec.json.decode(self.behind[name]) if name in self.behind else {}
            version, _, group = name.partition(".")
            rows.append(Resource("", "", group, version))
            rows += [
                Resource(
                    one["kind"], one["name"], group, version, one["namespaced"], tuple(one.get("shortNames") or ()),
                    verbs=tuple(one["verbs"]), single=one.get("singularName", ""),
                )
                for one in listed.get("resources") or () if "/" not in one["name"]
            ]  # fmt: skip
        return tuple(rows)

    def stale(self) -> tuple[tuple[str, str], ...]:
        """(group, version) of what is served elsewhere by a process that is not there."""
        found = [name.partition(".") for name, item in self.aggregated().items() if not _available(scheme.tree(item.data))]
        return tuple((group, version) for version, _, group in found)

    # ------------------------------------------------------------------ passing on

    def relay(self, ctx: Context, op: Op) -> bool:
        """Whether another process is to answer; then it has been asked, or the request has been refused."""
        if op.target.resource is not None and op.target.resource.kind:
            return False
        service = self.service_of(op.request.path)
        if service is None:
            return False
        if not _available(service):
            self.note_request(ctx, op, "relay ✗")
            self.answer(ctx, op, 503, _UNAVAILABLE, content_type="text/plain; charset=utf-8")
            return True
        self.note_request(ctx, op, "relay …")
        request = msgspec.structs.replace(op.request, user=op.user.name, groups=op.user.groups, token="", headers=())
        place = self._place(service)
        self.ask(ctx, service["spec"]["service"]["name"], request, "relayed", (op, place), RELAY_TIMEOUT)
        return True

    def relayed(self, ctx: Context, answer: Response | CallFailed, op: Op, place: str) -> None:
        """The other process has answered, or cannot be reached."""
        if isinstance(answer, Response):
            self.answer(ctx, op, answer.code, answer.body, answer.warnings, answer.content_type, answer.headers)
            return
        text = f"error trying to reach service: {_dial(answer, place)}"
        self.answer(ctx, op, 503, text.encode(), content_type="text/plain; charset=utf-8")

    def _place(self, service: Tree) -> str:
        """``10.101.7.4:443``: where the process is supposed to be."""
        about = service["spec"]["service"]
        item = self.caches.get(_SERVICE, _SERVICE.key(about.get("namespace", ""), about.get("name", "")))
        address = scheme.tree(item.data)["spec"].get("clusterIP", "") if item is not None else ""
        return f"{address}:{about.get('port', 443)}"

    # ------------------------------------------------------------------ is it there?

    def services_changed(self, ctx: Context) -> None:
        """APIServices have changed: those that were never asked are asked now."""
        services = self.aggregated()
        for name in [name for name in self.behind if name not in services]:
            del self.behind[name]
        for name, item in services.items():
            if not _condition(scheme.tree(item.data)):
                self._check(ctx, name, item)
        if services and not self.checking:
            self.checking = True
            ctx.after(CHECK_EVERY, CheckServices(), work=False)

    def check_services(self, ctx: Context) -> None:
        """Time to look at all of them."""
        self.checking = False
        services = self.aggregated()
        for name, item in services.items():
            self._check(ctx, name, item)
        if services:
            self.checking = True
            ctx.after(CHECK_EVERY, CheckServices(), work=False)

    def _check(self, ctx: Context, name: str, item: Item) -> None:
        tree = scheme.tree(item.data)
        about = tree["spec"]["service"]
        namespace, service = about.get("namespace", ""), about.get("name", "")
        if self.caches.get(_SERVICE, _SERVICE.key(namespace, service)) is None:
            text = f'service/{service} in "{namespace}" is not present'
            self._tell(ctx, name, "False", "ServiceNotFound", text)
            return
        version, _, group = name.partition(".")
        request = Request("GET", f"/apis/{group}/{version}", user=AGGREGATOR, agent="kube-apiserver")
        self.ask(ctx, service, request, "checked", (name, self._place(tree)), CHECK_TIMEOUT)

    def checked(self, ctx: Context, answer: Response | CallFailed, name: str, place: str) -> None:
        """The process has answered, or has not."""
        version, _, group = name.partition(".")
        url = f"https://{place}/apis/{group}/{version}"
        if isinstance(answer, CallFailed):
            text = f'failing or missing response from {url}: Get "{url}": {_dial(answer, place)}'
            self._tell(ctx, name, "False", "FailedDiscoveryCheck", text)
        elif answer.code != 200:
            text = f"failing or missing response from {url}: bad status from {url}: {answer.code}"
            self._tell(ctx, name, "False", "FailedDiscoveryCheck", text)
        else:
            if self.behind.get(name) != answer.body:
                self.behind[name] = answer.body
            self._tell(ctx, name, "True", "Passed", "all checks passed")

    def _tell(self, ctx: Context, name: str, state: str, reason: str, message: str) -> None:
        """Writes the condition when it says something new; another server may be faster."""
        key = SERVICES.key("", name)
        item = self.caches.get(SERVICES, key)
        if item is None:
            return
        tree = scheme.tree(item.data)
        old = _condition(tree)
        fresh = {"lastTransitionTime": self.setting(ctx).stamp, "message": message, "reason": reason, "status": state,
                 "type": "Available"}  # fmt: skip
        if old and (old["status"], old["reason"], old["message"]) == (state, reason, message):
            return
        if old and old["status"] == state:
            fresh["lastTransitionTime"] = old["lastTransitionTime"]
        ctx.decide()
        rest = [one for one in tree.get("status", {}).get("conditions") or () if one["type"] != "Available"]
        self.care(ctx, SERVICES, key, item, {**tree, "status": {"conditions": [*rest, fresh]}})

    def care(self, ctx: Context, row: Resource, key: str, item: Item, tree: Tree | None) -> None:
        """Stores an object, or deletes it, unless somebody was faster."""
        raise NotImplementedError


def _condition(tree: Tree) -> Tree:
    found = (tree.get("status") or {}).get("conditions") or ()
    return next((one for one in found if one["type"] == "Available"), {})


def _available(tree: Tree) -> bool:
    return _condition(tree).get("status") == "True"


def _dial(failed: CallFailed, place: str) -> str:
    if failed.reason == "timeout":
        return f"dial tcp {place}: i/o timeout"
    return f"dial tcp {place}: connect: connection refused"


