"""What goes to a tool and is accepted there as it is comes back as it was: text, tokens and entities, whatever they are."""

import os
import tempfile
from pathlib import Path
from typing import List

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exchange.corpora import (
    MAIN,
    Sentence,
    answer_all,
    came_back,
    exported,
    known,
    make_doc,
    sentences,
    write_run,
)

# XNER_EXAMPLES=2000 python -m pytest tests/exchange/test_round_trips.py -k prodigy
FEW = settings(
    max_examples=int(os.environ.get("XNER_EXAMPLES", "15")), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("tool", MAIN)
@FEW
@given(corpus=st.lists(sentences(), min_size=1, max_size=5), with_run=st.booleans())
def test_all_comes_back(tool: str, corpus: List[Sentence], with_run: bool) -> None:
    docs = [make_doc(sentence, reading=f"reading {number}") for number, sentence in enumerate(corpus)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = write_run(folder, docs)
        path = exported(run, folder / "out", tool)
        answer_all(tool, path)
        back, counts = came_back(path, folder, tool, run=run if with_run else None)
    # The queue has an order of its own, and only --run brings that of the corpus back.
    assert sorted(known(back)) == sorted(known(docs))
    assert counts == {"sentences": len(docs), "entities": sum(len(doc.ents) for doc in docs)}
    if with_run:
        assert known(back) == known(docs)
        assert [doc._.xner_source.text for doc in back] == [doc._.xner_source.text for doc in docs]


@pytest.mark.parametrize("tool", MAIN)
def test_what_a_person_changes_comes_back(tool: str, tmp_path: Path) -> None:
    """One label is changed, and one entity is taken away; the rest stays."""
    docs = [make_doc((["Anna", "hitti", "Jón", "."], [True, True, False, False], [(0, 1, "LOC"), (2, 3, "PER")]))]
    path = exported(write_run(tmp_path, docs), tmp_path / "out", tool)

    def change(record: dict) -> None:
        if tool == "prodigy":
            record["spans"] = [{**record["spans"][0], "label": "PER"}]
        elif tool == "label-studio":
            del record["annotations"][0]["result"][1]
            record["annotations"][0]["result"][0]["value"]["labels"] = ["PER"]
        elif tool == "doccano":
            record["label"] = [[0, 4, "PER"]]
        else:
            record["responses"]["entities"][0]["value"] = [{"start": 0, "end": 4, "label": "PER"}]

    answer_all(tool, path, change)
    if tool == "inception":
        path.write_text(path.read_text("utf8").replace("\tPER", "\t_").replace("\tLOC", "\tPER"), "utf8")
    elif tool == "iob2":
        path.write_text(path.read_text("utf8").replace("B-PER", "O").replace("B-LOC", "B-PER"), "utf8")
    [back], counts = came_back(path, tmp_path, tool)
    assert [(ent.text, ent.label_) for ent in back.ents] == [("Anna", "PER")]
    assert [token.ent_iob_ for token in back] == ["B", "O", "O", "O"]
    assert counts == {"sentences": 1, "entities": 1}
