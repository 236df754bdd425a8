"""Soft projection: projects a source model's distributions over tags to the target tokens along the word links.

It keeps what hard projection loses: how certain the source model was, and the entities that it nearly found. It
combines two sources:

- links: the label mass of a target token is that of its linked source tokens, weighted by the scores of the links;
- spans: the source entities are decoded again with a low threshold, the projector finds their target spans, and the
  tokens of each span get the entity's label distribution. Spans take precedence over links, since the projector knows
  which words between and beside the linked ones belong to the name.

This is a method of this project. The defaults were chosen by the log loss on the embedded Icelandic-English corpus.
"""

from typing import Dict, Iterable, Iterator, Mapping, Optional, Sequence

import numpy as np

from ...types import Alignment, FloatArray, Projector, SentencePair, TokenLabels
from ..student.tag_scheme import TagSet, blank_tokens
from .soft_labels import best_entities, entity_labels, free_blank, label_masses, to_labels

TINY = 1e-6


def project_soft(
    projector: Optional[Projector],
    pairs: Sequence[SentencePair],
    sources: Sequence[TokenLabels],
    *,
    threshold: float = 0.1,
    link_share: float = 0.5,
) -> Iterator[TokenLabels]:
    """Project distributions.

    projector (Optional[Projector]): Finds the spans; None uses only links.
    pairs (Sequence[SentencePair]): The sentence pairs; their entities are ignored.
    sources (Sequence[TokenLabels]): IOB2 distributions over the source tokens of each pair.
    threshold (float): Least probability, against O, of an entity to find a span for, in (0, 1).
    link_share (float): Factor on the label mass of tokens that are linked to a name but outside all spans: that the
        projector did not choose them is evidence, but no proof, that they do not belong to a name.
    YIELDS (TokenLabels): IOB2 distributions over the target tokens.
    """
    bias = -np.log(threshold / (1.0 - threshold))
    # Candidates are many and doubtful: as BILUO more of them would be cut.
    likely_entities = [
        best_entities(soft, pair.source, bias, "iob2") for pair, soft in zip(pairs, sources, strict=True)
    ]
    spans: Iterable[Sequence] = ([] for _ in pairs)
    if projector is not None:
        likely_pairs = [
            SentencePair(pair.source, pair.target, entities, pair.alignment)
            for pair, entities in zip(pairs, likely_entities, strict=True)
        ]
        spans = (projection.spans for projection in projector(likely_pairs))
    for pair, soft, entities, projected in zip(pairs, sources, likely_entities, spans, strict=True):
        tags = TagSet(entity_labels(soft.labels), "iob2").tags
        masses = label_masses(to_labels(soft, tags))
        mass = link_share * link_masses(masses, pair.alignment, len(pair.target))
        begin = begin_shares(mass)
        for span in projected:
            source = entities[span.source]
            mass[span.start : span.end] = masses[source.start : source.end].mean(axis=0)
            begin[span.start : span.end] = 0.0
            begin[span.start] = 1.0
            if span.end < len(begin):
                begin[span.end] = 1.0
        target_labels = TokenLabels(tags, to_iob2(mass, begin))
        yield free_blank(target_labels, blank_tokens(pair.target))


def link_masses(masses: FloatArray, alignment: Alignment, n_target: int) -> FloatArray:
    """RETURNS (FloatArray): (n_target, labels) mean label masses of the linked source tokens, weighted by the scores of
    the links; zeros (outside) for a token without links.
    """
    target_masses = np.zeros((n_target, masses.shape[1]), dtype=np.float32)
    total_scores = np.zeros(n_target, dtype=np.float32)
    source, target = alignment.links[:, 0], alignment.links[:, 1]
    np.add.at(target_masses, target, alignment.scores[:, None] * masses[source])
    np.add.at(total_scores, target, alignment.scores)
    linked = total_scores > 0
    target_masses[linked] /= total_scores[linked, None]
    return target_masses


def begin_shares(mass: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) in [0, 1], the share of each token's label mass that begins an entity,
    which is the part that the previous token does not have.
    """
    previous_mass = np.zeros_like(mass)
    previous_mass[1:] = mass[:-1]
    share = np.minimum(previous_mass / np.maximum(mass, TINY), 1.0)
    return (1.0 - share).astype(np.float32)


def to_iob2(mass: FloatArray, begin: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, 1 + 2 labels) from label masses and the share of them that begins an entity."""
    iob2_probs = np.zeros((len(mass), 1 + 2 * mass.shape[1]), dtype=np.float32)
    iob2_probs[:, 1::2] = mass * begin
    iob2_probs[:, 2::2] = mass * (1.0 - begin)
    iob2_probs[:, 0] = np.maximum(1.0 - mass.sum(axis=1), 0.0)
    return iob2_probs


def map_soft(soft: TokenLabels, label_map: Optional[Mapping[str, Optional[str]]]) -> TokenLabels:
    """RETURNS (TokenLabels): IOB2 distributions with mapped labels. The masses of labels that are mapped to the same
    label are added, and the mass of a dropped label is added to O.
    """
    if label_map is None:
        return soft
    columns: Dict[str, FloatArray] = {"O": np.zeros(len(soft.probs), dtype=np.float32)}
    for column, tag in enumerate(soft.labels):
        label = label_map.get(tag[2:]) if tag != "O" else None
        mapped_tag = f"{tag[0]}-{label}" if label is not None else "O"
        columns[mapped_tag] = columns.get(mapped_tag, 0) + soft.probs[:, column]
    labels = entity_labels(list(columns))
    tags = TagSet(labels, "iob2").tags
    zero = np.zeros(len(soft.probs), dtype=np.float32)
    return TokenLabels(tags, np.stack([columns.get(tag, zero) for tag in tags], axis=1))
