"""Who set which field: ``metadata.managedFields``, and server-side apply, which is built on it.

`fieldset` knows paths and their written form, `shapes` how a type's fields behave, `trees` compares, merges and prunes,
`managers` keeps the entries. Source: sigs.k8s.io/structured-merge-diff, apimachinery util/managedfields.
"""
