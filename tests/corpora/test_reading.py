from typing import Dict, List

import pytest

from xner_spacy.corpora.reading import parse_json, parse_msgpack, read_config, read_json, read_yaml
from xner_spacy.errors import InputError


def test_decimals_are_read_as_they_stand():
    for k in range(0, 100_000, 7):
        text = f"{k / 100_000:.5f}"
        assert parse_json(text, "x.json") == float(text)


@pytest.mark.parametrize(
    "text, said",
    [
        ("{", "is not JSON"),
        ('"\\ud800"', "half of a surrogate"),
        ('{"\\udfff": 1}', "half of a surrogate"),
        ("[" * 100_000, "nested too deep"),
        ("NaN", "NaN is no JSON number"),
        ("[1,]", "is not JSON"),
    ],
)
def test_broken_json_is_named(text, said):
    with pytest.raises(InputError, match=said) as caught:
        parse_json(text, "x.json", 7)
    assert str(caught.value).startswith("x.json:7: ")


def test_a_whole_surrogate_pair_is_text():
    assert parse_json('"\\ud83d\\ude00"', "x.json") == "😀"


def test_the_shape_of_a_file_is_checked(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"a": 1, "b": "2"}')
    assert read_json(path) == {"a": 1, "b": "2"}
    with pytest.raises(InputError, match=r"x\.json: does not hold what it should \(b: "):
        read_json(path, Dict[str, int])
    for missing in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InputError):
            read_json(missing)


def test_broken_msgpack_is_named():
    with pytest.raises(InputError, match="p: is not a trained part that can be read"):
        parse_msgpack(b"\xdf\xff\xff\xff\xff", "p", "a trained part")
    with pytest.raises(InputError, match="p: does not hold"):
        parse_msgpack(b"\x01", "p", "a trained part", List[int])


@pytest.mark.parametrize("text", [b"[a]\nx = 1\nx = 2\n", b"[a\n", b"[a]\nx = \xff\n", b"[a.b]\nc = 1\n"])
def test_broken_configs_are_named(tmp_path, text):
    path = tmp_path / "x.cfg"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"x\.cfg: is not a config"):
        read_config(path)


def test_a_config_with_half_of_a_surrogate_pair_is_named(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_text('[a]\nx = "\\ud800"\n', encoding="utf8")
    with pytest.raises(InputError, match=r"x\.cfg: holds half of a surrogate pair"):
        read_config(path)
    path.write_text('[a]\nx = "\\ud83d\\ude00"\n', encoding="utf8")
    assert read_config(path)["a"]["x"] == "\U0001f600"


def test_yaml_that_refers_to_itself_is_refused(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text("a: &a [1, 2]\nb:\n  - *a\n")
    with pytest.raises(InputError, match=r"x\.yml:3: refers to another place of the file \(\*a\)"):
        read_yaml(path)
    path.write_text("a: [1, 2]\n")
    assert read_yaml(path) == {"a": [1, 2]}
    path.write_text("a: *nope\n")
    with pytest.raises(InputError):
        read_yaml(path)
