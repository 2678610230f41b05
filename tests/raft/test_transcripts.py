"""The transcripts beside this file: what Raft does, section by section and feature by feature, as a learner reads it.

Each `*.txt` holds commands and what they print; README.md says how to read and write one. After a change that is meant,
or for a new transcript, write the commands and let the outputs be filled in, then read what has changed::

    pytest tests/raft/test_transcripts.py --regenerate
"""

from __future__ import annotations

from pathlib import Path

import pytest
from transcript import play, read

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text(encoding="utf-8")
    played = play(text)
    if request.config.getoption("--regenerate", default=False):
        path.write_text(played, encoding="utf-8")
        return
    assert played.splitlines() == text.splitlines()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_says_what_it_shows(path: Path) -> None:
    first = next(read(path.read_text(encoding="utf-8")))
    assert len(" ".join(first.comment)) > 100, "begin with a few sentences on what is shown"
