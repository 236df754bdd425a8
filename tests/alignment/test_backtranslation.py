"""Back-translation: entities travel through a translator in brackets, and back to their words."""

import re

import pytest
import spacy
from spacy.tokens import Doc, Span

from xner_spacy.alignment.backtranslation import BackTranslation, spread
from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.errors import XnerError
from xner_spacy.pipeline.aligner import AlignerComponent
from xner_spacy.types import Alignment, Entity, MarkedAligner, SentencePair, Translation

WORDS = {
    "lives": "býr",
    "in": "í",
    "and": "og",
    "met": "hitti",
    "United Nations": "Sameinuðu þjóðirnar",
    "Iceland": "Ísland",
    "Jon": "Jón",
}


class Dictionary:
    """Translates word by word, names first, and keeps brackets or drops them."""

    def __init__(self, keep=True):
        self.keep = keep
        self.seen = []

    def __call__(self, texts):
        for text in texts:
            self.seen.append(text)
            for word, other in WORDS.items():
                text = re.sub(rf"\b{word}\b", other, text)
            yield Translation(text if self.keep else re.sub(r"[\[\]]", "", text))


class SameWord:
    """Aligns equal words."""

    def __call__(self, pairs):
        for source, target in pairs:
            yield Alignment([(i, j) for i, a in enumerate(source) for j, b in enumerate(target) if a == b])


def pair(source, target, *entities):
    return SentencePair(source.split(), target.split(), [Entity(*e) for e in entities], Alignment())


NATIONS = pair(
    "Jon met United Nations in Iceland",
    "Í gær hitti Jón Sameinuðu þjóðirnar á Ísland",
    (0, 1, "PER"),
    (2, 4, "ORG"),
    (5, 6, "LOC"),
)


def test_entities_reach_their_words():
    aligner = BackTranslation(Dictionary(), SameWord())
    assert isinstance(aligner, MarkedAligner)
    (alignment,) = aligner.align_marked([NATIONS])
    assert alignment.links.tolist() == [[0, 3], [2, 4], [3, 5], [5, 7]]


def test_the_paper_s_way_replaces_the_source():
    (replaced,) = BackTranslation(Dictionary(), SameWord()).replace([NATIONS])
    assert replaced.pair.source == ["Jón", "hitti", "Sameinuðu", "þjóðirnar", "í", "Ísland"]
    assert [e[:3] for e in replaced.pair.entities] == [(0, 1, "PER"), (2, 4, "ORG"), (5, 6, "LOC")]
    assert replaced.origins == [0, 1, 2]
    assert (1, 2) in {tuple(link) for link in replaced.pair.alignment.links.tolist()}


def test_lost_brackets_fall_back_on_direct_links():
    class Diagonal:
        def __call__(self, pairs):
            for source, target in pairs:
                yield Alignment([(i, i) for i in range(min(len(source), len(target)))])

    lost = BackTranslation(Dictionary(keep=False), SameWord())
    assert [len(a) for a in lost.align_marked([NATIONS])] == [0]
    mended = BackTranslation(Dictionary(keep=False), SameWord(), Diagonal())
    (alignment,) = mended.align_marked([NATIONS])
    assert alignment.links.tolist() == [[i, i] for i in range(6)]
    # Where the brackets stay, direct links serve the words outside entities.
    (both,) = BackTranslation(Dictionary(), SameWord(), Diagonal()).align_marked([NATIONS])
    assert both.links.tolist() == [[0, 3], [1, 1], [2, 4], [3, 5], [4, 4], [5, 7]]


def test_the_released_code_s_quirks_by_option():
    """Both names are like the bracket; the released code takes the last, and compares brackets."""

    class Fixed:
        def __call__(self, texts):
            for text in texts:
                yield Translation(text.replace("[Anna Berg]", "[Anna Berg]").replace("[Anna Bergs]", "hún"))

    sentence = pair("Anna Berg met Anna Bergs", "Anna Berg", (0, 2, "PER"), (3, 5, "LOC"))
    (mended,) = BackTranslation(Fixed(), SameWord()).replace([sentence])
    (quirky,) = BackTranslation(Fixed(), SameWord(), quirks=True).replace([sentence])
    assert mended.origins == [0]
    assert quirky.origins == [1]


