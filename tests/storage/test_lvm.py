"""LVM as data: what the commands do, refuse and print."""

from __future__ import annotations

import msgspec

from k8s_tutor.node import lvm

GIB = 1 << 30
replace = msgspec.structs.replace


def machine() -> lvm.Storage:
    return lvm.Storage("node-1", 40 * GIB, (lvm.Disk("sdb", 10 * GIB), lvm.Disk("sdc", 10 * GIB)))


def after(storage: lvm.Storage, *lines: str) -> lvm.Storage:
    for line in lines:
        done = lvm.run(storage, tuple(line.split()))
        assert done.code == 0, (line, done.stderr)
        storage = done.storage
    return storage


def said(storage: lvm.Storage, line: str, code: int = 0) -> str:
    done = lvm.run(storage, tuple(line.split()))
    assert done.code == code, done
    return done.stdout + done.stderr


ONE = ("vgcreate data /dev/sdb", "lvcreate -L 1G -n db data", "mkfs.ext4 /dev/data/db", "mount /dev/data/db /srv/db")


def test_reports_as_lvm_prints_them() -> None:
    storage = after(machine(), *ONE)
    assert said(storage, "pvs") == (
        "  PV         VG   Fmt  Attr PSize   PFree \n"
        "  /dev/sdb   data lvm2 a--  <10.00g <9.00g\n"
    )  # fmt: skip
    assert said(storage, "vgs") == (
        "  VG   #PV #LV #SN Attr   VSize   VFree \n"
        "  data   1   1   0 wz--n- <10.00g <9.00g\n"
    )  # fmt: skip
    assert said(storage, "lvs") == (
        "  LV   VG   Attr       LSize Pool Origin Data%  Meta%  Move Log Cpy%Sync Convert\n"
        "  db   data -wi-ao---- 1.00g                                                    \n"
    )  # fmt: skip
    assert said(storage, "lvs --noheadings -o lv_name,lv_size data/db") == "  db   1.00g\n"


def test_growing_a_volume_does_not_grow_its_file_system() -> None:
    storage = after(machine(), *ONE, "lvextend -L +1G data/db")
    assert "974M" in said(storage, "df -h /srv/db")
    storage = after(storage, "resize2fs /dev/data/db")
    assert "2.0G" in said(storage, "df -h /srv/db")
    assert "Nothing to do" in said(storage, "resize2fs /dev/data/db")


def test_both_grow_with_r() -> None:
    text = said(after(machine(), *ONE), "lvextend -r -L 3G data/db")
    assert "from 1.00 GiB (256 extents) to 3.00 GiB (768 extents)." in text
    assert "File system ext4 found on data/db mounted at /srv/db." in text


def test_a_group_with_a_second_disk_gives_room_that_one_disk_has_not() -> None:
    storage = after(machine(), *ONE)
    text = said(storage, "lvextend -L 15G data/db", 5)
    assert text == "  Insufficient free space: 3584 extents needed, but only 2303 available\n"
    storage = after(storage, "vgextend data /dev/sdc", "lvextend -L 15G data/db")
    assert said(storage, "lvs --noheadings -o devices data/db") == "  /dev/sdb(0),/dev/sdc(0)\n"


def test_refusals() -> None:
    storage = after(machine(), *ONE)
    assert 'insufficient free space (2303 extents): 5120 required' in said(storage, "lvcreate -L 20G -n big data", 5)
    assert "larger than the requested size" in said(after(storage, "lvextend -r -L 2G data/db"), "lvreduce -L 1G data/db", 5)
    assert "contains a filesystem in use" in said(storage, "lvremove -y data/db", 5)
    assert "No device found for /dev/sdz." in said(storage, "pvcreate /dev/sdz", 5)
    assert "without -ff" in said(storage, "pvcreate /dev/sdb", 5)
    assert "still in use" in said(after(storage, "vgextend data /dev/sdc"), "vgreduce data /dev/sdb", 5)
    assert said(storage, "lvs nowhere", 5).startswith('  Volume group "nowhere" not found\n')
    assert "invalid option" in said(storage, "lvcreate -Q", 3)


def test_pvmove_empties_a_disk_under_a_mounted_volume() -> None:
    storage = after(machine(), *ONE, "vgextend data /dev/sdc", "pvmove /dev/sdb", "vgreduce data /dev/sdb")
    assert said(storage, "lvs --noheadings -o devices data/db") == "  /dev/sdc(0)\n"
    assert storage.mounts


def test_thin_volumes_take_what_they_use() -> None:
    storage = after(machine(), "vgcreate data /dev/sdb", "lvcreate --type thin-pool -L 4G -n pool data",
                    "lvcreate -V 6G -T data/pool -n one", "mkfs.ext4 /dev/data/one")  # fmt: skip
    volume = storage.volume("data", "one")
    assert volume is not None and volume.filesystem is not None and not volume.segments
    full = replace(storage, used=((volume.filesystem.place, 2 * GIB),))
    lines = said(full, "lvs").splitlines()
    assert lines[1].split()[:4] == ["one", "data", "Vwi-a-tz--", "6.00g"] and "pool" in lines[1]
    assert lines[2].split()[4].startswith("52.")
    assert "exceeds the size of thin pool data/pool" in said(storage, "lvcreate -V 6G -T data/pool -n two")


def test_a_snapshot_shows_a_copy_and_fills_up() -> None:
    storage = after(machine(), *ONE)
    done = lvm.run(storage, ("lvcreate", "-s", "-L", "100M", "-n", "before", "data/db"))
    assert len(done.copies) == 1 and 'Logical volume "before" created.' in done.stdout
    changed = replace(done.storage, used=((done.copies[0][0], 50 << 20),))
    assert "50.00" in said(changed, "lvs data/before") and "owi-aos---" in said(changed, "lvs data/db")


def test_a_disk_that_fails_is_a_missing_volume() -> None:
    storage = after(machine(), *ONE, "vgextend data /dev/sdc", "lvcreate -L 1G -n other data /dev/sdc")
    failed = replace(storage, disks=(storage.disks[0], replace(storage.disks[1], failed=True)))
    text = said(failed, "vgs")
    assert "wz-pn-" in text and "WARNING: Couldn't find device with uuid" in text
    assert "[unknown]" in said(failed, "pvs") and "a-m" in said(failed, "pvs")
    assert "-wi-a---p-" in said(failed, "lvs data/other") and "-wi-ao----" in said(failed, "lvs data/db")
    assert "while PVs are missing" in said(failed, "lvextend -L +1G data/db", 5)
    assert "still partial LVs" in said(failed, "vgreduce --removemissing data", 5)
    mended = after(failed, "vgreduce --removemissing --force data")
    assert mended.volume("data", "other") is None and mended.volume("data", "db") is not None


def test_lsblk_draws_the_tree() -> None:
    assert said(after(machine(), *ONE), "lsblk").splitlines() == [
        "NAME      MAJ:MIN RM SIZE RO TYPE MOUNTPOINTS",
        "sda         8:0    0  40G  0 disk",
        "└─sda1      8:1    0  40G  0 part /",
        "sdb         8:16   0  10G  0 disk",
        "└─data-db 253:0    0   1G  0 lvm  /srv/db",
        "sdc         8:32   0  10G  0 disk",
    ]
