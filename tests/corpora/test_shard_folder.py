"""A folder of shards: what in it is ours, what is left alone, and that a corpus is there as a whole or not at all."""

import json
import stat
from pathlib import Path
from typing import Any, Iterator, List

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from xner_spacy.corpora.docs import docbin_paths, make_doc, read_docs, write_docbin
from xner_spacy.corpora.made_at_once import write_docbins
from xner_spacy.corpora.shard_folder import in_order, read_manifest, refuse_overlap, shard_name
from xner_spacy.errors import InputError, XnerError

VOCAB = spacy.blank("xx").vocab


def docs(n: int, word: str = "w") -> List[Doc]:
    return [make_doc(VOCAB, [f"{word}{k}"]) for k in range(n)]


def texts(path: Path) -> List[str]:
    return [doc.text for doc in read_docs(path, VOCAB)]


def write(path: Path, some: Any, inputs: Any = (), made_by: str = "xner convert") -> int:
    return write_docbins([(path, some)], made_by=made_by, inputs=inputs, shard_size=3)[0]


def names(folder: Path) -> List[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_a_corpus_leaves(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("x\n")
    assert write(tmp_path / "out", docs(7), [source]) == 7
    assert names(tmp_path / "out") == [
        "00000.spacy",
        "00001.spacy",
        "00002.spacy",
        "manifest.json",
    ]
    assert texts(tmp_path / "out") == [f"w{k}" for k in range(7)]
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    assert manifest["made_by"] == "xner convert"
    assert manifest["totals"] == {"entities": 0, "sentences": 7, "tokens": 7}
    assert manifest["identity"]["versions"]["spacy"] == spacy.__version__
    assert list(manifest["identity"]["inputs"]) == [str(source)]
    # As any new folder and file, not as a temporary one.
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").write_text("")
    for made, plain in (("out", "plain"), ("out/00001.spacy", "plain/file")):
        assert (tmp_path / made).stat().st_mode == (tmp_path / plain).stat().st_mode


def test_a_smaller_corpus_leaves_no_stale_shards(tmp_path: Path) -> None:
    write(tmp_path / "out", docs(10))
    write(tmp_path / "out", docs(2, "new"))
    assert texts(tmp_path / "out") == ["new0", "new1"]
    assert names(tmp_path) == ["out"]
    write(tmp_path / "out", [])
    assert texts(tmp_path / "out") == []


@pytest.mark.parametrize("there", [True, False])
def test_an_error_leaves_what_was_there(tmp_path: Path, there: bool) -> None:
    if there:
        write(tmp_path / "out", docs(4, "old"))

    def broken() -> Iterator[Doc]:
        yield from docs(7)
        raise InputError("is broken.", "in.iob", 501)

    with pytest.raises(InputError, match=r"in\.iob:501"):
        write(tmp_path / "out", broken())
    assert names(tmp_path) == (["out"] if there else [])
    assert not there or texts(tmp_path / "out") == [f"old{k}" for k in range(4)]


def test_of_two_corpora_both_are_there_or_none(tmp_path: Path) -> None:
    write(tmp_path / "one", docs(4, "old"), made_by="xner split")
    (tmp_path / "two.spacy").mkdir()
    pairs = [(tmp_path / "one", docs(2)), (tmp_path / "two.spacy", docs(2))]
    (tmp_path / "two.spacy" / "mine.txt").write_text("mine")
    with pytest.raises(XnerError, match=r"two\.spacy: could not be written \(Is a directory\)"):
        write_docbins(pairs, made_by="xner split", inputs=[])
    assert texts(tmp_path / "one") == [f"old{k}" for k in range(4)]
    assert (tmp_path / "two.spacy" / "mine.txt").read_text() == "mine"
    assert names(tmp_path) == ["one", "two.spacy"]


def test_when_the_second_can_not_be_put_in_place_the_first_comes_back(tmp_path: Path, monkeypatch: Any) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, docs(4, "old"), made_by="xner split")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if Path(target).name == "two" and self.suffix == ".part":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(XnerError, match="two: could not be written"):
        pairs = [(tmp_path / name, docs(2)) for name in ("one", "two")]
        write_docbins(pairs, made_by="xner split", inputs=[])
    monkeypatch.undo()
    for name in ("one", "two"):
        assert texts(tmp_path / name) == [f"old{k}" for k in range(4)]
    assert names(tmp_path) == ["one", "two"]


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_docbin(out / "gold.spacy", docs(1))
    with pytest.raises(XnerError, match=r"no manifest\.json of xner names: gold\.spacy") as caught:
        write(out, docs(2))
    assert "overwrite" not in str(caught.value)
    (out / "gold.spacy").rename(out / "00000.spacy")  # as an older version would have called it
    with pytest.raises(XnerError, match=r"names: 00000\.spacy"):
        write(out, docs(2))
    (out / "00000.spacy").unlink()
    write(out, docs(2))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(XnerError, match=r"holds files that xner did not write: notes\.txt"):
        write(out, docs(3))
    assert (out / "notes.txt").read_text() == "mine"
    assert texts(out) == ["w0", "w1"]


def test_a_manifest_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.json").write_text('{"name": "an app"}')
    with pytest.raises(XnerError, match=r"holds files that xner did not write: manifest\.json"):
        write(out, docs(2))
    assert (out / "manifest.json").read_text() == '{"name": "an app"}'


def test_what_another_command_made_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path / "out", docs(2), made_by="xner select")
    with pytest.raises(XnerError, match="shards that `xner select` made"):
        write(tmp_path / "out", docs(2), made_by="xner convert")
    write(tmp_path / "file", docs(1))
    with pytest.raises(XnerError, match="holds the shards of a corpus"):
        write(tmp_path / "file" / "more.spacy", docs(1))


