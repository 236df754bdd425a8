"""`xner.Syllables.v1`: a tokenizer for scripts that are written without spaces and that spaCy has no tokenizer for."""

from typing import Any, Callable

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, get_words_and_spaces
from spacy.vocab import Vocab

from .scripts import cut_syllables


def make_syllables() -> Callable[[Language], "SyllableTokenizer"]:
    """RETURNS (Callable[[Language], SyllableTokenizer]): What makes the tokenizer of a pipeline."""
    return lambda nlp: SyllableTokenizer(nlp.vocab)


class SyllableTokenizer(DummyTokenizer):
    """Splits text into syllables or characters, see `xner_spacy.scripts.cut_syllables`. It has nothing to save.

    vocab (Vocab): The pipeline's vocabulary.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        words, spaces = get_words_and_spaces(cut_syllables(text), text)
        return Doc(self.vocab, words=words, spaces=spaces)

    def __reduce__(self) -> Any:
        return (SyllableTokenizer, (self.vocab,))
