"""The config of a study, and the jobs that it comes to."""

import json
from pathlib import Path

import pytest
import srsly

from tests.study.toy import ROOT, block, make_toy
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.errors import InputError
from xner_spacy.study.design.config import Study, read_study
from xner_spacy.study.design.plan import Job, make_plan, restrict


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy"))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"study.colour": "red"}, r"\[study.colour\]"),
        ({"student.steps": 0}, r"\[student.steps\]"),
        ({"study.sampling": "odd"}, r"\[study.sampling\]: Input should be 'uniform' or 'stratified'"),
        ({"study.target": "{nope}"}, r"\[study.target\]: \{nope\} is not known"),
        ({"study.test": "{lang.__class__}"}, r"\[study.test\]: \{lang.__class__\} is not known"),
        ({"study.test": "a{"}, r"\[study.test\]: 'a\{' cannot be read"),
        ({"study.languages": {"../x": "X"}}, r"\[study.languages\]: no codes of languages: '../x'"),
        ({"blocks.main.seeds": [-1]}, r"\[blocks.main.seeds.0\]: .* greater than or equal to 0"),
        ({"blocks.main.draws": [2**32]}, r"\[blocks.main.draws.0\]: .* less than 4294967296"),
        ({"blocks.main.n_source": [10**30]}, r"\[blocks.main.n_source.0\]: .* less than"),
        ({"student.overrides": 3}, r"\[student.overrides\]"),
        (block(arms=["hard", "soft", "magic"]), r"\[blocks.main.arms.2\]: Input should be 'teacher', .*'ensemble'"),
        (block(languages=["xx"]), r"\[blocks.main.languages\]: not in \[study.languages\]: xx"),
        (block(seeds=[0, 1]), "as many seeds as draws"),
        (block(design="weeks"), r"\[blocks.main.design\]: Input should be 'steps' or 'epochs'"),
        (block(n_source=[0]), r"\[blocks.main.n_source.0\]: .* greater than 0"),
        (block(arms=["gold"]), r"the arm 'gold' and corrected sentences need gold in \[study\]"),
        (block(corrected=5, variant="5 corrected", arms=["hard"]), r"corrected sentences need gold in \[study\]"),
        (block(corrected=5, variant="5 corrected"), "corrected sentences are for the arms hard and soft alone"),
        (block(steps=7), "a variant needs a name"),
        (block(variant="nothing"), "a variant needs a name .* and what it changes"),
    ],
)
def test_a_faulty_setting_is_named(toy, overrides, message):
    with pytest.raises(InputError, match=message):
        read_study(toy, overrides)


