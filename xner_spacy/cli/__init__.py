"""The command `xner`. Each command is a plain function; the command line only wraps it."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line. What the user can mend ends as one message and exit code 1, never as a traceback."""
    try:
        from .app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program was still being loaded
        sys.stderr.write("\nInterrupted.\n")
        code = 1
    sys.exit(code)
