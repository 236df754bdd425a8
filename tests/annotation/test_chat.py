"""`xner.Chat.v1` as annotator: what comes back is the text with tags, or has a reason."""

import pickle
import re
from pathlib import Path
from typing import Any, List

import pytest
import spacy
from hypothesis import assume, given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from tests.translation.chat_server import KEY, ChatServer, Step, completion
from xner_spacy.annotation.chat import Chat, read_annotation
from xner_spacy.corpora.docs import count_doc
from xner_spacy.docdata import annotation_fault
from xner_spacy.errors import XnerError
from xner_spacy.pipeline.annotator import AnnotatorComponent
from xner_spacy.types import Alignment, Entity, Translation

pytest.importorskip("openai")

LABELS = ["PER", "LOC", "ORG"]
WORDS = ["Anna", "Jónsdóttir", "lives", "in", "New", "York", "."]
TEXT = "Anna Jónsdóttir lives in New York."
TAGGED = "<PER>Anna Jónsdóttir</PER> lives in <LOC>New York</LOC>."


def read(answer: Any, words: List[str] = WORDS, text: str = TEXT) -> Any:
    return read_annotation(words, text, answer if isinstance(answer, Translation) else Translation(answer), LABELS)


@pytest.mark.parametrize(
    "answer",
    [
        TAGGED,
        f"  {TAGGED}\n",
        "<PER>Anna  Jónsdóttir </PER>lives in <LOC> New York</LOC> .",  # white space
        "<per>Anna Jónsdóttir</per> lives in <Loc>New York</Loc>.",
        TAGGED.replace("ó", "o\u0301"),
    ],
)
def test_entities_are_placed(answer: str) -> None:
    annotation = read(answer)
    assert annotation == ([Entity(0, 2, "PER"), Entity(4, 6, "LOC")], None, [], None)


@pytest.mark.parametrize(
    "answer, entities, unplaced",
    [
        ("<PERSON>Anna</PERSON> Jónsdóttir lives in New York.", [], [((0, 1, "PERSON"), "unknown_label")]),
        ("Anna Jónsdóttir lives in <ORG>New <LOC>York</LOC></ORG>.", [(4, 6, "ORG")], [((5, 6, "LOC"), "nested")]),
        ("Anna <DATE>Jónsdóttir <LOC>lives</LOC></DATE> in New York.", [(2, 3, "LOC")], [((1, 3, "DATE"), "unknown_label")]),
        ("Anna <PER>Jóns</PER>dóttir lives in New York.", [], [((1, 2, "PER"), "token_edges")]),
        ("Anna Jóns<PER>dóttir lives</PER> in <LOC>New York</LOC>.", [(4, 6, "LOC")], [((1, 3, "PER"), "token_edges")]),
        (TEXT, [], []),
    ],
)  # fmt: skip
def test_names_that_cannot_be_placed_have_reasons(answer: str, entities: Any, unplaced: Any) -> None:
    annotation = read(answer)
    assert [tuple(e)[:3] for e in annotation.entities] == entities
    assert [(tuple(e)[:3], reason) for e, reason in annotation.unplaced] == unplaced
    assert annotation.fault is None


@pytest.mark.parametrize(
    "answer, fault",
    [
        (TAGGED.replace("lives", "lived"), "text changed"),
        (TAGGED.replace("lives", "Lives"), "text changed"),
        (TAGGED + " Note: two names.", "text changed"),
        (TAGGED.replace(" in ", " "), "text changed"),
        (TAGGED[:-1], "text changed"),
        (f"Here is the text:\n{TAGGED}", "text changed"),
        (TAGGED.replace("ó", "o"), "text changed"),
        (TAGGED.replace("</LOC>", ""), "broken tags"),
        (TAGGED.replace("<LOC>", ""), "broken tags"),
        (TAGGED.replace("</LOC>", "</PER>"), "broken tags"),
        (TAGGED.replace("<LOC>", "<LOC></LOC>").replace("York</LOC>", "York"), "broken tags"),
        ("<PER>Anna <LOC>Jónsdóttir</PER> lives</LOC> in New York.", "broken tags"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("", "no answer"),
        (Translation(None, fault="refused"), "refused"),
        (Translation(None, fault="length"), "cut off"),
        (Translation(None, fault="too long"), "too long"),
        (Translation(None, fault="failed"), "no answer"),
    ],
)
def test_an_answer_that_cannot_be_used_has_a_fault(answer: Any, fault: str) -> None:
    assert read(answer) == ([], None, (), fault)


def test_tags_of_the_text_itself_are_text() -> None:
    words = ["<b>", "Anna", "</b>", "<PER>", "3", "<", "4"]
    text = "<b>Anna</b> <PER> 3 < 4"
    annotation = read("<b><PER>Anna</PER></b> <PER> 3 < 4", words, text)
    assert annotation.entities == [Entity(1, 2, "PER")] and annotation.fault is None
    assert read(text, words, text).entities == []


def test_a_text_that_is_not_that_of_the_tokens() -> None:
    assert read(TAGGED, [*WORDS, "more"]).fault == "text changed"
    assert read("", [], "x").fault == "no answer"


tokens = st.lists(
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=6)
    | st.sampled_from(["<PER>", "</LOC>", "<", ">", "é", "e\u0301", "한국", "\u0301x", "𝒳", " ", "\n"]),
    min_size=1,
    max_size=12,
)


