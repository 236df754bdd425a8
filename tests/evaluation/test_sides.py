"""An evaluation sees whitespace in entities, missing values, and labels that one side lacks."""

from pathlib import Path
from typing import List, Tuple

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span

from tests.cli.helpers import xner
from xner_spacy.cli.compare import compare
from xner_spacy.cli.evaluate import evaluate
from xner_spacy.corpora.formats.columns import TaggedSentence
from xner_spacy.errors import InputError, XnerError
from xner_spacy.evaluation.sides import Layout, common_positions
from xner_spacy.text import is_blank_token
from xner_spacy.types import Entity

VOCAB = spacy.blank("xx").vocab
GOLD = "Ada\tB-PER\nLovelace\tI-PER\nleft\tO\nLagos\tB-LOC\n\n"


def docbin(path: Path, *docs: Tuple[List[str], List[Tuple[int, int, str]]], **options) -> Path:
    made = []
    for words, ents in docs:
        doc = Doc(VOCAB, words=words)
        doc.set_ents([Span(doc, *e) for e in ents], **(options or {"default": "outside"}))
        made.append(doc)
    DocBin(docs=made).to_disk(path)
    return path


@pytest.fixture()
def gold(tmp_path: Path) -> Path:
    (tmp_path / "gold.iob").write_text(GOLD)
    return tmp_path / "gold.iob"


@pytest.mark.parametrize(
    "words, ents, errors, edges",
    [
        # the same entities around whitespace that only this side has
        (["Ada", " ", "Lovelace", "left", "\n", "Lagos"], [(0, 3, "PER"), (5, 6, "LOC")], {}, 0),
        # whitespace at the right, at the left, at both edges
        (["Ada", "Lovelace", " ", "left", "Lagos"], [(0, 3, "PER"), (4, 5, "LOC")], {"boundary": 1}, 1),
        (["Ada", "Lovelace", "left", "\n", "Lagos"], [(0, 2, "PER"), (3, 5, "LOC")], {"boundary": 1}, 1),
        (
            ["\n", "Ada", "Lovelace", " ", "left", "Lagos", "\u3000"],
            [(0, 4, "PER"), (5, 7, "LOC")],
            {"boundary": 2},
            2,
        ),
        # whitespace alone, beside the right entities, and inside one that is missed
        (
            ["Ada", "Lovelace", "left", "\n\n", "Lagos"],
            [(0, 2, "PER"), (3, 4, "LOC"), (4, 5, "LOC")],
            {"spurious": 1},
            1,
        ),
        (["Ada", " ", "Lovelace", "left", "Lagos"], [(1, 2, "PER"), (4, 5, "LOC")], {"boundary": 1}, 1),
        # an invisible token is no part of an entity either
        (["Ada", "Lovelace", "\u200b", "left", "Lagos"], [(0, 3, "PER"), (4, 5, "LOC")], {"boundary": 1}, 1),
    ],
)  # fmt: skip
def test_whitespace_in_predictions(gold, tmp_path, words, ents, errors, edges):
    scores = evaluate(gold, docbin(tmp_path / "p.spacy", (words, ents)))
    wrong = {k: n for k, n in scores["errors"].items() if n and k not in ("correct", "missing")}
    assert wrong == errors and scores["notes"]["whitespace_edges"] == {
        "gold": 0,
        "predicted": edges,
    }
    assert scores["predicted"] == len(ents) and scores["gold"] == 2
    assert (scores["f1"] == 1.0) == (not errors)
    result = xner("evaluate", gold, tmp_path / "p.spacy")
    said = f"predicted entities with whitespace at their edges: {edges}"
    assert (said in result.err) == bool(edges)


def test_whitespace_in_gold_is_taken_off_and_counted(tmp_path):
    words = ["Ada", " ", "left", "\n"]
    path = docbin(tmp_path / "g.spacy", (words, [(0, 2, "PER"), (3, 4, "LOC")]))
    (tmp_path / "p.iob").write_text("Ada\tB-PER\nleft\tO\n\n")
    scores = evaluate(path, tmp_path / "p.iob")
    assert scores["f1"] == 1.0 and scores["gold"] == 1
    assert scores["notes"]["whitespace_edges"] == {"gold": 2, "predicted": 0}
    # The same file as a prediction has two entities that are none.
    assert evaluate(path, path)["errors"]["correct"] == 0


