"""One line of text under the hands: editing, history, completion. Pure; the console, commands and answers share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Complete = Callable[[str], Sequence[str]]
"""Text before the cursor → words that may stand in the place of its last word."""


class LineEdit:
    """A line, its cursor and its history. ``key`` says whether it has taken a key."""

    def __init__(self, complete: Complete | None = None) -> None:
        self.text = ""
        self.cursor = 0
        self.history: list[str] = []
        self.offers: tuple[str, ...] = ()
        """What Tab offers while there is more than one choice."""
        self._complete = complete
        self._place = 0
        self._draft = ""

    def set(self, text: str) -> None:
        """Put a text in, the cursor at its end."""
        self.text = text
        self.cursor = len(text)
        self.offers = ()

    def take(self) -> str:
        """The line, remembered in the history; what stays is empty."""
        text = self.text.strip()
        if text and (not self.history or self.history[-1] != text):
            self.history.append(text)
        self._place = len(self.history)
        self._draft = ""
        self.set("")
        return text

    def insert(self, text: str) -> None:
        """Type or paste; line breaks become blanks."""
        text = " ".join(text.splitlines()) if "\n" in text or "\r" in text else text
        text = "".join(character for character in text if character.isprintable())
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)
        self.offers = ()

    def key(self, key: str, character: str | None) -> bool:
        """One key, in Textual's names. True when it meant something here."""
        act = _KEYS.get(key)
        if act is not None:
            act(self)
            if key != "tab":
                self.offers = ()
            return True
        if character is not None and character.isprintable() and len(character) == 1:
            self.insert(character)
            return True
        return False

    def _left(self) -> None:
        self.cursor = max(0, self.cursor - 1)

    def _right(self) -> None:
        self.cursor = min(len(self.text), self.cursor + 1)

    def _home(self) -> None:
        self.cursor = 0

    def _end(self) -> None:
        self.cursor = len(self.text)

    def _backspace(self) -> None:
        if self.cursor:
            self.text = self.text[: self.cursor - 1] + self.text[self.cursor :]
            self.cursor -= 1

    def _delete(self) -> None:
        self.text = self.text[: self.cursor] + self.text[self.cursor + 1 :]

    def _word_back(self) -> None:
        kept = self.text[: self.cursor].rstrip()
        kept = kept[: kept.rfind(" ") + 1]
        self.text = kept + self.text[self.cursor :]
        self.cursor = len(kept)

    def _to_start(self) -> None:
        self.text = self.text[self.cursor :]
        self.cursor = 0

    def _to_end(self) -> None:
        self.text = self.text[: self.cursor]

    def _older(self) -> None:
        if self._place > 0:
            if self._place == len(self.history):
                self._draft = self.text
            self._place -= 1
            self.set(self.history[self._place])

    def _newer(self) -> None:
        if self._place < len(self.history):
            self._place += 1
            self.set(self.history[self._place] if self._place < len(self.history) else self._draft)

    def _tab(self) -> None:
        """Complete the last word as far as it is certain; offer the rest."""
        if self._complete is None:
            return
        before = self.text[: self.cursor]
        word = before[before.rfind(" ") + 1 :]
        words = [offer for offer in self._complete(before) if offer.startswith(word)]
        if not words:
            self.offers = ()
            return
        common = words[0]
        for offer in words[1:]:
            while not offer.startswith(common):
                common = common[:-1]
        whole = common + (" " if len(words) == 1 and not common.endswith(("=", "/")) else "")
        after = self.text[self.cursor :]
        self.text = before[: len(before) - len(word)] + whole + after
        self.cursor = len(self.text) - len(after)
        self.offers = tuple(words) if len(words) > 1 else ()


_KEYS: dict[str, Callable[[LineEdit], None]] = {
    "left": LineEdit._left,
    "right": LineEdit._right,
    "home": LineEdit._home,
    "ctrl+a": LineEdit._home,
    "end": LineEdit._end,
    "ctrl+e": LineEdit._end,
    "backspace": LineEdit._backspace,
    "delete": LineEdit._delete,
    "ctrl+d": LineEdit._delete,
    "ctrl+w": LineEdit._word_back,
    "ctrl+u": LineEdit._to_start,
    "ctrl+k": LineEdit._to_end,
    "up": LineEdit._older,
    "down": LineEdit._newer,
    "tab": LineEdit._tab,
}