@given(tokens, st.data())
def test_what_is_tagged_is_found(words: List[str], data: Any) -> None:
    """Whatever the tokens are: tags around some of them are read as these tokens. (Tokens that look like tags may make
    an answer ambiguous; then it has a fault, and no entity is in a wrong place.)
    """
    assume(any(word.strip() for word in words))
    edges = sorted(data.draw(st.sets(st.integers(0, len(words)), max_size=6)))
    spans = [(a, b, data.draw(st.sampled_from(LABELS))) for a, b in zip(edges[::2], edges[1::2])]
    spans = [(a, b, label) for a, b, label in spans if words[a].strip() and words[b - 1].strip()]
    pieces = list(words)
    for start, end, label in spans:
        pieces[start] = f"<{label}>{pieces[start]}"
        pieces[end - 1] = f"{pieces[end - 1]}</{label}>"
    annotation = read(" ".join(pieces), words, " ".join(words))
    plain = not any(re.search("[<>]", word) for word in words)
    if plain:
        assert annotation.fault is None
    if annotation.fault is None and plain:
        assert [(e.start, e.end, e.label) for e in annotation.entities] == spans
    for entity in annotation.entities:
        assert words[entity.start].strip() and words[entity.end - 1].strip()


@given(st.text(max_size=40), tokens)
def test_any_answer_is_read(answer: str, words: List[str]) -> None:
    annotation = read(answer, words, " ".join(words))
    last = 0
    for entity in annotation.entities:
        assert last <= entity.start < entity.end <= len(words)
        last = entity.end


# The part, asked of a server


def part_of(server: ChatServer, **settings: Any) -> Chat:
    return Chat("tiny", base_url=server.url, **settings)


def names(text: str, n: int = 0) -> str:
    """RETURNS (str): The answer of a model that knows two names."""
    return text.replace("Anna", "<PER>Anna</PER>").replace("París", "<LOC>París</LOC>")


def test_it_labels_sentences_and_stores_its_answers(serve: Any, tmp_path: Path) -> None:
    server = serve(names)
    sentences = [["Anna", "er", "í", "París", "."], [" "], [], ["Anna", "er", "í", "París", "."]]
    for _ in range(2):
        part = part_of(server, store=str(tmp_path / "s.db"))
        part.initialize()
        found = list(part(sentences))
        assert [a.entities for a in found] == [[Entity(0, 1, "PER"), Entity(3, 4, "LOC")], [], [], found[0].entities]
    assert server.asked == ["Anna er í París ."]
    (system, _) = server.requests[0]["messages"]
    assert "PER: names of people" in system["content"] and "<PER>...</PER>" in system["content"]


def test_it_can_be_pickled_and_closed(serve: Any, tmp_path: Path) -> None:
    server = serve(names)
    part = part_of(server, store=str(tmp_path / "s.db"))
    part.initialize()
    list(part([["Anna"]]))
    again = pickle.loads(pickle.dumps(part))
    part.close()
    assert [a.entities for a in again([["Anna"], ["Anna", "fór"]])] == [[Entity(0, 1, "PER")]] * 2
    assert server.asked == ["Anna", "Anna fór"]
    assert again.estimate_texts(["Anna", "Anna fór", "París"]).texts == 1
    assert again.estimate_texts([]).spent == 60
    again.close()


def test_labels_of_ones_own(serve: Any) -> None:
    server = serve(lambda text, n: text.replace("Marel", "<COMPANY>Marel</COMPANY>"))
    part = part_of(server, labels={"COMPANY": "firms"}, instruction="{labels}; such as <{first}>")
    (annotation,) = part([["Marel", "selur"]])
    assert annotation.entities == [Entity(0, 1, "COMPANY")]
    assert server.requests[0]["messages"][0]["content"] == "COMPANY: firms; such as <COMPANY>"


@pytest.mark.parametrize(
    "labels, message", [({}, "No label"), ({"A B": "x"}, "can't be a tag"), ({"PER": "x", "per": "y"}, "lower case")]
)
def test_wrong_labels(labels: Any, message: str) -> None:
    with pytest.raises(XnerError, match=message):
        Chat("tiny", labels=labels)


