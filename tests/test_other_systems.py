"""Nothing that only Linux has is needed to import the package, or on the main road from text to labelled text."""

import subprocess
import sys
from pathlib import Path

# Run in a process of its own: the modules of the package get no module that Windows lacks, and `os` and `signal` without
# what it lacks there. Other packages are left alone: they have code for each system.
BLOCKED = """
import builtins, importlib, os, pkgutil, signal, sys, types

MISSING_MODULES = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "posix", "syslog", "spwd", "crypt", "nis"}
MISSING_NAMES = {
    "os": {"fork", "killpg", "getuid", "geteuid", "getpgid", "setsid", "mkfifo", "sched_getaffinity", "sysconf", "wait",
           "uname", "getloadavg", "nice", "chown", "chroot", "O_NONBLOCK", "WNOHANG"},
    "signal": {"SIGKILL", "SIGHUP", "SIGALRM", "SIGPIPE", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGQUIT", "alarm", "setitimer",
               "pthread_sigmask", "sigwait", "pause"},
}
imported, proxies = builtins.__import__, {}

def limited(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if level == 0 and importer.split(".")[0] == "xner_spacy":
        if name in MISSING_MODULES:
            raise ModuleNotFoundError(f"{importer} imports {name}", name=name)
        if name in MISSING_NAMES:
            if name not in proxies:
                proxies[name] = types.ModuleType(name)
                real = importlib.import_module(name)
                proxies[name].__dict__.update({k: v for k, v in vars(real).items() if k not in MISSING_NAMES[name]})
            return proxies[name]
    return imported(name, globals, locals, fromlist, level)

builtins.__import__ = limited
"""
EVERY_MODULE = """
import xner_spacy
names = [module.name for module in pkgutil.walk_packages(xner_spacy.__path__, "xner_spacy.")]
optional = set()
for name in names:
    if name.rpartition(".")[2] == "__main__":
        continue
    try:
        importlib.import_module(name)
    except ImportError as error:
        if error.name in MISSING_MODULES or (error.name or "xner_spacy").startswith("xner_spacy"):
            raise
        optional.add(error.name)
print(len(names), sorted(optional))
"""
MAIN_ROAD = """
from xner_spacy.cli.app import run
folder = sys.argv[1]
os.chdir(folder)
for line in (
    "init-config teacher teacher.cfg --lang is",
    "assemble teacher.cfg teacher --paths.source_model source_model --paths.source_text en.txt --paths.target_text is.txt",
    "annotate teacher is.txt labelled",
    "split labelled --train train.spacy --dev dev.spacy",
    "init-config student student.cfg --lang is",
    "convert labelled out.iob --missing skip",
    "evaluate labelled labelled --samples 10",
):
    assert run(line.split()) == 0, line
"""


RECIPE_ROAD = """
import pathlib, shutil, warnings
warnings.filterwarnings("error", category=EncodingWarning, module="xner_spacy")

def no_links(*_, **__):
    raise OSError(22, "A required privilege is not held by the client")

pathlib.Path.symlink_to = no_links
from xner_spacy.cli.app import run
folder = pathlib.Path(sys.argv[1])
os.chdir(folder)
assert run(["new", "is", "ours"]) == 0
ours = folder / "ours"
for source, place in (("en.txt", "bitext/en.txt"), ("is.txt", "bitext/is.txt"), ("is.txt", "text/a.txt")):
    shutil.copyfile(source, ours / place)
shutil.copytree("source_model", ours / "english" / "names")
shutil.copytree("source_model", ours / "training" / "fast" / "student" / "model-best")
shutil.copyfile("gold.iob", ours / "gold" / "test.iob")
for step in ("inputs", "english", "teacher", "transfer", "labels", "evaluate", "page"):
    line = f"recipe {step} --project ours --lang is --quality fast -w 1"
    assert run(line.split()) == 0, line
(folder / "shared" / "btc").mkdir(parents=True)
(folder / "shared" / "btc" / "a.conll").write_text("x", encoding="utf8")
assert run("recipe data btc --project ours --shared shared".split()) == 0
assert (ours / "assets" / "downloads" / "btc" / "a.conll").read_bytes() == b"x"
"""


def python(code: str, *arguments: object) -> str:
    command = [sys.executable, "-X", "warn_default_encoding", "-c", BLOCKED + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_module_can_be_imported() -> None:
    count, _, optional = python(EVERY_MODULE).partition(" ")
    assert int(count) > 150
    assert "fcntl" not in optional


def test_the_block_blocks() -> None:
    code = "exec('import fcntl', {'__name__': 'xner_spacy.mine'})"
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True)
    assert "xner_spacy.mine imports fcntl" in done.stderr
    code = "exec('import signal; signal.SIGKILL', {'__name__': 'xner_spacy.mine'})"
    done = subprocess.run([sys.executable, "-c", BLOCKED + code], capture_output=True, text=True)
    assert "has no attribute 'SIGKILL'" in done.stderr


def test_the_main_road(tmp_path: Path, bitext, source_model) -> None:
    assert {path.parent for path in (*bitext, source_model)} == {tmp_path}
    assert "| all" in python(MAIN_ROAD, tmp_path)


def test_the_road_of_a_project(tmp_path: Path, bitext, source_model) -> None:
    """Also without links between folders, and without UTF-8 as the encoding of files that name none."""
    assert {path.parent for path in (*bitext, source_model)} == {tmp_path}
    first = bitext[1].read_text(encoding="utf8").splitlines()[0].split()
    rows = [f"{word}\t{'B-PER' if number == 0 else 'O'}" for number, word in enumerate(first)]
    (tmp_path / "gold.iob").write_text("\n".join(rows) + "\n", encoding="utf8")
    assert "student" in python(RECIPE_ROAD, tmp_path)