def test_missing_values_are_not_taken_for_outside(tmp_path):
    words = ["Asha", "anaishi", "Moshi"]
    first = Doc(VOCAB, words=words)
    first.set_ents([Span(first, 2, 3, "LOC")], missing=[Span(first, 0, 1)], default="outside")
    second = Doc(VOCAB, words=["hakuna", "tafsiri"])
    second.set_ents([], default="missing")
    DocBin(docs=[first, second]).to_disk(tmp_path / "g.spacy")
    predicted = docbin(
        tmp_path / "p.spacy",
        (words, [(0, 1, "PER"), (2, 3, "LOC")]),
        (["hakuna", "tafsiri"], [(0, 2, "ORG")]),
    )
    scores = evaluate(tmp_path / "g.spacy", predicted)
    assert scores["f1"] == 1.0 and scores["predicted"] == scores["gold"] == 1
    assert scores["notes"]["missing"] == {
        "gold_tokens": 3,
        "predicted_left_out": 2,
        "sentences_without_predictions": 0,
    }
    result = xner("evaluate", tmp_path / "g.spacy", predicted)
    assert "gold tokens without annotation: 3" in result.err and "left out: 2" in result.err
    turned = evaluate(predicted, tmp_path / "g.spacy")
    assert turned["notes"]["missing"]["sentences_without_predictions"] == 1
    assert turned["errors"]["missing"] == 2


def test_gold_without_any_annotation_is_refused(gold, tmp_path):
    words = ["Ada", "Lovelace", "left", "Lagos"]
    empty = docbin(tmp_path / "g.spacy", (words, []), default="missing")
    with pytest.raises(InputError, match="holds no annotation"):
        evaluate(empty, gold)
    assert evaluate(gold, empty)["f1"] == 0.0


def test_labels_hold_for_every_form(tmp_path):
    (tmp_path / "a.iob").write_text("FIFA\tB-ORGG\nwon\tO\n\n")
    docbin(tmp_path / "a.spacy", (["FIFA", "won"], [(0, 1, "ORGG")]))
    (tmp_path / "shards").mkdir()
    docbin(tmp_path / "shards" / "00000.spacy", (["FIFA", "won"], [(0, 1, "ORGG")]))
    for name in ("a.iob", "a.spacy", "shards"):
        for command in (("evaluate",), ("compare", tmp_path / "a.iob")):
            result = xner(*command, tmp_path / name, tmp_path / name, "--labels", "PER, LOC")
            assert result.code == 1 and "'ORGG'" in result.err and not result.out
            # What is recommended exists.
            assert "xner convert IN OUT --label-map NAME" in result.err
            assert "--label-map" in xner("convert", "--help").out
        assert evaluate(tmp_path / name, tmp_path / name, labels=["ORGG"])["f1"] == 1.0
        assert compare(*[tmp_path / name] * 3, labels=["ORGG"], samples=9)["difference"] == 0
    assert "has an empty label" in xner("evaluate", *[tmp_path / "a.iob"] * 2, "--labels", "").err


def test_labels_of_one_side_are_told(tmp_path):
    (tmp_path / "g.iob").write_text("FIFA\tB-ORG\nwon\tO\nin\tO\nBern\tB-LOC\n\n")
    (tmp_path / "p.iob").write_text("FIFA\tB-ORGG\nwon\tO\nin\tO\nBern\tB-LOC\n\n")
    for command in (("evaluate",), ("compare", tmp_path / "g.iob")):
        result = xner(*command, tmp_path / "g.iob", tmp_path / "p.iob")
        assert result.code == 0
        assert "labels in the predictions alone: ORGG (1 entities)" in result.err
    result = xner("evaluate", tmp_path / "g.iob", tmp_path / "p.iob")
    assert "labels in gold alone: ORG (1 entities)" in result.err
    assert "alone" not in xner("evaluate", tmp_path / "g.iob", tmp_path / "g.iob").err


