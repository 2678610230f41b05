"""The images that the registry offers: the built-in ones, and those that a specification adds.

People write ``assets/images/*.yaml``; the engine, which knows no YAML, reads ``assets/images.json``, which is made from them
(`k8s_tutor.serve.specs.images_json`; a test compares the two).
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from k8s_tutor import paths
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.node.images import Image, from_tree


@lru_cache(maxsize=1)
def built_in() -> tuple[Image, ...]:
    """All built-in images."""
    return from_tree(msgspec.json.decode((paths.assets() / "images.json").read_bytes()))


def images_of(spec: ClusterSpec) -> tuple[Image, ...]:
    """What the registry of a cluster offers. Raises ValueError for an image that is not well described."""
    described = from_tree({"format_version": 1, "images": spec.images}) if spec.images else ()
    return described if spec.other_images == "serve" else (*described, *built_in())
