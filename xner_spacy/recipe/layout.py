"""Where the steps of a project keep their files, and the settings that all steps share."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Dict, List, Literal, Tuple, get_args

from pydantic import Field
from typing_extensions import NotRequired, TypedDict

from ..corpora.formats.columns import Broken
from ..corpora.reading import read_json
from ..errors import InputError, XnerError, require
from ..types import Json

Quality = Literal["best", "fast"]
# How many English pipelines the teacher asks.
ENGLISH_MODELS = {"best": 3, "fast": 1}


class _Size(TypedDict):
    sentences: int


class _Text(_Size):
    tokens: int


class _Gold(_Size):
    translated: int


class _Source(TypedDict):
    train: _Size
    bitext: NotRequired[_Size]


class _Language(TypedDict):
    name: str


class _Inputs(TypedDict):
    """What the steps read of corpus/inputs.json."""

    language: _Language
    english: List[str]
    text: _Text
    labelled_text: str
    road: str
    sources: Dict[str, _Source]
    warnings: List[str]
    bitext: NotRequired[_Size]
    gold: NotRequired[_Gold]


class _English(TypedDict):
    models: Annotated[List[str], Field(min_length=1)]
    soft: bool


@dataclass
class Project:
    """A project's folder and settings.

    root (Path): The folder of the project.
    lang (str): Code of the target language.
    quality (Quality): best is the whole recipe; fast is one English pipeline and hard labels.
    translator (str): auto, bitext, or another way to translate: apertium=DIRECTION, ctranslate2=FOLDER,
        transformers=MODEL, chat=MODEL, libretranslate=ADDRESS.
    seed (int): Seed of every draw and training.
    gpu_id (int): The GPU, or -1 for the CPU.
    workers (int): Processes at a time; 0 for one a core.
    broken (Broken): Labelled sentences with a line that can't be read: refuse the file, or skip (leave them out and
        count them).
    """

    root: Path = Path()
    lang: str = "xx"
    quality: Quality = "best"
    translator: str = "auto"
    seed: int = 0
    gpu_id: int = -1
    workers: int = 0
    broken: Broken = "refuse"

    def __post_init__(self) -> None:
        require(self.quality in ENGLISH_MODELS, f"Unknown quality {self.quality!r}.", "Known: best, fast.")
        require(self.broken in get_args(Broken), f"Unknown value {self.broken!r} of broken.", "Known: refuse, skip.")
        self.workers = self.workers or os.cpu_count() or 1

    @property
    def best(self) -> bool:
        """RETURNS (bool): Whether the whole recipe is wanted."""
        return self.quality == "best"

    @property
    def corpus(self) -> Path:
        """RETURNS (Path): The folder of what the inputs became."""
        return self.root / "corpus"

    @property
    def training(self) -> Path:
        """RETURNS (Path): The folder of configs and pipelines, one for each quality."""
        return self.root / "training" / self.quality

    @property
    def labelled(self) -> Path:
        """RETURNS (Path): The folder of the text with the labels of the teachers, one for each quality."""
        return self.root / "labelled" / self.quality

    @property
    def metrics(self) -> Path:
        """RETURNS (Path): The folder of the figures, one for each quality."""
        return self.root / "metrics" / self.quality

    @property
    def student(self) -> Path:
        """RETURNS (Path): The student pipeline."""
        return self.training / "student" / "model-best"

    @property
    def sources(self) -> Path:
        """RETURNS (Path): The folder of the labelled source languages."""
        return self.corpus / "sources"

    @property
    def bitext(self) -> Tuple[Path, Path]:
        """RETURNS (Tuple[Path, Path]): English and the target language, tokenised, line by line: the bitext that was
        given, or else the text and its translations.
        """
        given = self.corpus / "bitext"
        folder = given if (given / "en.tok").exists() else self.corpus / "translated"
        return folder / "en.tok", folder / "target.tok"

    def inputs(self) -> Json:
        """RETURNS (Json): What the step `inputs` found. RAISES: XnerError if that step has not run."""
        return self._made_by("inputs", self.corpus / "inputs.json", _Inputs)

    def english(self) -> Json:
        """RETURNS (Json): The English pipelines: `models`, and whether all of them give probabilities, `soft`. RAISES:
        XnerError if the step `english` has not run.
        """
        return self._made_by("english", self.training / "english.json", _English)

    def _made_by(self, step: str, file: Path, shape: Any) -> Json:
        if not file.exists():
            raise XnerError(f"{file} is not there.", f"The step `xner recipe {step}` makes it: run that first.")
        return read_json(file, shape, hint=f"Remove it, and let the step `xner recipe {step}` make it anew.")

    def times(self) -> Dict[str, float]:
        """RETURNS (Dict[str, float]): The seconds that each step has taken; what can't be read is measured anew."""
        file = self.training / "times.json"
        with suppress(InputError):
            return read_json(file, Dict[str, float])
        return {}
