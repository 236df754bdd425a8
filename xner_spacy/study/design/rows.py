"""The results of a study as CSV, with one row for each measured cell."""

import csv
import io
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Iterable, List, Optional, Sequence, Tuple

from pydantic import Field, TypeAdapter, ValidationError

from ...corpora.files import read_lines
from ...corpora.writing import atomic_write
from ...errors import InputError
from ...escape import for_csv, from_csv
from ...types import PathLike

# Language codes, which are used in file names.
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# An upper limit that no count in a study gets near.
MOST = 10**15
MOST_BIAS = 10
DONE = "done"
FAILED = "failed"

# Arms whose F1 does not depend on the amount of target text: their rows have n_target 0.
SOURCE_ARMS = ("teacher", "transfer")
# Arms that depend on the target text, in the order of tables and figures.
TARGET_ARMS = ("hard", "soft", "tsl", "prototypes", "surest", "translate_train", "ensemble")
# The arms that learn from the predictions of the transferred source model on plain text; the others learn from projected
# labels of text with a translation.
TRANSFER_ARMS = ("tsl",)
# The arm that learns from gold labels of the target text, in place of projected ones: its rows have n_source 0.
GOLD = "gold"
ARMS = (*SOURCE_ARMS, *TARGET_ARMS, GOLD)

Count = Annotated[int, Field(ge=0, lt=MOST)]
# Scores lie from 0 to 1, their differences from -1 to 1.
Score = Annotated[Optional[float], Field(ge=-1, le=1, allow_inf_nan=False)]


@dataclass(frozen=True)
class Row:
    """One cell of the grid, and its results.

    block (str): The part of the grid it belongs to. lang (str): ISO 639-3 code. arm (str): One of `ARMS`. design (str):
        "steps" (optimiser steps fixed) or "epochs" (passes over the text fixed).
    n_source, n_target (int): Labelled source sentences and target sentences; n_target is 0 for `SOURCE_ARMS`, n_source
        for the arm `GOLD`.
    seed (int): Seed of initialisation, batches and dropout, in teacher and student. draw (int): Draw of the subsamples.
    status (str): "done" or "failed". reason (str): Why it failed. precision, recall, f1 (Optional[float]): In [0, 1],
        exact entities on the gold test set; None if it failed. f1_low, f1_high: 95% bootstrap interval over test
        sentences.
    minus_teacher (Optional[float]): F1 minus that of the projection teacher with the same n_source, seed and draw on
        the same sentences, with its paired bootstrap interval minus_teacher_low and minus_teacher_high; None for
        languages whose test sentences have no translation.
    minus_transfer (Optional[float]): The same relative to model transfer, which is measured for every language.
    train_sentences, train_entities (int): Size of the student's training data.
    steps (int): Optimiser steps of the student; 0 without a student.
    test_sentences, test_entities (int): Size of the gold test set.
    seconds (float): Processor time of the job. machine (str): Kind of processor. job (str): Hash of everything the cell
        depends on.
    bias (Optional[float]): What was subtracted from a student's scores of O, fitted on projected text that it did not
        learn from; None without a student, and where nothing was fitted. f1_bias_0, f1_bias_2 (Optional[float]): F1
        with no bias, and with 2.
    variant (str): In words, how its students or their text differ from the study's; empty for the study's own.
    """

    block: str
    lang: Annotated[str, Field(pattern=f"^{CODE.pattern}$")]
    arm: str
    design: str
    n_source: Count
    n_target: Count
    seed: Count
    draw: Count
    status: str
    reason: str = ""
    precision: Score = None
    recall: Score = None
    f1: Score = None
    f1_low: Score = None
    f1_high: Score = None
    minus_teacher: Score = None
    minus_teacher_low: Score = None
    minus_teacher_high: Score = None
    minus_transfer: Score = None
    minus_transfer_low: Score = None
    minus_transfer_high: Score = None
    train_sentences: Count = 0
    train_entities: Count = 0
    steps: Count = 0
    test_sentences: Count = 0
    test_entities: Count = 0
    seconds: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    machine: str = ""
    job: str = ""
    bias: Annotated[Optional[float], Field(ge=0, le=MOST_BIAS, allow_inf_nan=False)] = None
    f1_bias_0: Score = None
    f1_bias_2: Score = None
    variant: str = ""

    @property
    def order(self) -> Tuple:
        """RETURNS (Tuple): The sort key of the row in a file of results."""
        cell = (self.block, self.design, self.lang, ARMS.index(self.arm))
        return (*cell, self.n_source, self.n_target, self.seed, self.draw)


# Prefixes of the names of scores.
SCORES = ("precision", "recall", "f1", "minus_", "bias")
COLUMNS = tuple(field.name for field in fields(Row))
# The columns of tables that were measured before students were decoded with a bias.
OLD_COLUMNS = tuple(name for name in COLUMNS if "bias" not in name and name != "variant")
_ROW = TypeAdapter(Row)


def write_rows(path: PathLike, rows: Iterable[Row]) -> None:
    """Write results in a fixed order, atomically."""
    with atomic_write(path) as file:
        file.write(to_csv(sorted(rows, key=lambda row: row.order)))


def to_csv(rows: Iterable[Row]) -> str:
    """RETURNS (str): The rows with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        values = [getattr(row, name) for name in COLUMNS]
        writer.writerow(["" if value is None else for_csv(value) for value in values])
    return out.getvalue()


def read_rows(path: PathLike) -> List[Row]:
    """RETURNS (List[Row]): The results. RAISES: InputError for a missing file, other columns, or an invalid value, with
    its line.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("no such file.", path, hint="Run the study first: xner study run CONFIG.")
    reader = csv.reader(line + "\n" for _, line in read_lines(path))
    rows: List[Row] = []
    first_lines: dict = {}
    try:
        header = next(reader, [])
        columns = tuple(header)
        if columns not in (COLUMNS, OLD_COLUMNS):
            raise InputError("is not a table of study results.", path, 1, hint=f"Expected: {','.join(COLUMNS)}")
        for line in reader:
            row = _row(path, reader.line_num, columns, line)
            first_line = first_lines.setdefault(row.order, reader.line_num)
            if first_line != reader.line_num:
                raise InputError(f"is the cell of line {first_line} again.", path, reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise InputError(f"is no row of results ({error}).", path, reader.line_num) from None
    return rows


def _row(path: Path, number: int, columns: Sequence[str], line: List[str]) -> Row:
    if len(line) != len(columns):
        raise InputError(f"has {len(line)} values where {len(columns)} are needed.", path, number)
    # An empty cell is a missing value in a column of scores, and else an empty text.
    texts = {name: from_csv(text) for name, text in zip(columns, line, strict=True)}
    values = {name: None if text == "" and name.startswith(SCORES) else text for name, text in texts.items()}
    try:
        row = _ROW.validate_python(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        if name == "lang":
            raise InputError(f"{values[name]!r} is no code of a language.", path, number) from None
        raise InputError(f"has no usable {name}: {texts[name][:60]!r}.", path, number) from None
    if row.arm not in ARMS or row.status not in (DONE, FAILED):
        raise InputError(f"unknown arm or status: {row.arm!r}, {row.status!r}.", path, number)
    return row
