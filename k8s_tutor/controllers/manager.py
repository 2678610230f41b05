"""The controller manager process: all controllers, each with its own queue, one key a message (cmd/kube-controller-manager)."""

from __future__ import annotations

from functools import cache
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.api.component import Access
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response, WatchCancel
from k8s_tutor.controllers import catalogue
from k8s_tutor.controllers.base import FIELDS, Controller, Index, Stores
from k8s_tutor.controllers.catalogue import Catalogue
from k8s_tutor.controllers.objects import controller_of
from k8s_tutor.controllers.registry import CONTROLLERS
from k8s_tutor.controllers.runner import Runner
from k8s_tutor.controllers.serviceaccounts import RootCertificatePublisher
from k8s_tutor.controllers.tokens import TokensController
from k8s_tutor.sim import CallFailed, Context

OTHERS = {
    row.kind: row.plural for row in scheme.RESOURCES
    if row.kind not in FIELDS and row.kind != "Event" and {"list", "watch", "delete"} <= {*row.verbs}
}  # fmt: skip
"""Kinds that only the garbage collector watches."""

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nk8s-tutor\n-----END CERTIFICATE-----\n"
"""Stands for the CA of a cluster that is not served outside."""


ALL: dict[str, type[Controller]] = {
    **CONTROLLERS, "root_certificate": RootCertificatePublisher, "tokens": TokensController
}  # fmt: skip
"""The attribute of the manager that holds each controller, and its class."""


_NAMES = {make.name: name for name, make in ALL.items()}


@cache
def _listeners(kind: str) -> tuple[str, ...]:
    """The controllers that hear of a kind."""
    return tuple(name for name, make in ALL.items() if not make.hears or kind in make.hears)


class ManagerConfig(Access):
    """How it reaches the API server, the certificate (PEM) of the cluster's CA, what signs tokens of service accounts, and how
    long changes of pods are gathered for Endpoints and EndpointSlices (µs)."""

    certificate: str = CERTIFICATE
    signing_key: str = "k8s-tutor"
    endpoint_batch: int = 0
    slice_batch: int = 0


class ControllerManager(Runner):
    """One kube-controller-manager; config: `ManagerConfig`, user ``system:kube-controller-manager``. Its controllers work
    while it holds the lease ``kube-controller-manager``, and forget everything when they lose it."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk, "kube-controller-manager")
        self.pods = Informer("Pod")
        self.nodes = Informer("Node")
        self.leases = Informer("Lease", field_selector="metadata.namespace=kube-node-lease")
        for kind, field in FIELDS.items():
            if kind not in ("Pod", "Node", "Lease"):
                setattr(self, field, Informer(kind))
        self.catalogue = Catalogue(OTHERS)
        self.owned, self.local, self.orphans, self.placed = Index(), Index(), Index(), Index()
        self.fresh()

    def fresh(self) -> None:
        super().fresh()
        batches = {"endpoint": self.config.endpoint_batch, "endpointslice": self.config.slice_batch}
        for name, make in CONTROLLERS.items():
            controller = make()
            controller.batch = batches.get(name, 0)
            setattr(self, name, controller)
        self.root_certificate = RootCertificatePublisher(self.config.certificate)
        self.tokens = TokensController(self.config.certificate, self.config.signing_key)

    def informer(self, kind: str) -> Informer:
        """The informer of a kind."""
        found = self.stores.of(kind)
        assert found is not None, kind
        return found

    def controllers(self) -> list[Controller]:
        """All controllers, in the order in which they hear of changes."""
        return [getattr(self, name) for name in ALL]

    def controller(self, name: str) -> Controller:
        found: Controller = getattr(self, _NAMES[name])
        return found

    @property
    def stores(self) -> Stores:
        """What is known."""
        found = [getattr(self, field) for field in Stores._fields]
        return Stores(*found)

    # ------------------------------------------------------------------ beginning and ending

    def informers(self) -> list[Informer]:
        return self.stores.all()

    @property
    def synced(self) -> bool:
        """Whether it knows what its controllers need; what only the garbage collector watches may come later."""
        return all(getattr(self, field).synced for field in FIELDS.values())

    def _list(self, ctx: Context, informer: Informer) -> None:
        """As the real process, it watches nothing while another one leads."""
        if self.election.leading:
            super()._list(ctx, informer)

    def _listed(self, ctx: Context, answer: Response | CallFailed, kind: str) -> None:
        if self.election.leading and self.stores.of(kind) is not None:
            super()._listed(ctx, answer, kind)

    def ready(self, ctx: Context) -> None:
        self.begin(ctx)

    def leading(self, ctx: Context) -> None:
        for informer in self.informers():
            self._list(ctx, informer)

    def lost(self, ctx: Context) -> None:
        super().lost(ctx)
        for informer in self.informers():
            self._unwatch(ctx, informer)

    def _unwatch(self, ctx: Context, informer: Informer) -> None:
        informer.synced = False
        if informer.watch:
            ctx.stream(self.config.api, WatchCancel(informer.watch))
            informer.watch = 0

    # ------------------------------------------------------------------ what it hears

    def changed(self, ctx: Context, change: Change) -> None:
        self._file(change)
        if change.kind == "CustomResourceDefinition":
            self._follow(ctx, change)
        if not self.working:
            return
        stores, clock = self.stores, self._clock(ctx)
        for name in _listeners(change.kind):
            controller: Controller = getattr(self, name)
            for key in controller.keys(stores, change, clock):
                if controller.batch and change.kind == "Pod":
                    self._wait(ctx, controller, key, controller.batch, None)
                else:
                    self._add(ctx, controller, key)

    def _follow(self, ctx: Context, change: Change) -> None:
        """Watches the objects of a definition while it is served."""
        before, after = catalogue.custom_of(change.old), catalogue.custom_of(change.new)
        if before == after:
            return
        gone = self.catalogue.remove(change.key)
        if gone is not None:
            self._unwatch(ctx, gone)
        if after is not None:
            self._list(ctx, self.catalogue.add(after))

    def _file(self, change: Change) -> None:
        kind, key, old, new = change
        owners = [[ref.uid for ref in (struct and struct.metadata.ownerReferences) or ()] for struct in (old, new)]
        if owners[0] or owners[1]:
            self.owned.move(f"{kind}/{key}", *owners)
        if kind == "Pod":
            spaces = [[struct.metadata.namespace] if struct else [] for struct in (old, new)]
            self.local.move(key, *spaces)
            alone = [[struct.metadata.namespace] if struct and not controller_of(struct) else [] for struct in (old, new)]
            self.orphans.move(key, *alone)
            nodes = [[struct.spec.nodeName] if struct and struct.spec.nodeName else [] for struct in (old, new)]
            self.placed.move(key, *nodes)
