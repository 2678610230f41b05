"""Help texts: all commands by group, and one page for each."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.kubectl.line import declared


class Page(NamedTuple):
    """One command in the overview: what it does and how it is written."""

    group: str
    short: str
    usage: str


BASIC, MIDDLE, DEPLOY = "Basic Commands (Beginner)", "Basic Commands (Intermediate)", "Deploy Commands"
CLUSTER, TROUBLE = "Cluster Management Commands", "Troubleshooting and Debugging Commands"
ADVANCED, SETTINGS, OTHER = "Advanced Commands", "Settings Commands", "Other Commands"

PAGES: dict[str, Page] = {
    "create": Page(BASIC, "Create a resource from a file or from stdin",
                   "create -f FILENAME"),
    "expose": Page(BASIC, "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
                   "expose TYPE NAME [--port=port] [--target-port=number-or-name] [--name=name] [--type=type]"),
    "run": Page(BASIC, "Run a particular image on the cluster",
                'run NAME --image=image [--env="key=value"] [--port=port] [--command] -- [COMMAND] [args...]'),
    "explain": Page(MIDDLE, "Get documentation for a resource", "explain TYPE[.FIELD...] [--recursive]"),
    "get": Page(MIDDLE, "Display one or many resources",
                "get [(-o|--output=)json|yaml|name|jsonpath|custom-columns|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | "
                "TYPE[.VERSION][.GROUP]/NAME ...)"),
    "delete": Page(MIDDLE, "Delete resources by file names, stdin, resources and names, or by resources and label selector",
                   "delete ([-f FILENAME] | TYPE [(NAME | -l label | --all)])"),
    "scale": Page(DEPLOY, "Set a new size for a deployment, replica set, or replication controller",
                  "scale [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)"),
    "cluster-info": Page(CLUSTER, "Display cluster information", "cluster-info"),
    "cordon": Page(CLUSTER, "Mark node as unschedulable", "cordon NODE"),
    "uncordon": Page(CLUSTER, "Mark node as schedulable", "uncordon NODE"),
    "drain": Page(CLUSTER, "Drain node in preparation for maintenance", "drain NODE"),
    "taint": Page(CLUSTER, "Update the taints on one or more nodes",
                  "taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N"),
    "describe": Page(TROUBLE, "Show details of a specific resource or group of resources",
                     "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)"),
    "logs": Page(TROUBLE, "Print the logs for a container in a pod", "logs [-p] (POD | TYPE/NAME) [-c CONTAINER]"),
    "events": Page(TROUBLE, "List events", "events [--for TYPE/NAME] [--types=Normal,Warning]"),
    "apply": Page(ADVANCED, "Apply a configuration to a resource by file name or stdin", "apply -f FILENAME"),
    "patch": Page(ADVANCED, "Update fields of a resource", "patch TYPE NAME [-p PATCH] [--type strategic|merge|json]"),
    "wait": Page(ADVANCED, "Experimental: Wait for a specific condition on one or many resources",
                 "wait (-f FILENAME | TYPE NAME) [--for=create|--for=delete|--for condition=TYPE|--for=jsonpath='{}'[=value]]"),
    "label": Page(SETTINGS, "Update the labels on a resource",
                  "label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"),
    "annotate": Page(SETTINGS, "Update the annotations on a resource",
                     "annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"),
    "api-resources": Page(OTHER, "Print the supported API resources on the server", "api-resources"),
    "api-versions": Page(OTHER, 'Print the supported API versions on the server, in the form of "group/version"',
                         "api-versions"),
    "attach": Page(TROUBLE, "Attach to a running container", "attach (POD | TYPE/NAME) -c CONTAINER"),
    "auth can-i": Page(TROUBLE, "Check whether an action is allowed", "auth can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]"),
    "auth reconcile": Page(
        TROUBLE, "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
        "auth reconcile -f FILENAME"),
    "auth whoami": Page(TROUBLE, "Check self subject attributes", "auth whoami"),
    "autoscale": Page(DEPLOY, "Auto-scale a deployment, replica set, stateful set, or replication controller",
                      "autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU]"),
    "certificate approve": Page(CLUSTER, "Approve a certificate signing request", "certificate approve NAME"),
    "certificate deny": Page(CLUSTER, "Deny a certificate signing request", "certificate deny NAME"),
    "config current-context": Page(SETTINGS, "Display the current-context", "config current-context"),
    "config delete-context": Page(SETTINGS, "Delete the specified context from the kubeconfig", "config delete-context NAME"),
    "config get-clusters": Page(SETTINGS, "Display clusters defined in the kubeconfig", "config get-clusters"),
    "config get-contexts": Page(SETTINGS, "Describe one or many contexts", "config get-contexts [(-o|--output=)name)]"),
    "config get-users": Page(SETTINGS, "Display users defined in the kubeconfig", "config get-users"),
    "config rename-context": Page(SETTINGS, "Rename a context from the kubeconfig file", "config rename-context OLD NEW"),
    "config set-context": Page(SETTINGS, "Set a context entry in kubeconfig",
                               "config set-context [NAME | --current] [--user=user] [--namespace=namespace]"),
    "config set-credentials": Page(SETTINGS, "Set a user entry in kubeconfig",
                                   "config set-credentials NAME [--token=bearer_token]"),
    "config use-context": Page(SETTINGS, "Set the current-context in a kubeconfig file", "config use-context CONTEXT_NAME"),
    "config view": Page(SETTINGS, "Display merged kubeconfig settings", "config view [flags]"),
    "cp": Page(TROUBLE, "Copy files and directories to and from containers", "cp <file-spec-src> <file-spec-dest>"),
    "debug": Page(TROUBLE, "Create debugging sessions for troubleshooting workloads and nodes",
                  "debug (POD | TYPE/NAME) [ -- COMMAND [args...] ]"),
    "diff": Page(ADVANCED, "Diff the live version against a would-be applied version", "diff -f FILENAME"),
    "edit": Page(MIDDLE, "Edit a resource on the server", "edit (RESOURCE/NAME | -f FILENAME)"),
    "exec": Page(TROUBLE, "Execute a command in a container", "exec (POD | TYPE/NAME) [-c CONTAINER] -- COMMAND [args...]"),
    "port-forward": Page(TROUBLE, "Forward one or more local ports to a pod",
                         "port-forward TYPE/NAME [LOCAL_PORT:]REMOTE_PORT"),
    "replace": Page(ADVANCED, "Replace a resource by file name or stdin", "replace -f FILENAME"),
    "top node": Page(CLUSTER, "Display resource (CPU/memory) usage of nodes", "top node [NAME | -l label]"),
    "top pod": Page(CLUSTER, "Display resource (CPU/memory) usage of pods", "top pod [NAME | -l label]"),
    "version": Page(OTHER, "Print the client and server version information", "version"),
}  # fmt: skip

SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "apply edit-last-applied": (
        "Edit latest last-applied-configuration annotations of a resource/object",
        "(RESOURCE/NAME | -f FILENAME)"),
    "apply view-last-applied": (
        "View the latest last-applied-configuration annotations of a resource/object",
        "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)"),
    "create clusterrole": (
        "Create a cluster role",
        "NAME --verb=verb --resource=resource.group [--resource-name=resourcename]"),
    "create clusterrolebinding": (
        "Create a cluster role binding for a particular cluster role",
        "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]"),
    "create configmap": (
        "Create a config map from a local file, directory or literal value",
        "NAME [--from-file=[key=]source] [--from-literal=key1=value1]"),
    "create cronjob": (
        "Create a cron job with the specified name",
        "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]"),
    "create deployment": ("Create a deployment with the specified name", "NAME --image=image -- [COMMAND] [args...]"),
    "create ingress": ("Create an ingress with the specified name", "NAME --rule=host/path=service:port[,tls[=secret]]"),
    "create job": ("Create a job with the specified name", "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]"),
    "create namespace": ("Create a namespace with the specified name", "NAME"),
    "create poddisruptionbudget": (
        "Create a pod disruption budget with the specified name",
        "NAME --selector=SELECTOR --min-available=N"),
    "create priorityclass": ("Create a priority class with the specified name", "NAME --value=VALUE --global-default=BOOL"),
    "create quota": (
        "Create a quota with the specified name",
        "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2]"),
    "create role": ("Create a role with single rule", "NAME --verb=verb --resource=resource.group/subresource"),
    "create rolebinding": (
        "Create a role binding for a particular role or cluster role",
        "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:name]"),
    "create secret docker-registry": (
        "Create a secret for use with a Docker registry",
        "NAME --docker-username=user --docker-password=password [--docker-server=string]"),
    "create secret generic": (
        "Create a secret from a local file, directory, or literal value",
        "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]"),
    "create secret tls": ("Create a TLS secret", "NAME --cert=path/to/cert/file --key=path/to/key/file"),
    "create service clusterip": ("Create a ClusterIP service", "NAME [--tcp=<port>:<targetPort>]"),
    "create service externalname": ("Create an ExternalName service", "NAME --external-name external.name"),
    "create service loadbalancer": ("Create a LoadBalancer service", "NAME [--tcp=port:targetPort]"),
    "create service nodeport": ("Create a NodePort service", "NAME [--tcp=port:targetPort]"),
    "create serviceaccount": ("Create a service account with the specified name", "NAME"),
    "create token": ("Request a service account token", "SERVICE_ACCOUNT_NAME"),
    "rollout history": ("View rollout history", "(TYPE NAME | TYPE/NAME)"),
    "rollout pause": ("Mark the provided resource as paused", "RESOURCE"),
    "rollout restart": ("Restart a resource", "RESOURCE"),
    "rollout resume": ("Resume a paused resource", "RESOURCE"),
    "rollout status": ("Show the status of the rollout", "(TYPE NAME | TYPE/NAME)"),
    "rollout undo": ("Undo a previous rollout", "(TYPE NAME | TYPE/NAME)"),
    "set env": ("Update environment variables on a pod template", "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N"),
    "set image": ("Update the image of a pod template", "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ..."),
    "set resources": (
        "Update resource requests/limits on objects with pod templates",
        "(-f FILENAME | TYPE NAME) [--limits=LIMITS & --requests=REQUESTS]"),
    "set selector": ("Set the selector on a resource", "(-f FILENAME | TYPE NAME) EXPRESSIONS"),
    "set serviceaccount": ("Update the service account of a resource", "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT"),
    "set subject": (
        "Update the user, group, or service account in a role binding or cluster role binding",
        "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname]"),
}  # fmt: skip
"""Commands below others: what each does, and its arguments."""

ELSEWHERE = {
    "alpha": "these commands correspond to alpha features that are not enabled in Kubernetes clusters by default",
    "cluster-info dump": "'kubectl cluster-info dump' is not available in this console",
    "completion": "this console completes by itself: press Tab",
    "kustomize": "'kubectl kustomize' is not available in this console: it reads plain manifests (-f)",
    "plugin": "unable to find any kubectl plugins in your PATH",
    "plugin list": "unable to find any kubectl plugins in your PATH",
    "proxy": "'kubectl proxy' is not available in this console: it has no ports of its own. 'k8s-tutor serve' gives a "
             "kubeconfig for the kubectl of your own machine",
}  # fmt: skip
"""Commands of the real kubectl that have no counterpart here, and what is said of them."""

NAMES = (
    "annotate", "api-resources", "api-versions", "apply", "attach", "auth", "autoscale", "certificate", "cluster-info",
    "completion", "config", "cordon", "cp", "create", "debug", "delete", "describe", "diff", "drain", "edit", "events", "exec",
    "explain", "expose", "get", "help", "kustomize", "label", "logs", "options", "patch", "plugin", "port-forward", "proxy",
    "replace", "rollout", "run", "scale", "set", "taint", "top", "uncordon", "version", "wait",
)  # fmt: skip
"""All commands of kubectl, for who mistypes one."""

FOR_ALL = {
    "as": "Username to impersonate for the operation.",
    "as-group": "Group to impersonate for the operation, this flag can be repeated to specify multiple groups.",
    "context": "The name of the kubeconfig context to use",
    "namespace": "If present, the namespace scope for this CLI request",
    "request-timeout": "The length of time to wait before giving up on a single server request.",
    "user": "The name of the kubeconfig user to use",
}
"""The global flags that have an effect here."""


def options() -> str:
    """``kubectl options``."""
    lines = ["The following options can be passed to any command:"]
    for flag in declared(""):
        if flag.name in FOR_ALL:
            short = f"-{flag.short}, " if flag.short else ""
            value = "[]" if flag.kind in ("list", "array") else "''"
            lines += ["", f"    {short}--{flag.name}={value}:", f"\t{FOR_ALL[flag.name]}"]
    return "\n".join(lines)


def _short(name: str) -> tuple[str, str]:
    """(what a command does, how it is written)."""
    if name in SUBCOMMANDS:
        return SUBCOMMANDS[name][0], f"{name} {SUBCOMMANDS[name][1]}"
    return PAGES[name].short, PAGES[name].usage


def overview() -> str:
    """``kubectl help``."""
    lines = ["kubectl controls the Kubernetes cluster manager.", "",
             " Find more information at: https://kubernetes.io/docs/reference/kubectl/"]  # fmt: skip
    for group in dict.fromkeys(page.group for page in PAGES.values()):
        found = {name.split()[0]: page.short for name, page in PAGES.items() if page.group == group and " " not in name}
        found |= {name: short for name, (where, short) in TOGETHER.items() if where == group}
        found = dict(sorted(found.items(), key=lambda one: ORDER.index(one[0]) if one[0] in ORDER else len(ORDER)))
        lines += ["", f"{group}:"]
        lines += [f"  {name:<15} {short}" for name, short in found.items()]
    lines += ["", "Usage:", "  kubectl [flags] [options]", "",
              'Use "kubectl <command> --help" for more information about a given command.',
              'Use "kubectl options" for a list of global command-line options (applies to all commands).']  # fmt: skip
    return "\n".join(lines)


ORDER = (
    "create", "expose", "run", "set", "explain", "get", "edit", "delete", "rollout", "scale", "autoscale", "certificate",
    "cluster-info", "top", "cordon", "uncordon", "drain", "taint", "describe", "logs", "attach", "exec", "port-forward",
    "proxy", "cp", "auth", "debug", "events", "diff", "apply", "patch", "replace", "wait", "label", "annotate",
)  # fmt: skip
"""In which the overview names the commands of a group; the rest follows by name."""

TOGETHER = {
    "set": (BASIC, "Set specific features on objects"), "rollout": (DEPLOY, "Manage the rollout of a resource"),
    "certificate": (CLUSTER, "Modify certificate resources"), "top": (CLUSTER, "Display resource (CPU/memory) usage"),
    "auth": (TROUBLE, "Inspect authorization"), "config": (SETTINGS, "Modify kubeconfig files"),
}  # fmt: skip
"""Commands that only have commands of their own: their groups, and what they are for."""


LONGER = {
    "rollout": " Valid resource types include:\n\n  *  deployments\n  *  daemonsets\n  *  statefulsets",
    "set": " These commands help you make changes to existing application resources.",
}


def group_page(name: str, purpose: str) -> str:
    """The page of a command that only has commands of its own."""
    known = [*PAGES, *SUBCOMMANDS]
    lines = [f"{purpose}.", "", *([LONGER[name], ""] if name in LONGER else [])]
    aliases = {"create service": "service, svc"}.get(name)
    lines += ["Aliases:", aliases, ""] if aliases else []
    below = sorted(one for one in known if one.startswith(name + " "))
    lines += ["Available Commands:"]
    width = max(len(one) - len(name) for one in below) + 1
    lines += [f"  {one.removeprefix(name + ' '):<{width}} {_short(one)[0]}" for one in below]
    usage = "SUBCOMMAND [options]" if name in ("rollout", "set", "config", "certificate") else "[flags] [options]"
    lines += ["", "Usage:", f"  kubectl {name} {usage}", "",
              f'Use "kubectl {name} <command> --help" for more information about a given command.',
              'Use "kubectl options" for a list of global command-line options (applies to all commands).']  # fmt: skip
    return "\n".join(lines)


def page(name: str, flags: str) -> str:
    """``kubectl VERB --help``."""
    short, usage = _short(name)
    lines = [f"{short}.", "", "Options:"]
    for flag in sorted(declared(flags, bare=True)):
        alone = f"-{flag.short}, " if flag.short else ""
        value = {"switch": "=false", "list": "=[]", "array": "=[]", "number": "=0", "duration": "=0s"}.get(flag.kind, "=''")
        lines.append(f"    {alone}--{flag.name}{value}")
    lines += ["", "Usage:", f"  kubectl {usage} [options]", "",
              'Use "kubectl options" for a list of global command-line options (applies to all commands).']  # fmt: skip
    return "\n".join(lines)


def nearest(word: str) -> list[str]:
    """Commands that look like a mistyped one (cobra: at most two letters away, or the same beginning)."""
    return [name for name in NAMES if distance(word.lower(), name) <= 2 or name.startswith(word.lower())]


def distance(left: str, right: str) -> int:
    """How many letters must be changed, added or taken away to make one word of another."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]
