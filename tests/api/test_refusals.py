"""Every cause of a refusal, and no other: tables of objects and what Kubernetes says of them.

Source of the texts: pkg/apis/core/validation, pkg/apis/apps/validation, pkg/apis/batch/validation,
pkg/apis/networking/validation.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Cluster

Tree = dict[str, Any]
PODS, APPS = "/api/v1/namespaces/default/pods", "/apis/apps/v1/namespaces/default"
SERVICES, CLAIMS = "/api/v1/namespaces/default/services", "/api/v1/namespaces/default/persistentvolumeclaims"
NETWORK = "/apis/networking.k8s.io/v1/namespaces/default"
NAME = {"name": "x"}


def pod(**spec: Any) -> Tree:
    return {"metadata": NAME, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def container(**fields: Any) -> Tree:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def service(**spec: Any) -> Tree:
    return {"metadata": NAME, "spec": {"ports": [{"port": 80}], **spec}}


def workload(**spec: Any) -> Tree:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": NAME, "spec": {"selector": {"matchLabels": labels}, "template": template, **spec}}


def ingress(backend: Tree, **path: Any) -> Tree:
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend, **path}]
    return {"metadata": NAME, "spec": {"rules": [{"http": {"paths": paths}}]}}


_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VOLUME = "spec.volumes[0]"
_MOUNTS = "spec.containers[0].volumeMounts"
_STRATEGY = "spec.strategy.rollingUpdate"
_ENV = "spec.containers[0].env[0].valueFrom"
_BACKEND = "spec.rules[0].http.paths[0].backend"
_QUOTA = "/api/v1/namespaces/default/resourcequotas"
_LIMITS = "/api/v1/namespaces/default/limitranges"

_JOBS = "/apis/batch/v1/namespaces/default/jobs"
_CRON = "/apis/batch/v1/namespaces/default/cronjobs"
_SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
_EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
_STORAGE, _FLOWS = "/apis/storage.k8s.io/v1", "/apis/flowcontrol.apiserver.k8s.io/v1"
_RULE = "spec.podFailurePolicy.rules[0]"
_TIMED = {"type": "Normal", "eventTime": "2020-01-01T00:00:00.000000Z", "regarding": {"namespace": "default"},
          "reportingController": "a", "reportingInstance": "b", "reason": "c", "action": "d"}  # fmt: skip


def job(**spec: Any) -> Tree:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": NAME, "spec": {"template": template, **spec}}


def failing(**rule: Any) -> Tree:
    return job(podFailurePolicy={"rules": [{"action": "Ignore", **rule}]})


def slice_of(kind: str, *addresses: str, **endpoint: Any) -> Tree:
    return {"metadata": NAME, "addressType": kind, "endpoints": [{"addresses": list(addresses), **endpoint}]}


ROWS: list[tuple[str, Tree, list[str]]] = [
    # ------------------------------------------------------------------ jobs
    (_JOBS, job(completionMode="x"),
     ['spec.completionMode: Unsupported value: "x": supported values: "NonIndexed", "Indexed"']),
    (_JOBS, job(maxFailedIndexes=1), ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
                                      "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode"]),
    (_JOBS, job(completionMode="Indexed", completions=2, backoffLimitPerIndex=1, maxFailedIndexes=3),
     ["spec.maxFailedIndexes: Invalid value: 3: must be less than or equal to completions"]),
    (_JOBS, {"metadata": {"name": "x" * 62}, "spec": job(completionMode="Indexed", completions=200)["spec"]},
     [f'metadata.name: Invalid value: "{"x" * 62}": will not able to create pod with invalid DNS label: {"x" * 62}-199']),
    (_JOBS, job(managedBy="x"), ['spec.managedBy: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")']),
    (_JOBS, failing(action="", onExitCodes={"operator": "In", "values": [1]}),
     [f'{_RULE}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]']),
    (_JOBS, failing(), [f"{_RULE}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"]),
    (_JOBS, failing(onExitCodes={"operator": "In", "values": [3, 0, 3], "containerName": "z"}),
     [f'{_RULE}.onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod '
      "template", f"{_RULE}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
      f"{_RULE}.onExitCodes.values[2]: Duplicate value: 3", f"{_RULE}.onExitCodes.values: Invalid value: [3,0,3]: must be "
      "ordered"]),
    (_JOBS, failing(onPodConditions=[{"type": "a", "status": "x"}]),
     [f'{_RULE}.onPodConditions[0].status: Unsupported value: "x": supported values: "False", "True", "Unknown"']),
    (_JOBS, {"metadata": NAME, "spec": {**failing(onExitCodes={"operator": "In", "values": [1]})["spec"],
                                        "podReplacementPolicy": "TerminatingOrFailed"}},
     ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"']),
    (_JOBS, job(completionMode="Indexed", completions=3, successPolicy={"rules": [{"succeededIndexes": "0-5"}, {}]}),
     ['spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: '
      '"5"',
      "spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified"]),
    (_CRON, {"metadata": NAME, "spec": {"schedule": "* * * * *", "timeZone": "", "jobTemplate": {"spec": job()["spec"]}}},
     ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']),
    # ------------------------------------------------------------------ slices and events
    (_SLICES, slice_of("IPv4", "2001:db8::1", "300.1.1.1", "127.0.0.1", "010.0.0.1"),
     ['endpoints[0].addresses: Invalid value: "2001:db8::1": must be an IPv4 address',
      'endpoints[0].addresses[1]: Invalid value: "300.1.1.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'endpoints[0].addresses[2]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'endpoints[0].addresses[3]: Invalid value: "010.0.0.1": must not have leading 0s']),
    (_SLICES, slice_of("FQDN", "a"), ['endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two '
                                      "segments separated by dots"]),
    (_SLICES, slice_of("FQDN", "a.b", hostname="A_"), [f'endpoints[0].hostname: Invalid value: "A_": {_LABEL}']),
    (_EVENTS, {"metadata": NAME, "type": "x", "regarding": {"namespace": "default"}, "deprecatedCount": 1},
     ["eventTime: Required value", 'type: Invalid value: "": has invalid value: x',
      'count: Invalid value: "": needs to be unset']),
    (_EVENTS, {"metadata": NAME, **_TIMED, "series": {"count": 1}}, ['series.count: Invalid value: "": should be at least 2',
                                                                     "series.lastObservedTime: Required value"]),
    # ------------------------------------------------------------------ flows
    (f"{_FLOWS}/flowschemas", {"metadata": NAME, "spec": {"matchingPrecedence": 1, "rules": [{"subjects": []}]}},
     ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
      "spec.rules[0].subjects: Required value: subjects must contain at least one value",
      "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty"]),
    (f"{_FLOWS}/prioritylevelconfigurations",
     {"metadata": NAME, "spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue"}}}},
     ["spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited"]),
    # ------------------------------------------------------------------ classes and drivers
    (f"{_STORAGE}/csidrivers", {"metadata": NAME, "spec": {"fsGroupPolicy": "x"}},
     ['spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"']),
    (f"{_STORAGE}/storageclasses", {"metadata": NAME, "provisioner": "a", "allowedTopologies": [{"matchLabelExpressions": [
        {"key": "a", "values": ["b", "b"]}, {"key": "a", "values": []}]}]},
     ['allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "b"',
      "allowedTopologies[0].matchLabelExpressions[1].values: Required value",
      'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "a"']),
    ("/apis/node.k8s.io/v1/runtimeclasses", {"metadata": NAME, "handler": "a", "overhead": {"podFixed": {"cpu": "-1"}}},
     ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
    ("/apis/coordination.k8s.io/v1/namespaces/default/leases", {"metadata": NAME, "spec": {"preferredHolder": "a"}},
     ["spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined"]),
    # ------------------------------------------------------------------ pods
    (PODS, pod(containers=[]), ["spec.containers: Required value"]),
    (PODS, pod(containers=[{"name": "A_", "image": ""}]),
     [f'spec.containers[0].name: Invalid value: "A_": {_LABEL}', "spec.containers[0].image: Required value"]),
    (PODS, pod(containers=[{"name": "c", "image": "i"}, {"name": "c", "image": "j"}]),
     ['spec.containers[1].name: Duplicate value: "c"']),
    (PODS, container(image=" i"), ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing '
                                   "whitespace"]),
    (PODS, container(imagePullPolicy="Sometimes"), ['spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": '
                                                    'supported values: "Always", "IfNotPresent", "Never"']),
    (PODS, container(terminationMessagePolicy="x"), ['spec.containers[0].terminationMessagePolicy: Unsupported value: "x": '
                                                     'supported values: "File", "FallbackToLogsOnError"']),
    (PODS, pod(restartPolicy="Sometimes"), ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", '
                                            '"OnFailure", "Never"']),
    (PODS, pod(dnsPolicy="x"), ['spec.dnsPolicy: Unsupported value: "x": supported values: "ClusterFirstWithHostNet", '
                                '"ClusterFirst", "Default", "None"']),
    (PODS, pod(dnsPolicy="None"), ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
    (PODS, container(ports=[{"containerPort": 0}, {"containerPort": 70000, "protocol": "x"}]),
     ["spec.containers[0].ports[0].containerPort: Required value",
      "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      'spec.containers[0].ports[1].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"']),
    (PODS, {"metadata": NAME, "spec": {"hostNetwork": True, "containers": [
        {"name": "c", "image": "i", "ports": [{"containerPort": 80, "hostPort": 81}]}]}},
     ["spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true"]),
    (PODS, container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
     ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']),
    (PODS, container(resources={"requests": {"cpu": "-1"}}),
     ['spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
    (PODS, container(livenessProbe={"successThreshold": 2, "httpGet": {"port": 0, "scheme": "FTP"}}),
     ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
      "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive",
      'spec.containers[0].livenessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"']),
    (PODS, container(readinessProbe={}), ["spec.containers[0].readinessProbe: Required value: must specify a handler type"]),
    (PODS, container(lifecycle={"preStop": {"sleep": {"seconds": 60}}}),
     ["spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than "
      "terminationGracePeriodSeconds (30)"]),
    (PODS, pod(initContainers=[{"name": "c", "image": "i", "livenessProbe": {"exec": {"command": ["a"]}}}]),
     ['spec.initContainers[0].name: Duplicate value: "c"', "spec.initContainers[0].livenessProbe: Forbidden: may not be set "
      "for init containers without restartPolicy=Always"]),
    (PODS, container(env=[{"name": "A", "valueFrom": {}}]),
     [f'{_ENV}: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or '
      "`fileKeyRef`"]),
    (PODS, container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.foo"}}}]),
     [f'{_ENV}.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: '
      "spec.foo"]),
    (PODS, container(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "5"}}}]),
     [f"{_ENV}.resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only divisor's values 1m and 1 are supported with the "
      "cpu resource"]),
    (PODS, container(envFrom=[{}]), ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or '
                                     "`secretRef`"]),
    (PODS, container(volumeMounts=[{"name": "v", "mountPath": "/a"}]), [f'{_MOUNTS}[0].name: Not found: "v"']),
    (PODS, pod(volumes=[{"name": "v"}, {"name": "v"}]), ['spec.volumes[1].name: Duplicate value: "v"']),
    (PODS, pod(volumes=[{"name": "v", "hostPath": {"path": "/a"}, "emptyDir": {}}]),
     [f"{_VOLUME}.hostPath: Forbidden: may not specify more than 1 volume type"]),
    (PODS, {"metadata": NAME, "spec": {"volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"name": "c", "image": "i",
     "volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "/x/.."}, {"name": "v", "mountPath": "/a"}]}]}},
     [f'{_MOUNTS}.subPath: Invalid value: "/x/..": must be a relative path',
      f"{_MOUNTS}.subPath: Invalid value: \"/x/..\": must not contain '..'",
      f'{_MOUNTS}[1].mountPath: Invalid value: "/a": must be unique']),
    (PODS, pod(tolerations=[{"operator": "Equal"}]),
     ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match '
      'all values and all keys"']),
    (PODS, pod(tolerations=[{"key": "a", "operator": "Exists", "value": "b", "effect": "x", "tolerationSeconds": 1}]),
     ["spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
      "spec.tolerations[0].effect: Invalid value: \"x\": effect must be 'NoExecute' when `tolerationSeconds` is set",
      'spec.tolerations[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", '
      '"NoExecute"']),
    (PODS, pod(nodeName="n", schedulingGates=[{"name": "g"}]),
     ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"]),
    (PODS, pod(activeDeadlineSeconds=0),
     ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]),
    (PODS, pod(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "", "whenUnsatisfiable": "x"}]),
     ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
      "spec.topologySpreadConstraints[0].topologyKey: Required value: can not be empty",
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "x": supported values: "DoNotSchedule", '
      '"ScheduleAnyway"']),
    (PODS, {"metadata": {"name": "x", "annotations": {"controller.kubernetes.io/pod-deletion-cost": "a"}},
            "spec": pod()["spec"]},
     ['metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "a": must be a 32bit integer']),
    # ------------------------------------------------------------------ workloads
    (f"{APPS}/deployments", workload(selector=None),
     ["spec.selector: Required value", 'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match '
      "template `labels`"]),
    (f"{APPS}/deployments", workload(selector={}),
     ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
    (f"{APPS}/replicasets", workload(selector={}),
     ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
    (f"{APPS}/daemonsets", workload(selector=None),
     ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
    (f"{APPS}/deployments", workload(selector={"matchLabels": {"app": "b"}}, replicas=-1),
     ["spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']),
    (f"{APPS}/deployments", workload(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
     [f'{_STRATEGY}.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0']),
    (f"{APPS}/deployments", workload(strategy={"rollingUpdate": {"maxUnavailable": "150%"}}),
     [f'{_STRATEGY}.maxUnavailable: Invalid value: "150%": must not be greater than 100%']),
    (f"{APPS}/deployments", workload(strategy={"type": "Recreate", "rollingUpdate": {}}),
     ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]),
    (f"{APPS}/deployments", workload(minReadySeconds=600),
     ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"]),
    (f"{APPS}/statefulsets", workload(updateStrategy={"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
     ['spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for '
      "updateStrategy 'RollingUpdate'"]),
    (f"{APPS}/statefulsets", workload(persistentVolumeClaimRetentionPolicy={"whenDeleted": "x"}),
     ['spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "x": supported values: "Retain", "Delete"']),
    # ------------------------------------------------------------------ services and networking
    (SERVICES, service(ports=[]), ["spec.ports: Required value"]),
    (SERVICES, service(ports=[{"port": 80}, {"port": 80, "name": "b", "nodePort": 30001}]),
     ["spec.ports[0].name: Required value", "spec.ports[1].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,'
      '"NodePort":0}']),
    (SERVICES, service(type="ExternalName", clusterIP="10.96.0.9"),
     ["spec.clusterIPs: Forbidden: may not be set for ExternalName services", "spec.externalName: Required value"]),
    (SERVICES, service(externalTrafficPolicy="Local"),
     ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']),
    (SERVICES, service(externalIPs=["127.0.0.1"]), ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the '
                                                    "loopback range (127.0.0.0/8, ::1/128)"]),
    (SERVICES, service(type="NodePort", clusterIP="None"),
     ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]),
    (SERVICES, service(loadBalancerClass="a.b/c"),
     ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"]),
    (SERVICES, service(loadBalancerSourceRanges=["1.2.3.0/24"]),
     ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"]),
    (SERVICES, service(ipFamilyPolicy="x"), ['spec.ipFamilyPolicy: Unsupported value: "x": supported values: '
                                             '"PreferDualStack", "RequireDualStack", "SingleStack"']),
    (f"{NETWORK}/ingresses", ingress({"service": {"name": "s"}}),
     [f"{_BACKEND}: Required value: port name or number is required"]),
    (f"{NETWORK}/ingresses", ingress({"service": {"name": "s", "port": {"name": "a", "number": 1}}}),
     [f'{_BACKEND}: Invalid value: "": cannot set both port name & port number']),
    (f"{NETWORK}/ingresses", ingress({}, pathType=None),
     ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"]),
    (f"{NETWORK}/ingresses", ingress({}), [f'{_BACKEND}: Invalid value: "": resource or service backend is required']),
    (f"{NETWORK}/networkpolicies", {"metadata": NAME, "spec": {"podSelector": {}, "ingress": [{"from": [
        {"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.0/24"]}}], "ports": [{"port": 80, "endPort": 79}]}]}},
     ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/24": must be a strict subset of `cidr`',
      "spec.ingress[0].ports[0].endPort: Invalid value: 79: must be greater than or equal to `port`"]),
    # ------------------------------------------------------------------ nodes, limits, storage
    ("/api/v1/nodes", {"metadata": NAME, "spec": {"taints": [{"key": "a", "effect": "x"}]}},
     ['metadata.taints[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"']),
    ("/api/v1/nodes", {"metadata": NAME, "spec": {"taints": [{"key": "a", "effect": "NoExecute"}] * 2}},
     ['metadata.taints[1]: Duplicate value: {"Key":"a","Value":"","Effect":"NoExecute","TimeAdded":null}: taints must be '
      "unique by key and effect pair"]),
    (_QUOTA, {"metadata": NAME, "spec": {"hard": {"foo": "1", "pods": "0.5"}}},
     ['spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
      'spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "500m": must be an integer']),
    (_QUOTA, {"metadata": NAME, "spec": {"hard": {"cpu": "1"}, "scopes": ["BestEffort", "NotBestEffort"]}},
     ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes']),
    (_LIMITS, {"metadata": NAME, "spec": {"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}},
     ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1']),
    (_LIMITS, {"metadata": NAME, "spec": {"limits": [{"type": "Pod", "default": {"cpu": "2"}}]}},
     ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]),
    (CLAIMS, {"metadata": NAME, "spec": {"accessModes": ["Any"], "resources": {"requests": {"storage": "0"}}}},
     ['spec.accessModes: Unsupported value: "Any": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", '
      '"ReadWriteOncePod"', 'spec.resources[storage]: Invalid value: "0": must be greater than zero']),
    ("/api/v1/persistentvolumes", {"metadata": NAME, "spec": {}},
     ["spec.accessModes: Required value", "spec.capacity: Required value",
      'spec.capacity: Unsupported value: null: supported values: "storage"', "spec: Required value: must specify a volume "
      "type"]),
    ("/api/v1/namespaces/default/configmaps", {"metadata": NAME, "data": {"a": "x" * (1024 * 1024 + 1)}},
     ["[]: Too long: may not be more than 1048576 bytes"]),
    ("/api/v1/namespaces/default/secrets", {"metadata": NAME, "type": "kubernetes.io/dockerconfigjson",
     "stringData": {".dockerconfigjson": "x"}}, ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": '
                                                 "invalid character 'x' looking for beginning of value"]),
    ("/apis/policy/v1/namespaces/default/poddisruptionbudgets", {"metadata": NAME, "spec": {"minAvailable": 1,
     "maxUnavailable": 1}}, ['spec: Invalid value: {"MinAvailable":1,"Selector":null,"MaxUnavailable":1,'
                             '"UnhealthyPodEvictionPolicy":null}: minAvailable and maxUnavailable cannot be both set']),
]  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Cluster:
    return Cluster()


@pytest.mark.parametrize(("path", "body", "texts"), ROWS, ids=[f"{row[0].split('/')[-1]}: {row[2][0][:50]}" for row in ROWS])
def test_all_causes_are_told(shared: Cluster, path: str, body: Tree, texts: list[str]) -> None:
    code, answer = shared.ask("POST", path, body)
    assert code == 422, answer
    told = [f"{cause['field']}: {cause['message']}" for cause in answer["details"]["causes"]]
    assert sorted(told) == sorted(texts)


UPDATES: list[tuple[str, Tree, Tree, list[str]]] = [
    (_JOBS, job(), {"spec": {"completions": 4}}, ["spec.completions: Invalid value: 4: field is immutable"]),
    (_JOBS, job(completionMode="Indexed", completions=2), {"spec": {"completions": 4}},
     ["spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"]),
    (PODS, pod(activeDeadlineSeconds=10), {"spec": {"activeDeadlineSeconds": 20}},
     ["spec.activeDeadlineSeconds: Invalid value: 20: must be less than or equal to previous value"]),
    (PODS, pod(tolerations=[{"key": "a", "operator": "Exists"}]), {"spec": {"tolerations": []}},
     ["spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"]),
    (PODS, pod(schedulingGates=[{"name": "g"}], nodeSelector={"a": "b"}), {"spec": {"nodeSelector": {"a": "c"}}},
     ['spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or '
      "deletions)"]),
    (PODS, pod(schedulingGates=[{"name": "g"}]), {"spec": {"schedulingGates": [{"name": "h"}]}},
     ["spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'h'"]),
    (f"{APPS}/deployments", workload(), {"spec": {"replicas": -1}},
     ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "change", "texts"), UPDATES, ids=[row[3][0][:50] for row in UPDATES])
def test_all_causes_against_a_change_are_told(cluster: Cluster, path: str, body: Tree, change: Tree, texts: list[str]) -> None:
    assert cluster.ask("POST", path, body)[0] == 201
    code, answer = cluster.merge(f"{path}/x", change)
    assert code == 422, answer
    told = [f"{cause['field']}: {cause['message']}" for cause in answer["details"]["causes"]]
    assert sorted(told) == sorted(texts)


def test_a_job_ends_as_jobs_end(cluster: Cluster) -> None:
    assert cluster.ask("POST", _JOBS, job())[0] == 201
    done = {"conditions": [{"type": "Complete", "status": "True"}], "active": 1}
    code, answer = cluster.ask("PUT", f"{_JOBS}/x/status", {"metadata": NAME, "status": done})
    assert code == 422
    assert sorted(f"{cause['field']}: {cause['message']}" for cause in answer["details"]["causes"]) == [
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
        "status.completionTime: Required value: completionTime is required for Complete jobs",
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        "status.startTime: Required value: startTime is required for finished job",
    ]


def test_a_suspended_job_may_change_where_its_pods_go_and_what_they_need(cluster: Cluster) -> None:
    assert cluster.ask("POST", _JOBS, job(suspend=True))[0] == 201
    needs = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]
    change = {"nodeSelector": {"a": "b"}, "containers": needs}
    assert cluster.merge(f"{_JOBS}/x", {"spec": {"template": {"spec": change}}})[0] == 200
    code, answer = cluster.merge(f"{_JOBS}/x", {"spec": {"template": {"spec": {"hostname": "z"}}}})
    assert (code, answer["details"]["causes"][0]["field"]) == (422, "spec.template.spec")


def test_an_object_that_is_not_there_has_no_uid(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/default/configmaps/x"
    code, answer = cluster.ask("PUT", path, {"metadata": {"name": "x", "uid": "a"}})
    assert code == 409
    assert answer["message"].endswith("Precondition failed: UID in precondition: a, UID in object meta: ")


def test_a_list_is_no_object(cluster: Cluster) -> None:
    as_one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    code, answer = cluster.ask("GET", "/apis/apps/v1/namespaces/default/deployments", accept=as_one)
    text = "you requested PartialObjectMetadata, but the requested object is a list (*apps.DeploymentList)"
    assert (code, answer["reason"], answer["message"]) == (406, "NotAcceptable", text)


def test_a_question_has_no_name(cluster: Cluster) -> None:
    asked = {"metadata": {"name": "x"}, "spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    code, answer = cluster.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", asked)
    assert (code, answer["details"]["causes"][0]["message"]) == (422, 'Invalid value: {"name":"x"}: must be empty')
