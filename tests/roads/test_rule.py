"""The rule of `xner plan`: its figures are those that the published table gives, and it says what they say."""

import json
from copy import deepcopy

import pytest

from benchmarks import plan_rule
from tests.conftest import ROOT
from xner_spacy.roads.facts import all_facts
from xner_spacy.roads.rule import PROJECTION, RULE, TRANSFER, expect, fitted

PUBLISHED = ROOT / plan_rule.PUBLISHED


@pytest.fixture(scope="module")
def refitted():
    return plan_rule.study(PUBLISHED)


def test_the_figures_in_the_package_are_those_of_the_published_table(refitted):
    found, kept = deepcopy(refitted[0]), json.loads(RULE.read_text(encoding="utf8"))
    assert found["sides"] == kept["sides"] and found["rule"] == kept["rule"]
    # The bounds of the bootstrap may differ in the last digit between versions of NumPy.
    for name, figures in found["validation"].items():
        if isinstance(figures, dict) and "hit_interval" in figures:
            for ends in ("hit_interval", "regret_interval"):
                assert figures.pop(ends) == pytest.approx(kept["validation"][name].pop(ends), abs=0.011), name
        assert figures == kept["validation"][name], name


def test_the_page_has_the_figures_of_the_rule(refitted):
    rule, compared = refitted
    page = (ROOT / plan_rule.PAGE).read_text(encoding="utf8")
    section = plan_rule.page_section(rule, compared, PUBLISHED)
    for line in section.splitlines():
        # The intervals are compared above, with a tolerance.
        assert line[:46] in page


def test_the_three_languages_take_no_part(refitted, tmp_path):
    """With other figures for lug, luo and tsn the rule is the same; with others for any other language it is not."""
    text = PUBLISHED.read_text(encoding="utf8")

    def spoilt(lang):
        lines = [line for line in text.splitlines() if line]
        changed = [
            "\t".join(["masakhaner", lang, "99.0", *["1.0"] * 8]) if f"\t{lang}\t" in line else line for line in lines
        ]
        assert changed != lines
        path = tmp_path / f"{lang}.tsv"
        path.write_text("\n".join(changed) + "\n", encoding="utf8")
        return plan_rule.read_rows(path)

    def used(rows):
        return plan_rule.sides([row for row in rows if plan_rule.iso3(row) not in plan_rule.HELD_OUT])

    for lang in ("lug", "luo", "tsn"):
        assert used(spoilt(lang)) == refitted[0]["sides"]
    assert used(spoilt("ewe")) != refitted[0]["sides"]


def test_a_language_is_judged_without_itself():
    """The rows of a language in both data sets are left out together."""
    rows = plan_rule.read_rows(PUBLISHED)
    seen = []

    def fit(given):
        seen.append({plan_rule.iso3(row) for row in given})
        return lambda row: plan_rule.Guess(True, 0.5)

    plan_rule.validate(plan_rule.Rule("spy", fit), rows)
    assert len(seen) == len(rows) == 57
    for row, languages in zip(rows, seen):
        assert plan_rule.iso3(row) not in languages and len(languages) == len({plan_rule.iso3(r) for r in rows}) - 1


def test_regret_is_the_f1_lost_by_the_other_arm():
    rows = plan_rule.read_rows(PUBLISHED)
    always = {
        name: next(rule for rule in plan_rule.RULES if rule.name == name)
        for name in ("always projection", "always transfer")
    }
    lost = {name: plan_rule.validate(rule, rows).regrets.sum() for name, rule in always.items()}
    gains = [row.gain for row in rows]
    assert lost["always projection"] - lost["always transfer"] == pytest.approx(-sum(gains))
    assert lost["always transfer"] == pytest.approx(sum(gain for gain in gains if gain > 0))


def test_the_rule_beats_both_constant_rules(refitted):
    figures = refitted[0]["validation"]
    for constant in ("always projection", "always transfer"):
        assert figures["rule"]["hit_rate"] > figures[constant]["hit_rate"]
        assert figures["rule"]["regret"] < figures[constant]["regret"]


@pytest.mark.parametrize("lang, arm", [("yor", PROJECTION), ("grn", PROJECTION), ("deu", TRANSFER), ("isl", TRANSFER)])
def test_what_it_says(lang, arm):
    expected = expect(all_facts()[lang])
    side = fitted()["sides"]["unseen" if arm == PROJECTION else "seen"]
    assert expected["arm"] == arm and expected["sureness"] == side["sureness"]
    assert expected["gain"]["low"] <= expected["gain"]["mean"] <= expected["gain"]["high"]
    assert f"{side['won']} of {side['rows']}" in expected["because"]


def test_it_says_where_it_is_near_its_border():
    assert "only 0.1 GiB" in expect(all_facts()["xho"])["notes"][0]
    assert not any("only" in note for note in expect(all_facts()["deu"])["notes"])
