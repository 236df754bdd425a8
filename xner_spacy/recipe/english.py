"""The step `english`: the pipelines that find the names in the English reading.

They are those of the folder `english/`, or are trained here: on public English data, and on the gold labels of the
source languages, carried over to the English translation of their sentences. News of the region is what the English
data lacks most: its names, and the words around them.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, List, NamedTuple, Tuple

from ..cli.convert import convert
from ..cli.init_config import base_config
from ..cli.output import done, say
from ..cli.project import project as carry_labels
from ..corpora.docs import read_docs, write_docbin
from ..corpora.files import read_lines
from ..corpora.watching import base_versions, checksum
from ..corpora.writing import atomic_write, folder_written_aside, to_json, write_json
from ..errors import InputError, XnerError
from ..languages import blank_vocab
from ..translation.given_bitext import letters_key
from .english_models import english_pipeline, gives_probabilities
from .layout import ENGLISH_MODELS, Project
from .training import RECORD, Training, is_made_from, set_values, train_all


class DataSet(NamedTuple):
    """A public corpus with English labels: its name, its files under `assets/downloads`, its layout and label map.
    `dev` files are development data.
    """

    name: str
    files: Tuple[str, ...]
    style: str
    label_map: str
    dev: Tuple[str, ...] = ()


PUBLIC = (
    DataSet("wikineural", ("test.conllu", "val.conllu"), "panx", "conll"),
    DataSet("wikigold", ("wikigold.conll.txt",), "iob1", "conll"),
    DataSet("btc", tuple(f"{part}.conll" for part in "abefgh"), "iob2", "conll"),
    DataSet("wnut17", ("wnut17train.conll",), "iob2", "wnut17"),
    DataSet("uner-ewt", ("en_ewt-ud-test.iob2",), "uner", "uner", ("en_ewt-ud-dev.iob2",)),
)
# Words of a batch, and steps: the score on the development data has levelled off by then.
WORDS, STEPS = 2000, 1000
# A source language is read as English too if more than this share of its words stand in the English translation of their
# sentence: .44 in Nigerian Pidgin; .06 or less in Yoruba, Swahili and Hausa.
ENGLISH_SHARE = 0.25
# Fewer translated sentences of a source language are not worth training an aligner for.
MIN_TRANSLATED = 100


def make_english(project: Project) -> List[str]:
    """Train the English pipelines, or check those of the folder `english/`.

    RETURNS (List[str]): Names or folders of the pipelines. They are in `english.json` too, with `soft`: whether all
        give probabilities.
    """
    names = [english_pipeline(project, name, number) for number, name in enumerate(project.inputs()["english"])]
    soft = True
    if names:
        soft = all(map(gives_probabilities, names))
        if len(names) > 1 and not soft:
            hint = "Name one, or train each as an xner_student with store_soft = true (docs/students.md)."
            raise XnerError(f"{project.root / 'english'} names {len(names)} pipelines without probabilities.", hint)
    else:
        train, dev = english_corpora(project)
        trainings = [english_training(project, train, dev, number) for number in range(ENGLISH_MODELS[project.quality])]
        train_all(project, trainings)
        names = [str(training.best) for training in trainings]
    write_json(project.training / "english.json", {"models": names, "soft": soft})
    done(f"{len(names)} English pipeline{'s' * (len(names) > 1)}: {', '.join(names)}")
    return names


def english_training(project: Project, train: Path, dev: Path, number: int) -> Training:
    """RETURNS (Training): That of one English pipeline. number (int): Its number among those of the project, from 0."""
    values = {
        "nlp.lang": "en",
        "paths.train": str(train),
        "paths.dev": str(dev),
        "training.batcher.size": WORDS,
        "training.max_steps": STEPS,
        "training.eval_frequency": 200,
        "training.patience": 0,
        # No two runs with different seeds share a pipeline.
        "system.seed": project.seed * ENGLISH_MODELS[project.quality] + number,
    }
    config = set_values(base_config("source", labels="soft"), values)
    return Training(project.training / f"english-{number}", config, [train, dev])


def english_corpora(project: Project) -> Tuple[Path, Path]:
    """Read the public corpora, and carry the labels of the source languages over. They are made again if a source
    language has changed.

    RETURNS (Tuple[Path, Path]): Folders of the training and development data.
    """
    folder = project.corpus / "english"
    train, dev = folder / "train", folder / "dev"
    sources = sorted(path for path in project.sources.glob("*") if path.is_dir())
    files = [file for source in sources for file in sorted(source.iterdir())]
    record = to_json({"sources": {str(file): checksum(file) for file in files}, "versions": base_versions()})
    if is_made_from(folder, record):
        return train, dev
    with folder_written_aside(folder) as temporary:
        for data_set in PUBLIC:
            _read_public(project, data_set, temporary)
        for source in sources:
            for split in ("train", "dev"):
                _carry(source, split, temporary / split)
        (temporary / RECORD).write_text(record, encoding="utf8")
        for file in folder.rglob("*.spacy"):  # of sources that are no longer there
            if not (temporary / file.relative_to(folder)).exists():
                file.unlink()
    return train, dev


def _read_public(project: Project, data_set: DataSet, folder: Path) -> None:
    for split, names in (("train", data_set.files), ("dev", data_set.dev)):
        for name in names:
            file = project.root / "assets" / "downloads" / data_set.name / name
            if not file.exists():
                hint = "Fetch it by `xner recipe data`, or name an English pipeline in the folder english/."
                raise InputError("no such file.", file, hint=hint)
            output = folder / split / f"{data_set.name}-{file.stem}.spacy"
            output.parent.mkdir(parents=True, exist_ok=True)
            convert(file, output, style=data_set.style, label_map=data_set.label_map, lang="en", repair=True)


def _carry(source: Path, split: str, folder: Path) -> None:
    """Project the gold labels of a source language onto the English translations of its sentences."""
    labelled, bitext = source / f"{split}.spacy", (source / "target.tok", source / "en.tok")
    if not labelled.exists() or not bitext[0].exists():
        return
    source_lines, english_lines = ([line for _, line in read_lines(path)] for path in bitext)
    translations: Dict[str, str] = {}
    for line, english in zip(source_lines, english_lines, strict=True):
        translations.setdefault(letters_key(line), english)
    docs = list(read_docs(labelled, blank_vocab("xx")))
    translated = [doc for doc in docs if letters_key(doc.text) in translations]
    if len(translated) < MIN_TRANSLATED:
        return
    folder.mkdir(parents=True, exist_ok=True)
    if _english_share(source_lines, english_lines) > ENGLISH_SHARE:
        write_docbin(folder / f"{source.name}.spacy", docs)
    with TemporaryDirectory(prefix="xner-") as name:
        gold, english_text = Path(name, "gold.spacy"), Path(name, "english.txt")
        write_docbin(gold, translated)
        with atomic_write(english_text) as file:
            file.writelines(f"{translations[letters_key(doc.text)]}\n" for doc in translated)
        output = folder / f"{source.name}-carried.spacy"
        counts = carry_labels(gold, english_text, output, bitext=bitext)["counts"]
    say(
        f"{counts['projected spans']:,} of {counts['entities']:,} gold entities of {source.name} ({split}) stand in English now"
    )


def _english_share(source_lines: List[str], english_lines: List[str]) -> float:
    """RETURNS (float): The share of a language's words that stand in the translation of their sentence, case aside."""
    n_words = n_same = 0
    for line, english in zip(source_lines, english_lines, strict=True):
        english_words = set(english.lower().split())
        words = [word for word in line.lower().split() if word.isalpha()]
        n_words += len(words)
        n_same += sum(word in english_words for word in words)
    return n_same / max(n_words, 1)
