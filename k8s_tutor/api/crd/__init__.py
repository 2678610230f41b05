"""Custom resources: what a CustomResourceDefinition makes of the server.

`rows` names them, `structural` prunes and defaults, `check` validates, `rules` are their CEL rules, `columns` their tables,
`publish` their OpenAPI, `definition` checks the definitions themselves. Source: apiextensions-apiserver.
"""
