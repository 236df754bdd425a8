"""The hypotheses of the second edition: verdicts on rows whose truth is known, and never without the rows they need."""

import re
from dataclasses import replace
from math import log, nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiny.study_rows import make_rows

pd = pytest.importorskip("pandas")
pytest.importorskip("altair")

from xner_spacy.study.analysis.analyse import analyse  # noqa: E402
from xner_spacy.study.analysis.hypotheses import Finding, h3, hypotheses  # noqa: E402
from xner_spacy.study.analysis.intervals import REPLICATE, frame_of  # noqa: E402
from xner_spacy.study.analysis.variances import variance_ratio  # noqa: E402
from xner_spacy.study.page.findings import CLAIMS, finding_table, findings_json  # noqa: E402

LANGUAGES = ("lug", "luo", "tsn", "hau")
QUIET = {"sd_seed": 0.006, "sd_draw": 0.006, "sd_rest": 0.003}
GRID = {"sources": (300, 1000, 3000, 10000), "targets": (100, 300, 1000, 3000)}


def decoded(rows, worth=None):
    """The rows with a fitted bias, which is worth so much F1 to an arm."""
    return [replace(row, bias=1.0, f1_bias_0=row.f1 - (worth or {}).get(row.arm, 0.02)) for row in rows]


def main(seed=0, arms=("hard", "soft"), worth=None, **options):
    return decoded(make_rows(LANGUAGES, arms, seed=seed, **{**GRID, **QUIET, **options}), worth)


def totals(sd_even, sd_uneven, f1_even=0.0, seed=0, replicates=12):
    rows = []
    places = {1300: ((300, 1000), (650, 650), (1000, 300)), 3100: ((400, 2700), (1550, 1550), (2700, 400))}
    for total, sizes in places.items():
        for number, (name, (s, t)) in enumerate(zip(("less_source", "even", "more_source"), sizes)):
            sd = sd_even if name == "even" else sd_uneven
            options = {"sd_seed": sd, "sd_draw": 0.0, "sd_rest": 0.0, "replicates": replicates}
            flat = {"shape": {"a": 0.0, "b": 0.0}, "sources": (s,), "targets": (t,), "block": f"total_{total}_{name}"}
            made = make_rows(LANGUAGES[:3], ("hard", "soft"), seed=seed + total + number, **options, **flat)
            rows += [replace(row, f1=row.f1 + (f1_even if name == "even" else 0.0)) for row in made]
    return decoded(rows)


def found(rows, samples=40):
    return {finding.name: finding for finding in hypotheses(frame_of(rows), samples)}


def test_without_fitted_rows_nothing_is_decided():
    plain = found(make_rows(LANGUAGES, ("hard", "soft"), **GRID))
    assert {finding.verdict for finding in plain.values()} == {"not measured"}
    assert finding_table(list(plain.values())) == []
    assert list(plain) == [f"H{number}" for number in range(1, 15)]
    assert {finding.verdict for finding in found([]).values()} == {"not measured"}


@pytest.mark.parametrize(("gain", "verdict"), [(0.03, "holds"), (-0.03, "refuted"), (0.0, "refuted")])
def test_soft_above_hard(gain, verdict):
    finding = found(main(gains={"soft": gain}, worth={"soft": 0.05 + gain, "hard": 0.05}))
    for name in ("H1", "H2"):
        assert finding[name].low <= gain <= finding[name].high
    assert finding["H1"].verdict == verdict
    if gain:
        assert finding["H2"].verdict == verdict
        assert finding["H2"].value == pytest.approx(gain)


def test_only_large_target_text_counts_for_h1():
    rows = [replace(row, f1=row.f1 + 0.1) if row.arm == "soft" and row.n_target < 1000 else row for row in main()]
    assert found(rows)["H1"].value == pytest.approx(0, abs=0.01)


