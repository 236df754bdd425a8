"""`xner project` on text without capitals, and on languages where one word renders a preposition and a name."""

from dataclasses import replace
from itertools import groupby

import pytest

from xner_spacy.alignment.statistical.lexical import LexicalAligner
from xner_spacy.cli.project import project
from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.types import Alignment, Entity, SentencePair

CITIES = [
    ("Clara/PER lives in Lisbon/LOC .", "Clara lebt in Lissabon ."),
    ("The Polish/MISC minister visited Volvo/ORG .", "der polnische minister besuchte Volvo ."),
    ("Tom/PER studies at Harvard/ORG in Boston/LOC .", "Tom studiert an Harvard in Boston ."),
    ("Turin/LOC is older than Munich/LOC .", "Turin ist älter als München ."),
    ("Interpol/ORG thanked Eva/PER .", "Interpol dankte Eva ."),
]
CASES = {
    "lower case": str.lower,
    "only the first word": lambda text: text[:1].upper() + text[1:].lower(),
    "title case": str.title,
    "no punctuation": lambda text: text.removesuffix(" ."),
}

# In order: Turkish, Turkish, Finnish, Finnish, Hungarian, Hungarian, Basque, Hebrew, Hebrew, Swahili.
SUFFIXES = [
    ("Deniz/PER works in Izmir/LOC .", "Deniz/PER İzmir'de/LOC çalışıyor .", "0-0 1-2 2-1 3-1 4-3"),
    ("They flew from Athens/LOC to Cairo/LOC .", "Atina'dan/LOC Kahire'ye/LOC uçtular .", "0-2 1-2 2-0 3-0 4-1 5-1 6-3"),
    ("Aino/PER studies in Norway/LOC .", "Aino/PER opiskelee Norjassa/LOC .", "0-0 1-1 2-2 3-2 4-3"),
    ("He moved from Denmark/LOC to Estonia/LOC .", "Hän muutti Tanskasta/LOC Viroon/LOC .", "0-0 1-1 2-2 3-2 4-3 5-3 6-4"),
    ("Anna/PER worked in Prague/LOC .", "Anna/PER Prágában/LOC dolgozott .", "0-0 1-2 2-1 3-1 4-3"),
    ("The bus from Szeged/LOC was full .", "A szegedi/LOC busz tele volt .", "0-0 1-2 2-1 3-1 4-4 5-3 6-5"),
    ("Itziar/PER works in Bilbao/LOC .", "Itziar/PER Bilbon/LOC lan egiten du .", "0-0 1-2 1-3 2-1 3-1 4-5"),
    ("Noa/PER works in Eilat/LOC .", "נועה/PER עובדת באילת/LOC .", "0-0 1-1 2-2 3-2 4-3"),
    ("The doctor went to Beersheba/LOC .", "הרופא נסע לבאר-שבע/LOC .", "0-0 1-0 2-1 3-2 4-2 5-3"),
    ("She is in Kenya/LOC .", "Yuko Kenyani/LOC .", "0-0 1-0 2-1 3-1 4-2"),
]  # fmt: skip


def read(text):
    """The words of a text with labels after a slash, and its tags."""
    words = [token.partition("/")[::2] for token in text.split()]
    return [word for word, _ in words], [f"B-{label}" if label else "O" for _, label in words]


def projected(folder, sources, targets, links):
    """The tags that the command gives, sentence by sentence."""
    source, target, given, out = (folder / name for name in ("s.iob", "t.txt", "links", "t.iob"))
    rows = ("".join(f"{w}\t{tag}\n" for w, tag in zip(*read(text), strict=True)) for text in sources)
    source.write_text("\n".join(rows), encoding="utf8")
    target.write_text("".join(f"{line}\n" for line in targets), encoding="utf8")
    given.write_text("".join(f"{line}\n" for line in links), encoding="utf8")
    project(source, target, out, links=given)
    lines = out.read_text(encoding="utf8").split("\n")
    return [[line.split("\t")[1] for line in block] for filled, block in groupby(lines, key=bool) if filled]


@pytest.mark.parametrize("case", CASES)
def test_labels_do_not_depend_on_case(case, tmp_path):
    """One MISC in a corpus in lower case used to turn every name into MISC."""
    targets = [CASES[case](target) for _, target in CITIES]
    tags = [read(source)[1] for source, _ in CITIES]
    gold = [row[: len(target.split())] for row, target in zip(tags, targets, strict=True)]
    links = [" ".join(f"{k}-{k}" for k in range(len(target.split()))) for target in targets]
    assert projected(tmp_path, [source for source, _ in CITIES], targets, links) == gold


