"""Runs one case in a process of its own and says how it ended."""

import contextlib
import faulthandler
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Dict, List, Optional, Tuple

from .mutate import change_file, change_place
from .recipe_scenarios import PROJECT, RECIPE_SCENARIOS
from .scenarios import SCENARIOS, Plan, odd_option, sound_outputs

MEMORY = 2 << 30
WALL = 90  # seconds; the processor time of a plan is what counts, others may be busy here
PASSED = ("right", "refused")
MINE = "mine.txt"
# What the command line says of an error that it does not know.
FAULT = "fault of xner"


@dataclass
class Outcome:
    """How a case ended.

    case: SEED:INDEX. kind: "right", "refused", or what is wrong. key: What groups like failures.
    """

    case: str
    kind: str
    key: str = ""
    argv: List[str] = field(default_factory=list)
    mutations: List[str] = field(default_factory=list)
    detail: str = ""
    seconds: float = 0.0
    scenario: str = ""

    @property
    def passed(self) -> bool:
        return self.kind in PASSED


def run_case(case: str, base: Path, folder: Path, keep: bool = False) -> Outcome:
    """Prepare a case in a folder, run it in a child process, and judge it.

    case (str): SEED:INDEX. RETURNS (Outcome): How it ended.
    """
    rng = Random(case)
    functions, weights = zip(*SCENARIOS, *RECIPE_SCENARIOS)
    scenario = rng.choices(functions, weights)[0]
    plan = scenario(rng)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    whole = plan.base or [*plan.inputs, *plan.allowed]
    apart = [name for name in plan.inputs if not name.startswith(f"{PROJECT}/")]
    for name in dict.fromkeys([*whole, *apart, *_side_files(plan)]):
        _copy(base / name, folder / name)
    (folder / MINE).write_text("mine\n")
    mutations = _mutate(rng, plan, folder)
    before = _snapshot(folder)
    started = time.perf_counter()
    code, out, err, trouble = _run(plan, folder)
    outcome = Outcome(case, "right", argv=plan.argv, mutations=mutations, scenario=scenario.__name__)  # fmt: skip
    outcome.seconds = time.perf_counter() - started
    try:
        outcome.kind, outcome.key = _judge(plan, folder, before, code, out, err, trouble, mutations)
    except Exception as error:  # noqa: BLE001  (a fault of the judge is shown, not hidden)
        outcome.kind, outcome.key = "judge", f"{type(error).__name__}: {error}"
    if not outcome.passed:
        outcome.detail = (trouble + "\n" + err)[-6000:]
        outcome.key = f"{outcome.kind} | {outcome.key}"
    elif keep:
        outcome.detail = err[-6000:] + out[-2000:]
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _side_files(plan: Plan) -> List[str]:
    """Files that a plan names but does not break."""
    known = ("s.txt", "t.txt", "t.iob", "p.iob", "p.spacy", "soft2", "student", "encoder", "store.sqlite", "r.links", "source", "ct2", "nllb")  # fmt: skip
    return [name for name in known if name in plan.argv and name not in plan.outputs]


def _copy(source: Path, place: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True)
    else:
        shutil.copyfile(source, place)


def _mutate(rng: Random, plan: Plan, folder: Path) -> List[str]:
    if rng.random() < 0.04:
        return []
    done = []
    for _ in range(rng.choice((1, 1, 1, 1, 1, 2, 3))):
        kind = rng.random()
        if plan.mistakes and kind < 0.5:
            with contextlib.suppress(OSError):  # a change before this one may have taken the file away
                done.append(rng.choice(plan.mistakes)(rng, folder / PROJECT))
        elif kind < 0.16 and plan.options:
            name = rng.choice(sorted(plan.options))
            value = odd_option(rng, plan.options[name])
            plan.argv += [name, value]
            done.append(f"{name} {value[:40]!r}")
        elif kind < 0.27 and plan.inputs:
            path = folder / rng.choice(plan.inputs)
            inner = _files(path)
            if inner and rng.random() < 0.7:
                path = rng.choice(inner)
            if os.path.lexists(path):
                done.append(f"{path.relative_to(folder)}: {change_place(rng, path, folder)}")
        elif kind < 0.34 and plan.outputs:
            done.append(_change_output(rng, folder / rng.choice(plan.outputs)))
        elif kind < 0.36 and plan.inputs:
            name = rng.choice(plan.inputs)
            odd = rng.choice([b"\xff", "é\u2028".encode(), b"a\nb", b"\x1b[2J", b"--x", b"a b", b"[x]*"])  # fmt: skip
            new = os.fsdecode(odd + Path(name).suffix.encode())
            if name in plan.argv and (folder / name).exists() and "\n" not in name:
                (folder / name).rename(folder / new)
                plan.argv = [new if x == name else x for x in plan.argv]
                plan.outputs = [new if x == name else x for x in plan.outputs]
                plan.check = None
                done.append(f"{name} is called {odd!r}")
        elif plan.inputs:
            path = folder / rng.choice(plan.inputs)
            files = _files(path) if path.is_dir() else [path]
            if files:
                path = rng.choice(files)
                # A file is only changed where it is the case's own.
                if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                    done.append(f"{path.relative_to(folder)}: {change_file(rng, path)}")
    return done


