"""The translator component: what it asks for, and what it makes of too little, too much and nothing."""

import unicodedata
from typing import Callable, Iterable, Iterator, List, Optional

import pytest
import spacy
from spacy.tokens import Doc

from xner_spacy.corpora.docs import make_doc
from xner_spacy.docdata import FAULT_KEY
from xner_spacy.errors import XnerError
from xner_spacy.languages import blank_vocab
from xner_spacy.pipeline.translator import TranslatorComponent
from xner_spacy.types import Translation


class Says:
    """Gives each text through a function, and keeps what it was asked."""

    def __init__(self, say: Callable[[str], Optional[str]] = str.upper, difference: int = 0) -> None:
        self.say = say
        self.difference = difference
        self.asked: List[str] = []

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        found = [Translation(self.say(text)) for text in texts if not self.asked.append(text)]  # type: ignore[func-returns-value]
        found += [Translation("more")] * max(self.difference, 0)
        return iter(found[: len(found) + min(self.difference, 0)])


def test_equal_texts_are_asked_once_and_order_is_kept() -> None:
    part = Says()
    component = TranslatorComponent(None, "t", part)
    nlp = spacy.blank("is")
    docs = [nlp(text) for text in ("b", "", "a", "b")]
    component.process(docs)
    assert part.asked == ["b", "a"]
    assert [doc._.xner_source.text for doc in docs] == ["B", "", "A", "B"]


@pytest.mark.parametrize("difference, given", [(-1, "1"), (-2, "0"), (1, "more than 2"), (9, "more than 2")])  # fmt: skip
def test_a_part_that_gives_too_few_or_too_many_is_named(difference: int, given: str) -> None:
    component = TranslatorComponent(None, "my_translator", Says(difference=difference))
    nlp = spacy.blank("is")
    docs = [nlp("a"), nlp("b")]
    with pytest.raises(XnerError, match=f"my_translator: Says gave {given} translations for 2 texts"):  # fmt: skip
        component.process(docs)
    assert all(doc._.xner_source is None for doc in docs)


def test_a_part_without_end_is_stopped() -> None:
    def forever(texts: Iterable[str]) -> Iterator[Translation]:
        while True:
            yield Translation("x")

    with pytest.raises(XnerError, match="gave more than 1 translations"):
        TranslatorComponent(None, "t", forever).process([spacy.blank("is")("a")])


def test_no_translation_and_no_reason_is_missing() -> None:
    component = TranslatorComponent(None, "t", Says(lambda text: None))
    doc = spacy.blank("is")("Anna býr.")
    component.process([doc])
    assert doc._.xner_source is None and doc.user_data[FAULT_KEY] == "missing"
    assert component.faults == {"missing": 1}


def test_a_text_of_over_a_million_characters_is_a_fault_of_its_sentence() -> None:
    """spaCy's tokenizer takes no more; the sentences around it are translated."""
    part = Says(lambda text: text * 600_000 if text == "ab" else text)
    component = TranslatorComponent(None, "t", part)
    vocab = blank_vocab("is")
    long = Doc(vocab, words=["word"] * 250_000)
    docs = [Doc(vocab, words=["a"]), long, Doc(vocab, words=["ab"]), Doc(vocab, words=["c"])]
    component.process(docs)
    assert [doc.user_data.get(FAULT_KEY) for doc in docs] == [None, "too long", "too long", None]
    assert docs[0]._.xner_source.text == "a" and docs[3]._.xner_source.text == "c"
    assert part.asked == ["a", "ab", "c"] and component.faults == {"too long": 2}


@pytest.mark.parametrize(
    "lang, words, text",
    [
        ("zh", ["他", "在", "北京", "。"], "他在北京。"),
        ("ja", ["東京", "で", "Sony", "が"], "東京でSonyが"),
        ("th", ["ทหาร", "บุก", "กรุง"], "ทหารบุกกรุง"),
        ("my", ["ရန်ကုန်", "မြို့"], "ရန်ကုန်မြို့"),
        ("ko", ["서울", "에", "산다"], "서울 에 산다"),
        ("is", ["Anna", "býr", "."], "Anna býr ."),
    ],
)
def test_a_tokenised_corpus_is_joined_as_its_script_is_written(lang: str, words: List[str], text: str) -> None:
    """However the Doc came by its spaces: from our readers, or with one after each token."""
    part = Says()
    vocab = blank_vocab(lang)
    TranslatorComponent(None, "t", part).process([Doc(vocab, words=words)])
    assert part.asked == [text]
    TranslatorComponent(None, "t", part).process([make_doc(vocab, words)])
    assert part.asked[-1] == text.replace(" .", ".")


def test_composed_or_not_it_is_one_text() -> None:
    part = Says()
    vocab = blank_vocab("is")
    words = [unicodedata.normalize(form, "Þórður") for form in ("NFC", "NFD")]
    docs = [Doc(vocab, words=[word]) for word in words]
    TranslatorComponent(None, "t", part).process(docs)
    assert part.asked == [words[0]]
    assert docs[0]._.xner_source.text == docs[1]._.xner_source.text


def test_spaces_of_raw_text_stay() -> None:
    """Thai has them between phrases."""
    part = Says()
    with pytest.warns(UserWarning):
        from xner_spacy.languages import blank

        nlp = blank("lo")
    TranslatorComponent(None, "t", part).process([nlp("ເຮົາໄປ ວຽງຈັນ")])
    assert part.asked == ["ເຮົາໄປ ວຽງຈັນ"]
