"""The JSON Schema of the lesson format, for editors; generated from the models and committed as ``lessons/schema.json``."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.cluster import ClusterSpec
from k8s_tutor.lessons.models import FORMAT_VERSION, Lesson

ID = f"https://k8s-tutor.dev/lesson-v{FORMAT_VERSION}.schema.json"


def schema() -> dict[str, Any]:
    """The schema as plain data; the lesson's ``cluster`` is the whole cluster spec."""
    made = Lesson.model_json_schema(by_alias=True)
    spec = ClusterSpec.model_json_schema(by_alias=True)
    made["$defs"].update({name: part for name, part in spec.pop("$defs", {}).items() if name not in made["$defs"]})
    made["$defs"]["ClusterSpec"] = spec
    made["properties"]["cluster"] = {"$ref": "#/$defs/ClusterSpec"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, **made}


def as_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
