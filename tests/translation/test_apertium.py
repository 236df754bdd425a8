"""The real engine where it is installed, and an engine of ours that fails in every way."""

import os
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import List

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.translation.apertium import Apertium, clean_marks
from xner_spacy.translation.engine import Engine, EngineError, Mode

MODES = Path("/usr/share/apertium/modes")

# Upper-cases texts. Counts its runs in a file, so that it can fail in the first and not in the
# second.
FAKE = """
import os, sys, time, pathlib
fault, counter = sys.argv[1], pathlib.Path(sys.argv[2])
runs = len(counter.read_bytes()) if counter.exists() else 0
with counter.open("ab") as file:
    file.write(b".")
bad = fault != "none" and (fault.endswith("always") or runs == 0)
buffer, said = b"", 0
while True:
    block = os.read(0, 65536)
    if not block:
        break
    buffer += block
    while b"\\0" in buffer:
        text, buffer = buffer.split(b"\\0", 1)
        if bad and b"seven" in text:
            if fault.startswith("die"):
                sys.stderr.write("it went wrong\\n")
                os._exit(3)
            if fault.startswith("kill"):
                os.kill(os.getpid(), 9)
            if fault.startswith("half"):
                os.write(1, text[:3])
                os._exit(0)
            if fault.startswith("hang"):
                os.write(1, text[:3])
                time.sleep(600)
        os.write(1, text.decode("utf8").upper().encode("utf8") + b"\\0")
"""
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] * 3


@pytest.fixture()
def fake(tmp_path: Path) -> Path:
    """A data folder whose directions fail, each in its own way."""
    program = tmp_path / "fake.py"
    program.write_text(textwrap.dedent(FAKE), encoding="utf8")
    folder = tmp_path / "modes"
    folder.mkdir()
    for fault in ("none", "die", "kill", "half", "hang", "die-always", "hang-always"):
        line = f"'{sys.executable}' '{program}' {fault} '{tmp_path / fault}' | cat -u\n"
        (folder / f"{fault}.mode").write_text(line, encoding="utf8")
    return tmp_path


def translator(fake: Path, mode: str, timeout: float = 30.0) -> Apertium:
    return Apertium(mode, command=sys.executable, data=str(fake), timeout=timeout)


def texts(found: "Apertium", inputs: List[str]) -> List[str]:
    return [t.text or "" for t in found(inputs)]


@pytest.mark.parametrize("fault", ["none", "die", "kill", "half", "hang"])
def test_an_engine_that_fails_once(fake: Path, fault: str) -> None:
    engine = translator(fake, fault, timeout=1.0)
    assert texts(engine, NUMBERS) == [n.upper() for n in NUMBERS]
    # Of those that fail: once at the first seven, in the first process alone.
    assert len((fake / fault).read_bytes()) == (1 if fault == "none" else 2)
    engine.close()


@pytest.mark.parametrize(
    "fault, words",
    [("die-always", "exit code 3.*it went wrong"), ("hang-always", "no answer within 0.5")],
)
def test_an_engine_that_always_fails_is_an_error_that_names_the_text(
    fake: Path, fault: str, words: str
) -> None:
    engine = translator(fake, fault, timeout=0.5)
    with pytest.raises(XnerError, match=f"failed twice on 'seven.*{words}"):
        list(engine(NUMBERS))


