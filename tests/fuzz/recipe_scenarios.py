"""Command lines over a small project of `xner new`: its steps, on inputs and on results of earlier steps that are broken.

Beside what is broken everywhere (bytes, lines, what stands in a file's place), a project's folders get what people put
into them by mistake: text of another language or script, a bitext of other lengths, labels that nobody knows, names with
odd letters, CRLF and BOM.
"""

import shutil
from pathlib import Path
from random import Random
from typing import Any, Callable, Dict, List, Tuple

from .scenarios import Plan, docs

PROJECT = "proj"
STEPS = ("inputs", "english", "teacher", "labels", "evaluate", "page")
# What each step reads, below the project; and what it may make or change.
READS: Dict[str, List[str]] = {
    "inputs": ["text", "bitext", "gold", "corrected", "sources", "english", "corpus"],
    "english": ["corpus/inputs.json", "english"],
    "teacher": ["corpus", "training/fast/english.json", "english", "training/fast/times.json"],
    "transfer": ["corpus/inputs.json", "labelled/fast/projected"],
    "labels": ["labelled/fast/projected", "corpus/corrected.spacy", "corpus/inputs.json"],
    "evaluate": ["corpus/gold.spacy", "corpus/inputs.json", "training/fast/student", "training/fast/teacher"],
    "package": ["card.yml", "training/fast/student", "metrics/fast", "training/fast/teacher"],
    "page": ["corpus/inputs.json", "metrics/fast", "labelled/fast/projected", "training/fast/english.json"],
}
MAKES: Dict[str, List[str]] = {
    "inputs": ["corpus", "training/fast/times.json"],
    "english": ["training/fast/english.json", "training/fast/times.json"],
    "teacher": ["training/fast", "labelled/fast", "corpus/translated"],
    "transfer": ["labelled/fast", "training/fast/times.json"],
    "labels": ["labelled/fast", "training/fast"],
    "evaluate": ["labelled/fast", "metrics/fast", "training/fast/times.json"],
    "package": ["packages", "training/fast/meta.json", "training/fast/times.json"],
    "page": ["page.html", "training/fast/times.json"],
}
# These make several things one after the other; whatever is there is whole.
RESUMABLE = ("teacher", "evaluate", "package")
SETTINGS = ["--project", PROJECT, "--lang", "is", "--quality", "fast", "-w", "1"]


def project_folder(folder: Path) -> None:
    """A project whose steps have all run, with a list of names as its English pipeline and as its student."""
    from tests.cli.helpers import xner

    def call(*arguments: Any) -> None:
        result = xner(*arguments)
        assert result.code == 0, (arguments, result.err)

    call("new", "is", PROJECT)
    root = folder / PROJECT
    for source, place in (
        ("raw.txt", "text/a.txt"),
        ("t.iob", "text/more/b.iob"),
        ("s.txt", "bitext/en.txt"),
        ("t.txt", "bitext/is.txt"),
        ("p.iob", "gold/test.iob"),
        ("c.conll", "sources/nob/train.conll"),
        ("es.iob", "sources/nob/dev.iob"),
        ("s.txt", "sources/nob/x.en"),
        ("s.txt", "sources/nob/x.nob"),
    ):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / source, root / place)
    (root / "corrected/c.iob").write_text("Halla\tB-PER\nkom\tO\n\n", encoding="utf8")
    shutil.copytree(folder / "source", root / "english/names")
    shutil.copytree(folder / "light", root / "training/fast/student/model-best")
    for step in STEPS:
        call("recipe", step, *SETTINGS)


def recipe_step(rng: Random) -> Plan:
    """One step. What it reads is broken by `run`, or by a mistake of a person."""
    step = rng.choices(sorted(READS), [8 if step == "inputs" else 0.3 if step == "package" else 2 for step in sorted(READS)])[0]  # fmt: skip
    settings = list(SETTINGS)
    if step == "inputs" and rng.random() < 0.3:
        settings += ["--broken", "skip"]
    plan = Plan(["recipe", step, *settings], _below(READS[step]), _below(MAKES[step]), step in RESUMABLE)
    plan.base = [PROJECT]
    plan.options = {"--lang": "lang", "--translator": "text", "--seed": "int", "--workers": "few", "--quality": "text", "--broken": "text"}  # fmt: skip
    plan.seconds = 60 if step == "package" else 30
    if step == "inputs":
        plan.mistakes = MISTAKES
        plan.check = _text_is_there
    return plan


def recipe_data(rng: Random) -> Plan:
    """Data sets that lie in a folder; nothing is fetched."""
    argv = ["recipe", "data", "--project", PROJECT]
    plan = Plan(argv, _below(["corpus/inputs.json"]), _below(["assets"]), options={"--shared": "text"})
    plan.base = [PROJECT]
    if rng.random() < 0.7:
        plan.argv += ["study", "--shared", "."]
        plan.inputs.append("study")
    return plan


def new(rng: Random) -> Plan:
    lang = rng.choice(["is", "yo", "zho_Hant", "srp", "en", "eng_Latn", "xx", "klingon", "", "../x", "İs", "yo\n"])
    place = rng.choice(["out", "out/deep", "mine.txt", "out ä\u2028", PROJECT])
    plan = Plan(["new", lang, place], [], [place.split("/")[0]], options={"--name": "text"})
    plan.is_odd = lang not in ("is", "yo", "zho_Hant", "srp") or not place.startswith("out")
    if place == PROJECT:
        plan.base, plan.outputs = [PROJECT], []
    elif place == "mine.txt":
        plan.outputs = []
    return plan


