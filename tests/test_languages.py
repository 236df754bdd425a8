"""The language table: coverage, the seed paper's exceptions, and errors that say what there is."""

import importlib.util

import pytest
from spacy.lang.en import English

from xner_spacy.errors import XnerError
from xner_spacy.languages import CODES, MASAKHANER, XTREME, blank, find_code, model_code

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
    for field in ("iso1", "flores"):
        values = [getattr(entry, field) for entry in CODES.values() if getattr(entry, field)]
        assert len(values) == len(set(values)), field


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
    with pytest.raises(
        XnerError, match=r"NLLB has no language 'pcm' \(Nigerian Pidgin\).*deu_Latn, eng_Latn"
    ):
        model_code("pcm", ["eng_Latn", "deu_Latn"], "NLLB")


def test_blank() -> None:
    assert isinstance(blank("eng"), English)
    assert blank("luo").lang == "xx"
    with pytest.raises(XnerError, match="Unknown language 'qqq'"):
        blank("qqq")
