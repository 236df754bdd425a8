"""`xner distill`: mix the distributions of several teachers."""

import math
from collections import Counter
from typing import Any, Callable, List, Optional, Sequence, Tuple

from ..corpora.docs import read_docs
from ..corpora.made_at_once import write_docbins
from ..corpora.pipelines import load_pipeline
from ..errors import InputError, XnerError, require
from ..languages import blank
from ..types import PathLike
from .options import command, option
from .output import done, warn


def distill(
    teachers: Sequence[PathLike],
    output: PathLike,
    *,
    weights: str = "uniform",
    sources: Optional[Sequence[PathLike]] = None,
    keep_entities: bool = False,
    bias_of: Optional[PathLike] = None,
    seed: int = 0,
) -> Tuple[int, List[float]]:
    """Mix teachers: the weighted mean of their distributions over tags, and the entities that follow from it.

    teachers (Sequence[PathLike]): What each teacher made of the same sentences (xner annotate).
    output (PathLike): Where the mixture goes: .spacy, or a folder of shards.
    weights (str): uniform, similarity, similarity-sentence, or numbers separated by commas.
    sources (Optional[Sequence[PathLike]]): For similarity: text of each teacher's source language, one a teacher, in
        order.
    keep_entities (bool): Leave the first teacher's entities as they are.
    bias_of (Optional[PathLike]): Decode with the bias that was fitted for this student, one of the teachers.
    seed (int): Seed of the language model behind similarity.
    RETURNS (Tuple[int, List[float]]): Sentences, and the weights (their means, where every sentence has its own).
    RAISES: XnerError for weights that do not fit, sentences that differ, or a model without a student.
    """
    # Imported here because these modules are slow to load: they import thinc's optimisers.
    from ..distillation.student.pipes import find_student
    from ..distillation.teachers.mixtures import mix_docs

    sentence_weights = None
    if weights in ("similarity", "similarity-sentence"):
        similarity = _similarity(teachers, sources or (), seed)
        mean_weights = similarity.domain.tolist()
        sentence_weights = similarity.sentence if weights == "similarity-sentence" else None
    else:
        mean_weights = _numbers(weights, len(teachers))
    bias = 0.0 if bias_of is None else find_student(load_pipeline(bias_of)).cfg.get("bias", 0.0)
    vocab = blank("xx").vocab
    counts: Counter = Counter()
    docs = mix_docs(
        [read_docs(path, vocab) for path in teachers],
        mean_weights if sentence_weights is None else sentence_weights,
        decode_entities=not keep_entities,
        bias=bias,
        names=[str(path) for path in teachers],
        counts=counts,
    )
    settings = {"weights": mean_weights, "keep_entities": keep_entities, "seed": seed}
    inputs = [*teachers, *(sources or ())]
    [n] = write_docbins([(output, docs)], made_by="xner distill", inputs=inputs, settings=settings)
    if counts["unmixed"]:
        title = f"{counts['unmixed']} of {n} sentences have no distribution from any teacher."
        warn(title, "They keep the entities of the first.")
    return n, mean_weights


@command(
    distill,
    teachers="SHARDS...",
    output=option("-o", metavar="OUT"),
    weights=option("-w"),
    sources=option("--source"),
    bias_of=option(metavar="MODEL"),
)
def distill_cli(call: Callable[[], Tuple[int, List[float]]], output: PathLike) -> None:
    """Print the weights."""
    sentences, weights = call()
    done(f"{sentences} sentences, weights {', '.join(f'{weight:.3f}' for weight in weights)}", output)


def _numbers(text: str, n: int) -> List[float]:
    try:
        numbers = [1.0] * n if text == "uniform" else [float(number) for number in text.split(",")]
    except ValueError:
        numbers = []
    total = sum(numbers)
    if len(numbers) != n or not min(numbers) >= 0 or not 0 < total < math.inf:
        raise XnerError(
            f"--weights {text!r} does not fit {n} teachers.",
            "Give uniform, similarity, similarity-sentence, or one number a teacher.",
        )
    return [number / total for number in numbers]


def _similarity(teachers: Sequence[PathLike], sources: Sequence[PathLike], seed: int) -> Any:
    from ..corpora.files import read_lines
    from ..distillation.teachers.mixtures import language_similarity, text_features

    require(
        len(sources) == len(teachers),
        f"--weights similarity: {len(sources)} source texts for {len(teachers)} teachers.",
        "Give --source once for each teacher, in their order.",
    )
    require(len(sources) > 1, "--weights similarity needs two teachers or more.", "Use uniform weights.")
    texts = [[line for _, line in read_lines(path) if line.strip()] for path in sources]
    target = [doc.text for doc in read_docs(teachers[0], blank("xx").vocab)]
    for path, text in zip([*sources, teachers[0]], [*texts, target], strict=True):
        if not text:
            hint = "Use uniform weights, or give the text."
            raise InputError("has no text to compare languages by.", path, hint=hint)
    return language_similarity([text_features(text) for text in texts], text_features(target), seed=seed)
