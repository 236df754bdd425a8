"""The command `xner`. Each command is a plain function; the command line only wraps it."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line. What the user can mend ends as one message and exit code 1, never as a traceback."""
    from .app import run

    sys.exit(run(sys.argv[1:]))
