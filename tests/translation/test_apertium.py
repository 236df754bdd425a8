"""The real engine where it is installed, and an engine of ours that fails in every way."""

import os
import re
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import List

import pytest
import spacy

from xner_spacy.corpora.pipelines import load_pipeline
from xner_spacy.errors import XnerError
from xner_spacy.translation.apertium import Apertium, clean_marks
from xner_spacy.translation.engine import Engine, EngineError, Mode
from xner_spacy.translation.faults import FAILED
from xner_spacy.types import Translation

MODES = Path("/usr/share/apertium/modes")

# Stands in for lt-proc: upper-cases texts. Counts its runs in a file, so that it can fail in the first and not in the
# second.
FAKE = """
import os, sys, time, pathlib
counter = pathlib.Path(sys.argv[-1])
fault = counter.name
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
        if fault == "hopeless" and runs > 0:
            os._exit(4)
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


def write_program(folder: Path, name: str, code: str) -> None:
    """A program that runs Python code."""
    (folder / f"{name}.py").write_text(code, encoding="utf8")
    file = folder / name
    file.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{folder / name}.py' \"$@\"\n")
    file.chmod(0o755)


COPY = "import os\nwhile block := os.read(0, 65536): os.write(1, block)\n"


@pytest.fixture()
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose directions fail, each in its own way, named by the user's own setting."""
    programs = tmp_path / "bin"
    programs.mkdir()
    write_program(programs, "lt-proc", textwrap.dedent(FAKE))
    write_program(programs, "cg-proc", COPY)
    write_program(programs, "apertium", "")
    for name in ("apertium-wblank-attach", "apertium-wblank-detach"):
        write_program(programs, name, COPY)
    folder = tmp_path / "modes"
    folder.mkdir()
    for fault in ("none", "die", "kill", "half", "hang", "die-always", "hang-always", "hopeless"):
        line = f"lt-proc '{tmp_path / fault}' | cg-proc\n"
        (folder / f"{fault}.mode").write_text(line, encoding="utf8")
    monkeypatch.setenv("XNER_APERTIUM", str(programs / "apertium"))
    monkeypatch.setenv("APERTIUM_DATADIR", str(tmp_path))
    return tmp_path


