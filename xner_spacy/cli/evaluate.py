"""`xner evaluate`: score predicted entities or links."""

from pathlib import Path
from typing import Any, List, Optional, Sequence

from ..corpora.formats.pharaoh import read_pharaoh
from ..errors import require
from ..evaluation.alignments import evaluate_links, read_gold_links
from ..evaluation.calibration import scores_against
from ..evaluation.entities import Tally
from ..evaluation.sides import SideReader
from ..types import Json, PathLike
from .options import command, option
from .output import percent, percent_range, say, table, warn, write_json
from .overrides import Origin, origin_of_predictions


def evaluate(
    gold: PathLike,
    predicted: PathLike,
    *,
    labels: Optional[List[str]] = None,
    only: Optional[List[str]] = None,
    with_scores: bool = False,
    samples: int = 1000,
    seed: int = 0,
) -> Json:
    """Entity precision, recall and F1 with 95% bootstrap intervals, per type, per length, and by kind of error. If PRED
    is a folder that `xner annotate` made: which settings of its pipeline are others than those of `xner init-config`.

    With --links: alignment error rate, precision and recall of word links.

    gold (PathLike): Gold corpus: .iob, .spacy or a folder of shards.
    predicted (PathLike): The same sentences with predicted entities.
    labels (Optional[List[str]]): Labels that may occur, comma-separated; any other is an error.
    only (Optional[List[str]]): Score these labels alone, comma-separated; entities with others are left out.
    with_scores (bool): Also how well the scores of the entities tell right from wrong ones.
    samples (int): Bootstrap resamples.
    seed (int): Seed of the resampling.
    RETURNS (Json): See `xner_spacy.evaluation.entities.evaluate`; `notes`, see `xner_spacy.evaluation.sides.Sides`; and
        `entity_scores`, with `with_scores`, see `xner_spacy.evaluation.calibration.scores_against`;
        `common_labels`, if one side has labels that the other lacks: the `labels` of both, and the scores of these; and
        `made_from`, if a pipeline of a config of `xner init-config` made the predictions: that `base`, and the
        `changed` settings.
    RAISES: InputError at the first difference in the text, and for a label that is not among `labels`.
    """
    reader = SideReader(gold, predicted, labels=labels, only=only)
    tally = Tally()
    for gold_entities, predicted_entities in reader:
        tally.add(gold_entities, predicted_entities)
    scores, notes = tally.scores(samples=samples, seed=seed), reader.notes()
    if only is not None:
        scores["signature"] += f"|only:{','.join(sorted(set(only)))}"
    common = sorted(set.intersection(*map(set, tally.labels())))
    if common and any(notes["labels_only_in"].values()):
        scores["common_labels"] = {"labels": common, **tally.rates(common, samples=samples, seed=seed)}
    if with_scores:
        scores["entity_scores"] = scores_against(gold, predicted)
    if origin := origin_of_predictions(predicted):
        scores["made_from"] = origin._asdict()
    return {**scores, "notes": notes}


@command(evaluate, gold="GOLD", predicted="PRED", with_scores=option("--scores"))
def evaluate_cli(
    call: Any, json_path: Optional[Path] = None, links: bool = False, one_indexed: bool = False, reverse: bool = False
) -> None:
    """Print the scores of entities or of links.

    json_path (Optional[Path]): Write the figures here too.
    links (bool): GOLD and PRED are word links (i-j; in GOLD ipj is a possible one).
    one_indexed (bool): With --links: positions in GOLD count from 1.
    reverse (bool): With --links: GOLD has the target first.
    """
    if not links:
        hint = "Give --links with them."
        require(not one_indexed and not reverse, "--one-indexed and --reverse are of word links.", hint)
        scores = call()
        write_json(json_path, scores)
        say(render(scores))
        tell_notes(scores["notes"], scores.get("common_labels", {}).get("labels", ()))
        return
    gold, predicted = call.keywords["gold"], call.keywords["predicted"]
    for name in ("labels", "only"):
        require(call.keywords[name] is None, f"--{name} is of entities.", "Leave it out with --links.")
    require(not call.keywords["with_scores"], "--scores is of entities.", "Leave it out with --links.")
    resampling = {name: call.keywords[name] for name in ("samples", "seed")}
    truth = read_gold_links(gold, one_indexed=one_indexed, reverse=reverse)
    rates = evaluate_links(truth, read_pharaoh(predicted), names=(str(gold), str(predicted)), **resampling)
    write_json(json_path, rates)
    say(render_links(rates))


