"""The storage panel: from the disk to the pod, at each size."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from k8s_tutor.cluster.storageviews import ClaimView, DiskView, GroupView, NodeDisksView, StorageView, VolumeView
from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.rows import text_of, width
from tests.ui import scenes

GIB = 1 << 30


def storage(failed: bool = False) -> StorageView:
    volume = VolumeView(
        name="ea97bc72-ab08-4801-a0dc-4eb95df81a0d", kind="linear", size=GIB, used=900 << 20, filesystem=974 << 20, type="ext4",
        pool="", origin="", broken=failed, mounted=True, pv="pvc-8c019a1c-6b4f-4f3e-9a7e-0d1b2c38aefc", claim="default/data",
    )  # fmt: skip
    group = GroupView(name="myvg1", size=10 * GIB, free=9 * GIB, partial=failed, volumes=(volume,))
    own = DiskView(name="sdb", size=10 * GIB, failed=failed, group="myvg1")
    disks = (own, DiskView(name="sdc", size=8 * GIB, failed=False, group=""))
    claims = (
        ClaimView(namespace="default", name="data", phase="Bound", storage_class="topolvm-provisioner", volume=volume.pv,
                  requested=GIB, capacity=GIB, waits="", pods=("default/db",)),
        ClaimView(namespace="default", name="lonely", phase="Pending", storage_class="topolvm-provisioner", volume="",
                  requested=2 * GIB, capacity=0, waits="for a pod that uses it", pods=()),
    )  # fmt: skip
    return StorageView(nodes=(NodeDisksView(node="node-1", up=True, disks=disks, groups=(group,)),), claims=claims)


def drawn(view: StorageView, cells: int, rows: int, ascii_only: bool = False) -> list[str]:
    scene = scenes.SCENES["cluster"]()
    scene = replace(scene, view=msgspec.structs.replace(scene.view, storage=view), ascii=ascii_only)
    picture = PANELS["storage"](scene, cells, rows)
    assert all(width(row) == cells for row in picture.rows) and len(picture.rows) <= rows
    return [text_of(row).rstrip() for row in picture.rows]


def test_from_the_disk_to_the_pod() -> None:
    assert drawn(storage(), 76, 8) == [
        "node-1  ▣ sdb 10 GiB   ▢ sdc 8 GiB unused",
        "  myvg1 ████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ 9 GiB of 10 GiB free",
        "  ╰─■ ea97bc72…    1 GiB ▰▰▰▰▰▰▰▱  93% ◂ data ◂ db",
        "",
        "○ lonely 2 GiB  pending: waits for a pod that uses it",
    ]


def test_a_failed_disk_shows_all_the_way_up() -> None:
    rows = drawn(storage(failed=True), 76, 8)
    assert "✗ sdb failed" in rows[0] and "a disk is missing" in rows[1] and "I/O errors" in rows[2]


@pytest.mark.parametrize(("cells", "rows"), [(0, 0), (1, 1), (20, 3), (44, 6), (80, 24), (160, 48), (200, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_keeps_its_promise_at_every_size(cells: int, rows: int, ascii_only: bool) -> None:
    text = "\n".join(drawn(storage(), cells, rows, ascii_only))
    assert not ascii_only or text.isascii()


def test_without_disks_and_claims_it_says_so() -> None:
    assert drawn(StorageView(), 60, 4) == ["no claims, and no disks beside the machines' own"]
