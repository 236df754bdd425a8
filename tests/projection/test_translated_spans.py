"""Candidates from the entities' own translations, in a pipeline and on the command line."""

import pytest
import spacy
from confection import Config

from tests.cli.helpers import xner
from tests.conftest import PAIRS
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.errors import XnerError
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.candidates import TranslatedSpans
from xner_spacy.types import Alignment, Entity, SentencePair, Translation

NAMES = {"Anna": "Anna", "Jon": "Jon", "Paris": "París", "London": "Lundúnum", "Marel": "Marel"}


@pytest.fixture()
def names(tmp_path):
    """A bitext of names: what Bitext looks up is its target, so the languages change places."""
    english, icelandic = tmp_path / "names.en", tmp_path / "names.is"
    english.write_text("\n".join(NAMES) + "\n", encoding="utf8")
    icelandic.write_text("\n".join(NAMES.values()) + "\n", encoding="utf8")
    return icelandic, english


PROJECTOR = """
[projector]
@xner_projectors = "xner.Matching.v1"

[projector.candidates]
@xner_candidates = "xner.TranslatedSpans.v1"

[projector.candidates.translator]
@xner_translators = "xner.Bitext.v1"
source = "{}"
target = "{}"

[projector.scores]

[projector.scores.span]
@xner_scores = "xner.SpanScore.v1"
"""


def test_in_a_pipeline_that_is_saved(bitext, source_model, names, tmp_path):
    from tests.pipeline.test_teacher import build

    nlp = build(bitext, source_model)
    settings = Config().from_str(PROJECTOR.format(*names))["projector"]
    nlp.remove_pipe("xner_projector")
    nlp.add_pipe("xner_projector", config={"projector": settings})
    plain = build(bitext, source_model)
    for _, text in PAIRS:
        assert [e.text for e in nlp(text).ents] == [e.text for e in plain(text).ents if e.text != "London"]
    nlp.to_disk(tmp_path / "teacher")
    for path in names:
        path.unlink()
    loaded = spacy.load(tmp_path / "teacher")
    assert [e.text for e in loaded("Anna býr í París .").ents] == ["Anna", "París"]


def test_on_the_command_line(names, tmp_path):
    source, target, links = (tmp_path / n for n in ("s.iob", "t.txt", "x.links"))
    source.write_text("Anna\tB-PER\nis\tO\nin\tO\nParis\tB-LOC\n\n")
    target.write_text("Anna er í París\n", encoding="utf8")
    links.write_text("0-0 1-1 2-2 3-3\n")
    config, out = tmp_path / "part.cfg", tmp_path / "t.iob"
    config.write_text(PROJECTOR.format(*names))
    result = xner("project", source, target, "-o", out, "--links", links, "-c", config)
    assert result.code == 0, result.err
    [sentence] = read_columns(out)
    assert [e[:3] for e in sentence.entities] == [(0, 1, "PER"), (3, 4, "LOC")]
    config.write_text(PROJECTOR.split("[projector.candidates.translator]")[0])
    result = xner("project", source, target, "-o", out, "--links", links, "-c", config)
    assert result.code == 1 and "needs the entities' own translations" in result.err
    assert "translator" in result.err


class Counted:
    """Translates names, and keeps the texts it was asked for."""

    def __init__(self, names, more=0):
        self.names, self.more, self.asked = names, more, []

    def __call__(self, texts):
        texts = list(texts)
        self.asked += texts
        for text in texts[: len(texts) + min(self.more, 0)]:
            yield Translation(self.names.get(text))


def some_pairs(n):
    return [
        SentencePair(["in", "Vienna"], ["in", "Wien"], [Entity(1, 2, "LOC")], Alignment([(1, 1)])) for _ in range(n)
    ]


def test_each_name_is_translated_once_and_given_ones_are_kept():
    translator = Counted({"Vienna": "Wien."})
    candidates = TranslatedSpans(min_ratio=0.9, translator=translator)
    assert candidates(some_pairs(3)) == [[(1, 2)]] * 3
    assert translator.asked == ["Vienna"]
    pair = some_pairs(1)[0]
    pair.entity_translations = ["in"]
    assert candidates([pair]) == [[(0, 1)]]
    assert pair.entity_translations == ["in"] and translator.asked == ["Vienna"]


def test_a_name_without_translation_is_looked_for_as_it_is():
    pair = SentencePair(["Oslo"], ["til", "Oslo"], [Entity(0, 1, "LOC")], Alignment([(0, 1)]))
    assert TranslatedSpans(translator=Counted({}))([pair]) == [[(1, 2)]]


def test_a_translator_that_gives_too_few_is_named():
    projector = MatchingProjector(candidates=TranslatedSpans(translator=Counted({}, more=-1)))
    with pytest.raises(XnerError, match="Counted gave 0 translations for 1 texts"):
        list(projector(some_pairs(1)))
