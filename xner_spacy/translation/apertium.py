"""`xner.Apertium.v1`: the rule-based engine Apertium, from the system's packages.

Each text is translated on its own. Apertium marks words that it could not translate with `*` (unknown word), `@` (no
translation) or `#` (no inflected form). The marks are removed and counted. Markers of the form `<e0>...</e0>` move with
the words they enclose (Apertium's word-bound blanks), even if the translation reorders them.
"""

import logging
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional

from ..errors import XnerError, require
from ..programs import check_program_name, find_program
from ..streams import pools
from ..types import Translation
from .engine import Engine, EngineError, Mode
from .faults import FAILED, RULES, find_fault

_LOGGER = logging.getLogger("xner_spacy")

PART = "xner.Apertium.v1"
PROGRAMS = ("apertium",)
VARIABLE = "XNER_APERTIUM"
DATA_VARIABLE = "APERTIUM_DATADIR"
# After this many failures in a row the engine itself is at fault, not the texts.
MOST_FAILURES = 3

MARKED = re.compile(r"(?<!\S)([\"'(«„“‘\[]*)[*@#](?=\w)|(?<=[-/–])[*@#](?=\w)")
_SPECIAL = re.compile(r"([\[\]{}^$/\\@<>])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# Apertium's own deformatter ends a text with this. The full stop marks the end of a sentence for the tagger.
_END = ".[][\n\n]"
_ENDED = re.compile(r"\.?\s*\[\]\[\n\n\]\s*\Z")
_MARKER = re.compile(r"<(e\d+)>(.*?)</\1>", re.DOTALL)
_BOUND = re.compile(r"\[\[t:e:(e\d+)\]\](.*?)\[\[/\]\]", re.DOTALL)


def installed_directions(program: str) -> List[str]:
    """RETURNS (List[str]): The translation directions that are installed with a program `apertium`."""
    return sorted(path.stem for path in _data_of(program).glob("modes/*.mode"))


def _data_of(program: str) -> Path:
    data_folder = os.environ.get(DATA_VARIABLE)
    return Path(data_folder or Path(os.path.realpath(program)).parent.parent / "share" / "apertium")


@dataclass(eq=False)
class Apertium:
    """`xner.Apertium.v1`: translates with Apertium's programs. The programs are searched at first use.

    mode (str): Apertium's translation direction, such as "isl-eng".
    command (str): Must be "apertium". A config may come from someone else, so it can't name another program. To use a
        program at another path, set the environment variable XNER_APERTIUM.
    data (Optional[str]): Must be None, for the same reason. To use a data folder (with `modes/`) other than the one
        installed with the program, set the environment variable APERTIUM_DATADIR.
    timeout (float): Seconds without an answer after which the engine is restarted.
    markup (bool): Keep markers `<e0>...</e0>` around their words; otherwise they are translated as text.
    """

    mode: str
    command: str = "apertium"
    data: Optional[str] = None
    timeout: float = 60.0
    markup: bool = True
    _failed_in_a_row: int = field(init=False, default=0, repr=False)
    _engine: Optional[Engine] = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        check_program_name(self.command, VARIABLE, PROGRAMS, part=PART)
        require(
            self.data is None,
            f"{PART} can't use the data in {self.data!r}: a pipeline may not name files to run.",
            f"Leave `data` out, and set the environment variable {DATA_VARIABLE} to the folder.",
        )

    @property
    def engine(self) -> Engine:
        """The engine. RAISES: XnerError with a hint what to install if the program or the direction is missing."""
        if self._engine is None:
            program = find_program(
                self.command, VARIABLE, PROGRAMS, part=PART,
                install=f"On Debian and Ubuntu: apt-get install apertium apertium-{self.mode}.",
            )  # fmt: skip
            folder, modes = _data_of(program), installed_directions(program)
            # The mode must be one of these names, so that it can't be used as a path.
            if self.mode not in modes:
                raise XnerError(
                    f"Apertium has no direction {self.mode!r}; it has: {', '.join(modes) or 'none'}.",
                    f"On Debian and Ubuntu: apt-get install apertium-{self.mode}, or the pair the other way round.",
                )
            self._engine = Engine(Mode(self.mode, folder, program), self.timeout)
        return self._engine

    @cached_property
    def identity(self) -> Dict[str, Any]:
        """Everything that a stored translation depends on except the text."""
        revision = self.engine.mode.revision()
        settings = {"mode": self.mode, "revision": revision, "markup": self.markup}
        return {"engine": "apertium", **settings, "faults": RULES}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for batch in pools(texts, 1000):
            lines = [" ".join(_CONTROL.sub(" ", text).split()) for text in batch]
            # Texts of spaces alone are not sent to the engine.
            answers = iter(self._ask([self._encode(line) for line in lines if line]))
            for line in lines:
                yield self._decode(line, next(answers)) if line else Translation("")

    def close(self) -> None:
        """End the engine's programs; the next text starts them again."""
        if self._engine is not None:
            self._engine.close()

    def _ask(self, texts: List[str]) -> List[Optional[str]]:
        """RETURNS (List[Optional[str]]): The answer to each text, or None if the engine failed twice on it. RAISES:
        XnerError if it fails on several texts in a row.
        """
        answers: List[Optional[str]] = []
        failed_at = -1
        while len(answers) < len(texts):
            try:
                answers += self.engine.exchange(texts[len(answers) :])
            except EngineError as error:
                answers += error.answers
                if error.answers:
                    self._failed_in_a_row = 0
                if len(answers) != failed_at:
                    failed_at = len(answers)
                    continue
                self._failed_in_a_row += 1
                if self._failed_in_a_row >= MOST_FAILURES:
                    raise XnerError(
                        f"Apertium ({self.mode}) failed on {MOST_FAILURES} texts in a row, the last "
                        f"{_shortened(texts[failed_at])!r}: {error}.",
                        f"Try it: echo TEXT | apertium {self.mode}",
                    ) from error
                _LOGGER.warning(
                    "Apertium (%s) failed twice on %r: %s. The sentence has no translation.",
                    self.mode, _shortened(texts[failed_at]), error,
                )  # fmt: skip
                answers.append(None)
            else:
                self._failed_in_a_row = 0
        return answers

    def _encode(self, line: str) -> str:
        if not self.markup:
            return _escape(line) + _END
        text, *rest = _MARKER.split(line)
        parts = [_escape(text)]
        for marker, inside, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            parts += [f"[[t:e:{marker}]]", _escape(inside), "[[/]]", _escape(text)]
        return "".join([*parts, _END])

    def _decode(self, line: str, answer: Optional[str]) -> Translation:
        if answer is None:
            return Translation(None, fault=FAILED)
        output = _ENDED.sub("", answer)
        if self.markup:
            output = _restore_markers(output)
        output = " ".join(_ESCAPED.sub(r"\1", output).split())
        translation = clean_marks(line, output)
        fault = find_fault(line, translation.text or "")
        return Translation(None, unknown=translation.unknown, fault=fault) if fault else translation


def _shortened(text: str) -> str:
    return text.removesuffix(_END)[:80]


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _restore_markers(output: str) -> str:
    """Merge neighbouring words with the same marker. RETURNS (str): Text with `<e0>...</e0>`."""
    text, *rest = _BOUND.split(output)
    pieces = [("", text)]  # (marker or "", text)
    for marker, inside, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        pieces += [(marker, inside), ("", text)]
    # A space between two words with the same marker gets the marker too.
    for k in range(1, len(pieces) - 1):
        if not pieces[k][0] and not pieces[k][1].strip() and pieces[k - 1][0] == pieces[k + 1][0]:
            pieces[k] = (pieces[k - 1][0], pieces[k][1])
    texts = []
    for marker, group in groupby(pieces, key=lambda piece: piece[0]):
        text = "".join(part for _, part in group)
        texts.append(f"\\<{marker}\\>{text}\\<\\/{marker}\\>" if marker else text)
    return "".join(texts)


def clean_marks(text: str, output: str) -> Translation:
    """Remove Apertium's marks from the translation of a text, and count them. If the text itself has such a sign before
    a word, it is kept.
    """
    unknown = 0

    def strip(match: "re.Match[str]") -> str:
        nonlocal unknown
        word = re.match(r"\w+", output[match.end() :])
        mark = match[0][-1]
        if word and f"{mark}{word[0]}" in text:
            return match[0]
        unknown += 1
        return match[0][:-1]

    return Translation(MARKED.sub(strip, output), unknown=unknown)