def test_hausa_is_left_out_beside():
    rows = [replace(row, f1=row.f1 + 0.08) if (row.lang, row.arm) == ("hau", "soft") else row for row in main()]
    finding = found(rows)["H1"]
    assert finding.value == pytest.approx(0.02, abs=0.006) and finding.without["value"] == pytest.approx(0, abs=0.006)
    assert not found([row for row in rows if row.lang != "hau"])["H1"].without


@pytest.mark.parametrize(
    ("even", "uneven", "verdict"), [(0.01, 0.03, "holds"), (0.02, 0.02, "refuted"), (0.02, 0.0205, "refuted")]
)
def test_spread_where_text_is_starved(even, uneven, verdict):
    finding = found(totals(even, uneven))["H3"]
    assert finding.verdict == verdict
    assert finding.low <= finding.value <= finding.high
    assert finding.value == pytest.approx(2 * log(uneven / even), abs=0.45)


def test_the_interval_of_a_ratio_of_variances_holds_the_truth():
    held = []
    for seed in range(30):
        finding = h3(frame_of(totals(0.02, 0.026, seed=1000 * seed)))
        held.append(finding.low <= 2 * log(1.3) <= finding.high)
    assert np.mean(held) >= 0.85


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.2, 5))
def test_a_ratio_of_variances_follows_the_scale(seed, factor):
    random = np.random.default_rng(seed)
    columns = pd.MultiIndex.from_tuples([(k, k) for k in range(6)], names=REPLICATE)
    index = pd.MultiIndex.from_tuples([(lang, "b") for lang in LANGUAGES], names=["lang", "block"])
    one, other = (pd.DataFrame(random.normal(size=(4, 6)), index, columns) for _ in range(2))
    plain, scaled = variance_ratio(one, other), variance_ratio(factor * one + 3, other)
    turned = variance_ratio(other, one)
    for name, mirror in (("value", "value"), ("low", "high"), ("high", "low")):
        assert scaled[name] == pytest.approx(plain[name] + 2 * log(factor), abs=1e-6)
        assert turned[name] == pytest.approx(-plain[mirror], abs=1e-9)


@pytest.mark.parametrize(
    ("gain", "sd", "verdict"), [(0.03, 0.004, "holds"), (-0.04, 0.004, "refuted"), (-0.012, 0.04, "not decided")]
)
def test_the_even_ratio(gain, sd, verdict):
    finding = found(totals(sd, sd, gain))["H4"]
    assert finding.verdict == verdict and len(finding.parts) == 2
    assert finding.value == min(part["value"] for part in finding.parts)


@pytest.mark.parametrize(
    ("shape", "verdict"),
    [
        ({"a": 0.01, "alpha": 0.5, "b": 0.1, "beta": 0.5}, "holds"),
        ({"a": 0.2, "alpha": 0.5, "b": 0.01, "beta": 0.5}, "refuted"),
    ],
)
def test_the_starved_corner(shape, verdict):
    finding = found(main(shape=shape))["H5"]
    a, b = shape["a"], shape["b"]
    truth = a * (1 - 10**-0.5) - b * (0.1**-0.5 - 0.3**-0.5)
    assert finding.verdict == verdict and finding.value == pytest.approx(truth, abs=0.01)


@pytest.mark.parametrize(
    ("gain", "one_cell", "verdict"),
    [(-0.05, 0.0, "holds"), (0.0, 0.0, "not decided"), (-0.05, 0.12, "refuted")],
)
def test_plain_text(gain, one_cell, verdict):
    plain = main(seed=3, arms=("tsl",), gains={"tsl": gain}, block="plain")
    at = (1000, 300)
    plain = [replace(r, f1=r.f1 + one_cell) if (r.n_source, r.n_target) == at else r for r in plain]
    finding = found([*main(), *plain])["H6"]
    assert finding.verdict == verdict and len(finding.parts) == 16
    if one_cell:
        assert finding.note == "1,000 / 300" and finding.value == pytest.approx(gain + one_cell, abs=0.01)


