"""`xner plan`: every language has a plan, and what is no language has one message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.helpers import xner
from xner_spacy.cli.plan import plan, render
from xner_spacy.errors import XnerError
from xner_spacy.languages import CODES, all_codes, find_code
from xner_spacy.roads import translators
from xner_spacy.translation.ct2 import INFO

EVERY = [code.flores or f"{code.iso3}_{code.script}" for code in all_codes()]
NO_MODELS = {"models": "no-such-folder"}


@pytest.mark.parametrize("lang", EVERY)
def test_every_language_has_a_plan(lang):
    found = plan(lang, **NO_MODELS)
    assert json.loads(json.dumps(found)) == found
    assert found["advice"] and found["language"]["iso3"] in CODES
    assert (found["expected"] is None) == (found["language"]["iso3"] == "eng")
    if found["expected"]:
        assert 0.5 < found["expected"]["sureness"] < 1
    assert (found["road"] is None) == (not any(road["ready"] for road in found["roads"]))
    ready = [road["ready"] for road in found["roads"]]
    assert ready == sorted(ready, reverse=True)
    assert all(road["ready"] or road["install"] or road["notes"] for road in found["roads"])
    assert found["language"]["name"] in render(found)


@pytest.mark.parametrize("lang", ["yo", "yor", "yor_Latn", "yo-Latn"])
def test_all_codes_of_a_language_give_one_plan(lang):
    assert plan(lang, **NO_MODELS) == plan("yor", **NO_MODELS)


@given(st.text(max_size=12))
def test_what_is_no_language_gives_one_message(lang):
    if find_code(lang) is None:
        with pytest.raises(XnerError) as caught:
            plan(lang)
        assert caught.value.message.count("\n") == 0 and caught.value.hint
    else:
        assert plan(lang, **NO_MODELS)["language"]["iso3"]


def test_a_wrong_name_is_refused_with_near_ones():
    done = xner("plan", "Icelandc")
    assert done.code == 1 and not done.out and "isl (Icelandic)" in done.err
    done = xner("plan", "xx")
    assert done.code == 1 and "any language" in done.err


def test_the_command_prints_and_writes(tmp_path):
    file = tmp_path / "plan.json"
    done = xner("plan", "zul", "--models", tmp_path, "--json", file)
    assert done.code == 0, done.err
    assert "Zulu (zul, zu): Niger-Congo" in done.out and "projection, 80% sure" in done.out
    assert json.loads(file.read_text(encoding="utf8")) == plan("zul", models=tmp_path)
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


def converted(folder, family, languages, model):
    """Leave the description that `xner convert-model` writes."""
    folder.mkdir()
    info = {
        "family": family,
        "languages": languages,
        "limit": 510,
        "sentencepiece": ["a.model", "a.model"],
        "model": model,
    }
    rest = {"revision": "0", "quantization": "int8", "files": [], "checksum": "0"}
    (folder / INFO).write_text(json.dumps({**info, **rest}), encoding="utf8")


def test_a_converted_model_is_ready_under_any_name(tmp_path, monkeypatch):
    monkeypatch.setattr(translators, "find_spec", lambda name: object())
    before = plan("ewe", models=tmp_path)
    assert before["road"] is None and before["roads"][0]["install"][-1].startswith("xner convert-model facebook/nllb")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / INFO).write_text("{", encoding="utf8")
    converted(tmp_path / "other", "nllb", ["eng_Latn", "fra_Latn"], "facebook/nllb-200-3.3B")
    assert plan("ewe", models=tmp_path) == before
    folder = tmp_path / "mine"
    converted(folder, "nllb", ["eng_Latn", "ewe_Latn"], "facebook/nllb-200-3.3B")
    after = plan("ewe", models=tmp_path)
    assert after["road"] == "ctranslate2" and after["roads"][0]["ready"] and not after["roads"][0]["install"]
    assert after["roads"][0]["settings"] == {"model": folder.as_posix(), "source_lang": "ewe_Latn", "target_lang": "en"}
    assert "can translate with xner.CTranslate2.v1" in " ".join(after["advice"])


def test_an_opus_model_is_ready_for_its_own_language_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(translators, "find_spec", lambda name: object())
    converted(tmp_path / "opus", "marian", [], "Helsinki-NLP/opus-mt-ee-en")
    assert plan("ewe", models=tmp_path)["roads"][0]["settings"]["model"] == (tmp_path / "opus").as_posix()
    assert plan("xho", models=tmp_path)["road"] is None


def test_packages_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(translators, "find_spec", lambda name: None)
    [first, *_] = plan("ewe", **NO_MODELS)["roads"]
    assert first["install"][0] == "pip install 'xner-spacy[ctranslate2,transformers]'" and not first["ready"]


def test_apertium_is_ready_where_its_pair_is_installed(monkeypatch):
    def apertium(lang):
        return next(road for road in plan(lang, **NO_MODELS)["roads"] if road["road"] == "apertium")

    monkeypatch.setattr(translators, "find_program", lambda *names, **settings: "/usr/bin/apertium")
    monkeypatch.setattr(translators, "installed_directions", lambda program: ["isl-eng", "hbs-eng"])
    assert apertium("is")["ready"] and plan("is", **NO_MODELS)["road"] == "apertium"
    assert apertium("is")["settings"] == {"mode": "isl-eng"}
    assert not apertium("eu")["ready"] and apertium("eu")["install"] == ["apt-get install apertium apertium-eu-en"]
    # The pair reads Latin script alone.
    assert apertium("srp_Latn")["ready"] and not apertium("sr")["ready"]
    assert "srp_Latn" in " ".join(apertium("sr")["notes"])


def test_without_the_program_nothing_of_apertium_is_ready(monkeypatch):
    def missing(*names, **settings):
        raise XnerError("not installed")

    monkeypatch.setattr(translators, "find_program", missing)
    assert not any(road["ready"] for road in plan("is", **NO_MODELS)["roads"])


def test_a_language_without_a_translator_says_so():
    found = plan("pcm", **NO_MODELS)
    assert not [road for road in found["roads"] if road["install"]] and found["road"] is None
    assert found["bitext"] == {"mafand": "en", "trains": True}
    assert "MAFAND" in found["advice"][1] and "No translator is known" in found["advice"][-1]


def test_own_labels_come_first():
    assert "labels for the language itself (Universal NER" in plan("da", **NO_MODELS)["advice"][0]
    assert "labels" not in plan("is", **NO_MODELS)["advice"][0]


def test_a_script_that_nllb_lacks_is_named():
    [first, *_] = plan("srp_Latn", **NO_MODELS)["roads"][-3:]
    neural = next(road for road in plan("srp_Latn", **NO_MODELS)["roads"] if road["knows"].get("kind") == "NLLB-200")
    assert neural["knows"]["code"] == "srp_Cyrl" and "Cyrl, not Latn" in neural["notes"][0]
    assert first["part"]


def test_a_tokenizer_for_scripts_without_spaces_is_named():
    tokenizer = plan("mya", **NO_MODELS)["tokenizer"]
    assert tokenizer["tokenizer"] == "xner.Syllables.v1" and "written without spaces" in tokenizer["note"]
