"""Put the public data sets where the workflows look for them: `assets/downloads`.

A folder that holds them already (`--shared`) is linked to; without one they are fetched by `spacy project assets --extra`.
"""

import subprocess
import sys
from pathlib import Path

import typer

LINKS = {
    "masakhaner2": "masakhaner2",
    "mafand": "mafand",
    "wikineural": "english-ner/wikineural",
    "wikigold": "english-ner/wikigold",
    "btc": "english-ner/btc",
    "wnut17": "english-ner/wnut17",
    "uner-ewt": "uner/en_ewt",
}


def main(shared: Path = Path("../shared/data"), downloads: Path = Path("assets/downloads")) -> None:
    """Link to the data sets in SHARED, or fetch them."""
    downloads.mkdir(parents=True, exist_ok=True)
    if shared.is_dir():
        for name, place in LINKS.items():
            link = downloads / name
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to((shared / place).resolve(), target_is_directory=True)
        typer.echo(f"Data sets from {shared}")
    else:
        typer.echo("Fetching the data sets (spacy project assets --extra)")
        code = subprocess.call([sys.executable, "-m", "weasel", "assets", ".", "--extra"])
        if code:
            raise typer.Exit(code)


if __name__ == "__main__":
    typer.run(main)
