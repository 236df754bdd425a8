"""Soft projection: a source model's distributions over tags, carried over to the target tokens along the word links.

It keeps what hard projection throws away: how sure the source model was, and the entities that it nearly found. Two
readings are joined:

- links: the label mass of a target token is that of the source tokens linked to it, each weighted by its link's score;
- spans: the source entities are decoded once more with a low bar, the projector finds their target spans, and each
  span's tokens get the entity's label distribution. Where there is such a span it has the last word, since the
  projector knows what links alone do not: which words between and beside the linked ones belong to the name.

This is a method of this project. The defaults were chosen once, by the log loss on the embedded Icelandic-English
corpus.
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
    """Carry distributions over.

    projector (Optional[Projector]): Finds the spans; None for links alone.
    pairs (Sequence[SentencePair]): Their entities are not read.
    sources (Sequence[TokenLabels]): IOB2 distributions over the source tokens of each pair.
    threshold (float): The bar for an entity that is worth a span, as a probability against O, in (0, 1).
    link_share (float): What is left of the label mass of tokens that are linked to a name but outside every span: the
        projector did not find them fit, which is evidence, but not proof, that they are none.
    YIELDS (TokenLabels): IOB2 distributions over the target tokens.
    """
    bias = -np.log(threshold / (1.0 - threshold))
    likely = [best_entities(soft, pair.source, bias) for pair, soft in zip(pairs, sources, strict=True)]
    spans: Iterable[Sequence] = ([] for _ in pairs)
    if projector is not None:
        asked = [
            SentencePair(pair.source, pair.target, entities, pair.alignment)
            for pair, entities in zip(pairs, likely, strict=True)
        ]
        spans = (projection.spans for projection in projector(asked))
    for pair, soft, entities, projected in zip(pairs, sources, likely, spans, strict=True):
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
        made = TokenLabels(tags, to_iob2(mass, begin))
        yield free_blank(made, blank_tokens(pair.target))


def link_masses(masses: FloatArray, alignment: Alignment, n_target: int) -> FloatArray:
    """RETURNS (FloatArray): (n_target, labels) the mean of the linked source tokens' label masses, weighted by the
    links' scores; zeros, that is O, for a token without links.
    """
    out = np.zeros((n_target, masses.shape[1]), dtype=np.float32)
    total = np.zeros(n_target, dtype=np.float32)
    source, target = alignment.links[:, 0], alignment.links[:, 1]
    np.add.at(out, target, alignment.scores[:, None] * masses[source])
    np.add.at(total, target, alignment.scores)
    linked = total > 0
    out[linked] /= total[linked, None]
    return out


def begin_shares(mass: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, labels) in [0, 1], the share of each token's label mass that begins an entity:
    what the token before does not have.
    """
    before = np.zeros_like(mass)
    before[1:] = mass[:-1]
    share = np.minimum(before / np.maximum(mass, TINY), 1.0)
    return (1.0 - share).astype(np.float32)


def to_iob2(mass: FloatArray, begin: FloatArray) -> FloatArray:
    """RETURNS (FloatArray): (tokens, 1 + 2 labels) from label masses and the share of them that begins an entity."""
    out = np.zeros((len(mass), 1 + 2 * mass.shape[1]), dtype=np.float32)
    out[:, 1::2] = mass * begin
    out[:, 2::2] = mass * (1.0 - begin)
    out[:, 0] = np.maximum(1.0 - mass.sum(axis=1), 0.0)
    return out


def map_soft(soft: TokenLabels, label_map: Optional[Mapping[str, Optional[str]]]) -> TokenLabels:
    """RETURNS (TokenLabels): IOB2 distributions under a label map: masses of labels that become one are added, that of
    a dropped label goes to O.
    """
    if label_map is None:
        return soft
    columns: Dict[str, FloatArray] = {"O": np.zeros(len(soft.probs), dtype=np.float32)}
    for k, tag in enumerate(soft.labels):
        label = label_map.get(tag[2:]) if tag != "O" else None
        name = f"{tag[0]}-{label}" if label is not None else "O"
        columns[name] = columns.get(name, 0) + soft.probs[:, k]
    labels = entity_labels(list(columns))
    tags = TagSet(labels, "iob2").tags
    zero = np.zeros(len(soft.probs), dtype=np.float32)
    return TokenLabels(tags, np.stack([columns.get(tag, zero) for tag in tags], axis=1))
