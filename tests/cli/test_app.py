"""How a command line ends: with one message, whatever happened."""

import errno
import os
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperCommand
from typer.main import get_command

from tests.cli.helpers import xner
from xner_spacy import about
from xner_spacy.cli.app import COMMANDS, app, run

XNER = [str(Path(sysconfig.get_path("scripts"), "xner"))]


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every command line raise."""

    class Raises:
        def main(self, **_: object) -> None:
            raise error

    monkeypatch.setattr(typer.main, "get_command", lambda _: Raises())


def test_version():
    assert xner("--version").out == f"xner-spacy {about.__version__}\n"


def test_the_list_of_commands_says_what_each_says_itself():
    """The list is written without importing the commands."""
    commands: Any = get_command(app)
    for name in COMMANDS:
        command = commands.get_command(None, name)
        assert not command.hidden
        listed = TyperCommand(name, help=COMMANDS[name].text).get_short_help_str(1000)
        assert listed == command.get_short_help_str(1000), name


def test_help_imports_no_command():
    code = "import sys; sys.argv[1:] = ['--help']; from xner_spacy.cli import main\ntry:\n    main()\nfinally:\n"
    code += "    print('loaded', [name for name in sys.modules if name.startswith('xner_spacy.recipe') or 'cli.view' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "annotate" in done.stdout and "loaded []" in done.stdout


def test_a_misspelled_command_is_told_the_right_one():
    result = xner("evalute")
    assert result.code == 2 and "evaluate" in result.err


def test_a_fault_of_ours_is_one_message_that_says_so(monkeypatch, capsys):
    raising(monkeypatch, KeyError("lost"))
    assert run(["convert", "a.iob", "b.spacy"]) == 1
    err = capsys.readouterr().err
    assert "fault of xner (xner convert a.iob b.spacy): KeyError: 'lost'" in err
    assert "XNER_DEBUG=1" in err and "Traceback" not in err


def test_the_traceback_of_a_fault_is_shown_on_request(monkeypatch, capsys):
    raising(monkeypatch, KeyError("lost"))
    monkeypatch.setenv("XNER_DEBUG", "1")
    assert run(["convert"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, parts",
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.iob"), ["x.iob: No space", "Free"]),
        (OSError(errno.EIO, "Input/output error"), ["Input/output error (xner convert a.iob)"]),
        (OSError("odd"), ["odd (xner convert a.iob)"]),
        (MemoryError(), ["not enough memory (xner convert a.iob)"]),
        (KeyboardInterrupt(), ["Interrupted.", "can be run again"]),
    ],
)
def test_errors_of_the_system(monkeypatch, capsys, error, parts):
    raising(monkeypatch, error)
    assert run(["convert", "a.iob"]) == 1
    err = capsys.readouterr().err
    assert all(part in err for part in parts), err
    assert "fault of xner" not in err


def test_no_colours_outside_of_a_terminal(tmp_path: Path):
    (tmp_path / "a.iob").write_text("Ada\tB-PER\n\n")
    for name in ("a.iob", "nope.iob"):
        done = subprocess.run([*XNER, "convert", name, "o.spacy"], cwd=tmp_path, capture_output=True)
        assert b"\x1b" not in done.stderr + done.stdout


def test_nor_in_what_spacy_prints_in_our_process(tmp_path: Path):
    code = "import sys; sys.argv[1:] = ['info']; from xner_spacy.cli import main\ntry:\n    main()\nfinally:\n"
    code += "    from wasabi import msg; msg.fail('spaCy')"
    environment = {name: value for name, value in os.environ.items() if name != "ANSI_COLORS_DISABLED"}
    for added in ({}, {"NO_COLOR": "1"}):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, env={**environment, **added})
        assert b"spaCy" in done.stdout and b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "line, completed", [("xner ass", ["assemble"]), ("xner init-config --la", ["--lang", "--labels"])]
)
def test_completion(line: str, completed: list):
    asked = {"_XNER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run(XNER, capture_output=True, text=True, env={**os.environ, **asked})
    assert sorted(done.stdout.split()) == sorted(completed), done.stderr
    assert "--install-completion" in xner("--help").out


@pytest.mark.parametrize(
    "words, asked",
    [
        ("--help", {}),
        ("--version", {}),
        ("", {"_XNER_COMPLETE": "complete_bash", "COMP_WORDS": "xner ", "COMP_CWORD": "1"}),
    ],
)
def test_help_version_and_completion_do_not_wait_for_spacy(words: str, asked: dict):
    code = f"import sys, xner_command; sys.argv = ['xner', *{words.split()}]\ntry:\n    xner_command.main()\n"
    code += "finally:\n    assert not {'spacy', 'thinc', 'torch', 'confection'} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **asked})
    assert done.returncode == 0, done.stderr
    assert ("xner-spacy" if words == "--version" else "assemble") in done.stdout


def test_only_the_running_command_puts_off_spacy():
    """A process that a command starts imports the file of the command too, and needs all of the package."""
    code = "import xner_command, xner_spacy; from spacy.tokens import Doc; assert Doc.has_extension('xner_source')"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_command_has_the_registries():
    done = subprocess.run([*XNER, "info"], capture_output=True, text=True)
    assert done.returncode == 0 and "xner.Lexical.v1" in done.stdout, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_standard_output():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*XNER, "info"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "No space left" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors by the shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str):
    for words, code in (("info", 0), ("convert nope.iob o.spacy", 1)):
        command = f"{sys.executable} -m xner_spacy {words} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are Linux's")
def test_a_file_name_that_is_no_text(tmp_path: Path):
    name = os.fsdecode(b"\xff.iob")
    done = subprocess.run([*XNER, "convert", name, "o.spacy"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 1
    assert b"\\udcff.iob: no such file." in done.stderr


@pytest.mark.usefixtures("signals_heard")
@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_with_a_message_and_nothing_half_written(tmp_path: Path, number: int):
    # A pipe that nobody writes to: the command waits in the middle of its work.
    os.mkfifo(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("a\n")
    running = subprocess.Popen(
        [*XNER, "align", "a.txt", "b.txt", "-o", "out"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    writer = os.open(tmp_path / "a.txt", os.O_WRONLY)  # opens when the command does
    time.sleep(0.1)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    os.close(writer)
    assert running.returncode == 1
    assert "Interrupted." in err and "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt"]
