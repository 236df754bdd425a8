"""Baselines that need the word links of a bitext, but no translator or pretrained encoder: word-by-word translation of
labelled source text, and cross-lingual static vectors.

The first is the word-to-word translation of UniTrans (Wu et al. 2020b, section 3.1), with a lexicon made from the links
instead of aligned embedding spaces; it keeps the word order of the source. For the second, floret learns from text in
which linked words replace each other, like the pseudo-bilingual corpora of Gouws and Søgaard (2015) and Duong et al.
(2016). A word and its translation then get similar vectors, and a source-trained model with these vectors as features
can be applied to target text directly.
"""

import os
import random
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, DefaultDict, Dict, Iterable, Iterator, List, Sequence, Tuple

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..corpora.writing import atomic_write
from ..errors import MissingExtraError, XnerError
from ..types import Alignment, TokenPair

Lexicon = Dict[str, str]


def learn_lexicon(pairs: Iterable[TokenPair], alignments: Iterable[Alignment], min_score: float = 0.5) -> Lexicon:
    """Find the best counterpart of each source word by the word links of tokenised pairs.

    min_score (float): A counterpart is used only if the total score of its links is above this.
    RETURNS (Dict[str, str]): Target word by source word. Source words are case-sensitive: "May" and "may" differ.
    """
    scores: DefaultDict[str, Counter] = defaultdict(Counter)
    for (source, target), alignment in zip(pairs, alignments, strict=True):
        for (i, j), score in zip(alignment.links.tolist(), alignment.scores.tolist(), strict=True):
            scores[source[i]][target[j]] += score
    lexicon = {}
    for word, counterparts in scores.items():
        # The alphabetically first one wins a tie, so that the order of the pairs does not matter.
        best = min(counterparts, key=lambda counterpart: (-counterparts[counterpart], counterpart))
        if counterparts[best] > min_score:
            lexicon[word] = best
    return lexicon


def translate_words(doc: Doc, lexicon: Lexicon, vocab: Vocab) -> Doc:
    """RETURNS (Doc): The Doc with its words translated, its unknown words unchanged, and its entities."""
    words = []
    for token in doc:
        translation = lexicon.get(token.text)
        if translation is None and token.is_title:
            # Only at the beginning of a sentence: elsewhere a name must not become a common word.
            uncased = lexicon.get(token.lower_) if token.i == 0 and not token.ent_type else None
            translation = uncased[:1].upper() + uncased[1:] if uncased else None
        words.append(translation if translation is not None else token.text)
    translated = Doc(vocab, words=words, spaces=[bool(t.whitespace_) for t in doc])
    translated.set_ents([Span(translated, e.start, e.end, label=e.label_) for e in doc.ents], default="outside")
    return translated


def code_switch(
    pairs: Iterable[Tuple[TokenPair, Alignment]],
    *,
    share: float = 0.5,
    copies: int = 2,
    min_score: float = 0.3,
    seed: int = 0,
) -> Iterator[List[str]]:
    """Mix the two languages of a bitext word by word, using its word links.

    share (float): Probability that a linked word is replaced by a word linked to it, in [0, 1].
    copies (int): Mixed copies of each side, in addition to the original sentence.
    min_score (float): Links with lower scores are ignored. seed (int): Seed of the random choices.
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
                    other[rng.choice(partner_positions)] if partner_positions and rng.random() < share else word
                    for word, partner_positions in zip(words, partners, strict=True)
                ]


def require_floret(what: str) -> Any:
    """RETURNS (ModuleType): floret. what (str): What needs it. RAISES: MissingExtraError without it."""
    try:
        import floret  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError(what, "vectors") from None
    return floret


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

    The settings are floret's. With one thread a run is reproducible.
    RETURNS (Path): `output`. RAISES: MissingExtraError without floret.
    """
    floret = require_floret("xner vectors")
    output = Path(output)
    if output.exists() and not (output.is_file() or output.is_dir()):
        raise XnerError(f"{output}: is no ordinary file.", "floret can only write to a file: name one.")
    # floret opens its files itself, by name. They are put next to the output, where there must be space anyway.
    beside = Path(os.path.realpath(output)).parent
    with atomic_write(output, "wb") as output_file, tempfile.TemporaryDirectory(dir=beside) as folder:
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
        _check_complete(table, bucket + 1, output)
        with table.open("rb") as file:
            shutil.copyfileobj(file, output_file)
    return output


def _check_complete(table: Path, lines: int, output: Path) -> None:
    """RAISES: XnerError for an incomplete table: floret does not report a full disk."""
    with table.open("rb") as file:
        written = sum(line.endswith(b"\n") for line in file)
    if written != lines:
        raise XnerError(
            f"{output}: could not be written (only {written:,} of {lines:,} lines).",
            "The disk may be full: free some space or choose another place, and run again.",
        )
