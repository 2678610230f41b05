"""An ingress controller like ingress-nginx: `routes` decides, `controller` watches, `forwarding` passes requests on."""
