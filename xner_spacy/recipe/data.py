"""The step `data`: the English data sets, fetched once, or linked from a folder that holds them already."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

import typer

from ..cli.output import done, say
from ..corpora.writing import folder_written_aside
from ..errors import XnerError
from .layout import Project

# Where a data set lies in the folder of --shared, if not under its own name.
PLACES = {
    "wikineural": "english-ner/wikineural",
    "wikigold": "english-ner/wikigold",
    "btc": "english-ner/btc",
    "wnut17": "english-ner/wnut17",
    "uner-ewt": "uner/en_ewt",
}


def find_data(project: Path, names: List[str], shared: Optional[Path] = None) -> None:
    """Put data sets where a project looks for them, `assets/downloads`.

    project (Path): The folder of the project. names (List[str]): The names of the data sets there.
    shared (Optional[Path]): A folder that may hold them. What it has is linked to (or copied); everything else is fetched by
        `spacy project assets --extra`.
    RAISES: XnerError if they can't be fetched.
    """
    downloads = project / "assets" / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    for name in names:
        places = [shared / name, shared / PLACES.get(name, name)] if shared else []
        place = next((place for place in places if place.is_dir()), None)
        link = downloads / name
        if place is not None and not link.exists():
            link.unlink(missing_ok=True)
            _link_or_copy(link, place)
    missing = [name for name in names if not (downloads / name).exists()]
    if missing:
        say(f"Fetching {', '.join(missing)} (spacy project assets --extra)")
        command = [sys.executable, "-m", "weasel", "assets", str(project), "--extra"]
        fetched = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf8", errors="replace", check=False)
        missing = [name for name in names if not (downloads / name).exists()]
        if fetched.returncode or missing:
            reasons = [line.strip() for line in fetched.stderr.splitlines() if line.strip()]
            reason = next((line for line in reasons if line.startswith(("fatal:", "error:"))), "".join(reasons[-1:]))
            raise XnerError(
                f"Data sets could not be fetched: {', '.join(missing or names)}{f' ({reason[:300]})' if reason else ''}.",
                "They need git and the network. Without network: --vars.shared FOLDER names a folder that holds them; or "
                "name an English pipeline in the folder english/, then none is needed.",
            )
    done(f"Data sets: {', '.join(names)}", downloads)


def _link_or_copy(link: Path, place: Path) -> None:
    """Link to a folder; or copy it where links are not allowed, as on Windows without developer mode."""
    try:
        link.symlink_to(place.resolve(), target_is_directory=True)
    except (OSError, NotImplementedError):
        with folder_written_aside(link) as temporary:
            shutil.copytree(place, temporary, dirs_exist_ok=True)


def data_cli(
    names: Optional[List[str]] = typer.Argument(
        None, help="Data sets, by their names in assets/downloads. Without names: the English ones, if they are needed."
    ),
    shared: str = typer.Option("", "--shared", help="A folder that may hold them already."),
    project: Path = typer.Option(Path(), "--project", help="The folder of the project."),
) -> None:
    """Find or fetch the data sets that the English pipelines learn from."""
    if not names:
        if Project(project).inputs()["english"]:
            say("No English data needed: the folder english/ names a pipeline.")
            return
        names = list(PLACES)
    find_data(project, names, Path(shared) if shared else None)