def test_words_of_an_entity_share_its_links_evenly():
    for width in range(1, 6):
        for length in range(1, 6):
            parts = [spread(k, width, length) for k in range(width)]
            assert all(parts)
            assert {i for part in parts for i in part} == set(range(length))
    assert [list(spread(k, 2, 4)) for k in range(2)] == [[0, 1], [2, 3]]
    assert [list(spread(k, 4, 2)) for k in range(4)] == [[0], [0], [1], [1]]


def test_nothing_to_mark_or_to_read():
    translator = Dictionary()
    aligner = BackTranslation(translator, SameWord())
    empty = [pair("", ""), pair("a b", "a b"), pair("Jon", "", (0, 1, "PER"))]
    assert [len(a) for a in aligner.align_marked(empty)] == [0, 0, 0]
    assert translator.seen == []
    with pytest.raises(XnerError, match="needs to know the source entities"):
        next(aligner([(["a"], ["a"])]))
    (plain,) = BackTranslation(translator, SameWord(), SameWord())([(["a"], ["a"])])
    assert plain.links.tolist() == [[0, 0]]


def test_no_translation_leaves_no_links():
    class Mute:
        def __call__(self, texts):
            return (Translation(None) for _ in texts)

    assert [len(a) for a in BackTranslation(Mute(), SameWord()).align_marked([NATIONS])] == [0]


def test_the_component_hands_over_the_entities_of_each_sentence():
    nlp = spacy.blank("is")
    source = Doc(
        nlp.vocab,
        words=["Jon", "lives", ".", "Jon", "met", "Iceland", "."],
        sent_starts=[True, False, False, True, False, False, False],
    )
    source.ents = [Span(source, 0, 1, "PER"), Span(source, 5, 6, "LOC")]
    target = Doc(
        nlp.vocab,
        words=["Jón", "býr", ".", "Jón", "hitti", "Ísland", "."],
        sent_starts=[True, False, False, True, False, False, False],
    )
    component = AlignerComponent(None, "aligner", BackTranslation(Dictionary(), SameWord()))
    target._.xner_source = source
    component(target)
    assert target._.xner_alignment.links.tolist() == [[0, 0], [5, 5]]


def test_an_aligner_that_learns_learns_from_the_back_translation(bitext):
    source, target = (path.read_text(encoding="utf8").splitlines() for path in bitext)
    pairs = [(s.split(), t.split()) for s, t in zip(source, target, strict=True)]
    plain = BackTranslation(Dictionary(), SameWord())
    assert not hasattr(plain, "train")
    aligner = BackTranslation(Dictionary(), LexicalAligner(), LexicalAligner())
    aligner.train(pairs)
    sentence = pair("Jon lives in Iceland .", "Jón býr í Ísland .", (0, 1, "PER"))
    (before,) = aligner.align_marked([sentence])
    again = BackTranslation(Dictionary(), LexicalAligner(), LexicalAligner())
    again = again.from_bytes(aligner.to_bytes())
    (after,) = again.align_marked([sentence])
    assert before == after
    assert [0, 0] in before.links.tolist()


def test_a_state_of_other_aligners_is_refused(bitext):
    """The names in it were taken for attributes, whatever they were."""
    import srsly

    aligner = BackTranslation(Dictionary(), LexicalAligner())
    untrained = LexicalAligner().to_bytes()
    aligner.from_bytes(srsly.msgpack_dumps({"aligner": untrained}))
    for state in (
        {"translator": untrained},
        {},
        {"aligner": untrained, "direct": untrained},
        ["x"],
    ):
        with pytest.raises(XnerError, match=r"xner\.BackTranslation\.v1"):
            aligner.from_bytes(srsly.msgpack_dumps(state))
    with pytest.raises(XnerError, match="batch_size"):
        BackTranslation(Dictionary(), SameWord(), batch_size=0)
