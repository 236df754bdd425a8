"""`xner evaluate`: how good predicted entities or links are."""

from pathlib import Path
from typing import Callable, List, Optional, Tuple

from ..corpora.formats.pharaoh import read_pharaoh
from ..corpora.labelled import read_tagged, require_same_words
from ..errors import XnerError
from ..evaluation.alignments import evaluate_links, read_gold_links
from ..evaluation.entities import evaluate as evaluate_entities
from ..evaluation.sides import lay_out
from ..types import Json, PathLike
from .options import JSON, LABELS, SAMPLES, SEED, command
from .output import percent, say, table, warn, write_json


def evaluate(
    gold: PathLike, predicted: PathLike, *, labels: Optional[List[str]] = None, samples: int = 1000, seed: int = 0
) -> Json:
    """Entity precision, recall and F1 with 95% bootstrap intervals, per type, per length, and by kind of error.

    With --links: alignment error rate, precision and recall of word links.

    gold (PathLike): Gold corpus: .iob, .spacy or a folder of shards.
    predicted (PathLike): The same sentences with predicted entities.
    labels (Optional[List[str]]): Labels that may occur, comma-separated; any other is an error.
    samples (int): Bootstrap resamples.
    seed (int): Seed of the resampling.
    RETURNS (Json): See `xner_spacy.evaluation.entities.evaluate`, and `notes`, see `xner_spacy.evaluation.sides.Sides`.
    RAISES: InputError at the first difference in the text, and for a label that is not among `labels`.
    """
    g, p = read_tagged(gold, labels), read_tagged(predicted, labels)
    require_same_words(gold, g, predicted, p)
    sides = lay_out(gold, g, p)
    scores = evaluate_entities(sides.gold, sides.predicted[0], samples=samples, seed=seed)
    return {**scores, "notes": sides.notes}


@command(evaluate, gold="GOLD", predicted="PRED", json_path=JSON, labels=LABELS, samples=SAMPLES, seed=SEED)
def evaluate_cli(
    call: Callable[[], Json],
    gold: PathLike,
    predicted: PathLike,
    labels: Optional[List[str]],
    samples: int,
    seed: int,
    json_path: Optional[Path] = None,
    links: bool = False,
    one_indexed: bool = False,
    reverse: bool = False,
) -> None:
    """Show the figures, of entities or of links.

    json_path (Optional[Path]): Write the figures here too.
    links (bool): GOLD and PRED are word links (i-j; in GOLD ipj is a possible one).
    one_indexed (bool): With --links: positions in GOLD count from 1.
    reverse (bool): With --links: GOLD has the target first.
    """
    if links and labels is not None:
        raise XnerError("--labels is of entities.", "Leave it out with --links.")
    if not links and (one_indexed or reverse):
        raise XnerError("--one-indexed and --reverse are of word links.", "Give --links with them.")
    if links:
        rates = evaluate_link_files(
            gold, predicted, one_indexed=one_indexed, reverse=reverse, samples=samples, seed=seed
        )
        write_json(json_path, rates)
        say(render_links(rates))
        return
    scores = call()
    write_json(json_path, scores)
    say(render(scores))
    for title, text in remarks(scores["notes"]):
        warn(title, text)


def remarks(notes: Json) -> List[Tuple[str, str]]:
    """RETURNS (List[Tuple[str, str]]): What a reader of the figures has to know, titles and texts."""
    found = []
    edges, missing = notes["whitespace_edges"], notes["missing"]
    for side, what in (("gold", "freed of it"), ("predicted", "counted as wrong")):
        if edges[side]:
            title = f"{side} entities with whitespace at their edges: {edges[side]:,}"
            found.append((title, f"They are {what}: no whitespace belongs to an entity."))
    if missing["gold_tokens"]:
        title = f"gold tokens without annotation: {missing['gold_tokens']:,}"
        text = "Predicted entities that touch them are neither right nor wrong; left out: "
        found.append((title, f"{text}{missing['predicted_left_out']:,}."))
    if missing["sentences_without_predictions"]:
        title = f"sentences without any prediction: {missing['sentences_without_predictions']:,}"
        text = "Of none of their tokens is it said whether it is in an entity; they count as without entities."
        found.append((title, text))
    for side, where, other in (("gold", "gold", "predictions"), ("predicted", "the predictions", "gold")):
        if labels := notes["labels_only_in"][side]:
            title = f"labels in {where} alone: {', '.join(f'{label} ({n:,} entities)' for label, n in labels.items())}"
            found.append((title, f"None of the {other} has them; `xner convert --label-map` translates labels."))
    return found


def evaluate_link_files(
    gold: PathLike,
    predicted: PathLike,
    *,
    one_indexed: bool = False,
    reverse: bool = False,
    samples: int = 1000,
    seed: int = 0,
) -> Json:
    """Compare a Pharaoh file with gold links.

    RETURNS (Json): See `xner_spacy.evaluation.alignments.evaluate_links`. RAISES: InputError, or XnerError if the files differ in length.
    """
    return evaluate_links(
        read_gold_links(gold, one_indexed=one_indexed, reverse=reverse),
        read_pharaoh(predicted),
        samples=samples,
        seed=seed,
        names=(str(gold), str(predicted)),
    )


def render_links(rates: Json) -> str:
    """RETURNS (str): The figures as a table."""

    def interval(name: str) -> str:
        low, high = rates[f"{name}_interval"]
        return f"{percent(low)}-{percent(high)}"

    row = [*(percent(rates[name]) for name in ("aer", "precision", "recall", "f1")), interval("aer"), interval("f1")]
    header = ["AER", "P", "R", "F1", "AER 95% interval", "F1 95% interval"]
    return f"{table(header, [row])}\n{rates['pairs']} sentence pairs, {rates['links']} links."


def render(scores: Json) -> str:
    """RETURNS (str): The figures as a table and a line on the errors."""

    def row(name: str, r: Json) -> List[str]:
        low, high = r.get("f1_interval", (None, None))
        interval = f"{percent(low)}-{percent(high)}" if low is not None else ""
        return [name, *(percent(r[k]) for k in ("precision", "recall", "f1")), interval, r["gold"], r["predicted"]]

    rows = [row("all", scores)]
    rows += [row(label, r) for label, r in scores["per_type"].items()]
    rows += [row(f"length {n}", r) for n, r in scores["per_length"].items() if r["gold"]]
    errors = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in scores["errors"].items() if name != "correct")
    header = ["", "P", "R", "F1", "95% interval", "gold", "predicted"]
    return f"{table(header, rows)}\n{scores['sentences']} sentences. Errors: {errors}.\n{scores['signature']}"
