"""Operators as rules: for each object of a kind, which children there shall be, and what its status says."""

from k8s_tutor.controllers.operators.process import Operator
from k8s_tutor.controllers.operators.rules import ChildRule, OperatorConfig, Rules, plural_of

__all__ = ["ChildRule", "Operator", "OperatorConfig", "Rules", "plural_of"]
