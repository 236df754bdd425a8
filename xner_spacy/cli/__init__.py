"""The command `xner`. Each command is a plain function; the command line only wraps it."""

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line. What the user can mend ends as one message and exit code 1, never as a traceback."""
    code = 1
    try:
        _prepare()
        from .app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program was still being loaded, or while it said how it ended
        if sys.stderr is not None:
            sys.stderr.write("\nInterrupted.\n")
    # All is done; an interrupt now would only break the interpreter's own end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _prepare() -> None:
    # What ends a session or a job is an interrupt like Ctrl-C: half-written files are taken away.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
            signal.signal(getattr(signal, name), signal.default_int_handler)
    # A name that is no text (bytes that are not UTF-8) or a terminal without Unicode must not keep a message back.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
