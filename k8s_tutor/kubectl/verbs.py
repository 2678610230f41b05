"""Every command of kubectl that this console has: how its flags read, and what runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.kubectl import (
    apply,
    auth,
    autoscale,
    config,
    create,
    create_more,
    debug,
    delete,
    describe,
    diff,
    edit,
    elsewhere,
    events,
    explain,
    expose,
    get,
    labels,
    logs,
    nodes,
    patch,
    pods,
    reconcile,
    replace,
    rollout,
    run_pod,
    scale,
    serving,
    set_,
    taint,
    top,
    wait,
)
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session


class Verb(NamedTuple):
    """How a command is read and run."""

    flags: str
    run: Callable[[Session, Words], Asking[int]]


VERBS: dict[str, Verb] = {
    "annotate": Verb(labels.FLAGS, labels.run),
    "api-resources": Verb(serving.API_RESOURCES_FLAGS, serving.api_resources),
    "api-versions": Verb(serving.API_VERSIONS_FLAGS, serving.api_versions),
    "apply": Verb(apply.FLAGS, apply.run),
    "apply edit-last-applied": Verb(edit.LAST_FLAGS, edit.last_applied),
    "apply view-last-applied": Verb(apply.VIEW_FLAGS, apply.view_last_applied),
    "attach": Verb(pods.ATTACH_FLAGS, pods.attach),
    "auth can-i": Verb(auth.CAN_I_FLAGS, auth.can_i),
    "auth reconcile": Verb(reconcile.FLAGS, reconcile.run),
    "auth whoami": Verb(auth.WHOAMI_FLAGS, auth.whoami),
    "autoscale": Verb(autoscale.FLAGS, autoscale.run),
    "certificate approve": Verb(auth.CERTIFICATE_FLAGS, auth.certificate),
    "certificate deny": Verb(auth.CERTIFICATE_FLAGS, auth.certificate),
    "cluster-info": Verb("", serving.cluster_info),
    "config current-context": Verb("", config.current_context),
    "config delete-context": Verb("", config.delete_context),
    "config get-clusters": Verb("", config.get_clusters),
    "config get-contexts": Verb(config.GET_FLAGS, config.get_contexts),
    "config get-users": Verb("", config.get_users),
    "config rename-context": Verb("", config.rename_context),
    "config set-context": Verb(config.SET_FLAGS, config.set_context),
    "config set-credentials": Verb("", config.set_credentials),
    "config use-context": Verb("", config.use_context),
    "config view": Verb(config.VIEW_FLAGS, config.view),
    "cordon": Verb(nodes.CORDON_FLAGS, nodes.cordon),
    "cp": Verb(elsewhere.CP_FLAGS, elsewhere.cp),
    "create": Verb(create.FLAGS, create.run),
    **{f"create {name}": Verb(flags, run) for name, (flags, run) in {**create.KINDS, **create_more.KINDS}.items()},
    "debug": Verb(debug.FLAGS, debug.run),
    "delete": Verb(delete.FLAGS, delete.run),
    "describe": Verb(describe.FLAGS, describe.run),
    "diff": Verb(diff.FLAGS, diff.run),
    "drain": Verb(nodes.DRAIN_FLAGS, nodes.drain),
    "edit": Verb(edit.FLAGS, edit.run),
    "events": Verb(events.FLAGS, events.run),
    "exec": Verb(pods.EXEC_FLAGS, pods.exec_),
    "explain": Verb(explain.FLAGS, explain.run),
    "expose": Verb(expose.FLAGS, expose.run),
    "get": Verb(get.FLAGS, get.run),
    "label": Verb(labels.FLAGS, labels.run),
    "logs": Verb(logs.FLAGS, logs.run),
    "patch": Verb(patch.FLAGS, patch.run),
    "port-forward": Verb(elsewhere.FORWARD_FLAGS, elsewhere.port_forward),
    "replace": Verb(replace.FLAGS, replace.run),
    "rollout history": Verb(rollout.HISTORY_FLAGS, rollout.history),
    "rollout pause": Verb(rollout.CHANGE_FLAGS, rollout.pause),
    "rollout restart": Verb(rollout.CHANGE_FLAGS, rollout.restart),
    "rollout resume": Verb(rollout.CHANGE_FLAGS, rollout.resume),
    "rollout status": Verb(rollout.STATUS_FLAGS, rollout.status),
    "rollout undo": Verb(rollout.UNDO_FLAGS, rollout.undo),
    "run": Verb(run_pod.FLAGS, run_pod.run),
    "scale": Verb(scale.FLAGS, scale.run),
    "set env": Verb(set_.ENV_FLAGS, set_.env),
    "set image": Verb(set_.FLAGS, set_.image),
    "set resources": Verb(set_.RESOURCES_FLAGS, set_.resources),
    "set selector": Verb(set_.SELECTOR_FLAGS, set_.selector),
    "set serviceaccount": Verb(set_.FLAGS, set_.service_account),
    "set subject": Verb(set_.SUBJECT_FLAGS, set_.subject),
    "taint": Verb(taint.FLAGS, taint.run),
    "top node": Verb(top.NODE_FLAGS, top.top_node),
    "top pod": Verb(top.POD_FLAGS, top.top_pod),
    "uncordon": Verb(nodes.CORDON_FLAGS, nodes.cordon),
    "version": Verb(serving.VERSION_FLAGS, serving.version),
    "wait": Verb(wait.FLAGS, wait.run),
}

GROUPS: dict[str, str] = {
    "auth": "Inspect authorization",
    "certificate": "Modify certificate resources",
    "config": "Modify kubeconfig files using subcommands like \"kubectl config set current-context my-context\"",
    "create secret": "Create a secret using a specified subcommand",
    "create service": "Create a service using a specified subcommand",
    "rollout": "Manage the rollout of one or many resources",
    "set": "Configure application resources",
    "top": "Display resource (CPU/memory) usage",
}
"""Commands that only have commands of their own, and what they are for."""

ALIASES = {
    "create cm": "create configmap", "create cj": "create cronjob", "create deploy": "create deployment",
    "create ing": "create ingress", "create ns": "create namespace", "create pdb": "create poddisruptionbudget",
    "create pc": "create priorityclass", "create resourcequota": "create quota", "create sa": "create serviceaccount",
    "create svc": "create service", "top no": "top node", "top nodes": "top node", "top po": "top pod", "top pods": "top pod",
    "set sa": "set serviceaccount", "config use": "config use-context", "config set current-context": "config use-context",
}  # fmt: skip
