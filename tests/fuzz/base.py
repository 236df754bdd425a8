"""Small valid files of every kind that a command or a part reads, made by the package's own commands."""

import json
import re
from pathlib import Path
from typing import Any, Dict, List

import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from tests.cli.helpers import xner
from tests.study.report_rows import META, grid_rows
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import write_docbin
from xner_spacy.corpora.writing import atomic_write

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = [
    ("Ada met Ben in Oslo .", "Ada hitti Ben í Ósló .", "PER O PER O LOC O", "PER O PER O LOC O"),
    ("Ben works for Norsk Hydro .", "Ben vinnur hjá Norsk Hydro .", "PER O O ORG ORG- O", "PER O O ORG ORG- O"),
    ("It rains in New York .", "Það rignir í New York .", "O O O LOC LOC- O", "O O O LOC LOC- O"),
    ("Ada Lund lives there .", "Ada Lund býr þar .", "PER PER- O O O", "PER PER- O O O"),
    ("Nothing happened today .", "Ekkert gerðist í dag .", "O O O O", "O O O O O"),
    ("Hydro left Oslo .", "Hydro fór frá Ósló .", "ORG O LOC O", "ORG O O LOC O"),
    ("Carla and Ben sang .", "Carla og Ben sungu .", "PER O PER O O", "PER O PER O O"),
    ("New York is far from Oslo .", "New York er langt frá Ósló .", "LOC LOC- O O O LOC O", "LOC LOC- O O O LOC O"),
]  # fmt: skip
COPIES = 3
NAMES = {"Ada": "PER", "Ben": "PER", "Carla": "PER", "Lund": "PER", "Oslo": "LOC", "Hydro": "ORG"}
STUDENT = ["--training.max_steps", "30", "--training.eval_frequency", "15"]


def tags(labels: str, scheme: str = "iob2") -> List[str]:
    """RETURNS (List[str]): Tags of "PER PER- O": a dash goes on with the entity before."""
    split = labels.split()
    found = []
    for i, label in enumerate(split):
        name = label.rstrip("-")
        inside = label.endswith("-")
        last = i + 1 == len(split) or not split[i + 1].endswith("-")
        if name == "O":
            found.append("O")
        elif scheme == "bioes":
            found.append(("I-" if inside and not last else "E-" if inside else "S-" if last else "B-") + name)
        elif scheme == "iob1":
            found.append("I-" + name)
        else:
            found.append(("I-" if inside else "B-") + name)
    return found  # fmt: skip


def column_files(folder: Path) -> None:
    """The layouts that published corpora have."""
    rows = [(s.split(), t.split(), a, b) for s, t, a, b in SENTENCES]

    def write(name: str, sentences: List[List[str]], start: str = "") -> None:
        text = start + "".join("\n".join(lines) + "\n\n" for lines in sentences)
        (folder / name).write_text(text, encoding="utf8")

    def lines(side: int, pattern: str, scheme: str = "iob2", head: str = "") -> List[List[str]]:
        made = []
        for n, row in enumerate(rows * COPIES, 1):
            words, labels = row[side], tags(row[side + 2], scheme)
            block = [head.format(n=n)] if head else []
            block += [pattern.format(i=i, w=w, t=t) for i, (w, t) in enumerate(zip(words, labels), 1)]  # fmt: skip
            made.append(block)
        return made

    write("s.iob", lines(0, "{w}\t{t}"))
    write("t.iob", lines(1, "{w}\t{t}"))
    write("i1.iob", lines(1, "{w}\t{t}", "iob1"))
    write("es.iob", lines(1, "{w}\t{t}", "bioes"))
    write("c.conll", lines(0, "{w} NNP B-NP {t}"), "-DOCSTART- -X- -X- O\n\n")
    write("c1.conll", lines(0, "{w} NNP B-NP {t}", "iob1"), "-DOCSTART- -X- -X- O\n\n")
    write("x.panx", lines(1, "is:{w}\t{t}"))
    write("u.uner", lines(1, "{i}\t{w}\t{t}\t-\t-", head="# sent_id = {n}"))
    write("g.tsv", lines(1, "{i}\t{w}\t{t}\tO", head="#\tnews [{n}]"))
    write("m.conll", lines(1, "{w} _ _ {t}", head="# id {n} domain=en"))
    write("c3.conll", lines(0, "{w} NNP B-NP {t}", "iob1"))
    write("w.tsv", lines(1, "{i}\t{w}\t{t}"))
    row = "{i}\t{w}\t_\tNOUN\t_\t_\t0\troot\t_\tname={t}"
    write("n.conllu", lines(1, row, head="# sent_id = {n}"))
    p = [list(block) for block in lines(1, "{w}\t{t}")]
    p[0][0] = p[0][0].replace("B-PER", "O")
    p[2][3] = p[2][3].replace("B-LOC", "B-ORG")
    p[2][4] = p[2][4].replace("I-LOC", "I-ORG")
    write("p.iob", p)


