"""etcdctl and etcdutl: what is asked and what is printed, as etcdctl 3.6 prints it."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.etcd import admin, wire
from k8s_tutor.etcd.backend import Backend, dump
from k8s_tutor.kubectl import run
from k8s_tutor.kubectl.etcdctl.printing import human, took
from k8s_tutor.kubectl.program import At, Clock, Endpoints, Listen, Load, Pause, Result, Save
from k8s_tutor.sim import CallFailed


def etcdctl(line: str, *answers: Any, tool: str = "etcdctl") -> tuple[list[Any], Result]:
    """What a program asks, and its result."""
    asked, running = [], run(f"{tool} {line}")
    try:
        asked.append(next(running))
        for answer in answers:
            asked.append(running.send(answer))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"the program wants an answer to {asked[-1]}")


PAIR = wire.KeyValue("k", b"v", 2, 3, 2)
LEASED = wire.KeyValue("k", b"v", 2, 3, 2, 255)
STATUS = admin.StatusResult("etcd-1", 10, 10, 3, 9, 8, 4, 2, 99, False, 24576, 20480, 2 << 30)
MEMBER = admin.MemberInfo(255, "etcd-1", ("https://etcd-1:2380",), ("https://etcd-1:2379",))
NEW = admin.MemberInfo(4, "", ("https://cp-4:2380",), (), True)
CHANGED = admin.MemberChanged(99, NEW, (MEMBER, NEW))
HEADER = '{"cluster_id":99,"member_id":10,"revision":4,"raft_term":3}'
FIELDS = '"ClusterID" : 99\n"MemberID" : 10\n"Revision" : 4\n"RaftTerm" : 3\n'


@pytest.mark.parametrize(("line", "asked", "answer", "out"), [
    ("put k v", wire.Put("k", b"v"), wire.PutResult(3), "OK\n"),
    ("put k v --lease=ff --prev-kv", wire.Put("k", b"v", 255, True), wire.PutResult(3, PAIR), "OK\nk\nv\n"),
    ("put k --ignore-value", wire.Put("k", b"", ignore_value=True), wire.PutResult(3), "OK\n"),
    ("get k", wire.Range("k"), wire.RangeResult(3, (PAIR,), 1), "k\nv\n"),
    ("get k --print-value-only", wire.Range("k"), wire.RangeResult(3, (PAIR,), 1), "v\n"),
    ("get k --hex", wire.Range("k"), wire.RangeResult(3, (PAIR,), 1), "\\x6b\n\\x76\n"),
    ("get a --prefix --keys-only", wire.Range("a", "b", keys_only=True),
     wire.RangeResult(3, (wire.KeyValue("k", b"", 2, 3, 2),), 1), "k\n\n"),
    ("get '' --prefix", wire.Range("\0", wire.LAST), wire.RangeResult(3, (), 0), ""),
    ("get b --from-key --limit=2", wire.Range("b", wire.LAST, limit=2), wire.RangeResult(3, (), 0), ""),
    ("get a c --rev 2", wire.Range("a", "c", 2), wire.RangeResult(3, (), 0), ""),
    ("get k --consistency=s", wire.Range("k", serializable=True), wire.RangeResult(3, (), 0), ""),
    ("get k --order=DESCEND --sort-by=modify", wire.Range("k", sort_order="descend", sort_target="mod"),
     wire.RangeResult(3, (), 0), ""),
    ("del k", wire.DeleteRange("k"), wire.DeleteResult(4, 1), "1\n"),
    ("del a --prefix --prev-kv", wire.DeleteRange("a", "b", True), wire.DeleteResult(4, 1, (PAIR,)), "1\nk\nv\n"),
    ("compact 5", wire.Compact(5), wire.CompactResult(9), "compacted revision 5\n"),
    ("compaction 5 --physical", wire.Compact(5, True), wire.CompactResult(9), "compacted revision 5\n"),
    ("member list", admin.MemberList(), admin.MemberListResult(99, (MEMBER, NEW)),
     "ff, started, etcd-1, https://etcd-1:2380, https://etcd-1:2379, false\n4, unstarted, , https://cp-4:2380, , true\n"),
    ("member add etcd-4 --peer-urls=https://cp-4:2380 --learner", admin.MemberAdd(("https://cp-4:2380",), True), CHANGED,
     'Member                4 added to cluster               63\n\nETCD_NAME="etcd-4"\n'
     'ETCD_INITIAL_CLUSTER="etcd-1=https://etcd-1:2380,etcd-4=https://cp-4:2380"\n'
     'ETCD_INITIAL_ADVERTISE_PEER_URLS="https://cp-4:2380"\nETCD_INITIAL_CLUSTER_STATE="existing"\n'),
    ("member remove 4", admin.MemberRemove(4), CHANGED, "Member                4 removed from cluster               63\n"),
    ("member promote 4", admin.MemberPromote(4), CHANGED, "Member                4 promoted in cluster               63\n"),
    ("member update ff --peer-urls=https://a:1", admin.MemberUpdate(255, ("https://a:1",)), CHANGED,
     "Member               ff updated in cluster               63\n"),
    ("lease grant 10", admin.LeaseGrant(10), admin.LeaseGrantResult(1, 255, 10),
     "lease 00000000000000ff granted with TTL(10s)\n"),
    ("lease revoke ff", admin.LeaseRevoke(255), admin.LeaseRevokeResult(3), "lease 00000000000000ff revoked\n"),
    ("lease timetolive ff", admin.LeaseTimeToLive(255), admin.LeaseTimeToLiveResult(255, 7, 10),
     "lease 00000000000000ff granted with TTL(10s), remaining(7s)\n"),
    ("lease timetolive ff --keys", admin.LeaseTimeToLive(255, True), admin.LeaseTimeToLiveResult(255, 7, 10, ("a", "b")),
     "lease 00000000000000ff granted with TTL(10s), remaining(7s), attached keys([a b])\n"),
    ("lease timetolive ff", admin.LeaseTimeToLive(255), admin.LeaseTimeToLiveResult(255, -1),
     "lease 00000000000000ff already expired\n"),
    ("lease keep-alive ff --once", admin.LeaseKeepAlive(255), admin.LeaseKeepAliveResult(255, 10),
     "lease 00000000000000ff keepalived with TTL(10)\n"),
    ("lease keep-alive ff", admin.LeaseKeepAlive(255), admin.LeaseKeepAliveResult(255, 0),
     "lease 00000000000000ff expired or revoked.\n"),
    ("lease list", admin.LeaseLeases(), admin.LeaseLeasesResult((1, 255)),
     "found 2 leases\n0000000000000001\n00000000000000ff\n"),
    ("alarm list", admin.Alarm("get"), admin.AlarmResult(((10, "NOSPACE"),)), "memberID:10 alarm:NOSPACE \n"),
    ("alarm disarm", admin.Alarm("deactivate"), admin.AlarmResult(()), ""),
])  # fmt: skip
def test_one_request_and_what_is_printed(line: str, asked: Any, answer: Any, out: str) -> None:
    assert etcdctl(line, answer) == ([asked], (out, "", 0))


@pytest.mark.parametrize(("line", "answer", "out"), [
    ("get k -w json", wire.RangeResult(4, (LEASED,), 5, True),
     f'{{"header":{HEADER},"kvs":[{{"key":"aw==","create_revision":2,"mod_revision":3,"version":2,"value":"dg==","lease":255}}],'
     '"more":true,"count":5}\n'),
    ("put k v -w json", wire.PutResult(4), f'{{"header":{HEADER}}}\n'),
    ("del k -w json", wire.DeleteResult(4, 1), f'{{"header":{HEADER},"deleted":1}}\n'),
    ("del k -w fields", wire.DeleteResult(4, 0), FIELDS + '"Deleted" : 0\n'),
    ("get k -w fields", wire.RangeResult(4, (LEASED,), 1),
     FIELDS + '"Key" : "k"\n"CreateRevision" : 2\n"ModRevision" : 3\n"Version" : 2\n"Value" : "v"\n"Lease" : 255\n'
     '"More" : false\n"Count" : 1\n'),
    ("get k --count-only -w fields", wire.RangeResult(4, (), 7), FIELDS + '"More" : false\n"Count" : 7\n'),
    ("lease grant 10 -w json", admin.LeaseGrantResult(4, 255, 10), HEADER[:-1] + ',"ID":255,"TTL":10,"Error":""}\n'),
    ("lease timetolive ff -w json", admin.LeaseTimeToLiveResult(255, 7, 10),
     HEADER[:-1] + ',"id":255,"ttl":7,"granted-ttl":10,"keys":null}\n'),
    ("lease list -w json", admin.LeaseLeasesResult((255,)), HEADER[:-1] + ',"leases":[{"id":255}]}\n'),
    ("alarm list -w json", admin.AlarmResult(((10, "NOSPACE"),)),
     f'{{"header":{HEADER},"alarms":[{{"memberID":10,"alarm":1}}]}}\n'),
])  # fmt: skip
def test_json_and_fields_have_a_header(line: str, answer: Any, out: str) -> None:
    assert etcdctl(line, answer, STATUS)[1] == (out, "", 0)


def test_a_transaction_takes_its_lines_as_arguments() -> None:
    asked, result = etcdctl(
        """txn 'mod("a") > "0"' 'val("b") = "x y"' 'lease("c") != "ff"' '' 'put a "new one"' 'get b' '' 'del a --prefix'""",
        wire.TxnResult(4, True, (wire.PutResult(4), wire.RangeResult(4, (PAIR,), 1))),
    )
    assert asked == [wire.Txn(
        (wire.Compare("a", "mod", ">", 0), wire.Compare("b", "value", "=", b"x y"), wire.Compare("c", "lease", "!=", 255)),
        (wire.Put("a", b"new one"), wire.Range("b")), (wire.DeleteRange("a", "b"),),
    )]  # fmt: skip
    assert result == ("SUCCESS\n\nOK\n\nk\nv\n", "", 0)
    failed = etcdctl("""txn 'ver("a") = "1"'""", wire.TxnResult(4, False, ()))[1]
    assert failed.stdout == "FAILURE\n"


@pytest.mark.parametrize(("line", "text", "code"), [
    ("put k", "put command needs 1 argument and input from stdin or 2 arguments", 128),
    ("put k v --lease=zz", 'bad lease ID (strconv.ParseInt: parsing "zz": invalid syntax), expecting ID in Hex', 128),
    ("get", "get command needs one argument as key and an optional argument as range_end", 128),
    ("get k --prefix --from-key", "`--prefix` and `--from-key` cannot be set at the same time, choose one", 128),
    ("get a b --prefix", "too many arguments, only accept one argument when `--prefix` or `--from-key` is set", 128),
    ("get k --keys-only --count-only", "`--keys-only` and `--count-only` cannot be set at the same time, choose one", 128),
    ("get k --order=up", "bad sort order up", 4),
    ("get k --sort-by=size", "bad sort target size", 4),
    ("get k --consistency=x", 'unknown consistency flag "x"', 4),
    ("get k -w yaml", "unsupported output format", 4),
    ("get k -w table", "table is not supported as output format", 4),
    ("lease grant x", 'bad TTL (strconv.ParseInt: parsing "x": invalid syntax)', 128),
    ("lease revoke zz", 'bad lease ID arg (strconv.ParseInt: parsing "zz": invalid syntax), expecting ID in Hex', 128),
    ("member remove", "member ID is not provided", 128),
    ("member add", "member name not provided", 128),
    ("member add x", "member peer urls not provided", 128),
    ("member add x https://y:1", "too many arguments, did you mean --peer-urls=https://y:1", 128),
    ("compact", "compaction command needs 1 argument", 128),
    ("snapshot save", "snapshot save expects one argument", 128),
    ("move-leader", "move-leader command needs 1 argument", 128),
    ("txn nonsense", "malformed comparison: nonsense", 3),
    ("""txn 'size("a") = "1"'""", 'malformed comparison: size("a") = "1" (unknown target size)', 3),
    ("txn '' 'move a'", "invalid txn request: move a", 3),
    ("watch", "bad number of arguments", 128),
    ("watch a b --prefix", "`range_end` and `--prefix` are mutually exclusive", 128),
])  # fmt: skip
def test_wrong_arguments(line: str, text: str, code: int) -> None:
    running = run(f"etcdctl {line}")
    with pytest.raises(StopIteration) as ended:
        next(running)
    assert ended.value.value == ("", f"Error: {text}\n", code)


def test_refusals_and_silence() -> None:
    refused = wire.EtcdError("etcdserver: mvcc: database space exceeded")
    assert etcdctl("put k v", refused)[1] == ("", "Error: etcdserver: mvcc: database space exceeded\n", 1)
    assert etcdctl("get k", CallFailed("timeout"))[1] == ("", "Error: context deadline exceeded\n", 1)
    assert "connection refused" in etcdctl("get k", CallFailed("disconnected"))[1].stderr
    lost = wire.EtcdError("etcdserver: requested lease not found")
    revoked = etcdctl("lease revoke ff", lost)[1]
    assert revoked.stderr == "Error: failed to revoke lease (etcdserver: requested lease not found)\n"
    once = etcdctl("lease keep-alive ff --once", admin.LeaseKeepAliveResult(255, 0))[1]
    assert once == ("", "Error: etcdserver: requested lease not found\n", 2)


def test_unknown_commands_and_flags() -> None:
    assert etcdctl_fails("gett a") == (
        'Error: unknown command "gett" for "etcdctl"\n\nDid you mean this?\n\tget\nRun \'etcdctl --help\' for usage.'
    )  # fmt: skip
    assert etcdctl_fails("lease lost") == (
        'Error: unknown command "lost" for "etcdctl lease"\n\nDid you mean this?\n\tlist\n'
        "Run 'etcdctl lease --help' for usage."
    )  # fmt: skip
    assert etcdctl_fails("get --nope") == "Error: unknown flag: --nope\nRun 'etcdctl get --help' for usage."
    assert "etcdutl snapshot restore x" in etcdctl_fails("snapshot restore x")


def etcdctl_fails(line: str) -> str:
    running = run(f"etcdctl {line}")
    with pytest.raises(StopIteration) as ended:
        next(running)
    text: str = ended.value.value.stderr
    return text.rstrip("\n")


@pytest.mark.parametrize("line", ["", "help", "--help", "help put", "put --help", "lease", "version", "help member add"])
def test_help(line: str) -> None:
    running = run(f"etcdctl {line}")
    with pytest.raises(StopIteration) as ended:
        next(running)
    assert ended.value.value.code == 0
    assert ended.value.value.stdout


# ---------------------------------------------------------------------------------------------------- endpoints

ROW = "3.6.0, 3.6.0, 25 kB, 20 kB, 17%, 2.1 GB, true, false, 3, 9, 8, , , false\n"


def test_status_of_all_endpoints_one_of_which_is_silent() -> None:
    asked, result = etcdctl("endpoint status", ("etcd-1", "etcd-2"), STATUS, CallFailed("timeout"))
    assert asked == [Endpoints(), At("etcd-1", admin.Status()), At("etcd-2", admin.Status())]
    assert result == (
        f"etcd-1:2379, a, {ROW}",
        "Failed to get the status of endpoint etcd-2:2379 (context deadline exceeded)\nError: context deadline exceeded\n", 1,
    )  # fmt: skip


def test_endpoints_by_flag_by_cluster_and_before_the_command() -> None:
    assert etcdctl("endpoint status --endpoints=cp-2", STATUS)[0] == [At("etcd-2", admin.Status())]
    asked = etcdctl("endpoint status --cluster", admin.MemberListResult(99, (MEMBER,)), STATUS)[0]
    assert asked == [admin.MemberList(), At("etcd-1", admin.Status())]
    asked = etcdctl("--endpoints=https://etcd-2:2379 get k", wire.RangeResult(3, (), 0))[0]
    assert asked == [At("etcd-2", wire.Range("k"))]


def test_tables_are_boxes_with_cells_to_the_right() -> None:
    table = etcdctl("-w table member list", admin.MemberListResult(99, (MEMBER, NEW)))[1].stdout
    assert table == (
        "+----+-----------+--------+---------------------+---------------------+------------+\n"
        "| ID |  STATUS   |  NAME  |     PEER ADDRS      |    CLIENT ADDRS     | IS LEARNER |\n"
        "+----+-----------+--------+---------------------+---------------------+------------+\n"
        "| ff |   started | etcd-1 | https://etcd-1:2380 | https://etcd-1:2379 |      false |\n"
        "|  4 | unstarted |        |   https://cp-4:2380 |                     |       true |\n"
        "+----+-----------+--------+---------------------+---------------------+------------+\n"
    )


def test_health_is_a_read_and_no_alarm() -> None:
    read = wire.RangeResult(3, (), 0)
    asked, result = etcdctl("endpoint health", ("etcd-1",), 1_000, read, 3_100, admin.AlarmResult(()))
    assert asked == [Endpoints(), Clock(), At("etcd-1", wire.Range("health")), Clock(), At("etcd-1", admin.Alarm("get"))]
    assert result == ("etcd-1:2379 is healthy: successfully committed proposal: took = 2.1ms\n", "", 0)
    alarmed = etcdctl("endpoint health", ("etcd-1",), 0, read, 9, admin.AlarmResult(((1, "NOSPACE"),)))[1]
    assert alarmed == (
        "", "etcd-1:2379 is unhealthy: failed to commit proposal: Active Alarm(s): NOSPACE \nError: unhealthy cluster\n", 1,
    )  # fmt: skip
    silent = etcdctl("endpoint health -w json", ("etcd-1",), 0, CallFailed("timeout"), 5_000_000)[1]
    assert silent.stdout == '[{"endpoint":"etcd-1:2379","health":false,"took":"5s","error":"context deadline exceeded"}]\n'


def test_hashkv_defrag_and_move_leader() -> None:
    assert etcdctl("endpoint hashkv", ("etcd-1",), admin.HashKVResult(77, 0, 5))[1].stdout == "etcd-1:2379, 77, 5\n"
    freed, silent = admin.DefragmentResult(9, 1), CallFailed("timeout")
    done = etcdctl("defrag", ("etcd-1", "etcd-2"), 0, freed, 2_000, 3_000, silent, 4_000)[1]
    assert done == (
        "Finished defragmenting etcd member[etcd-1:2379]. took 2ms\n",
        "Failed to defragment etcd member[etcd-2:2379]. took 1ms. (context deadline exceeded)\n", 1,
    )  # fmt: skip
    asked, moved = etcdctl("move-leader ff", ("etcd-1",), STATUS, admin.MoveLeaderResult())
    assert asked[-1] == At("etcd-1", admin.MoveLeader(255))
    assert moved == ("Leadership transferred from a to ff\n", "", 0)
    nobody = etcdctl("move-leader ff", ("etcd-1",), CallFailed("timeout"))[1]
    assert nobody == ("", "Error: no leader endpoint given at [etcd-1:2379]\n", 128)


# ---------------------------------------------------------------------------------------------------- watches and files


def event(kind: str, key: str, value: bytes, revision: int, previous: wire.KeyValue | None = None) -> wire.WatchEvents:
    return wire.WatchEvents(7, revision, (wire.Event(kind, wire.KeyValue(key, value, 1, revision, 1), previous),))


def test_a_watch_prints_events_and_goes_on_elsewhere_from_where_it_was() -> None:
    asked, result = etcdctl(
        "watch a --prefix --prev-kv", wire.WatchCreated(7, 3), event("PUT", "a", b"1", 4), event("DELETE", "a", b"", 5, PAIR),
        CallFailed("disconnected"), wire.WatchCreated(8, 5), wire.WatchEvents(-1, 9, ()), CallFailed("interrupted"),
    )  # fmt: skip
    first, again = wire.WatchCreate("a", "b", 0, True), wire.WatchCreate("a", "b", 6, True)
    assert asked == [first, Listen(), Listen(), Listen(), again, Listen(), Listen()]
    assert result == ("PUT\na\n1\nDELETE\nk\nv\na\n\nprogress notify: 9\n", "", 0)


def test_a_watch_from_a_compacted_revision_is_canceled() -> None:
    result = etcdctl("watch a --rev=2", wire.WatchCreated(7, 9), wire.WatchCanceled(7, wire.ERR_COMPACTED, 5))[1]
    assert result == (
        "", "watch was canceled (etcdserver: mvcc: required revision has been compacted)\n"
        "Error: watch is canceled by the server\n", 5,
    )  # fmt: skip


def test_keep_alive_renews_three_times_a_lifetime() -> None:
    alive, gone = admin.LeaseKeepAliveResult(255, 9), admin.LeaseKeepAliveResult(255, 0)
    asked, result = etcdctl("lease keep-alive ff", alive, None, alive, None, gone)
    assert asked[1] == Pause(3_000_000)
    assert result.stdout.count("keepalived") == 2


def test_snapshots_are_files() -> None:
    backend = Backend(1)
    for i in range(3):
        backend.apply(wire.Put("a", b"%d" % i))
    data = dump(backend)
    asked, saved = etcdctl("snapshot save backup.db", admin.SnapshotBlob(data), None)
    assert asked == [admin.SnapshotRequest(), Save("backup.db", data)]
    assert saved == ("Snapshot saved at backup.db\nServer version 3.6.0\n", "", 0)
    asked, status = etcdctl("snapshot status backup.db", data, tool="etcdutl")
    assert asked == [Load("backup.db")]
    assert status.stdout.split(", ")[1:] == ["4", "3", "25 kB", "3.6.0\n"]
    absent = etcdctl("snapshot status x.db", None, tool="etcdutl")[1]
    assert absent == ("", "Error: stat x.db: no such file or directory\n", 1)
    assert etcdctl("snapshot restore backup.db", data, tool="etcdutl")[1].code == 0


@pytest.mark.parametrize(("size", "text"), [
    (0, "0 B"), (9, "9 B"), (82, "82 B"), (999, "999 B"), (1000, "1.0 kB"), (20480, "20 kB"), (24576, "25 kB"),
    (1_048_576, "1.0 MB"), (2_147_483_648, "2.1 GB"), (82_854_982, "83 MB"),
])  # fmt: skip
def test_sizes(size: int, text: str) -> None:
    assert human(size) == text


@pytest.mark.parametrize(("duration", "text"), [
    (0, "0s"), (850, "850µs"), (1_000, "1ms"), (2_140, "2.14ms"), (5_000_000, "5s"), (1_020_500, "1.0205s"),
])  # fmt: skip
def test_durations(duration: int, text: str) -> None:
    assert took(duration) == text
