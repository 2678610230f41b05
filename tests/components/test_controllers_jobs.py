"""Jobs and CronJobs: their pure parts, and on a whole control plane."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from control_world import PODS, Cluster
from test_controllers_parts import typed

from k8s_tutor.api.timezones import zone_of
from k8s_tutor.controllers.cronjob import parse
from k8s_tutor.controllers.cronjob.reconcile import missed
from k8s_tutor.controllers.cronjob.reconcile import reconcile as cron_reconcile
from k8s_tutor.controllers.job import indexes
from k8s_tutor.controllers.job.backoff import MOST, Backoff
from k8s_tutor.controllers.job.reconcile import Seen, reconcile
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.sim import SECOND

JOBS = "/apis/batch/v1/namespaces/default/jobs"
CRONS = "/apis/batch/v1/namespaces/default/cronjobs"
CLOCK = Clock(1000 * SECOND)


def job(name: str = "j", image: str = "ok:1", restart: str = "Never", **spec: Any) -> dict[str, Any]:
    containers = [{"name": "c", "image": image}]
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"template": {"spec": {"restartPolicy": restart, "containers": containers}}, **spec},
    }  # fmt: skip


def conditions(tree: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(one["type"], one["status"], one.get("reason", "")) for one in tree["status"].get("conditions", ())]


def counts(tree: dict[str, Any]) -> dict[str, Any]:
    names = ("active", "succeeded", "failed", "terminating", "completedIndexes", "failedIndexes")
    return {name: tree["status"][name] for name in names if name in tree["status"]}


def events(cluster: Cluster, kind: str) -> list[str]:
    return [event["reason"] for event in cluster.list("Event") if event["involvedObject"]["kind"] == kind]


# ---------------------------------------------------------------------- indexes, backoff, policies


def test_indexes_are_written_as_ranges_of_three_or_more() -> None:
    assert indexes.parse("0-2,5,7,8", 10) == (0, 1, 2, 5, 7, 8)
    assert indexes.parse("0-20", 3) == (0, 1, 2)
    assert indexes.written((8, 7, 0, 1, 2, 5)) == "0-2,5,7,8"
    assert (indexes.parse("", 3), indexes.written(())) == ((), "")


def test_pauses_double_up_to_ten_minutes() -> None:
    waits = [Backoff(failures, CLOCK.now).remaining(CLOCK) for failures in (0, 1, 2, 3, 30)]
    assert waits == [0, 10 * SECOND, 20 * SECOND, 40 * SECOND, MOST]


def seen(*pods: Any, **more: Any) -> Seen:
    return Seen(tuple(pods), more.pop("settled", True), (), more.pop("backoff", Backoff()), **more)


def typed_job(**spec: Any) -> Any:
    status = spec.pop("status", None)
    tree = job(completions=spec.pop("completions", 2), **spec)
    tree["spec"] |= {"selector": {"matchLabels": {"job": "j"}}, "backoffLimit": spec.get("backoffLimit", 6)}
    return typed({**tree, **({"status": status} if status else {})})


def ended(name: str, phase: str, code: int = 0) -> Any:
    state = {"terminated": {"exitCode": code, "finishedAt": "2026-01-01T00:10:00Z"}}
    row = {"name": "c", "restartCount": 0, "ready": False, "image": "", "imageID": "", "state": state}
    return typed({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"job": "j"}, "finalizers": ["batch.kubernetes.io/job-tracking"]},
        "spec": {"containers": [{"name": "c", "image": "x"}], "nodeName": "node-1"},
        "status": {"phase": phase, "containerStatuses": [row]},
    })  # fmt: skip


def test_a_pod_is_named_before_its_finalizer_goes_and_counted_after() -> None:
    decision, _ = reconcile(typed_job(), seen(ended("a", "Succeeded")), CLOCK)
    steps = [(write.method, write.kind) for write in decision.writes if write.method != "POST"]
    assert steps == [("PUT", "Job"), ("PATCH", "Pod"), ("PUT", "Job")]
    first, second = (write.tree["status"] for write in decision.writes if write.method == "PUT" and write.tree)
    assert (first["uncountedTerminatedPods"], first.get("succeeded")) == ({"succeeded": ["uid-a"]}, None)
    assert (second["uncountedTerminatedPods"], second["succeeded"]) == ({}, 1)


def test_what_was_named_before_a_crash_is_not_counted_twice() -> None:
    status = {"uncountedTerminatedPods": {"failed": ["uid-a"]}, "startTime": "2026-01-01T00:00:00Z"}
    decision, backoff = reconcile(typed_job(status=status), seen(ended("a", "Failed", 1)), CLOCK)
    last = [write.tree["status"] for write in decision.writes if write.method == "PUT" and write.tree][-1]
    assert (last["failed"], last["uncountedTerminatedPods"], backoff.failures) == (1, {}, 0)


def test_after_a_failure_it_waits() -> None:
    decision, backoff = reconcile(typed_job(completions=1), seen(ended("a", "Failed", 1)), Clock(600 * SECOND))
    assert [write.method for write in decision.writes if write.method == "POST"] == []
    assert (decision.again, backoff.failures) == (10 * SECOND, 1)


def test_a_container_that_may_not_fail_fails_the_job() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    decision, _ = reconcile(typed_job(podFailurePolicy={"rules": [rule]}), seen(ended("a", "Failed", 42)), CLOCK)
    written = decision.writes[0].tree
    assert written is not None
    found = written["status"]["conditions"][0]
    message = "Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0"
    assert (found["type"], found["reason"], found["message"]) == ("FailureTarget", "PodFailurePolicy", message)


# ---------------------------------------------------------------------- on a control plane


def run(cluster: Cluster, tree: dict[str, Any], seconds: int = 120) -> dict[str, Any]:
    """Creates a Job and waits for its end."""
    cluster("POST", JOBS, tree)
    path = f"{JOBS}/{tree['metadata']['name']}"
    for _ in range(seconds):
        cluster.run(1)
        found: dict[str, Any] = cluster("GET", path)
        if any(one["type"] in ("Complete", "Failed") for one in found["status"].get("conditions", ())):
            return found
    raise AssertionError(found["status"])


def test_a_job_fails_when_its_pods_fail_too_often() -> None:
    cluster = Cluster(recorded=True)
    found = run(cluster, job(image="fail:3", backoffLimit=2))
    assert counts(found) == {"failed": 3, "terminating": 0}
    assert conditions(found) == [(kind, "True", "BackoffLimitExceeded") for kind in ("FailureTarget", "Failed")]
    assert found["status"]["conditions"][0]["message"] == "Job has reached the specified backoff limit"
    assert events(cluster, "Job") == ["SuccessfulCreate"] * 3 + ["BackoffLimitExceeded"]
    assert all("finalizers" not in pod["metadata"] for pod in cluster.list("Pod"))


def test_each_index_fails_by_itself() -> None:
    cluster = Cluster(recorded=True)
    spec = {"completions": 2, "parallelism": 2, "completionMode": "Indexed", "backoffLimitPerIndex": 1}
    cluster("POST", JOBS, job(image="hold:1", **spec))
    cluster.run(3)
    for code, index in (("0", "0"), ("1", "1")):
        end(cluster, index, code)
    cluster.run(15)
    end(cluster, "1", "1")
    cluster.run(3)
    found = cluster("GET", f"{JOBS}/j")
    assert counts(found) == {
        "succeeded": 1, "failed": 2, "terminating": 0, "completedIndexes": "0", "failedIndexes": "1",
    }  # fmt: skip
    assert conditions(found) == [(kind, "True", "FailedIndexes") for kind in ("FailureTarget", "Failed")]


def end(cluster: Cluster, index: str, code: str) -> None:
    """The running pod of an index exits."""
    for pod in cluster.list("Pod"):
        number = pod["metadata"]["labels"].get("batch.kubernetes.io/job-completion-index")
        if number == index and pod["status"]["phase"] == "Running":
            cluster.patch(f"{PODS}/{pod['metadata']['name']}", {"metadata": {"annotations": {"golden.k8s-tutor/exit": code}}})


def test_a_success_policy_ends_it_early() -> None:
    cluster = Cluster(recorded=True)
    spec = {"completions": 3, "parallelism": 3, "completionMode": "Indexed"}
    cluster("POST", JOBS, job(image="hold:1", **spec, successPolicy={"rules": [{"succeededIndexes": "0"}]}))
    cluster.run(3)
    end(cluster, "0", "0")
    cluster.settle()
    found = cluster("GET", f"{JOBS}/j")
    assert conditions(found) == [(kind, "True", "SuccessPolicy") for kind in ("SuccessCriteriaMet", "Complete")]
    assert found["status"]["conditions"][0]["message"] == "Matched rules at index 0"
    assert (counts(found)["succeeded"], len(cluster.list("Pod"))) == (1, 1)


def test_a_deadline_ends_it() -> None:
    cluster = Cluster(recorded=True)
    found = run(cluster, job(image="hold:1", activeDeadlineSeconds=3))
    assert conditions(found) == [(kind, "True", "DeadlineExceeded") for kind in ("FailureTarget", "Failed")]
    assert (counts(found), cluster.list("Pod")) == ({"failed": 1, "terminating": 0}, [])


def test_a_finished_job_goes_when_its_time_is_over() -> None:
    cluster = Cluster(recorded=True)
    run(cluster, job(ttlSecondsAfterFinished=5))
    cluster.run(10)
    assert (cluster.list("Job"), cluster.list("Pod")) == ([], [])


def test_a_deleted_job_takes_its_pods_along() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", JOBS, job(image="hold:1"))
    cluster.run(3)
    cluster("DELETE", f"{JOBS}/j?propagationPolicy=Background")
    cluster.settle()
    assert (cluster.list("Job"), cluster.list("Pod")) == ([], [])


# ---------------------------------------------------------------------- CronJobs


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_time_zones_come_from_the_library_and_from_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoneinfo.TZPATH", ())
    zone_of.cache_clear()
    assert str(zone_of("Europe/Berlin")) == "Europe/Berlin"
    for name in ("Nope", "../zoneinfo/UTC", "Europe", "/etc/localtime", "zone.tab"):
        with pytest.raises(ValueError, match="unknown time zone"):
            zone_of(name)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "due"),
    [
        ("*/15 * * * *", "", "2026-01-01T00:07:00", "2026-01-01T00:15:00"),
        ("0 9 * * mon-fri", "", "2026-01-02T10:00:00", "2026-01-05T09:00:00"),
        ("30 3 1 * *", "", "2026-01-31T23:59:00", "2026-02-01T03:30:00"),
        ("0 0 13 * 5", "", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ("@hourly", "", "2026-01-01T00:00:00", "2026-01-01T01:00:00"),
        ("@every 90s", "", "2026-01-01T00:00:00", "2026-01-01T00:01:30"),
        ("@every 5us", "", "2026-01-01T00:00:00", "2026-01-01T00:00:01"),
        ("0 0 */2 * 1", "", "2026-01-01T00:00:00", "2026-01-03T00:00:00"),
        ("0 12 * * *", "Europe/Berlin", "2026-01-01T00:00:00", "2026-01-01T11:00:00"),
        ("0 12 * * *", "Europe/Berlin", "2026-07-01T00:00:00", "2026-07-01T10:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-30T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:00:00", "2026-10-25T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T01:30:00"),
        ("0,30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T01:00:00"),
    ],
)
def test_when_a_schedule_is_due(schedule: str, zone: str, after: str, due: str) -> None:
    assert parse(schedule, zone).after(unix(after)) == unix(due)


def test_a_day_that_never_comes() -> None:
    assert parse("0 0 30 2 *").after(0) is None


def test_the_latest_of_many_missed_times() -> None:
    cron = typed({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": {
        "schedule": "*/1 * * * *", "jobTemplate": {"spec": job()["spec"]},
    }})  # fmt: skip
    found = missed(cron, parse("*/1 * * * *"), Clock(7 * 3600 * SECOND + 30 * SECOND))
    assert (found.last, found.number) == (unix("2026-01-01T07:00:00"), 420)
    hourly = missed(cron, parse("@every 1h"), Clock(3 * 3600 * SECOND + 30 * SECOND))
    assert (hourly.last, hourly.number) == (unix("2026-01-01T03:00:00"), 3)


def cron(policy: str = "Allow", image: str = "ok:1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
        "spec": {
            "schedule": "*/1 * * * *", "concurrencyPolicy": policy, "jobTemplate": {"spec": job(image=image)["spec"]}, **spec,
        },
    }  # fmt: skip


def test_a_cron_job_keeps_three_that_succeeded() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", CRONS, cron())
    cluster.run(330)
    names = [one["metadata"]["name"] for one in cluster.list("Job")]
    assert len(names) == 3
    last = cluster("GET", f"{CRONS}/c")["status"]
    assert names[-1] == f"c-{unix(last['lastScheduleTime'].rstrip('Z')) // 60}"
    assert "active" not in last and last["lastSuccessfulTime"] >= last["lastScheduleTime"]
    assert sorted(set(events(cluster, "CronJob"))) == ["SawCompletedJob", "SuccessfulCreate", "SuccessfulDelete"]


def test_a_job_of_which_the_status_was_never_told_is_taken_in() -> None:
    tree = cron()
    tree["metadata"] |= {"namespace": "default", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"}
    made = job()
    made["metadata"] |= {
        "name": f"c-{unix('2026-01-01T00:01:00') // 60}", "namespace": "default", "uid": "j", "resourceVersion": "7",
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "u", "controller": True}],
    }  # fmt: skip
    decision = cron_reconcile(typed(tree), [typed(made)], None, Clock(61 * SECOND))
    assert [write.method for write in decision.writes] == ["PUT"]
    status = decision.writes[0].tree["status"]
    assert [ref["uid"] for ref in status["active"]] == ["j"]
    assert status["lastScheduleTime"] == "2026-01-01T00:01:00Z"


def test_time_zones_are_those_that_there_are() -> None:
    cluster = Cluster()
    with pytest.raises(AssertionError, match="unknown time zone Mars/Base"):
        cluster("POST", CRONS, cron(timeZone="Mars/Base"))
    assert cluster("POST", CRONS, cron(timeZone="America/Argentina/Buenos_Aires"))["spec"]["timeZone"]


def test_forbid_waits_and_replace_does_not() -> None:
    for policy, reason in (("Forbid", "JobAlreadyActive"), ("Replace", "SuccessfulDelete")):
        cluster = Cluster(recorded=True)
        cluster("POST", CRONS, cron(policy, image="hold:1"))
        cluster.run(130)
        assert reason in events(cluster, "CronJob")
        assert (len(cluster.list("Job")), len(cluster("GET", f"{CRONS}/c")["status"]["active"])) == (1, 1)
    assert json.dumps(cluster.list("Pod")).count('"Running"') == 1


def test_a_start_that_is_too_late_is_missed() -> None:
    cluster = Cluster(recorded=True)
    cluster("POST", CRONS, cron(suspend=True))
    cluster.run(90)
    cluster.patch(f"{CRONS}/c", {"spec": {"suspend": False, "startingDeadlineSeconds": 5}})
    cluster.run(2)
    assert cluster.list("Job") == []
