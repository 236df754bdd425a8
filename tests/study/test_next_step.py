"""`xner study plan`: what to collect next, within what was measured."""

import json
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from xner_spacy.cli.app import app
from xner_spacy.errors import InputError, XnerError
from xner_spacy.study.next_step import PACKAGED, for_one_language, plan_study

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "study" / "masakhane-cpu-2" / "report.json"
SCRIPT = ROOT / "projects" / "ratio-study" / "scripts" / "packaged.py"


def report_of(folder: Path, *fits: list) -> Path:
    """A report of planes c + p x + q y, one for each language, between 300 and 10,000, and 100 and 3,000 sentences."""
    languages = {f"l{n}": [c, p, q, 0, 0, 0, 0, 0, 0.5, 0.5] for n, (c, p, q) in enumerate(fits)}
    surface = {"form": "plane", "source": [300, 10000], "target": [100, 3000], "languages": languages}
    surface["fit"] = np.mean(list(languages.values()), axis=0).tolist()
    path = folder / "report.json"
    path.write_text(json.dumps({"files": [], "answer": {"arm": "soft"}, "surfaces": {"soft": surface}}))
    return path


def test_the_packaged_surfaces_are_those_of_the_published_study(tmp_path: Path) -> None:
    run_path(str(SCRIPT))["main"](REPORT.parent, tmp_path / "measured.json")
    assert (tmp_path / "measured.json").read_bytes() == PACKAGED.read_bytes()


def test_gains_are_those_of_the_surfaces(tmp_path: Path) -> None:
    fits = ([0.3, 0.11, 0.05], [0.4, 0.12, 0.05], [0.5, 0.13, 0.05])
    plan = plan_study(1000, 1000, report=report_of(tmp_path, *fits), budget=2000, price_target=2)
    assert plan["f1"]["value"] == pytest.approx(0.4)
    source, target = plan["options"]["source"], plan["options"]["target"]
    assert (source["more"], target["more"]) == (2000, 1000)
    assert source["gain"]["value"] == pytest.approx(0.12 * np.log10(3))
    # All languages gain the same from target text.
    assert target["gain"]["low"] == pytest.approx(target["gain"]["high"]) == pytest.approx(0.05 * np.log10(2))
    assert (plan["next"], plan["decided"], plan["better"]) == ("source", True, 0)


def test_languages_that_disagree_decide_nothing(tmp_path: Path) -> None:
    fits = ([0.3, 0.10, 0.02], [0.4, 0.02, 0.10], [0.5, 0.05, 0.06])
    plan = plan_study(1000, 1000, report=report_of(tmp_path, *fits))
    assert not plan["decided"] and plan["better"] == 2 and plan["next"] == "target"
    assert plan["difference"]["low"] < 0 < plan["difference"]["high"]


def test_two_languages_give_no_interval(tmp_path: Path) -> None:
    plan = plan_study(1000, 1000, report=report_of(tmp_path, [0.3, 0.1, 0.05], [0.4, 0.1, 0.06]))
    assert plan["f1"]["low"] is None and not plan["decided"] and plan["next"] == "source"


@settings(max_examples=60, deadline=None)
@given(source=st.integers(0, 40000), target=st.integers(0, 8000), budget=st.floats(1, 20000))
def test_nothing_is_said_outside_of_what_was_measured(source: int, target: int, budget: float) -> None:
    if not (300 <= source <= 30000 and 100 <= target <= 3000):
        with pytest.raises(XnerError, match="outside of what was measured"):
            plan_study(source, target, budget=budget)
        return
    plan = plan_study(source, target, budget=budget)
    for kind, most, has in (("source", 30000, source), ("target", 3000, target)):
        assert (plan["options"][kind]["gain"] is None) == (has + budget > most)
    assert 0 <= plan["f1"]["low"] <= plan["f1"]["value"] <= plan["f1"]["high"] <= 1
    assert (plan["next"] is None) == any(option["gain"] is None for option in plan["options"].values())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_interval_holds_one_more_language(seed: int) -> None:
    random = np.random.default_rng(seed)
    held = []
    for _ in range(300):
        *known, other = random.normal(0.1, 0.03, 6)
        found = for_one_language(np.array(known), -1.0)
        held.append(found["low"] <= other <= found["high"])
    assert 0.9 < np.mean(held) < 0.99


def test_files_and_arms_that_do_not_serve(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match="No surface of the arm prototypes"):
        plan_study(1000, 300, arm="prototypes")
    path = tmp_path / "report.json"
    path.write_text('{"files": []}')
    with pytest.raises(InputError, match="does not hold what it should"):
        plan_study(1000, 300, report=path)


def test_command() -> None:
    run = CliRunner().invoke(app, ["study", "plan", "1000", "300"])
    assert run.exit_code == 0, run.output
    assert "F1 now:" in run.output and "Next: target sentences with a translation" in run.output
    assert "of 11 languages" in " ".join(run.output.split())
    plain = CliRunner().invoke(app, ["study", "plan", "1000", "300", "--arm", "tsl"])
    assert "1,000 more target sentences of plain text" in plain.output and "with a translation" not in plain.output
    ended = CliRunner().invoke(app, ["study", "plan", "3000", "2500"])
    assert "outside of what was measured" in ended.output and "Try a smaller --budget" in ended.output
