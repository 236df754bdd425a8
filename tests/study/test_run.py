"""Running a study: order, failures, deaths, and a small grid that is killed and goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import spacy
import srsly
from typer.testing import CliRunner

from tests.fuzz.kills import rounds, study_run
from tests.study.toy import ROOT, block, make_toy
from tiny.models import build
from xner_spacy.cli.app import app
from xner_spacy.cli.init_config import init_config
from xner_spacy.cli.study import parse_overrides
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.reading import read_json
from xner_spacy.corpora.runfolder import locked
from xner_spacy.corpora.writing import write_json
from xner_spacy.errors import InputError, XnerError
from xner_spacy.study.design.config import read_study
from xner_spacy.study.design.plan import Job, make_plan
from xner_spacy.study.design.rows import read_rows, write_rows
from xner_spacy.study.design.runner import Outcome, perform, schedule, sweep
from xner_spacy.study.design.study import RESULTS, finished_jobs, price_study, run_study, write_meta

# --- the schedule, with a pool that only pretends ---------------------------------------------


class Death(Exception):
    pass


class Pool:
    """Does each job at once; some fail, some take their process with them."""

    died = (Death,)

    def __init__(self, failing=(), dying=()):
        self.failing, self.dying, self.order = failing, list(dying), []

    def submit(self, job):
        self.order.append(job.key)
        future = Future()
        if job.key in self.dying:
            self.dying.remove(job.key)
            future.set_exception(Death())
        else:
            future.set_result(Outcome(None, "broken") if job.key in self.failing else Outcome({"key": job.key}))
        return future


JOBS = [
    Job("teacher", {}, (), "t0"),
    Job("labels", {}, ("t0",), "l0"),
    Job("student", {}, ("t0", "l0"), "s0"),
    Job("student", {}, ("t0", "l0"), "s1"),
    Job("teacher", {}, (), "t1"),
    Job("labels", {}, ("t1",), "l1"),
]


def outcomes_of(pool, workers=2):
    found = {}
    for job, outcome in schedule(JOBS, found, pool, workers):
        found[job.key] = outcome
    return found


def test_the_first_of_the_plan_comes_first():
    pool = Pool()
    found = outcomes_of(pool, workers=1)
    assert pool.order == ["t0", "l0", "s0", "s1", "t1", "l1"] and len(found) == 6
    pool = Pool()
    outcomes_of(pool, workers=2)
    assert sorted(pool.order) == sorted(j.key for j in JOBS)


def test_what_needs_a_failed_job_fails_with_its_reason_and_the_rest_goes_on():
    pool = Pool(failing=("l0",))
    found = outcomes_of(pool)
    assert found["l0"] == Outcome(None, "broken")
    assert found["s0"].reason == "needs another job, which failed: broken"
    assert found["l1"].result and "s0" not in pool.order


def test_a_job_whose_process_dies_is_tried_again_three_times():
    found = outcomes_of(Pool(dying=("l1", "l1")))
    assert found["l1"].result
    found = outcomes_of(Pool(dying=["t1"] * 3))
    assert found["t1"].reason == "its process died 3 times"
    assert found["l1"].reason.startswith("needs another job")


# --- for real ---------------------------------------------------------------------------------


def strip(rows):
    return [replace(row, seconds=0.0, block="") for row in rows]


def start(config: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "xner_spacy",
        "study",
        "run",
        str(config),
        "-w",
        "2",
        *arguments,
    ]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.slow
def test_a_grid_killed_on_the_way_ends_as_an_undisturbed_one(tmp_path):
    config = make_toy(tmp_path / "toy")
    arms = ["teacher", "transfer", "hard", "soft", "ensemble", "tsl", "translate_train"]
    settings = {
        **block(arms=arms),
        "study.work": str(tmp_path / "a"),
        "study.report": str(tmp_path / "b"),
    }
    whole = run_study(config, overrides=settings, workers=2)
    assert [row.status for row in whole] == ["done"] * (2 + 2 * 5)
    assert all(row.test_sentences == 7 and row.f1 is not None for row in whole)
    assert {row.steps for row in whole} == {0, 6}
    # Killed as soon as something is done, with all its processes, and run again.
    more = [f"--blocks.main.arms={srsly.json_dumps(arms)}"]
    process = start(config, *more)
    jobs = tmp_path / "toy" / "work" / "jobs"
    deadline = time.monotonic() + 90
    while not list(jobs.glob("[0-9a-f]*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(jobs.glob("[0-9a-f]*")))
    assert 0 < done < 11
    assert start(config, *more).wait() == 0
    report = tmp_path / "toy" / "report"
    assert strip(read_rows(report / RESULTS)) == strip(sorted(whole, key=lambda row: row.order))
    assert not list(jobs.glob(".*"))
    meta = srsly.read_json(report / "meta.json")
    assert meta["signature"]["data"]["source"] and meta["languages"]["is"] == "Icelandic"

    # From its table alone it goes on too: nothing is left to do in another folder.
    settings["study.report"] = str(report)
    settings["study.work"] = str(tmp_path / "empty")
    before = (report / RESULTS).read_bytes()
    run_study(config, overrides=settings)
    assert (report / RESULTS).read_bytes() == before
    assert not list((tmp_path / "empty" / "jobs").iterdir())
    # A row that is lost is made again, with what it needs and nothing else.
    rows = read_rows(report / RESULTS)
    lost = next(row for row in rows if row.arm == "hard")
    write_rows(report / RESULTS, [row for row in rows if row != lost])
    again = run_study(config, overrides=settings)
    assert strip(again) == strip(whole) or sorted(strip(again), key=lambda r: r.order) == sorted(
        strip(whole), key=lambda r: r.order
    )
    assert len(list((tmp_path / "empty" / "jobs").iterdir())) == 3

    # The report is made of it.
    result = CliRunner().invoke(
        app, ["study", "report", str(config), f"--study.report={report}"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "Toy" in (report / "index.html").read_text(encoding="utf8")


@pytest.mark.slow
def test_ray_gives_the_same_rows(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra [ray]")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    config = make_toy(tmp_path)
    settings = block(arms=["teacher", "hard"], n_target=[10])
    here = run_study(config, overrides=settings)
    there = run_study(
        config,
        overrides={
            **settings,
            "study.work": str(tmp_path / "ray"),
            "study.report": str(tmp_path / "r"),
        },
        engine="ray",
    )
    assert strip(here) == strip(there) and len(here) == 2


@pytest.mark.slow
def test_the_transformer_study_on_a_tiny_encoder(tmp_path, monkeypatch):
    pytest.importorskip("spacy_transformers", reason="needs the extra [transformers]")
    make_toy(tmp_path)
    encoder = str(build("xlmr_generic", tmp_path / "encoder"))
    monkeypatch.chdir(ROOT / "projects" / "ratio-study")
    settings = {
        "study.languages": {"is": "Icelandic"},
        "study.source": str(tmp_path / "en.spacy"),
        "study.target": str(tmp_path / "{lang}" / "train.spacy"),
        "study.test": str(tmp_path / "{lang}" / "test.spacy"),
        "study.work": str(tmp_path / "work"),
        "study.report": str(tmp_path / "report"),
        "study.gpu_id": -1,
        **block(languages=["is"], arms=["transfer", "soft"], n_source=[20], n_target=[10]),
        **block(seeds=[0], draws=[0]),
    }
    init_config("student", tmp_path / "trf.cfg", "xx", labels="soft", encoder="trf")
    for part in ("teacher", "student"):
        settings[f"{part}.config"] = str(tmp_path / "trf.cfg")
        settings[f"{part}.steps"] = 3
        settings[f"{part}.overrides.paths.encoder"] = encoder
        settings[f"{part}.overrides.system.gpu_allocator"] = None
    rest = {"variance": ["is"], "methods": ["is"]}
    settings.update({f"blocks.{name}.languages": langs for name, langs in rest.items()})
    rows = run_study("study_trf.cfg", overrides=settings, blocks=["main"])
    assert [(row.arm, row.status, row.steps) for row in rows] == [
        ("transfer", "done", 0),
        ("soft", "done", 3),
    ]


def test_a_cell_that_cannot_be_measured_is_a_row_with_its_reason(tmp_path):
    config = make_toy(tmp_path)
    settings = block(arms=["teacher", "hard"], n_source=[20000], n_target=[10])
    rows = run_study(config, overrides=settings)
    assert [row.status for row in rows] == ["failed", "failed"]
    reason = "20000 sentences of labelled source text are needed, and there are 42."
    assert all(reason in row.reason for row in rows)
    assert "Traceback" in next((tmp_path / "work" / "failures").iterdir()).read_text()
    result = CliRunner().invoke(
        app,
        [
            "study",
            "run",
            str(config),
            "--blocks.main.arms",
            '["hard"]',
            "--blocks.main.n_source=[20000]",
        ],
    )
    assert result.exit_code == 1 and "2 cells failed" in result.output


@pytest.mark.parametrize("folder", ["work", "report"])
def test_two_runs_in_one_folder(tmp_path, folder):
    """The second is refused before it has written anything."""
    config = make_toy(tmp_path)
    (tmp_path / folder).mkdir()
    (tmp_path / "report").mkdir(exist_ok=True)
    (tmp_path / "report" / "meta.json").write_text("of the first run")
    with locked(tmp_path / folder), pytest.raises(XnerError, match="another run is writing here"):
        run_study(config)
    assert (tmp_path / "report" / "meta.json").read_text() == "of the first run"


def test_a_users_meta_json_is_not_replaced(tmp_path):
    config = make_toy(tmp_path)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "meta.json").write_text('{"name": "my model"}')
    with pytest.raises(InputError, match="is there, and not of a study"):
        run_study(config)
    assert (tmp_path / "report" / "meta.json").read_text() == '{"name": "my model"}'


@pytest.mark.slow
def test_kills_at_random_moments_leave_the_same_end(tmp_path):
    """Any number of them, and of `xner annotate`: `python -m tests.fuzz --kills 50`."""
    ended = rounds(study_run(), 2, tmp_path, Random(3))
    assert ended.wrong == [] and ended.kills > 0


@pytest.mark.slow
def test_a_file_that_is_replaced_during_a_run_is_noticed(tmp_path):
    config = make_toy(tmp_path)
    settings = block(arms=["teacher", "hard"], n_target=[10])
    study = read_study(config, settings)
    text = tmp_path / "is" / "test.spacy"

    @contextmanager
    def replace_it_then(had, total):
        # The bar is shown when the plan is made and no job has run.
        write_docbin(text, list(read_docs(text, spacy.blank("xx").vocab))[:-1])
        yield lambda: None

    with pytest.raises(XnerError, match=r"test.spacy: has changed since the run began"):
        run_study(config, overrides=settings, progress=replace_it_then)
    # What does not depend on it is kept, and nothing that does.
    kinds = [json.loads(file.read_text())["kind"] for file in (study.settings.work / "jobs").glob("*/job.json")]
    assert kinds == ["teacher"]
    assert read_rows(study.settings.report / RESULTS) == []
    assert all(row.test_sentences == 6 for row in run_study(config, overrides=settings))


def test_a_training_config_that_changes_during_a_run_is_noticed(tmp_path):
    toy = make_toy(tmp_path)
    base = tmp_path / "base.cfg"
    base.write_text((tmp_path / "student.cfg").read_text())
    settings = {**block(arms=["teacher"]), "teacher.config": str(base)}
    study = read_study(toy, settings)
    job = next(iter(make_plan(study).jobs.values()))
    (study.settings.work / "jobs").mkdir(parents=True)
    base.write_text(base.read_text().replace("dropout = 0.1", "dropout = 0.2"))
    outcome = perform(job, study)
    assert outcome.result is None and "has changed since the run began" in outcome.stop[0]


@pytest.mark.parametrize("text", ["{}", "[", "[1]", '{"seconds": "x", "measurements": {}}', '{"seconds": 1.0}'])
def test_a_result_that_cannot_be_read_is_measured_again(tmp_path, text):
    config = make_toy(tmp_path)
    study = read_study(config)
    plan = make_plan(study)
    key = plan.cells[0].job
    for content, done in (
        (text, False),
        ('{"seconds": 1.0, "measurements": {}}', False),
        ('{"seconds": 1.0, "measurements": {"transfer": {}, "teacher": {"f1": 0.72727}}}', True),
    ):
        folder = study.settings.work / "jobs" / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(content)
        found = finished_jobs(plan, study.settings.work)
        assert (key in found) == done
    # Numbers are read as they were written: srsly makes 0.7272700000000001 of this one.
    assert found[key].result["measurements"]["teacher"]["f1"] == 0.72727


def test_numbers_of_results_come_back_from_files_as_they_were(tmp_path):
    values = [k / 100_000 for k in range(0, 100_000, 37)]
    write_json(tmp_path / "x.json", values)
    assert read_json(tmp_path / "x.json") == values


def test_only_what_is_ours_is_swept_away(tmp_path):
    jobs = tmp_path / "jobs"
    for name in (".0123456789abcdef.ab12", ".config.d", ".0123.x", "0123456789abcdef"):
        (jobs / name).mkdir(parents=True)
    sweep(tmp_path)
    assert sorted(p.name for p in jobs.iterdir()) == [".0123.x", ".config.d", "0123456789abcdef"]


def test_the_price(tmp_path):
    config = make_toy(tmp_path)
    study = read_study(config)
    plan = make_plan(study)
    found = price_study(config)
    assert found["kinds"]["student soft"] == {"jobs": 2, "done": 0, "seconds": None}
    assert (found["known"], found["cells"]) == (0, 8)
    assert set(found["unknown"]) == {"teacher", "labels", "student hard", "student soft"}
    soft = next(j for j in plan.jobs.values() if j.params.get("arm") == "soft")
    folder = study.settings.work / "jobs" / soft.key
    folder.mkdir(parents=True)
    srsly.write_json(folder / "result.json", {"seconds": 5.0, "measurements": {}})
    found = price_study(config)
    assert found["kinds"]["student hard"]["seconds"] == 5.0
    assert found["seconds"] == 15.0 and found["unknown"] == ["teacher", "labels"]
    result = CliRunner().invoke(app, ["study", "run", str(config), "--dry-run"])
    assert result.exit_code == 0 and "0 of 8 cells are measured" in result.output
    assert "not known yet: teacher, labels" in result.output


def test_overrides_are_json_or_text():
    given = ["--study.sampling", "stratified", "--student.steps=7", "--blocks.main.seeds", "[1,2]"]
    assert parse_overrides(given) == {
        "study.sampling": "stratified",
        "student.steps": 7,
        "blocks.main.seeds": [1, 2],
    }
    exact = ["--study.keep", "0.72727", "--study.title", "NaN", "--study.work", "[" * 100_000]
    assert parse_overrides(exact) == {
        "study.keep": 0.72727,
        "study.title": "NaN",
        "study.work": "[" * 100_000,
    }
    twice = ["--student.steps", "3", "--student.steps=4"]
    for wrong in (["steps", "3"], ["--steps", "3"], ["--student.steps"], twice):
        with pytest.raises(XnerError):
            parse_overrides(wrong)


def test_an_unknown_block_is_named(tmp_path):
    with pytest.raises(XnerError, match="No block other"):
        run_study(make_toy(tmp_path), blocks=["other"])


def rows_of(plan):
    return [replace(cell, status="done", f1=0.5, precision=0.5, recall=0.5) for cell in plan.cells]


def test_a_table_that_would_lose_rows_is_kept(tmp_path, caplog):
    """Rows of another config or of other data may have taken hours, and be nowhere else."""
    config = make_toy(tmp_path)
    table = tmp_path / "report" / RESULTS
    write_rows(table, rows_of(make_plan(read_study(config))))
    before = table.read_bytes()
    run_study(config)  # nothing to do
    assert table.read_bytes() == before and not list(table.parent.glob("results-*.csv"))
    only = block(arms=["transfer"])
    run_study(config, overrides=only)
    [copy] = table.parent.glob("results-*.csv")
    assert copy.read_bytes() == before and len(read_rows(table)) == 1
    assert f"7 rows are of another config or of other data; the table as it was is kept as {copy.name}" in caplog.text
    # What was set aside can be given back.
    table.write_bytes(copy.read_bytes())
    assert len(run_study(config)) == 8


def test_cells_that_were_measured_with_other_versions_are_told(tmp_path, caplog):
    config = make_toy(tmp_path)
    table, meta = tmp_path / "report" / RESULTS, tmp_path / "report" / "meta.json"
    write_rows(table, rows_of(make_plan(read_study(config))))
    run_study(config)
    said = read_json(meta)
    assert "earlier_versions" not in said["signature"]
    now = said["signature"]["versions"]
    said["signature"]["versions"] = {**now, "spacy": "3.7.0"}
    write_json(meta, said)
    run_study(config)
    assert "spacy was '3.7.0', is" in caplog.text
    for _ in range(2):
        found = read_json(meta)["signature"]
        assert found["versions"] == now
        assert found["earlier_versions"] == [{**now, "spacy": "3.7.0"}]
        run_study(config)
    # A study that has nothing from before has nothing to tell.
    write_meta(meta, {**said, "signature": {"versions": now}}, goes_on=False)
    assert "earlier_versions" not in read_json(meta)["signature"]
