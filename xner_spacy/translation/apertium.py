"""`xner.Apertium.v1`: the rule-based engine Apertium, from the system's packages, as an external program.

One process translates a whole batch. Sentences are set apart by blank lines, over which Apertium's rules do not reach. What it could
not translate it marks with `*` (unknown word), `@` (no translation) or `#` (no inflected form); the marks are taken off and counted.
"""

import re
import shutil
import subprocess
from typing import Iterable, Iterator, List

from ..errors import XnerError
from ..types import Translation, Translator

MARKED = re.compile(r"(?<!\S)([\"'(«„“‘\[]*)[*@#](?=\w)|(?<=[-/–])[*@#](?=\w)")


def make_apertium(
    mode: str, command: str = "apertium", batch_size: int = 1000, timeout: float = 600.0
) -> Translator:
    """Make the translator. The engine is looked for at first use.

    mode (str): Apertium's translation direction, such as "isl-eng".
    command (str): The program, a name on the path or a file.
    batch_size (int): Sentences a process.
    timeout (float): Seconds after which a batch is given up.
    """
    return Apertium(mode, command, batch_size, timeout)


class Apertium:
    """Translates through the `apertium` program."""

    def __init__(
        self,
        mode: str,
        command: str = "apertium",
        batch_size: int = 1000,
        timeout: float = 600.0,
    ) -> None:
        self.mode = mode
        self.command = command
        self.batch_size = batch_size
        self.timeout = timeout
        self._checked = False

    def check(self) -> None:
        """RAISES: XnerError that says what to install, if the program or the direction is missing."""
        if self._checked:
            return
        if shutil.which(self.command) is None:
            raise XnerError(
                f"The translator Apertium is not installed (no program {self.command!r}).",
                f"On Debian and Ubuntu: apt-get install apertium apertium-{self.mode}",
            )
        listed = subprocess.run(
            [self.command, "-l"], capture_output=True, text=True, check=False, timeout=60
        ).stdout.split()
        if self.mode not in listed:
            raise XnerError(
                f"Apertium has no direction {self.mode!r}; it has {', '.join(listed) or 'none'}.",
                f"On Debian and Ubuntu: apt-get install apertium-{self.mode}, or the pair the other way round.",
            )
        self._checked = True

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        self.check()
        batch: List[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == self.batch_size:
                yield from self._translate(batch)
                batch = []
        if batch:
            yield from self._translate(batch)

    def _translate(self, texts: List[str]) -> List[Translation]:
        # Inside a sentence a line break would count as a border, and NUL is Apertium's own flush mark.
        lines = [" ".join(text.replace("\0", " ").split()) for text in texts]
        outputs = self._run("\n\n".join(lines) + "\n\n")
        if len(outputs) != len(texts):
            # A text upset the count, by a form feed or the like: narrow it down, so that the others stay right.
            if len(texts) == 1:
                outputs = [" ".join(outputs)]
            else:
                half = len(texts) // 2
                return self._translate(texts[:half]) + self._translate(texts[half:])
        return [clean_marks(text, output) for text, output in zip(lines, outputs)]

    def _run(self, text: str) -> List[str]:
        try:
            done = subprocess.run(
                [self.command, self.mode],
                input=text.encode("utf8"),
                capture_output=True,
                check=False,
                timeout=self.timeout,
            )
        except subprocess.TimeoutExpired:
            raise XnerError(
                f"Apertium gave no answer within {self.timeout:g} seconds.",
                "Set a smaller batch_size or a longer timeout.",
            ) from None
        if done.returncode != 0:
            reason = done.stderr.decode("utf8", "replace").strip() or f"exit code {done.returncode}"
            raise XnerError(f"Apertium failed on {self.mode}: {reason}")
        output = done.stdout.decode("utf8", "replace")
        return [part.strip() for part in output.split("\n\n") if part.strip()]


def clean_marks(text: str, output: str) -> Translation:
    """Take Apertium's marks off a translation.

    text (str): What was translated; a mark sign that stands before a word there is the writer's own and stays.
    output (str): Apertium's output.
    RETURNS (Translation): The clean text and how many words were marked.
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
