"""Filters that select sentences of a labelled corpus to learn from. None of them uses gold labels."""

from typing import Any, Iterable, Iterator, List, Sequence

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch
from thinc.api import Adam

from ...docdata import SPANS_KEY, span_scores
from ...errors import XnerError
from ..soft.soft_labels import get_soft, set_soft
from ..student.pipes import find_student, run_upstream
from .mixtures import same_sentences

Floats = npt.NDArray[np.float64]


def confidence(doc: Doc) -> float:
    """Compute how certain the teacher is of a sentence.

    RETURNS (float): The mean over tokens of the largest probability; without distributions the least score of a
        projected span; 1 for a sentence without either.
    """
    soft = get_soft(doc)
    if soft is not None and len(doc):
        has_distribution = soft.probs.sum(axis=1) > 0
        return float(soft.probs[has_distribution].max(axis=1).mean()) if has_distribution.any() else 0.0
    return min(span_scores(doc), default=1.0)


def keep_best(docs: Sequence[Doc], scores: Sequence[float], keep: float) -> List[Doc]:
    """RETURNS (List[Doc]): The share `keep` of the Docs with the highest scores, in the original order.
    RAISES: XnerError for a share outside (0, 1].
    """
    if not 0 < keep <= 1:
        raise XnerError(f"A share of {keep} can't be kept.", "Give --keep (keep) a number above 0 and at most 1.")
    n = max(1, round(keep * len(docs))) if docs else 0
    chosen = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:n]
    return [docs[k] for k in sorted(chosen)]


def select_surest(docs: Iterable[Doc], keep: float = 0.8) -> List[Doc]:
    """RETURNS (List[Doc]): The sentences with the most certain teacher. RAISES: XnerError without its certainties."""
    docs = list(docs)
    if not any(SPANS_KEY in doc.spans or get_soft(doc) is not None for doc in docs):
        raise XnerError(
            f"Nothing in the {len(docs)} sentences says how sure their teacher was.",
            "Give what xner annotate wrote: with distributions, or with projected spans and their scores.",
        )
    return keep_best(docs, [confidence(doc) for doc in docs], keep)


def select_least_specific(
    docs: Iterable[Doc], nlp: Language, source: Iterable[Doc], keep: float = 0.8, seed: int = 0
) -> List[Doc]:
    """Select the sentences that a language discriminator distinguishes least, based on AdvPicker (Chen et al. 2021).

    AdvPicker trains the encoder against the discriminator. Here the encoder is that of a source-trained student and
    stays frozen, and the discriminator is a logistic regression on its token vectors. The score of a sentence is the
    mean of P(target) over its tokens; the share `keep` with scores nearest to .5 is kept.

    docs (Iterable[Doc]), source (Iterable[Doc]): Sentences of the target and of the source language.
    nlp (Language): A pipeline with an `xner_student`. seed (int): Seed of the discriminator.
    """
    docs = list(docs)
    target_vectors, source_vectors = encode(nlp, docs), [vectors for vectors in encode(nlp, source) if len(vectors)]
    if not source_vectors or not any(len(vectors) for vectors in target_vectors):
        raise XnerError(
            f"No tokens in the sentences {'of the source language' if not source_vectors else 'to choose from'}.",
            "Give text of both languages.",
        )
    p_target = discriminate(np.concatenate(source_vectors), target_vectors, seed)
    return keep_best(docs, [-abs(probability - 0.5) for probability in p_target], keep)


def encode(nlp: Language, docs: Iterable[Doc], batch_size: int = 256) -> List[Floats]:
    """RETURNS (List[Floats]): (tokens, width) vectors of each Doc from the encoder of the pipeline's student."""
    student = find_student(nlp)
    tok2vec = student.model.get_ref("tok2vec")
    batches = (run_upstream(nlp, batch, batch_size) for batch in minibatch(docs, batch_size))
    return [student.model.ops.to_numpy(vectors) for batch in batches for vectors in tok2vec.predict(batch)]


def discriminate(source: Floats, target: Sequence[Floats], seed: int = 0) -> List[float]:
    """Train a logistic regression to distinguish target tokens from source tokens, with equal weights of both sides.

    source (Floats): (tokens, width). target (Sequence[Floats]): (tokens, width) of each sentence.
    RETURNS (List[float]): The mean probability of "target" over the tokens of each sentence, .5 for an empty one.
    """
    target_tokens = np.concatenate([vectors for vectors in target if len(vectors)])
    x = np.concatenate([source, target_tokens]).astype(np.float32)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    y = np.repeat(np.array([0, 1], dtype=np.float32), [len(source), len(target_tokens)])
    weight = np.where(y > 0, len(x) / (2 * len(target_tokens)), len(x) / (2 * len(source)))
    w: Any = np.zeros(x.shape[1] + 1, dtype=np.float32)
    optimizer = Adam(0.01, L2=0.0, grad_clip=0.0)
    rng = np.random.default_rng(seed)
    for _ in range(300):
        rows = rng.integers(0, len(x), 512)
        features = (x[rows] - mean) / spread
        probability = _sigmoid(features @ w[1:] + w[0])
        gradient_scores = ((probability - y[rows]) * weight[rows] / len(rows)).astype(np.float32)
        gradient = np.concatenate([[gradient_scores.sum()], gradient_scores @ features]).astype(np.float32)
        w, _ = optimizer((0, "w"), w, gradient)
    return [float(_sigmoid((v - mean) / spread @ w[1:] + w[0]).mean()) if len(v) else 0.5 for v in target]


def _sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30, 30)))


def agree(docs: Iterable[Doc], others: Iterable[Doc], *, drop_soft: bool = False) -> Iterator[Doc]:
    """Keep hard labels only if two teachers agree, based on UniTrans (Wu et al. 2020b); others become missing values.

    The distributions are kept, so that a student can learn from them for all tokens and from the labels if both agree.

    docs (Iterable[Doc]), others (Iterable[Doc]): The same sentences, labelled by each teacher.
    drop_soft (bool): Remove the distributions.
    YIELDS (Doc): The first teacher's Docs. RAISES: XnerError if the words differ.
    """
    for doc, other in same_sentences((docs, others), ("the first", "the second")):
        others_entities = {(entity.start, entity.end, entity.label) for entity in other.ents}
        kept = [entity for entity in doc.ents if (entity.start, entity.end, entity.label) in others_entities]
        pairs = zip(doc, other, strict=True)
        outside = [doc[a.i : a.i + 1] for a, b in pairs if a.ent_iob == 2 and b.ent_iob == 2]
        doc.set_ents(kept, outside=outside, default="missing")
        if drop_soft:
            set_soft(doc, None)
        yield doc
