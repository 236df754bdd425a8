"""What a pipeline makes of a shard: a Doc each, faults of its own included."""

from pathlib import Path

import spacy
from spacy.language import Language

from tests.cli.helpers import xner
from xner_spacy.corpora.docs import read_docs
from xner_spacy.docdata import FAULT_KEY


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
