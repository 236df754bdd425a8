import stat
from pathlib import Path

import pytest

from xner_spacy.corpora.writing import (
    atomic_write,
    folder_written_aside,
    inside,
    put_in_place,
    write_aside,
    write_together,
    written_together,
)
from xner_spacy.errors import XnerError


def test_permissions_of_a_replaced_file_stay(tmp_path):
    path = tmp_path / "secret.iob"
    path.write_text("old")
    path.chmod(0o600)
    with atomic_write(path) as file:
        file.write("new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "new"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path, there):
    real, link = tmp_path / "real.iob", tmp_path / "link.iob"
    if there:
        real.write_text("old")
    link.symlink_to("real.iob")
    with atomic_write(link) as file:
        file.write("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.iob", "real.iob"]


def test_files_written_together_are_all_there_or_none(tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("old")
    second.mkdir()
    with (
        pytest.raises(XnerError, match=r"b\.txt: could not be written"),
        write_together([first, second]),
    ):
        pass
    assert first.read_text() == "old"
    second.rmdir()
    with write_together([first, second]) as (one, two):
        one.write("1")
        two.write("2")
    assert (first.read_text(), second.read_text()) == ("1", "2")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_two_outputs_can_not_have_one_place(tmp_path):
    (tmp_path / "link").symlink_to("a.txt")
    with (
        pytest.raises(XnerError, match="two outputs would be written there"),
        write_together([tmp_path / "a.txt", tmp_path / "link"]),
    ):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["link"]
    with write_together(["/dev/null", "/dev/null"]) as files:
        for file in files:
            file.write("x")


def test_what_lies_aside_is_put_in_its_place_later(tmp_path):
    aside = write_aside(tmp_path / "a.bin", b"new")
    assert [p.name for p in tmp_path.iterdir()] == [aside.name] and aside.name.endswith(".part")
    put_in_place(aside, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_when_the_second_can_not_be_put_in_place_the_first_comes_back(tmp_path, monkeypatch):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("old")
    replace = Path.replace

    def fail_on_second(self, target):
        if Path(target).name == "b.txt":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail_on_second)
    with pytest.raises(XnerError, match="No space left"), write_together([first, second]) as files:
        for file in files:
            file.write("new")
    monkeypatch.undo()
    assert first.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\\b", "a\0b"])
def test_a_name_from_data_stays_in_its_folder(tmp_path, name):
    with pytest.raises(XnerError, match="can't be the name of a file"):
        inside(tmp_path, name)
    assert inside(tmp_path, "sw.svg") == tmp_path / "sw.svg"


def test_what_a_block_writes_is_put_in_place_together(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(XnerError, match="Is a directory"), written_together():
        with atomic_write(tmp_path / "a.txt") as file:
            file.write("new")
        with atomic_write("/dev/null") as file:
            file.write("x")
        with atomic_write(tmp_path):
            pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"
    with written_together():
        for name in ("a.txt", "b.txt", "/dev/null"):
            with atomic_write(tmp_path / name) as file:
                file.write("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert [(tmp_path / name).read_text() for name in ("a.txt", "b.txt")] == ["new", "new"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]
    with atomic_write(tmp_path / "c.txt") as file:
        file.write("at once again")
    assert (tmp_path / "c.txt").exists()


def test_a_folder_that_others_write_is_there_as_a_whole(tmp_path):
    place, link = tmp_path / "model", tmp_path / "link"
    with folder_written_aside(place) as folder:
        (folder / "ner").mkdir()
        (folder / "ner" / "model").write_text("old")
        (folder / "config.cfg").write_text("same")
        assert not place.exists()
    (place / "README.md").write_text("mine")
    (place / "ner" / "model").chmod(0o600)
    link.symlink_to("model")
    before = (place / "config.cfg").stat().st_mtime_ns
    with pytest.raises(XnerError, match="No space left"), folder_written_aside(link) as folder:
        (folder / "ner").mkdir()
        (folder / "ner" / "model").write_text("ne")
        raise OSError(28, "No space left on device")
    assert (place / "ner" / "model").read_text() == "old"
    with folder_written_aside(link) as folder:
        (folder / "ner").mkdir()
        (folder / "ner" / "model").write_text("new")
        (folder / "config.cfg").write_text("same")
    assert (place / "ner" / "model").read_text() == "new"
    assert stat.S_IMODE((place / "ner" / "model").stat().st_mode) == 0o600
    assert (place / "README.md").read_text() == "mine"
    # What is the same is not written again.
    assert (place / "config.cfg").stat().st_mtime_ns == before
    assert link.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "model"]


def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    (tmp_path / "00000.spacy").mkdir()
    with pytest.raises(XnerError, match=r"00000\.spacy: is in the way and is no file"):
        write_aside(tmp_path / "00000.spacy", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["00000.spacy"]
