"""A pipeline that can't be loaded is one message that says why."""

from pathlib import Path

import numpy as np
import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.training import Example

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


def trained(*names: str) -> Language:
    nlp = spacy.blank("en")
    for name in names:
        nlp.add_pipe(name)
    text = {"entities": [(0, 3, "PER")], "tags": ["A", "B"]}
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Ana sings"), text)])
    return nlp


@pytest.mark.parametrize("component", ["xner_student", "ner", "tagger"])
@pytest.mark.parametrize("key", ["E", "W", "b", "G"])
@pytest.mark.parametrize("damage", ["scalar", "half", "missing"])
def test_weights_that_do_not_fit(component: str, key: str, damage: str, tmp_path: Path) -> None:
    trained(component).to_disk(tmp_path)
    load_pipeline(tmp_path)
    file = tmp_path / component / "model"
    message = srsly.msgpack_loads(file.read_bytes())
    weights = next(weights for weights in message["params"] if key in weights)
    whole = weights[key]
    weights[key] = {"scalar": np.float32(1), "half": whole[: len(whole) // 2], "missing": None}[damage]
    file.write_bytes(srsly.msgpack_dumps(message))
    said = refused(tmp_path)
    assert str(tmp_path) in said
    assert f"component {component!r} do not fit together" in said
    assert f"has no {key}" in said if damage == "missing" else f"{key} of a layer" in said


def test_what_is_not_trained_yet_is_loaded(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("xner_student")
    nlp.to_disk(tmp_path)
    assert load_pipeline(tmp_path).pipe_names == ["xner_student"]
