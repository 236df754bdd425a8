"""`xner.NumpyGemm.v1`: the same numbers by another library, wherever the pipeline goes."""

from pathlib import Path
from typing import List

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.util import load_config
from thinc.api import NumpyOps

from tests.conftest import ROOT
from xner_spacy.distillation.matmul import use_numpy_gemm

CONFIG = ROOT / "configs" / "student_soft_cpu.cfg"
TEXT = "Anna lives in Reykjavík and works for the bank."


def build() -> Language:
    config = load_config(CONFIG, overrides={"components.xner_student.hard_weight": 1.0})
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    nlp.get_pipe("xner_student").add_label("PER")
    nlp.initialize()
    return nlp


def blis(nlp: Language) -> List[bool]:
    nodes = [n for _, pipe in nlp.components for n in pipe.model.walk()]
    return [node.ops.use_blis for node in nodes]


def test_the_config_sets_it_and_it_comes_along_with_the_pipeline(tmp_path: Path) -> None:
    nlp = build()
    assert not any(blis(nlp)) and len(blis(nlp)) > 10
    nlp.to_disk(tmp_path)
    assert not any(blis(spacy.load(tmp_path)))


def test_the_same_numbers_but_for_the_rounding() -> None:
    nlp = build()
    model = nlp.get_pipe("tok2vec").model
    doc = nlp.make_doc(TEXT)
    fast = model.predict([doc])[0]
    for node in model.walk():
        node.ops = NumpyOps()
    assert all(blis(nlp)[: len(list(model.walk()))])
    np.testing.assert_allclose(model.predict([doc])[0], fast, rtol=1e-3, atol=1e-4)
    assert np.abs(fast).max() > 0.1


def test_other_operations_and_components_without_a_model_are_left_alone() -> None:
    class Special(NumpyOps):
        """Stands for the operations of a GPU or of another package."""

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    tagger = nlp.add_pipe("tagger")
    special = Special()
    node = next(iter(tagger.model.walk()))  # type: ignore[attr-defined]
    node.ops = special
    assert use_numpy_gemm(nlp) is nlp
    assert node.ops is special
    others = {n.ops for n in tagger.model.walk()} - {special}  # type: ignore[attr-defined]
    assert others and not any(ops.use_blis for ops in others)


@pytest.mark.parametrize("name", ["tsl_cpu", "prokd_teacher_cpu", "prokd_student_cpu"])
def test_all_configs_of_cpu_students_have_it(name: str) -> None:
    config = load_config(ROOT / "configs" / f"{name}.cfg", interpolate=False)
    assert config["nlp"]["after_pipeline_creation"] == {"@callbacks": "xner.NumpyGemm.v1"}
