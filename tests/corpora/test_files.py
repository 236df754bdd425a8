import gzip
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xner_spacy.corpora import files
from xner_spacy.corpora.files import (
    MARK,
    WINDOWS,
    read_lines,
    require_file,
    require_same_length,
)
from xner_spacy.corpora.formats.lines import read_sentences
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.errors import InputError, XnerError
from xner_spacy.text import is_blank_token


def test_atomic_write_leaves_nothing_on_an_error(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as file:
        file.write("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_atomic_write_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b" / "out.txt"
    for text in ("one", "two"):
        with atomic_write(path) as file:
            file.write(text)
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_device_is_written_to_directly():
    with atomic_write("/dev/null") as file:
        file.write("x")
    assert Path("/dev/null").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_a_clear_error():
    with pytest.raises(XnerError, match="No space left"), atomic_write("/dev/full") as file:
        file.write("x" * 100_000)


def test_a_full_disk_leaves_nothing(tmp_path):
    # A limit on the size of files stands in for a full disk: the write itself fails.
    code = (
        "import resource, signal, sys\n"
        "from xner_spacy.corpora.writing import atomic_write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with atomic_write(sys.argv[1]) as file:\n"
        "        file.write('x' * 100000)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out.txt")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not be written" in done.stdout
    assert not list(tmp_path.iterdir())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_blank_tokens():
    assert all(is_blank_token(t) for t in ("", " ", "\t", "\u200b", "\u00a0\u200d", "\ufeff", "\u200b \u200b\n\u200b"))
    assert not any(is_blank_token(t) for t in ("a", ".", "می\u200cخواهم"))


@pytest.mark.parametrize(
    "data, line, message",
    [
        (b"a b\n\nc\n", 2, "empty sentence"),
        (b"a b\n \n", 2, "empty sentence"),
        ("a \u200b b\n".encode(), 1, "zero-width"),
        (b"", None, "is empty"),
        (b"a\n\0\n", 2, "zero byte"),
        (b"a\n\xc3\n", 2, "not UTF-8"),
    ],
)
def test_sentences(tmp_path, data, line, message):
    path = tmp_path / "x.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as info:
        read_sentences(path)
    assert info.value.line == line


def test_missing_and_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_lines(tmp_path / "none"))
    with pytest.raises(InputError, match="is a folder"):
        list(read_lines(tmp_path))


def test_the_first_line_without_a_partner_is_named():
    with pytest.raises(InputError, match="a has 2 lines and b has 4") as info:
        require_same_length("a", 2, "b", 4)
    assert (info.value.path, info.value.line) == ("b", 3)
    require_same_length("a", 2, "b", 2)


class Standard:
    """Stands for standard input."""

    def __init__(self, data):
        self.buffer = io.BufferedReader(io.BytesIO(data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input_is_read_once(monkeypatch, pack):
    monkeypatch.setattr(sys, "stdin", Standard(pack(b"\xef\xbb\xbfa b\r\nc\n")))
    counts = Counter()
    assert list(read_lines("-", counts)) == [(1, "a b"), (2, "c")]
    assert counts == {MARK: 1, WINDOWS: 1}
    with pytest.raises(InputError, match="only once"):
        list(read_lines("-"))


def test_what_is_odd_is_told_once(tmp_path, caplog):
    path = tmp_path / "x"
    path.write_bytes(b"a\r\nb\r\nc\n")
    for _ in range(3):
        assert [line for _, line in read_lines(path)] == ["a", "b", "c"]
    assert caplog.text.count("2 Windows line ends") == 1
    path.write_bytes(b"a\rb\n")  # a line end of old Macs is none
    assert list(read_lines(path)) == [(1, "a\rb")]


def test_a_line_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_LINE", 100)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"b" * 100_000))
    with pytest.raises(InputError, match="is longer than") as info:
        list(read_lines(path))
    assert info.value.line == 2


def test_pipes_are_refused_where_a_file_is_read_again(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in ("-", pipe):
        with pytest.raises(InputError, match="is a pipe, and it is read twice"):
            require_file(path, "it is read twice")
    require_file(tmp_path / "none", "")
    require_file(tmp_path, "")


@settings(deadline=None)
@given(
    st.lists(st.text(st.sampled_from("aé\r\x85\u2028 \t")), max_size=6), st.booleans(), st.sampled_from([1, 3, 2**20])
)
def test_lines_are_the_same_however_much_is_read_at_a_time(lines, ends, size):
    text = "\n".join(lines) + "\n" * ends
    expected = text.split("\n")
    if not expected[-1]:
        expected.pop()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_BLOCK", size)
        path = Path(folder) / "x"
        path.write_bytes(text.encode())
        read = list(read_lines(path, Counter()))
    assert read == [(number, line.removesuffix("\r")) for number, line in enumerate(expected, 1)]
