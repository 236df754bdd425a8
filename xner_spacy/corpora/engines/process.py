"""A worker process, which exchanges JSON lines with the process that started it (its parent).

A worker ends when its input ends, so it also ends when its parent dies. All commands with several processes use this
module; each defines the content of its lines.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from ...errors import XnerError
from ...types import Json

Answer = Callable[[Json], None]
Serve = Callable[["queue.Queue[Json]", Answer], None]

# The folder that contains the package.
PACKAGE_FOLDER = Path(str(import_module(__name__.partition(".")[0]).__file__)).resolve().parents[1]
# The working folder is removed from the module path, so that a user's file queue.py does not shadow a module. (The
# option -P does the same, but needs Python 3.11; `-m` would add the folder before any code could remove it.) The folder
# of this package comes last, for a checkout that is not installed.
_START = (
    "import sys; sys.path[:] = [folder for folder in sys.path if folder]; "
    "sys.path.append(sys.argv.pop(1)); import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def isolated_python(module: str) -> List[str]:
    """RETURNS (List[str]): A command line that runs a module like `python -m`, but without the working folder on the
    module path. The module's arguments may follow.
    """
    return [sys.executable, "-c", _START, str(PACKAGE_FOLDER), module]


class Inbox(queue.Queue):
    """The answers of all workers of a run, in order of arrival. (Windows cannot wait for several pipes at once, so each
    worker has a thread that reads its pipe.)
    """

    def take(self) -> "Tuple[WorkerProcess, Optional[Json]]":
        """RETURNS (Tuple[WorkerProcess, Optional[Json]]): The worker of the next answer, and the answer, or None if the
        process has ended. Blocks until there is one.
        """
        while True:
            # A timeout is needed on Windows, where an interrupt would wait too.
            with contextlib.suppress(queue.Empty):
                return self.get(timeout=1)


class WorkerProcess:
    """A worker, as its parent sees it.

    module (str): Its program, a module that calls `serve`. environment (Dict[str, str]): Of the process. inbox (Inbox):
        Receives its answers, and None at the end of the process.
    """

    def __init__(self, module: str, environment: Dict[str, str], inbox: Inbox) -> None:
        # An empty entry stands for the working folder.
        entries = environment.get("PYTHONPATH", "").split(os.pathsep)
        self.process = subprocess.Popen(
            isolated_python(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": os.pathsep.join(entry for entry in entries if entry)},
        )
        self.inbox = inbox
        self._reader = threading.Thread(target=self._read, args=(inbox,), daemon=True)
        self._reader.start()

    def send(self, message: Json) -> None:
        """Send a line. If the worker is dead, nothing is raised: its last answer, None, reports that."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message).encode("utf8") + b"\n")
            self.process.stdin.flush()

    def _read(self, inbox: Inbox) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            # A worker that was killed may leave half a line.
            if line.endswith(b"\n"):
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))

    def end(self) -> int:
        """End the process. RETURNS (int): Its exit code."""
        self.process.kill()
        code = self.process.wait()
        self._reader.join(timeout=1)
        for stream in (self.process.stdin, None if self._reader.is_alive() else self.process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        return code


def how_it_ended(code: int) -> str:
    """RETURNS (str): An exit code in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def serve(work: Serve) -> None:
    """Run a worker: read lines and answer until the input ends. An error is sent to the parent (see `raise_error`) and
    ends the worker.

    work (Callable): Is called with the queue of received lines, and with a function that sends an answer.
    """
    # Ctrl-C reaches every process of the terminal; the parent decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Redirect standard output, so that the prints of a library do not mix with the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    tasks: queue.Queue[Json] = queue.Queue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()

    def answer(message: Json) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    try:
        try:
            work(tasks, answer)
        except XnerError as error:
            answer({"error": error.message, "hint": error.hint})
        except Exception as error:  # noqa: BLE001
            answer({"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})
    except BrokenPipeError:
        os._exit(0)


def raise_error(message: Json) -> None:
    """RAISES: XnerError if the answer of a worker is an error."""
    if "error" in message:
        sys.stderr.write(message.get("trace", ""))
        raise XnerError(message["error"], message.get("hint", ""))


def _listen(tasks: "queue.Queue[Json]") -> None:
    for line in sys.stdin:
        tasks.put(json.loads(line))
    # The parent is gone, so nobody needs the result: stop at once, even in the middle of the work.
    os._exit(0)
