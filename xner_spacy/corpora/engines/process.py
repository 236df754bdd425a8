"""A worker process and the one who started it: JSON lines in, JSON lines out.

A worker ends when its input ends, which is also when the process that started it is gone, however that ended. The
commands that use several processes have this in common; what is said in the lines is their own.
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

# Above the package, wherever in it this module lies.
PACKAGE_FOLDER = Path(str(import_module(__name__.partition(".")[0]).__file__)).resolve().parents[1]
# Without the working folder on the module path: a file of the user's that is called queue.py is no module of ours. (The
# option -P, which does the same, came with Python 3.11; `-m` has the folder on the path before a line of ours runs.)
# The folder that this package lies in comes last, for a checkout that is not installed.
_START = (
    "import sys; sys.path[:] = [folder for folder in sys.path if folder]; "
    "sys.path.append(sys.argv.pop(1)); import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def isolated_python(module: str) -> List[str]:
    """RETURNS (List[str]): How to start a module as a program, as `python -m` does, but without the working folder on
    the module path; the program's arguments follow.
    """
    return [sys.executable, "-c", _START, str(PACKAGE_FOLDER), module]


class Inbox(queue.Queue):
    """What all workers of a run have answered, in the order in which it came. (Windows cannot wait for several pipes,
    so each worker has a thread that reads its own.)
    """

    def take(self) -> "Tuple[WorkerProcess, Optional[Json]]":
        """RETURNS (Tuple[WorkerProcess, Optional[Json]]): The next answer, waited for: whose it is, and what, or None
        where the process has ended.
        """
        while True:
            # Not for ever: on Windows an interrupt would wait as long.
            with contextlib.suppress(queue.Empty):
                return self.get(timeout=1)


class WorkerProcess:
    """A worker, seen from the process that started it.

    module (str): Its program, a module that calls `serve`. environment (Dict[str, str]): Of the process. inbox (Inbox):
        Gets its answers, and at last that it has ended.
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
        """Send a line. A worker that is dead is noticed by its last answer."""
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
    """Be a worker: take lines and answer until the input ends. An error is told to the one who started us (see
    `raise_error`), and is the end.

    work (Callable): Is given the queue of the lines that come, and what sends an answer.
    """
    # Ctrl-C reaches every process of the terminal; the one that started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints must not get between the answers.
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
    """RAISES: XnerError where the answer of a worker is the error that it ended with."""
    if "error" in message:
        sys.stderr.write(message.get("trace", ""))
        raise XnerError(message["error"], message.get("hint", ""))


def _listen(tasks: "queue.Queue[Json]") -> None:
    for line in sys.stdin:
        tasks.put(json.loads(line))
    # Nobody is there any more who would take the result: stop at once, in the middle of the work too.
    os._exit(0)
