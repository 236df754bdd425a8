"""Sentences of a labelled corpus to an annotation tool, the most useful ones first."""

from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

import numpy as np
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpora.docs import docbin_paths, docs_of, part_of, read_docbin, read_docs
from ..corpora.writing import atomic_write, inside, written_together
from ..distillation.soft.soft_labels import entity_labels, soft_of
from ..docdata import FAULT_KEY, correction_of
from ..errors import InputError, XnerError, require
from ..languages import blank_vocab
from ..types import Entity, FloatArray, LabelledSentence, PathLike, Queue, Queued
from .all_tools import get_tool
from .proposals import Proposal, propose, scored_entities, unprojected_names
from .tickets import run_identity

# The doubt of a word of which nothing is known: it is as likely right as wrong.
UNKNOWN = 0.5
EMPTY = "sentences left out: without text"
CORRECTED_BEFORE = "sentences left out: corrected before"
# Reasons why a name of the reading has no place that are no doubt: it is not wanted, or its sentence was not read.
_NOT_WANTED = ("unmapped_label", "unknown_label", "blank", "no_translation")


def export_run(
    run: PathLike,
    output: PathLike,
    queue: Queue,
    *,
    tool: str,
    limit: int = 100,
    other: Optional[PathLike] = None,
    without: Optional[Sequence[PathLike]] = None,
    labels: Optional[List[str]] = None,
) -> Dict[str, int]:
    """Write sentences for an annotation tool. For the arguments see `xner_spacy.cli.exchange.export`.

    queue (Queue): Chooses the sentences.
    RETURNS (Dict[str, int]): The counts: sentences and entities that were written, and what was left out.
    RAISES: InputError for a corpus that can't be read, and where `other` has other sentences.
    """
    chosen_tool = get_tool(tool)
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise XnerError(
            f"{output} is a file.", "An export is a folder: what the tool needs beside the sentences is in it."
        )
    vocab = blank_vocab("xx")
    identity = run_identity(run)
    counts: Counter = Counter({"sentences": 0, "entities": 0})
    left_out = _corrected_before(without or (), identity, vocab)
    found_labels: Set[str] = set()
    sentences = _sentences(run, other, left_out, found_labels, vocab, counts)
    order = queue(sentences, limit)
    if not order:
        reasons = "; ".join(f"{what}: {number}" for what, number in counts.items() if number)
        raise InputError("has no sentence to correct.", run, None, reasons)
    if labels is None:
        labels = sorted(found_labels)
        require(labels, f"{run} has no entity, so it says no labels.", "Name the labels to choose from with --labels.")
    proposals = _proposals(run, order, identity, vocab)
    with written_together():
        for name, pieces in chosen_tool.files(proposals, labels):
            folder, _, file_name = name.rpartition("/")
            with atomic_write(inside(output / folder, file_name)) as file:
                for piece in pieces:
                    file.write(piece)
    counts["sentences"] = len(proposals)
    counts["entities"] = sum(len(proposal.spans) for proposal in proposals)
    return {name: number for name, number in counts.items() if number or name in ("sentences", "entities")}


def _corrected_before(corpora: Sequence[PathLike], run: str, vocab: Vocab) -> Set[int]:
    """RETURNS (Set[int]): The sentences of a run, from 0, that corpora of corrections hold."""
    numbers = set()
    for corpus in corpora:
        for doc in read_docs(corpus, vocab, lazy=True):
            correction = correction_of(doc)
            if correction is not None and correction.run == run and correction.number is not None:
                numbers.add(correction.number - 1)
    return numbers


def _sentences(
    run: PathLike,
    other: Optional[PathLike],
    left_out: Set[int],
    found_labels: Set[str],
    vocab: Vocab,
    counts: Counter,
) -> Iterator[LabelledSentence]:
    """YIELDS (LabelledSentence): The sentences of a run that may be corrected."""
    for number, (doc, other_doc) in enumerate(_paired(run, other, vocab)):
        found_labels.update(entity.label_ for entity in doc.ents)
        if not doc.text.strip():
            counts[EMPTY] += 1
        elif number in left_out:
            counts[CORRECTED_BEFORE] += 1
        else:
            yield _labelled(doc, other_doc, number, run, found_labels)


def _paired(run: PathLike, other: Optional[PathLike], vocab: Vocab) -> Iterator[Tuple[Doc, Optional[Doc]]]:
    """YIELDS (Tuple[Doc, Optional[Doc]]): Each sentence of a run with the same one of the other. RAISES: InputError where
    they differ.
    """
    docs = read_docs(run, vocab, lazy=True)
    if other is None:
        yield from ((doc, None) for doc in docs)
        return
    for number, (doc, other_doc) in enumerate(zip_longest(docs, read_docs(other, vocab, lazy=True)), 1):
        is_there = doc is not None and other_doc is not None
        if not is_there or [token.text for token in doc] != [token.text for token in other_doc]:
            message = f"sentence {number} is not that of {run}."
            raise InputError(message, other, None, "Label the same corpus with both pipelines (xner annotate).")
        yield doc, other_doc


def _labelled(doc: Doc, other: Optional[Doc], number: int, run: PathLike, found_labels: Set[str]) -> LabelledSentence:
    scored = scored_entities(doc)
    soft = soft_of(doc, run, number + 1)
    doubts: FloatArray
    if soft is not None:
        found_labels.update(entity_labels(soft.labels))
        is_known = soft.probs.sum(axis=1) > 0
        doubts = np.where(is_known, 1 - soft.probs.max(axis=1), UNKNOWN).astype(np.float32)
    else:
        has_label = [token.ent_iob != 0 for token in doc]
        doubts = np.where(has_label, 0.0, UNKNOWN).astype(np.float32)
        for start, end, _, score in scored:
            doubts[start:end] = UNKNOWN if score is None else min(max(1 - score, 0.0), 1.0)
    if FAULT_KEY in doc.user_data and not scored:
        doubts[:] = UNKNOWN
    return LabelledSentence(
        number,
        [token.text for token in doc],
        [Entity(start, end, label, 1.0 if score is None else score) for start, end, label, score in scored],
        [] if other is None else [Entity(ent.start, ent.end, ent.label_) for ent in other.ents],
        doubts,
        [name for name, _, reason in unprojected_names(doc) if reason not in _NOT_WANTED],
    )


def _proposals(run: PathLike, order: Sequence[Queued], identity: str, vocab: Vocab) -> List[Proposal]:
    """RETURNS (List[Proposal]): The chosen sentences in the order of the queue. Only these are read."""
    wanted = sorted(queued.number for queued in order)
    by_number: Dict[int, Proposal] = {}
    first = place = 0
    for file in docbin_paths(run):
        docbin = read_docbin(file)
        end = place
        while end < len(wanted) and wanted[end] < first + len(docbin):
            end += 1
        numbers = wanted[place:end]
        docs = docs_of(part_of(docbin, [number - first for number in numbers]), vocab, file, lazy=True)
        for number, doc in zip(numbers, docs, strict=True):
            by_number[number] = propose(doc, identity, number + 1, len(order))
        first, place = first + len(docbin), end
    return [by_number[queued.number] for queued in order]