def translator(fake: Path, mode: str, timeout: float = 30.0) -> Apertium:
    return Apertium(mode, timeout=timeout)


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
    [("die-always", "exit code 3.*it went wrong"), ("hang-always", r"no answer within 0\.5")],
)
def test_a_text_on_which_the_engine_always_fails_is_a_fault_of_that_text(
    fake: Path, fault: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = translator(fake, fault, timeout=0.5)
    found = list(engine(NUMBERS))
    for text, translation in zip(NUMBERS, found, strict=True):
        wanted = Translation(None, fault=FAILED) if text == "seven" else Translation(text.upper())
        assert translation == wanted
    assert re.search(f"failed twice on 'seven': .*{words}", caplog.text)
    engine.close()


def test_an_engine_that_fails_on_one_text_after_the_other_is_an_error(fake: Path) -> None:
    engine = translator(fake, "hopeless")
    assert texts(engine, ["one"]) == ["ONE"]
    engine.close()
    with pytest.raises(XnerError, match=r"failed on 3 texts in a row.*exit code 4"):
        list(engine(NUMBERS))


def test_the_program_that_failed_is_named_and_not_its_neighbours(tmp_path: Path) -> None:
    """Its reader is gone before its own exit can be seen; its writer dies of a broken pipe."""
    write = "import os, time, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.read(0, 9)"
    programs = {
        "lt-proc": f"{write}\nwhile True: os.write(1, b'x' * 9); time.sleep(0.01)",
        "lrx-proc": "import os, time; os.read(0, 9); os.close(0); os.close(1); time.sleep(0.2)\nos._exit(3)",
        "cg-proc": COPY,
    }
    for name, code in programs.items():
        write_program(tmp_path, name, code)
    (tmp_path / "modes").mkdir()
    (tmp_path / "modes" / "row.mode").write_text("lt-proc | lrx-proc | cg-proc\n")
    engine = Engine(Mode("row", tmp_path, str(tmp_path / "apertium")), timeout=30.0)
    with pytest.raises(EngineError, match=r"lrx-proc ended \(exit code 3\)"):
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
    (fake / "modes" / "evil.mode").write_text(f"lt-proc ; touch {target}\n", encoding="utf8")
    with pytest.raises(XnerError, match="only a pipe of programs"):
        list(translator(fake, "evil")(["x"]))
    assert not target.exists()


@pytest.mark.parametrize(
    "line, message",
    [
        ("sh -c 'id > PWNED; cat'", "would run 'sh', which is not one of Apertium's programs"),
        ("lt-proc {data}/x | /bin/cat", "would run 'cat'"),
        ("python3 {data}/x.py", "would run 'python3'"),
        ("lt-proc /etc/passwd", "names '/etc/passwd', which is not in Apertium's data folder"),
        ("lt-proc {data}/../x", "which is not in Apertium's data folder"),
        ("lt-proc --weights=/etc/passwd {data}/x", "names '--weights=/etc/passwd'"),
        ("lt-proc x.bin", "names 'x.bin'"),
        ("lt-proc {data}/x |", "is not a pipe of programs"),
        ("", "is not a pipe of programs"),
        ("lt-proc '", "is not a pipe of programs that can be read"),
    ],
)
def test_a_mode_file_runs_apertiums_programs_on_its_data_alone(fake: Path, line: str, message: str) -> None:
    (fake / "modes" / "evil.mode").write_text(line.format(data=fake) + "\n", encoding="utf8")
    with pytest.raises(XnerError, match=re.escape(message)):
        list(translator(fake, "evil")(["x"]))


def test_a_program_is_not_taken_from_where_a_mode_file_says(fake: Path, tmp_path: Path) -> None:
    """A folder with a program of a known name is no way round."""
    (tmp_path / "model").mkdir()
    write_program(tmp_path / "model", "lt-proc", "raise SystemExit('mine')")
    line = f"'{tmp_path / 'model' / 'lt-proc'}' '{fake / 'none'}' | cg-proc\n"
    (fake / "modes" / "none.mode").write_text(line, encoding="utf8")
    engine = translator(fake, "none")
    assert texts(engine, ["one"]) == ["ONE"]
    engine.close()


@pytest.mark.parametrize("command", ["sh", "/bin/sh", "model/apertium", "apertium-tagger", ""])
def test_a_config_names_apertium_and_no_other_program(command: str) -> None:
    with pytest.raises(XnerError, match=r"may name only apertium.*XNER_APERTIUM"):
        Apertium("isl-eng", command=command)


def test_a_config_does_not_name_the_data() -> None:
    with pytest.raises(XnerError, match="APERTIUM_DATADIR"):
        Apertium("isl-eng", data="model/xner_translator")


def test_a_pipeline_folder_of_data_files_runs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `command = "sh"` and a mode file in the folder did."""
    monkeypatch.chdir(tmp_path)
    nlp = spacy.blank("xx")
    part = {"@xner_translators": "xner.Apertium.v1", "mode": "isl-eng"}
    nlp.add_pipe("xner_translator", config={"translator": part})
    nlp.to_disk("model")
    modes = tmp_path / "model" / "xner_translator" / "modes"
    modes.mkdir(parents=True)
    (modes / "isl-eng.mode").write_text("sh -c 'id > PWNED; cat'\n")
    config = Path("model/config.cfg")
    text = config.read_text().replace('command = "apertium"', 'command = "sh"')
    config.write_text(text.replace("data = null", 'data = "model/xner_translator"'))
    assert 'command = "sh"' in text
    with pytest.raises(XnerError, match="can't be told to run 'sh'"):
        list(load_pipeline("model").pipe(["Anna"]))
    assert not Path("PWNED").exists()


def test_a_mode_is_a_name_and_no_path(fake: Path) -> None:
    with pytest.raises(XnerError, match=r"no direction '\.\./modes/none'; it has: die, die-always"):
        list(translator(fake, "../modes/none")(["x"]))


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xner_spacy.programs.find_installed", lambda name: None)
    with pytest.raises(XnerError, match=r"not installed.*apt-get install apertium apertium-isl-eng"):
        list(Apertium("isl-eng")(["x"]))


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
    assert found.text == ("The <e0>president of North America</e0> arrived to the <e1>white house</e1>.")
    engine.close()


@real
def test_identity_is_of_the_data(tmp_path: Path) -> None:
    one = Apertium("spa-eng").identity
    assert one == Apertium("spa-eng").identity
    mode = Mode("spa-eng", MODES.parent)
    assert one["revision"] == mode.revision() and len(one["revision"]) == 16


def test_a_fork_does_not_share_the_engine(fake: Path) -> None:
    engine = Engine(Mode("none", fake, str(fake / "bin" / "apertium")), 30.0)
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