def _files(path: Path) -> List[Path]:
    """RETURNS (List[Path]): The files of a folder that is one, and no link to another."""
    if path.is_symlink() or not path.is_dir():
        return []
    return [p for p in sorted(path.rglob("*")) if p.is_file()]


def _change_output(rng: Random, path: Path) -> str:
    if os.path.lexists(path):
        return f"{path.name}: as it was"
    if not path.parent.is_dir():
        return f"{path.parent.name}: is no folder any more"
    kind = rng.choice(["file", "folder", "full", "link", "dangling", "device"])
    if kind == "file":
        path.write_bytes(b"old\n")
        path.chmod(0o600)
    elif kind in ("folder", "full"):
        path.mkdir()
        if kind == "full":
            for name in ("mine.spacy", "manifest.json", "meta.json", "notes.txt"):
                (path / name).write_text("mine\n")
    elif kind == "link":
        (path.parent / "real").write_bytes(b"old\n")
        path.symlink_to("real")
    elif kind == "dangling":
        path.symlink_to("no/such/place")
    else:
        path.symlink_to("/dev/full")
    return f"{path.name} is there: {kind}"


def _snapshot(folder: Path) -> Dict[str, str]:
    found = {}
    # rglob does not follow links to folders in Python 3.11, and those are what counts here.
    for path in folder.rglob("*"):
        short = str(path.relative_to(folder))
        if path.is_symlink():
            found[short] = f"link {path.readlink()}"
        elif path.is_file():
            found[short] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _run(plan: Plan, folder: Path) -> Tuple[Optional[int], str, str, str]:
    """RETURNS (Tuple): Exit code (None where a signal ended it), output, error output, trouble."""
    logs = [folder.parent / f"{folder.name}.{name}" for name in ("out", "err", "fault", "peak")]
    pid = os.fork()
    if not pid:
        _child(plan, folder, *logs)
    started, trouble = time.monotonic(), ""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() - started > WALL + 4 * plan.seconds:
            os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            trouble = f"hang: more than {WALL} seconds"
            break
        time.sleep(0.004)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # workers that were left behind
    out, err, fault, peak = (p.read_text("utf8", "backslashreplace") if p.exists() else "" for p in logs)  # fmt: skip
    for log in logs:
        log.unlink(missing_ok=True)
    code = os.waitstatus_to_exitcode(status)
    if code < 0 and not trouble:
        name = signal.Signals(-code).name
        frames = _frames(fault)
        kind = "hang" if name == "SIGXCPU" else "crash"
        trouble = f"{kind}: {name} {frames}\n{fault[-3000:]}"
    elif peak and int(peak) > MEMORY >> 10:
        trouble = f"memory: {int(peak) >> 10} MB"
    return (None if code < 0 else code), out, err, trouble


def _child(plan: Plan, folder: Path, out: Path, err: Path, fault: Path, peak: Path) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        files = [os.open(p, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for p in (out, err)]
        os.dup2(os.open(plan.stdin or os.devnull, os.O_RDONLY), 0)
        os.dup2(files[0], 1)
        os.dup2(files[1], 2)
        sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf8")
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf8", errors="backslashreplace", write_through=True)  # fmt: skip
        log = fault.open("w")
        faulthandler.enable(log, all_threads=False)
        faulthandler.register(signal.SIGXCPU, log, all_threads=False, chain=True)
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if not plan.reserves:
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (plan.seconds, plan.seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        from xner_spacy.cli.app import run

        try:
            code = run(plan.argv)
        except BaseException:  # noqa: BLE001  (that it came through is what is reported)
            traceback.print_exc()
            code = 70
        sys.stdout.flush()
        sys.stderr.flush()
        peak.write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start))
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(code if 0 <= code < 256 else 98)


def _frames(text: str) -> str:
    """RETURNS (str): The deepest frame of ours in a traceback (or a fault handler's, which begins with it)."""
    own = re.findall(r'File "[^"]*/xner_spacy/([^"]+)", line (\d+),? in (\S+)', text)
    own = [f for f in own if f[0] != "cli/app.py"] or own
    if not own:
        return ""
    first = own[0] if "most recent call first" in text else own[-1]
    return f"{first[0]}:{first[1]} {first[2]}"


