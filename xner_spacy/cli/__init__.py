"""The command `xner`. Each command is a plain function; the command line only wraps it."""

import os
import signal
import sys
from typing import NoReturn

import wasabi


def main() -> NoReturn:
    """Run the command line. An error that the user can fix is one message and exit code 1, never a traceback."""
    code = 1
    try:
        _prepare()
        from .app import run
        from .output import show_warnings

        show_warnings()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program was loading, or printing its last message
        if sys.stderr is not None:
            sys.stderr.write("\nInterrupted.\n")
    # Everything is done; an interrupt now would only disturb the exit of the interpreter.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)


def _prepare() -> None:
    # Treat the end of a session or job like Ctrl-C, so that half-written files are removed.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
            signal.signal(getattr(signal, name), signal.default_int_handler)
    # Print messages even if they hold a name that is not UTF-8, or if the terminal has no Unicode.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("NO_COLOR") or not all(stream and stream.isatty() for stream in (sys.stdout, sys.stderr)):
        # wasabi, which spaCy prints with, looks at this variable alone; the processes that a command starts inherit it.
        os.environ["ANSI_COLORS_DISABLED"] = "1"
        wasabi.msg.show_color = False  # made before the variable was set
