"""What a pipeline makes of a shard: a Doc each, faults of its own included."""

import warnings
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from tests.cli.helpers import xner
from tests.corpora.annotate_helpers import make_teacher, sentences, shard_bytes
from xner_spacy.corpora import shards
from xner_spacy.corpora.annotate import annotate
from xner_spacy.corpora.docs import read_docs
from xner_spacy.corpora.shards import Vocabularies
from xner_spacy.docdata import FAULT_KEY, source_of


@Language.component("test_faulty")
def faulty(doc):
    """Notes a fault on every text with an x, as a translator does."""
    if "x" in doc.text:
        doc.user_data[FAULT_KEY] = "made up"
    return doc


def test_faults_that_the_pipeline_notes_are_no_miscount(tmp_path: Path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("test_faulty")
    nlp.to_disk(tmp_path / "p")
    texts = ["a", "x 1", "b", "x 2", "c"]
    (tmp_path / "in.txt").write_text("\n".join(texts) + "\n")
    result = xner("annotate", tmp_path / "p", tmp_path / "in.txt", tmp_path / "out", "--batch-size", 5)
    assert result.code == 0, result.err
    assert [d.text for d in read_docs(tmp_path / "out", nlp.vocab)] == texts


def test_vocabularies_are_freed_after_the_block_in_which_they_became_too_large():
    nlp = spacy.blank("xx")
    vocabularies = Vocabularies(nlp, most_words=3)
    with vocabularies.growing():
        nlp("one two")
    assert "two" in nlp.vocab.strings  # few words: they are kept
    with vocabularies.growing():
        nlp("two three four")
        assert "one" in nlp.vocab.strings
    assert not {"one", "two", "four"} & set(nlp.vocab.strings)
    with vocabularies.growing():
        nlp("five")
    vocabularies.free()
    assert "five" not in nlp.vocab.strings
    vocabularies.free()  # nothing to do


def test_vocabularies_are_freed_after_an_error():
    nlp = spacy.blank("xx")
    vocabularies = Vocabularies(nlp)
    with pytest.raises(ValueError), vocabularies.growing():
        nlp("one")
        raise ValueError
    assert "one" not in nlp.vocab.strings
    with vocabularies.growing():
        assert nlp("one two").text == "one two"


def test_words_of_translations_are_freed_too_and_tokenised_alike_afterwards():
    nlp = spacy.blank("xx")
    translator = nlp.add_pipe("xner_translator", config={"source_lang": "en"})
    vocabularies = Vocabularies(nlp, most_words=1)
    kept = source_of(nlp("Anna can't"))
    before = translator.source_nlp
    with vocabularies.growing():
        nlp("Otto can't")
    after = translator.source_nlp
    assert after is not before and "Otto" not in after.vocab.strings
    assert [(t.text, t.norm_) for t in source_of(nlp("Anna can't"))] == [(t.text, t.norm_) for t in kept]
    assert kept.text == "Anna can't"


@pytest.mark.parametrize("lang", ["en", "zh", "my"])
def test_a_translator_has_the_same_tokenizer_when_its_words_are_freed(lang: str):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        translator = spacy.blank("xx").add_pipe("xner_translator", config={"source_lang": lang})
    before = translator.source_nlp
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        translator.free_words()
    after = translator.source_nlp
    assert after is not before and after.vocab is not before.vocab
    assert after.config["nlp"] == before.config["nlp"] and type(after.tokenizer) is type(before.tokenizer)
    text = "Anna's 北京大学 ရန်ကုန်မြို့ can't"
    assert [t.text for t in after.make_doc(text)] == [t.text for t in before.make_doc(text)]


def test_shards_do_not_depend_on_when_vocabularies_are_freed(tmp_path: Path, monkeypatch):
    teacher = make_teacher(tmp_path)
    (tmp_path / "in.txt").write_text("\n".join(sentences(40)) + "\n")
    for name, most_words in (("often", 0), ("seldom", 10**6)):
        monkeypatch.setattr(shards.Vocabularies.__init__, "__defaults__", (most_words,))
        annotate(teacher, tmp_path / "in.txt", tmp_path / name, shard_size=7)
    assert shard_bytes(tmp_path / "often") == shard_bytes(tmp_path / "seldom")
