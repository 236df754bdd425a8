"""The step `labels`: what the student learns from.

The distributions of projection and of transfer are mixed; names get the types that the whole text supports; sentences
that a person corrected are added; development data is drawn at random, never with a sentence that is on both sides.
"""

from collections import Counter
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
from spacy.tokens import Doc

from ..cli.init_config import init_config
from ..cli.output import done, note, say
from ..corpora.docs import doc_entities, read_docs, write_docbin
from ..corpora.formats.schemes import entities_to_tags
from ..corpora.splitting import split_docs
from ..corpora.writing import written_together
from ..distillation.soft.name_types import NameTypes, retype_docs, words_and_labels
from ..distillation.soft.soft_labels import get_soft, set_soft
from ..distillation.student.tag_scheme import TagSet
from ..distillation.teachers.mixtures import entities_of, mix, mix_docs
from ..evaluation.calibration import NO_SCORES
from ..languages import blank_vocab
from ..types import Retyper, TokenLabels
from .layout import Project

DEV_SHARE = 0.125
# How much the labels by transfer count beside those by projection. Half of each cost a Swahili student 4 F1, a quarter
# cost nothing (`python -m benchmarks recipe_choices`).
TRANSFER_WEIGHT = 0.25
# Sentences by which the bias of a mixture is fitted, and the rounds of halving its range.
BIAS_SENTENCES, BIAS_ROUNDS, BIAS_RANGE = 2000, 10, (-2.0, 4.0)
# A corrected sentence counts as this many projected ones.
COPIES_OF_CORRECTED = 4


def make_labels(
    project: Project, transfer_weight: float = TRANSFER_WEIGHT, retyper: Optional[Retyper] = None
) -> Tuple[Path, Path]:
    """Write the training and development data of the student, and its config.

    transfer_weight (float): How much the labels by transfer count, 0 to 1.
    retyper (Optional[Retyper]): Types names by the whole text; xner.NameTypes.v1 if it is left out. It is a part of the
        best quality.
    RETURNS (Tuple[Path, Path]): Both files of data.
    """
    vocab = blank_vocab("xx")
    folders = [project.labelled / name for name in ("projected", "transferred")]
    docs = list(read_docs(folders[0], vocab))
    if folders[1].exists() and transfer_weight:
        transferred = list(read_docs(folders[1], vocab))
        weights = [1 - transfer_weight, transfer_weight]
        bias = fit_mixture_bias(docs, transferred, weights, project.seed)
        docs = list(mix_docs([docs, transferred], weights, bias=bias, names=list(map(str, folders))))
    if project.best:
        docs = _retyped(docs, retyper or NameTypes())
    train, dev = split_docs(docs, DEV_SHARE, project.seed)
    corrected = project.corpus / "corrected.spacy"
    n_corrected = 0
    if corrected.exists():
        corrected_docs = list(read_docs(corrected, vocab))
        n_corrected = len(corrected_docs)
        train, dev = _with_corrected(train, dev, corrected_docs)
    paths = project.labelled / "train.spacy", project.labelled / "dev.spacy"
    has_probabilities = project.best and any(get_soft(doc) is not None for doc in train)
    kind = "soft" if has_probabilities else "hard"
    with written_together():
        for path, part in zip(paths, (train, dev), strict=True):
            write_docbin(path, part)
        init_config("student", project.training / "student.cfg", project.lang, labels=kind)
    if not has_probabilities:
        note(NO_SCORES if project.best else f"{NO_SCORES} So does the quality best.")
    done(f"{len(train):,} sentences to learn from ({n_corrected:,} corrected), {len(dev):,} for development")
    return paths


def _retyped(docs: List[Doc], retyper: Retyper) -> List[Doc]:
    counts: Counter = Counter()
    docs = list(retype_docs(docs, retyper(words_and_labels(docs)), counts))
    if counts["names"]:
        say(
            f"{counts['changed']:,} of {counts['names']:,} names have another type now: that of the same name elsewhere"
        )
    return docs


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


def _with_corrected(train: List[Doc], dev: List[Doc], corrected: List[Doc]) -> Tuple[List[Doc], List[Doc]]:
    """RETURNS (Tuple[List[Doc], List[Doc]]): The corpora with the corrected sentences, which replace what the teacher
    made of the same sentences, in the training data several times. Their labels become distributions if the others are.
    """
    if any(get_soft(doc) is not None for doc in train):
        for doc in corrected:
            set_soft(doc, _certain(doc))
    texts = {doc.text for doc in corrected}
    kept, kept_dev = ([doc for doc in docs if doc.text not in texts] for docs in (train, dev))
    return [*kept, *corrected * COPIES_OF_CORRECTED], kept_dev


def _certain(doc: Doc) -> TokenLabels:
    """RETURNS (TokenLabels): A Doc's labels as distributions without any doubt."""
    tag_set = TagSet(sorted({entity.label_ for entity in doc.ents}), "iob2")
    tags = entities_to_tags(len(doc), doc_entities(doc))
    probs = np.zeros((len(doc), len(tag_set.tags)), dtype=np.float32)
    probs[np.arange(len(doc)), [tag_set.index[tag] for tag in tags]] = 1.0
    return TokenLabels(tag_set.tags, probs)
