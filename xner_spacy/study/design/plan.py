"""From a study's grid to the jobs that fill it.

Three kinds of jobs depend on each other:

- `teacher` trains a source model on a subsample of the labelled text, once per (n_source, seed, draw), for all
  languages and arms;
- `labels` projects its labels on one language's text, and `transfer` applies it there directly;
- `student` trains and evaluates one student.

A job's key is the hash of all that its result depends on: its parameters, the files it reads, the configs, and the keys
of the jobs before it. What has been computed under that key is never computed again.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import spacy

from ...corpora.docs import read_docs
from ...docdata import install_extensions
from ...types import Json
from .config import Block, Study
from .input_files import KEY_LENGTH, file_checksum
from .rows import SOURCE_ARMS, Row
from .student_training import files_in, recipe

# Raised when a change of the code changes results.
VERSION = 1
# The arms that learn from what the transferred source model says; the others learn from the
# projection.
TRANSFER_ARMS = ("tsl",)
# The arms that read a translation of the test sentences.
TRANSLATED_ARMS = ("teacher", "ensemble")


@dataclass(frozen=True)
class Job:
    """One job.

    kind (str): "teacher", "labels", "transfer" or "student". params (Json): What tells it from others of its kind.
        parents (Tuple[str, ...]): Keys of the jobs whose results it reads.
    key (str): Its hash. reads (Dict[str, str]): Checksums of the study's files that it reads, by name, and of the
        configs that it trains by.
    """

    kind: str
    params: Json
    parents: Tuple[str, ...]
    key: str
    reads: Dict[str, str] = field(default_factory=dict)

    def to_json(self) -> Json:
        """RETURNS (Json): The job, for another process."""
        return {**asdict(self), "parents": list(self.parents)}

    @classmethod
    def from_json(cls, data: Json) -> "Job":
        """RETURNS (Job): What `to_json` made."""
        return cls(**{**data, "parents": tuple(data["parents"])})


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: the row that it will be, the job that measures it, and which of that job's measurements it
    is.
    """

    row: Row
    job: str
    name: str


@dataclass(frozen=True)
class Plan:
    """jobs (Dict[str, Job]): By key, each after those that it needs. cells (List[Cell]): The grid.
    checksums (Dict[str, str]): Of the files that the jobs read.
    """

    jobs: Dict[str, Job]
    cells: List[Cell]
    checksums: Dict[str, str]


def digest(value: Json) -> str:
    """RETURNS (str): The hash of a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf8")).hexdigest()[:KEY_LENGTH]


def is_translated(path: Path) -> bool:
    """RETURNS (bool): Whether each of a file's Docs has its source with it."""
    install_extensions()
    vocab = spacy.blank("xx").vocab
    return all(doc._.xner_source is not None for doc in read_docs(path, vocab))


def make_plan(study: Study) -> Plan:
    """Lay out the jobs of a study.

    RETURNS (Plan): Jobs and cells. RAISES: InputError for a file that is not there.
    """
    return _Planner(study).plan()


def restrict(plan: Plan, cells: Sequence[Cell]) -> Plan:
    """RETURNS (Plan): Some cells of a plan, and the jobs that they need."""
    needed = set()
    for cell in cells:
        needed |= {cell.job, *plan.jobs[cell.job].parents}
    return Plan({k: j for k, j in plan.jobs.items() if k in needed}, list(cells), plan.checksums)


