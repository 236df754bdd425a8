"""Put public data sets where a project looks for them: `assets/downloads`.

A folder that holds them already (`--shared`) is linked to; without one they are fetched by `spacy project assets --extra`.
"""

import subprocess
import sys
from pathlib import Path
from typing import List

import typer

# Where a data set lies in the shared folder, if not under its own name.
PLACES = {
    "wikineural": "english-ner/wikineural",
    "wikigold": "english-ner/wikigold",
    "btc": "english-ner/btc",
    "wnut17": "english-ner/wnut17",
    "uner-ewt": "uner/en_ewt",
}


def main(
    names: List[str] = typer.Argument(..., help="Data sets: the names of their folders in assets/downloads."),
    shared: Path = typer.Option(..., help="A folder that may hold them."),
    downloads: Path = typer.Option(Path("assets/downloads"), help="Where the project looks for them."),
) -> None:
    """Link to the data sets in SHARED, or fetch them."""
    downloads.mkdir(parents=True, exist_ok=True)
    if shared.is_dir():
        for name in names:
            link = downloads / name
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to((shared / PLACES.get(name, name)).resolve(), target_is_directory=True)
        typer.echo(f"Data sets from {shared}")
    else:
        typer.echo("Fetching the data sets (spacy project assets --extra)")
        code = subprocess.call([sys.executable, "-m", "weasel", "assets", ".", "--extra"])
        if code:
            raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