def text_files(folder: Path) -> None:
    source = [s for s, *_ in SENTENCES * COPIES]
    target = [t for _, t, *_ in SENTENCES * COPIES]

    def write(name: str, lines: List[str]) -> None:
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf8")

    write("s.txt", source)
    write("t.txt", target)
    write("raw.txt", [t.replace(" .", ".") for t in target])
    write("r.links", [" ".join(f"{i}-{i}" for i in range(min(len(s.split()), len(t.split())))) for s, t in zip(source, target)])  # fmt: skip
    for name, first in (("gold.links", 0), ("gold1.links", 1)):
        write(name, [" ".join(f"{i}{'p' if i == first + 1 else '-'}{i}" for i in range(first, first + 3)) for _ in source])  # fmt: skip
    dump = json.dumps
    write("t.jsonl", [dump({"text": t, "meta": {"n": n, "x": 0.5}}, ensure_ascii=False) for n, t in enumerate(target)])  # fmt: skip
    write("tok.jsonl", [dump({"text": t.split()}) for t in target])
    spans = [(t, [(m.start(), m.end(), label) for name, label in NAMES.items() for m in re.finditer(rf"\b{name}\b", t)]) for t in target]  # fmt: skip
    write("pro.jsonl", [dump({"text": t, "spans": [{"start": a, "end": b, "label": c} for a, b, c in found]}) for t, found in spans])  # fmt: skip
    write("doc.jsonl", [dump({"id": n, "text": t, "label": found}) for n, (t, found) in enumerate(spans)])  # fmt: skip
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": target}), folder / "t.parquet")
    import gzip

    (folder / "t.txt.gz").write_bytes(gzip.compress((folder / "t.txt").read_bytes(), mtime=0))
    (folder / "card.yml").write_text(
        "description: A test.\nauthor: Someone\nlicense: MIT\nnotes: >-\n  Two\n  lines.\nsources:\n"
        "  - name: Made up\n    author: Someone\n    license: MIT\n    url: ''\n"
    )
    (folder / "page.md").write_text("# Page\n\n<!-- xner: k -->\nold\n<!-- xner: end k -->\n\nrest\n")
    (folder / "parts.cfg").write_text(
        '[aligner]\n@xner_aligners = "xner.Lexical.v1"\nthreshold = 0.4\nlexical_rounds = 2\nhmm_rounds = 2\n\n'
        '[projector]\n@xner_projectors = "xner.Matching.v1"\nsolver = "exact"\n'
    )
    (folder / "encoder.cfg").write_text(
        '[aligner]\n@xner_aligners = "xner.Encoder.v1"\nmodel = "encoder"\nlayer = 3\nsource_lang = null\n'
    )
    for name in ("teacher", "student"):
        init_config(name, folder / f"{name}.cfg", "xx")


def pipelines(folder: Path) -> None:
    source = spacy.blank("en")
    ruler: Any = source.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": v, "pattern": k} for k, v in NAMES.items()])
    ruler.add_patterns([{"label": "LOC", "pattern": "New York"}])
    source.to_disk(folder / "source")

    light = spacy.blank("is")
    more: Any = light.add_pipe("entity_ruler")
    more.add_patterns([{"label": v, "pattern": k} for k, v in NAMES.items()])
    light.to_disk(folder / "light")

    def teacher(name: str, translator: Dict[str, Any], aligner: Dict[str, Any], projector: Dict[str, Any], trained: bool = True) -> None:  # fmt: skip
        nlp = spacy.blank("is")
        nlp.add_pipe("xner_translator", config={"translator": translator})
        nlp.add_pipe("xner_annotator", config={"model": str(folder / "source")})
        nlp.add_pipe("xner_aligner", config={"aligner": aligner})
        nlp.add_pipe("xner_projector", config={"projector": projector})
        files = {"source": str(folder / "s.txt"), "target": str(folder / "t.txt"), "tokenized": True}  # fmt: skip
        if trained:
            nlp.config["initialize"]["components"] = {"xner_aligner": files, "xner_projector": files}  # fmt: skip
        nlp.initialize()
        nlp.to_disk(folder / name)

    lexical = {"@xner_aligners": "xner.Lexical.v1", "lexical_rounds": 2, "hmm_rounds": 2}
    matching = {"@xner_projectors": "xner.Matching.v1"}
    heuristic = {"@xner_projectors": "xner.Heuristic.v1"}
    noop = {"@xner_translators": "xner.NoOp.v1"}
    bitext = {"@xner_translators": "xner.Bitext.v1", "source": str(folder / "s.txt"), "target": str(folder / "t.txt"), "match": "letters", "missing": "skip"}  # fmt: skip
    links = {"@xner_aligners": "xner.Links.v1", "path": "r.links", "source": "s.txt", "target": "t.txt"}  # fmt: skip
    teacher("noop", noop, lexical, heuristic)
    teacher("bitext", bitext, lexical, matching)
    teacher("linked", bitext, links, heuristic, trained=False)
    stored = {"@xner_translators": "xner.Stored.v1", "path": "store.sqlite", "translator": noop}
    teacher("stored", stored, lexical, heuristic)