def _judge(plan: Plan, folder: Path, before: Dict[str, str], code: Optional[int], out: str, err: str, trouble: str, mutations: List[str]) -> Tuple[str, str]:  # fmt: skip
    command = " ".join(plan.argv[:1])
    if trouble:
        kind, _, rest = trouble.partition(": ")
        return kind, f"{command}: {rest.splitlines()[0]}"
    if "Traceback (most recent call last)" in err or FAULT in err or code == 70:
        last = [x for x in err.strip().splitlines() if re.match(r"^[\w.]+(Error|Exception|Interrupt|Exit|Warning)?\b:?", x)]  # fmt: skip
        kinds = re.findall(r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Invalid|Abort)[\w]*)", err, re.M)  # fmt: skip
        name = kinds[-1] if kinds else (last[-1][:80] if last else "?")
        return "traceback", f"{name} @ {_frames(err)}"
    if code not in (0, 1, 2):
        return "crash", f"{command}: exit code {code}"
    if "too much memory" in err or "MemoryError" in err or "Cannot allocate memory" in err:
        return "memory", f"{command}: {_short(err)}"
    after = _snapshot(folder)
    parts = [n for n in after if n.endswith(".part") or ".part." in n]
    if parts:
        return "half-written", f"{command}: {re.sub(r'[.][^.]+[.]part', '.*.part', parts[0])}"
    mine = [n for n in before if not _may_change(n, plan, code) and after.get(n) != before[n]]
    if mine:
        what = "changed" if mine[0] in after else "removed"
        return "touched", f"{command}: {_plain(mine[0])} {what}"
    new = [n for n in after if n not in before and not any(_below(n, o) for o in [*plan.outputs, *plan.allowed])]  # fmt: skip
    new = [n for n in new if not n.startswith(("no/such", "nowhere", "real")) and ".real/" not in n and not n.endswith(("-shm", "-wal"))]  # fmt: skip
    if new:
        return "strewn", f"{command}: {_plain(new[0])}"
    if code == 0:
        if not mutations and plan.check is None:
            return "right", ""
        wrong = sound_outputs(folder, plan.outputs) or (plan.check and _checked(plan, folder, err))
        return ("wrong", f"{command}: {_plain(wrong)}") if wrong else ("right", "")
    if not mutations and not plan.is_odd and plan.argv and plan.argv[0] not in ("nope", "bench", "study"):
        return "refused valid", f"{command}: {_short(err)}"
    made = [n for n in after if any(_below(n, o) for o in plan.outputs) and after[n] != before.get(n)]  # fmt: skip
    if made and not plan.resumable:
        return "half-written", f"{command}: {_plain(made[0])}"
    return _clear(plan, folder, code, out, err, command)


def _checked(plan: Plan, folder: Path, err: str) -> Optional[str]:
    assert plan.check is not None
    limited = {"--limit", "--share", "--keep", "--dry-run", "--labels", "--label-map"} & set(plan.argv)
    if limited - {"--dry-run", "--label-map"}:
        return None
    return plan.check(folder, err)


def _clear(plan: Plan, folder: Path, code: int, out: str, err: str, command: str) -> Tuple[str, str]:  # fmt: skip
    """A refusal must say something, and name a file or an option."""
    said = re.sub(r"(?m)^.*(Warning: |warnings\.warn\().*$", "", err)
    if not said.strip():
        return "unclear", f"{command}: no message"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said.replace("\r", "")):
        return "unclear", f"{command}: control characters"
    if len(said) > 8000:
        return "unclear", f"{command}: {len(said)} characters"
    names = [w.partition("=")[2] or w for w in plan.argv] + plan.inputs + plan.outputs
    names = [n for n in names if len(n) > 1] + [p.name for p in folder.rglob("*")]
    shown = [n.encode("utf8", "backslashreplace").decode() for n in names] + [ascii(n)[1:-1] for n in names]  # fmt: skip
    shown += ["".join(c if c.isprintable() else ascii(c)[1:-1] for c in n) for n in names]
    odd = [repr(w) for w in plan.argv] if any(w.startswith("--") for w in plan.argv) else []
    if code == 2 or any(n in said for n in [*names, *shown, *odd]) or re.search(r"--[a-z]", said):
        return "refused", ""
    return "unclear", f"{command}: {_short(said)}"


def _may_change(name: str, plan: Plan, code: int) -> bool:
    if name in plan.allowed or ".real/" in name:  # a folder of ours behind a link
        return True
    if name.startswith(".") and name.endswith(".real"):
        if name[1:-5] in plan.allowed:
            return True
        ours = plan.resumable and name[1:-5] == "manifest.json"  # behind a link in a folder of shards
        return code == 0 and (ours or name[1:-5] in plan.outputs)
    if name == "real":
        return code == 0
    if plan.outputs and plan.resumable and any(_below(name, o) for o in plan.outputs):
        # Shards of ours may be made again; a file of the user's may not be touched.
        return Path(name).name not in ("mine.spacy", "notes.txt", "meta.json") or name.startswith(f"{PROJECT}/")
    return code == 0 and any(_below(name, o) for o in plan.outputs) and Path(name).name not in ("mine.spacy", "notes.txt")  # fmt: skip


def _below(name: str, output: str) -> bool:
    return name == output or name.startswith(output + "/")


def _short(err: str) -> str:
    lines = [x for x in err.strip().splitlines() if x.strip() and "Warning" not in x]
    marked = [x for x in lines if "✘" in x or x.startswith("Error")]
    return _plain((marked or lines or ["?"])[-1])


def _plain(text: str) -> str:
    """A message without what differs between like cases."""
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'", "'..'", text))[:110]


def save(outcome: Outcome, file: Path) -> None:
    file.write_text(json.dumps(asdict(outcome)), encoding="utf8", errors="backslashreplace")
