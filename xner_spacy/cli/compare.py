"""`xner compare`: do two systems differ?"""

from pathlib import Path
from typing import List, Optional

import typer

from ..corpora.files import PathLike
from ..corpora.labelled import read_tagged, require_same_words
from ..evaluation.entities import compare as compare_entities
from ..evaluation.sides import lay_out
from ..types import Json
from .evaluate import remarks
from .options import label_list, samples_option, seed_option
from .output import percent, say, warn, write_json


def register(app: typer.Typer) -> None:
    app.command("compare")(compare_cli)


def compare_cli(
    gold: Path = typer.Argument(..., metavar="GOLD", help="Gold corpus: .iob, .spacy or a folder of shards."),
    pred_a: Path = typer.Argument(..., metavar="PRED_A", help="One system's predictions."),
    pred_b: Path = typer.Argument(..., metavar="PRED_B", help="The other's."),
    json_path: Optional[Path] = typer.Option(None, "--json", help="Write the figures here too."),
    labels: Optional[str] = typer.Option(
        None, "--labels", help="Labels that may occur, comma-separated; any other is an error."
    ),
    samples: int = samples_option(10000, "Resamples."),
    seed: int = seed_option("resampling"),
) -> None:
    """Paired test of the difference in F1 (approximate randomisation over sentences, two-sided)."""
    result = compare(gold, pred_a, pred_b, labels=label_list(labels), samples=samples, seed=seed)
    write_json(json_path, result)
    low, high = result["difference_interval"]
    say(
        f"A {percent(result['f1_a'])}  B {percent(result['f1_b'])}  "
        f"A - B {percent(result['difference'])} [{percent(low)}, {percent(high)}]  "
        f"p = {result['p_value']:.4f}\n{result['signature']}"
    )
    for title, text in remarks(result["notes"]):
        warn(title, text)


def compare(
    gold: PathLike,
    pred_a: PathLike,
    pred_b: PathLike,
    *,
    labels: Optional[List[str]] = None,
    samples: int = 10000,
    seed: int = 0,
) -> Json:
    """Compare two systems on the same sentences.

    RETURNS (Json): See `xner_spacy.evaluation.entities.compare`, and `notes`, see `xner_spacy.evaluation.sides.Sides`.
    RAISES: InputError at the first difference in the text, and for a label that is not among `labels`.
    """
    g, a, b = (read_tagged(path, labels) for path in (gold, pred_a, pred_b))
    for path, side in ((pred_a, a), (pred_b, b)):
        require_same_words(gold, g, path, side)
    sides = lay_out(gold, g, a, b)
    result = compare_entities(sides.gold, *sides.predicted, samples=samples, seed=seed)
    return {**result, "notes": sides.notes}
