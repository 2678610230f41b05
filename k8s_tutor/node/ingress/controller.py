"""The ingress controller: the program in the pods of the Deployment ``ingress-nginx-controller``.

It watches Ingresses, their classes, Services, EndpointSlices and Secrets, says where each request goes, writes the address of
its nodes into the status of Ingresses, and tells of each that it takes up. Its container is this process.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.ingress.routes import FAKE_CERTIFICATE, Backend, Table, choose, endpoints, mine, secret_of, table
from k8s_tutor.node.recorder import Recorder, Subject
from k8s_tutor.sim import SECOND, Body, Call, Context, Reply

KIND = "ingress-nginx"
"""The kind of process that its containers are."""
INGRESS_USER = "system:serviceaccount:ingress-nginx:ingress-nginx"
SERVICE_LABEL = "kubernetes.io/service-name"
LABELS = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}
RELOAD = 1 * SECOND
"""Changes are gathered for that long (``--sync-rate-limit``, about three a second there)."""
PAGE = """<html>
<head><title>{title}</title></head>
<body>
<center><h1>{title}</h1></center>
<hr><center>nginx</center>
</body>
</html>
"""
TITLES = {
    308: "308 Permanent Redirect", 404: "404 Not Found", 502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out",
}  # fmt: skip


class Asked(Body):
    """An HTTP request has come: where to with it?"""

    host: str
    path: str
    tls: bool = False


class Route(Body):
    """On to ``endpoint`` (``address:port``), or an answer of its own with this ``code``. ``certificate``: whose name the
    client is shown; ``ingress``: by whose rule."""

    endpoint: str = ""
    code: int = 0
    certificate: str = ""
    ingress: str = ""
    location: str = ""
    """Where a client is sent to (308)."""


class WriteStatus(Body):
    """The controller's own timer: look at addresses and statuses."""


class IngressController(Recorder):
    """A process ``ingress-nginx-i``. Config: `Access`."""

    config: Access

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.ingresses, self.classes = Informer("Ingress"), Informer("IngressClass")
        self.services = Informer("Service")
        self.slices = Informer("EndpointSlice")
        self.secrets = Informer("Secret", field_selector="type=kubernetes.io/tls")
        self.pods = Informer("Pod", label_selector=",".join(f"{key}={value}" for key, value in LABELS.items()))
        self.slices_of: dict[str, tuple[str, ...]] = {}
        """Service → its EndpointSlices."""
        self.turns: dict[str, int] = {}
        """Service and port → requests that it has got."""
        self.rules: tuple[Table, ...] = ()
        """What was made of the Ingresses, until one of them changes."""
        self.waiting = False

    @property
    def agent(self) -> str:
        return "nginx-ingress-controller"

    # ------------------------------------------------------------------ watching

    def ready(self, ctx: Context) -> None:
        for one in self.ingresses:
            self._taken_up(ctx, one)
        self._soon(ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind in ("Ingress", "IngressClass"):
            self.rules = ()
        if change.kind == "EndpointSlice":
            self._sort(change)
        old, new = change.old, change.new
        if not self.synced:
            return
        if change.kind == "Ingress" and new is not None and (old is None or old.spec != new.spec):
            self._taken_up(ctx, new)
        if change.kind in ("Ingress", "IngressClass", "Pod"):
            self._soon(ctx)

    def _sort(self, change: Change) -> None:
        row = change.new if change.new is not None else change.old
        service = f"{row.metadata.namespace}/{(row.metadata.labels or {}).get(SERVICE_LABEL, '')}"
        known = [key for key in self.slices_of.get(service, ()) if key != change.key]
        self.slices_of[service] = tuple(sorted([*known, change.key] if change.new is not None else known))

    def _taken_up(self, ctx: Context, ingress: Any) -> None:
        if mine(ingress, self.classes):
            about = ingress.metadata
            subject = Subject("Ingress", about.namespace, about.name, about.uid or "", about.resourceVersion or "")
            self.record(ctx, subject, "Normal", "Sync", "Scheduled for sync")

    # ------------------------------------------------------------------ requests

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, WriteStatus):
            self.waiting = False
            self._write_status(ctx)
        elif isinstance(body, Call) and isinstance(body.body, Asked):
            found = self.route(body.body)
            ctx.note("ingress.routed", host=body.body.host, path=body.body.path, to=found.endpoint, code=found.code)
            ctx.reply(src, Reply(body.id, found))

    def table(self) -> Table:
        """The rules as they are known now."""
        if not self.rules:
            self.rules = (table(one for one in self.ingresses if mine(one, self.classes)),)
        return self.rules[0]

    def route(self, asked: Asked, keep: bool = True) -> Route:
        """Where a request goes. ``keep`` False: nothing is remembered of it, as for a look from outside."""
        rules = self.table()
        secret = secret_of(rules, asked.host)
        certificate = asked.host if secret and secret in self.secrets.objects else FAKE_CERTIFICATE
        backend, ingress = choose(rules, asked.host, asked.path)
        if backend is None:
            return Route(code=404, certificate=certificate)
        if secret and not asked.tls:
            return Route(code=308, ingress=ingress, location=f"https://{asked.host}{asked.path}")
        endpoint = self._next(backend, keep)
        if not endpoint:
            return Route(code=503, certificate=certificate, ingress=ingress)
        return Route(endpoint, certificate=certificate, ingress=ingress)

    def _next(self, backend: Backend, keep: bool) -> str:
        """The endpoint whose turn it is."""
        slices = [self.slices.objects[key] for key in self.slices_of.get(backend.service, ()) if key in self.slices.objects]
        found = endpoints(self.services.objects.get(backend.service), slices, backend.port)
        if not found:
            return ""
        key = f"{backend.service}:{backend.port}"
        turn = self.turns.get(key, 0)
        if keep:
            self.turns[key] = turn + 1
        return found[turn % len(found)]

    # ------------------------------------------------------------------ status

    def _soon(self, ctx: Context) -> None:
        if not self.waiting:
            self.waiting = True
            ctx.after(RELOAD, WriteStatus())

    def _write_status(self, ctx: Context) -> None:
        """The addresses of the nodes on which controllers run."""
        found = sorted({pod.status.hostIP for pod in self.pods if pod.status is not None and pod.status.hostIP})
        wanted = [{"ip": address} for address in found]
        for one in self.ingresses:
            balancer = one.status.loadBalancer if one.status is not None else None
            known = [{"ip": row.ip} for row in (balancer.ingress or ())] if balancer is not None else []
            if wanted and known != wanted and mine(one, self.classes):
                path = f"/apis/networking.k8s.io/v1/namespaces/{one.metadata.namespace}/ingresses/{one.metadata.name}/status"
                patch = {"status": {"loadBalancer": {"ingress": wanted}}}
                self.request(ctx, "PATCH", path, patch, content_type="application/merge-patch+json")
