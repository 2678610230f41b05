"""From a script's text to instructions: words, pipelines, lists, ``if``, ``while``, ``until``, ``for``, ``( )`` and ``{ }``.

Instructions are flat, so that the place of a waiting process is one number. What a POSIX shell has beyond this (functions,
``case``, here-documents, background jobs) is refused as a syntax error that says so.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

BLANK, LETTERS = " \t", frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
OPERATORS = ("&&", "||", ";;", "&>", ">>", ">&", ";", "|", "&", "(", ")", ">", "<", "\n")
RESERVED = ("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "for", "in", "{", "}", "!", "case", "function")


class ShellError(Exception):
    """A script that cannot be run. ``more``: it is only not complete yet."""

    def __init__(self, text: str, more: bool = False) -> None:
        super().__init__(text)
        self.more = more


class Piece(NamedTuple):
    """A part of a word: ``text``, ``var`` (``NAME`` or ``NAME:-default``), ``run`` (a script) or ``math``."""

    kind: str
    text: str
    quoted: bool


Word = tuple[Piece, ...]


class Redirect(NamedTuple):
    """``2>> file``: which descriptor, ``>``, ``>>``, ``<`` or ``>&``, and what."""

    fd: int
    sign: str
    target: Word


class Simple(NamedTuple):
    """One simple command: assignments before it, words, redirections."""

    assigns: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


class Step(NamedTuple):
    """An instruction. ``run``: the pipeline; ``jump``, ``fail`` (jump when the status is not 0), ``good`` (when it is 0),
    ``for`` (fill the list of loop ``slot``), ``next`` (its next word, or jump), ``not``, ``zero`` (set the status to 0)."""

    what: str
    pipeline: tuple[Simple, ...] = ()
    to: int = 0
    name: str = ""
    words: tuple[Word, ...] = ()


class Token(NamedTuple):
    """An operator (``sign``) or a word."""

    sign: str
    word: Word = ()

    @property
    def plain(self) -> str:
        """The word as it stands, if nothing in it is quoted or expanded."""
        if self.sign or len(self.word) != 1 or self.word[0].kind != "text" or self.word[0].quoted:
            return ""
        return self.word[0].text


@lru_cache(maxsize=512)
def compiled(script: str) -> tuple[Step, ...]:
    """The instructions of a script. Raises ShellError."""
    parser = _Parser(tuple(_Reader(script).tokens()))
    parser.listing(())
    if parser.peek().sign != "end":
        raise ShellError(f'syntax error: unexpected "{parser.peek().sign or parser.peek().plain}"')
    return tuple(parser.steps)


@lru_cache(maxsize=512)
def endless(script: str) -> bool:
    """Whether a script may go round for ever: it has a ``while`` or ``until``, not only ``for``."""
    try:
        steps = compiled(script)
    except ShellError:
        return False
    return any(step.what == "jump" and step.to <= at and steps[step.to].what != "next" for at, step in enumerate(steps))


class _Reader:
    """Cuts a script into tokens."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while True:
            self._skip()
            if self.at >= len(self.text):
                return [*found, Token("\n"), Token("end")]
            sign = next((one for one in OPERATORS if self.text.startswith(one, self.at)), "")
            if sign:
                self.at += len(sign)
                found.append(Token(sign))
                continue
            word = self._word()
            following = self.text[self.at : self.at + 1]
            token = Token("", word)
            if following in ("<", ">") and token.plain.isdigit():
                sign = next(one for one in OPERATORS if self.text.startswith(one, self.at))
                self.at += len(sign)
                token = Token(token.plain + sign)
            found.append(token)

    def _skip(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at] in BLANK:
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def _word(self) -> Word:
        pieces: list[Piece] = []
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign in BLANK or any(self.text.startswith(one, self.at) for one in OPERATORS):
                break
            if sign == "'":
                end = self._find("'", self.at + 1)
                pieces.append(Piece("text", self.text[self.at + 1 : end], True))
                self.at = end + 1
            elif sign == '"':
                self.at += 1
                pieces += self._double()
            elif sign == "\\":
                pieces.append(Piece("text", self.text[self.at + 1 : self.at + 2], True))
                self.at += 2
            elif sign in "$`":
                pieces.append(self._dollar(False))
            else:
                start = self.at
                while self.at < len(self.text) and self.text[self.at] not in " \t\n'\"\\$`;|&()<>":
                    self.at += 1
                pieces.append(Piece("text", self.text[start : self.at], False))
        return tuple(pieces)

    def _double(self) -> list[Piece]:
        pieces: list[Piece] = []
        text = ""
        while True:
            sign = self.text[self.at : self.at + 1]
            if not sign:
                raise ShellError("syntax error: unterminated quoted string", more=True)
            if sign == '"':
                self.at += 1
                return [*pieces, Piece("text", text, True)]
            if sign in "$`":
                pieces += [Piece("text", text, True), self._dollar(True)]
                text = ""
            elif sign == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`", "\n"):
                text += self.text[self.at + 1].strip("\n")
                self.at += 2
            else:
                text += sign
                self.at += 1

    def _dollar(self, quoted: bool) -> Piece:
        text, at = self.text, self.at
        if text[at] == "`":
            end = self._find("`", at + 1)
            self.at = end + 1
            return Piece("run", text[at + 1 : end], quoted)
        if text.startswith("$((", at):
            end = self._find("))", at + 3)
            self.at = end + 2
            return Piece("math", text[at + 3 : end], quoted)
        if text.startswith("$(", at):
            end = self._matching(at + 2)
            self.at = end + 1
            return Piece("run", text[at + 2 : end], quoted)
        if text.startswith("${", at):
            end = self._find("}", at + 2)
            self.at = end + 1
            return Piece("var", text[at + 2 : end], quoted)
        end = at + 1
        if text[end : end + 1] in ("?", "$", "#", "@", "*", "!", *"0123456789"):
            end += 1
        else:
            while text[end : end + 1] and text[end] in LETTERS:
                end += 1
        self.at = end
        return Piece("var", text[at + 1 : end], quoted) if end > at + 1 else Piece("text", "$", quoted)

    def _find(self, what: str, start: int) -> int:
        end = self.text.find(what, start)
        if end < 0:
            raise ShellError("syntax error: unterminated quoted string", more=True)
        return end

    def _matching(self, start: int) -> int:
        """Where the parenthesis ends that was opened before ``start``."""
        depth, quote, at = 1, "", start
        while at < len(self.text):
            sign = self.text[at]
            if quote:
                quote = "" if sign == quote else quote
            elif sign in "'\"":
                quote = sign
            elif sign in "()":
                depth += 1 if sign == "(" else -1
                if not depth:
                    return at
            at += 1
        raise ShellError('syntax error: unexpected end of file (expecting ")")', more=True)


