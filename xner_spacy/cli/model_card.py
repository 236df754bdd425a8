"""`xner model-card`: the metadata of a student, for `spacy package --meta-path`."""

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from typing_extensions import NotRequired, TypedDict

from ..about import __version__
from ..corpora.reading import read_json, read_yaml
from ..corpora.writing import write_json
from ..errors import InputError
from ..evaluation.entities import read_scores
from ..types import Json, PathLike
from .options import command
from .output import done, percent, percent_range


class Source(TypedDict):
    """A source of a model: text, labels, another model."""

    name: str
    license: str


class Card(TypedDict):
    """What the YAML file must hold."""

    description: str
    license: str
    author: NotRequired[Optional[str]]
    url: NotRequired[Optional[str]]
    email: NotRequired[Optional[str]]
    notes: NotRequired[Optional[str]]
    sources: NotRequired[Optional[List[Source]]]


class Meta(TypedDict):
    """What the `meta.json` of a pipeline must hold."""

    name: str
    version: str


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
    """Write a filled meta.json for a student: what it is made of, under which licences, and how good it is.

    model (PathLike): The trained student.
    output (PathLike): Where the metadata goes.
    sources (PathLike): YAML: description, license, author, and the list of sources.
    scores (PathLike): The student's figures (xner evaluate --json).
    teacher (Optional[PathLike]): The teacher's figures.
    name (Optional[str]): Package name, without the language.
    version (Optional[str]): Package version.
    RETURNS (Json): The metadata. RAISES: InputError for a file that is missing or lacks something, and for a source
        without name or licence.
    """
    meta: Dict[str, Any] = read_json(Path(model) / "meta.json", Meta, hint="Give the folder of a trained pipeline.")
    card: Dict[str, Any] = read_yaml(sources, Card)
    result: Json = read_scores(scores)
    for source in card.get("sources") or []:
        if not source["name"].strip() or not source["license"].strip():
            raise InputError("every source needs a name and a license.", sources)
    meta.update(name=name or meta["name"], version=version or meta["version"])
    meta.update(description=card["description"].strip())
    meta.update({key: card.get(key) or "" for key in ("author", "url", "email")})
    meta.update(license=card["license"], sources=card.get("sources") or [])
    meta["notes"] = _notes(card, result, read_scores(teacher) if teacher else None)
    meta["performance"] = {
        **{f"ents_{k[0]}": result[k] for k in ("f1", "precision", "recall")},
        "ents_per_type": {
            label: {k[0]: row[k] for k in ("precision", "recall", "f1")} for label, row in result["per_type"].items()
        },
    }
    meta["xner"] = {"version": __version__, "scores": result, "signature": result["signature"]}
    write_json(output, meta)
    return meta


@command(model_card, model="MODEL", output="META.json")
def model_card_cli(call: Callable[[], Json], output: PathLike) -> None:
    """Say where it lies."""
    call()
    done("Metadata", output)


def _notes(card: Json, result: Json, teacher: Optional[Json]) -> str:
    lines: List[str] = [
        (card.get("notes") or "").strip(),
        f"Gold test set: F1 {percent(result['f1'])} (95% interval {percent_range(result['f1_interval'])}, "
        f"{result['sentences']} sentences, {result['gold']} entities).",
    ]
    if teacher:
        interval = percent_range(teacher["f1_interval"])
        lines.append(f"The teacher it learned from: F1 {percent(teacher['f1'])} ({interval}).")
    lines.append(f"Made with xner-spacy {__version__}.")
    return "\n\n".join(line for line in lines if line)
