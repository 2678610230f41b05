"""Lines typed at a console, carried out by the real API server on a real etcd member."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.times import EPOCH
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.kubectl.console import Answered, Console, ConsoleConfig, Typed
from k8s_tutor.sim import SECOND, Link, World

SLOW = 600 * SECOND


class Terminal:
    """A world of one etcd member, one API server and you."""

    def __init__(self) -> None:
        self.world = World(7, Link(latency=500))
        self.world.add(Member, "etcd-1", MemberConfig(1, ((1, "etcd-1"),), "raft", 7), host="cp-1")
        self.world.add(ApiServer, "api-1", ApiConfig("etcd-1", EPOCH), host="cp-1")
        self.world.add(Console, "you", ConsoleConfig("api-1", "kubernetes-admin", EPOCH, ("etcd-1",)), host="you-host")
        self.world.run_until(5 * SECOND)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "default"}}
        assert self.type("apply -f account.yaml", account=[account]).code == 0

    def type(self, line: str, **files: Any) -> Answered:
        """Type a line and wait for its end."""
        given = tuple((name + ".yaml", json.dumps(content)) for name, content in files.items())
        self.world.inject("you", Typed(line, given))
        end = self.world.now + SLOW
        while self.world.now < end:
            self.world.run_until(self.world.now + SECOND // 4)
            you = self.world.actor("you")
            assert isinstance(you, Console)
            if not you.sessions:
                return you.answers[-1]
        raise AssertionError(f"{line} does not end")


@pytest.fixture(scope="module")
def terminal() -> Terminal:
    return Terminal()


def manifest(image: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": "c", "image": image, "ports": [{"containerPort": 80}]}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template, **spec}}  # fmt: skip


def test_server_side_apply_takes_over_what_was_applied_before(terminal: Terminal) -> None:
    def config(**data: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "moved"}, "data": data}

    terminal.type("apply -f c.yaml", c=[config(a="1", b="2")])
    done = terminal.type("apply --server-side -f c.yaml", c=[config(a="1", b="2")])
    assert (done.stdout, done.stderr) == ("configmap/moved serverside-applied\n", "")
    tree = json.loads(terminal.type("get configmap moved -o json --show-managed-fields").stdout)
    managers = [(one["manager"], one["operation"]) for one in tree["metadata"]["managedFields"]]
    assert managers == [("kubectl", "Apply"), ("kubectl-last-applied", "Apply")]
    shown = terminal.type("apply --server-side -f c.yaml -o json", c=[config(a="1")]).stdout
    assert "managedFields" not in shown and json.loads(shown)["data"] == {"a": "1"}
    terminal.type("delete configmap moved")


def test_auth_reconcile_adds_what_a_role_lacks(terminal: Terminal) -> None:
    group = "rbac.authorization.k8s.io"

    def role(*verbs: str) -> dict[str, Any]:
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
        return {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "look"}, "rules": rules}

    def binding(who: str, kind: str = "Role", name: str = "look") -> dict[str, Any]:
        role = {"apiGroup": group, "kind": kind, "name": name}
        return {"apiVersion": f"{group}/v1", "kind": "RoleBinding", "metadata": {"name": "look"}, "roleRef": role,
                "subjects": [{"kind": "User", "name": who}]}  # fmt: skip

    line = "auth reconcile -f look.yaml"
    done = terminal.type(line, look=[role("get", "list"), binding("alice")])
    assert done.stdout == f"role.{group}/look reconciled\nrolebinding.{group}/look reconciled\n"
    assert done.stderr == (
        "\treconciliation required create\n\tmissing rules added:\n"
        "\t\t{Verbs:[get list] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}\n"
        "\treconciliation required create\n\tmissing subjects added:\n"
        f"\t\t{{Kind:User APIGroup:{group} Name:alice Namespace:}}\n"
    )
    assert terminal.type(line, look=[role("get"), binding("alice")]).stderr == ""
    assert "{Verbs:[watch]" in terminal.type(line, look=[role("watch")]).stderr
    removed = terminal.type(f"{line} --remove-extra-permissions", look=[role("watch")]).stderr
    assert removed.count("\t\t{Verbs:[") == 2 and "\textra rules removed:\n" in removed
    assert terminal.type(line, look=[binding("bob", "ClusterRole", "view")]).stderr == "\treconciliation required recreate\n"
    shown = json.loads(terminal.type("get rolebinding look -o json").stdout)
    assert (shown["roleRef"]["name"], shown["subjects"][0]["name"]) == ("view", "bob")


def test_apply_is_a_three_way_patch_on_the_real_server(terminal: Terminal) -> None:
    said = [terminal.type("apply -f web.yaml", web=[manifest(image)]).stdout for image in ("nginx:1", "nginx:1", "nginx:2")]
    assert said == [f"deployment.apps/web {word}\n" for word in ("created", "unchanged", "configured")]
    image = "get deploy web -o jsonpath='{.spec.template.spec.containers[*].image}'"
    assert terminal.type(image).stdout == "nginx:2"
    assert terminal.type("scale deploy web --replicas=4").stdout == "deployment.apps/web scaled\n"
    assert terminal.type("get deploy web -o jsonpath='{.spec.replicas}'").stdout == "4"
    assert terminal.type("expose deploy web").stdout == "service/web exposed\n"
    assert terminal.type("get svc web -o jsonpath='{.spec.ports[0].targetPort} {.spec.selector.app}'").stdout == "80 web"
    assert terminal.type("set resources deploy/web --limits=cpu=1").code == 0
    assert terminal.type("label deploy web tier=front").stdout == "deployment.apps/web labeled\n"
    assert terminal.type("get deploy -l tier=front -o name").stdout == "deployment.apps/web\n"
    assert terminal.type("delete deploy,svc web").stdout == 'deployment.apps "web" deleted\nservice "web" deleted\n'


@pytest.mark.parametrize(("change", "said"), [
    ({"bogus": 1}, 'Error from server (BadRequest): error when creating "web.yaml": Deployment in version "v1" cannot be '
                   'handled as a Deployment: strict decoding error: unknown field "spec.bogus"\n'),
    ({"replicas": -1},
     'The Deployment "bad" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0\n'),
    ({"selector": {"matchLabels": {"x": "y"}}},
     'The Deployment "bad" is invalid: spec.template.metadata.labels: Invalid value: {"app":"bad"}: '
     '`selector` does not match template `labels`\n'),
])  # fmt: skip
def test_bad_manifests_get_the_servers_words(terminal: Terminal, change: dict[str, Any], said: str) -> None:
    result = terminal.type("apply -f web.yaml", web=[manifest("nginx:1", "bad", **change)])
    assert (result.stdout, result.stderr, result.code) == ("", said, 1)


def test_tables_come_from_the_server(terminal: Terminal) -> None:
    lines = terminal.type("get ns").stdout.splitlines()
    assert lines[0] == "NAME              STATUS   AGE"
    assert [line.split()[0] for line in lines[1:]] == ["default", "kube-node-lease", "kube-public", "kube-system"]
    terminal.type("run p --image=nginx")
    assert "Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s\n" in (
        terminal.type("describe pod p").stdout
    )
    assert terminal.type("delete pod p").stdout == 'pod "p" deleted\n'


def test_etcdctl_sees_what_the_api_server_wrote(terminal: Terminal) -> None:
    terminal.type("create cm c --from-literal=a=b")
    keys = terminal.type("etcdctl get /registry/configmaps/ --prefix --keys-only").stdout
    assert keys == "/registry/configmaps/default/c\n\n"


def test_without_an_api_server_kubectl_says_so() -> None:
    terminal = Terminal()
    terminal.world.crash("api-1")
    result = terminal.type("get pods")
    assert result.stderr == "The connection to the server lb:6443 was refused - did you specify the right host or port?\n"
    assert result.code == 1


def test_without_etcd_the_servers_error_is_printed() -> None:
    terminal = Terminal()
    terminal.world.crash("etcd-1")
    result = terminal.type("get pods")
    assert result.code == 1
    assert result.stderr.startswith("Error from server")


def test_somebody_with_a_token_that_nobody_knows_is_not_let_in(terminal: Terminal) -> None:
    assert terminal.type("config set-credentials stranger --token=old").stdout == 'User "stranger" set.\n'
    refused = terminal.type("get pods --user=stranger")
    assert (refused.code, refused.stderr) == (1, "error: You must be logged in to the server (Unauthorized)\n")
    assert terminal.type("create rolebinding b --clusterrole=view --user=stranger").code == 0


def test_a_raw_watch_from_before_the_beginning_says_that_it_is_too_old(terminal: Terminal) -> None:
    answer = terminal.type("get --raw '/api/v1/namespaces/default/configmaps?watch=true&resourceVersion=1'")
    event = json.loads(answer.stdout)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
