"""Paths that are no resource: ``/version``, health, discovery and OpenAPI."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import discovery, health, openapi, scheme, status, swagger
from k8s_tutor.api.aggregation import Aggregation
from k8s_tutor.api.base import Op
from k8s_tutor.api.crd import rows as custom
from k8s_tutor.api.resources import Resource
from k8s_tutor.etcd.wire import Range, RangeResult
from k8s_tutor.sim import MS, Context

_encode = msgspec.json.Encoder().encode

VERSION = {
    "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35", "gitVersion": "v1.36.2", "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
    "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.4", "compiler": "gc",
    "platform": "linux/amd64",
}  # fmt: skip
READY_TIMEOUT = 1_500 * MS
"""How long the readiness check waits for etcd (the real one: 2 s)."""
_TEXT = "text/plain; charset=utf-8"
_NOT_FOUND = b"404 page not found\n"


def pretty(tree: Any) -> bytes:
    """As the handlers print that do not go through the serializers: two spaces deep."""
    return msgspec.json.format(_encode(tree), indent=2)


class Pages(Aggregation):
    """The part of the API server that tells about itself."""

    def served(self) -> tuple[Resource, ...]:
        """Every row that a client may use."""
        return (*scheme.SERVED, *(row for row in self.caches.custom.values() if custom.served(row)))

    def page(self, ctx: Context, op: Op) -> None:
        """Answers a path that is no resource. Raises a Refusal."""
        path = op.request.path
        first = path.split("/")[1] if path.startswith("/") else ""
        if path in ("", "/"):
            self.answer(ctx, op, 200, pretty(discovery.paths(self.served())))
        elif path.rstrip("/") == "/version":
            self.answer(ctx, op, 200, pretty(VERSION))
        elif first in health.CHECKS:
            self._health(ctx, op)
        elif first in ("api", "apis"):
            self._discovery(ctx, op, path.strip("/").split("/"))
        elif first == "openapi":
            self._openapi(ctx, op, path)
        else:
            self._missing(ctx, op)

    def _missing(self, ctx: Context, op: Op) -> None:
        self.answer(ctx, op, 404, _NOT_FOUND, content_type=_TEXT)

    # ------------------------------------------------------------------ health

    def _health(self, ctx: Context, op: Op) -> None:
        asked = health.question(op.request.path, op.request.query)
        if asked is None:
            self._missing(ctx, op)
        elif asked.kind == "readyz" or asked.check == "etcd":
            self.ask(ctx, self.config.etcd, Range("health"), "etcd_asked", (op, asked), READY_TIMEOUT)
        else:
            self._healthy(ctx, op, asked, ())

    def etcd_asked(self, ctx: Context, answer: Any, op: Op, asked: health.Question) -> None:
        """The server is ready while etcd answers a linearizable read in time (storage/storagebackend/factory/etcd3.go)."""
        failing = () if isinstance(answer, RangeResult) else ("etcd", "poststarthook/storage-readiness")
        self._healthy(ctx, op, asked, failing)

    def _healthy(self, ctx: Context, op: Op, asked: health.Question, failing: tuple[str, ...]) -> None:
        if not self.caches.ready and asked.kind == "readyz":
            failing = (*failing, "informer-sync")
        code, text = health.answer(asked, failing)
        self.answer(ctx, op, code, text, content_type=_TEXT)

    # ------------------------------------------------------------------ discovery

    def _discovery(self, ctx: Context, op: Op, parts: list[str]) -> None:
        """``/api``, ``/apis``, a group, a version, or a resource that is not there."""
        rows = (*self.served(), *self.rows_behind())
        if len(parts) == 1:
            version = discovery.aggregated_version(op.request.accept)
            if version:
                self._aggregated(ctx, op, rows, parts[0] == "api", version)
                return
            core = parts[0] == "api"
            self.answer_tree(ctx, op, 200, discovery.core_versions("10.0.0.1:6443") if core else discovery.group_list(rows))
            return
        if parts[0] == "api":
            group, rest = "", parts[1:]
        else:
            group, rest = parts[1], parts[2:]
            if not rest:
                found = discovery.group(rows, group)
                self._missing(ctx, op) if found is None else self.answer_tree(ctx, op, 200, found)
                return
        listed = discovery.resource_list(rows, group, rest[0])
        if listed is None or (len(rest) > 1 and any(row.custom for row in rows if row.group == group)):
            self._missing(ctx, op)
        elif len(rest) > 1:
            raise status.unknown_path()
        else:
            self.answer_tree(ctx, op, 200, listed)

    def _aggregated(self, ctx: Context, op: Op, rows: tuple[Resource, ...], core: bool, version: str) -> None:
        body = discovery.aggregated(rows, core, version, self.stale())
        tag = discovery.etag(body)
        headers = (("ETag", tag), ("Vary", "Accept"), ("Cache-Control", "public"))
        kind = discovery.aggregated_type(version)
        if op.request.if_none_match == tag:
            self.answer(ctx, op, 304, b"", content_type=kind, headers=headers)
        else:
            self.answer(ctx, op, 200, body, content_type=kind, headers=headers)

    # ------------------------------------------------------------------ OpenAPI

    def _openapi(self, ctx: Context, op: Op, path: str) -> None:
        rows = self.served()
        if path.rstrip("/") == "/openapi/v3":
            self.answer_tree(ctx, op, 200, openapi.index(rows))
            return
        if path == "/openapi/v2":
            self._swagger(ctx, op, rows)
            return
        name = path.removeprefix("/openapi/v3/")
        found = openapi.document(rows, name)
        if found is None:
            self._missing(ctx, op)
            return
        tag = f'"{openapi.hash_of(rows, name)}"'
        if op.request.if_none_match == tag:
            self.answer(ctx, op, 304, b"", headers=(("ETag", tag), ("Vary", "Accept")))
        else:
            self.answer(ctx, op, 200, found, headers=(("ETag", tag), ("Vary", "Accept")))

    def _swagger(self, ctx: Context, op: Op, rows: tuple[Resource, ...]) -> None:
        kind = swagger.media(op.request.accept)
        if kind is None:
            raise status.not_acceptable((swagger.JSON, swagger.PROTOBUF))
        body = swagger.document(rows, kind)
        tag = discovery.etag(body)
        headers = (("ETag", tag), ("Vary", "Accept"))
        shown = swagger.ANSWERED if kind == swagger.PROTOBUF else kind
        if op.request.if_none_match == tag:
            self.answer(ctx, op, 304, b"", content_type=shown, headers=headers)
        else:
            self.answer(ctx, op, 200, body, content_type=shown, headers=headers)