def plan_roads(rng: Random) -> Plan:
    lang = rng.choice(["is", "lug", "zho_Hans", "en", "yo"])
    plan = Plan(["plan", lang, "--models", "ct2"], ["ct2"], options={"--models": "text"})
    if rng.random() < 0.4:
        plan.argv += ["--json", "out.json"]
        plan.outputs = ["out.json"]
    return plan


def assemble(rng: Random) -> Plan:
    argv = ["assemble", "teacher.cfg", "out", "--paths.source_model", "source"]
    argv += ["--paths.source_text", "s.txt", "--paths.target_text", "t.txt"]
    plan = Plan(argv, ["teacher.cfg", "s.txt", "t.txt", "source"], ["out"], seconds=60)
    if rng.random() < 0.4:
        plan.is_odd = True
        name = rng.choice(["components.xner_projector.projector.solver", "components.xner_aligner.aligner.hmm_rounds", "nlp.lang", "nlp.pipeline", "components.x", "paths.source_model", "initialize.components"])  # fmt: skip
        argv += [f"--{name}", rng.choice(["null", "-1", "[]", '"x"', "1e999", "{", "x", '["x"]', '{"a":1}'])]
    return plan


def _below(names: List[str]) -> List[str]:
    return [f"{PROJECT}/{name}" for name in names]


def _text_is_there(folder: Path, err: str) -> str:
    return "" if docs(folder / PROJECT / "corpus/text.spacy") else "no sentence in corpus/text.spacy"


# --- what people do by mistake: each changes one file of the project, and gives what it did ---


def _write(path: Path, text: str, encoding: str = "utf8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def other_language(rng: Random, root: Path) -> str:
    _write(root / "text/a.txt", "The man of the house was in the garden with his dog.\n" * 30)
    return "English text"


def other_script(rng: Random, root: Path) -> str:
    _write(root / "text/a.txt", rng.choice(["ሰላም ለዓለም ሁሉ ይሁን።\n", "Всё это было давно.\n", "今天天气很好。\n"]) * 30)
    return "another script"


def shorter_bitext(rng: Random, root: Path) -> str:
    path = root / rng.choice(["bitext/en.txt", "bitext/is.txt", "sources/nob/x.en"])
    lines = path.read_text(encoding="utf8").splitlines()
    _write(path, "\n".join(lines[: rng.randrange(len(lines))]))
    return f"{path.name} is shorter"


def unknown_labels(rng: Random, root: Path) -> str:
    path = root / rng.choice(["gold/test.iob", "corrected/c.iob", "sources/nob/dev.iob"])
    path.write_bytes(path.read_bytes().replace(b"-PER", rng.choice([b"-ANIMAL", b"-", b"-\x1b[2J", "-Ö".encode(), b"-DATE"])))  # fmt: skip
    return f"{path.name} has other labels"


def crlf_and_bom(rng: Random, root: Path) -> str:
    path = rng.choice(sorted(path for path in root.glob("*/**/*") if path.suffix in (".txt", ".iob") and "corpus" not in path.parts))  # fmt: skip
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    return f"{path.name} has CRLF and a BOM"


def odd_name(rng: Random, root: Path) -> str:
    place = rng.choice(["text", "gold", "bitext", "sources", "english", "corrected"])
    name = rng.choice(
        ["é e\u0301.txt", "\u202ex.iob", "a b.txt", "-x.txt", "[x]*.iob", "x.TXT", "x.docx", "x", "nul.txt"]
    )
    _write(root / place / name, "Ada kom hingað í gær.\n")
    return f"{place}/{name} is there"


def a_file_for_a_folder(rng: Random, root: Path) -> str:
    name = rng.choice(["text", "bitext", "gold", "corrected", "sources", "sources/nob"])
    shutil.rmtree(root / name)
    _write(root / name, "Ada kom hingað.\n")
    return f"{name} is a file"


def nothing_left(rng: Random, root: Path) -> str:
    for name in ("text", "bitext")[: rng.choice((1, 2))]:
        shutil.rmtree(root / name)
    return "no text"


def empty_token(rng: Random, root: Path) -> str:
    path = root / rng.choice(["gold/test.iob", "sources/nob/dev.iob", "text/more/b.iob", "corrected/c.iob"])
    path.write_bytes(path.read_bytes() + rng.choice([b"\n\tO\n", b"\nx\n", b"\nx\tZ-PER\n", b"\nx\tB-\n", b"\n \tO\n"]))
    return f"{path.name} has a broken line"


MISTAKES: List[Callable[[Random, Path], str]] = [
    other_language, other_script, shorter_bitext, unknown_labels, crlf_and_bom, odd_name, a_file_for_a_folder, nothing_left, empty_token,
]  # fmt: skip

# (scenario, weight)
RECIPE_SCENARIOS: List[Tuple[Callable[[Random], Plan], float]] = [
    (recipe_step, 18), (recipe_data, 1), (new, 3), (plan_roads, 1.5), (assemble, 5),
]  # fmt: skip
