"""Puts the commands together and turns errors into messages."""

import errno
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import List

import typer
from catalogue import RegistryError
from confection import ConfigValidationError

from ..about import __version__
from ..errors import XnerError, in_one_line
from .output import make_log_printable, message

app = typer.Typer(
    name="xner",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# What typer makes of Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130
# Set in the environment, it shows where an error arose that is a fault of ours.
DEBUG = "XNER_DEBUG"
# Each is a module that holds the command as NAME_cli, and its CONTEXT if it has one; or puts several in by `register`.
COMMANDS = """
    convert convert-model align project annotate bench evaluate compare report init-config model-card info distill
    select split calibrate vectors study
"""
for command_name in COMMANDS.split():
    module_name = command_name.replace("-", "_")
    module = import_module(f".{module_name}", __package__)
    if hasattr(module, "register"):
        module.register(app)
    else:
        context = getattr(module, "CONTEXT", None)
        app.command(command_name, context_settings=context)(getattr(module, f"{module_name}_cli"))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"xner-spacy {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_version, help="Show the version and stop."
    ),
) -> None:
    """Named entity recognition with spaCy for languages that nobody has labelled."""


def run(arguments: List[str]) -> int:
    """Run a command line. Whatever happens ends as one message: what the user can mend says how, and what is a fault of
    ours says so, and how to see where it arose. RETURNS (int): The exit code: 0, 1 for an error of the input, the
    system or ours, 2 for a command line that cannot be read.
    """
    make_log_printable()
    # To name the files where an error does not.
    given = f" (xner {' '.join(arguments)[:300]})" if arguments else ""
    try:
        result = typer.main.get_command(app).main(args=arguments, prog_name="xner", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        # What is still in the buffer may not fit on the disk, or its reader may have gone.
        if sys.stdout is not None:
            sys.stdout.flush()
        return _interrupted() if code == INTERRUPTED else code
    except typer.Exit as error:
        return _interrupted() if error.exit_code == INTERRUPTED else error.exit_code
    except XnerError as error:
        return _fail(error.message, error.hint)
    except (RegistryError, ConfigValidationError) as error:
        return _fail(f"A configuration does not hold{given}.", str(error).strip())
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader of our output went away (`xner ... | head`): not an error of ours, and nothing can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except MemoryError:
        return _fail(f"There is not enough memory{given}.", "Use smaller files or batches.")
    except OSError as error:
        said = error.strerror or str(error) or type(error).__name__
        hint = "Free some space and run again." if error.errno == errno.ENOSPC else ""
        return _fail(f"{error.filename}: {said}." if error.filename else f"{said}{given}.", hint)
    except Exception as error:  # noqa: BLE001  (the last net: it says whose fault it is, and hides nothing)
        # typer brings a click of its own or uses the one installed, so their errors have no class
        # that can be named here.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            return int(error.exit_code)
        if os.environ.get(DEBUG):
            traceback.print_exc()
        said = in_one_line(error)
        return _fail(
            f"This is a fault of xner{given}: {type(error).__name__}{': ' * bool(said)}{said}",
            f"Nothing was left half-written. Please report it with what {DEBUG}=1 before the command shows.",
        )


def _interrupted() -> int:
    return _fail("Interrupted.", "What was written is whole; the command can be run again.")


def _fail(title: str, hint: str = "") -> int:
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    with suppress(OSError, ValueError):
        typer.echo(message("fail", title, hint), err=True)
    return 1
