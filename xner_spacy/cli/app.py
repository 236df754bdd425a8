"""Puts the commands together and turns errors into messages."""

import errno
import os
import sys
from typing import List, Optional

import typer
from catalogue import RegistryError
from confection import ConfigValidationError

from ..errors import XnerError
from . import (
    align,
    annotate,
    bench,
    calibrate,
    compare,
    convert,
    convert_model,
    distill,
    evaluate,
    info,
    init_config,
    model_card,
    project,
    report,
    select,
    split,
    study,
    vectors,
)
from .output import message

app = typer.Typer(
    name="xner",
    help="Named entity recognition with spaCy for languages that nobody has labelled.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# What typer makes of Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130
COMMANDS = (
    convert,
    convert_model,
    align,
    project,
    annotate,
    bench,
    evaluate,
    compare,
    report,
    init_config,
    model_card,
    info,
    distill,
    select,
    split,
    calibrate,
    vectors,
    study,
)
for module in COMMANDS:
    module.register(app)


def run(arguments: Optional[List[str]] = None) -> int:
    """Run a command line.

    arguments (Optional[List[str]]): Without the program's name. RETURNS (int): The exit code: 0, 1
        for an error of the input or the system, 2 for a command line that cannot be read.
    """
    try:
        result = typer.main.get_command(app).main(
            args=arguments, prog_name="xner", standalone_mode=False
        )
        code = result if isinstance(result, int) else 0
        return _interrupted() if code == INTERRUPTED else code
    except typer.Exit as error:
        return _interrupted() if error.exit_code == INTERRUPTED else error.exit_code
    except XnerError as error:
        return _fail(error.message, error.hint)
    except (RegistryError, ConfigValidationError) as error:
        return _fail("The configuration does not hold.", str(error).strip())
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader of our output went away (`xner ... | head`): not an error of ours, and nothing
        # can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        hint = "Free some space and run again." if error.errno == errno.ENOSPC else ""
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}.", hint)
    except Exception as error:
        # typer brings a click of its own or uses the one installed, so their errors have no class
        # that can be named here.
        if not (hasattr(error, "show") and hasattr(error, "exit_code")):
            raise
        error.show()
        return int(error.exit_code)


def _interrupted() -> int:
    return _fail("Interrupted.", "What was written is whole; the command can be run again.")


def _fail(title: str, hint: str = "") -> int:
    sys.stdout.flush()
    text = message("fail", title, hint)
    typer.echo(text, err=True)
    return 1
