"""Students of a study label with a bias that is fitted on projected text that they did not learn from."""

from pathlib import Path

import pytest

from tests.study.toy import block, make_toy
from xner_spacy.study.design.config import read_study
from xner_spacy.study.design.plan import make_plan
from xner_spacy.study.design.rows import SOURCE_ARMS
from xner_spacy.study.design.study import run_study


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy"))


def test_each_student_is_measured_with_the_fitted_bias_and_with_others(config: Path) -> None:
    rows = run_study(config, overrides=block(n_target=[20]))
    assert {row.arm for row in rows} == {"teacher", "transfer", "hard", "soft", "ensemble"}
    for row in rows:
        if row.arm in SOURCE_ARMS:
            assert row.bias is row.f1_bias_0 is row.f1_bias_2 is None
        else:
            assert row.bias is not None and 0 <= row.bias <= 3
            assert row.f1_bias_0 is not None and row.f1_bias_2 is not None
            for bias, f1 in ((0.0, row.f1_bias_0), (2.0, row.f1_bias_2)):
                assert row.bias != bias or row.f1 == f1
            assert 10 <= row.train_sentences < 20


def test_without_held_out_text_nothing_is_fitted_and_keys_are_as_before(config: Path) -> None:
    overrides = {**block(n_target=[20], arms=["hard"]), "study.held_out": 0}
    plan = make_plan(read_study(config, overrides))
    assert all("held_out" not in job.params for job in plan.jobs.values())
    [row] = run_study(config, overrides=overrides)
    assert row.bias is row.f1_bias_0 is row.f1_bias_2 is None
    assert row.train_sentences == 20
