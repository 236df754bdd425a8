"""Model folders that are cut short, changed or mixed up: a message that names the model, or a translation, and never
anything else.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from tests.translation.test_neural import make
from xner_spacy.cli.convert_model import convert_model
from xner_spacy.errors import XnerError
from xner_spacy.translation.ct2 import INFO, read_info


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def noise(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[: len(data) // 3 : 2] = bytes(len(data[: len(data) // 3 : 2]))
    file.write_bytes(data)


def list_instead(file: Path) -> None:
    file.write_text("[1, 2]")


def remove(file: Path) -> None:
    file.unlink()


FAULTS = (cut, empty, noise, list_instead, remove)


@pytest.mark.parametrize("name", ["nllb-ct2", "marian-ct2", "nllb", "m2m", "marian"])
@pytest.mark.parametrize("spoil", FAULTS)
def test_each_file_of_a_model(
    models: Dict[str, Path], tmp_path: Path, name: str, spoil: Callable[[Path], None]
) -> None:
    for file in sorted(p.name for p in models[name].iterdir()):
        folder = tmp_path / "model"
        shutil.copytree(models[name], folder)
        spoil(folder / file)
        translator = make({**models, name: folder}, name)
        try:
            assert len(list(translator(["Berlin ."]))) == 1
        except XnerError as error:
            assert "model" in str(error) and "\n" not in error.message, (file, str(error))
        shutil.rmtree(folder)


def test_weights_that_are_missing_are_not_made_up(models: Dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "nllb"
    shutil.copytree(models["nllb"], folder)
    weights = load_file(folder / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "decoder.layers.1" not in name}
    assert 0 < len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(XnerError, match=r"lacks .* of its weights"):
        list(make({**models, "nllb": folder}, "nllb")(["Berlin ."]))
    with pytest.raises(XnerError, match=r"lacks .* of its weights"):
        convert_model(str(folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_converted_model_that_was_changed(models: Dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models["nllb-ct2"], folder)
    cut(folder / "model.bin")
    with pytest.raises(XnerError, match="have changed since conversion"):
        list(make({**models, "nllb-ct2": folder}, "nllb-ct2")(["Berlin ."]))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"family": "other"}, "family"),
        ({"languages": "en"}, "languages"),
        ({"limit": "many"}, "limit"),
        ({"limit": -5}, "limit"),
        ({"sentencepiece": ["a"]}, "sentencepiece"),
        ({"sentencepiece": ["../a", "b"]}, "outside of its folder"),
        ({"sentencepiece": [1, 2]}, "sentencepiece"),
    ],
)
def test_what_the_converter_noted(models: Dict[str, Path], tmp_path: Path, change: Dict[str, Any], said: str) -> None:
    info = json.loads((models["nllb-ct2"] / INFO).read_text())
    (tmp_path / INFO).write_text(json.dumps({**info, **change}))
    with pytest.raises(XnerError, match=f"{INFO}.*{said}"):
        read_info(tmp_path)


def test_a_folder_is_replaced_only_if_it_holds_a_converted_model(models: Dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(XnerError, match="not a folder with a converted model"):
        convert_model(str(models["nllb"]), out, overwrite=True)
    (out / "thesis.txt").unlink()
    convert_model(str(models["nllb"]), out, overwrite=True)
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(XnerError, match=r"holds more than a converted model \(thesis\.txt\)"):
        convert_model(str(models["nllb"]), out, overwrite=True)
    assert (out / "thesis.txt").read_text() == "mine" and (out / "model.bin").exists()
    (out / "thesis.txt").unlink()
    assert convert_model(str(models["m2m"]), out, overwrite=True)["family"] == "m2m"
    # Of a model of another kind nothing stays behind.
    files = convert_model(str(models["marian"]), out, overwrite=True)["files"]
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, INFO])
    # A source folder is never its own output.
    copy = tmp_path / "nllb"
    shutil.copytree(models["nllb"], copy)
    with pytest.raises(XnerError, match="not a folder with a converted model"):
        convert_model(str(copy), copy, overwrite=True)
    assert (copy / "model.safetensors").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["nllb", "out"]


def test_a_device_that_is_none(models: Dict[str, Path]) -> None:
    for device in ("cuda:x", "tpu"):
        with pytest.raises(XnerError, match=device):
            list(make(models, "nllb-ct2", device=device)(["Berlin ."]))