def test_the_optimum_inside_or_at_the_edge():
    inside = found(main(shape={"a": 0.1, "alpha": 0.5, "b": 0.1, "beta": 0.5}))["H7"]
    assert (inside.verdict, inside.note) == ("holds", "power") and inside.value > 0.95
    edge = found(main(shape={"a": 0.1, "alpha": 0.5, "b": 0.0}))["H7"]
    assert edge.verdict == "refuted" and edge.value < 0.95
    few = found(main(sources=(300, 1000), targets=(100, 300)))["H7"]
    assert few.verdict == "not measured"


@pytest.mark.parametrize(("more", "verdict"), [(0.06, "holds"), (-0.06, "refuted")])
def test_what_errors_of_labels_cost(more, verdict):
    hard = main(arms=("hard",))
    gold = [
        replace(row, arm="gold", block="gold", n_source=0, f1=row.f1 + (more if row.n_target == 3000 else 0.0))
        for row in hard
        if row.n_source == 10000
    ]
    finding = found([*hard, *gold])["H8"]
    assert finding.verdict == verdict and finding.value == pytest.approx(more)


def variant(rows, block, gain, **filters):
    """The same rows once more, as a variant that is worth so much F1."""
    chosen = [row for row in rows if row.arm == "soft" and all(getattr(row, k) in v for k, v in filters.items())]
    return [replace(row, block=block, variant=block, f1=row.f1 + gain) for row in chosen]


@pytest.mark.parametrize(("gain", "verdict"), [(0.2, "holds"), (0.0, "refuted")])
def test_what_a_corrected_sentence_is_worth(gain, verdict):
    rows = main(arms=("soft",))
    finding = found([*rows, *variant(rows, "corrected_100", gain, n_source=[1000], n_target=[300])])["H9"]
    cells = {size: np.mean([r.f1 for r in rows if (r.n_source, r.n_target) == (1000, size)]) for size in (300, 3000)}
    assert finding.verdict == verdict
    assert finding.value == pytest.approx(gain - 1000 * (cells[3000] - cells[300]) / 2700)


@pytest.mark.parametrize(("more_target", "verdict"), [(0.3, "holds"), (-0.3, "refuted")])
@pytest.mark.parametrize(("name", "block"), [("H10", "wide_and_long"), ("H13", "recipe")])
def test_larger_students(more_target, verdict, name, block):
    rows = main(arms=("soft",), sources=(300, 30000), targets=(100, 3000))
    large = [
        *variant(rows, block, 0.1 + more_target, n_target=[3000]),
        *variant(rows, block, 0.1, n_target=[100]),
    ]
    findings = found([*rows, *large])
    assert findings[name].verdict == verdict
    assert {findings[other].verdict for other in ("H10", "H13") if other != name} == {"not measured"}


@pytest.mark.parametrize(("own", "verdict"), [(0.05, "holds"), (-0.05, "refuted")])
def test_text_of_the_domain(own, verdict):
    rows = main(arms=("soft",))
    of_tsn = variant([r for r in rows if r.lang == "tsn"], "own", own, n_target=[300, 1000])
    other = variant(rows, "ntrex", -0.1, n_target=[300, 1000])
    finding = found([*rows, *of_tsn, *other])["H11"]
    assert finding.verdict == verdict and finding.value == pytest.approx(own)
    assert [part["value"] for part in finding.parts] == pytest.approx([own, -0.1])
    assert found([*rows, *other])["H11"].verdict == "not measured"


@pytest.mark.parametrize(("gain", "verdict"), [(0.05, "holds"), (-0.05, "refuted")])
def test_plain_text_with_vectors(gain, verdict):
    rows = main(arms=("soft",))
    plain = [replace(row, arm="tsl") for row in variant(rows, "plain_vectors", gain, n_target=[300, 1000])]
    finding = found([*rows, *plain])["H14"]
    assert finding.verdict == verdict and finding.value == pytest.approx(gain)
    assert [part["value"] for part in finding.parts] == pytest.approx([gain] * len(finding.parts))
    sizes = {(row.n_source, row.n_target) for row in plain}
    assert {part["label"] for part in finding.parts} == {f"{source:,} / {target:,}" for source, target in sizes}


