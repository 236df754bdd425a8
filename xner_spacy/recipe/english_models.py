"""Find the English models that the user named in the folder `english/` of a project: spaCy pipelines, or token
classifiers in Hugging Face's format, around which a pipeline is made.
"""

from pathlib import Path
from typing import List, Sequence

from spacy.util import is_package

from ..corpora.files import read_lines
from ..corpora.pipelines import load_pipeline
from ..corpora.reading import read_json
from ..corpora.writing import folder_written_aside
from ..errors import InputError
from ..languages import blank
from ..types import Json
from .layout import Project

# Files that name models, one a line.
NAMES = ("english.txt", "model.txt", "models.txt")


def find_english(files: Sequence[Path], root: Path) -> List[str]:
    """Find the English models of a project: folders with a spaCy pipeline or a token classifier, and the names in
    english.txt.

    files (Sequence[Path]): All files of the folder. root (Path): The project.
    RETURNS (List[str]): Paths below the project, and names of packages or models. RAISES: InputError for a pipeline of
        another language, and for a file that is neither part of a pipeline nor names any.
    """
    pipelines = sorted({path.parent for path in files if path.name == "meta.json" and _has_config(path.parent)})
    outermost = [path for path in pipelines if not any(other in path.parents for other in pipelines)]
    for path in outermost:
        meta = read_json(path / "meta.json", Json)
        if meta.get("lang") not in ("en", "xx"):
            message = f"is a pipeline of the language {meta.get('lang')!r}, not of English."
            raise InputError(message, path / "meta.json", None, "Labelled text of other languages goes into sources/.")
    classifiers = sorted(path.parent for path in files if path.name == "config.json" and _classifies_tokens(path))
    folders = [*outermost, *classifiers]
    models = [path.relative_to(root).as_posix() for path in folders]
    for path in files:
        if any(folder in path.parents for folder in folders):
            continue
        if path.name not in NAMES:
            hint = (
                f"Put in the folder of a spaCy pipeline or of a Hugging Face model that classifies tokens, or "
                f"{NAMES[0]} with a model's name a line."
            )
            raise InputError("is neither part of a pipeline nor a list of models.", path, None, hint)
        lines = [line.strip() for _, line in read_lines(path)]
        names = [line for line in lines if line and not line.startswith("#")]
        if not names:
            raise InputError("is empty: it names no model.", path, None, "Write the name of a model a line.")
        models += names
    return list(dict.fromkeys(models))


def english_pipeline(project: Project, name: str, number: int) -> str:
    """RETURNS (str): The pipeline for one of the models that `find_english` found: itself, or the one that is made here
    around a token classifier, in `training/QUALITY/english-given-NUMBER`. RAISES: XnerError if the model can't be loaded.
    """
    folder = project.root / name
    path = str(folder) if folder.is_dir() else name
    if _has_config(folder) or is_package(name) or not (folder.is_dir() or "/" in name):
        return path
    nlp = blank("en")
    device = f"cuda:{project.gpu_id}" if project.gpu_id >= 0 else "cpu"
    classifier = {"@xner_annotators": "xner.TokenClassifier.v1", "model": path, "device": device}
    nlp.add_pipe("xner_annotator", config={"side": "target", "label_map": "auto", "annotator": classifier})
    nlp.initialize()
    made = project.training / f"english-given-{number}"
    with folder_written_aside(made) as temporary:
        nlp.to_disk(temporary)
    return str(made)


def gives_probabilities(name: str) -> bool:
    """RETURNS (bool): Whether a pipeline stores the probabilities of its labels with each Doc."""
    pipes = [pipe for _, pipe in load_pipeline(name).pipeline]
    return any(getattr(pipe, "store_soft", False) or getattr(pipe, "side", "") == "target" for pipe in pipes)


def _classifies_tokens(path: Path) -> bool:
    architectures = read_json(path, Json).get("architectures") or ()
    return any(str(name).endswith("ForTokenClassification") for name in architectures)


def _has_config(folder: Path) -> bool:
    return (folder / "config.cfg").is_file()
