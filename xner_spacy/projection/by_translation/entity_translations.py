"""Names of entities, each translated on its own."""

from typing import List, Sequence

from ...pairing import paired
from ...scripts import join_words
from ...types import SentencePair, Translation, Translator


def translate_all(translator: Translator, texts: Sequence[str]) -> List[Translation]:
    """RETURNS (List[Translation]): One per text. RAISES: XnerError if the translator gives more or fewer."""
    if not texts:
        return []
    results = translator(list(texts))
    return [
        translation for _, translation in paired(texts, results, type(translator).__name__, "texts", "translations")
    ]


def translate_names(pairs: Sequence[SentencePair], translator: Translator, separator: str = " ") -> List[List[str]]:
    """Translate the entities of sentence pairs, each text once.

    pairs (Sequence[SentencePair]): The pairs.
    translator (Translator): From the source language into the target's.
    separator (str): What joins source tokens to text.
    RETURNS (List[List[str]]): Per pair a text for each entity. Where there is no translation it is the entity itself:
        many names are the same in both languages.
    """
    names = [[join_words(p.source[e[0] : e[1]], separator) for e in p.entities] for p in pairs]
    texts = list(dict.fromkeys(name for row in names for name in row))
    # A full stop that the translator adds to a lone name is not the name's.
    known = {
        text: (translation.text or text).strip().rstrip(".")
        for text, translation in zip(texts, translate_all(translator, texts), strict=True)
    }
    return [[known[name] for name in row] for row in names]