@pytest.mark.parametrize(("spread", "verdict"), [(0.0002, "holds"), (0.1, "refuted")])
def test_how_much_comes_from_the_source_model(spread, verdict):
    rows = main(arms=("soft",), replicates=4)
    random = np.random.default_rng(0)
    others = []
    for block in ("model_1", "model_2"):
        at = variant(rows, block, 0.0, n_source=[1000, 10000], n_target=[300, 3000])
        others += [replace(row, f1=row.f1 + random.normal(0, spread)) for row in at]
    finding = found([*rows, *others])["H12"]
    assert finding.verdict == verdict and finding.low <= finding.value <= finding.high
    assert found(rows)["H12"].verdict == "not measured"
    assert finding_table([finding])[0]["measured"].startswith("variance times ")


def test_variants_are_compared_with_the_same_cells_of_the_study():
    rows = main(arms=("hard", "soft"))
    more = variant([row for row in rows if row.lang == "tsn"], "own", 0.05, n_target=[300, 1000])
    found = analyse([*rows, *more], samples=5).variants
    assert set(zip(found["variant"], found["arm"], found["languages"])) == {("own", "soft", "tsn")}
    assert found["value"].to_numpy() == pytest.approx(0.05)
    assert (found["f1"] - found["f1_study"]).to_numpy() == pytest.approx(0.05)
    own = [row.f1 for row in more if (row.n_source, row.n_target) == (1000, 300)]
    at = found[(found["n_source"] == 1000) & (found["n_target"] == 300)]
    assert at["f1"].item() == pytest.approx(np.mean(own))
    assert set(found["n_target"]) == {0, 300, 1000}  # 0 for all of them
    beyond = [replace(row, n_target=10_000) for row in more if row.n_target == 300]
    alone = analyse([*rows, *beyond], samples=5).variants
    assert set(alone["n_target"]) == {10_000} and alone["value"].isna().all() and alone["f1"].notna().all()
    assert analyse(rows, samples=5).variants.empty


def test_variants_and_gold_labels_change_no_other_estimate():
    rows = main(arms=("hard", "soft"))
    # A name that sorts before "main" must not take its place.
    extra = variant(rows, "a_variant", -0.3, n_target=[300, 1000])
    gold = [replace(r, arm="gold", block="gold", n_source=0) for r in rows if r.arm == "hard" and r.n_source == 10000]
    plain, with_extra = (analyse(part, samples=40) for part in (rows, [*rows, *extra, *gold]))
    for arm in ("hard", "soft"):
        f1 = (analysis.surfaces[arm].f1(1000, 1000) for analysis in (plain, with_extra))
        np.testing.assert_array_equal(*f1)
    assert set(with_extra.surfaces) == {"hard", "soft"} and not [u for u in with_extra.unknown if "gold" in u]
    assert plain.contrasts.equals(with_extra.contrasts)


def test_claims_are_those_that_were_written_down():
    text = (Path(__file__).parents[2] / "docs" / "study" / "second-edition.md").read_text(encoding="utf8")
    lines = dict(re.findall(r"^\| (H\d+) \| ([^|]*?) \|", text, flags=re.MULTILINE))
    assert lines == CLAIMS


def test_table_and_json():
    findings = hypotheses(frame_of(totals(0.02, 0.03)), 40)
    table = finding_table(findings)
    assert [line["verdict"] for line in table] == [finding.verdict for finding in findings]
    assert table[2]["measured"].startswith("variance times ") and table[0]["measured"] == "–"
    entries = findings_json(findings)
    assert entries[0]["value"] is None and entries[2]["hypothesis"] == CLAIMS["H3"]
    assert entries[3]["parts"][0]["label"] == "total 1,300"
    share = finding_table([Finding("H7", "holds", 0.97, without={"value": 0.9, "low": nan, "high": nan})])
    assert share[0]["measured"] == "97% of samples inside" and share[0]["without Hausa"] == "90% of samples inside"
    assert "without Hausa" not in table[0]
