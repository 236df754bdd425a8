"""The step `transfer`: models of other labelled languages label the text as it is.

All share one table of vectors, learned from bitexts in which aligned words stand in for each other, and read the shapes
of words but not their letters. English is one of the sources. Their mean labels the text; projection and transfer make
different mistakes, so the student learns from both (step `labels`).
"""

import shutil
from itertools import islice
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import spacy
from spacy.training.initialize import convert_vectors

from ..cli.init_config import base_config
from ..cli.output import done, say
from ..cli.vectors import vectors
from ..corpora.files import read_lines
from ..corpora.watching import base_versions, checksum
from ..corpora.writing import atomic_write, folder_written_aside, to_json
from ..languages import blank
from ..types import Json
from .english import english_corpora
from .layout import Project
from .relatives import relatives_among
from .teacher import label_text
from .training import RECORD, Training, is_made_from, set_values, train_all

# Pairs of one bitext: beyond that a language would fill the table with its own words.
MAX_PAIRS = 10_000
EMBED = "components.tok2vec.model.embed."
SETTINGS = {
    "components.tok2vec.model.embed.attrs": ["SHAPE"],
    "components.tok2vec.model.embed.rows": [2500],
    "components.tok2vec.model.embed.include_static_vectors": True,
    "training.max_steps": 1000,
    "training.eval_frequency": 250,
    "training.patience": 0,
    "training.batcher.size": 600,
    "training.before_to_disk": None,
}


def label_by_transfer(project: Project, sources: Optional[List[str]] = None) -> Optional[Path]:
    """Train a pipeline for English and for each relative among the source languages, and let them label the text.

    sources (Optional[List[str]]): Languages to transfer from in place of the relatives.
    RETURNS (Optional[Path]): The folder of the labelled text; None if there is no such language.
    """
    inputs = project.inputs()
    sources = transfer_sources(project.lang, inputs) if sources is None else sources
    if not project.best or not sources:
        reason = "sources/ has no relative of it with a bitext" if project.best else "it is a part of the best quality"
        say(f"No transfer from other languages: {reason}.")
        # An earlier run may have had sources: their labels must not be mixed in.
        shutil.rmtree(project.labelled / "transferred", ignore_errors=True)
        return None
    table = _make_vectors(project, sources)
    trainings = [_training(project, source, table) for source in ("en", *sources)]
    train_all(project, trainings)
    pipeline = _assemble(project, [str(training.best) for training in trainings])
    output = project.labelled / "transferred"
    text = project.root / inputs["labelled_text"]
    label_text(project, pipeline, text, output)
    done(f"Text with labels by transfer from en, {', '.join(sources)}", output)
    return output


def transfer_sources(lang: str, inputs: Json) -> List[str]:
    """RETURNS (List[str]): The source languages that have a bitext and are relatives of the target language."""
    return relatives_among(lang, [source for source, summary in inputs["sources"].items() if "bitext" in summary])


def _make_vectors(project: Project, sources: List[str]) -> Path:
    """RETURNS (Path): A vocabulary with vectors of English, the target and the source languages."""
    bitexts = [
        project.bitext,
        *((project.sources / lang / "en.tok", project.sources / lang / "target.tok") for lang in sources),
    ]
    return shared_vectors(bitexts, project.training / "vectors", project.seed)


def shared_vectors(bitexts: Sequence[Tuple[Path, Path]], folder: Path, seed: int) -> Path:
    """Learn vectors in which translations lie near each other. What was made from the same text already stays.

    bitexts (Sequence[Tuple[Path, Path]]): English and another language, one tokenised sentence a line; the first 10,000
        pairs of each are used. folder (Path): Where everything goes.
    RETURNS (Path): A vocabulary with the vectors. RAISES: MissingExtraError without floret.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sides = folder / "en.tok", folder / "others.tok"
    for side, paths in zip(sides, zip(*bitexts, strict=True), strict=True):
        with atomic_write(side) as file:
            for path in paths:
                file.writelines(f"{line}\n" for _, line in islice(read_lines(path), MAX_PAIRS))
    vocab = folder / "vocab"
    record = to_json({"seed": seed, "text": [checksum(side) for side in sides], "versions": base_versions()})
    # The record lies beside the vocabulary, so that the vocabulary's checksum tells what is in it and nothing else.
    if vocab.exists() and is_made_from(folder, record):
        return vocab  # learning them takes minutes
    # One thread: with more, no two runs are the same. Less text is no way to save time either: with one mixed copy of each
    # sentence in place of two, an English model has 29.5 F1 on Swahili in place of 51.5.
    table = vectors(*sides, folder / "vectors.floret", seed=seed)
    nlp = spacy.blank("xx")
    convert_vectors(nlp, table, truncate=0, prune=-1, mode="floret")
    (folder / RECORD).unlink(missing_ok=True)
    with folder_written_aside(vocab) as temporary:
        nlp.to_disk(temporary)
    with atomic_write(folder / RECORD) as file:
        file.write(record)
    return vocab


def _training(project: Project, source: str, table: Path) -> Training:
    if source == "en":
        train, dev = english_corpora(project)
    else:
        train, dev = (project.sources / source / f"{split}.spacy" for split in ("train", "dev"))
    paths = {"paths.train": str(train), "paths.dev": str(dev), "paths.vectors": str(table)}
    config = set_values(base_config("source", labels="soft"), {**SETTINGS, **paths, "system.seed": project.seed})
    vectors_file = table / "vocab" / "vectors"
    return Training(project.training / f"transfer-{source}", config, [train, dev, vectors_file])


def _assemble(project: Project, models: List[str]) -> Path:
    """RETURNS (Path): A pipeline that labels the target text with the mean of the models."""
    nlp = blank(project.lang)
    ensemble = {"@xner_annotators": "xner.Ensemble.v1", "models": models}
    nlp.add_pipe("xner_annotator", config={"side": "target", "label_map": None, "annotator": ensemble})
    nlp.initialize()
    folder = project.training / "transfer"
    with folder_written_aside(folder) as temporary:
        nlp.to_disk(temporary)
    return folder
