"""An Apertium translation direction as a pipe of running programs. They start once, and flush each text on its own.

The programs of a direction are started from its `.mode` file, without a shell. A mode file may come from someone else,
so only Apertium's own installed programs are started, and they may only read files of Apertium's data folder. Texts and
answers end with NUL, so that rules never apply across texts: a translation does not depend on the rest of the batch.
"""

import contextlib
import hashlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO, Any, List, Optional, Sequence

from ..corpora.reading import reading
from ..errors import InputError, XnerError, require
from ..programs import find_installed

# Programs with the option `-z`, which flushes at NUL.
_FLUSHING = frozenset(
    (
        *("lt-proc", "lrx-proc", "lsx-proc", "cg-proc", "rtx-proc", "hfst-proc"),
        *("apertium-tagger", "apertium-pretransfer", "apertium-transfer", "apertium-interchunk"),
        *("apertium-postchunk", "apertium-anaphora", "apertium-posttransfer"),
    )
)
_ATTACH, _DETACH = "apertium-wblank-attach", "apertium-wblank-detach"
# Programs that a mode file may run: the filters of lttoolbox, lexical selection, CG, HFST and Apertium. None of them
# starts another program or writes a file.
PROGRAMS = _FLUSHING.union(
    f"{_ATTACH} {_DETACH} apertium-wblank-mode apertium-cleanstream apertium-unformat apertium-multiple-translations "
    "apertium-extract-caps apertium-restore-caps cg-conv cg-mwesplit hfst-lookup".split()
)


class EngineError(RuntimeError):
    """The engine died, hung, or does not answer. `answers` holds the complete answers that it gave before."""

    def __init__(self, message: str, answers: List[str]) -> None:
        super().__init__(message)
        self.answers = answers


class Mode:
    """A translation direction: its programs and their data.

    name (str): Such as "isl-eng". folder (Path): Apertium's data folder, with `modes/`. program (str): The path of
        `apertium`; programs in the same folder are preferred to others.
    RAISES: XnerError for a `.mode` file that is not a pipe of Apertium's programs over files of the folder.
    """

    def __init__(self, name: str, folder: Path, program: str = "") -> None:
        self.name = name
        self.path = folder / "modes" / f"{name}.mode"
        with reading(self.path, "a pipe of programs", f"Install {name} again."):
            commands = _parse(self.path.read_text(encoding="utf8"), self.path, program)
        self.commands = []
        for command in commands:
            installed = _installed(command[0], program)
            if installed is None:
                raise XnerError(
                    f"Apertium's program {command[0]!r} is not installed ({self.path.name} needs it).",
                    "Install all programs of the direction: on Debian and Ubuntu apt-get install apertium-all-dev",
                )
            self.commands.append([installed, *_checked(command[1:], folder, self.path)])

    def revision(self) -> str:
        """RETURNS (str): A checksum of the programs' names and of the files that they read."""
        digest = hashlib.sha256()
        for command in self.commands:
            digest.update("\0".join(Path(word).name for word in command).encode("utf8"))
            for word in command[1:]:
                if Path(word).is_file():
                    digest.update(Path(word).read_bytes())
        return digest.hexdigest()[:16]


