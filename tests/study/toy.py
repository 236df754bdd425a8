"""A toy study: seven sentences, many times over, in a folder of its own."""

from pathlib import Path
from typing import Any, Dict

import spacy
from spacy.tokens import Span

from tests.conftest import NAMES, PAIRS
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import make_doc, write_docbin
from xner_spacy.docdata import install_extensions
from xner_spacy.types import Alignment

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[study]
title = "Toy"
languages = {{"is":"Icelandic","fo":"Faroese"}}
source = "{folder}/en.spacy"
target = "{folder}/{{lang}}/train.spacy"
test = "{folder}/{{lang}}/test.spacy"
work = "{folder}/work"
report = "{folder}/report"

[teacher]
config = "{folder}/student.cfg"
steps = 12

[teacher.overrides]
training.batcher.size = 100
training.optimizer.learn_rate = 0.01
components.tok2vec.model.encode.width = 16
components.tok2vec.model.encode.depth = 1
components.tok2vec.model.embed.rows = [50,50,50,50]

[student]
config = "{folder}/student.cfg"
steps = 6
epochs = 2

[student.overrides]
training.batcher.size = 50
training.optimizer.learn_rate = 0.01
components.tok2vec.model.encode.width = 16
components.tok2vec.model.encode.depth = 1
components.tok2vec.model.embed.rows = [50,50,50,50]

[projector]
@xner_projectors = "xner.Matching.v1"

[blocks]

[blocks.main]
languages = ["is"]
arms = ["teacher","transfer","hard","soft","ensemble"]
n_source = [20]
n_target = [10,20]
seeds = [0]
draws = [0]
"""


def align(source: str, target: str) -> Alignment:
    """Words that are alike, and what is left in order."""
    s, t = source.split(), target.split()
    known = [(i, t.index(w)) for i, w in enumerate(s) if w in t]
    left = [i for i in range(len(s)) if i not in {a for a, _ in known}]
    free = [j for j in range(len(t)) if j not in {b for _, b in known}]
    return Alignment(known + list(zip(left, free)), None)


def make_toy(folder: Path, copies: int = 6) -> Path:
    """RETURNS (Path): The config of a study whose data is in the folder: `is` with translated test
    sentences, `fo` without.
    """
    install_extensions()
    vocab = spacy.blank("xx").vocab

    def labelled(text: str) -> Any:
        doc = make_doc(vocab, text.split())
        doc.set_ents([Span(doc, i, i + 1, NAMES[t.text]) for i, t in enumerate(doc) if t.text in NAMES])
        return doc

    def translated(source: str, target: str, gold: bool) -> Any:
        doc = labelled(target) if gold else make_doc(vocab, target.split())
        doc._.xner_source = make_doc(vocab, source.split())
        doc._.xner_alignment = align(source, target)
        return doc

    write_docbin(folder / "en.spacy", [labelled(s) for s, _ in PAIRS * copies])
    for lang in ("is", "fo"):
        pool = [translated(s, t, gold=False) for s, t in PAIRS * copies]
        test = [translated(s, t, gold=True) for s, t in PAIRS]
        if lang == "fo":
            test = [labelled(t) for _, t in PAIRS]
        write_docbin(folder / lang / "train.spacy", pool)
        write_docbin(folder / lang / "test.spacy", test)
    config = folder / "study.cfg"
    config.write_text(CONFIG.format(folder=folder), encoding="utf8")
    init_config("student", folder / "student.cfg", "xx", labels="soft")
    return config


def block(**changes: Any) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Overrides of the block `main`."""
    return {f"blocks.main.{name}": value for name, value in changes.items()}
