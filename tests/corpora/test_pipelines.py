"""A pipeline that can't be loaded is one message that says why."""

from pathlib import Path

import pytest
import spacy

from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.errors import XnerError


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Ana"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, old: str, new: str) -> None:
    config = folder / "config.cfg"
    text = config.read_text(encoding="utf8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf8")


def refused(folder: Path) -> str:
    with pytest.raises(XnerError) as caught:
        load_pipeline(folder)
    assert "\n" not in caught.value.message
    return str(caught.value)


def test_a_sound_one_is_loaded(folder: Path) -> None:
    assert [e.label_ for e in load_pipeline(folder)("Ana").ents] == ["PER"]


def test_a_factory_that_is_not_installed(folder: Path) -> None:
    edit(folder, 'factory = "entity_ruler"', 'factory = "transformer_of_old"')
    assert "component 'transformer_of_old', which is not installed" in refused(folder)


def test_a_language_that_spacy_lacks(folder: Path) -> None:
    edit(folder, 'lang = "en"', 'lang = "tlh"')
    assert "the language 'tlh', which spaCy does not have" in refused(folder)


def test_a_function_that_is_not_registered(folder: Path) -> None:
    edit(folder, '"spacy.Tokenizer.v1"', '"other.Tokenizer.v9"')
    assert "'other.Tokenizer.v9' (tokenizers), which is not installed" in refused(folder)


def test_a_language_whose_tokenizer_is_not_installed(folder: Path) -> None:
    pytest.importorskip("spacy")
    try:
        spacy.blank("ja")
    except ImportError:
        edit(folder, 'lang = "en"', 'lang = "ja"')
        edit(folder, '"spacy.Tokenizer.v1"', '"spacy.ja.JapaneseTokenizer"')
        assert "needs a package that is not installed" in refused(folder)


def test_a_folder_cut_short(folder: Path) -> None:
    for name in ("tokenizer", "vocab/strings.json", "entity_ruler/patterns.jsonl", "meta.json"):
        file = folder / name
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        if name != "entity_ruler/patterns.jsonl":
            assert "can't be loaded" in refused(folder)
        file.write_bytes(whole)
    (folder / "tokenizer").write_bytes(b"")
    assert "can't be loaded" in refused(folder)


@pytest.mark.parametrize(
    "config",
    ["[nlp]\na = 1\na = 2\n", "[nlp]\n[nlp]\n", "", "\xff", "[nlp]\nlang = 5\n", "[x]\ny = ${z}\n"],
)
def test_a_config_that_does_not_hold(folder: Path, config: str) -> None:
    (folder / "config.cfg").write_bytes(config.encode("latin1"))
    assert refused(folder)


def test_no_pipeline_at_all(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match="neither an installed package nor a folder"):
        load_pipeline(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(XnerError, match=r"has no config\.cfg"):
        load_pipeline(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(XnerError, match=r"has no config\.cfg"):
        load_pipeline(tmp_path / "file")
