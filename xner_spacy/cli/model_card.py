"""`xner model-card`: the metadata of a student, for `spacy package --meta-path`."""

from pathlib import Path
from typing import Any, Dict, List, Optional

import srsly
import typer

from ..about import __version__
from ..corpora.files import PathLike
from ..corpora.writing import atomic_write
from ..errors import InputError
from ..types import Json
from .output import done, percent


def register(app: typer.Typer) -> None:
    app.command("model-card")(model_card_cli)


def model_card_cli(
    model: Path = typer.Argument(..., metavar="MODEL", help="The trained student."),
    output: Path = typer.Argument(..., metavar="META.json", help="Where the metadata goes."),
    sources: Path = typer.Option(
        ..., "--sources", help="YAML: description, license, author, and the list of sources."
    ),
    scores: Path = typer.Option(
        ..., "--scores", help="The student's figures (xner evaluate --json)."
    ),
    teacher: Optional[Path] = typer.Option(None, "--teacher", help="The teacher's figures."),
    name: Optional[str] = typer.Option(None, "--name", help="Package name, without the language."),
    version: Optional[str] = typer.Option(None, "--version", help="Package version."),
) -> None:
    """Write a filled meta.json for a student: what it is made of, under which licences, and how good it is."""
    model_card(model, output, sources=sources, scores=scores, teacher=teacher, name=name, version=version)  # fmt: skip
    done("Metadata", output)


def model_card(
    model: PathLike,
    output: PathLike,
    *,
    sources: PathLike,
    scores: PathLike,
    teacher: Optional[PathLike] = None,
    name: Optional[str] = None,
    version: Optional[str] = None,
) -> Json:
    """Fill a student's metadata. Arguments are those of the command.

    RETURNS (Json): The metadata. RAISES: InputError for a missing file or a source without name or licence.
    """
    files = {"model": Path(model) / "meta.json", "sources": Path(sources), "scores": Path(scores)}
    for file in files.values():
        if not file.exists():
            raise InputError("no such file.", file)
    meta: Dict[str, Any] = srsly.read_json(files["model"])
    card: Dict[str, Any] = srsly.read_yaml(files["sources"])
    result: Json = srsly.read_json(files["scores"])
    for source in card.get("sources", []):
        if not source.get("name") or not source.get("license"):
            raise InputError("every source needs a name and a license.", sources)
    meta.update(
        {
            "name": name or meta["name"],
            "version": version or meta["version"],
            "description": card["description"].strip(),
            "author": card.get("author", ""),
            "url": card.get("url", ""),
            "email": card.get("email", ""),
            "license": card["license"],
            "sources": card.get("sources", []),
            "notes": _notes(card, result, srsly.read_json(teacher) if teacher else None),
        }
    )
    meta["performance"] = {
        **{f"ents_{k[0]}": result[k] for k in ("f1", "precision", "recall")},
        "ents_per_type": {
            label: {k[0]: row[k] for k in ("precision", "recall", "f1")}
            for label, row in result["per_type"].items()
        },
    }
    meta["xner"] = {
        "version": __version__,
        "scores": result,
        "signature": result["signature"],
    }
    with atomic_write(output) as handle:
        handle.write(srsly.json_dumps(meta, indent=2) + "\n")
    return meta


def _notes(card: Json, result: Json, teacher: Optional[Json]) -> str:
    low, high = result["f1_interval"]
    lines: List[str] = [
        card.get("notes", "").strip(),
        f"Gold test set: F1 {percent(result['f1'])} (95% interval {percent(low)}-{percent(high)}, "
        f"{result['sentences']} sentences, {result['gold']} entities).",
    ]
    if teacher:
        low, high = teacher["f1_interval"]
        lines.append(
            f"The teacher it learned from: F1 {percent(teacher['f1'])} ({percent(low)}-{percent(high)})."
        )
    lines.append(f"Made with xner-spacy {__version__}.")
    return "\n\n".join(line for line in lines if line)