class _Parser:
    """Turns tokens into instructions."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.tokens, self.at = tokens, 0
        self.steps: list[Step] = []
        self.loops: list[tuple[int, list[int]]] = []
        """Loops around this place: where each begins, and its breaks."""
        self.slots = 0

    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self, expected: str = "") -> Token:
        """The next token. Raises ShellError when it is not the expected one."""
        token = self.tokens[self.at]
        if expected and expected not in (token.sign, token.plain):
            last = self.at >= len(self.tokens) - 2
            shown = "end of file" if last else f'"{token.sign or token.plain or "word"}"'.replace("\n", "newline")
            raise ShellError(f'syntax error: unexpected {shown} (expecting "{expected}")', more=last)
        self.at += 1
        return token

    def skip_lines(self) -> None:
        while self.peek().sign == "\n":
            self.at += 1

    def listing(self, ends: tuple[str, ...]) -> None:
        """Commands, one after the other, up to one of these reserved words."""
        self.skip_lines()
        while self.peek().sign not in ("end", ")") and self.peek().plain not in ends:
            self._and_or()
            sign = self.peek().sign
            if sign == "&":
                raise ShellError("syntax error: background jobs (&) are not there in this shell")
            if sign not in (";", "\n"):
                break
            self.at += 1
            self.skip_lines()

    def _and_or(self) -> None:
        self._pipeline()
        while self.peek().sign in ("&&", "||"):
            sign = self.take().sign
            self.skip_lines()
            hole = self._hole("fail" if sign == "&&" else "good")
            self._pipeline()
            self._fill(hole)

    def _hole(self, what: str) -> int:
        self.steps.append(Step(what))
        return len(self.steps) - 1

    def _fill(self, hole: int) -> None:
        self.steps[hole] = self.steps[hole]._replace(to=len(self.steps))

    def _pipeline(self) -> None:
        if self.peek().plain == "!":
            self.take()
            self._pipeline()
            self.steps.append(Step("not"))
            return
        word = self.peek().plain
        if word in ("if", "while", "until", "for", "{") or self.peek().sign == "(":
            self._compound(word)
            if self.peek().sign in ("|", ">", ">>", "<"):
                raise ShellError("syntax error: this shell has pipes and redirections for simple commands only")
            return
        if word in ("case", "function"):
            raise ShellError(f"syntax error: {word} is not there in this shell")
        stages = [self._simple()]
        while self.peek().sign == "|":
            self.take()
            self.skip_lines()
            stages.append(self._simple())
        only = stages[0].words[0] if len(stages) == 1 and stages[0].words else ()
        name = only[0].text if len(only) == 1 and only[0].kind == "text" else ""
        if name in ("break", "continue") and self.loops:
            start, breaks = self.loops[-1]
            if name == "break":
                breaks.append(self._hole("jump"))
            else:
                self.steps.append(Step("jump", to=start))
            return
        self.steps.append(Step("run", tuple(stages)))

    def _compound(self, word: str) -> None:
        self.take()
        if word == "if":
            self._if()
        elif word in ("while", "until"):
            self._while(word)
        elif word == "for":
            self._for()
        else:
            self.listing(("}",))
            self.take("}" if word == "{" else ")")

    def _if(self) -> None:
        ends = []
        self.listing(("then",))
        self.take("then")
        hole = self._hole("fail")
        self.listing(("elif", "else", "fi"))
        ends.append(self._hole("jump"))
        self._fill(hole)
        if self.peek().plain == "elif":
            self.take()
            self._if()
        else:
            self.steps.append(Step("zero"))
            if self.peek().plain == "else":
                self.take()
                self.listing(("fi",))
            self.take("fi")
        for end in ends:
            self._fill(end)

    def _while(self, word: str) -> None:
        start, breaks = len(self.steps), []
        self.listing(("do",))
        breaks.append(self._hole("fail" if word == "while" else "good"))
        self._body(start, breaks)

    def _for(self) -> None:
        name = self.take().plain
        words: list[Word] = []
        self.skip_lines()
        if self.peek().plain == "in":
            self.take()
            while not self.peek().sign:
                words.append(self.take().word)
        if self.peek().sign == ";":
            self.take()
        self.skip_lines()
        slot, self.slots = self.slots, self.slots + 1
        self.steps.append(Step("for", name=str(slot), words=tuple(words)))
        start = len(self.steps)
        self.steps.append(Step("next", name=f"{slot} {name}"))
        self._body(start, [start])

    def _body(self, start: int, breaks: list[int]) -> None:
        self.take("do")
        self.loops.append((start, breaks))
        self.listing(("done",))
        self.take("done")
        self.loops.pop()
        self.steps.append(Step("jump", to=start))
        for hole in breaks:
            self._fill(hole)
        self.steps.append(Step("zero"))

    def _simple(self) -> Simple:
        assigns: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            token = self.peek()
            if not token.sign:
                self.take()
                pair = None if words else _assignment(token.word)
                if pair:
                    assigns.append(pair)
                else:
                    words.append(token.word)
                continue
            sign = token.sign.lstrip("0123456789")
            if sign not in (">", ">>", "<", ">&", "&>"):
                break
            self.take()
            target = self.take()
            if target.sign:
                raise ShellError(f'syntax error: unexpected "{target.sign}"'.replace("\n", "newline"))
            fd = token.sign.removesuffix(sign)
            if sign == "&>":
                one = Piece("text", "1", False)
                redirects += [Redirect(1, ">", target.word), Redirect(2, ">&", (one,))]
            else:
                redirects.append(Redirect(int(fd) if fd else 0 if sign == "<" else 1, sign, target.word))
        if not words and not assigns and not redirects:
            last = self.at >= len(self.tokens) - 2
            shown = "end of file" if last else f'"{self.peek().sign or self.peek().plain}"'.replace("\n", "newline")
            raise ShellError(f"syntax error: unexpected {shown}", more=last)
        if words and len(words[0]) == 1 and self.peek().sign == "(":
            raise ShellError("syntax error: functions are not there in this shell")
        return Simple(tuple(assigns), tuple(words), tuple(redirects))


def _assignment(word: Word) -> tuple[str, Word] | None:
    """``NAME=value`` as a pair."""
    if not word or word[0].kind != "text" or word[0].quoted or "=" not in word[0].text:
        return None
    name, _, rest = word[0].text.partition("=")
    if not name or name[0].isdigit() or not set(name) <= LETTERS:
        return None
    return name, (Piece("text", rest, True), *word[1:])
