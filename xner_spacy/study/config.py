"""The config of a study."""

import re
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Dict, List, Optional, Sequence, Tuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..corpora.files import PathLike
from ..corpora.reading import read_config
from ..errors import InputError
from ..types import Json
from .rows import ARMS, CODE, MOST

DESIGNS = ("steps", "epochs")
METHODS = ("uniform", "stratified")
OVERRIDE = re.compile(r"(teacher|student)\.overrides\.(.+)")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Training(_Section):
    """How a model is trained.

    config (str): A `spacy train` config with an `xner_student`. steps (int): Optimiser steps.
    epochs (int): Passes over the text where the design fixes these. overrides (Dict[str, Any]):
        Settings of the config by their dotted names.
    """

    config: str
    steps: int = Field(gt=0)
    epochs: int = Field(10, gt=0)
    overrides: Dict[str, Any] = {}


class Block(_Section):
    """A part of the grid: every arm with every size, language and replicate.

    languages (List[str]): Codes. arms (List[str]): See `xner_spacy.study.rows.ARMS`. n_source,
        n_target (List[int]): Sentences.
    seeds, draws (List[int]): See `pairing`. pairing (str): "paired": the k-th seed with the k-th
        draw, so that replicates differ in both; "crossed": each with each.
    design (str): "steps" or "epochs": what is held fixed as the text grows.
    """

    languages: List[str]
    arms: List[str]
    n_source: List[int]
    n_target: List[int] = []
    seeds: List[int]
    draws: List[int]
    pairing: str = "paired"
    design: str = "steps"

    @field_validator("arms")
    @classmethod
    def _arms(cls, arms: List[str]) -> List[str]:
        unknown = [arm for arm in arms if arm not in ARMS]
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(ARMS)}")
        return arms

    @model_validator(mode="after")
    def _replicates(self) -> "Block":
        if self.pairing not in ("paired", "crossed"):
            raise ValueError("pairing is 'paired' or 'crossed'")
        if self.pairing == "paired" and len(self.seeds) != len(self.draws):
            raise ValueError("paired replicates need as many seeds as draws")
        if self.design not in DESIGNS:
            raise ValueError(f"design is one of {', '.join(DESIGNS)}")
        if not all(0 < n < MOST for n in (*self.n_source, *self.n_target)):
            raise ValueError("sizes must be positive, and numbers of sentences that a corpus can have")
        if not all(0 <= n < 2**32 for n in (*self.seeds, *self.draws)):
            raise ValueError("seeds and draws must not be negative, and have 32 bits at most")
        return self

    @property
    def replicates(self) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): Seeds and draws."""
        if self.pairing == "paired":
            return list(zip(self.seeds, self.draws, strict=True))
        return [(seed, draw) for seed in self.seeds for draw in self.draws]


class Settings(_Section):
    """What the study is, and where its files lie.

    languages (Dict[str, str]): Names by code. source (str): DocBin file or folder of labelled
        source sentences. target, test (str): The same of target Docs that carry source and
        alignment, and of gold test Docs, with `{lang}` for the code; test Docs of a language whose
        test sentences are not translated carry neither, and nothing is then known of the teacher
        there.
    work (str): Folder of the jobs. report (str): Folder of results and page. sampling (str):
        "uniform" or "stratified".
    keep (float): Share of sentences that the arm `surest` keeps. gpu_id (int): The GPU, -1 for the
        CPU. limits (List[str]): What a reader
        has to know, for the page.
    """

    title: str
    languages: Dict[str, str]
    source: str
    target: str
    test: str
    work: str
    report: str
    sampling: str = "uniform"
    keep: float = Field(0.8, gt=0, le=1)
    gpu_id: int = Field(-1, ge=-1)
    limits: List[str] = []

    @field_validator("sampling")
    @classmethod
    def _sampling(cls, method: str) -> str:
        if method not in METHODS:
            raise ValueError(f"one of {', '.join(METHODS)}")
        return method

    @field_validator("languages")
    @classmethod
    def _codes(cls, languages: Dict[str, str]) -> Dict[str, str]:
        # Codes become parts of file names and of anchors in the page.
        odd = [code for code in languages if not CODE.fullmatch(code)]
        if odd:
            raise ValueError(f"no codes of languages: {', '.join(map(repr, odd))}")
        return languages

    @field_validator("target", "test")
    @classmethod
    def _template(cls, path: str) -> str:
        try:
            fields = [name for _, name, *_ in Formatter().parse(path) if name is not None]
        except ValueError as error:
            raise ValueError(f"{path!r} cannot be read ({error})") from None
        odd = [name for name in fields if name != "lang"]
        if odd:
            raise ValueError(f"{{{odd[0]}}} is not known in a path; there is {{lang}}")
        return path


class _Whole(_Section):
    study: Settings
    teacher: Training
    student: Training
    projector: Dict[str, Any]
    blocks: Dict[str, Block]


@dataclass(frozen=True)
class Study:
    """A study as its config has it.

    path (Path): The config. settings (Settings), teacher, student (Training), blocks
        (Dict[str, Block]): Its sections. projector (Dict[str, Any]): The part that projects.
    """

    path: Path
    settings: Settings
    teacher: Training
    student: Training
    projector: Dict[str, Any]
    blocks: Dict[str, Block]

    def target(self, lang: str) -> Path:
        """RETURNS (Path): Where a language's unlabelled text lies."""
        return Path(self.settings.target.format(lang=lang))

    def test(self, lang: str) -> Path:
        """RETURNS (Path): Where a language's gold test set lies."""
        return Path(self.settings.test.format(lang=lang))

    def files(self, languages: Sequence[str]) -> Dict[str, Path]:
        """RETURNS (Dict[str, Path]): The files that jobs on these languages read, by what they are."""
        found = {"source": Path(self.settings.source)}
        for lang in languages:
            found[f"target {lang}"] = self.target(lang)
            found[f"test {lang}"] = self.test(lang)
        return found

    def to_json(self) -> Json:
        """RETURNS (Json): The study, for another process."""
        whole = _Whole(
            study=self.settings,
            teacher=self.teacher,
            student=self.student,
            projector=self.projector,
            blocks=self.blocks,
        )
        return {"path": str(self.path), **whole.model_dump()}

    @property
    def work(self) -> Path:
        """RETURNS (Path): The folder of the jobs."""
        return Path(self.settings.work)

    @property
    def report(self) -> Path:
        """RETURNS (Path): The folder of results and page."""
        return Path(self.settings.report)


