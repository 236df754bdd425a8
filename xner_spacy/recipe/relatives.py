"""Labelled languages that are relatives of the target language: what the student can learn from them as it is.

Relatives share names, and words beside names. The student reads the letters of words, so gold sentences of a relative
teach it both, without any translation.
"""

from collections import Counter
from typing import Collection, List

import numpy as np
from spacy.tokens import Doc

from ..cli.output import say
from ..corpora.docs import read_docs
from ..languages import blank_vocab
from ..roads.facts import shared_groups
from ..types import Json
from .layout import Project

# How many groups of its family a source language must share with the target, from the widest on: Bantu languages share
# four, Slavic ones three. Pidgin, which shares none with it, costs a Yoruba student 6 F1 by transfer, and gold sentences
# of Hausa, Pidgin and Swahili cost it 4 (`python -m benchmarks recipe_choices`).
SHARED_GROUPS = 3


def relatives_among(lang: str, sources: Collection[str]) -> List[str]:
    """RETURNS (List[str]): The languages that are relatives of the target language."""
    return [source for source in sources if len(shared_groups(lang, source)) >= SHARED_GROUPS]


def gold_of_relatives(project: Project, inputs: Json, labels: Collection[str], limit: int) -> List[Doc]:
    """Read gold sentences of the relatives, as many of each as far as they reach, drawn at random.

    inputs (Json): What the step `inputs` found. labels (Collection[str]): The labels of the student. A sentence with
        another one is left out, and counted. limit (int): How many sentences in all.
    RETURNS (List[Doc]): Docs with entities.
    """
    languages = relatives_among(project.lang, inputs["sources"])
    rng = np.random.default_rng(project.seed)
    drawn: List[Doc] = []
    counts: Counter = Counter()
    for number, language in enumerate(languages):
        docs = list(read_docs(project.sources / language / "train.spacy", blank_vocab("xx")))
        known = [doc for doc in docs if all(entity.label_ in labels for entity in doc.ents)]
        counts["left out"] += len(docs) - len(known)
        share = (limit - len(drawn)) // (len(languages) - number)
        drawn += [known[row] for row in rng.permutation(len(known))[:share]]
    if languages:
        say(f"{len(drawn):,} gold sentences of relatives to learn from too: {', '.join(languages)}")
    if counts["left out"]:
        say(f"{counts['left out']:,} of their sentences left out: they have a label that the student does not learn")
    return drawn
