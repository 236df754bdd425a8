"""What the page of a project shows beside its scores: curves, reliability, errors, where entities were lost, doubt."""

import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

from typing_extensions import TypedDict

from ..corpora.files import read_lines
from ..corpora.reading import check_shape, parse_json
from ..evaluation.calibration import Bin, judged_scores, reliability
from ..evaluation.entities import KINDS
from ..report.plain_charts import Stage
from ..report.view.comparing import Row, Rows
from ..report.view.index import BATCH, first_in_order
from ..report.view.sentences import REASONS
from ..types import Reason
from .layout import Project

# How many of the most doubtful sentences, and of the examples of each kind of error, are shown.
MOST_DOUBTFUL = 100
EXAMPLES = 3
# The codes that the terminal gets for colours and bold type.
_COLOUR = re.compile("\x1b\\[[0-9;]*m")
# The counts of annotated text that tell of losses, see `xner_spacy.corpora.docs.count_doc`.
_LOST = "not projected: "
_DROPPED = "dropped"


class _Logged(TypedDict):
    """What is read of an evaluation in a log of spaCy's."""

    step: int
    scores: Dict[str, Any]


def training_curves(project: Project) -> Dict[str, List[Tuple[float, float]]]:
    """RETURNS (Dict[str, List[Tuple[float, float]]]): Of each pipeline that was trained with a log: steps, and F1 on its
    development data, from 0 to 1.
    """
    curves = {}
    for log in sorted(project.training.glob("*/train.log")):
        if points := read_curve(log):
            curves[log.parent.name] = points
    if points := _student_curve(project.training / "student" / "curve.jsonl"):
        curves["student"] = points
    return curves


def _student_curve(file: Path) -> List[Tuple[float, float]]:
    """RETURNS (List[Tuple[float, float]]): The same of what spaCy's logger wrote as JSON lines; none without a file."""
    if not file.exists():
        return []
    rows = [check_shape(parse_json(line, file, number), _Logged, file) for number, line in read_lines(file) if line]
    return [(float(row["step"]), float(row["scores"].get("ents_f") or 0.0)) for row in rows]


def read_curve(log: Path) -> List[Tuple[float, float]]:
    """RETURNS (List[Tuple[float, float]]): The steps and F1 (0 to 1) in the table that `spacy train` prints; none for a
    log without one.
    """
    points: List[Tuple[float, float]] = []
    column = None
    for line in log.read_text(encoding="utf8", errors="replace").splitlines():
        cells = _COLOUR.sub("", line).split()
        if cells[:2] == ["E", "#"]:
            # A title may have spaces, but those of scores, which come last, have none.
            column = cells.index("ENTS_F") - len(cells) if "ENTS_F" in cells else None
        elif column is not None and len(cells) >= -column and cells[0].isdigit() and cells[1].isdigit():
            points.append((float(cells[1]), float(cells[column]) / 100))
    return points


def judged_folders(project: Project) -> Dict[str, Path]:
    """RETURNS (Dict[str, Path]): What teacher and student made of the gold test set, if there is one, and it was scored."""
    folders = {name: project.labelled / f"gold-{name}" for name in ("teacher", "student")}
    if not (project.corpus / "gold.spacy").exists():
        return {}
    return {name: folder for name, folder in folders.items()
            if folder.exists() and (project.metrics / f"{name}.json").exists()}  # fmt: skip


def reliability_bins(project: Project) -> Dict[str, List[Bin]]:
    """RETURNS (Dict[str, List[Bin]]): Of each system with scores, how often entities of a score are right."""
    bins = {}
    for name, folder in judged_folders(project).items():
        scores, correct, _ = judged_scores(project.corpus / "gold.spacy", folder)
        if scores:
            bins[name] = reliability(scores, correct)
    return bins


def funnel_of(totals: Dict[str, int]) -> Tuple[List[Stage], List[Stage]]:
    """Tell where sentences and entities were lost.

    totals (Dict[str, int]): The counts of the text with projected labels.
    RETURNS (Tuple[List[Stage], List[Stage]]): The stages of sentences, and those of entities.
    """
    lost = {name.removeprefix(_LOST): n for name, n in totals.items() if name.startswith(_LOST)}
    dropped = {name: n for name, n in totals.items() if name.startswith(_DROPPED)}
    untranslated = totals.get("without translation", 0)
    sentences = [
        Stage("sentences", totals["sentences"]),
        Stage("translated", totals["sentences"] - untranslated, _note({"without translation": untranslated})),
    ]
    low = lost.pop(Reason.LOW_SCORE, 0)
    kept = totals["entities"]
    projected = kept + low
    unlinked = {reason: lost.pop(reason) for reason in (Reason.NO_LINKS, Reason.NO_TRANSLATION) if reason in lost}
    linked = projected + sum(lost.values())
    wanted = linked + sum(unlinked.values())
    entities = [
        Stage("labelled in the reading", wanted + sum(dropped.values())),
        Stage("with a label of the project", wanted, _note(dropped)),
        Stage("linked", linked, _note(unlinked)),
        Stage("projected", projected, _note(lost)),
        Stage("kept", kept, _note({Reason.LOW_SCORE: low})),
    ]
    return sentences, entities


def _note(lost: Dict[str, int]) -> str:
    parts = sorted(((n, reason) for reason, n in lost.items() if n), reverse=True)
    texts = [f"{n:,} ({REASONS.get(reason, reason)})" for n, reason in parts]
    return f"lost {', '.join(texts)}" if texts else ""


def examples_of_errors(rows: Rows) -> Dict[str, List[Row]]:
    """RETURNS (Dict[str, List[Row]]): By kind of error, the first sentences that have one, each sentence once."""
    examples: Dict[str, List[Row]] = {kind: [] for kind in KINDS if kind != "correct"}
    for start in range(0, len(rows), BATCH):
        for row in rows.read(range(start, min(start + BATCH, len(rows)))):
            kinds = Counter(pairing.kind for pairing in row.panels[0].errors)
            # The kind with the fewest examples so far.
            wanted = [kind for kind in examples if kinds[kind] and len(examples[kind]) < EXAMPLES]
            if wanted:
                examples[min(wanted, key=lambda kind: len(examples[kind]))].append(row)
        if all(len(found) == EXAMPLES for found in examples.values()):
            break
    return {kind: found for kind, found in examples.items() if found}


def most_doubtful(rows: Rows) -> List[Row]:
    """RETURNS (List[Row]): The sentences whose least sure entity has the lowest scores, lowest first."""
    return [row for row in rows.read(first_in_order(rows, "doubt", MOST_DOUBTFUL)) if row.lowest_score is not None]
