"""The home screen paints before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("k8s_tutor.cluster", "k8s_tutor.sim", "k8s_tutor.lessons", "pydantic", "yaml", "msgspec", "lightkube")


def test_the_app_is_imported_without_engine_lessons_pydantic_and_yaml() -> None:
    code = (
        "import sys; import k8s_tutor.ui.app; app = k8s_tutor.ui.app.Tutor(); app.get_default_screen(); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
