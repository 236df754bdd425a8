"""Several teachers as one: mixtures of their distributions, weighted equally, by hand, or by the similarity of the
source languages to the target language.

Based on TSL (Wu et al. 2020, section on multi-source learning): p_T = sum_k w_k p_k. The learned weights come from a
language identification model with a low-rank bilinear form, trained on sentences of the source languages and applied to
those of the target language.
"""

from collections import Counter
from itertools import repeat, zip_longest
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc, Span
from thinc.api import Adam

from ...errors import XnerError
from ...types import TokenLabels
from ..soft.soft_labels import best_entities, entity_labels, normalise, set_soft, soft_of, to_labels
from ..student.losses import softmax
from ..student.tag_scheme import TagSet

Floats = npt.NDArray[np.float32]

# Settings of the language identification model (see `language_similarity`).
EPOCHS, BATCH_SIZE, LEARN_RATE, GAMMA = 10, 32, 1e-3, 0.01


def mix(softs: Sequence[Optional[TokenLabels]], weights: Sequence[float]) -> Optional[TokenLabels]:
    """Compute the weighted mean of several teachers' distributions over the same tokens.

    softs (Sequence[Optional[TokenLabels]]): Each teacher's distributions, or None if it has none. A row of zeros means
        none for that token. The weights of the other teachers are then scaled up.
    weights (Sequence[float]): One for each teacher.
    RETURNS (Optional[TokenLabels]): The mixture over all labels that occur; None if no teacher has distributions.
    RAISES: XnerError if they are not on the same tokens.
    """
    present = [(soft, weight) for soft, weight in zip(softs, weights, strict=True) if soft is not None]
    if not present or not any(weight > 0 for _, weight in present):
        return None
    sizes = sorted({len(soft.probs) for soft, _ in present})
    if len(sizes) > 1:
        raise XnerError(
            f"Teachers with {' and '.join(map(str, sizes))} tokens for one sentence.",
            "All must have labelled the same tokens.",
        )
    labels = sorted({label for soft, _ in present for label in entity_labels(soft.labels)})
    tags = TagSet(labels, "iob2").tags
    total = np.zeros((sizes[0], len(tags)), dtype=np.float32)
    for soft, weight in present:
        total += np.float32(weight) * to_labels(soft, tags)
    return TokenLabels(tags, normalise(total))


def entities_of(soft: TokenLabels, doc: Doc, bias: float = 0.0) -> List[Span]:
    """RETURNS (List[Span]): The `best_entities` of a distribution over a Doc's tokens."""
    entities = best_entities(soft, [token.text for token in doc], bias)
    return [Span(doc, entity.start, entity.end, label=entity.label) for entity in entities]


def same_sentences(corpora: Sequence[Iterable[Doc]], names: Sequence[str]) -> Iterator[Tuple[Doc, ...]]:
    """YIELDS (Tuple[Doc, ...]): Each sentence as labelled by the teachers. RAISES: XnerError that names a teacher with
    fewer sentences than another, or with different words in a sentence.
    """
    for number, docs in enumerate(zip_longest(*corpora), 1):
        short = [name for name, doc in zip(names, docs, strict=True) if doc is None]
        if short:
            raise XnerError(
                f"The teachers labelled different numbers of sentences: {short[0]} has {number - 1}, another more.",
                "Label one file with all.",
            )
        words = [t.text for t in docs[0]]
        for name, other in zip(names[1:], docs[1:], strict=True):
            if [t.text for t in other] != words:
                raise XnerError(
                    f"Sentence {number} is not the same for all teachers: {name} has {other.text[:60]!r}.",
                    "Label the same file with each, with the same tokens.",
                )
        yield docs


def mix_docs(
    corpora: Sequence[Iterable[Doc]],
    weights: Any,
    *,
    decode_entities: bool = True,
    bias: float = 0.0,
    names: Optional[Sequence[str]] = None,
    counts: Optional[Counter] = None,
) -> Iterator[Doc]:
    """Mix corpora that several teachers have labelled, sentence by sentence.

    corpora (Sequence[Iterable[Doc]]): The same sentences from each teacher. Other data of the first teacher's Docs is
        kept.
    weights (Sequence[float] or Iterable[Sequence[float]]): One weight for each teacher, for all or for every sentence.
    decode_entities (bool): Set `doc.ents` to the mixture's entities; otherwise the first teacher's entities are kept.
    bias (float): Subtracted from the log-probabilities of O for that: the bias of a student among the teachers, if any.
    names (Optional[Sequence[str]]): Names of the corpora in error messages.
    counts (Optional[Counter]): The number of sentences for which no teacher has a distribution is added to "unmixed".
        These keep the first teacher's entities.
    YIELDS (Doc): The first corpus's Docs with the mixture as their distribution.
    RAISES: XnerError, see `same_sentences`, or if a teacher has no distributions at all.
    """
    names = names or [f"teacher {k + 1}" for k in range(len(corpora))]
    counts = Counter() if counts is None else counts
    per_sentence = repeat(weights) if np.ndim(weights) == 1 else iter(weights)
    has_spoken = [False] * len(corpora)
    number = 0
    for number, docs in enumerate(same_sentences(corpora, names), 1):
        sentence_weights = next(per_sentence, None)
        if sentence_weights is None:
            raise XnerError(f"Weights for {number - 1} sentences, and more sentences.", "Give one a sentence.")
        softs = [soft_of(doc, name, number) for name, doc in zip(names, docs, strict=True)]
        for k, soft in enumerate(softs):
            has_spoken[k] |= soft is not None and bool(soft.probs.any())
        mixed = mix(softs, sentence_weights)
        doc = docs[0]
        if mixed is not None:
            set_soft(doc, mixed)
            if decode_entities:
                doc.set_ents(entities_of(mixed, doc, bias), default="outside")
        elif len(doc):
            counts["unmixed"] += 1
        yield doc
    silent = [name for name, spoke in zip(names, has_spoken, strict=True) if not spoke]
    if silent:
        raise XnerError(
            f"No distributions in {', '.join(silent)} ({number} sentences): there is nothing to mix.",
            "Label the text with a model that stores them: an xner_student with store_soft = true (docs/students.md).",
        )