def test_no_config_and_no_config_at_all(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_study(tmp_path / "none.cfg")
    (tmp_path / "bad.cfg").write_text("what = is this\n")
    with pytest.raises(InputError, match="is not a config that can be read"):
        read_study(tmp_path / "bad.cfg")


def test_an_override_of_a_whole_section_is_refused(toy):
    with pytest.raises(InputError, match=r"overrides.*student"):
        read_study(toy, {"student": {}})


@pytest.mark.parametrize("path", sorted((ROOT / "projects" / "ratio-study").glob("*.cfg")), ids=lambda p: p.stem)
def test_the_shipped_configs_can_be_read(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    study = read_study(path)
    assert study.blocks["main"].arms[:4] == ["teacher", "transfer", "hard", "soft"]
    steps = {step["name"]: step for step in srsly.read_yaml("project.yml")["commands"]}
    assert {study.teacher.config, study.student.config} <= set(steps["configs"]["outputs"])


def test_settings_of_the_trainings_can_be_overridden(toy):
    name = "training.optimizer.learn_rate"
    study = read_study(toy, {f"student.overrides.{name}": 0.5, "student.steps": 3})
    assert study.student.overrides[name] == 0.5 and study.student.steps == 3
    assert study.teacher.overrides[name] == 0.01
    assert study.student.overrides["training.batcher.size"] == 50


def kinds(plan):
    return sorted(job.kind for job in plan.jobs.values())


def test_teachers_are_shared_and_sizes_are_not(toy):
    study = read_study(toy, block(languages=["is", "fo"]))
    plan = make_plan(study)
    assert kinds(plan) == ["labels"] * 2 + ["student"] * 8 + ["teacher"]
    # The ensemble is read off the soft student; without translations it cannot be, nor the teacher.
    assert len(plan.cells) == (2 + 2 * 3) + (1 + 2 * 2)
    assert {c.arm for c in plan.cells if c.lang == "fo"} == {"transfer", "hard", "soft"}
    soft = {c.job for c in plan.cells if c.arm == "soft" and c.lang == "is"}
    assert soft == {c.job for c in plan.cells if c.arm == "ensemble"}


def test_jobs_come_after_those_that_they_need(toy):
    plan = make_plan(read_study(toy, block(arms=["tsl", "hard", "translate_train"])))
    seen = set()
    for job in plan.jobs.values():
        assert seen.issuperset(job.parents)
        seen.add(job.key)


def test_a_cell_of_two_blocks_is_one_job(toy):
    text = toy.read_text()
    both = toy.with_name("both.cfg")
    both.write_text(text + text[text.index("[blocks.main]") :].replace("blocks.main", "blocks.again"))
    plan = make_plan(read_study(both))
    once = make_plan(read_study(toy))
    assert set(plan.jobs) == set(once.jobs) and len(plan.cells) == 2 * len(once.cells)
    part = restrict(plan, [c for c in plan.cells if c.block == "again" and c.arm == "hard"])
    assert kinds(part) == ["labels", "student", "student", "teacher"]


def test_students_of_gold_labels_need_no_teacher_and_are_one_for_all_sources(toy):
    pool = str(toy.parent / "{lang}" / "train.spacy")
    overrides = {"study.gold": pool, **block(arms=["hard", "gold"], n_source=[10, 20])}
    plan = make_plan(read_study(toy, overrides))
    gold = [cell for cell in plan.cells if cell.arm == "gold"]
    assert [(cell.n_source, cell.n_target) for cell in gold] == [(0, 10), (0, 20)]
    assert kinds(restrict(plan, gold)) == ["student", "student"]
    reads = {"target is", "test is", "gold is", "config of the student"}
    assert [set(plan.jobs[cell.job].reads) for cell in gold] == [reads, reads]
    hard = {cell.job for cell in plan.cells if cell.arm == "hard"}
    assert hard == {c.job for c in make_plan(read_study(toy, block(arms=["hard"], n_source=[10, 20]))).cells}


def test_replicates(toy):
    study = read_study(toy, block(seeds=[0, 1], draws=[0, 1], pairing="crossed"))
    assert study.blocks["main"].replicates == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({j.key for j in make_plan(study).jobs.values() if j.kind == "teacher"}) == 4


def test_what_a_result_depends_on_changes_its_key(toy, tmp_path):
    def keys(overrides=None, config=toy):
        plan = make_plan(read_study(config, overrides or {}))
        return {kind: {j.key for j in plan.jobs.values() if j.kind == kind} for kind in kinds(plan)}

    base = keys()
    student = keys({"student.steps": 7})
    assert student["teacher"] == base["teacher"] and student["labels"] == base["labels"]
    assert not student["student"] & base["student"]
    teacher = keys({"teacher.steps": 13})
    assert not any(teacher[kind] & base[kind] for kind in base)
    projector = keys({"projector.@xner_projectors": "xner.Heuristic.v1"})
    assert projector["teacher"] == base["teacher"] and not projector["labels"] & base["labels"]
    # The place of the files does not matter, what is in them does.
    moved = make_toy(tmp_path)
    assert keys(config=moved) == base
    import spacy

    path = tmp_path / "is" / "train.spacy"
    docs = list(read_docs(path, spacy.blank("xx").vocab))
    write_docbin(path, docs[:-1])
    changed = keys(config=moved)
    assert changed["teacher"] == base["teacher"] and not changed["labels"] & base["labels"]
    assert not changed["student"] & base["student"]


def test_a_missing_file_is_named(toy):
    with pytest.raises(InputError, match=r"nowhere.spacy: no such file"):
        make_plan(read_study(toy, {"study.source": "nowhere.spacy"}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("steps = 12", "steps = 12\nsteps = 13"),
        ("[student]", "[teacher]"),
        ("steps = 12", "steps = ${nothing.here}"),
        ('title = "Toy"', b'title = "\xff"'),
    ],
)
def test_a_config_with_a_fault_is_named(toy, tmp_path, old, new):
    path = tmp_path / "study.cfg"
    new = new if isinstance(new, bytes) else new.encode("utf8")
    path.write_bytes(toy.read_bytes().replace(old.encode("utf8"), new, 1))
    with pytest.raises(InputError, match=r"study.cfg: is not a config that can be read"):
        read_study(path)


def test_an_override_of_a_training_that_is_not_there(toy, tmp_path):
    path = tmp_path / "study.cfg"
    path.write_text('[study]\ntitle = "x"\n\n[teacher]\noverrides = 3\n')
    with pytest.raises(InputError, match=r"\[student.overrides\]: is no section"):
        read_study(path, {"student.overrides.training.dropout": 0.1})
    with pytest.raises(InputError, match=r"\[teacher.overrides\]: is no section"):
        read_study(path, {"teacher.overrides.training.dropout": 0.1})


def test_a_training_config_with_a_fault_is_named(toy, tmp_path):
    (tmp_path / "base.cfg").write_text("[training]\na = 1\na = 2\n")
    for path, message in (
        (tmp_path / "base.cfg", "is not a config that can be read"),
        (tmp_path / "none.cfg", "no such file"),
    ):
        with pytest.raises(InputError, match=message):
            make_plan(read_study(toy, {"teacher.config": str(path)}))
    with pytest.raises(InputError, match=r"'seed' is a setting, not a section"):
        make_plan(read_study(toy, {"student.overrides.training.seed.x": 1}))


def test_a_study_goes_to_another_process_and_back(toy):
    study = read_study(toy, {"study.limits": ["a", "=b"], "student.overrides.training.dropout": 0.3})
    again = Study.model_validate(json.loads(json.dumps(study.model_dump(mode="json", by_alias=True))))
    assert again == study
    plan = make_plan(study)
    assert make_plan(again) == plan
    for job in plan.jobs.values():
        assert Job(**json.loads(json.dumps(vars(job)))) == job


def test_a_file_that_a_config_or_the_projector_names_decides_the_keys(toy, tmp_path):
    vectors, lexicon = tmp_path / "vectors.txt", tmp_path / "lexicon.tsv"
    vectors.write_text("a 1\n")
    lexicon.write_text("a b\n")
    settings = {"student.overrides.paths.vectors": str(vectors), "projector.lexicon": str(lexicon)}

    def keys():
        plan = make_plan(read_study(toy, settings))
        return {kind: {j.key for j in plan.jobs.values() if j.kind == kind} for kind in KINDS}

    before = keys()
    assert keys() == before
    vectors.write_text("a 2\n")
    after = keys()
    assert not after["student"] & before["student"] and after["labels"] == before["labels"]
    lexicon.write_text("a c\n")
    assert not keys()["labels"] & before["labels"] and keys()["teacher"] == before["teacher"]


KINDS = ("teacher", "labels", "student")


def test_vectors_that_are_not_there_are_named_before_anything_is_trained(tmp_path: Path) -> None:
    study = read_study(make_toy(tmp_path), {"student.overrides.paths.vectors": f"{tmp_path}/none/vocab"})
    with pytest.raises(InputError, match=f"paths.vectors is {tmp_path}/none/vocab: no such file or folder"):
        make_plan(study)
