"""The markup reader, and the checker of the embedded corpus."""

from collections import Counter

import pytest
import spacy

from scripts.markup import SPLITS, parse_marks, read_markup
from tests.conftest import ROOT
from xner_spacy.errors import InputError

ASSETS = ROOT / "assets" / "is-en"


def test_marks():
    marked = parse_marks("[PER Anna] og [ORG Marel hf.] eru [LOC hér]!")
    assert marked.text == "Anna og Marel hf. eru hér!"
    assert [marked.text[s:e] for s, e, _ in marked.spans] == ["Anna", "Marel hf.", "hér"]
    assert [label for *_, label in marked.spans] == ["PER", "ORG", "LOC"]


HEADER = "## a-1 | train | A title\n"


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("is: a\nen: b\n", 1, "header must come first"),
        ("## a-1 | training | x\n", 1, "a header reads"),
        (HEADER + "en: a\n", 2, "expected 'is: ...'"),
        (HEADER + "is: a\nis: b\n", 3, "expected 'en: ...'"),
        (HEADER + "is: a\n", 2, "no translation"),
        (HEADER + "is: a\n" + HEADER, 3, "no translation"),
        (HEADER + "is: [MISC a]\nen: a\n", 2, "unknown label"),
        (HEADER + "is: [PER a\nen: a\n", 2, "bracket outside a mark"),
        (HEADER + "is: [PER [LOC a]]\nen: a\n", 2, "bracket outside a mark"),
        (HEADER + "is: a  b\nen: a\n", 2, "spaces"),
        (HEADER + "is: [PER a ]b\nen: a\n", 2, "begins or ends with a space"),
    ],
)
def test_broken_markup(tmp_path, text, line, message):
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf8")
    with pytest.raises(InputError, match=message) as info:
        list(read_markup(path, ("is", "en")))
    assert info.value.line == line


@pytest.fixture(scope="module")
def corpus():
    files = sorted(ASSETS.glob("*.txt"))
    assert files
    return [pair for file in files for pair in read_markup(file, ("is", "en"))]


def test_embedded_corpus_size_and_splits(corpus):
    splits = Counter(pair.split for pair in corpus)
    assert len(corpus) >= 600
    assert splits["test"] == 150
    assert set(splits) == set(SPLITS)
    # the test set shares no article with the rest
    homes = {pair.article: pair.split for pair in corpus}
    assert all(homes[pair.article] == pair.split for pair in corpus)


def test_embedded_corpus_repeats_no_sentence(corpus):
    for side in (0, 1):
        texts = Counter(pair.sides[side].text for pair in corpus)
        assert max(texts.values()) == 1


def test_embedded_corpus_marks_lie_on_tokens(corpus):
    for side, lang in ((0, "is"), (1, "en")):
        nlp = spacy.blank(lang)
        for pair in corpus:
            doc = nlp.make_doc(pair.sides[side].text)
            for start, end, _ in pair.sides[side].spans:
                assert doc.char_span(start, end) is not None, (pair.article, pair.line)


def test_embedded_corpus_holds_what_makes_projection_hard(corpus):
    none = twice = reordered = inside = shorter = inflected = 0
    for pair in corpus:
        is_side, en_side = pair.sides
        names = [is_side.text[s:e] for s, e, _ in is_side.spans]
        english = [en_side.text[s:e] for s, e, _ in en_side.spans]
        none += not names and not english
        twice += len(set(names)) < len(names)
        shared = [n for n in names if english.count(n) == 1 and names.count(n) == 1]
        reordered += shared != sorted(shared, key=english.index)
        inside += any(c in name for name in names + english for c in "„“\"'&(")
        shorter += any(len(a.split()) == 1 and len(b.split()) >= 2 for a, b in zip(names, english))
        inflected += any(n not in en_side.text for n in names)
    assert none >= 100
    assert twice >= 15
    assert reordered >= 20
    assert inside >= 10
    assert shorter >= 60
    assert inflected >= 200


def test_embedded_corpus_labels_agree_mostly(corpus):
    labels = [tuple(sorted(label for *_, label in side.spans)) for pair in corpus for side in pair.sides]
    pairs = list(zip(labels[::2], labels[1::2]))
    assert sum(a == b for a, b in pairs) / len(pairs) > 0.9
    counts = Counter(label for side in labels for label in side)
    assert set(counts) == {"PER", "LOC", "ORG"} and min(counts.values()) > 500
