"""Small parts that both screens share: placing a widget, and the sentence for a terminal that is too small."""

from __future__ import annotations

from k8s_tutor.ui.layout import NOWHERE, Box
from k8s_tutor.ui.markdown import wrap
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.widgets import RowsView


def place(widget: RowsView, box: Box) -> None:
    """Put a widget there; a box without area hides it."""
    if box.height <= 0 or box.width <= 0:
        widget.box = NOWHERE
        widget.display = False
        return
    widget.display = True
    if box == widget.box:
        return
    widget.box = box
    widget.forget()
    styles = widget.styles
    styles.position = "absolute"
    styles.width, styles.height, styles.offset = box.width, box.height, (box.x, box.y)


def polite_rows(sentence: str, width: int, height: int) -> tuple[Row, ...]:
    """The one sentence, in the middle as far as it fits."""
    rows = wrap(((sentence, "text"),), max(1, width))
    top = max(0, (height - len(rows)) // 2)
    return (*(() for _ in range(top)), *rows)[: max(1, height)]
