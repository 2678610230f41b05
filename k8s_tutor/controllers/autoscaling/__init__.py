"""The horizontal autoscaler (pkg/controller/podautoscaler). Every 15 s it reads the target's scale and its metrics from the API
server; what follows from them is decided purely:

`sources` what is asked, and what an answer says · `replicas` how many pods a metric wants · `pace` how fast that may happen ·
`reconcile` one look · `controller` the loop around it.
"""

from k8s_tutor.controllers.autoscaling.controller import AutoscalerController

__all__ = ["AutoscalerController"]
