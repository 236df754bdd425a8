"""Baselines that need the word links of a bitext and no translator or pretrained encoder: labelled source text word by
word in target words, and cross-lingual static vectors.

The first is the word-to-word translation of UniTrans (Wu et al. 2020b, section 3.1), with a lexicon read off the links
in place of aligned embedding spaces; word order stays that of the source. For the second, floret learns from text in
which aligned words stand in for each other, in the manner of the pseudo-bilingual corpora of Gouws and Søgaard (2015)
and Duong et al. (2016): a word and its translation get vectors near each other, and a source-trained model with these
as features can be applied to target text directly.
"""

import os
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import DefaultDict, Dict, Iterable, Iterator, List, Sequence, Tuple

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..corpora.writing import atomic_write
from ..errors import MissingExtraError, XnerError
from ..types import Alignment, TokenPair

Lexicon = Dict[str, str]


def learn_lexicon(pairs: Iterable[TokenPair], alignments: Iterable[Alignment], min_score: float = 0.5) -> Lexicon:
    """Find the best counterpart of each source word of tokenised pairs by their word links.

    min_score (float): Total score of a counterpart's links that it must exceed.
    RETURNS (Dict[str, str]): Target word by source word. A source word is looked up as it is written, so that "May" and
        "may" are two.
    """
    scores: DefaultDict[str, Counter] = defaultdict(Counter)
    for (source, target), alignment in zip(pairs, alignments, strict=True):
        for (i, j), score in zip(alignment.links.tolist(), alignment.scores.tolist(), strict=True):
            scores[source[i]][target[j]] += score
    lexicon = {}
    for word, counterparts in scores.items():
        # Of equals the first in the alphabet, so that the order of the pairs does not matter.
        best = min(counterparts, key=lambda other: (-counterparts[other], other))
        if counterparts[best] > min_score:
            lexicon[word] = best
    return lexicon


def translate_words(doc: Doc, lexicon: Lexicon, vocab: Vocab) -> Doc:
    """RETURNS (Doc): The Doc's words in the target language, unknown ones as they are, with its entities."""
    words = []
    for token in doc:
        translation = lexicon.get(token.text)
        if translation is None and token.is_title:
            # At the beginning of a sentence only: a name is not to become a common word elsewhere.
            lower = lexicon.get(token.lower_) if token.i == 0 and not token.ent_type else None
            translation = lower[:1].upper() + lower[1:] if lower else None
        words.append(translation if translation is not None else token.text)
    made = Doc(vocab, words=words, spaces=[bool(t.whitespace_) for t in doc])
    made.set_ents([Span(made, e.start, e.end, label=e.label_) for e in doc.ents], default="outside")
    return made


def code_switch(
    pairs: Iterable[Tuple[TokenPair, Alignment]],
    *,
    share: float = 0.5,
    copies: int = 2,
    min_score: float = 0.3,
    seed: int = 0,
) -> Iterator[List[str]]:
    """Mix the two languages of a bitext word by word, by its word links.

    share (float): Probability that a linked word is replaced by a word linked to it, in [0, 1].
    copies (int): Mixed copies of each side, beside the sentence as it is.
    min_score (float): Links below it are not used. seed (int): Of the draws.
    YIELDS (List[str]): Sentences: for each side the original and its copies.
    """
    rng = random.Random(seed)
    for (source, target), alignment in pairs:
        for words, other, links in ((source, target, alignment), (target, source, alignment.reversed())):
            partners: List[List[int]] = [[] for _ in words]
            for (i, j), score in zip(links.links.tolist(), links.scores, strict=True):
                if score >= min_score:
                    partners[i].append(j)
            yield list(words)
            for _ in range(copies):
                yield [
                    other[rng.choice(linked)] if linked and rng.random() < share else word
                    for word, linked in zip(words, partners, strict=True)
                ]


def train_floret(
    sentences: Iterable[Sequence[str]],
    output: Path,
    *,
    dim: int = 100,
    bucket: int = 20000,
    epochs: int = 5,
    threads: int = 1,
) -> Path:
    """Train floret vectors (skip-gram) and write the table that `spacy init vectors --mode floret` reads.

    The settings are floret's; with one thread a run can be repeated exactly.
    RETURNS (Path): `output`. RAISES: MissingExtraError without floret.
    """
    try:
        import floret  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("xner vectors", "vectors") from None
    output = Path(output)
    if output.exists() and not (output.is_file() or output.is_dir()):
        raise XnerError(f"{output}: is no ordinary file.", "floret writes to a file alone: name one.")
    # floret opens its files itself, by their names: they lie where there is room for the output.
    beside = Path(os.path.realpath(output)).parent
    with atomic_write(output, "wb") as made, tempfile.TemporaryDirectory(dir=beside) as folder:
        text = Path(folder) / "text.txt"
        with text.open("w", encoding="utf8") as file:
            for sentence in sentences:
                file.write(" ".join(sentence) + "\n")
        try:
            model = floret.train_unsupervised(
                str(text),
                model="skipgram",
                mode="floret",
                dim=dim,
                bucket=bucket,
                minn=3,
                maxn=5,
                hashCount=2,
                epoch=epochs,
                lr=0.05,
                minCount=1,
                thread=threads,
                verbose=0,
            )
        except (ValueError, RuntimeError) as error:
            raise XnerError(
                f"{output}: floret could not learn vectors from this text ({error}).",
                "Is there text in both files, and does --bucket times --dim fit into memory?",
            ) from None
        text.unlink()
        table = Path(folder) / "table"
        model.save_floret_vectors(str(table))
        _refuse_half(table, bucket + 1, output)
        with table.open("rb") as file:
            shutil.copyfileobj(file, made)
    return output


def _refuse_half(table: Path, lines: int, output: Path) -> None:
    """floret says nothing when the disk is full. RAISES: XnerError for a table that was cut short."""
    with table.open("rb") as file:
        written = sum(line.endswith(b"\n") for line in file)
    if written != lines:
        raise XnerError(
            f"{output}: could not be written (only {written:,} of {lines:,} lines).",
            "The disk may be full: free some space or choose another place, and run again.",
        )