def _parse(text: str, path: Path, program: str) -> List[List[str]]:
    """RETURNS (List[List[str]]): The commands. Markers are attached to words between analyser and generator."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    commands: List[List[str]] = [[]]
    generator = 0
    for word in lexer:
        if word == "|":
            commands.append([])
        elif set(word) <= set("|&;<>()"):
            raise InputError(f"has {word!r}; only a pipe of programs can be run.", path)
        elif word == "$1":
            commands[-1].append("-g")  # mark unknown words
            generator = len(commands) - 1
        elif not word.startswith("$"):
            commands[-1].append(word)
    for command in commands:
        if not command:
            raise InputError("is not a pipe of programs.", path)
        command[0] = Path(command[0]).name
        if command[0] not in PROGRAMS:
            raise InputError(
                f"would run {command[0]!r}, which is not one of Apertium's programs.",
                path, None, f"They are: {', '.join(sorted(PROGRAMS))}.",
            )  # fmt: skip
        if command[0] in _FLUSHING and "-z" not in command:
            command.insert(1, "-z")
    if generator and all(_installed(name, program) for name in (_ATTACH, _DETACH)):
        commands.insert(generator, [_DETACH])
        commands.insert(1, [_ATTACH])
    return commands


def _installed(name: str, program: str) -> Optional[str]:
    """RETURNS (Optional[str]): The path of a program. The folder of `program` comes before all others."""
    neighbour = Path(program).with_name(name) if program else None
    return str(neighbour) if neighbour and shutil.which(neighbour) else find_installed(name)


def _checked(words: List[str], folder: Path, path: Path) -> List[str]:
    """RETURNS (List[str]): A program's arguments. RAISES: InputError for a file outside of Apertium's data folder."""
    data_folder = os.path.realpath(folder)
    for word in words:
        if word.startswith("-"):
            allowed = "/" not in word and "\\" not in word
        else:
            allowed = word.isdecimal() or Path(os.path.realpath(word)).is_relative_to(data_folder)
        if not allowed:
            raise InputError(
                f"names {word!r}, which is not in Apertium's data folder {folder}.",
                path, None, "To use other data, set APERTIUM_DATADIR to its folder.",
            )  # fmt: skip
    return words


class Engine:
    """The running programs of a mode. They are started at first use, and again after a failure.

    mode (Mode): The direction. timeout (float): Seconds without an answer after which the engine counts as hung.
    """

    def __init__(self, mode: Mode, timeout: float) -> None:
        self.mode = mode
        self.timeout = timeout
        self._processes: List[subprocess.Popen[bytes]] = []
        self._errors: Optional[IO[bytes]] = None
        self._stop: Any = None
        self._owner = 0

    def exchange(self, texts: Sequence[str]) -> List[str]:
        """Send texts, without NUL. RETURNS (List[str]): The answers. RAISES: EngineError with the answers that came
        before the failure.
        """
        if self._owner != os.getpid():
            # After a fork the programs belong to the parent.
            self._processes, self._stop = [], None
        if not self._processes:
            self._start()
        source, sink = self._processes[0].stdin, self._processes[-1].stdout
        assert source is not None and sink is not None
        writer = threading.Thread(target=_write, args=(source, texts), daemon=True)
        writer.start()
        received = bytearray()
        last_answer = time.monotonic()
        answers = 0
        while answers < len(texts):
            ready, _, _ = select.select([sink], [], [], min(self.timeout, 1.0))
            block = os.read(sink.fileno(), 1 << 16) if ready else None
            if block:
                received += block
                answers += block.count(b"\0")
                last_answer = time.monotonic()
            elif block is not None or time.monotonic() - last_answer > self.timeout or self._dead():
                problem = self._problem(block is not None)
                self.close()
                writer.join(10)
                raise EngineError(problem, _answers(received))
        writer.join()
        # If there is output after the last answer, answers and texts may no longer match.
        if answers != len(texts) or not received.endswith(b"\0"):
            self.close()
            raise EngineError("it gave more answers than there were texts", [])
        return _answers(received)

    def close(self) -> None:
        """End the programs."""
        if self._stop is not None:
            self._stop()
        self._processes, self._stop = [], None
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _start(self) -> None:
        require(os.name == "posix", "Apertium runs on Linux and macOS alone.", "Use another translator on this system.")
        self._owner = os.getpid()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (as long as the engine)
        processes: List[subprocess.Popen[bytes]] = []
        previous: Any = subprocess.PIPE
        try:
            for command in self.mode.commands:
                process = subprocess.Popen(
                    command,
                    stdin=previous,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    # Ctrl-C must not reach the programs: an engine that dies of it would look like a failure.
                    start_new_session=True,
                )
                if processes:
                    previous.close()
                processes.append(process)
                previous = process.stdout
        except OSError as error:
            _kill(processes, os.getpid())
            raise XnerError(
                f"Apertium's program {Path(command[0]).name!r} could not be started ({error.strerror}).",
                f"Install all programs of the direction {self.mode.name}.",
            ) from error
        self._processes = processes
        self._stop = weakref.finalize(self, _kill, processes, os.getpid())

    def _dead(self) -> bool:
        return any(process.poll() not in (None, 0) for process in self._processes)

    def _problem(self, ended: bool) -> str:
        # If a program fails, the others end too: those after it reach the end of their input, often before the exit
        # status of the failed one is known, and those before it can't write any more.
        deadline = time.monotonic() + 1.0
        while ended and not any(map(_failed, self._processes)) and time.monotonic() < deadline:
            time.sleep(0.01)
        pairs = zip(self._processes, self.mode.commands, strict=True)
        exited = [(process, command) for process, command in pairs if process.poll() is not None]
        if not exited:
            return f"no answer within {self.timeout:g} seconds{self._last_error()}"
        process, command = next((pair for pair in exited if _failed(pair[0])), exited[0])
        status = f"exit code {process.returncode}" if process.returncode >= 0 else f"signal {-process.returncode}"
        return f"{Path(command[0]).name} ended ({status}){self._last_error()}"

    def _last_error(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf8", "replace").strip().splitlines()
        return f": {lines[-1][:200]}" if lines else ""


def _failed(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() not in (None, 0, -signal.SIGPIPE)


def _write(source: IO[bytes], texts: Sequence[str]) -> None:
    # The reader detects a broken pipe, and knows which answers arrived.
    with contextlib.suppress(OSError, ValueError):
        source.write(b"".join(text.encode("utf8") + b"\0" for text in texts))
        source.flush()


def _answers(data: bytearray) -> List[str]:
    """RETURNS (List[str]): The complete answers. An incomplete one after the last NUL is dropped."""
    return [part.decode("utf8", "replace") for part in bytes(data).split(b"\0")[:-1]]


def _kill(processes: List["subprocess.Popen[bytes]"], owner: int) -> None:
    if owner != os.getpid():
        return  # in a forked process: the programs belong to the parent
    for process in processes:
        if process.poll() is None:
            # The program has its own process group, so anything it started is killed too.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    for process in processes:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
