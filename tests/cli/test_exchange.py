"""`xner export` and `xner import`."""

from pathlib import Path
from typing import List

import numpy as np
import pytest
import spacy

from tests.cli.helpers import xner
from tests.exchange.corpora import MAIN, VOCAB, answer_all, make_doc, write_run
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.docdata import FAULT_KEY, SPANS_KEY, correction_of
from xner_spacy.exchange.records import read_json_lines
from xner_spacy.types import TokenLabels

WORDS = ["Anna", "hitti", "Jón", "."]
SPACES = [True, True, False, False]


@pytest.fixture()
def run(tmp_path: Path) -> Path:
    """Ten sentences; the further back, the surer."""
    docs = []
    for number in range(10):
        doc = make_doc(([f"Anna{number}", *WORDS[1:]], SPACES, [(0, 1, "PER")]), reading=f"Anna{number} met Jon.")
        doc.spans[SPANS_KEY].attrs["scores"] = [number / 10]
        doc.spans[SPANS_KEY].attrs["unprojected"] = [{"start": 2, "end": 3, "label": "PER", "reason": "no_links"}]
        docs.append(doc)
    return write_run(tmp_path, docs)


def texts(folder: Path) -> List[str]:
    return [record["text"] for _, record in read_json_lines(folder / "tasks.jsonl")]


@pytest.mark.parametrize("tool", MAIN)
def test_there_and_back(tool: str, run: Path, tmp_path: Path) -> None:
    out, back = tmp_path / "out", tmp_path / "back.spacy"
    made = xner("export", run, out, "--to", tool, "--limit", 3)
    assert made.code == 0 and "3 sentences" in made.err, made.err
    answer_all(tool, out / MAIN[tool])
    got = xner("import", out / MAIN[tool], back, "--from", tool, "--run", run)
    assert got.code == 0 and "3 corrected sentences" in got.err, got.err
    docs = list(read_docs(back, VOCAB))
    assert [doc.text for doc in docs] == [f"Anna{number} hitti Jón." for number in range(3)]
    assert [correction_of(doc).number for doc in docs] == [1, 2, 3]
    assert all(SPANS_KEY not in doc.spans and doc._.xner_source is not None for doc in docs)


def test_doubtful_ones_first_and_a_second_round(run: Path, tmp_path: Path) -> None:
    assert xner("export", run, tmp_path / "one", "--to", "prodigy", "--limit", 2).code == 0
    assert texts(tmp_path / "one") == ["Anna0 hitti Jón.", "Anna1 hitti Jón."]
    [first, _] = [record for _, record in read_json_lines(tmp_path / "one" / "tasks.jsonl")]
    assert first["meta"] == {"reading": "Anna0 met Jon.", "not projected": "Jon. (PER): no_links", "score": 0.0}
    answer_all("prodigy", tmp_path / "one" / "tasks.jsonl")
    assert xner("import", tmp_path / "one" / "tasks.jsonl", tmp_path / "done.spacy", "--from", "prodigy").code == 0
    again = xner("export", run, tmp_path / "two", "--to", "prodigy", "--limit", 2, "--without", tmp_path / "done.spacy")
    assert "corrected before: 2" in again.err
    assert texts(tmp_path / "two") == ["Anna2 hitti Jón.", "Anna3 hitti Jón."]


def test_distributions_come_before_scores(run: Path, tmp_path: Path) -> None:
    docs = list(read_docs(run, VOCAB))
    for number, doc in enumerate(docs):
        sure = np.tile(np.array([[0.98, 0.01, 0.01]], dtype=np.float32), (len(doc), 1))
        if number == 7:
            sure[1] = [0.4, 0.3, 0.3]
        set_soft(doc, TokenLabels(("O", "B-ORG", "I-ORG"), sure))
    write_docbin(tmp_path / "soft.spacy", docs)
    assert xner("export", tmp_path / "soft.spacy", tmp_path / "out", "--to", "label-studio", "--limit", 1).code == 0
    assert "Anna7" in (tmp_path / "out" / "tasks.json").read_text("utf8")
    # A label that is only in the distributions can be chosen too.
    assert '"ORG"' in (tmp_path / "out" / "interface.xml").read_text("utf8")
    answer_all("label-studio", tmp_path / "out" / "tasks.json")
    came = ("import", tmp_path / "out" / "tasks.json", tmp_path / "back.spacy", "--from", "label-studio")
    assert xner(*came, "--run", tmp_path / "soft.spacy").code == 0
    assert [get_soft(doc) for doc in read_docs(tmp_path / "back.spacy", VOCAB)] == [None]


def test_disagreement(run: Path, tmp_path: Path) -> None:
    others = list(read_docs(run, VOCAB))
    others[5].set_ents([], default="outside")
    write_docbin(tmp_path / "teacher.spacy", others)
    options = ("--to", "doccano", "--by", "disagreement", "--limit", 1)
    assert xner("export", run, tmp_path / "out", *options, "--other", tmp_path / "teacher.spacy").code == 0
    assert texts(tmp_path / "out") == ["Anna5 hitti Jón."]
    alone = xner("export", run, tmp_path / "out", *options)
    assert alone.code == 1 and "--other" in alone.err
    write_docbin(tmp_path / "teacher.spacy", others[:5])
    short = xner("export", run, tmp_path / "out", *options, "--other", tmp_path / "teacher.spacy")
    assert short.code == 1 and "sentence 6 is not that of" in short.err


def test_expected_gain_and_a_config(run: Path, tmp_path: Path) -> None:
    assert xner("export", run, tmp_path / "out", "--to", "iob2", "--by", "expected-gain", "--limit", 4).code == 0
    config = tmp_path / "queue.cfg"
    config.write_text('[queue]\n@xner_queues = "xner.RandomQueue.v1"\nseed = 3\n')
    for name in ("a", "b"):
        assert xner("export", run, tmp_path / name, "--to", "prodigy", "--limit", 5, "--config", config).code == 0
    assert texts(tmp_path / "a") == texts(tmp_path / "b") != sorted(texts(tmp_path / "a"))
    config.write_text('[queue]\n@xner_queues = "xner.ExpectedGainQueue.v1"\nrepetition = 7\n')
    wrong = xner("export", run, tmp_path / "c", "--to", "prodigy", "--config", config)
    assert wrong.code == 1 and "repetition" in wrong.err and not (tmp_path / "c").exists()


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    unread = spacy.blank("xx")("Jón svaf.")
    unread.user_data[FAULT_KEY] = "no translation"
    docs = [make_doc((WORDS, SPACES, [(0, 1, "PER")])), make_doc(([" "], [False], [])), unread]
    run = write_run(tmp_path, docs)
    made = xner("export", run, tmp_path / "out", "--to", "doccano")
    assert "without text: 1" in made.err and texts(tmp_path / "out")[0] == "Jón svaf."
    bare = write_run(tmp_path, docs[1:])
    assert "says no labels" in xner("export", bare, tmp_path / "new", "--to", "doccano").err
    assert xner("export", bare, tmp_path / "new", "--to", "doccano", "--labels", "PER,LOC").code == 0
    nothing = write_run(tmp_path, docs[1:2])
    assert "no sentence to correct" in xner("export", nothing, tmp_path / "none", "--to", "doccano").err
    assert not (tmp_path / "none").exists()


def test_an_output_that_is_a_file(run: Path, tmp_path: Path) -> None:
    assert "is a file" in xner("export", run, run, "--to", "prodigy").err
    assert "no such file" in xner("export", tmp_path / "missing", tmp_path / "out", "--to", "prodigy").err
