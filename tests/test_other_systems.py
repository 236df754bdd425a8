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


def python(code: str, *arguments: object) -> str:
    done = subprocess.run([sys.executable, "-c", BLOCKED + code, *map(str, arguments)], capture_output=True, text=True)
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
