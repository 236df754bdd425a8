"""Register the commands, and turn errors into messages."""

import errno
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any, Dict, List, NamedTuple, Tuple, Type

import typer
from typer.core import TyperCommand, TyperGroup

from .. import prepare
from ..about import __version__
from ..errors import XnerError, in_one_line
from .output import make_log_printable, message

# The exit code that typer returns for Ctrl-C: 128 + SIGINT.
INTERRUPTED = 130
# Set this environment variable to see the traceback of an error that is a bug of xner.
DEBUG = "XNER_DEBUG"


class Listed(NamedTuple):
    """A command as `xner --help` lists it, before its module is imported.

    text (str): The first sentence of its help. module (str): Where it is, if not in the module of its name in `cli`.
    """

    text: str
    module: str = ""


# A module has the command NAME_cli and maybe its CONTEXT, or a function `register`.
COMMANDS: Dict[str, Listed] = {
    "convert": Listed(
        "Convert a corpus: column files of every kind, JSON lines of annotation tools, tokenised text or a bitext to "
        "DocBin, .iob or .txt."
    ),
    "convert-model": Listed("Convert NLLB-200, M2M-100 or Marian (OPUS-MT) for xner.CTranslate2.v1."),
    "align": Listed("Align the words of parallel sentences."),
    "project": Listed("Project the entities of labelled sentences onto their translations."),
    "assemble": Listed(
        "Build a teacher from its config: load its models, let its aligner and projector learn from the bitext, and "
        "write it to a folder."
    ),
    "annotate": Listed("Annotate a corpus into DocBin shards."),
    "bench": Listed(
        "Run a benchmark in a checkout of the repository, or in a folder of it (NAME --help for its options)."
    ),
    "evaluate": Listed(
        "Entity precision, recall and F1 with 95% bootstrap intervals, per type, per length, and by kind of error."
    ),
    "compare": Listed("Paired test of the difference in F1 (approximate randomisation over sentences, two-sided)."),
    "report": Listed("Show F1 with 95% intervals of several systems side by side, and keep the table in a page."),
    "init-config": Listed(
        "Write the whole config of a `teacher`, of a `student` that learns from what it labels, or of the `source` "
        "pipeline that it asks; or copy a config of your own."
    ),
    "model-card": Listed(
        "Write a filled meta.json for a student: what it is made of, under which licences, and how good it is."
    ),
    "info": Listed("Versions of what is installed, external programs, and the registered parts."),
    "distill": Listed(
        "Mix teachers: the weighted mean of their distributions over tags, and the entities that follow from it."
    ),
    "retype": Listed("Give the names of a labelled corpus the types that the whole corpus supports."),
    "select": Listed(
        "Filter a corpus: by the teacher's confidence, by how little a language discriminator sees in it, or to where "
        "two teachers agree."
    ),
    "split": Listed("Split a corpus at random into training and development data; the same text is never in both."),
    "calibrate": Listed(
        "Fit a student's span scores on projected development data: their temperature, and what is taken off the "
        "scores of O."
    ),
    "vectors": Listed(
        "Train vectors in which translations lie near each other, for a model that is applied to another language."
    ),
    "plan": Listed(
        "What there is for a language (translators, tokenizer, labelled data, relatives), and which arm to expect to "
        "win."
    ),
    "export": Listed(
        "Sentences of a labelled corpus for an annotation tool, the most useful ones first, with the entities that the "
        "pipeline proposes, their scores, and the reading in the source language.",
        "xner_spacy.cli.exchange",
    ),
    "import": Listed("Corrected sentences back from an annotation tool.", "xner_spacy.cli.exchange"),
    "view": Listed(
        "Look at what was labelled, and why: text, reading, links, spans with scores, and what was dropped."
    ),
    # The recipe stands on the commands.
    "new": Listed(
        "Make a project for a language of your own: `spacy project run all` in it makes the pipeline.",
        "xner_spacy.recipe.commands",
    ),
    "study": Listed("How F1 depends on the amounts of labelled source and of target text."),
    "recipe": Listed(
        "The steps of a project that `xner new` made, as its project.yml calls them.", "xner_spacy.recipe.commands"
    ),
}
SETTINGS: Dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


def registered(name: str) -> typer.Typer:
    """RETURNS (typer.Typer): A command, maybe among others of its module, which is imported now."""
    prepare()
    alone = typer.Typer(**SETTINGS)
    module_name = name.replace("-", "_")
    module = import_module(COMMANDS[name].module or f"{__package__}.{module_name}")
    if hasattr(module, "register"):
        module.register(alone)
    else:
        settings = getattr(module, "CONTEXT", None)
        alone.command(name, context_settings=settings)(getattr(module, f"{module_name}_cli"))
    return alone


class Commands(TyperGroup):
    """The commands of `xner`. Only the module of the one that is called is imported; spaCy with it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, context: Any, name: str) -> Any:
        """RETURNS (Any): A command or group; None if there is none of this name."""
        if name in COMMANDS and self.commands[name] is None:
            self.commands.update(typer.main.get_group(registered(name)).commands)
        return self.commands.get(name)

    def format_commands(self, context: Any, formatter: Any) -> None:
        """Write the list of commands in the help."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        rows = [(name, command.get_short_help_str(limit)) for name, command in _as_listed().items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def shell_complete(self, context: Any, incomplete: str) -> List[Any]:
        """RETURNS (List[Any]): The commands and options that begin like this, for the Tab key of a shell."""
        listed = TyperGroup(name="xner", commands=_as_listed(), params=self.params)
        return listed.shell_complete(type(context)(listed, info_name="xner"), incomplete)


def _as_listed() -> Dict[str, Any]:
    return {name: TyperCommand(name, help=listed.text) for name, listed in COMMANDS.items()}


app = typer.Typer(name="xner", no_args_is_help=True, cls=Commands, **SETTINGS)


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
        if isinstance(error, _config_errors()):
            return _fail(f"A configuration does not hold{command_line}.", str(error).strip())
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


def _config_errors() -> Tuple[Type[Exception], ...]:
    # Imported when there is an error that may be one: the help needs neither.
    from catalogue import RegistryError
    from confection import ConfigValidationError

    return RegistryError, ConfigValidationError


def _interrupted() -> int:
    return _fail("Interrupted.", "What was written is whole; the command can be run again.")


def _fail(title: str, hint: str = "") -> int:
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    with suppress(OSError, ValueError):
        typer.echo(message("fail", title, hint), err=True)
    return 1
