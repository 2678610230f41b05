"""From what a container uses to ``kubectl top`` and to the size of a Deployment: on whole clusters."""

from __future__ import annotations

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.sim import SECOND
from k8s_tutor.sim.detect import Detector
from tests.cluster.helpers import cluster, kubectl, until
from tests.metrics.helpers import apply, cpu, deployment, pod, scaler, service

LOAD = "run load --image=busybox --restart=Never -- /bin/sh -c 'while sleep 0.01; do wget -q -O- http://{address}; done'"
ASKS = {"requests": {"cpu": "200m"}, "limits": {"cpu": "500m"}}


def wait(on: Cluster, seconds: int) -> None:
    on.run_until(on.now + seconds * SECOND)


def said(on: Cluster, line: str) -> str:
    answer = kubectl(on, line)
    return answer.stdout + answer.stderr


def size(on: Cluster, name: str) -> int:
    found: int = on.objects("Deployment")[f"default/{name}"]["spec"]["replicas"]
    return found


def eventually(on: Cluster, line: str, text: str, tries: int = 24) -> str:
    """What a line prints once it prints a text; asked every 5 s."""
    for _ in range(tries):
        answer = said(on, line)
        if text in answer:
            return answer
        wait(on, 5)
    raise AssertionError(f"{line} never printed {text}: {answer}")


def under_load(on: Cluster, name: str) -> None:
    address = said(on, f"get svc {name} -o jsonpath={{.spec.clusterIP}}")
    assert "created" in said(on, LOAD.format(address=address))


def test_top_needs_a_metrics_api() -> None:
    one = cluster()
    assert said(one, "top pods") == "error: Metrics API not available\n"
    assert "metrics.k8s.io" not in said(one, "api-versions")


def test_top_tells_what_is_used() -> None:
    one = cluster(metrics=True)
    assert said(one, "top nodes") == "error: metrics not available yet\n"
    assert said(one, "top pods") == "No resources found in default namespace.\n"
    busy = pod("busy", "busybox", command=["sh", "-c", "while true; do true; done"], resources={"limits": {"cpu": "300m"}})
    apply(
        one, busy, pod("hog", "polinux/stress", command=["stress"], args=["--vm", "1", "--vm-bytes", "150M", "--vm-hang", "1"])
    )
    assert said(one, "top pods") == "error: metrics not available yet\n"
    wait(one, 40)
    assert said(one, "top pods").splitlines() == [
        "NAME   CPU(cores)   MEMORY(bytes)   ",
        "busy   300m         0Mi             ",
        "hog    0m           151Mi           ",
    ]
    assert said(one, "top pods --sort-by=memory --no-headers --containers -A").split()[:4] == ["default", "hog", "c", "0m"]
    assert said(one, "top nodes").splitlines()[1].split() == ["node-1", "340m", "8%", "372Mi", "4%"]
    usage = one.view().usage
    assert usage.pods["default/busy"].cpu == 300 and usage.nodes["node-1"].memory >> 20 == 372
    assert one.view().usage is usage
    assert said(one, "top pod nope") == 'Error from server (NotFound): podmetrics.metrics.k8s.io "default/nope" not found\n'
    name, used, memory, window = said(one, "get pods.metrics.k8s.io").splitlines()[1].split()
    assert (name, memory, window) == ("busy", "600Ki", "15s") and abs(int(used[:-1]) - 300_000_000) < 10_000


def test_an_api_behind_the_api_server() -> None:
    one = cluster(metrics=True)
    name = "v1beta1.metrics.k8s.io"
    assert said(one, f"get apiservice {name}").splitlines()[1].split()[1:3] == ["kube-system/metrics-server", "True"]
    assert "metrics.k8s.io/v1beta1" in said(one, "api-versions").split()
    assert said(one, "auth can-i list pods.metrics.k8s.io --as=eve") == "no\n"
    forbidden = said(one, "get --raw /apis/metrics.k8s.io/v1beta1/pods --as=eve")
    assert 'User "eve" cannot list resource "pods" in API group "metrics.k8s.io" at the cluster scope' in forbidden
    one.give(inputs.Crash("metrics-server"))
    problem = "the server is currently unable to handle the request (get nodes.metrics.k8s.io)"
    gone = f"Error from server (ServiceUnavailable): {problem}\n"
    assert said(one, "top nodes") == gone
    eventually(one, f"get apiservice {name} --no-headers", "False (FailedDiscoveryCheck)")
    text = said(one, f"get apiservice {name} -o jsonpath={{.status.conditions[0].message}}")
    assert text.startswith("failing or missing response from https://10.") and text.endswith("connect: connection refused")
    assert said(one, "top nodes") == gone
    one.give(inputs.Restart("metrics-server"))
    wait(one, 60)
    assert said(one, "top nodes").startswith("NAME ")
    assert "deleted" in said(one, f"delete apiservice {name}")
    wait(one, 1)
    assert said(one, "top nodes") == "error: Metrics API not available\n"


