"""What a person may hand over by mistake: one clear message with file and line, exit code 1, no traceback, nothing half-written."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.helpers import xner

SOURCE = "Anna\tB-PER\nruns\tO\n\nJon\tB-PER\n\n"


@pytest.fixture()
def files(tmp_path):
    """Good input of every kind; a test breaks one of them."""
    (tmp_path / "s.iob").write_text(SOURCE)
    (tmp_path / "s.txt").write_text("Anna runs\nJon\n")
    (tmp_path / "t.txt").write_text("Anna hleypur\nJón\n")
    (tmp_path / "x.links").write_text("0-0 1-1\n0-0\n")
    return tmp_path


def run_align(f):
    return xner("align", f / "s.txt", f / "t.txt", "-o", f / "out.links")


def run_project(f):
    return xner("project", f / "s.iob", f / "t.txt", "-o", f / "out.iob", "--links", f / "x.links")


def run_evaluate(f):
    return xner("evaluate", f / "s.iob", f / "s.iob", "--json", f / "out.json")


def run_convert(f):
    return xner("convert", f / "s.iob", f / "out.spacy")


def check(result, files, *parts):
    """One message with all parts, on standard error; nothing written."""
    assert result.code == 1, (result.out, result.err)
    for part in parts:
        assert part in result.err
    assert "Traceback" not in result.err and not result.out
    assert not [p for p in files.iterdir() if "out" in p.name or p.suffix == ".part"]


def put(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf8"))


TEXT_FAULTS = [
    ("empty sentence", "Anna hleypur\n\n", 2, "empty sentence"),
    ("empty file", "", None, "is empty"),
    ("invalid UTF-8", b"Anna hleypur\nJ\xf3n\n", 2, "not UTF-8"),
    ("zero-width token", "Anna \u200b hleypur\nJon\n", 1, "zero-width"),
    ("whitespace-only line", "Anna hleypur\n \u00a0 \n", 2, "nothing that can be seen"),
]
IOB_FAULTS = [
    ("I- that opens", "Anna\tI-PER\n\n", 1, "opens an entity"),
    ("one column", "Anna\n\n", 1, "1 column"),
    ("mixed tabs", "Anna\tB-PER\nruns O\n\n", 2, "mixes separators"),
    ("bad tag", "Anna\tPER\n\n", 1, "not an IOB2 tag"),
    ("empty sentence", "Anna\tB-PER\n\n\nJon\tO\n", 3, "empty sentence"),
    ("empty file", "", None, "is empty"),
    ("invalid UTF-8", b"Anna\tB-PER\nr\xfcns\tO\n", 2, "not UTF-8"),
    ("zero-width token", "\u200b\tO\n\n", 1, "nothing that can be seen"),
    ("whitespace-only token", "\u00a0\tO\n\n", 1, "nothing that can be seen"),
]


def place(path, line):
    return f"{path}:{line}:" if line else f"{path}:"


@pytest.mark.parametrize("fault, data, line, message", TEXT_FAULTS, ids=[f[0] for f in TEXT_FAULTS])
@pytest.mark.parametrize("command", [run_align, run_project])
def test_text(files, command, fault, data, line, message):
    if (command, fault) == (run_align, "empty sentence"):
        assert run_align(files).code == 0  # an empty line of links; see test_align_project.py
        return
    put(files / "t.txt", data)
    check(command(files), files, place(files / "t.txt", line), message)


@pytest.mark.parametrize("fault, data, line, message", IOB_FAULTS, ids=[f[0] for f in IOB_FAULTS])
@pytest.mark.parametrize("command", [run_project, run_evaluate, run_convert])
def test_iob(files, command, fault, data, line, message):
    put(files / "s.iob", data)
    check(command(files), files, place(files / "s.iob", line), message)


@pytest.mark.parametrize("command", [run_align, run_project])
def test_a_text_from_windows_is_read_and_told(files, command, caplog):
    plain = command(files)
    assert plain.code == 0, plain.err
    expected = (files / "out.links" if command is run_align else files / "out.iob").read_bytes()
    text = (files / "t.txt").read_bytes()
    put(files / "t.txt", b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    result = command(files)
    assert result.code == 0, result.err
    assert f"{files / 't.txt'}: 2 Windows line ends (CRLF)" in caplog.text
    assert f"{files / 't.txt'}: 1 byte order mark" in caplog.text
    assert (files / "out.links" if command is run_align else files / "out.iob").read_bytes() == expected


def test_unequal_lengths(files):
    put(files / "t.txt", "Anna hleypur\n")
    check(run_align(files), files, f"{files / 's.txt'}:2:", "has 2 lines", "has 1;")
    check(run_project(files), files, f"{files / 's.iob'}:2:", "sentences")


def test_fewer_links_than_sentences(files):
    put(files / "x.links", "0-0\n")
    check(run_project(files), files, f"{files / 'x.links'}:", "after 1 lines")


def test_more_links_than_sentences(files):
    put(files / "x.links", "0-0\n0-0\n0-0\n")
    check(run_project(files), files, f"{files / 'x.links'}:3:")


@pytest.mark.parametrize("links, part", [("0-7", "outside"), ("5-0", "outside"), ("0:1", "'0:1'")])
def test_a_link_out_of_range_or_broken(files, links, part):
    put(files / "x.links", f"0-0 1-1\n{links}\n")
    check(run_project(files), files, f"{files / 'x.links'}:2:", part)


def test_evaluation_of_different_texts(files):
    put(files / "p.iob", "Anna\tB-PER\nwalks\tO\n\nJon\tO\n\n")
    result = xner("evaluate", files / "s.iob", files / "p.iob", "--json", files / "out.json")
    check(result, files, f"{files / 'p.iob'}:1:", "sentence 1 differs")
    put(files / "p.iob", "Anna\tB-PER\nruns\tO\n\n")
    result = xner("evaluate", files / "s.iob", files / "p.iob", "--json", files / "out.json")
    check(result, files, "2 sentences", "has 1")


def test_unknown_label_language_map_and_names(files):
    check(
        xner("convert", files / "s.iob", files / "out.spacy", "--labels", "LOC,ORG"),
        files,
        f"{files / 's.iob'}:1:",
        "unknown label 'PER'",
    )
    check(
        xner("convert", files / "s.iob", files / "out.spacy", "--lang", "klingon"),
        files,
        "Unknown language 'klingon'",
    )
    check(
        xner("convert", files / "s.iob", files / "out.spacy", "--label-map", "conl"),
        files,
        "Unknown label map 'conl'",
        "conll",
    )
    check(
        xner("align", files / "s.txt", files / "t.txt", "-o", files / "out.links", "-a", "giza"),
        files,
        "Unknown name 'giza'",
        "lexical",
    )
    check(
        xner("convert", files / "s.iob", files / "out.xyz"),
        files,
        "no form of corpus is known for the ending '.xyz'",
    )


def test_missing_files_and_models(files):
    check(xner("annotate", files / "no_model", files / "s.txt", files / "outdir"), files, "no_model")
    check(xner("evaluate", files / "none.iob", files / "s.iob"), files, "none.iob", "no such file")
    check(xner("convert", files / "none.iob", files / "out.spacy"), files, "none.iob")
    check(
        xner(
            "project",
            files / "s.iob",
            files / "t.txt",
            "-o",
            files / "out.iob",
            "--links",
            files / "no",
        ),
        files,
        str(files / "no"),
    )
    check(
        xner("align", files / "s.txt", files / "t.txt", "-o", files / "out.links", "--model", files / "s.txt"),
        files,
        "s.txt",
    )  # fmt: skip


def test_annotate_refuses_bad_text(files, source_model):
    put(files / "t.txt", b"Anna\nJ\xf3n\n")
    result = xner("annotate", source_model, files / "t.txt", files / "outdir")
    check(result, files, f"{files / 't.txt'}:2:", "not UTF-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_device(files):
    for result in (
        xner("align", files / "s.txt", files / "t.txt", "-o", "/dev/full"),
        xner("evaluate", files / "s.iob", files / "s.iob", "--json", "/dev/full"),
    ):
        assert result.code == 1 and "No space left" in result.err and "Traceback" not in result.err


def _tmpfs(folder, script):
    """Run a shell script with a small file system mounted on `folder`, or skip where that is not allowed."""
    probe = f"mount -t tmpfs -o size=64k none {folder}"
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare")
    if subprocess.run(["unshare", "-rm", "sh", "-c", probe], capture_output=True).returncode:
        pytest.skip("may not mount a file system of its own")
    return subprocess.run(["unshare", "-rm", "sh", "-c", f"{probe} && {script}"], capture_output=True, text=True)


def test_full_disk_for_real(files):
    full = files / "full"
    full.mkdir()
    (files / "big.iob").write_text("".join(f"word{k}\tO\n\n" for k in range(20000)))
    done = _tmpfs(
        full,
        f"{sys.executable} -m xner_spacy convert {files / 'big.iob'} {full}/out.iob; echo code $?; ls -A {full}",
    )
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == "code 1\n"


@pytest.mark.usefixtures("signals_heard")
def test_ctrl_c(files):
    """An interrupt in the middle of the work: one line, exit code 1, no half-written file."""
    (files / "big.iob").write_text("".join(f"word{k}\tO\n\n" for k in range(400_000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "xner_spacy", "convert", files / "big.iob", files / "out.iob"],
        stderr=subprocess.PIPE,
        text=True,
    )
    # It has begun to write. (Before that it may still be loading modules, and Python itself ends by
    # the signal where that falls into code that is made from a string, as of a named tuple.)
    while not any(file.stat().st_size for file in files.glob(".out*")):
        assert process.poll() is None, "finished before it could be interrupted"
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Interrupted" in err and "Traceback" not in err
    assert not (files / "out.iob").exists() and not list(files.glob(".out*"))