def test_a_failed_request_is_asked_again_in_the_next_run(serve: Any, tmp_path: Path) -> None:
    server = serve(lambda text, n: Step({}, 500) if n == 0 else names(text))
    sentences = [["Anna", "."]]
    part = part_of(server, store=str(tmp_path / "s.db"), retries=0)
    part.initialize()
    assert [a.fault for a in part(sentences)] == ["no answer"]
    assert [a.fault for a in part(sentences)] == [None]
    assert len(server.asked) == 2


TEXTS = ["Anna er í París.", "Anna fór.", "Hún sér París.", "Anna, já"]
ANSWERS = {
    TEXTS[0]: names(TEXTS[0]),
    TEXTS[1]: "Anna ferðaðist.",
    TEXTS[2]: "Hún sér <LOC>Par</LOC>ís.",
    TEXTS[3]: Step(completion("<PER>Anna</PER>, j", "length")),
}


def test_directly_on_the_target(serve: Any, tmp_path: Path) -> None:
    """What is not known is missing, counted, and kept with the Doc."""
    server = serve(lambda text, n: ANSWERS[text])
    nlp = spacy.blank("is")
    nlp.add_pipe(
        "xner_annotator",
        config={
            "side": "target",
            "annotator": {"@xner_annotators": "xner.Chat.v1", "model": "tiny", "base_url": server.url},
        },
    )
    docs = list(nlp.pipe(TEXTS))
    docs = list(DocBin(docs=docs, store_user_data=True).get_docs(nlp.vocab))
    assert [[(e.text, e.label_) for e in doc.ents] for doc in docs] == [[("Anna", "PER"), ("París", "LOC")], [], [], []]
    assert [annotation_fault(doc) for doc in docs] == [None, "text changed", None, "cut off"]
    assert [token.ent_iob_ for token in docs[1]] == [""] * len(docs[1])
    assert [token.ent_iob_ for token in docs[2]] == ["O", "O", "", "O"]
    group = docs[2].spans["xner_unplaced"]
    assert [(s.text, s.label_) for s in group] == [("París", "LOC")] and group.attrs == {"reasons": ["token_edges"]}
    counts = [count_doc(doc) for doc in docs]
    assert counts[1]["faulty annotation: text changed"] == counts[3]["faulty annotation: cut off"] == 1
    assert counts[2]["not placed: token_edges"] == 1
    pipe = nlp.get_pipe("xner_annotator")
    assert pipe.left_out == {"token_edges": 1} and pipe.faults == {"text changed": 1, "cut off": 1}
    # Labelled anew, a Doc forgets it.
    ANSWERS_AFTER = {text: names(text) for text in TEXTS}
    server2 = serve(lambda text, n: ANSWERS_AFTER[text])
    doc = AnnotatorComponent(nlp, "again", annotator=part_of(server2), side="target")(docs[2])
    assert [e.text for e in doc.ents] == ["París"] and "xner_unplaced" not in doc.spans


def test_on_the_source_side_the_projector_keeps_the_reasons(serve: Any) -> None:
    server = serve(lambda text, n: ANSWERS[text])
    nlp = spacy.blank("xx")
    part = {"@xner_annotators": "xner.Chat.v1", "model": "tiny", "base_url": server.url}
    nlp.add_pipe("xner_annotator", config={"annotator": part})
    nlp.add_pipe("xner_projector", config={"projector": {"@xner_projectors": "xner.Heuristic.v1"}})
    docs = [nlp.make_doc(text) for text in TEXTS]
    for doc in docs:
        doc._.xner_source = nlp.make_doc(doc.text)
        doc._.xner_alignment = Alignment([(k, k) for k in range(len(doc))])
    docs = list(nlp.pipe(docs))
    assert [[e.text for e in doc.ents] for doc in docs] == [["Anna", "París"], [], [], []]
    assert {t.ent_iob_ for t in docs[1]} == {""} and annotation_fault(docs[1]) == "text changed"
    (entry,) = docs[2].spans["xner"].attrs["unprojected"]
    assert entry["reason"] == "token_edges" and entry["label"] == "LOC"
    assert count_doc(docs[2])["not projected: token_edges"] == 1
    assert count_doc(docs[1])["faulty annotation: text changed"] == 1


def test_a_saved_pipeline_has_no_key(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTS_API_KEY", KEY)
    server = serve(names)
    nlp = spacy.blank("is")
    part = {
        "@xner_annotators": "xner.Chat.v1", "model": "tiny", "base_url": server.url, "key_variable": "TESTS_API_KEY",
        "store": str(tmp_path / "answers.db"),
    }  # fmt: skip
    nlp.add_pipe("xner_annotator", config={"side": "target", "annotator": part})
    nlp.initialize()
    doc = nlp("Anna fór.")
    assert KEY in str(server.headers)
    nlp.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")
    assert [e.text for e in again("Anna fór.").ents] == [e.text for e in doc.ents] == ["Anna"]
    assert len(server.asked) == 1  # the answer is stored
    (tmp_path / "bytes").write_bytes(nlp.to_bytes() + doc.to_bytes())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
