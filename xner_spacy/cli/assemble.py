"""`xner assemble`: a teacher from its config."""

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import typer
from confection import Config
from spacy.language import Language
from spacy.util import get_sourced_components, import_file, load_model_from_config

from ..corpora.pipelines import explained
from ..corpora.reading import read_config
from ..corpora.writing import folder_written_aside
from ..errors import InputError, XnerError, in_one_line
from ..progress import show_step, shown_by, step
from ..types import PathLike
from .options import parse_overrides
from .output import done

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def assemble(
    config: PathLike,
    output: PathLike,
    *,
    overrides: Optional[Mapping[str, Any]] = None,
    code: Optional[PathLike] = None,
) -> Language:
    """Build the pipeline of a config, let its parts learn from the files that the config names, and write it. It does
    what `spacy assemble` does, with one message for an error; and nothing is written before everything has succeeded.

    config (PathLike): The config, such as `xner init-config teacher` writes.
    output (PathLike): The folder of the pipeline. A pipeline that is there is replaced.
    overrides (Optional[Mapping[str, Any]]): Settings in place of the config's, by dotted name.
    code (Optional[PathLike]): A Python file to import first, which registers functions that the config names.
    RETURNS (Language): The pipeline. RAISES: XnerError for anything in the config or its files that does not hold, and
        if `output` holds something else than a pipeline.
    """
    _check_place(Path(output))
    loaded = read_config(config, overrides=overrides)
    if not isinstance(loaded.get("nlp"), dict):
        hint = "Write one with `xner init-config teacher`."
        raise InputError("has no section [nlp], so it is no config of a pipeline.", config, hint=hint)
    if code is not None:
        _import(code)
    try:
        nlp = _assembled(loaded)
    except XnerError:
        raise
    # What spaCy and other packages raise for a setting or a file of the user.
    except (ValueError, TypeError, ImportError, LookupError, OSError) as error:
        known = explained(str(config), error)
        if known is not None:
            raise known from error
        message = f"{config}: the pipeline can't be assembled ({type(error).__name__}: {in_one_line(error)})."
        raise XnerError(message, "Mend the setting or the file that is named.") from error
    with step(f"Writing {output}"), folder_written_aside(output) as folder:
        nlp.to_disk(folder)
        stale = _stale_files(Path(output), folder)
    for file in stale:
        file.unlink(missing_ok=True)
    return nlp


def _assembled(config: Config) -> Language:
    nlp = load_model_from_config(config, auto_fill=True)
    sourced = get_sourced_components(config.interpolate())
    # Listeners must know the components that they listen to before they are initialised.
    nlp._link_components()
    with nlp.select_pipes(disable=[*sourced]):
        nlp.initialize()
    return nlp


def _check_place(output: Path) -> None:
    """RAISES: XnerError if something else than a pipeline is at the place of the output."""
    if output.exists() and not output.is_dir():
        raise XnerError(f"{output} is not a folder.", "Give another place for the pipeline.")
    if output.is_dir() and any(output.iterdir()) and not (output / "config.cfg").is_file():
        raise XnerError(f"{output} is not empty, and holds no pipeline.", "Give another folder, or empty it.")


def _import(code: PathLike) -> None:
    if not Path(code).is_file():
        raise InputError("no such file.", code)
    try:
        import_file("python_code", code)
    # The user's own code may raise anything.
    except Exception as error:
        raise InputError(f"can't be imported ({type(error).__name__}: {in_one_line(error)}).", code) from error


def _stale_files(output: Path, written: Path) -> List[Path]:
    """RETURNS (List[Path]): Files of the former pipeline's components that the new one does not have: spaCy would load
    them into its components.
    """
    stale = []
    for folder in written.iterdir():
        if folder.is_dir():
            old = (output / folder.name).rglob("*")
            stale += [file for file in old if file.is_file() and not (written / file.relative_to(output)).exists()]
    return stale


def assemble_cli(
    context: typer.Context,
    config: Path = typer.Argument(..., metavar="CONFIG", help="The config, as `xner init-config teacher` writes it."),
    output: Path = typer.Argument(..., metavar="OUT", help="Where the pipeline goes: a folder."),
    code: Optional[Path] = typer.Option(
        None, "--code", "-c", help="A Python file to import first, which registers functions that the config names."
    ),
) -> None:
    """Build a teacher from its config: load its models, let its aligner and projector learn from the bitext, and write
    it to a folder. Any setting can be given in place of the config's: --paths.source_text en.txt
    """
    overrides: Dict[str, Any] = parse_overrides(context.args)
    with shown_by(show_step):
        nlp = assemble(config, output, overrides=overrides, code=code)
    done(f"Pipeline of {', '.join(nlp.pipe_names)}", f"{output}{os.sep}")
