"""Students of a study label with a bias that is fitted on projected text that they did not learn from."""

from pathlib import Path

import pytest

from tests.study.toy import block, make_toy
from xner_spacy.study.design import jobs
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
            assert 10 <= row.train_sentences < 20


@pytest.mark.parametrize("bias", jobs.OTHER_BIASES)
def test_the_result_is_that_of_the_fitted_bias(config: Path, monkeypatch: pytest.MonkeyPatch, bias: float) -> None:
    study = read_study(config, block(n_target=[20], arms=["soft"]))
    plan = make_plan(study)
    monkeypatch.setattr(jobs, "fit_bias", lambda nlp, examples: bias)
    folders = {key: config.parent / f"{key}-{bias}" for key in plan.jobs}
    measured = {}
    for key, job in plan.jobs.items():  # each after those that it depends on
        folders[key].mkdir()
        parents = {plan.jobs[parent].kind: folders[parent] for parent in job.parents}
        measured = jobs.do(job, study, folders[key], parents)["measurements"]
    assert set(measured) == {"soft", "ensemble"}
    for row in measured.values():
        assert row["bias"] == bias and row["f1"] == row[f"f1_bias_{bias:.0f}"]
    # A bias against O finds more names in this student's scores.
    assert measured["soft"]["f1_bias_0"] != measured["soft"]["f1_bias_2"]


def test_without_held_out_text_nothing_is_fitted_and_keys_are_as_before(config: Path) -> None:
    overrides = {**block(n_target=[20], arms=["hard"]), "study.held_out": 0}
    plan = make_plan(read_study(config, overrides))
    assert all("held_out" not in job.params for job in plan.jobs.values())
    [row] = run_study(config, overrides=overrides)
    assert row.bias is row.f1_bias_0 is row.f1_bias_2 is None
    assert row.train_sentences == 20