def student(folder: Path) -> None:
    """A student that has seen a little, trained in this process."""
    from thinc.api import fix_random_seed

    fix_random_seed(0)
    nlp = spacy.blank("is")
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 16, "depth": 1, "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True}  # fmt: skip
    nlp.add_pipe("xner_student", config={"store_soft": True, "model": {"@architectures": "xner.Student.v1", "tok2vec": tok2vec}})  # fmt: skip
    examples = []
    for _, target, _, labels in SENTENCES:
        doc = Doc(nlp.vocab, words=target.split())
        gold = Doc(nlp.vocab, words=target.split(), ents=tags(labels))
        examples.append(Example(doc, gold))
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(30):
        nlp.update(examples, sgd=optimizer)
    nlp.to_disk(folder / "student")


def corpora(folder: Path) -> None:
    """What `xner convert` and `xner annotate` make."""

    def call(*arguments: Any) -> None:
        result = xner(*arguments)
        assert result.code == 0, (arguments, result.err)

    call("convert", "t.iob", "g.spacy")
    call("convert", "p.iob", "p.spacy")
    call("convert", "s.iob", "s.spacy")
    call("convert", "t.iob", "shards", "--shard-size", 10)
    call("convert", "s.txt", "b.spacy", "--from", "bitext", "--target", "t.txt", "--lang", "is")
    call("annotate", "light", "raw.txt", "ann", "--shard-size", 10)
    call("annotate", "student", "t.txt", "soft", "--shard-size", 10, "--tokenized")
    call("annotate", "student", "t.txt", "soft2", "--shard-size", 24, "--tokenized")
    call("annotate", "stored", "t.txt", "stored_ann", "--tokenized")
    call("align", "s.txt", "t.txt", "-o", "l.links", "--model", "alignermodel")
    call("project", "s.iob", "t.txt", "-o", "row.iob", "--links", "r.links", "--json", "row.json")
    call("evaluate", "t.iob", "p.iob", "--json", "scores.json", "--samples", 20)
    for tool in ("prodigy", "doccano", "label-studio", "argilla", "inception", "iob2"):
        call("export", "soft", f"ex-{tool}", "--to", tool, "--limit", 0, "--labels", "PER,LOC,ORG")
    tasks = Path("ex-prodigy", "tasks.jsonl")
    tasks.write_text(tasks.read_text("utf8").replace('{"text": ', '{"answer": "accept", "text": '), "utf8")


def odd_docs(folder: Path) -> None:
    """Docs with much on them: tags, lemmas, ids, missing values, two sentences, a spans key."""
    nlp = spacy.blank("en")
    docs = []
    for source, _, labels, _ in SENTENCES:
        words = source.split()
        doc = Doc(
            nlp.vocab, words=words, tags=["X"] * len(words), pos=["NOUN"] * len(words),
            lemmas=[w.lower() for w in words], ents=tags(labels),
        )  # fmt: skip
        doc.spans["xner"] = list(doc.ents)
        docs.append(doc)
    docs[0].set_ents([Span(docs[0], 0, 1, "PER", kb_id="Q7")], missing=[docs[0][2:4]])
    for token in docs[1]:
        token.is_sent_start = token.i in (0, 3)
    write_docbin(folder / "odd.spacy", docs)


def study_folder(folder: Path) -> None:
    """A study's report folder of made-up rows, with its config and data."""
    from tests.study.toy import make_toy
    from xner_spacy.study.design.rows import write_rows

    home = folder / "study"
    home.mkdir()
    make_toy(home)
    text = (home / "study.cfg").read_text().replace(str(home), "study")
    (home / "study.cfg").write_text(text)
    rows = grid_rows(("lug", "luo"), ("teacher", "transfer", "hard"), (320, 1000, 3200), (100, 320, 1000), ((0, 0), (1, 1)))  # fmt: skip
    (home / "report").mkdir()
    write_rows(home / "report/results.csv", rows)
    with atomic_write(home / "report/meta.json") as file:
        file.write(json.dumps(META))


def neural(folder: Path) -> None:
    """Tiny models with random weights: an encoder, a translator, its CTranslate2 form, a pipeline."""
    from tiny.models import build

    build("bert", folder / "encoder")
    build("nllb", folder / "nllb")
    result = xner("convert-model", "nllb", "ct2", "--quantization", "float32")
    assert result.code == 0, result.err
    nlp = spacy.blank("is")
    translator = {"@xner_translators": "xner.CTranslate2.v1", "model": "ct2", "source_lang": "is", "target_lang": "en", "threads": 1, "max_length": 12}  # fmt: skip
    nlp.add_pipe("xner_translator", config={"translator": translator})
    nlp.to_disk(folder / "neural")


def build_base(folder: Path, with_neural: bool = True) -> Path:
    """Build everything, with the folder as the working folder.

    RETURNS (Path): The folder.
    """
    import os

    from .recipe_scenarios import project_folder

    here = Path.cwd()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        column_files(folder)
        text_files(folder)
        pipelines(folder)
        student(folder)
        corpora(folder)
        odd_docs(folder)
        study_folder(folder)
        project_folder(folder)
        if with_neural:
            neural(folder)
    finally:
        os.chdir(here)
    return folder
