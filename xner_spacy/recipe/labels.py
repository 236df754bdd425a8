"""The step `labels`: what the student learns from.

Names in the English readings get the types that all readings support, and are projected again; these labels and those
of transfer are mixed; names in the text get the types that the whole text supports; development data is drawn at random,
never with a sentence that is on both sides; gold sentences of relatives, and sentences that a person corrected, are added
to the training data.
"""

from collections import Counter
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..cli.init_config import init_config
from ..cli.output import done, note, say
from ..corpora.docs import read_docs, write_docbin
from ..corpora.splitting import split_docs
from ..corpora.writing import written_together
from ..distillation.corrected import certain_labels, with_corrected, without_corrected
from ..distillation.soft.name_types import NameTypes
from ..distillation.soft.retyping import (
    projector_of,
    readings_and_labels,
    retype_docs,
    retype_readings,
    words_and_labels,
)
from ..distillation.soft.soft_labels import entity_labels, get_soft, set_soft
from ..distillation.teachers.mixtures import entities_of, mix, mix_docs
from ..evaluation.calibration import NO_SCORES
from ..languages import blank_vocab
from ..types import Retyper
from .layout import Project
from .relatives import gold_of_relatives

DEV_SHARE = 0.125
# How much the labels by transfer count beside those by projection. Half of each cost a Swahili student 4 F1, a quarter
# cost nothing (`python -m benchmarks recipe_choices`).
TRANSFER_WEIGHT = 0.25
# Sentences by which the bias of a mixture is fitted, and the rounds of halving its range.
BIAS_SENTENCES, BIAS_ROUNDS, BIAS_RANGE = 2000, 10, (-2.0, 4.0)
# Gold sentences of relatives fill the training data up to this size. Beside 4,400 Swahili sentences they brought 1.2 F1,
# beside 14,700 nothing (`python -m benchmarks recipe_choices`).
FILLED_SIZE = 10_000


def make_labels(
    project: Project,
    transfer_weight: float = TRANSFER_WEIGHT,
    retyper: Optional[Retyper] = None,
    filled_size: int = FILLED_SIZE,
) -> Tuple[Path, Path]:
    """Write the training and development data of the student, and its config.

    transfer_weight (float): How much the labels by transfer count, 0 to 1.
    retyper (Optional[Retyper]): Types names by the whole text, in the readings and in the text itself; xner.NameTypes.v1
        if it is left out. It is a part of the best quality.
    filled_size (int): Up to this size, gold sentences of relatives are added to soft training data.
    RETURNS (Tuple[Path, Path]): Both files of data.
    """
    vocab = blank_vocab("xx")
    retyper = retyper or NameTypes()
    folders = [project.labelled / name for name in ("projected", "transferred")]
    docs = list(read_docs(folders[0], vocab))
    if project.best:
        docs = type_readings(project, docs, retyper)
    if folders[1].exists() and transfer_weight:
        transferred = list(read_docs(folders[1], vocab))
        weights = [1 - transfer_weight, transfer_weight]
        bias = fit_mixture_bias(docs, transferred, weights, project.seed)
        docs = list(mix_docs([docs, transferred], weights, bias=bias, names=list(map(str, folders))))
    if project.best:
        docs = type_names(docs, retyper)
    train, dev = split_docs(docs, DEV_SHARE, project.seed)
    has_probabilities = project.best and any(get_soft(doc) is not None for doc in train)
    if has_probabilities and len(train) < filled_size:
        labels = {label for doc in train if (soft := get_soft(doc)) is not None for label in entity_labels(soft.labels)}
        gold = gold_of_relatives(project, project.inputs(), labels, filled_size - len(train))
        for doc in gold:
            set_soft(doc, certain_labels(doc))
        train += gold
    corrected = project.corpus / "corrected.spacy"
    n_corrected = 0
    if corrected.exists():
        corrected_docs = list(read_docs(corrected, vocab))
        n_corrected = len(corrected_docs)
        train, dev = with_corrected(train, corrected_docs), without_corrected(dev, corrected_docs)
    paths = project.labelled / "train.spacy", project.labelled / "dev.spacy"
    kind = "soft" if has_probabilities else "hard"
    with written_together():
        for path, part in zip(paths, (train, dev), strict=True):
            write_docbin(path, part)
        init_config("student", project.training / "student.cfg", project.lang, labels=kind)
    if not has_probabilities:
        note(NO_SCORES if project.best else f"{NO_SCORES} So does the quality best.")
    done(f"{len(train):,} sentences to learn from ({n_corrected:,} corrected), {len(dev):,} for development")
    return paths


def type_readings(project: Project, docs: List[Doc], retyper: Retyper) -> List[Doc]:
    """RETURNS (List[Doc]): Docs that the teacher labelled, with names typed by all readings and projected again."""
    typed = retyper(readings_and_labels(docs))
    if not any(typed):
        return docs
    projector = projector_of(project.training / "teacher")
    counts: Counter = Counter()
    docs = list(retype_readings(docs, typed, projector.pipe, counts))
    _say_changed("English reading", counts)
    return docs


def type_names(docs: List[Doc], retyper: Retyper) -> List[Doc]:
    """RETURNS (List[Doc]): Labelled Docs, with names typed by the whole text."""
    counts: Counter = Counter()
    docs = list(retype_docs(docs, retyper(words_and_labels(docs)), counts))
    _say_changed("text", counts)
    return docs


def _say_changed(where: str, counts: Counter) -> None:
    if counts["names"]:
        changed = f"{counts['changed']:,} of {counts['names']:,} names in the {where}"
        say(f"{changed} have another type now, from the same name elsewhere")


def fit_mixture_bias(
    projected: Sequence[Doc], transferred: Sequence[Doc], weights: Sequence[float], seed: int
) -> float:
    """Find the bias against O with which a mixture has as many entities as the projected labels alone. A mean of two
    distributions is flatter than either, so that its likeliest tag is O too often.

    RETURNS (float): The bias, from a sample of the sentences.
    """
    rows = np.random.default_rng(seed).permutation(len(projected))[:BIAS_SENTENCES]
    wanted = sum(len(projected[row].ents) for row in rows)
    mixtures = [
        (mix([get_soft(docs[row]) for docs in (projected, transferred)], weights), projected[row]) for row in rows
    ]
    low, high = BIAS_RANGE
    for _ in range(BIAS_ROUNDS):
        middle = (low + high) / 2
        count = sum(len(entities_of(soft, doc, middle)) for soft, doc in mixtures if soft is not None)
        low, high = (middle, high) if count < wanted else (low, middle)
    return (low + high) / 2
