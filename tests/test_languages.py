"""The language table: coverage, the seed paper's exceptions, and errors that say what there is."""

import importlib.util

import pytest
from spacy.lang.en import English
from spacy.util import get_lang_class

from xner_spacy.errors import XnerError
from xner_spacy.languages import (
    CODES,
    all_codes,
    blank,
    blank_vocab,
    choose_tokenizer,
    describe_language,
    find_code,
    model_code,
)

# Data sets by the languages that the seed paper evaluates on.
XTREME = (
    *("af", "ar", "bg", "bn", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu"),
    *("id", "it", "ja", "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw"),
    *("ta", "te", "th", "tl", "tr", "ur", "vi", "yo", "zh"),
)
MASAKHANER = (
    *("bam", "bbj", "ewe", "fon", "hau", "ibo", "kin", "lug", "luo", "mos"),
    *("nya", "pcm", "sna", "swa", "tsn", "twi", "wol", "xho", "yor", "zul"),
)

NLLB = {entry.flores for entry in CODES.values() if entry.flores}


def test_covers_the_data_sets() -> None:
    assert len(XTREME) == 39 and len(MASAKHANER) == 20
    for code in (*XTREME, *MASAKHANER):
        assert find_code(code) is not None, code
    assert [code for code in MASAKHANER if not CODES[code].flores] == ["bbj", "pcm"]


@pytest.mark.parametrize(
    "code, flores",
    [("sw", "swh_Latn"), ("swa", "swh_Latn"), ("ms", "zsm_Latn"), ("fa", "pes_Arab"), ("ar", "arb_Arab"), ("et", "est_Latn"), ("zh", "zho_Hans"), ("bam", "bam_Latn"), ("twi", "twi_Latn"), ("yo", "yor_Latn")],
)  # fmt: skip
def test_seed_exceptions(code: str, flores: str) -> None:
    assert model_code(code, NLLB, "NLLB") == flores
    assert find_code(flores) == find_code(code)


def test_codes_are_unique() -> None:
    for entries, field in ((CODES.values(), "iso1"), (all_codes(), "flores")):
        values = [getattr(entry, field) for entry in entries if getattr(entry, field)]
        assert len(values) == len(set(values)), field


def test_covers_nllb_and_m2m() -> None:
    """Every code of the models leads to an entry, and the entry back to the same code."""
    nllb = pytest.importorskip("transformers.models.nllb.tokenization_nllb").FAIRSEQ_LANGUAGE_CODES
    assert len(nllb) == 202
    for code in nllb:
        entry = find_code(code)
        assert entry is not None and entry.flores == code and entry.script == code[4:], code
        assert model_code(code, nllb, "NLLB") == code
        assert find_code(entry.iso3) is not None
    m2m = pytest.importorskip("transformers.models.m2m_100.tokenization_m2m_100").FAIRSEQ_LANGUAGE_CODES["m2m100"]
    assert [code for code in m2m if model_code(code, m2m, "M2M") != code or not find_code(code)] == []


@pytest.mark.parametrize(
    "code, flores, m2m",
    [("km", "khm_Khmr", "km"), ("lo", "lao_Laoo", "lo"), ("uz", "uzn_Latn", "uz"), ("ps", "pbt_Arab", "ps"), ("quy", "quy_Latn", None), ("zho_Hant", "zho_Hant", "zh"), ("zh-TW", "zho_Hant", "zh"), ("zh", "zho_Hans", "zh"), ("nso", "nso_Latn", "ns"), ("mg", "plt_Latn", "mg"), ("mon", "khk_Cyrl", "mn"), ("sat", "sat_Beng", None), ("pt-BR", "por_Latn", "pt")],
)  # fmt: skip
def test_models_names(code: str, flores: str, m2m: str) -> None:
    known = pytest.importorskip("transformers.models.nllb.tokenization_nllb").FAIRSEQ_LANGUAGE_CODES
    assert model_code(code, known, "NLLB") == flores
    if m2m:
        assert model_code(code, ["ns", "km", "lo", "uz", "ps", "zh", "mg", "mn", "pt"], "M2M") == m2m


def test_a_script_is_part_of_the_code() -> None:
    traditional = find_code("zho_Hant")
    assert traditional is not None
    assert (traditional.iso3, traditional.iso1, traditional.spacy) == ("zho", "zh", "zh")
    assert traditional.script == "Hant" and find_code("zho").script == "Hans"  # type: ignore[union-attr]
    latin = find_code("srp_Latn")
    assert latin is not None and latin.script == "Latn" and latin.flores == ""
    assert find_code("../zho") is None and find_code("zho_../x") is None and find_code("") is None


def test_spacy_codes_exist() -> None:
    for entry in CODES.values():
        assert entry.spacy == "xx" or importlib.util.find_spec(f"spacy.lang.{entry.spacy}"), entry
    for code in (entry.iso1 for entry in CODES.values() if entry.spacy == "xx" and entry.iso1):
        assert importlib.util.find_spec(f"spacy.lang.{code}") is None, code


def test_model_code_of_m2m_and_of_the_model_itself() -> None:
    assert model_code("swa", ["sw", "en"], "M2M") == "sw"
    assert model_code("deu_Latn", ["deu_Latn"], "NLLB") == "deu_Latn"
    assert model_code("srp", ["srp_Latn"], "some model") == "srp_Latn"


def test_missing_language_lists_what_there_is() -> None:
    with pytest.raises(XnerError, match=r"NLLB has no language 'pcm' \(Nigerian Pidgin\).*deu_Latn, eng_Latn"):
        model_code("pcm", ["eng_Latn", "deu_Latn"], "NLLB")


def test_blank() -> None:
    assert isinstance(blank("eng"), English)
    assert blank("luo").lang == "xx"
    with pytest.raises(XnerError, match="Unknown language 'qqq'"):
        blank("qqq")
    with pytest.raises(XnerError, match="Unknown language 'qqq'"):
        blank_vocab("qqq")


@pytest.mark.parametrize(
    "name, near",
    [("Icelandic", r"isl \(Icelandic\)"), ("burmes", r"mya \(Burmese\)"), ("quechua", r"quy \(")],
)
def test_an_unknown_language_is_refused_with_near_names(name: str, near: str) -> None:
    with pytest.raises(XnerError, match=f"Unknown language '{name}'.*Did you mean .*{near}"):
        choose_tokenizer(name)


@pytest.mark.parametrize("lang", ["zh", "ja", "th", "ko", "vi"])
def test_spacys_own_tokenizer_goes_with_the_language(lang: str) -> None:
    """Read from spaCy, so that a language that gets one there has it here."""
    choice = choose_tokenizer(lang)
    wanted = get_lang_class(lang).default_config["nlp"]["tokenizer"]
    assert choice.lang == lang and choice.tokenizer == wanted
    assert choice.tokenizer["@tokenizers"] != "spacy.Tokenizer.v1"


@pytest.mark.parametrize("lang, package", [("ja", "udachi"), ("th", "yTha"), ("ko", "mecab"), ("vi", "yvi")])  # fmt: skip
def test_a_missing_package_is_named(lang: str, package: str) -> None:
    choice = choose_tokenizer(lang)
    if not choice.note:
        pytest.skip("the package is installed")
    assert package in choice.note
    with pytest.raises(XnerError, match=f"needs a package that is not installed.*{package}"):
        blank(lang)
    # Tokens that are given need none.
    assert blank_vocab(lang).lang == lang


@pytest.mark.parametrize("lang, spacys", [("my", "xx"), ("km", "xx"), ("lo", "xx"), ("bo", "bo"), ("dzo", "xx"), ("yue", "xx"), ("shn", "xx")])  # fmt: skip
def test_a_script_without_spaces_never_stays_one_token(lang: str, spacys: str) -> None:
    choice = choose_tokenizer(lang)
    assert choice.lang == spacys and "written without spaces" in choice.note
    with pytest.warns(UserWarning):
        nlp = blank(lang)
    assert nlp.lang == spacys
    assert len(nlp("ရန်ကုန်ភ្នំພາສາབོད་ཡིག北京")) > 6


@pytest.mark.parametrize(
    "code, said",
    [
        ("is", "Icelandic (isl_Latn): spaCy has a class for it, 'is', with its rules for words."),
        (
            "twi",
            "Twi (twi_Latn): spaCy has no class for it, so its code is 'xx' (any language), with the general tokenizer",
        ),
        ("my", "the tokenizer xner.Syllables.v1, which splits into syllables or characters."),
        ("xx", "xx: it stands for any language, with the general tokenizer"),
        ("zh", "with tokenizer spacy.zh.ChineseTokenizer for words."),
    ],
)
def test_what_became_of_a_language_is_said_in_one_line(code: str, said: str) -> None:
    assert said in describe_language(code) and "\n" not in describe_language(code)
