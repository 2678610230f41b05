"""Images by digest, private ones, limits, outages, and several pulls at once."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from node_world import Small

from k8s_tutor.node.images import from_tree, manifest_digest, parse_reference

PRIVATE = {"name": "ghcr.io/acme/app", "tags": ["1"], "layers": {"acme": 1_000_000}, "login": "ada:secret"}
NS = "/api/v1/namespaces/default"


@pytest.fixture
def small() -> Small:
    found = Small()
    found.up()
    return found


def configure(small: Small, name: str, **fields: Any) -> None:
    small.world.configure(name, msgspec.structs.replace(small.world.processes[name].config, **fields))


def waiting(small: Small, pod: str) -> dict[str, str]:
    found: dict[str, str] = small.get(pod)["status"]["containerStatuses"][0]["state"].get("waiting", {})
    return found


def test_references_with_digests() -> None:
    digest = "sha256:" + "ab" * 32
    assert parse_reference(f"nginx:1.27@{digest}").full == f"docker.io/library/nginx@{digest}"
    with pytest.raises(ValueError, match="invalid reference format"):
        parse_reference("nginx@sha256:12")


def test_image_by_digest(small: Small) -> None:
    digest = manifest_digest("docker.io/library/nginx", "1.27")
    small.pod("a", f"nginx@{digest}")
    pod = small.ready("a")
    assert pod["status"]["containerStatuses"][0]["imageID"] == f"docker.io/library/nginx@{digest}"
    small.pod("b", "nginx@sha256:" + "0" * 64)
    small.run(2)
    assert waiting(small, "b")["reason"] in ("ErrImagePull", "ImagePullBackOff")
    assert "not found" in waiting(small, "b")["message"]


def test_private_image_needs_a_secret(small: Small) -> None:
    configure(small, "registry", images=(*small.world.processes["registry"].config.images, *from_tree(
        {"format_version": 1, "images": [PRIVATE]})))  # fmt: skip
    small.world.crash("registry")
    small.world.restart("registry")
    small.pod("a", "ghcr.io/acme/app:1")
    small.run(2)
    assert "401 Unauthorized" in waiting(small, "a")["message"]
    small.pod("b", "ghcr.io/acme/app:1", imagePullSecrets=[{"name": "login"}])
    small.run(2)
    text = "Unable to retrieve some image pull secrets (login); attempting to pull the image may not succeed."
    assert ("FailedToRetrieveImagePullSecret", text) in small.events("b")
    config = {"auths": {"ghcr.io": {"auth": b64encode(b"ada:secret").decode()}}}
    secret = {"metadata": {"name": "login"}, "type": "kubernetes.io/dockerconfigjson",
              "data": {".dockerconfigjson": b64encode(json.dumps(config).encode()).decode()}}  # fmt: skip
    assert small.call("POST", f"{NS}/secrets", secret)["kind"] == "Secret"
    small.ready("b")


def test_registry_that_has_had_enough(small: Small) -> None:
    configure(small, "registry", limit=1)
    small.world.crash("registry")
    small.world.restart("registry")
    small.pod("a", "busybox", container={"args": ["sleep", "600"]})
    small.ready("a")
    small.pod("b", "redis")
    small.run(2)
    assert "429 Too Many Requests - Server message: toomanyrequests: You have reached" in waiting(small, "b")["message"]


def test_registry_that_is_away(small: Small) -> None:
    small.world.crash("registry")
    small.pod("a", "redis")
    small.run(3)
    found = waiting(small, "a")
    assert "dial tcp" in found["message"] and found["reason"] in ("ErrImagePull", "ImagePullBackOff")
    small.world.restart("registry")
    small.ready("a")


def test_several_images_at_once() -> None:
    small = Small()
    configure(small, "kubelet-1", parallel_pulls=3)
    small.world.crash("kubelet-1")
    small.world.restart("kubelet-1")
    small.up()
    small.pod("a", "nginx")
    small.pod("b", "redis")
    small.run(1)
    assert len(small.runtime().pulls) == 2
    small.ready("a")
    small.ready("b")
