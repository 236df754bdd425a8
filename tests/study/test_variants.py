"""Blocks whose students, or text, are otherwise than the study's."""

from pathlib import Path
from typing import Any, Dict

import pytest
import spacy

from tests.study.test_gold_students import write_gold
from tests.study.toy import block, make_toy
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.reading import read_bytes
from xner_spacy.distillation.corrected import COPIES
from xner_spacy.study.design.config import read_study
from xner_spacy.study.design.plan import Plan, make_plan
from xner_spacy.study.design.rows import read_rows
from xner_spacy.study.design.study import run_study

SMALL = {"arms": ["hard", "soft"], "n_target": [20]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_toy(tmp_path)


def with_variant(config: Path, lines: str) -> Path:
    """RETURNS (Path): A config with the block `main`, and the same once more as a variant."""
    text = config.read_text(encoding="utf8")
    main = text[text.index("[blocks.main]") :]
    both = config.with_name("both.cfg")
    both.write_text(
        f'{text}\n{main.replace("blocks.main", "blocks.other")}\nvariant = "other"\n{lines}', encoding="utf8"
    )
    return both


def plan_of(config: Path, **changes: Any) -> Plan:
    overrides: Dict[str, Any] = {
        f"blocks.{b}.{k}": v for b in ("main", "other") for k, v in {**SMALL, **changes}.items()
    }
    return make_plan(read_study(config, overrides))


def keys(plan: Plan, kind: str) -> set:
    return {job.key for job in plan.jobs.values() if job.kind == kind}


def test_other_training_is_of_the_students_alone(config: Path) -> None:
    base = make_plan(read_study(config, block(**SMALL)))
    lines = "steps = 3\n[blocks.other.overrides]\ncomponents.tok2vec.model.encode.width = 32\n"
    plan = plan_of(with_variant(config, lines))
    assert keys(plan, "labels") == keys(base, "labels") and keys(plan, "teacher") == keys(base, "teacher")
    assert len(keys(plan, "student")) == 4 and keys(base, "student") < keys(plan, "student")
    assert {cell.variant for cell in plan.cells if cell.block == "other"} == {"other"}
    assert {cell.variant for cell in plan.cells if cell.block == "main"} == {""}


def test_another_source_model_changes_nothing_else(config: Path) -> None:
    plan = plan_of(with_variant(config, "source_model = 7\n"))
    teachers = {job.params["seed"]: job for job in plan.jobs.values() if job.kind == "teacher"}
    assert set(teachers) == {0, 7} and teachers[7].params["draw"] == 7
    students = [job for job in plan.jobs.values() if job.kind == "student" and job.params["arm"] == "hard"]
    assert len(students) == 2 and students[0].params == students[1].params
    assert {job.parents[0] for job in students} == {job.key for job in teachers.values()}


def test_other_training_of_source_models_changes_all_that_comes_from_them(config: Path) -> None:
    base = make_plan(read_study(config, block(**SMALL)))
    lines = "[blocks.other.teacher_overrides]\ncomponents.tok2vec.model.encode.width = 32\n"
    plan = plan_of(with_variant(config, lines))
    for kind, number in (("teacher", 2), ("labels", 2), ("student", 4)):
        assert len(keys(plan, kind)) == number and keys(base, kind) < keys(plan, kind)
    trained = {job.reads["config of the student"] for job in plan.jobs.values() if job.kind == "student"}
    assert len(trained) == 1  # the students' own training is the same
    both = with_variant(config, lines.replace("components.tok2vec.model.encode.width = 32", "training.dropout = 0.5"))
    settings = {f"blocks.{b}.{k}": v for b in ("main", "other") for k, v in {**SMALL, "arms": ["soft"]}.items()}
    rows = run_study(both, overrides=settings)
    assert {row.status for row in rows} == {"done"}
    found = [read_bytes(path) for path in sorted(config.parent.glob("work/jobs/*/model/tok2vec/model"))]
    assert len(found) == 2 and found[0] != found[1]


def test_students_of_a_variant_are_trained_by_its_settings(config: Path) -> None:
    both = with_variant(config, "steps = 3\n[blocks.other.overrides]\ntraining.optimizer.learn_rate = 0.0\n")
    rows = {
        row.block: row
        for row in run_study(
            both,
            overrides={
                f"blocks.{name}.{key}": value
                for name in ("main", "other")
                for key, value in {**SMALL, "arms": ["hard"]}.items()
            },
        )
    }
    assert rows["main"].steps == 6 and rows["other"].steps == 3
    assert rows["main"].job != rows["other"].job and rows["main"].f1 is not None and rows["other"].f1 is not None
    assert {row.block: row.variant for row in read_rows(config.parent / "report" / "results.csv")} == {
        "main": "",
        "other": "other",
    }


def test_other_text_is_projected_and_sampled_anew(config: Path) -> None:
    folder = config.parent / "is"
    docs = list(read_docs(folder / "train.spacy", spacy.blank("xx").vocab))
    write_docbin(folder / "other.spacy", docs[:25])
    both = with_variant(config, f'target = "{config.parent}/{{lang}}/other.spacy"\n')
    plan = plan_of(both)
    assert len(keys(plan, "labels")) == 2 and len(keys(plan, "teacher")) == 1 and len(keys(plan, "student")) == 4
    reads = [set(job.reads) for job in plan.jobs.values() if job.params.get("text")]
    assert reads and all("target is of other" in names and "target is" not in names for names in reads)
    rows = run_study(both, overrides={f"blocks.{b}.{k}": v for b in ("main", "other") for k, v in SMALL.items()})
    assert {row.status for row in rows} == {"done"} and len(rows) == 4


def test_corrected_sentences_take_the_place_of_projected_ones(config: Path) -> None:
    write_gold(config)
    both = with_variant(config, "corrected = 7\n")
    settings = {f"blocks.{b}.{k}": v for b in ("main", "other") for k, v in SMALL.items()}
    rows = run_study(both, overrides={"study.gold": str(config.parent / "{lang}" / "gold.spacy"), **settings})
    assert {row.status for row in rows} == {"done"}
    by_block = {(row.block, row.arm): row for row in rows}
    for arm in SMALL["arms"]:
        plain, corrected = by_block["main", arm], by_block["other", arm]
        # The toy's text is seven sentences many times, so that projected copies of the corrected ones go.
        assert 7 * COPIES <= corrected.train_sentences < 7 * COPIES + plain.train_sentences
