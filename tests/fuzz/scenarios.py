"""Command lines over the base files: which files they read and write, and what must come out of them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Callable, Dict, List, Optional, Tuple

import spacy
from spacy.tokens import DocBin

from .base import COPIES, SENTENCES
from .mutate import ODD_TOKENS

# What a check is given: the folder and what was printed. It gives what is wrong, or None.
Check = Callable[[Path, str], Optional[str]]


@dataclass
class Plan:
    """One command line.

    argv: Its words. inputs: Base files and folders that it reads (they are what is broken).
    outputs: What it may make or change. resumable: Shards that are whole may stay after an error.
    options: Numeric and other options that may be given odd values, with a kind each.
    check: What to look at where it ended well. seconds: Longest processor time.
    is_odd: The command line itself asks for something odd.
    base: What is copied, where inputs are parts of it. mistakes: What people may have done to the project, instead.
    reserves: Address space is reserved beyond what is used (the engine that draws charts), so that use alone is measured.
    """

    argv: List[str]
    inputs: List[str]
    outputs: List[str] = field(default_factory=list)
    resumable: bool = False
    options: Dict[str, str] = field(default_factory=dict)
    check: Optional[Check] = None
    allowed: List[str] = field(default_factory=list)
    seconds: int = 20
    stdin: Optional[str] = None
    base: List[str] = field(default_factory=list)
    is_odd: bool = False
    mistakes: List[Callable[[Random, Path], str]] = field(default_factory=list)
    reserves: bool = False


# --- counting, without the package's own readers ---


def counted(err: str) -> int:
    """RETURNS (int): The sum of all that was counted: lines such as "  dropped MISC: 3"."""
    return sum(int(n.replace(",", "")) for n in re.findall(r"^  .+: ([\d,]+)\s*$", err, re.M))


def text_lines(path: Path) -> int:
    data = path.read_bytes()
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def blocks(path: Path) -> int:
    """RETURNS (int): Sentences of a column file, comments and document starts aside."""
    found, inside = 0, False
    for line in path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        blank = not line.strip()
        if not blank and not inside and not line.startswith((b"# ", b"-DOCSTART-")):
            found, inside = found + 1, True
        inside = inside and not blank
    return found


def openings(path: Path, column: int = -1) -> int:
    """RETURNS (int): Tags that begin an entity."""
    found = 0
    for line in path.read_bytes().split(b"\n"):
        cells = re.split(rb"[\t ]", line.rstrip(b"\r"))
        found += len(cells) > max(column, 1) and cells[column].startswith(b"B-")
    return found


def docs(path: Path) -> List[spacy.tokens.Doc]:
    """RETURNS (List[Doc]): Docs of a file or folder."""
    vocab = spacy.blank("xx").vocab
    files = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
    files = [f for f in files if f.name != "mine.spacy"]
    return [d for f in files for d in DocBin().from_bytes(f.read_bytes()).get_docs(vocab)]


def sentences(path: Path) -> int:
    if path.is_dir() or path.suffix == ".spacy":
        return len(docs(path))
    return blocks(path) if path.suffix == ".iob" else text_lines(path)


def sound_outputs(folder: Path, names: List[str]) -> Optional[str]:
    """What holds for every output: our own readers take it, and no entity has whitespace at its edge."""
    from xner_spacy.corpora.labelled import read_tagged

    for name in names:
        path = folder / name
        if not path.exists():
            continue
        try:
            if path.suffix == ".iob" and path.stat().st_size:
                read_tagged(path)
            if path.suffix == ".spacy":
                for doc in docs(path):
                    for ent in doc.ents:
                        if ent[0].is_space or ent[-1].is_space:
                            return f"{name}: whitespace at the edge of {ent.text!r}"
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what is reported)
            return f"{name} can't be read back: {type(error).__name__}: {str(error)[:200]}"
    return None


def same_count(source: str, output: str, count: Callable[[Path], int]) -> Check:
    """A check that as many sentences come out as went in, or what is missing is counted."""

    def check(folder: Path, err: str) -> Optional[str]:
        had, has = count(folder / source), sentences(folder / output)
        if has > had or has + counted(err) < had:
            return f"{had} sentences in {source}, {has} in {output}, {counted(err)} counted"
        return None

    return check


def kept_entities(source: str, output: str, column: int = -1) -> Check:
    """The same for entities."""

    def check(folder: Path, err: str) -> Optional[str]:
        had = openings(folder / source, column)
        path = folder / output
        if path.is_dir() or path.suffix == ".spacy":
            has = sum(len(d.ents) for d in docs(path))
        else:
            has = openings(path)
        if has + counted(err) < had:
            return f"{had} entities in {source}, {has} in {output}, {counted(err)} counted"
        return None

    return check


def both(*checks: Check) -> Check:
    return lambda folder, err: next((w for c in checks if (w := c(folder, err))), None)


# --- the command lines ---

COLUMNS = {
    "s.iob": ["--from", "iob2"], "t.iob": ["--from", "iob2"], "i1.iob": ["--from", "iob1"], "c.conll": ["--from", "conll"], "x.panx": ["--from", "panx"],
    "u.uner": ["--from", "uner"], "g.tsv": ["--from", "germeval"], "m.conll": ["--from", "multiconer"], "c3.conll": ["--from", "conll2003"], "w.tsv": ["--from", "wikineural"],
    "n.conllu": ["--from", "norne"], "es.iob": ["--from", "iob2", "--scheme", "bioes"],
}  # fmt: skip
# Where their tags stand, for the files whose entities begin with B- alone.
TAGS = {"s.iob": -1, "t.iob": -1, "c.conll": -1, "u.uner": 2, "w.tsv": 2, "m.conll": -1}
BIG = ["-1", "0", "1", "99999999999999999999", "1e3", "nan", "inf", "-inf", "", "x", "1.5", "2147483648", "1000000000"]  # fmt: skip


def convert(rng: Random) -> Plan:
    name = rng.choice(sorted(COLUMNS))
    out = rng.choice(["out.spacy", "out.iob", "out.txt", "out"])
    argv = ["convert", name, out, *COLUMNS[name]]
    if rng.random() < 0.3:
        argv.append("--repair")
    if rng.random() < 0.3:
        argv += ["--label-map", rng.choice(["conll", "ontonotes", "masakhaner", "uner", "wnut17"])]
    options = {"--limit": "int", "--shard-size": "int", "--labels": "text", "--lang": "text", "--label-map": "text", "--from": "text", "--token-column": "int", "--tag-column": "int", "--scheme": "text", "--missing": "text", "--spaces": "text", "--to": "text"}  # fmt: skip
    check = same_count(name, out, blocks)
    if out != "out.txt" and name in TAGS:
        check = both(check, kept_entities(name, out, TAGS[name]))
    return Plan(argv, [name], [out], options=options, check=check)


def convert_jsonl(rng: Random) -> Plan:
    name = rng.choice(["pro.jsonl", "doc.jsonl", "t.txt.gz", "t.txt"])
    out = rng.choice(["out.iob", "out.spacy", "out", "out.txt.gz"])
    argv = ["convert", name, out]
    if name.startswith("t.txt"):
        argv += ["--from", "txt", *(["--missing", "outside"] if out == "out.iob" else [])]
    check = same_count(name, out, text_lines) if name != "t.txt.gz" and out != "out.txt.gz" else None
    return Plan(argv, [name], [out], options={"--from": "text", "--lang": "text"}, check=check)


def convert_docbin(rng: Random) -> Plan:
    name = rng.choice(["g.spacy", "shards", "ann", "soft", "odd.spacy", "b.spacy"])
    out = rng.choice(["out.iob", "out.txt", "out.spacy", "out"])
    options = {"--limit": "int", "--shard-size": "int", "--labels": "text"}

    def check(folder: Path, err: str) -> Optional[str]:
        had, has = len(docs(folder / name)), sentences(folder / out)
        return None if has + counted(err) >= had else f"{had} Docs, {has} in {out}"

    argv = ["convert", name, out]
    if name in ("odd.spacy", "soft", "ann", "b.spacy") and out == "out.iob":
        # Nothing in b.spacy is labelled, so that nothing would be left of it.
        argv += ["--missing", "outside" if name == "b.spacy" else rng.choice(["skip", "outside"])]
    return Plan(argv, [name], [out], options=options, check=check)


def convert_bitext(rng: Random) -> Plan:
    argv = ["convert", "s.txt", "out.spacy", "--from", "bitext", "--target", "t.txt"]
    return Plan(argv, ["s.txt", "t.txt"], ["out.spacy"], options={"--source-lang": "text"}, check=same_count("t.txt", "out.spacy", text_lines))  # fmt: skip


def align(rng: Random) -> Plan:
    plan = Plan(["align", "s.txt", "t.txt", "-o", "out"], ["s.txt", "t.txt"], ["out"], check=same_count("s.txt", "out", text_lines))  # fmt: skip
    kind = rng.randrange(5)
    if kind == 0:
        plan.argv += ["--model", "alignermodel"]
        plan.allowed.append("alignermodel")  # trained and saved there, where it is empty
        plan.inputs = ["alignermodel", rng.choice(["s.txt", "t.txt"])]
        plan.inputs += [n for n in ("s.txt", "t.txt") if n not in plan.inputs]
    elif kind == 1:
        plan.argv += ["--config", "parts.cfg"]
        plan.inputs.append("parts.cfg")
    elif kind == 2:
        plan.argv += ["--model", "newmodel"]
        plan.outputs.append("newmodel")
    plan.options = {"--symmetrize": "text", "--aligner": "text"}
    return plan


def project(rng: Random) -> Plan:
    argv = ["project", "s.iob", "t.txt", "-o", "out.iob", "--links", "r.links"]
    argv += ["--projector", rng.choice(["heuristic", "greedy", "exact"])]
    plan = Plan(argv, ["s.iob", "t.txt", "r.links"], ["out.iob"])
    if rng.random() < 0.3:
        plan.argv += ["--json", "out.json"]
        plan.outputs.append("out.json")
    if rng.random() < 0.2:
        plan.argv += ["--config", "parts.cfg"]
        plan.inputs.append("parts.cfg")
    plan.options = {"--labels": "text", "--projector": "text"}
    plan.check = both(same_count("s.iob", "out.iob", blocks), kept_entities("s.iob", "out.iob"))
    return plan


ANNOTATED = {"raw.txt": text_lines, "t.txt": text_lines, "t.jsonl": text_lines, "tok.jsonl": text_lines, "t.iob": blocks, "g.spacy": None, "shards": None, "t.parquet": None}  # fmt: skip


def annotate(rng: Random) -> Plan:
    name = rng.choice(sorted(ANNOTATED))
    pipeline = rng.choice(["light", "light", "noop", "bitext", "linked", "stored", "student"])
    out = "out"
    argv = ["annotate", pipeline, name, out, "--shard-size", rng.choice(["5", "1000"])]
    inputs = [name, name, pipeline]
    if pipeline == "linked":
        inputs, argv[2] = ["t.txt", "s.txt", "r.links", pipeline], "t.txt"
        name = "t.txt"
        argv.append("--tokenized")
    if pipeline == "stored":
        inputs += ["store.sqlite"]
    if rng.random() < 0.5:
        inputs = [pipeline, *inputs]
    if rng.random() < 0.3 and name.endswith(".txt") and pipeline != "linked":
        argv.append("--tokenized")
    if rng.random() < 0.1:
        argv.append("--dry-run")
    count = ANNOTATED[name]
    check = same_count(name, out, count) if count and "--dry-run" not in argv else None
    options = {"--batch-size": "int", "--shard-size": "int", "--workers": "few", "--text-field": "text"}  # fmt: skip
    return Plan(argv, inputs, [out], True, options, check, allowed=["store.sqlite"])


def annotate_again(rng: Random) -> Plan:
    """Into a folder that holds shards, a manifest and so on."""
    pipeline, name, out = rng.choice([("light", "raw.txt", "ann"), ("student", "t.txt", "soft")])
    argv = ["annotate", pipeline, name, out, "--shard-size", "10"]
    if name == "t.txt":
        argv.append("--tokenized")
    if rng.random() < 0.2:
        argv.append("--overwrite")
    return Plan(argv, [out, out, name, pipeline], [out], True, check=same_count(name, out, text_lines))  # fmt: skip


def annotate_stored(rng: Random) -> Plan:
    argv = ["annotate", "stored", "t.txt", "out", "--tokenized"]
    return Plan(argv, ["store.sqlite", "store.sqlite", "stored", "t.txt"], ["out"], True, check=same_count("t.txt", "out", text_lines), allowed=["store.sqlite"])  # fmt: skip


def annotate_neural(rng: Random) -> Plan:
    argv = ["annotate", "neural", "raw.txt", "out"]
    return Plan(argv, ["ct2", "ct2", "neural", "raw.txt"], ["out"], True, check=same_count("raw.txt", "out", text_lines))  # fmt: skip


def annotate_workers(rng: Random) -> Plan:
    argv = ["annotate", "light", "t.jsonl", "out", "--shard-size", "5", "--workers", "2"]
    return Plan(argv, ["t.jsonl", "t.jsonl", "light"], ["out"], True, check=same_count("t.jsonl", "out", text_lines), seconds=60)  # fmt: skip


def evaluate(rng: Random) -> Plan:
    gold, pred = rng.choice([("t.iob", "p.iob"), ("g.spacy", "p.spacy"), ("shards", "p.iob")])
    argv = ["evaluate", gold, pred, "--samples", "20"]
    plan = Plan(argv, [gold, pred], options={"--samples": "int", "--seed": "int", "--labels": "text"})  # fmt: skip
    if rng.random() < 0.4:
        plan.argv += ["--json", "out.json"]
        plan.outputs = ["out.json"]
    return plan


def evaluate_links(rng: Random) -> Plan:
    odd = [rng.choice(["--one-indexed", "--reverse"])] if rng.random() < 0.3 else []
    gold = "gold1.links" if "--one-indexed" in odd else "gold.links"
    argv = ["evaluate", "--links", gold, "l.links", "--samples", "20", *odd]
    return Plan(argv, [gold, "l.links"], options={"--samples": "int", "--seed": "int"})


def compare(rng: Random) -> Plan:
    argv = ["compare", "t.iob", "p.iob", rng.choice(["t.iob", "p.spacy"]), "--samples", "20"]
    return Plan(argv, ["t.iob", "p.iob", "p.spacy"], options={"--samples": "int", "--seed": "int"})


def report(rng: Random) -> Plan:
    plan = Plan(["report", "a=scores.json"], ["scores.json"], options={"--title": "text", "--key": "text"})  # fmt: skip
    if rng.random() < 0.5:
        plan.argv += ["--update", "page.md", "--key", "k"]
        plan.outputs = ["page.md"]
        plan.inputs.append("page.md")
    return plan


def model_card(rng: Random) -> Plan:
    argv = ["model-card", "student", "out.json", "--sources", "card.yml", "--scores", "scores.json"]
    if rng.random() < 0.3:
        argv += ["--teacher", "scores.json"]
    return Plan(argv, ["card.yml", "scores.json", "student"], ["out.json"], options={"--name": "text", "--version": "text"})  # fmt: skip


def init_config(rng: Random) -> Plan:
    base = rng.choice(["student.cfg", "teacher.cfg"])
    argv = ["init-config", base, "out.cfg", "--lang", rng.choice(["is", "zh", "yo"])]  # fmt: skip
    return Plan(argv, [base], ["out.cfg"], options={"--lang": "text"})


def distill(rng: Random) -> Plan:
    argv = ["distill", "soft", "soft2", "-o", "out.spacy"]
    plan = Plan(argv, ["soft", "soft2"], ["out.spacy"], options={"--weights": "weights", "--seed": "int"})  # fmt: skip
    if rng.random() < 0.2:
        plan.argv += ["--bias-of", "student"]
        plan.inputs.append("student")
    if rng.random() < 0.2:
        plan.argv += ["--weights", rng.choice(["similarity", "similarity-sentence"]), "--source", "s.txt", "--source", "t.txt"]  # fmt: skip
        plan.inputs += ["s.txt", "t.txt"]

    def check(folder: Path, err: str) -> Optional[str]:
        had, has = len(docs(folder / "soft")), len(docs(folder / "out.spacy"))
        return None if had == has else f"{had} sentences became {has}"

    plan.check = check
    return plan


def retype(rng: Random) -> Plan:
    def check(folder: Path, err: str) -> Optional[str]:
        had, has = len(docs(folder / "soft")), len(docs(folder / "out.spacy"))
        return None if had == has else f"{had} sentences became {has}"

    return Plan(["retype", "soft", "-o", "out.spacy"], ["soft"], ["out.spacy"], check=check)


def export_tasks(rng: Random) -> Plan:
    tool = rng.choice(["prodigy", "doccano", "label-studio", "argilla", "inception", "iob2"])
    by = rng.choice(["doubt", "expected-gain", "random", "disagreement"])
    argv = ["export", "soft", "out", "--to", tool, "--by", by, "--labels", "PER,LOC,ORG"]
    plan = Plan(argv, ["soft"], ["out"], options={"--limit": "int", "--labels": "text", "--by": "text", "--seed": "int"})  # fmt: skip
    if by == "disagreement" or rng.random() < 0.3:
        plan.argv += ["--other", "soft2"]
        plan.inputs.append("soft2")
    return plan


def import_tasks(rng: Random) -> Plan:
    tool, name = rng.choice([("prodigy", "tasks.jsonl"), ("doccano", "tasks.jsonl"), ("inception", "sentences.tsv"), ("iob2", "sentences.iob")])  # fmt: skip
    argv = ["import", f"ex-{tool}/{name}", "out.spacy", "--from", tool]
    plan = Plan(argv, [f"ex-{tool}"], ["out.spacy"], options={"--labels": "text", "--lang": "lang", "--from": "text"})
    if rng.random() < 0.3:
        plan.argv += ["--run", "soft"]
        plan.inputs.append("soft")

    def check(folder: Path, err: str) -> Optional[str]:
        """Each of the exported sentences came back, or is counted."""
        had, has = len(SENTENCES * COPIES), len(docs(folder / "out.spacy"))
        return (
            None if has + counted(err) >= had else f"{had} sentences exported, {has} came back, {counted(err)} counted"
        )

    plan.check = check
    return plan


def view(rng: Random) -> Plan:
    """A page in one file; without -o the command would wait for Ctrl-C."""
    name = rng.choice(["soft", "stored_ann", "ann", "odd.spacy", "g.spacy", "row.json"])
    plan = Plan(["view", name, "-o", "out.html"], [name], ["out.html"], options={"--limit": "int", "--by": "text", "--port": "int"})  # fmt: skip
    if name in ("soft", "stored_ann", "g.spacy", "row.json"):
        for option, other in (("--against", "soft2"), ("--gold", "t.iob")):
            if rng.random() < 0.3:
                plan.argv += [option, other]
                plan.inputs.append(other)

    def check(folder: Path, err: str) -> Optional[str]:
        if name.endswith(".json"):
            return None
        had, has = len(docs(folder / name)), (folder / "out.html").read_text("utf8").count("<article")
        return None if had == has else f"{had} sentences became {has} on the page"

    plan.check = check
    return plan


def select(rng: Random) -> Plan:
    by = rng.choice(["surest", "language", "agreement"])
    plan = Plan(["select", "soft", "out.spacy", "--by", by], ["soft"], ["out.spacy"], options={"--keep": "float", "--by": "text", "--seed": "int"})  # fmt: skip
    if by != "surest":
        plan.argv += ["--other", "soft2"]
        plan.inputs.append("soft2")
    if by == "language":
        plan.argv += ["--model", "student"]
        plan.inputs.append("student")
    return plan


def split(rng: Random) -> Plan:
    name = rng.choice(["ann", "soft", "g.spacy"])

    def check(folder: Path, err: str) -> Optional[str]:
        had = len(docs(folder / name))
        has = len(docs(folder / "a.spacy")) + len(docs(folder / "b.spacy"))
        return None if has + counted(err) >= had else f"{had} Docs became {has}"

    return Plan(["split", name, "--train", "a.spacy", "--dev", "b.spacy"], [name], ["a.spacy", "b.spacy"], options={"--share": "float", "--seed": "int"}, check=check)  # fmt: skip


def calibrate(rng: Random) -> Plan:
    if rng.random() < 0.5:
        return Plan(["calibrate", "student", "g.spacy"], ["student", "g.spacy"], ["student"])
    return Plan(["calibrate", "student", "shards", "-o", "out"], ["student", "shards"], ["out"])


def vectors(rng: Random) -> Plan:
    argv = ["vectors", "s.txt", "t.txt", "-o", "out.floret", "--links", "r.links", "--dim", "8", "--bucket", "100", "--epochs", "1"]  # fmt: skip
    options = {"--share": "float", "--copies": "few", "--dim": "few", "--bucket": "int", "--epochs": "few", "--threads": "few", "--seed": "int"}  # fmt: skip
    return Plan(argv, ["s.txt", "t.txt", "r.links"], ["out.floret"], options=options)


def align_encoder(rng: Random) -> Plan:
    argv = ["align", "s.txt", "t.txt", "-o", "out", "--config", "encoder.cfg"]
    return Plan(argv, ["encoder", "encoder", "encoder.cfg", "s.txt", "t.txt"], ["out"], check=same_count("s.txt", "out", text_lines), seconds=40)  # fmt: skip


def convert_model(rng: Random) -> Plan:
    argv = ["convert-model", "nllb", "out"]
    return Plan(argv, ["nllb"], ["out"], options={"--quantization": "text"}, seconds=40)


def study_dry(rng: Random) -> Plan:
    argv = ["study", "run", "study/study.cfg", "--dry-run"]
    if rng.random() < 0.3:
        name = rng.choice(["study.target", "blocks.main.seeds", "teacher.steps", "x.y", "student.overrides.training.max_steps"])  # fmt: skip
        argv += [f"--{name}", rng.choice(["{nope}", "[0,0]", "-1", "null", "1e999", "NaN", "x", "[", '{"a":1}', "1000000"])]  # fmt: skip
    return Plan(argv, ["study"], [], options={"--workers": "few", "--block": "text"})


def study_report(rng: Random) -> Plan:
    return Plan(["study", "report", "study/study.cfg"], ["study"], ["study/report"], resumable=True, seconds=60, reserves=True)  # fmt: skip


def info(rng: Random) -> Plan:
    argv = rng.choice([["info"], ["--help"], ["convert", "--help"], ["nope"], ["bench", "nope"], ["plan", rng.choice(["yo", "zh-TW", "xx", "nope", *(token for token in ODD_TOKENS if "\0" not in token)])]])  # fmt: skip
    return Plan(list(argv), [])


# (scenario, weight)
SCENARIOS: List[Tuple[Callable[[Random], Plan], float]] = [
    (convert, 14), (convert_jsonl, 5), (convert_docbin, 9), (convert_bitext, 5), (align, 8), (project, 9), (annotate, 16), (annotate_again, 6), (annotate_stored, 4), (annotate_neural, 1.5),
    (annotate_workers, 0.4), (evaluate, 7), (evaluate_links, 4), (compare, 2), (report, 5), (model_card, 4), (init_config, 4), (distill, 5), (retype, 3), (export_tasks, 5), (import_tasks, 9), (view, 7), (select, 4), (split, 4), (calibrate, 3),
    (vectors, 4), (align_encoder, 0.7), (convert_model, 0.5), (study_dry, 5), (study_report, 0.7), (info, 0.7),
]  # fmt: skip


def odd_option(rng: Random, kind: str) -> str:
    """RETURNS (str): An odd value for an option."""
    if kind in ("int", "float"):
        return rng.choice([*BIG, "0.5", "-0.5", "1.0000001"])
    if kind == "few":
        return rng.choice(["-1", "0", "x", "nan", "1e3", "", "99999999999999999999"])
    if kind == "lang":
        return rng.choice(["", "is", "isl", "en", "klingon", "zh", "../x", "İs", "xx", "\x1b[2J", "x" * 400])
    if kind == "weights":
        return rng.choice(["nan,1", "0,0", "-1,2", "inf,1", "1", "1,2,3", "", "x", ",", "similarity", "1e308,1e308", "1,,"])  # fmt: skip
    return rng.choice(["", "x", "-", "../x", "\x1b[2J", "a\nb", "NOPE", "PER,LOC,ORG", ",", "\udcff", "ä" * 300, "zh", "0", "en_core_nope", "xner.NoOp.v1", "PER"])  # fmt: skip