class _Planner:
    def __init__(self, study: Study) -> None:
        self.study = study
        languages = sorted({lang for block in study.blocks.values() for lang in block.languages})
        self.checksums = {name: file_checksum(path) for name, path in study.files(languages).items()}
        self.translated = {lang: is_translated(study.test(lang)) for lang in languages}
        self.recipes = {"teacher": recipe(study.teacher), "student": recipe(study.student)}
        # Read here, once: every labelling of every replicate has the same projector.
        self.projector_files = files_in(study.projector)
        self.jobs: Dict[str, Job] = {}

    def plan(self) -> Plan:
        cells: Dict[Tuple, Cell] = {}
        for name, block in self.study.blocks.items():
            for cell in self._block(name, block):
                cells.setdefault(cell.row.order, cell)
        return Plan(self.jobs, list(cells.values()), self.checksums)

    def _block(self, name: str, block: Block) -> List[Cell]:
        cells = []
        # Replicates outermost: a run that is stopped early leaves whole grids.
        for seed, draw in block.replicates:
            for lang in block.languages:
                for n_source in block.n_source:
                    row = Row(name, lang, "", block.design, n_source, 0, seed, draw, "")
                    arms = [a for a in block.arms if self._measurable(lang, a)]
                    cells += self._cells(row, arms, block.n_target)
        return cells

    def _measurable(self, lang: str, arm: str) -> bool:
        return self.translated[lang] or arm not in TRANSLATED_ARMS

    def _cells(self, row: Row, arms: Sequence[str], n_targets: Sequence[int]) -> List[Cell]:
        teacher = self._teacher(row)
        labels = self._of_language("labels", row.lang, teacher)
        cells = []
        for arm in (a for a in arms if a in SOURCE_ARMS):
            cells.append(_cell(replace(row, arm=arm, design="steps"), labels, arm))
        for n_target in n_targets:
            here = replace(row, n_target=n_target)
            for arm in (a for a in arms if a not in SOURCE_ARMS):
                # The ensemble is the soft student's, with the teacher's word on the test text.
                trained = "soft" if arm == "ensemble" else arm
                transfer = None
                if arm in TRANSFER_ARMS:
                    transfer = self._of_language("transfer", row.lang, teacher)
                job = self._student(replace(here, arm=trained), teacher, labels, transfer)
                cells.append(_cell(replace(here, arm=arm), job, arm))
        return cells

    def _teacher(self, row: Row) -> Job:
        params = _params(row, "n_source", "seed", "draw")
        params["sampling"] = self.study.settings.sampling
        return self._add("teacher", params, (), ["source"], recipe="teacher")

    def _of_language(self, kind: str, lang: str, teacher: Job) -> Job:
        params: Json = {"lang": lang}
        if kind == "labels":
            params["projector"] = self.study.projector
        return self._add(kind, params, (teacher.key,), [f"target {lang}", f"test {lang}"])

    def _student(self, row: Row, teacher: Job, labels: Job, transfer: Optional[Job]) -> Job:
        params = _params(row, "lang", "arm", "n_source", "n_target", "seed", "draw", "design")
        params["sampling"] = self.study.settings.sampling
        if row.arm == "surest":
            params["keep"] = self.study.settings.keep
        parents = (teacher.key, labels.key) + ((transfer.key,) if transfer else ())
        files = [f"target {row.lang}", f"test {row.lang}"]
        return self._add("student", params, parents, ["source"], recipe="student", also=files)

    def _add(
        self,
        kind: str,
        params: Json,
        parents: Tuple[str, ...],
        files: Sequence[str],
        recipe: str = "",
        also: Sequence[str] = (),
    ) -> Job:
        """RETURNS (Job): The job of a key, made if it is new. `also` are files that its key knows of by its parents."""
        depends = {
            "version": VERSION,
            "kind": kind,
            "params": params,
            "parents": list(parents),
            "files": [self.checksums[name] for name in files],
            "recipe": self.recipes.get(recipe),
        }
        # Only where there are any: a table of results without such files keeps its keys.
        settings = self.projector_files if kind == "labels" else {}
        if settings:
            depends["files of the settings"] = settings
        key = digest(depends)
        reads = {name: self.checksums[name] for name in (*files, *also)}
        if recipe:
            reads[f"config of the {recipe}"] = digest(self.recipes[recipe])
        if settings:
            reads["files of the projector"] = digest(settings)
        return self.jobs.setdefault(key, Job(kind, params, parents, key, reads))


def _params(row: Row, *names: str) -> Json:
    return {name: getattr(row, name) for name in names}


def _cell(row: Row, job: Job, name: str) -> Cell:
    return Cell(replace(row, job=job.key), job.key, name)
