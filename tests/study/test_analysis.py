"""The whole analysis: every part is there, and what cannot be estimated is None with a reason."""

import json

import pytest

from benchmarks.study_rows import LANGUAGES, SOURCES, TARGETS, fail, make_rows
from xner_spacy.study.analysis import analyse

pytest.importorskip("statsmodels")

PARTS = {
    "grid",
    "means",
    "contrasts",
    "designs",
    "tenfolds",
    "surfaces",
    "iso_total",
    "iso_ratio",
    "mirrored",
    "variance",
    "robustness",
    "sd_by",
    "answer",
}


def test_full_study_is_json_and_deterministic():
    rows = make_rows(gains={"soft": 0.01})
    rows += make_rows(LANGUAGES[:3], ("teacher",), seed=1)
    rows[5] = fail(rows[5])
    first = analyse(rows, samples=60)
    assert set(first) == PARTS
    text = json.dumps(first, allow_nan=False, sort_keys=True)
    again = analyse(list(reversed(rows)), samples=60)
    assert json.dumps(again, allow_nan=False, sort_keys=True) == text
    assert first["grid"]["n_source"] == list(SOURCES)
    assert first["grid"]["n_target"] == list(TARGETS)
    assert [f["reason"] for f in first["grid"]["failed"]] == ["killed"]
    assert set(first["surfaces"]) == {"teacher", "transfer", "hard", "soft"}


@pytest.mark.parametrize(
    "changes",
    [
        {"languages": ("lug",)},
        {"replicates": 1},
        {"languages": ("lug",), "replicates": 1},
        {"languages": ("lug",), "replicates": 1, "sources": (1000,), "targets": (320,)},
        {"sources": (1000,)},
        {"targets": (1000,)},
        {"sources": (1000, 3200), "targets": (320, 1000)},
        {"arms": ("transfer",)},
        {"arms": ("soft",), "design": "epochs"},
        {"arms": ("soft",), "block": "variance", "crossed": True},
        {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0},
    ],
)
def test_any_subset(changes):
    result = analyse(make_rows(**changes), samples=30)
    assert set(result) == PARTS
    json.dumps(result, allow_nan=False)


def test_nothing_measured():
    for rows in ([], [fail(row) for row in make_rows(("lug",), ("soft",))]):
        result = analyse(rows, samples=30)
        assert set(result) == PARTS
        assert len(result["grid"]["failed"]) == len(rows)
        assert not result["means"] and not result["surfaces"]