def read_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None) -> Study:
    """Read the config of a study.

    path (PathLike): The file. overrides (Optional[Dict[str, Any]]): Settings by their dotted names.
        Those of the trainings are named `student.overrides.training.batcher.size` and the like.
    RETURNS (Study): The study. RAISES: InputError that names the section and setting that is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file.", path, hint="Copy one of projects/ratio-study/study_*.cfg.")
    given = dict(overrides or {})
    # Names of settings with dots in them, which are no sections here.
    inner = {name: given.pop(name) for name in list(given) if OVERRIDE.match(name)}
    config = dict(read_config(path, interpolate=True, overrides=given))
    for name, value in inner.items():
        section, setting = OVERRIDE.match(name).groups()  # type: ignore[union-attr]
        part = config.get(section)
        if not isinstance(part, dict) or not isinstance(part.setdefault("overrides", {}), dict):
            raise InputError(f"[{section}.overrides]: is no section, so --{name} has no place.", path)
        part["overrides"][setting] = value
    try:
        study = _study(path, config)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"[{place}]: {message}.", path) from None
    for name, block in study.blocks.items():
        unknown = [lang for lang in block.languages if lang not in study.settings.languages]
        if unknown:
            raise InputError(f"[blocks.{name}.languages]: not in [study.languages]: {', '.join(unknown)}.", path)
    return study


def study_from_json(data: Json) -> Study:
    """RETURNS (Study): What `Study.to_json` made."""
    return _study(Path(data["path"]), {k: v for k, v in data.items() if k != "path"})


def _study(path: Path, config: Json) -> Study:
    whole = _Whole.model_validate(config)
    return Study(path, whole.study, whole.teacher, whole.student, whole.projector, dict(whole.blocks))
