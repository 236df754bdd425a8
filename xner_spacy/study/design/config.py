"""The config of a study."""

import re
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Dict, List, Literal, Optional, Sequence, Set, Tuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...corpora.reading import read_config
from ...errors import InputError
from ...types import Json, PathLike
from .rows import ARMS, CODE, GOLD, MOST

OVERRIDE = re.compile(r"(teacher|student)\.overrides\.(.+)")
# The arms that can learn from corrected sentences beside projected ones.
CORRECTED_ARMS = ("hard", "soft")
# The two kinds of models that a study trains: source models, and students.
TrainingKind = Literal["teacher", "student"]
Arm = Literal[ARMS]  # type: ignore[valid-type]
Size = Annotated[int, Field(gt=0, lt=MOST)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _path(path: str) -> str:
    try:
        unknown_names = [name for _, name, *_ in Formatter().parse(path) if name not in (None, "lang")]
    except ValueError as error:
        raise ValueError(f"{path!r} cannot be read ({error})") from None
    if unknown_names:
        raise ValueError(f"{{{unknown_names[0]}}} is not known in a path; there is {{lang}}")
    return path


def _codes(languages: Dict[str, str]) -> Dict[str, str]:
    # Codes are used in file names and in anchors of the page.
    invalid_codes = [code for code in languages if not CODE.fullmatch(code)]
    if invalid_codes:
        raise ValueError(f"no codes of languages: {', '.join(map(repr, invalid_codes))}")
    return languages


PathOfLanguage = Annotated[str, AfterValidator(_path)]


def text_name(lang: str, block: str) -> str:
    """RETURNS (str): The name of the target text of a block that has its own."""
    return f"target {lang} of {block}"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Training(_Section):
    """How a model is trained.

    config (str): A `spacy train` config with an `xner_student`. steps (int): Optimiser steps.
    epochs (int): Passes over the text for the design "epochs". overrides (Dict[str, Any]): Settings of the config by
        their dotted names.
    """

    config: str
    steps: int = Field(gt=0)
    epochs: int = Field(10, gt=0)
    overrides: Dict[str, Any] = {}


class Block(_Section):
    """A part of the grid: every arm with every size, language and replicate.

    languages (List[str]): Codes. arms (List[str]): See `xner_spacy.study.design.rows.ARMS`. n_source,
        n_target (List[int]): Numbers of sentences.
    seeds, draws (List[int]): See `pairing`. pairing (str): "paired": the k-th seed with the k-th draw, so that
        replicates differ in both; "crossed": each seed with each draw.
    design (str): "steps" or "epochs": what stays fixed as the text grows.
    variant (str): In words, what differs from the study. Its rows are compared with those of the same cells
        without it, and counted nowhere else. It needs one of: steps (Optional[int]), overrides (Dict[str, Any]): of the
        students' training; teacher_overrides (Dict[str, Any]): of the source models' training; target (Optional[str]):
        other text of the target languages; corrected (int): so many of the target sentences have gold labels;
        source_model (Optional[int]): the seed and the draw of the source models, in place of the replicates'.
    """

    languages: List[str]
    arms: List[Arm]
    n_source: List[Size]
    n_target: List[Size] = []
    seeds: List[Seed]
    draws: List[Seed]
    pairing: Literal["paired", "crossed"] = "paired"
    design: Literal["steps", "epochs"] = "steps"
    variant: str = ""
    steps: Optional[Annotated[int, Field(gt=0)]] = None
    overrides: Dict[str, Any] = {}
    teacher_overrides: Dict[str, Any] = {}
    target: Optional[PathOfLanguage] = None
    corrected: int = Field(0, ge=0, lt=MOST)
    source_model: Optional[Seed] = None

    @model_validator(mode="after")
    def _variant(self) -> "Block":
        differs = self.steps is not None or self.source_model is not None
        differs = differs or bool(self.overrides or self.teacher_overrides or self.target or self.corrected)
        if differs != bool(self.variant):
            changes = "steps, overrides, teacher_overrides, target, corrected, source_model"
            raise ValueError(f"a variant needs a name (variant) and what it changes ({changes})")
        if self.corrected and not set(self.arms) <= set(CORRECTED_ARMS):
            raise ValueError(f"corrected sentences are for the arms {' and '.join(CORRECTED_ARMS)} alone")
        return self

    def changes(self, kind: TrainingKind) -> Json:
        """RETURNS (Dict[str, Any]): How the training of its source models or students differs from the study's."""
        changes: Json = {"overrides": self.teacher_overrides}
        if kind == "student":
            changes = {"steps": self.steps, "overrides": self.overrides}
        return {name: value for name, value in changes.items() if value}

    @model_validator(mode="after")
    def _replicates(self) -> "Block":
        if self.pairing == "paired" and len(self.seeds) != len(self.draws):
            raise ValueError("paired replicates need as many seeds as draws")
        return self

    @property
    def replicates(self) -> List[Tuple[int, int]]:
        """RETURNS (List[Tuple[int, int]]): Seeds and draws."""
        if self.pairing == "paired":
            return list(zip(self.seeds, self.draws, strict=True))
        return [(seed, draw) for seed in self.seeds for draw in self.draws]


class Settings(_Section):
    """General settings of the study, and the paths of its files.

    languages (Dict[str, str]): Names by code. source (str): DocBin file or folder of labelled source sentences. target,
        test (str): The same for target Docs with source and alignment, and for gold test Docs, with `{lang}` for the
        code. If the test sentences of a language are not translated, its test Docs have neither source nor alignment,
        and the teacher is not evaluated there. gold (Optional[str]): The target Docs with gold labels, the same
        sentences in the same order, for the arm `gold`.
    work (str): Folder of the jobs. report (str): Folder of results and page. sampling (str): "uniform" or "stratified".
    held_out (float): Share of a student's projected text that it does not learn from; there the bias against O is
        fitted with which it labels the test text. 0: nothing is fitted, and a student labels without a bias.
    keep (float): Share of sentences that the arm `surest` keeps. gpu_id (int): The GPU, -1 for the CPU. limits
        (List[str]): Limitations of the study that the page states.
    also (List[Path]): Other tables of results that the page shows, of students that something else trained: each of
        their rows says in `variant` what they are.
    """

    title: str
    languages: Annotated[Dict[str, str], AfterValidator(_codes)]
    source: str
    target: PathOfLanguage
    test: PathOfLanguage
    gold: Optional[PathOfLanguage] = None
    work: Path
    report: Path
    sampling: Literal["uniform", "stratified"] = "uniform"
    held_out: float = Field(0.125, ge=0, lt=1)
    keep: float = Field(0.8, gt=0, le=1)
    gpu_id: int = Field(-1, ge=-1)
    limits: List[str] = []
    also: List[Path] = []


class Study(_Section):
    """A study as described by its config.

    path (Path): The config. settings (Settings), teacher, student (Training), blocks (Dict[str, Block]): Its sections.
    projector (Dict[str, Any]): The projector.
    """

    path: Path
    settings: Settings = Field(alias="study")
    teacher: Training
    student: Training
    projector: Dict[str, Any]
    blocks: Dict[str, Block]

    @property
    def gold_languages(self) -> Set[str]:
        """RETURNS (Set[str]): The languages with students of gold labels."""
        blocks = [block for block in self.blocks.values() if GOLD in block.arms or block.corrected]
        return {lang for block in blocks for lang in block.languages}

    def training(self, kind: TrainingKind, changes: Json) -> Training:
        """RETURNS (Training): How source models or students are trained, with the changes of a variant; see
        `Block.changes`.
        """
        training = self.teacher if kind == "teacher" else self.student
        overrides = {**training.overrides, **changes.get("overrides", {})}
        return training.model_copy(update={**changes, "overrides": overrides})

    def files(self, languages: Sequence[str]) -> Dict[str, Path]:
        """RETURNS (Dict[str, Path]): The files that jobs on these languages read, by name."""
        paths = {"source": Path(self.settings.source)}
        for lang in languages:
            paths[f"target {lang}"] = Path(self.settings.target.format(lang=lang))
            paths[f"test {lang}"] = Path(self.settings.test.format(lang=lang))
            if self.settings.gold and lang in self.gold_languages:
                paths[f"gold {lang}"] = Path(self.settings.gold.format(lang=lang))
            for name, block in self.blocks.items():
                if block.target and lang in block.languages:
                    paths[text_name(lang, name)] = Path(block.target.format(lang=lang))
        return paths


def read_study(path: PathLike, overrides: Optional[Dict[str, Any]] = None) -> Study:
    """Read the config of a study.

    path (PathLike): The file. overrides (Optional[Dict[str, Any]]): Settings by their dotted names. Those of a training
        config have names such as `student.overrides.training.batcher.size`.
    RETURNS (Study): The study. RAISES: InputError that names the wrong section and setting.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file.", path, hint="Copy one of projects/ratio-study/study_*.cfg.")
    study_overrides = dict(overrides or {})
    # Names of settings that contain dots, which do not separate sections here.
    training_overrides = {name: study_overrides.pop(name) for name in list(study_overrides) if OVERRIDE.match(name)}
    config = dict(read_config(path, interpolate=True, overrides=study_overrides))
    for name, value in training_overrides.items():
        section, setting = OVERRIDE.match(name).groups()  # type: ignore[union-attr]
        part = config.get(section)
        if not isinstance(part, dict) or not isinstance(part.setdefault("overrides", {}), dict):
            raise InputError(f"[{section}.overrides]: is no section, so --{name} has no place.", path)
        part["overrides"][setting] = value
    try:
        study = Study.model_validate({"path": path, **config})
    except ValidationError as error:
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"[{location}]: {message}.", path) from None
    for name, block in study.blocks.items():
        unknown = [lang for lang in block.languages if lang not in study.settings.languages]
        if unknown:
            raise InputError(f"[blocks.{name}.languages]: not in [study.languages]: {', '.join(unknown)}.", path)
    if study.gold_languages and study.settings.gold is None:
        hint = 'Name the target text with gold labels there: gold = "corpus/{lang}/gold.spacy".'
        raise InputError(f"[blocks]: the arm {GOLD!r} and corrected sentences need gold in [study].", path, hint=hint)
    return study
