"""The images that people write and those that the engine reads are the same."""

from __future__ import annotations

from k8s_tutor import paths
from k8s_tutor.serve.specs import images_json


def test_the_engines_images_are_made_from_the_written_ones() -> None:
    found = (paths.assets() / "images.json").read_text(encoding="utf-8")
    assert found == images_json(), "write serve.specs.images_json() to assets/images.json"
