"""Names and paths that come from data never lead out of their folder."""

import json
from pathlib import Path

import pytest

from tests.corpora.annotate_helpers import make_teacher, sentences, shard_bytes
from xner_spacy.corpora.annotate import annotate
from xner_spacy.errors import XnerError


def test_links_and_names_in_an_output_folder_are_not_followed(tmp_path: Path) -> None:
    teacher, text = make_teacher(tmp_path), tmp_path / "text.txt"
    text.write_text("\n".join(sentences(20)) + "\n", encoding="utf8")
    manifest = annotate(teacher, text, tmp_path / "whole", shard_size=10)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    out = tmp_path / "out"
    out.mkdir()
    for name in ("00000.spacy", "manifest.json"):
        (out / name).symlink_to(victim)
    # No manifest of ours names them, so they are the user's.
    for overwrite in (False, True):
        with pytest.raises(XnerError, match=r"manifest\.json: is not JSON"):
            annotate(teacher, text, out, shard_size=10, overwrite=overwrite)
        assert all((out / name).is_symlink() for name in ("00000.spacy", "manifest.json"))
    for name in ("00000.spacy", "manifest.json"):
        (out / name).unlink()
    annotate(teacher, text, out, shard_size=10)
    assert shard_bytes(out) == shard_bytes(tmp_path / "whole")
    # A journal that speaks of files elsewhere, and a shard that was made a link meanwhile.
    entry = manifest["shards"]["00000.spacy"]
    (out / ".journal.jsonl").write_text(json.dumps(["../victim", entry]) + "\n")
    (out / "00001.spacy").unlink()
    (out / "00001.spacy").symlink_to(victim)
    again = annotate(teacher, text, out, shard_size=10)
    assert list(again["shards"]) == ["00000.spacy", "00001.spacy"]
    assert shard_bytes(out) == shard_bytes(tmp_path / "whole")
    assert not (out / "00001.spacy").is_symlink()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["../secret.model", "/etc/passwd", "a/../../x", "..", ""])
def test_a_converted_model_names_files_of_its_own_folder_alone(tmp_path: Path, name: str) -> None:
    from xner_spacy.translation.ct2 import read_info

    info = {"family": "nllb", "languages": [], "limit": 10, "sentencepiece": [name, "x.model"]}
    (tmp_path / "xner.json").write_text(json.dumps(info))
    with pytest.raises(XnerError, match="names a file outside of its folder"):
        read_info(tmp_path)
