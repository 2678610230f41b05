"""The verbs against a small API: requests, output, waiting, failures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api.wire import Response
from k8s_tutor.kubectl import run, so_far
from tests.kubectl.fake import FakeApi, deployment, node, pod, replica_set


def small() -> FakeApi:
    """Two nodes, a Deployment of two revisions with one pod, a lone pod."""
    api = FakeApi()
    for name in ("node-1", "node-2"):
        api.put(node(name))
    api.put(deployment())
    api.put(replica_set("web-aaa", "web", 1, "nginx:1", 0))
    api.put(replica_set("web-bbb", "web", 2, "nginx:2", 2))
    owner = {"kind": "ReplicaSet", "name": "web-bbb", "controller": True, "uid": "uid-web-bbb"}
    api.put(pod("web-bbb-1", labels={"app": "web"}, metadata={"ownerReferences": [owner]}))
    api.put(pod("lone", "node-2"))
    return api


def test_tables_of_several_kinds_carry_the_kind_and_stand_apart() -> None:
    assert small().play("get po,deploy").stdout == (
        "NAME            READY   STATUS    RESTARTS   AGE\n"
        "pod/lone        1/1     Running   0          60s\n"
        "pod/web-bbb-1   1/1     Running   0          60s\n"
        "\n"
        "NAME                  READY   UP-TO-DATE   AVAILABLE   AGE\n"
        "deployment.apps/web   0/2     2            2           60s\n"
    )


@pytest.mark.parametrize(("line", "path"), [
    ("get pods", "/api/v1/namespaces/default/pods"),
    ("kubectl get po -n kube-system", "/api/v1/namespaces/kube-system/pods"),
    ("k get po -n kube-system", "/api/v1/namespaces/kube-system/pods"),
    ("-n kube-system get po", "/api/v1/namespaces/kube-system/pods"),
    ("get pods -A", "/api/v1/pods"),
    ("get deployments.apps", "/apis/apps/v1/namespaces/default/deployments"),
    ("get deployments.v1.apps web", "/apis/apps/v1/namespaces/default/deployments/web"),
    ("get Node node-1", "/api/v1/nodes/node-1"),
])  # fmt: skip
def test_get_asks_at_the_right_place(line: str, path: str) -> None:
    api = small()
    api.play(line)
    assert api.log[0].path == path
    assert api.log[0].accept == "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@pytest.mark.parametrize(("line", "out"), [
    ("get pods -o name", "pod/lone\npod/web-bbb-1\n"),
    ("get pods --no-headers", "lone        1/1   Running   0     60s\nweb-bbb-1   1/1   Running   0     60s\n"),
    ("get pods -l app=web -o jsonpath='{.items[*].spec.nodeName}'", "node-1"),
    ("get pods -o jsonpath='{range .items[*]}{.metadata.name}{\"\\n\"}{end}'", "lone\nweb-bbb-1\n"),
    ("get pods -o jsonpath='{.items[?(@.spec.nodeName==\"node-2\")].metadata.name}'", "lone"),
    ("get pods -o custom-columns=POD:.metadata.name,IP:.status.podIP,X:.nope",
     "POD         IP           X\nlone        10.244.1.5   <none>\nweb-bbb-1   10.244.1.5   <none>\n"),
    ("get pods --sort-by=.spec.nodeName -o name", "pod/web-bbb-1\npod/lone\n"),
    ("get pods -A -l app=web",
     "NAMESPACE   NAME        READY   STATUS    RESTARTS   AGE\ndefault     web-bbb-1   1/1     Running   0          60s\n"),
    ("get pods -l app=web --show-labels",
     "NAME        READY   STATUS    RESTARTS   AGE   LABELS\nweb-bbb-1   1/1     Running   0          60s   app=web\n"),
])  # fmt: skip
def test_output_formats(line: str, out: str) -> None:
    result = small().play(line)
    assert (result.stdout, result.stderr) == (out, "")


def test_lists_as_yaml_and_json_are_one_list() -> None:
    tree = json.loads(small().play("get deploy -o json").stdout)
    assert (tree["kind"], tree["apiVersion"], tree["metadata"]) == ("List", "v1", {"resourceVersion": ""})
    assert tree["items"][0]["kind"] == "Deployment"
    assert small().play("get svc -o yaml").stdout == 'apiVersion: v1\nitems: []\nkind: List\nmetadata:\n  resourceVersion: ""\n'


def test_nothing_found_goes_to_stderr() -> None:
    api = FakeApi()
    assert api.play("get pods").stderr == "No resources found in default namespace.\n"
    assert api.play("get nodes").stderr == "No resources found\n"
    assert api.play("get pods -A").stderr == "No resources found\n"
    assert api.play("get all").stderr == "No resources found in default namespace.\n"
    assert api.play("get pod x --ignore-not-found") == ("", "", 0)


def test_what_is_found_is_printed_beside_what_is_missing() -> None:
    result = small().play("get pod nope lone")
    assert result.stdout.splitlines()[1].startswith("lone ")
    assert (result.stderr, result.code) == ('Error from server (NotFound): pods "nope" not found\n', 1)


@pytest.mark.parametrize(("line", "out"), [
    ("scale deploy web --replicas=5", "deployment.apps/web scaled\n"),
    ("scale deploy/web --replicas=1 --current-replicas=2", "deployment.apps/web scaled\n"),
    ("set image deploy/web nginx=nginx:3", "deployment.apps/web image updated\n"),
    ("set image deploy/web nginx=nginx:2", ""),
    ("set resources deploy web --requests=cpu=200m --limits=cpu=1,memory=1Gi",
     "deployment.apps/web resource requirements updated\n"),
    ("label pod lone a=b", "pod/lone labeled\n"),
    ("label pod lone nope-", 'label "nope" not found.\npod/lone not labeled\n'),
    ("label pods --all a=b", "pod/lone labeled\npod/web-bbb-1 labeled\n"),
    ("label pod web-bbb-1 app=x --overwrite", "pod/web-bbb-1 labeled\n"),
    ("annotate pod lone a=b", "pod/lone annotated\n"),
    ("rollout restart deploy web", "deployment.apps/web restarted\n"),
    ("rollout pause deploy/web", "deployment.apps/web paused\n"),
    ("rollout history deploy/web", "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n"),
    ("rollout undo deploy/web", "deployment.apps/web rolled back\n"),
    ("expose deploy web", "service/web exposed\n"),
    ("expose pod web-bbb-1 --port=80 --name=x", "service/x exposed\n"),
    ("run p --image=nginx --port=80 --expose", "service/p created\npod/p created\n"),
    ("create deployment x --image=nginx:1", "deployment.apps/x created\n"),
    ("create ns x", "namespace/x created\n"),
    ("patch deploy web -p '{\"spec\":{\"replicas\":1}}'", "deployment.apps/web patched\n"),
    ("taint node node-1 a=b:NoSchedule", "node/node-1 tainted\n"),
    ("rollout status deploy/web", 'deployment "web" successfully rolled out\n'),
    ("wait --for=condition=Ready pod/lone", "pod/lone condition met\n"),
    ("wait --for=jsonpath='{.status.phase}'=Running pod/lone", "pod/lone condition met\n"),
])  # fmt: skip
def test_verbs_say_what_they_did(line: str, out: str) -> None:
    result = small().play(line)
    assert (result.stdout, result.stderr, result.code) == (out, "", 0)


@pytest.mark.parametrize(("line", "said"), [
    ("scale deploy nope --replicas=1", 'error: no objects passed to scale deployments.apps "nope" not found'),
    ("scale deploy/web --replicas=1 --current-replicas=7", "error: Expected replicas to be 7, was 2"),
    ("scale deploy web", 'error: required flag(s) "replicas" not set'),
    ("create deployment web", 'error: required flag(s) "image" not set'),
    ("run x --image=", "error: --image is required"),
    ("run x --image=A:B:C", 'error: Invalid image name "A:B:C": invalid reference format'),
    ("create deployment web --image=x", 'error: failed to create deployment: deployments.apps "web" already exists'),
    ("run lone --image=x", 'Error from server (AlreadyExists): pods "lone" already exists'),
    ("set image deploy/web nope=x", 'error: unable to find container named "nope"'),
    ("label pod web-bbb-1 app=x", "error: 'app' already has a value (web), and --overwrite is false"),
    ("rollout undo deploy/web --to-revision=9", "error: unable to find specified revision 9 in history"),
    ("rollout resume deploy/web", 'error: deployments.apps "web" is not paused'),
    ("get foo", 'error: the server doesn\'t have a resource type "foo"'),
    ("delete pod", "error: resource(s) were provided, but no name was specified"),
    ("delete pods x -l a=b", "error: name cannot be provided when a selector is specified"),
    ("get pods ; get x", "error: ';' belongs to a shell; this console runs one command at a time"),
    ("get pods 'x", "error: a quote is not closed"),
    ("get pod ''", "error: resource name may not be empty"),
    ("create ns x --dry-run",
     'error: --dry-run flag without a value was specified. A value must be set: "none", "server", or "client".'),
    ("expose deploy web --port=0", "error: invalid port: 0: must be between 1 and 65535, inclusive"),
])  # fmt: skip
def test_failures_are_kubectls(line: str, said: str) -> None:
    result = small().play(line)
    assert (result.stdout, result.stderr.rstrip("\n"), result.code) == ("", said, 1)


def test_undo_puts_the_old_template_back_without_its_hash() -> None:
    api = small()
    api.play("rollout undo deploy/web")
    template = api.get("deployments", "web")["spec"]["template"]
    assert template["metadata"]["labels"] == {"app": "web"}
    assert template["spec"]["containers"][0]["image"] == "nginx:1"
    again = api.play("rollout undo deploy/web --to-revision=1")
    assert again.stdout == "deployment.apps/web skipped rollback (current template already matches revision 1)\n"


def test_exposing_uses_the_selector_and_the_ports_of_the_template() -> None:
    api = small()
    api.play("expose deploy web --type=NodePort --target-port=8080")
    spec = api.get("services", "web")["spec"]
    assert (spec["selector"], spec["type"]) == ({"app": "web"}, "NodePort")
    assert (spec["ports"][0]["port"], spec["ports"][0]["targetPort"]) == (80, 8080)


def test_run_passes_arguments_environment_and_overrides() -> None:
    api = small()
    overrides = """--overrides='{"spec":{"nodeName":"node-2"}}'"""
    api.play(f"run p --image=busybox --env=A=1 --labels=x=y --restart=Never {overrides} -- sleep 3")
    tree = api.get("pods", "p")
    container = tree["spec"]["containers"][0]
    assert (container["args"], container["env"]) == (["sleep", "3"], [{"name": "A", "value": "1"}])
    assert tree["metadata"]["labels"] == {"x": "y"}
    assert (tree["spec"]["nodeName"], tree["spec"]["restartPolicy"]) == ("node-2", "Never")


def test_delete_waits_until_the_object_is_gone() -> None:
    api = small()
    api.lingering.add("Pod")
    api.later[3] = lambda: api.objects.clear()
    assert api.play("delete pod lone").stdout == 'pod "lone" deleted\n'
    assert api.pauses == 3


def test_delete_does_not_wait_for_a_namesake() -> None:
    api = small()
    api.lingering.add("Pod")
    api.later[1] = lambda: api.get("pods", "lone")["metadata"].update(uid="another")
    api.play("delete pod lone")
    assert api.pauses == 1


def test_delete_gives_up_after_its_timeout() -> None:
    api = small()
    api.lingering.add("Pod")
    result = api.play("delete pod lone --timeout=1s")
    assert (result.stderr, result.code) == ("error: timed out waiting for the condition on pods/lone\n", 1)


def test_forced_delete_asks_for_no_grace_and_does_not_wait() -> None:
    api = small()
    api.lingering.add("Pod")
    result = api.play("delete pod lone --force --grace-period=0")
    assert result.stdout == 'pod "lone" force deleted\n'
    assert result.stderr.startswith("Warning: Immediate deletion does not wait for confirmation")
    assert json.loads(api.log[-1].body) == {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
    assert api.pauses == 0


def test_rollout_status_tells_each_stage_once() -> None:
    api = small()
    status: dict[str, Any] = {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}
    api.get("deployments", "web")["status"] = status
    api.later[2] = lambda: status.update(updatedReplicas=2)
    api.later[4] = lambda: status.update(replicas=2, availableReplicas=1)
    api.later[5] = lambda: status.update(availableReplicas=2)
    assert api.play("rollout status deploy/web").stdout == (
        'Waiting for deployment "web" rollout to finish: 1 out of 2 new replicas have been updated...\n'
        'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...\n'
        'Waiting for deployment "web" rollout to finish: 1 of 2 updated replicas are available...\n'
        'deployment "web" successfully rolled out\n'
    )


def test_rollout_status_ends_when_the_deadline_is_past() -> None:
    api = small()
    api.get("deployments", "web")["status"] |= {
        "updatedReplicas": 1, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}],
    }  # fmt: skip
    result = api.play("rollout status deploy/web")
    assert (result.stderr, result.code) == ('error: deployment "web" exceeded its progress deadline\n', 1)


def test_drain_tries_again_when_a_budget_protects_a_pod() -> None:
    api = small()
    api.budgets["web-bbb-1"] = 2
    result = api.play("drain node-1")
    assert result.code == 0
    assert result.stdout.splitlines() == [
        "node/node-1 cordoned", *["evicting pod default/web-bbb-1"] * 3, "pod/web-bbb-1 evicted", "node/node-1 drained",
    ]  # fmt: skip
    assert result.stderr.splitlines()[0] == (
        'error when evicting pods/"web-bbb-1" -n "default" (will retry after 5s): '
        "Cannot evict pod as it would violate the pod's disruption budget."
    )


def test_drain_refuses_pods_with_local_storage() -> None:
    api = small()
    api.get("pods", "web-bbb-1")["spec"]["volumes"] = [{"name": "tmp", "emptyDir": {}}]
    result = api.play("drain node-1")
    assert "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/web-bbb-1" in result.stderr
    assert api.play("drain node-1 --delete-emptydir-data").code == 0


@pytest.mark.parametrize(("reason", "said"), [
    ("disconnected", "The connection to the server lb:6443 was refused - did you specify the right host or port?\n"),
    ("timeout", "Unable to connect to the server: net/http: request canceled while waiting for connection "
                "(Client.Timeout exceeded while awaiting headers)\n"),
])  # fmt: skip
@pytest.mark.parametrize("line", ["get pods", "scale deploy web --replicas=1", "delete pod x", "run p --image=x", "drain n"])
def test_a_silent_server_is_an_error_not_a_traceback(line: str, reason: str, said: str) -> None:
    api = small()
    api.down = reason
    assert api.play(line) == ("", said, 1)


def test_invalid_objects_list_every_cause() -> None:
    from k8s_tutor.kubectl.errors import Refused

    causes = [{"field": "spec.a", "message": "Required value"}, {"field": "spec.b", "message": "Invalid value: 3"}]
    status: dict[str, Any] = {"reason": "Invalid", "message": "long", "details": {"kind": "Pod", "name": "p", "causes": causes}}
    assert Refused(status).alone() == 'The Pod "p" is invalid: \n* spec.a: Required value\n* spec.b: Invalid value: 3'
    status["details"]["causes"] = causes[:1]
    assert Refused(status).alone() == 'The Pod "p" is invalid: spec.a: Required value'


def test_a_command_is_a_pure_function_of_its_answers() -> None:
    first, second = run("get pods", (), 5), run("get pods", (), 5)
    assert next(first) == next(second)


def test_impersonation_asks_as_that_user() -> None:
    api = small()
    api.play("get pods --as=alice")
    assert (api.log[0].user, api.log[0].headers) == ("kubernetes-admin", (("impersonate-user", "alice"),))
    api.play("get pods")
    assert api.log[1].user == "kubernetes-admin"


def test_describe_service_shows_ready_endpoints_only() -> None:
    api = small()
    api.play("create service clusterip web --tcp=80:8080")
    points = [{"addresses": [f"10.244.1.{number}"], "conditions": {"ready": number != 2}} for number in range(1, 6)]
    api.put({
        "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "addressType": "IPv4",
        "metadata": {"name": "web-x", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"name": "80-8080", "port": 8080, "protocol": "TCP"}], "endpoints": points,
    })  # fmt: skip
    text = api.play("describe svc web").stdout
    assert "Endpoints:                10.244.1.1:8080,10.244.1.3:8080,10.244.1.4:8080 + 1 more...\n" in text
    assert "Port:                     80-8080  80/TCP\n" in text


def test_describe_deployment_tells_new_from_old() -> None:
    text = small().play("describe deploy web").stdout
    assert "OldReplicaSets:    web-aaa (0/0 replicas created)\nNewReplicaSet:     web-bbb (2/2 replicas created)\n" in text
    assert "Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable\n" in text


def test_describe_takes_the_beginning_of_a_name() -> None:
    text = small().play("describe pod web-").stdout
    assert text.startswith("Name:         web-bbb-1\n")
    assert "Controlled By:  ReplicaSet/web-bbb\n" in text


def test_describe_node_adds_up_what_its_pods_request() -> None:
    api = small()
    room = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    api.get("pods", "lone")["spec"]["containers"][0]["resources"] = room
    text = api.play("describe node node-2").stdout
    assert "  default                     lone    500m (12%)    0 (0%)      1Gi (12%)        2Gi (25%)      60s\n" in text
    assert "  cpu                500m (12%)  0 (0%)\n  memory             1Gi (12%)   2Gi (25%)\n" in text


def test_what_a_running_command_has_printed_can_be_shown() -> None:
    waiting = {"metadata": {"name": "web", "generation": 2}, "spec": {"replicas": 2}, "status": {"observedGeneration": 1}}
    answer = Response(200, json.dumps(waiting).encode())
    assert so_far("rollout status deploy/web", (), 0, ()) == ("", "", -1)
    assert so_far("rollout status deploy/web", (), 0, (answer, None)) == (
        "Waiting for deployment spec update to be observed...\n", "", -1,
    )  # fmt: skip
    assert so_far("nope", (), 0, ()).code == -1