def test_words_that_render_a_preposition_and_a_name(tmp_path):
    """All of them used to be lost, since the preposition's link cancelled the name's."""
    gold = [read(target) for _, target, _ in SUFFIXES]
    targets = [" ".join(words) for words, _ in gold]
    tags = projected(tmp_path, [row[0] for row in SUFFIXES], targets, [row[2] for row in SUFFIXES])
    assert tags == [row_tags for _, row_tags in gold]


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("name, preposition", [(0.95, 0.8), (0.85, 0.75), (0.8, 0.6), (0.9, 0.45), (0.6, 0.9)])
def test_cosines_as_link_scores(name, preposition, trained):
    """SimAlign gives the preposition's link nearly the score of the name's."""
    links = Alignment([(0, 0), (1, 2), (2, 1), (3, 1), (4, 3)], [0.95, 0.9, preposition, name, 0.99])
    entities = [Entity(0, 1, "PER"), Entity(3, 4, "LOC")]
    pair = SentencePair(["Anna", "works", "in", "Prague", "."], ["Anna", "Prágában", "dolgozik", "."], entities, links)
    projector = MatchingProjector()
    if trained:
        projector.train([pair])
    (projection,) = projector([pair])
    assert [span[:3] for span in projection.spans] == [(0, 1, "PER"), (1, 2, "LOC")]


def test_a_corpus_of_such_words_aligned_by_the_default():
    """Every name of a Turkish corpus is found with the links that `xner project` makes by itself."""
    places = {"Athens": "Atina", "Cyprus": "Kıbrıs", "Egypt": "Mısır", "Greece": "Yunanistan", "Poland": "Polonya"}
    sentences = [
        (f"{who} came from {start} to {end} .", f"{who} {places[start]}'dan {places[end]}'ya geldi .")
        for who in ("Ali", "Deniz", "Maria")
        for start in places
        for end in places
    ]
    texts = [(source.split(), target.split()) for source, target in sentences]
    aligner = LexicalAligner()
    aligner.train(texts)
    entities = [Entity(0, 1, "PER"), Entity(3, 4, "LOC"), Entity(5, 6, "LOC")]
    pairs = [SentencePair(*text, entities, links) for text, links in zip(texts, aligner(texts), strict=True)]
    projector = MatchingProjector()
    projector.train(pairs)
    for projection in projector(pairs):
        assert [span[:3] for span in projection.spans] == [(0, 1, "PER"), (1, 2, "LOC"), (2, 3, "LOC")]


def test_a_word_that_verbs_share_is_not_lost():
    """Bambara: a postposition is written with the name, and linked to verbs and nouns without scores."""
    links = Alignment([(0, 0), (1, 1), (2, 1), (3, 1), (4, 2)])
    pair = SentencePair(
        ["Musa", "told", "leaders", "Mali", "."], ["Musa", "Mali'la", "."], [Entity(3, 4, "LOC")], links
    )
    (projection,) = MatchingProjector()([pair])
    assert [span[:3] for span in projection.spans] == [(1, 2, "LOC")]
    # With a word of its own beside it, the name does not need the shared one.
    links = Alignment([(0, 0), (1, 1), (2, 1), (3, 1), (3, 2), (4, 3)])
    pair = SentencePair(pair.source, ["Musa", "dugutigi", "Mali", "."], [Entity(3, 4, "LOC")], links)
    (projection,) = MatchingProjector()([pair])
    assert [span[:3] for span in projection.spans] == [(2, 3, "LOC")]


def test_capitals_draw_in_the_rest_of_a_name_where_names_have_them():
    """Where names alone have capitals, an unlinked capitalised word beside a name is taken along."""
    corpus = [
        SentencePair(
            f"we saw that {name} met them".split(), f"vimos que {name} se reunió {k}".split(), [Entity(3, 4, "PER")],
            Alignment([(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 3)]),
        )
        for k, name in enumerate(("Ana", "Luis", "Marta", "Pedro") * 20)
    ]  # fmt: skip
    links = Alignment([(0, 0), (2, 1), (3, 3), (4, 4)])
    asked = SentencePair(["we", "saw", "that", "America", "fell"], ["vimos", "que", "Estados", "Unidos", "cayó"], [Entity(3, 4, "LOC")], links)  # fmt: skip
    found = {}
    for form, pairs in {
        "cased": [*corpus, asked],
        "lower": [replace(pair, target=[w.lower() for w in pair.target]) for pair in [*corpus, asked]],
    }.items():
        projector = MatchingProjector()
        projector.train(pairs)
        (projection,) = projector([pairs[-1]])
        found[form] = [span[:3] for span in projection.spans]
    assert found == {"cased": [(2, 4, "LOC")], "lower": [(3, 4, "LOC")]}
