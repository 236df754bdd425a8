"""`xner compare`: do two systems differ?"""

from pathlib import Path
from typing import Callable, List, Optional

from ..evaluation.entities import compare as compare_entities
from ..evaluation.sides import read_sides
from ..types import Json, PathLike
from .evaluate import tell_notes
from .options import command
from .output import percent, say, write_json


def compare(
    gold: PathLike,
    pred_a: PathLike,
    pred_b: PathLike,
    *,
    labels: Optional[List[str]] = None,
    only: Optional[List[str]] = None,
    samples: int = 10000,
    seed: int = 0,
) -> Json:
    """Paired test of the difference in F1 (approximate randomisation over sentences, two-sided).

    gold (PathLike): Gold corpus: .iob, .spacy or a folder of shards.
    pred_a (PathLike): One system's predictions.
    pred_b (PathLike): The other's.
    labels (Optional[List[str]]): Labels that may occur, comma-separated; any other is an error.
    only (Optional[List[str]]): Compare these labels alone, comma-separated; entities with others are left out.
    samples (int): Resamples.
    seed (int): Seed of the resampling.
    RETURNS (Json): See `xner_spacy.evaluation.entities.compare`, and `notes`, see `xner_spacy.evaluation.sides.Sides`.
    RAISES: InputError at the first difference in the text, and for a label that is not among `labels`.
    """
    sides = read_sides(gold, pred_a, pred_b, labels=labels, only=only)
    result = compare_entities(sides.gold, *sides.predicted, samples=samples, seed=seed)
    if only is not None:
        result["signature"] += f"|only:{','.join(sorted(set(only)))}"
    common = sides.common_labels()
    if common and any(sides.notes["labels_only_in"].values()):
        of_common = sides.only(common)
        rates = compare_entities(of_common.gold, *of_common.predicted, samples=samples, seed=seed)
        names = ("f1_a", "f1_b", "difference", "difference_interval", "p_value")
        result["common_labels"] = {"labels": common, **{name: rates[name] for name in names}}
    return {**result, "notes": sides.notes}


@command(compare, gold="GOLD", pred_a="PRED_A", pred_b="PRED_B")
def compare_cli(call: Callable[[], Json], json_path: Optional[Path] = None) -> None:
    """Print the difference.

    json_path (Optional[Path]): Write the figures here too.
    """
    result = call()
    write_json(json_path, result)
    common = result.get("common_labels")
    lines = [_line(result)] + ([f"{_line(common)}  (only {', '.join(common['labels'])})"] if common else [])
    say("\n".join([*lines, result["signature"]]))
    tell_notes(result["notes"], common["labels"] if common else ())


def _line(result: Json) -> str:
    low, high = result["difference_interval"]
    return (
        f"A {percent(result['f1_a'])}  B {percent(result['f1_b'])}  "
        f"A - B {percent(result['difference'])} [{percent(low)}, {percent(high)}]  p = {result['p_value']:.4f}"
    )