def test_a_deployment_grows_under_load_and_shrinks_again() -> None:
    one = cluster(metrics=True)
    apply(one, deployment("web", "registry.k8s.io/hpa-example", resources=ASKS), service("web", 80), scaler("web", cpu(50)))
    wait(one, 45)
    assert said(one, "get hpa --no-headers").split()[2:7] == ["cpu:", "0%/50%", "1", "10", "1"]
    under_load(one, "web")
    until(one, lambda c: size(c, "web") >= 4)
    wait(one, 90)
    grown = size(one, "web")
    assert 4 <= grown <= 6
    described = said(one, "describe hpa web")
    assert "reason: cpu resource utilization (percentage of request) above target" in described
    assert "ValidMetricFound" in described and "% (" in described
    assert int(said(one, "top pods -l app=web --sum --no-headers").split()[-2].removesuffix("m")) > 350
    said(one, "delete pod load --now")
    wait(one, 240)
    assert size(one, "web") == grown
    until(one, lambda c: size(c, "web") == 1)
    assert "All metrics below target" in said(one, "describe hpa web")


def test_pods_without_requests_have_no_utilization() -> None:
    one = cluster(metrics=True)
    apply(one, deployment("web", "nginx"), scaler("web", cpu(50)))
    text = eventually(one, "describe hpa web", "missing request")
    name = next(iter(one.objects("Pod"))).partition("/")[2]
    assert f"failed to get cpu utilization: missing request for cpu in container web of Pod {name}" in text
    assert "ScalingActive  False   FailedGetResourceMetric" in text
    assert said(one, "get hpa --no-headers").split()[2:4] == ["cpu:", "<unknown>/50%"]


def test_metrics_that_programs_tell() -> None:
    one = cluster(metrics=True, custom_metrics=True)
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
    rate = {
        "type": "Pods",
        "pods": {"metric": {"name": "http_requests_per_second"}, "target": {"type": "AverageValue", "averageValue": "20"}},
    }
    jobs = {
        "type": "External",
        "external": {"metric": {"name": "jobs"}, "target": {"type": "AverageValue", "averageValue": "10"}},
    }
    apply(
        one,
        deployment("web", "hello", annotations=scrape),
        service("web", 8080),
        scaler("web", rate, most=6),
        deployment("worker", "busybox", command=["sleep", "9999"]),
        scaler("worker", jobs),
        deployment("queue", "hello", annotations={**scrape, "golden.k8s-tutor/gauge-jobs": "35"}),
    )
    under_load(one, "web")
    until(one, lambda c: size(c, "web") >= 3 and size(c, "worker") == 4)
    assert "pods metric http_requests_per_second above target" in said(one, "describe hpa web")
    assert "external metric jobs(nil) above target" in said(one, "describe hpa worker")
    assert '"jobs" (target average value)' in said(one, "describe hpa worker")
    path = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/services/web/http_requests_per_second"
    assert '"kind":"Service"' in said(one, f"get --raw {path}")
    assert said(one, f"get --raw {path}x").endswith("could not find the metric http_requests_per_secondx for services web\n")


def test_nobody_asks_nobody_tells() -> None:
    """Without a metrics server usage makes no messages; with one a quiet cluster stays quiet."""
    plain, metered = cluster(), cluster(metrics=True)
    counts = []
    for one in (plain, metered):
        apply(one, deployment("web", "leaky", 2))
        assert one.settle()
        wait(one, 30)
        before = one.events
        wait(one, 60)
        counts.append(one.events - before)
        assert one.quiet
    asked = counts[1] - counts[0]
    assert 4 * 6 <= asked <= 4 * 9 + 20  # kubelet, runtime, shim and back, four times; and two looks at the API service


def test_it_replays_and_changes_nothing_in_place() -> None:
    def run() -> Cluster:
        one = cluster(metrics=True)
        apply(one, deployment("web", "registry.k8s.io/hpa-example", resources=ASKS), service("web", 80), scaler("web", cpu(50)))
        under_load(one, "web")
        wait(one, 30)
        return one

    first, second = run(), run()
    assert first.digest() == second.digest()
    detector = Detector(first.world)
    for _ in range(400):
        detector.step()
