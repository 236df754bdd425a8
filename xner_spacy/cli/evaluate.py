"""`xner evaluate`: how good predicted entities or links are."""

from pathlib import Path
from typing import List, Optional

import typer

from ..alignment.pharaoh import read_pharaoh
from ..corpora.files import PathLike
from ..corpora.load import read_tagged, require_same_words
from ..evaluation.alignments import evaluate_links, read_gold_links
from ..evaluation.entities import evaluate as evaluate_entities
from ..types import Json
from .options import samples_option, seed_option
from .output import percent, say, table, write_json


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate_cli)


def evaluate_cli(
    gold: Path = typer.Argument(
        ..., metavar="GOLD", help="Gold corpus: .iob, .spacy or a folder of shards."
    ),
    predicted: Path = typer.Argument(
        ..., metavar="PRED", help="The same sentences with predicted entities."
    ),
    json_path: Optional[Path] = typer.Option(None, "--json", help="Write the figures here too."),
    labels: Optional[str] = typer.Option(
        None, "--labels", help="Labels that may occur, comma-separated; any other is an error."
    ),
    samples: int = samples_option(1000, "Bootstrap resamples."),
    seed: int = seed_option("resampling"),
    links: bool = typer.Option(
        False, "--links", help="GOLD and PRED are word links (i-j; in GOLD ipj is a possible one)."
    ),
    one_indexed: bool = typer.Option(
        False, "--one-indexed", help="With --links: positions in GOLD count from 1."
    ),
    reverse: bool = typer.Option(
        False, "--reverse", help="With --links: GOLD has the target first."
    ),
) -> None:
    """Entity precision, recall and F1 with 95% bootstrap intervals, per type, per length, and by kind of error.

    With --links: alignment error rate, precision and recall of word links."""
    if links:
        rates = evaluate_link_files(
            gold, predicted, one_indexed=one_indexed, reverse=reverse, samples=samples, seed=seed
        )
        write_json(json_path, rates)
        say(render_links(rates))
        return
    scores = evaluate(
        gold, predicted, labels=labels.split(",") if labels else None, samples=samples, seed=seed
    )
    write_json(json_path, scores)
    say(render(scores))


def evaluate(
    gold: PathLike,
    predicted: PathLike,
    *,
    labels: Optional[List[str]] = None,
    samples: int = 1000,
    seed: int = 0,
) -> Json:
    """Compare two corpora of the same sentences.

    RETURNS (Json): See `xner_spacy.evaluation.entities.evaluate`. RAISES: InputError at the first difference in the text.
    """
    g, p = read_tagged(gold, labels), read_tagged(predicted, labels)
    require_same_words(gold, g, predicted, p)
    return evaluate_entities(
        [s.entities for s in g], [s.entities for s in p], samples=samples, seed=seed
    )


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

    row = [
        *(percent(rates[name]) for name in ("aer", "precision", "recall", "f1")),
        interval("aer"),
        interval("f1"),
    ]
    header = ["AER", "P", "R", "F1", "AER 95% interval", "F1 95% interval"]
    return f"{table(header, [row])}\n{rates['pairs']} sentence pairs, {rates['links']} links."


def render(scores: Json) -> str:
    """RETURNS (str): The figures as a table and a line on the errors."""

    def row(name: str, r: Json) -> List[str]:
        low, high = r.get("f1_interval", (None, None))
        interval = f"{percent(low)}-{percent(high)}" if low is not None else ""
        return [
            name,
            *(percent(r[k]) for k in ("precision", "recall", "f1")),
            interval,
            r["gold"],
            r["predicted"],
        ]

    rows = [row("all", scores)]
    rows += [row(label, r) for label, r in scores["per_type"].items()]
    rows += [row(f"length {n}", r) for n, r in scores["per_length"].items() if r["gold"]]
    errors = ", ".join(
        f"{name.replace('_', ' ')} {n}" for name, n in scores["errors"].items() if name != "correct"
    )
    header = ["", "P", "R", "F1", "95% interval", "gold", "predicted"]
    return (
        f"{table(header, rows)}\n{scores['sentences']} sentences. Errors: {errors}.\n"
        f"{scores['signature']}"
    )
