"""The start of the command `xner`.

It is outside of the package, because importing `xner_spacy` imports spaCy. The help, the version and the completion of
commands in a shell do without: see `xner_spacy.prepare`.
"""

from typing import NoReturn

# Set when the command starts and not on import: another process that imports this file is not the command.
is_running = False


def main() -> NoReturn:
    """Run the command line; see `xner_spacy.cli.main`."""
    global is_running
    is_running = True
    from xner_spacy.cli import main as run

    run()
