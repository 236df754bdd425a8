"""Sentences that a person corrected, among those that a teacher labelled."""

from typing import List, Sequence

import numpy as np
from spacy.tokens import Doc

from ..corpora.docs import doc_entities
from ..corpora.formats.schemes import entities_to_tags
from ..types import TokenLabels
from .soft.soft_labels import get_soft, set_soft
from .student.tag_scheme import TagSet

# A corrected sentence counts as this many projected ones.
COPIES = 4


def without_corrected(labelled: Sequence[Doc], corrected: Sequence[Doc]) -> List[Doc]:
    """RETURNS (List[Doc]): What a teacher labelled, without the sentences of the same text as a corrected one."""
    texts = {doc.text for doc in corrected}
    return [doc for doc in labelled if doc.text not in texts]


def with_corrected(labelled: Sequence[Doc], corrected: Sequence[Doc], copies: int = COPIES) -> List[Doc]:
    """Put corrected sentences in the place of what a teacher made of them. If several people corrected one, each answer
    counts.

    labelled (Sequence[Doc]): What the teacher labelled. If it has distributions, the corrected Docs get some, without any
        doubt. corrected (Sequence[Doc]): Is changed in place. copies (int): How often each of them comes.
    RETURNS (List[Doc]): Training data.
    """
    if any(get_soft(doc) is not None for doc in labelled):
        for doc in corrected:
            set_soft(doc, certain_labels(doc))
    return [*without_corrected(labelled, corrected), *list(corrected) * copies]


def certain_labels(doc: Doc) -> TokenLabels:
    """RETURNS (TokenLabels): The entities of a Doc as distributions without any doubt; missing values stay missing."""
    tag_set = TagSet(sorted({entity.label_ for entity in doc.ents}), "iob2")
    tags = entities_to_tags(len(doc), doc_entities(doc))
    probs = np.zeros((len(doc), len(tag_set.tags)), dtype=np.float32)
    probs[np.arange(len(doc)), [tag_set.index[tag] for tag in tags]] = 1.0
    probs[[token.ent_iob == 0 for token in doc]] = 0.0
    return TokenLabels(tag_set.tags, probs)
