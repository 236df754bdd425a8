"""Find the English pipelines that the user named in the folder `english/` of a project."""

from pathlib import Path
from typing import List, Sequence

from ..corpora.files import read_lines
from ..corpora.reading import read_json
from ..errors import InputError
from ..types import Json

# Files that name models, one a line.
NAMES = ("english.txt", "model.txt", "models.txt")


def find_english(files: Sequence[Path], root: Path) -> List[str]:
    """Find the English pipelines of a project: folders with a spaCy pipeline, and the names in english.txt.

    files (Sequence[Path]): All files of the folder. root (Path): The project.
    RETURNS (List[str]): Paths below the project, and names of packages or models. RAISES: InputError for a pipeline of
        another language, and for a file that is neither part of a pipeline nor names any.
    """
    pipelines = sorted({path.parent for path in files if path.name == "meta.json" and _has_config(path.parent)})
    outermost = [path for path in pipelines if not any(other in path.parents for other in pipelines)]
    models = []
    for path in outermost:
        meta = read_json(path / "meta.json", Json)
        if meta.get("lang") not in ("en", "xx"):
            message = f"is a pipeline of the language {meta.get('lang')!r}, not of English."
            raise InputError(message, path / "meta.json", None, "Labelled text of other languages goes into sources/.")
        models.append(path.relative_to(root).as_posix())
    for path in files:
        if any(pipeline in path.parents for pipeline in outermost):
            continue
        if path.name not in NAMES:
            hint = f"Put in the folder of a spaCy pipeline, or {NAMES[0]} with a model's name a line."
            raise InputError("is neither part of a pipeline nor a list of models.", path, None, hint)
        lines = [line.strip() for _, line in read_lines(path)]
        names = [line for line in lines if line and not line.startswith("#")]
        if not names:
            raise InputError("is empty: it names no model.", path, None, "Write the name of a model a line.")
        models += names
    return list(dict.fromkeys(models))


def _has_config(folder: Path) -> bool:
    return (folder / "config.cfg").is_file()
