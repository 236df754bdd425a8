"""Register the commands, and turn errors into messages."""

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
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# The exit code that typer returns for Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130
# Set this environment variable to see the traceback of an error that is a bug of xner.
DEBUG = "XNER_DEBUG"
# Each is a module with the command NAME_cli and maybe its CONTEXT, or with a function `register` for several commands.
COMMANDS = """
    convert convert-model align project assemble annotate bench evaluate compare report init-config model-card info distill
    retype select split calibrate vectors study plan exchange view
"""
for command_name in COMMANDS.split():
    module_name = command_name.replace("-", "_")
    module = import_module(f".{module_name}", __package__)
    if hasattr(module, "register"):
        module.register(app)
    else:
        context = getattr(module, "CONTEXT", None)
        app.command(command_name, context_settings=context)(getattr(module, f"{module_name}_cli"))
# The recipe stands on the commands: it is not imported from here by name.
import_module("xner_spacy.recipe.commands").register(app)


def _version(is_given: bool) -> None:
    if is_given:
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
    """Run a command line. Every error is printed as one message. If the user can fix it, the message says how; if it is
    a bug, the message says so, and how to get the traceback. RETURNS (int): The exit code: 0, 1 for an error of the
    input or the system or for a bug, 2 for an invalid command line.
    """
    make_log_printable()
    # The command line names the files if an error does not.
    command_line = f" (xner {' '.join(arguments)[:300]})" if arguments else ""
    try:
        result = typer.main.get_command(app).main(args=arguments, prog_name="xner", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        # Flush here, where errors are handled: the disk may be full, or the reader of the output gone.
        if sys.stdout is not None:
            sys.stdout.flush()
        return _interrupted() if code == INTERRUPTED else code
    except typer.Exit as error:
        return _interrupted() if error.exit_code == INTERRUPTED else error.exit_code
    except XnerError as error:
        return _fail(error.message, error.hint)
    except (RegistryError, ConfigValidationError) as error:
        return _fail(f"A configuration does not hold{command_line}.", str(error).strip())
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader of the output is gone (`xner ... | head`): this is not an error, and nothing can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except MemoryError:
        return _fail(f"There is not enough memory{command_line}.", "Use smaller files or batches.")
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        hint = "Free some space and run again." if error.errno == errno.ENOSPC else ""
        return _fail(f"{error.filename}: {reason}." if error.filename else f"{reason}{command_line}.", hint)
    except Exception as error:  # noqa: BLE001  (the last handler: it reports a bug and hides nothing)
        # typer uses a bundled click or the installed one, so the class of click's errors is not known here.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            return int(error.exit_code)
        if os.environ.get(DEBUG):
            traceback.print_exc()
        reason = in_one_line(error)
        return _fail(
            f"This is a fault of xner{command_line}: {type(error).__name__}{': ' * bool(reason)}{reason}",
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
