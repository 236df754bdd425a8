"""Translate-train without a translator: labelled source sentences, word by word in target words.

After the word-to-word translation of UniTrans (Wu et al. 2020b, section 3.1), with a lexicon read off the word links of
a bitext in place of aligned embedding spaces. Word order stays that of the source.
"""

from collections import Counter, defaultdict
from typing import DefaultDict, Dict, Iterable

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..types import Alignment, TokenPair

Lexicon = Dict[str, str]


def learn_lexicon(pairs: Iterable[TokenPair], alignments: Iterable[Alignment], min_score: float = 0.5) -> Lexicon:
    """Find the best counterpart of each source word.

    pairs (Iterable[TokenPair]): Tokenised (source, target) pairs. alignments (Iterable[Alignment]): Their word links.
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
