"""`xner compare`: do two systems differ?"""

from pathlib import Path
from typing import Optional

import typer

from ..corpora.files import PathLike
from ..corpora.load import read_tagged, require_same_words
from ..evaluation.entities import compare as compare_entities
from ..types import Json
from .options import samples_option, seed_option
from .output import percent, say, write_json


def register(app: typer.Typer) -> None:
    app.command("compare")(compare_cli)


def compare_cli(
    gold: Path = typer.Argument(
        ..., metavar="GOLD", help="Gold corpus: .iob, .spacy or a folder of shards."
    ),
    pred_a: Path = typer.Argument(..., metavar="PRED_A", help="One system's predictions."),
    pred_b: Path = typer.Argument(..., metavar="PRED_B", help="The other's."),
    json_path: Optional[Path] = typer.Option(None, "--json", help="Write the figures here too."),
    samples: int = samples_option(10000, "Resamples."),
    seed: int = seed_option("resampling"),
) -> None:
    """Paired test of the difference in F1 (approximate randomisation over sentences, two-sided)."""
    result = compare(gold, pred_a, pred_b, samples=samples, seed=seed)
    write_json(json_path, result)
    low, high = result["difference_interval"]
    say(
        f"A {percent(result['f1_a'])}  B {percent(result['f1_b'])}  "
        f"A - B {percent(result['difference'])} [{percent(low)}, {percent(high)}]  "
        f"p = {result['p_value']:.4f}\n{result['signature']}"
    )


def compare(
    gold: PathLike, pred_a: PathLike, pred_b: PathLike, *, samples: int = 10000, seed: int = 0
) -> Json:
    """Compare two systems on the same sentences. RETURNS (Json): See `xner_spacy.evaluation.entities.compare`."""
    sides = [read_tagged(path) for path in (gold, pred_a, pred_b)]
    for path, side in ((pred_a, sides[1]), (pred_b, sides[2])):
        require_same_words(gold, sides[0], path, side)
    g, a, b = ([s.entities for s in side] for side in sides)
    return compare_entities(g, a, b, samples=samples, seed=seed)