def tell_notes(notes: Json, common: Sequence[str] = ()) -> None:
    """Warn about anything that affects the reading of the scores. common (Sequence[str]): The labels of both sides."""
    edges, missing = notes["whitespace_edges"], notes["missing"]
    for side, what in (("gold", "freed of it"), ("predicted", "counted as wrong")):
        if edges[side]:
            title = f"{side} entities with whitespace at their edges: {edges[side]:,}"
            warn(title, f"They are {what}: no whitespace belongs to an entity.")
    if missing["gold_tokens"]:
        title = f"gold tokens without annotation: {missing['gold_tokens']:,}"
        text = "Predicted entities that touch them are neither right nor wrong; left out: "
        warn(title, f"{text}{missing['predicted_left_out']:,}.")
    if missing["sentences_without_predictions"]:
        title = f"sentences without any prediction: {missing['sentences_without_predictions']:,}"
        warn(title, "Of none of their tokens is it said whether it is in an entity; they count as without entities.")
    for side, where, other in (("gold", "gold", "predictions"), ("predicted", "the predictions", "gold")):
        if labels := notes["labels_only_in"][side]:
            title = f"labels in {where} alone: {', '.join(f'{label} ({n:,} entities)' for label, n in labels.items())}"
            text = f"None of the {other} has them, so each of them counts as a mistake. "
            text += f"Score the labels of both sides alone: --only {','.join(common)}. " if common else ""
            warn(title, f"{text}Or translate the labels: xner convert --label-map auto.")


def render_links(rates: Json) -> str:
    """RETURNS (str): The scores as a table."""
    header = ["AER", "P", "R", "F1", "AER 95% interval", "F1 95% interval"]
    row = [percent(rates[name]) for name in ("aer", "precision", "recall", "f1")]
    row += [percent_range(rates[name]) for name in ("aer_interval", "f1_interval")]
    return f"{table(header, [row])}\n{rates['pairs']} sentence pairs, {rates['links']} links."


def render(scores: Json) -> str:
    """RETURNS (str): The scores as a table, and a line about the errors."""

    def make_row(name: str, rates: Json) -> List[str]:
        percents = [percent(rates[k]) for k in ("precision", "recall", "f1")]
        return [name, *percents, percent_range(rates.get("f1_interval", ())), rates["gold"], rates["predicted"]]

    rows = [make_row("all", scores)]
    if common := scores.get("common_labels"):
        rows.append(make_row(f"only {', '.join(common['labels'])}", common))
    rows += [make_row(label, rates) for label, rates in scores["per_type"].items()]
    rows += [make_row(f"length {n}", rates) for n, rates in scores["per_length"].items() if rates["gold"]]
    errors = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in scores["errors"].items() if name != "correct")
    header = ["", "P", "R", "F1", "95% interval", "gold", "predicted"]
    lines = [table(header, rows), f"{scores['sentences']} sentences. Errors: {errors}.", scores["signature"]]
    if entity_scores := scores.get("entity_scores"):
        mean, right = (percent(entity_scores[name]) for name in ("mean_score", "right"))
        lines.append(
            f"Scores of {entity_scores['entities']:,} entities: mean {mean}, of these entities {right} are right; "
            f"expected calibration error {percent(entity_scores['calibration_error'])}."
        )
    if "made_from" in scores:
        lines.append(f"Config of the pipeline: {Origin(**scores['made_from']).signature()}")
    return "\n".join(lines)
