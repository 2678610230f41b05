"""k8s-tutor: learn Kubernetes and Raft by watching a real cluster think."""

__version__ = "0.1.0"