def test_the_program_that_failed_is_named_and_not_its_neighbours(tmp_path: Path) -> None:
    """Its reader is gone before its own exit can be seen; its writer dies of a broken pipe."""
    write = "import os, time, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.read(0, 9)"
    programs = {
        "before": f"{write}\nwhile True: os.write(1, b'x' * 9); time.sleep(0.01)",
        "culprit": "import os, time; os.read(0, 9); os.close(0); os.close(1); time.sleep(0.2)\n"
        "os._exit(3)",
    }
    for name, code in programs.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf8")
        (tmp_path / name).write_text(f"#!/bin/sh\nexec '{sys.executable}' '{tmp_path / name}.py'\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "modes").mkdir()
    line = f"'{tmp_path / 'before'}' | '{tmp_path / 'culprit'}' | cat -u\n"
    (tmp_path / "modes" / "row.mode").write_text(line, encoding="utf8")
    engine = Engine(Mode("row", tmp_path), timeout=30.0)
    with pytest.raises(EngineError, match=r"culprit ended \(exit code 3\)"):
        engine.exchange(["one"])
    assert not engine._processes


def test_closing_ends_the_programs(fake: Path) -> None:
    engine = translator(fake, "none")
    assert texts(engine, ["one"]) == ["ONE"]
    processes = list(engine.engine._processes)
    engine.close()
    assert all(p.poll() is not None for p in processes)
    assert texts(engine, ["two"]) == ["TWO"]
    engine.close()


def test_a_kill_in_the_middle_at_any_moment(fake: Path) -> None:
    engine = translator(fake, "none")
    list(engine(["warm"]))
    many = [f"text number {k} with some more words" for k in range(3000)]
    import threading

    for wait in (0.0, 0.001, 0.004, 0.01, 0.02):
        victim = engine.engine._processes[0] if engine.engine._processes else None

        def strike(process=victim, seconds: float = wait) -> None:
            time.sleep(seconds)
            if process is not None:
                process.kill()

        thread = threading.Thread(target=strike)
        thread.start()
        assert texts(engine, many) == [t.upper() for t in many]
        thread.join()
    engine.close()


def test_no_shell(fake: Path, tmp_path: Path) -> None:
    """Neither a text nor a mode file reaches a shell."""
    target = tmp_path / "made"
    engine = translator(fake, "none")
    evil = f"$(touch {target}) `touch {target}` ; touch {target} | touch {target}"
    assert texts(engine, [evil]) == [evil.upper()]
    engine.close()
    (fake / "modes" / "evil.mode").write_text(f"cat ; touch {target}\n", encoding="utf8")
    with pytest.raises(XnerError, match="only a pipe of programs"):
        list(translator(fake, "evil")(["x"]))
    assert not target.exists()


def test_a_mode_is_a_name_and_no_path(fake: Path) -> None:
    with pytest.raises(XnerError, match=r"no direction '\.\./modes/none'; it has: die, die-always"):
        list(translator(fake, "../modes/none")(["x"]))


def test_not_installed() -> None:
    with pytest.raises(
        XnerError, match=r"not installed.*apt-get install apertium apertium-isl-eng"
    ):
        list(Apertium("isl-eng", command="no-such-program")(["x"]))


def test_clean_marks() -> None:
    assert clean_marks("Hulls er *hér", "*Hulls is *hér (#be @go)").text == "Hulls is *hér (be go)"
    assert clean_marks("x", "*Hulls is").unknown == 1


real = pytest.mark.skipif(
    shutil.which("apertium") is None or not (MODES / "spa-eng.mode").exists(),
    reason="needs apertium-eng-spa",
)


@real
def test_real_engine_each_text_on_its_own() -> None:
    engine = Apertium("spa-eng")
    inputs = [
        "El presidente llegó ayer a Madrid.",
        "",
        "  ",
        "Dos\nlíneas\n\ny un\0nulo.",
        "[a] {b} ^c$ /d @e <f> \\g",
        "Vive en Yvon Desjardins-Xyzzy.",
        "... \f ?",
        "x" * 3000,
    ]
    together = list(engine(inputs))
    alone = [next(engine([text])) for text in inputs]
    assert together == alone
    assert together[0].text == "The president arrived yesterday to Madrid."
    assert together[1].text == together[2].text == ""
    assert "[" in together[4].text and "\\" in together[4].text  # type: ignore[operator]
    assert together[5].unknown >= 2
    engine.close()


@real
def test_real_engine_carries_markers() -> None:
    engine = Apertium("spa-eng")
    (found,) = engine(["El <e0>presidente de Norteamérica</e0> llegó a la <e1>casa blanca</e1>."])
    assert found.text == (
        "The <e0>president of North America</e0> arrived to the <e1>white house</e1>."
    )
    engine.close()


@real
def test_identity_is_of_the_data(tmp_path: Path) -> None:
    one = Apertium("spa-eng").identity
    assert one == Apertium("spa-eng").identity
    mode = Mode("spa-eng", MODES.parent)
    assert one["revision"] == mode.revision() and len(one["revision"]) == 16


def test_a_fork_does_not_share_the_engine(fake: Path) -> None:
    engine = Engine(Mode("none", fake), 30.0)
    assert engine.exchange(["a"]) == ["A"]
    child = os.fork()
    if child == 0:
        ok = False
        try:
            ok = engine.exchange(["b"]) == ["B"]
            engine.close()
        finally:
            os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert engine.exchange(["c"]) == ["C"]
    engine.close()
