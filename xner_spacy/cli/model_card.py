"""`xner model-card`: the metadata of a student, for `spacy package --meta-path`."""

from pathlib import Path
from typing import Callable, List, Optional

from typing_extensions import NotRequired, TypedDict

from ..about import __version__
from ..corpora.reading import read_config, read_json, read_yaml
from ..corpora.writing import write_json
from ..errors import InputError
from ..evaluation.calibration import NO_SCORES
from ..evaluation.entities import read_scores
from ..types import Json, PathLike
from .options import command
from .output import done, percent, percent_range
from .overrides import find_origin


class _Source(TypedDict):
    name: str
    license: str


class _Card(TypedDict):
    description: str
    license: str
    author: NotRequired[Optional[str]]
    url: NotRequired[Optional[str]]
    email: NotRequired[Optional[str]]
    notes: NotRequired[Optional[str]]
    sources: NotRequired[Optional[List[_Source]]]


class _Meta(TypedDict):
    name: str
    version: str


def model_card(
    model: PathLike,
    output: PathLike,
    *,
    sources: PathLike,
    scores: Optional[PathLike] = None,
    teacher: Optional[PathLike] = None,
    teacher_model: Optional[PathLike] = None,
    name: Optional[str] = None,
    version: Optional[str] = None,
) -> Json:
    """Write a filled meta.json for a student: what it is made of, under which licences, and how good it is.

    model (PathLike): The trained student.
    output (PathLike): Where the metadata goes.
    sources (PathLike): YAML: description, license, author, and the list of sources.
    scores (Optional[PathLike]): The student's figures (xner evaluate --json). Without a gold test set there are none.
    teacher (Optional[PathLike]): The teacher's figures.
    teacher_model (Optional[PathLike]): The teacher's folder: the card names its settings.
    name (Optional[str]): Package name, without the language.
    version (Optional[str]): Package version.
    RETURNS (Json): The metadata. Its `xner.signature` has the test's signature, and the settings of the student (and the
        teacher) that are others than those of `xner init-config`. RAISES: InputError for a file that is missing or lacks something, and for a source
        without name or licence.
    """
    meta: Json = read_json(Path(model) / "meta.json", _Meta, hint="Give the folder of a trained pipeline.")
    card: Json = read_yaml(sources, _Card)
    result = read_scores(scores) if scores else None
    source_list = card.get("sources") or []
    if not all(source["name"].strip() and source["license"].strip() for source in source_list):
        raise InputError("every source needs a name and a license.", sources)
    meta.update(name=name or meta["name"], version=version or meta["version"])
    meta.update(description=card["description"].strip())
    meta.update({key: card.get(key) or "" for key in ("author", "url", "email")})
    meta.update(license=card["license"], sources=source_list)
    origins = {"student": model, "teacher": teacher_model}
    made_from = {name: find_origin(folder) for name, folder in origins.items() if folder is not None}
    lines = [_notes(card, result, read_scores(teacher) if teacher else None)]
    lines += [f"The {name}'s config: `{origin.signature()}`." for name, origin in made_from.items() if origin]
    if not _gives_scores(model):
        lines.append(f"Its entities have no scores: {NO_SCORES}")
    meta["notes"] = "\n\n".join([*lines, f"Made with xner-spacy {__version__}."])
    measures = ("f1", "precision", "recall")
    signature = [f"{name}:{origin.signature()}" for name, origin in made_from.items() if origin]
    meta["xner"] = {
        "version": __version__,
        "made_from": {
            name: origin and {"base": origin.base, "changed": origin.changed} for name, origin in made_from.items()
        },
    }
    if result is None:
        # What spaCy measured is agreement with projected labels, which says little about the truth.
        meta["performance"] = {}
    else:
        per_type = {label: {rate[0]: row[rate] for rate in measures} for label, row in result["per_type"].items()}
        meta["performance"] = {**{f"ents_{rate[0]}": result[rate] for rate in measures}, "ents_per_type": per_type}
        signature.insert(0, result["signature"])
        meta["xner"]["scores"] = result
    meta["xner"]["signature"] = "|".join(signature)
    write_json(output, meta)
    return meta


@command(model_card, model="MODEL", output="META.json")
def model_card_cli(call: Callable[[], Json], output: PathLike) -> None:
    """Print where it was written."""
    call()
    done("Metadata", output)


def _gives_scores(model: PathLike) -> bool:
    """RETURNS (bool): Whether a pipeline has something else than spaCy's ner that sets entities."""
    factories = {part.get("factory") for part in read_config(Path(model) / "config.cfg").get("components", {}).values()}
    return "ner" not in factories or "xner_student" in factories


def _notes(card: Json, result: Optional[Json], teacher: Optional[Json]) -> str:
    lines = [(card.get("notes") or "").strip()]
    if result is None:
        lines.append("How good it is has not been measured: there was no gold test set.")
    else:
        lines.append(
            f"Gold test set: F1 {percent(result['f1'])} (95% interval {percent_range(result['f1_interval'])}, "
            f"{result['sentences']} sentences, {result['gold']} entities)."
        )
    if teacher:
        interval = percent_range(teacher["f1_interval"])
        lines.append(f"The teacher it learned from: F1 {percent(teacher['f1'])} ({interval}).")
    return "\n\n".join(line for line in lines if line)