def test_the_labels_of_both_sides_are_scored_too(tmp_path):
    gold, predicted, better = (tmp_path / f"{name}.iob" for name in ("gold", "predicted", "better"))
    gold.write_text("Bern\tB-LOC\nAda\tB-PER\n2024\tB-DATE\n\nRom\tB-LOC\n1999\tB-DATE\n\n")
    predicted.write_text("Bern\tB-LOC\nAda\tO\n2024\tO\n\nRom\tB-PER\n1999\tO\n\n")
    better.write_text("Bern\tB-LOC\nAda\tB-PER\n2024\tO\n\nRom\tB-PER\n1999\tO\n\n")
    scores = evaluate(gold, predicted)
    alone = evaluate(gold, predicted, only=["LOC", "PER"])
    assert scores["f1"] == pytest.approx(2 / 7, abs=1e-5) and alone["f1"] == pytest.approx(2 / 5, abs=1e-5)
    assert scores["common_labels"]["labels"] == ["LOC", "PER"]
    assert all(scores["common_labels"][name] == alone[name] for name in ("precision", "recall", "f1", "f1_interval"))
    assert alone["signature"] == f"{scores['signature']}|only:LOC,PER"
    assert "common_labels" not in alone and alone["notes"]["labels_only_in"] == {"gold": {}, "predicted": {}}
    result = xner("evaluate", gold, predicted)
    assert "| only LOC, PER |" in result.out and "labels in gold alone: DATE (2 entities)" in result.err
    assert "each of them counts as a mistake" in result.err and "--only LOC,PER" in result.err
    assert "DATE" not in xner("evaluate", gold, predicted, "--only", "LOC,PER").out

    both = compare(gold, better, predicted, samples=99)
    assert both["common_labels"]["f1_a"] == compare(gold, better, predicted, only=["LOC", "PER"], samples=99)["f1_a"]
    assert both["common_labels"]["f1_a"] > both["f1_a"]
    assert "(only LOC, PER)" in xner("compare", gold, better, predicted, "--samples", "9").out
    assert "has an empty label" in xner("evaluate", gold, predicted, "--only", "LOC,").err


def test_an_option_is_honoured_or_refused(gold):
    assert "--only is of entities" in xner("evaluate", gold, gold, "--links", "--only", "PER").err
    assert "--labels is of entities" in xner("evaluate", gold, gold, "--links", "--labels", "PER").err
    for option in ("--one-indexed", "--reverse"):
        assert "Give --links" in xner("evaluate", gold, gold, option).err


@pytest.mark.parametrize("options", [("--seed", -1), ("--samples", 10**9), ("--samples", 0)])
def test_seeds_and_samples_have_bounds(gold, options):
    for command in (("evaluate",), ("compare", gold)):
        result = xner(*command, gold, gold, *options)
        assert result.code == 2 and options[0] in result.err
    given = {options[0][2:]: options[1]}
    if options[1]:
        with pytest.raises(XnerError):
            evaluate(gold, gold, **given)
        with pytest.raises(XnerError):
            compare(gold, gold, gold, **given)


# --- the common positions ---------------------------------------------------------------------

token = st.sampled_from(["a", "b", " ", "\n", "\u200b"])


@given(st.lists(token, max_size=12), st.data())
def test_readings_agree_in_visible_tokens_and_entities_move_with_them(words, data):
    visible = [w for w in words if not is_blank_token(w)]
    other: List[str] = []
    for word in visible:
        other += [" "] * data.draw(st.integers(0, 2))
        other.append(word)
    other += [" "] * data.draw(st.integers(0, 2))
    one, two = common_positions([words, other])
    for places in (one, two):
        assert places == sorted(set(places))
    assert [p for p, w in zip(one, words, strict=True) if not is_blank_token(w)] == [
        p for p, w in zip(two, other, strict=True) if not is_blank_token(w)
    ]
    assert {*one, *two} == set(range(max([-1, *one, *two]) + 1))


@given(st.lists(token, min_size=1, max_size=10), st.integers(0, 9), st.integers(1, 4))
def test_an_entity_is_right_without_whitespace_at_its_edges_and_wrong_with_it(words, start, size):
    start = min(start, len(words) - 1)
    end = min(len(words), start + size)
    entity = Entity(start, end, "PER")
    visible = [w for w in words if not is_blank_token(w)]
    before = sum(not is_blank_token(w) for w in words[:start])
    inside = sum(not is_blank_token(w) for w in words[start:end])
    gold = [Entity(before, before + inside, "PER")] if inside else []
    layout = Layout()
    versions = [TaggedSentence(visible, gold), TaggedSentence(words, [entity])]
    ((gold_side, predicted_side),) = layout.laid_out([versions], "gold")
    equal = [e[:3] for e in gold_side] == [e[:3] for e in predicted_side]
    edge = is_blank_token(words[start]) or is_blank_token(words[end - 1])
    assert equal == (not edge)
    assert layout.notes()["whitespace_edges"]["predicted"] == edge
