"""Means, contrasts, mirrored sizes and tenfolds, on rows whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tiny.study_rows import CEILING, LANGUAGES, SOURCES, TARGETS, fail, make_rows, surface

pd = pytest.importorskip("pandas")

from xner_spacy.study.analysis import comparisons, intervals  # noqa: E402
from xner_spacy.study.analysis.intervals import CELL, REPLICATE, estimate, frame_of, pooled, primary  # noqa: E402
from xner_spacy.study.analysis.surface import percentiles  # noqa: E402


def limits(value, parts):
    return tuple(estimate(value, parts)[name] for name in ("low", "high"))


EXACT = {"sd_seed": 0.0, "sd_draw": 0.0, "sd_rest": 0.0}
ONE_CELL = {"sources": (1000,), "targets": (320,)}


def means(rows):
    found = intervals.means(frame_of(rows))
    return found[found["quantity"] == "f1"].to_dict("records")


def estimates(name, rows):
    """RETURNS (List): The lines of one of the functions that compare; sizes of all are None."""
    found = getattr(comparisons, name)(primary(frame_of(rows))).to_dict("records")
    return [{**e, "n_source": e["n_source"] or None, "n_target": e["n_target"] or None} for e in found]


def contrasts(rows):
    return estimates("contrasts", rows)


def designs(rows):
    return estimates("designs", rows)


def mirrored(rows):
    return estimates("mirrored", rows)


def tenfolds(rows):
    return estimates("tenfolds", rows)


def table(*lines):
    """RETURNS (DataFrame): A table of lines, each the values by seed and draw."""
    index = pd.MultiIndex.from_tuples([("lug", 1000 + k, 100) for k in range(len(lines))], names=CELL)
    columns = sorted({key for line in lines for key in line})
    values = [[line.get(key, np.nan) for key in columns] for line in lines]
    return pd.DataFrame(values, index, pd.MultiIndex.from_tuples(columns, names=REPLICATE))


def no_test_intervals(rows):
    return [replace(row, f1_low=None, f1_high=None) for row in rows]


def chosen(entries, **wanted):
    found = [e for e in entries if all(e[k] == v for k, v in wanted.items())]
    assert len(found) == 1, (len(found), wanted)
    return found[0]


# --- pieces


def test_limits_are_students_t():
    values = [0.41, 0.44, 0.40]
    low, high = limits(np.mean(values), [(np.var(values, ddof=1) / 3, 2)])
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 2, np.mean(values), stats.sem(values)))
    assert limits(0.5, [(0.01**2, np.inf)]) == pytest.approx((0.5 - 0.0196, 0.5 + 0.0196), abs=1e-5)
    assert np.isnan(limits(0.5, [(np.nan, 0), (np.nan, np.inf)])).all()
    # A variance that is known well counts more than the degrees of freedom of a small one.
    alone = limits(0.5, [(1e-4, 2)])
    both = limits(0.5, [(1e-6, 2), (1e-4, np.inf)])
    assert both[1] - both[0] < alone[1] - alone[0]


def test_percentiles():
    samples = np.concatenate([[1.0], np.linspace(0, 2, 201)])
    everything = (1.0, -np.inf, np.inf)
    assert percentiles(samples, *everything) == pytest.approx({"value": 1.0, "low": 0.05, "high": 1.95})
    assert percentiles(samples, 2.0, 0.0, np.inf)["low"] == 0.0
    assert np.isnan(percentiles(samples[:1], *everything)["low"])


def test_pooled_by_degrees_of_freedom():
    first = {(0, 0): 0.1, (1, 1): 0.3}
    second = {(0, 0): 0.5, (1, 1): 0.6, (2, 2): 0.7}
    variance, degrees = pooled(table(first, second, {(0, 0): 0.9}))
    assert degrees == 3
    assert variance == pytest.approx((0.02 + 2 * 0.01) / 3)
    assert pooled(table({(0, 0): 0.9}))[1] == 0


def test_crossed_replicates_are_not_independent():
    # Only the seed matters: nine runs tell as much as three.
    cell = {(i, j): (0.1, 0.2, 0.4)[i] for i in range(3) for j in range(3)}
    variance, degrees = pooled(table(cell))
    assert degrees == 2
    assert variance / 9 == pytest.approx(np.var([0.1, 0.2, 0.4], ddof=1) / 3)
    # A line beside it whose replicates are paired is not taken as crossed.
    paired = {(0, 0): 0.1, (1, 1): 0.2, (2, 2): 0.4}
    assert pooled(table(cell, paired))[0] == pytest.approx((variance * 2 + np.var([0.1, 0.2, 0.4], ddof=1) * 2) / 4)


def test_primary_takes_each_cell_once():
    main = make_rows(("lug",), ("soft",), **ONE_CELL)
    crossed = make_rows(("lug",), ("soft", "hard"), block="variance", crossed=True, **ONE_CELL)
    kept = primary(frame_of([*crossed, *main, *main, fail(main[0])]))
    assert kept.loc[kept["arm"] == "soft", "block"].tolist() == ["main"] * 3
    # An arm that has no other rows keeps them.
    assert kept.loc[kept["arm"] == "hard", "block"].tolist() == ["variance"] * 9


# --- means


def test_mean_of_one_cell():
    rows = no_test_intervals(make_rows(("lug",), ("soft",), **ONE_CELL))
    values = [row.f1 for row in rows]
    entry = chosen(means(rows), lang="lug")
    assert entry["value"] == pytest.approx(np.mean(values))
    assert entry["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (entry["low"], entry["high"]) == pytest.approx(stats.t.interval(0.95, 2, np.mean(values), stats.sem(values)))
    assert entry["n"] == 3


def test_test_sentences_count_once():
    rows = make_rows(("lug",), ("soft",), sd_test=0.02, **ONE_CELL, **EXACT)
    entry = chosen(means(rows), lang="lug")
    # Replicates share the test sentences: three of them do not make the interval narrower.
    assert entry["high"] - entry["value"] == pytest.approx(1.96 * 0.02, rel=1e-3)
    single = means(make_rows(("lug",), ("soft",), replicates=1, sd_test=0.02, **ONE_CELL))
    assert chosen(single, lang="lug")["low"] > 0 and np.isnan(chosen(single, lang="lug")["sd"])


def test_mean_over_languages_is_balanced():
    rows = make_rows(("lug", "yor"), ("soft",), **ONE_CELL, **EXACT)
    rows = [row for row in rows if row.lang != "yor" or row.seed == 0]
    entry = chosen(means(rows), lang="all")
    truth = (CEILING["lug"] + CEILING["yor"]) / 2 - surface(1000, 320)
    assert entry["value"] == pytest.approx(truth)
    assert entry["n"] == 4


def test_no_teacher_is_none():
    rows = make_rows(("hau",), ("soft",), **ONE_CELL)
    found = intervals.means(frame_of(rows)).query("lang == 'hau'").set_index("quantity")
    assert "minus_teacher" not in found.index
    assert found["value"]["minus_transfer"] == pytest.approx(0.03)
    assert found["high"]["minus_transfer"] == pytest.approx(0.05, abs=1e-4)


def test_mean_intervals_cover():
    hits = {"lug": [], "all": []}
    for seed in range(80):
        rows = make_rows(("lug", "yor", "hau"), ("soft",), sd_test=0.01, sd_teacher=0.02, seed=seed, **ONE_CELL)
        found = means(rows)
        for lang, hit in hits.items():
            langs = ("lug", "yor", "hau") if lang == "all" else (lang,)
            truth = np.mean([CEILING[code] for code in langs]) - surface(1000, 320)
            entry = chosen(found, lang=lang)
            hit.append(entry["low"] <= truth <= entry["high"])
    # Of 80, fewer than 70 come by chance once in 500 at 95%.
    assert sum(hits["lug"]) >= 70 and sum(hits["all"]) >= 70


# --- contrasts


def test_paired_contrast():
    rows = make_rows(arms=("hard", "soft"), gains={"soft": 0.02}, seed=1)
    entry = chosen(contrasts(rows), a="soft", b="hard", lang="all", n_source=None)
    assert entry["low"] < 0.02 < entry["high"] and entry["low"] > 0
    assert entry["n"] == len(LANGUAGES) * 16 * 3
    one = chosen(contrasts(rows), a="soft", b="hard", lang="lug", n_source=320, n_target=100)
    assert one["n"] == 3 and one["low"] < one["value"] < one["high"]


def test_pairing_takes_out_what_both_share():
    rows = make_rows(arms=("hard", "soft"), gains={"soft": 0.02}, **EXACT)
    noise = dict(enumerate(np.random.default_rng(0).normal(scale=0.05, size=3)))
    rows = [replace(row, f1=row.f1 + noise[row.seed]) for row in rows]
    entry = chosen(contrasts(rows), a="soft", b="hard", lang="lug", n_source=1000, n_target=320)
    assert entry["value"] == pytest.approx(0.02)
    assert entry["high"] - entry["low"] < 1e-9


def test_no_difference():
    wrong = 0
    for seed in range(20):
        rows = make_rows(arms=("hard", "soft"), targets=(320, 1000), sources=(1000,), seed=seed)
        entry = chosen(contrasts(rows), a="soft", b="hard", lang="all", n_source=None)
        wrong += not entry["low"] <= 0 <= entry["high"]
    assert wrong <= 4


def test_pairs_that_lack_a_partner_are_left_out():
    rows = make_rows(("lug",), ("hard", "soft"), **ONE_CELL)
    gone = next(i for i, row in enumerate(rows) if row.arm == "hard" and row.seed == 1)
    rows[gone] = fail(rows[gone])
    entry = chosen(contrasts(rows), a="soft", b="hard", lang="lug", n_source=1000)
    assert entry["n"] == 2
    assert not contrasts([row for row in rows if row.arm == "hard"])


def test_source_arms_are_paired_by_labelled_text():
    rows = make_rows(("lug", "luo"), ("transfer", "tsl"), gains={"tsl": 0.05}, **EXACT)
    entry = chosen(contrasts(rows), a="tsl", b="transfer", lang="all", n_source=1000, n_target=320)
    assert entry["value"] == pytest.approx(0.05 + surface(1000, 0) - surface(1000, 320))


def test_designs_are_compared():
    rows = make_rows(("lug", "luo"), ("soft",), **ONE_CELL, **EXACT)
    other = make_rows(
        ("lug", "luo"), ("soft",), block="epochs", design="epochs", gains={"soft": -0.03},
        **ONE_CELL, **EXACT,
    )  # fmt: skip
    entry = chosen(designs([*rows, *other]), arm="soft", lang="all", n_source=1000)
    assert entry["value"] == pytest.approx(-0.03)


def test_mirrored_sizes():
    rows = make_rows(arms=("soft",), **EXACT)
    found = [entry for entry in mirrored(rows) if entry["lang"] == "all"]
    assert {entry["n_source"] and entry["n_source"] + entry["n_target"] for entry in found} == {1320, 3520, 4200, None}
    for entry in found:
        if entry["n_source"]:
            x, y = entry["n_source"], entry["n_target"]
            assert x > y
            assert entry["value"] == pytest.approx(surface(y, x) - surface(x, y))


def test_tenfolds_are_least_squares():
    rows = make_rows(("lug",), ("soft",), replicates=1, **EXACT)
    rows = [
        replace(
            row,
            f1=0.2
            + 0.05 * np.log10(row.n_source)
            + 0.03 * np.log10(row.n_target)
            + 0.01 * (np.log10(row.n_source) - 3.2526) * (np.log10(row.n_target) - 2.7526),
        )
        for row in rows
    ]
    found = {e["coefficient"]: e["value"] for e in tenfolds(rows) if e["lang"] == "lug"}
    assert found == pytest.approx(
        {"source": 0.05, "target": 0.03, "source_minus_target": 0.02, "interaction": 0.01},
        abs=1e-5,
    )
    # A missing cell does not move what is exact.
    again = {e["coefficient"]: e["value"] for e in tenfolds(rows[2:]) if e["lang"] == "lug"}
    assert again == pytest.approx(found)
    assert {e["coefficient"] for e in tenfolds(make_rows(arms=("transfer",)))} == {"source"}


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-0.1, 0.1), seed=st.integers(0, 1000))
def test_differences_do_not_see_a_shift(shift, seed):
    rows = make_rows(("lug", "luo"), ("hard", "soft"), sources=SOURCES[:2], targets=TARGETS[:2])
    moved = [replace(row, f1=row.f1 + shift) for row in rows]
    np.random.default_rng(seed).shuffle(moved)
    for function in (contrasts, mirrored, tenfolds):
        for one, other in zip(function(rows), function(moved), strict=True):
            assert {k: v for k, v in one.items() if not isinstance(v, float)} == {
                k: v for k, v in other.items() if not isinstance(v, float)
            }
            for name in ("value", "low", "high"):
                assert other[name] == pytest.approx(one[name], abs=1e-9)