def test_a_link_to_a_folder_stays_one_and_permissions_stay(tmp_path: Path) -> None:
    write(tmp_path / "real", docs(2, "old"))
    (tmp_path / "real").chmod(0o700)
    (tmp_path / "real" / "00000.spacy").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", docs(4))
    assert (tmp_path / "link").is_symlink()
    assert texts(tmp_path / "real") == ["w0", "w1", "w2", "w3"]
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700
    for name in ("00000.spacy", "00001.spacy"):
        assert stat.S_IMODE((tmp_path / "real" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("how", ["itself", "a link", "a file in it", "linked in", "above it"])
def test_what_is_read_may_not_lie_where_is_written(tmp_path: Path, how: str) -> None:
    data = tmp_path / "data"
    write(data, docs(2))
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "one.spacy").symlink_to("data/00000.spacy")
    source, output = {
        "itself": (data, data),
        "a link": (data, tmp_path / "link"),
        "a file in it": (data / "00000.spacy", data),
        "linked in": (tmp_path / "one.spacy", tmp_path / "link"),
        "above it": (data, tmp_path),
    }[how]
    with pytest.raises(XnerError, match=r"The output folder .* (is also|holds) the input") as caught:
        write(output, read_docs(source, VOCAB), [source])
    assert "overwrite" not in str(caught.value)
    assert texts(data) == ["w0", "w1"]
    refuse_overlap([data], tmp_path / "elsewhere")


def test_an_input_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("a\nb\n")

    def reading() -> Iterator[Doc]:
        yield from docs(2)
        source.write_text("other\n")

    with pytest.raises(InputError, match=r"a\.txt: has changed since the run began"):
        write(tmp_path / "out", reading(), [source])
    assert names(tmp_path) == ["a.txt"]


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (99999, 100000, 3):
        write_docbin(tmp_path / shard_name(number), [make_doc(VOCAB, [str(number)])])
    assert texts(tmp_path) == ["3", "99999", "100000"]


@given(st.lists(st.integers(0, 10**7), unique=True))
def test_numbers_are_numbers(numbers: List[int]) -> None:
    paths = [Path(shard_name(n)) for n in numbers]
    assert in_order(paths) == [Path(shard_name(n)) for n in sorted(numbers)]


@given(st.lists(st.text("a1²০_.", max_size=6), max_size=6))
def test_any_names_have_an_order(found: List[str]) -> None:
    paths = [Path(f"x{name}") for name in found]
    assert in_order(paths) == in_order(reversed(paths))


def test_a_folder_is_read_as_its_manifest_says(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, docs(7))
    (out / "00009.spacy").write_bytes((out / "00000.spacy").read_bytes())
    with pytest.raises(InputError, match=r"manifest.json does not name: 00009\.spacy"):
        docbin_paths(out)
    (out / "00009.spacy").rename(tmp_path / "x.spacy")
    (out / "00001.spacy").rename(tmp_path / "y.spacy")
    with pytest.raises(InputError, match=r"lacks shards .* names: 00001\.spacy"):
        docbin_paths(out)
    (tmp_path / "y.spacy").rename(out / "00001.spacy")
    manifest = json.loads((out / "manifest.json").read_text())
    del manifest["totals"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="holds 3 shards of a run that has not ended"):
        docbin_paths(out)


@pytest.mark.parametrize(
    "shards, words",
    [
        ("x", "does not hold what it should"),
        ({"../../precious.spacy": {}}, "names '../../precious.spacy', which is no shard"),
        ({"gold.spacy": {}}, "names 'gold.spacy', which is no shard"),
        ({"00000.spacy": []}, "does not hold what it should"),
        ({"00000.spacy": {"sentences": "many"}}, "does not hold what it should"),
    ],
)
def test_a_broken_manifest_is_told_of(tmp_path: Path, shards: Any, words: str) -> None:
    write(tmp_path / "out", docs(2))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    text = json.dumps({**manifest, "shards": shards})
    (tmp_path / "out" / "manifest.json").write_text(text)
    for action in (docbin_paths, lambda out: write(out, docs(1))):
        with pytest.raises(InputError, match=words):
            action(tmp_path / "out")


def test_shards_that_a_run_planned_are_ours_however_many(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, docs(7))
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps({**manifest, "planned": 10**15}))
    (out / "00002.spacy").rename(out / "100000.spacy")
    write(out, docs(2))
    assert names(out) == ["00000.spacy", "manifest.json"]
    (out / "0.spacy").touch()
    with pytest.raises(XnerError, match=r"names: 0\.spacy"):
        write(out, docs(2))