def text_features(texts: Sequence[str], width: int = 256) -> Floats:
    """RETURNS (Floats): (sentences, width) unit vectors from character n-grams (1 to 4, with word boundaries), hashed
    with signs.

    They replace the pooled vectors of a multilingual encoder: they represent the form of words, which related languages
    share.
    """
    features = np.zeros((len(texts), width), dtype=np.float32)
    hashed_grams: Dict[str, tuple] = {}
    for row, text in enumerate(texts):
        padded = f" {' '.join(text.lower().split())} "
        for n in (1, 2, 3, 4):
            for i in range(len(padded) - n + 1):
                gram = padded[i : i + n]
                if gram not in hashed_grams:
                    code = _fnv(gram)
                    hashed_grams[gram] = (code % width, 1.0 if code >> 40 & 1 else -1.0)
                column, sign = hashed_grams[gram]
                features[row, column] += sign
    norm = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(features, norm, out=features, where=norm > 0)


def _fnv(gram: str) -> int:
    # Python's hash of a string differs between processes.
    code = 0xCBF29CE484222325
    for byte in gram.encode("utf8"):
        code = ((code ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return code


class Similarity(NamedTuple):
    """The similarity of each source language to the target: (target sentences, teachers) weights, (teachers,) their
    mean, and the temperature used.
    """

    sentence: Floats
    domain: Floats
    tau: float


def language_similarity(sources: Sequence[Floats], target: Floats, *, rank: int = 64, seed: int = 0) -> Similarity:
    """Learn which source languages the target sentences are similar to (TSL; settings as in its released code unless
    noted otherwise).

    logits_k = (U f + b_u)^T (V mu_k + b_v) for a sentence vector f and language embeddings mu_k, which are initialised
    with the mean vector of each language. The loss is cross-entropy on the source sentences plus gamma ||M^T M - I||^2
    over the stacked embeddings. The weights of a target sentence are softmax(logits / tau), where tau is the variance
    of all logits of the target. The learning rate is ten times theirs, since the sentence vectors here are short.

    sources (Sequence[Floats]), target (Floats): (sentences, width) vectors of each source language, and of unlabelled
        target text.
    rank (int): Rank of the bilinear form. seed (int): Seed of initialisation and order.
    RAISES: XnerError for fewer than two languages or an empty one.
    """
    if len(sources) < 2 or any(not len(vectors) for vectors in sources) or not len(target):
        raise XnerError(
            "Language weights need two source languages or more, with text, and text of the target.",
            "Use uniform weights, or give the text.",
        )
    rng = np.random.default_rng(seed)
    x = np.concatenate(sources).astype(np.float32)
    y = np.repeat(np.arange(len(sources)), [len(vectors) for vectors in sources])
    bound, shape = np.sqrt(6.0 / (x.shape[1] + rank)), (rank, x.shape[1])
    params: Dict[str, Floats] = {
        "U": rng.uniform(-bound, bound, shape).astype(np.float32),
        "V": rng.uniform(-bound, bound, shape).astype(np.float32),
        "bu": np.zeros(rank, dtype=np.float32),
        "bv": np.zeros(rank, dtype=np.float32),
        "M": np.stack([vectors.mean(axis=0) for vectors in sources]).astype(np.float32),
    }
    optimizer = Adam(LEARN_RATE, L2=0.0, grad_clip=0.0)
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            gradients = _bilinear_gradients(params, x[rows], y[rows])
            for k, name in enumerate(params):
                params[name], _ = optimizer((k, name), params[name], gradients[name])
        optimizer.step_schedules()
    sentence_side, language_side = _sides(params, target.astype(np.float32))
    logits = sentence_side @ language_side.T
    tau = float(logits.var()) or 1.0
    sentence = np.asarray(softmax(np, (logits - logits.max(axis=1, keepdims=True)) / tau), dtype=np.float32)
    return Similarity(sentence, sentence.mean(axis=0), tau)


def _sides(p: Dict[str, Floats], x: Floats) -> Tuple[Floats, Floats]:
    """RETURNS (Tuple[Floats, Floats]): The two sides of the bilinear form: (sentences, rank) and (languages, rank)."""
    return x @ p["U"].T + p["bu"], p["M"] @ p["V"].T + p["bv"]


def _bilinear_gradients(p: Dict[str, Floats], x: Floats, y: npt.NDArray) -> Dict[str, Floats]:
    a, b = _sides(p, x)
    probs: Any = softmax(np, a @ b.T)
    probs[np.arange(len(y)), y] -= 1
    d_logits = (probs / len(y)).astype(np.float32)
    d_a, d_b = d_logits @ b, d_logits.T @ a
    m = p["M"]
    # d ||M^T M - I||^2 / dM = 4 (M M^T M - M)
    d_m = d_b @ p["V"] + 4 * GAMMA * (m @ m.T @ m - m)
    return {"U": d_a.T @ x, "V": d_b.T @ m, "bu": d_a.sum(axis=0), "bv": d_b.sum(axis=0), "M": d_m}
