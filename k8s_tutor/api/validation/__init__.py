"""Validation: every cause with its field path and Kubernetes' text. `check` is the door."""
