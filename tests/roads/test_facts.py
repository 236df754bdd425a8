"""The facts about languages agree with the table of languages, with each other, and with what can be looked up here."""

import csv
import re

import pytest

from tests.conftest import ROOT
from xner_spacy.languages import CODES, all_codes, find_code
from xner_spacy.roads.facts import LABELLED, SILVER, all_facts, labelled_relatives

FACTS = ROOT / "xner_spacy" / "roads" / "facts.tsv"
LANGUAGES = [facts.code.iso3 for facts in all_facts().values()]


def rows():
    lines = [line for line in FACTS.read_text(encoding="utf8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def test_every_language_has_facts_and_every_fact_a_language():
    assert [row["iso3"] for row in rows()] == list(CODES)
    assert all(row["family"] for row in rows())


def test_the_head_says_when_they_were_compiled():
    assert re.search(r"Compiled on \d{4}-\d\d-\d\d", FACTS.read_text(encoding="utf8").splitlines()[0])


@pytest.mark.parametrize("column", ["m2m", "masakhaner", "wikiann", "xtreme"])
def test_codes_of_others_are_those_of_the_language(column):
    other_names = {"bho": "bh", "yue": "zh-yue"}  # WikiANN's own
    for row in rows():
        code = row[column]
        if code and other_names.get(row["iso3"]) != code:
            found = find_code(code)
            assert found is not None and found.iso3 == row["iso3"], (column, code)


def test_m2m_is_complete():
    m2m = pytest.importorskip("transformers.models.m2m_100.tokenization_m2m_100").FAIRSEQ_LANGUAGE_CODES["m2m100"]
    assert sorted(row["m2m"] for row in rows() if row["m2m"]) == sorted(m2m)


def test_the_sizes_of_the_lists():
    count = {
        name: sum(1 for row in rows() if row[name]) for name in ("xlmr_gib", "masakhaner", "uner", "xtreme", "pipeline")
    }
    # XLM-R's 93 languages, and Serbo-Croatian, which stands for three of them.
    assert count == {"xlmr_gib": 94, "masakhaner": 20, "uner": 12, "xtreme": 40, "pipeline": 24}


def test_the_published_languages_are_in_their_data_sets():
    """What the seed paper was evaluated on: 18 languages of MasakhaNER 2.0, 39 of XTREME."""
    with (ROOT / "projects/paper/scripts/published.tsv").open(encoding="utf8") as file:
        published = list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))
    names = {"masakhaner": "MasakhaNER 2.0", "xtreme": "XTREME PAN-X"}
    for row in published:
        code = find_code(row["lang"])
        assert code is not None
        assert names[row["data"]] in all_facts()[code.iso3].labelled, row["lang"]
        assert code.flores, "the paper translated all of them with NLLB"


def test_pan_x_is_a_part_of_wikiann():
    for facts in all_facts().values():
        assert "XTREME PAN-X" not in facts.labelled or "WikiANN" in facts.labelled, facts.code.iso3


def test_apertium_pairs_lead_into_english():
    pairs = [facts.apertium for facts in all_facts().values() if facts.apertium]
    assert len(pairs) == 11
    for pair in pairs:
        assert re.fullmatch(r"apertium-[a-z]{2,3}-[a-z]{2,3}", pair.package)
        assert pair.mode.endswith(("-en", "-eng")) and 1 < pair.megabytes < 50
        assert pair.script in {code.script for code in all_codes()}


def test_pipelines_are_named_as_spacy_names_them():
    for facts in all_facts().values():
        name = facts.labelled.get("spaCy pipeline")
        if name:
            assert re.fullmatch(rf"{facts.code.spacy}_core_(news|web)_sm", name)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_relatives_are_labelled_and_come_from_near_to_far(lang):
    facts = all_facts()[lang]
    relatives = labelled_relatives(facts, facts.code.script)
    depths = [len(relative.shared) for relative in relatives]
    assert depths == sorted(depths, reverse=True) and 0 not in depths
    for relative in relatives:
        assert relative.facts.labelled and relative.facts.code.iso3 not in (lang, "eng")
        assert relative.facts.family[: len(relative.shared)] == facts.family[: len(relative.shared)]


def test_the_closest_relatives_come_first():
    def first(lang, script="Latn", n=1):
        return [relative.facts.code.iso3 for relative in labelled_relatives(all_facts()[lang], script)[:n]]

    assert first("zul") == ["xho"]
    assert set(first("isl", n=3)) == {"dan", "nob", "swe"}
    assert first("lug") == ["kin"]
    # A relative of the same script comes before others of the same group.
    assert first("srp", "Latn") == ["hrv"] and first("srp", "Cyrl") == ["mkd"]
    assert labelled_relatives(all_facts()["eus"], "Latn") == []


def test_data_labelled_by_machine_are_known_names():
    assert set(SILVER) < set(LABELLED.values())
