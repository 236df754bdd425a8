"""The plan of a study: the jobs that measure the cells of its grid.

There are four kinds of jobs, which depend on each other:

- `teacher` trains a source model on a subsample of the labelled text, once per (n_source, seed, draw), for all
  languages and arms;
- `labels` projects the teacher's labels to the text of one language, and `transfer` applies it to that text directly;
- `student` trains and evaluates one student.

The key of a job is the hash of everything its result depends on: its parameters, the files it reads, the configs, and
the keys of the jobs that it depends on. A result with the same key is never computed again.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, get_args

import spacy

from ...corpora.docs import read_docs
from ...docdata import install_extensions
from ...types import Json
from .config import Block, Study, TrainingKind, text_name
from .input_files import KEY_LENGTH, file_checksum
from .rows import GOLD, SOURCE_ARMS, TRANSFER_ARMS, Row
from .student_training import files_in, recipe

# Increased when a change in the code changes results.
VERSION = 1
# The arms that read a translation of the test sentences.
TRANSLATED_ARMS = ("teacher", "ensemble")


@dataclass(frozen=True)
class Job:
    """One job.

    kind (str): "teacher", "labels", "transfer" or "student". params (Dict[str, Any]): Its parameters, different for
        each job of a kind. parents (Sequence[str]): Keys of the jobs whose results it reads.
    key (str): Its hash. reads (Dict[str, str]): Checksums of the study's files that it reads, by name, and of its
        training configs.
    """

    kind: str
    params: Json
    parents: Sequence[str]
    key: str
    reads: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The jobs and cells of a study.

    jobs (Dict[str, Job]): By key, each after those that it depends on. cells (List[Row]): The cells of the grid, as
        rows without results. The job of a row measures it under the name of the row's arm.
    checksums (Dict[str, str]): Checksums of the files that the jobs read.
    """

    jobs: Dict[str, Job]
    cells: List[Row]
    checksums: Dict[str, str]


def digest(value: Json) -> str:
    """RETURNS (str): The hash of a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf8")).hexdigest()[:KEY_LENGTH]


def make_plan(study: Study) -> Plan:
    """Plan the jobs of a study.

    RETURNS (Plan): Jobs and cells. RAISES: InputError for a missing file.
    """
    planner = _Planner(study)
    cells: Dict[Tuple, Row] = {}
    for name, block in study.blocks.items():
        for row in planner.rows(name, block):
            cells.setdefault(row.order, row)
    return Plan(planner.jobs, list(cells.values()), planner.checksums)


def restrict(plan: Plan, cells: Sequence[Row]) -> Plan:
    """RETURNS (Plan): A plan with only these cells, and the jobs that they need."""
    needed = set()
    for cell in cells:
        needed |= {cell.job, *plan.jobs[cell.job].parents}
    return Plan({key: job for key, job in plan.jobs.items() if key in needed}, list(cells), plan.checksums)


class _Planner:
    def __init__(self, study: Study) -> None:
        self.study = study
        languages = sorted({lang for block in study.blocks.values() for lang in block.languages})
        paths = study.files(languages)
        self.checksums = {name: file_checksum(path) for name, path in paths.items()}
        install_extensions()
        vocab = spacy.blank("xx").vocab
        # Whether all test sentences of a language have a translation.
        self.translated = {
            lang: all(doc._.xner_source is not None for doc in read_docs(paths[f"test {lang}"], vocab))
            for lang in languages
        }
        self.recipes = {
            (kind, name): recipe(study.training(kind, block.changes(kind)))
            for kind, (name, block) in product(get_args(TrainingKind), study.blocks.items())
        }
        # Read only once, as all replicates have the same projector.
        self.projector_files = files_in(study.projector)
        self.jobs: Dict[str, Job] = {}

    def rows(self, name: str, block: Block) -> Iterator[Row]:
        # Replicates are the outermost loop, so that a run that is stopped early leaves complete grids.
        for (seed, draw), lang, n_source in product(block.replicates, block.languages, block.n_source):
            row = Row(name, lang, "", block.design, n_source, 0, seed, draw, "", variant=block.variant)
            teacher = self.teacher(row)
            labels = self.of_language("labels", row, teacher)
            arms = [arm for arm in block.arms if self.translated[lang] or arm not in TRANSLATED_ARMS]
            for arm in (arm for arm in arms if arm in SOURCE_ARMS):
                yield replace(row, arm=arm, design="steps", job=labels)
            for n_target, arm in product(block.n_target, (arm for arm in arms if arm not in SOURCE_ARMS)):
                cell = replace(row, n_target=n_target, arm=arm)
                if arm == GOLD:  # once for all sizes of the source text
                    cell = replace(cell, n_source=0)
                    yield replace(cell, job=self.gold_student(cell))
                else:
                    yield replace(cell, job=self.student(cell, teacher, labels))

    def teacher(self, row: Row) -> str:
        params = {**_params(row, "n_source", "seed", "draw"), "sampling": self.study.settings.sampling}
        block = self.study.blocks[row.block]
        if block.source_model is not None:
            params.update(seed=block.source_model, draw=block.source_model)
        if block.changes("teacher"):
            params["training"] = block.changes("teacher")
        return self.add("teacher", params, [], ["source"], trained_by=self.recipes["teacher", row.block])

    def of_language(self, kind: str, row: Row, teacher: str) -> str:
        params: Json = {"lang": row.lang, **({"projector": self.study.projector} if kind == "labels" else {})}
        texts = self.texts(row)
        if texts[0] != _own_text(row):
            params["text"] = texts[0]
        return self.add(kind, params, [teacher], texts)

    def texts(self, row: Row) -> List[str]:
        """RETURNS (List[str]): The names of the target text and of the test sentences of a row."""
        text = text_name(row.lang, row.block) if self.study.blocks[row.block].target else _own_text(row)
        return [text, f"test {row.lang}"]

    def gold_student(self, row: Row) -> str:
        params = self.student_params(row, "lang", "arm", "n_target", "seed", "draw", "design")
        files = [*self.texts(row), f"gold {row.lang}"]
        return self.add("student", params, [], files, trained_by=self.recipes["student", row.block])

    def student_params(self, row: Row, *names: str) -> Json:
        block = self.study.blocks[row.block]
        params = _params(row, *names)
        params["sampling"] = self.study.settings.sampling
        # What follows is there only if there is any, so that results without it keep their keys.
        if self.study.settings.held_out:
            params["held_out"] = self.study.settings.held_out
        if block.changes("student"):
            params["training"] = block.changes("student")
        if block.target:
            params["text"] = text_name(row.lang, row.block)
        return params

    def student(self, row: Row, teacher: str, labels: str) -> str:
        params = self.student_params(row, "lang", "arm", "n_source", "n_target", "seed", "draw", "design")
        parents, files, also = [teacher, labels], ["source"], self.texts(row)
        if self.study.blocks[row.block].corrected:
            params["corrected"] = self.study.blocks[row.block].corrected
            files.append(f"gold {row.lang}")
        # The job of the soft student also measures the ensemble with the teacher.
        if row.arm == "ensemble":
            params["arm"] = "soft"
        if row.arm == "surest":
            params["keep"] = self.study.settings.keep
        if row.arm in TRANSFER_ARMS:
            parents.append(self.of_language("transfer", row, teacher))
        return self.add("student", params, parents, files, also=also, trained_by=self.recipes["student", row.block])

    def add(
        self,
        kind: str,
        params: Json,
        parents: List[str],
        files: List[str],
        *,
        also: Sequence[str] = (),
        trained_by: Optional[Json] = None,
    ) -> str:
        """RETURNS (str): The key of a job, added if it is new. `also` are files that its key covers by its parents;
        `trained_by` is the recipe of its training.
        """
        dependencies = {
            "version": VERSION,
            "kind": kind,
            "params": params,
            "parents": parents,
            "files": [self.checksums[name] for name in files],
            "recipe": trained_by,
        }
        reads = {name: self.checksums[name] for name in (*files, *also)}
        if trained_by is not None:
            reads[f"config of the {kind}"] = digest(trained_by)
        # Only if there are any, so that results without such files keep their keys.
        if kind == "labels" and self.projector_files:
            dependencies["files of the settings"] = self.projector_files
            reads["files of the projector"] = digest(self.projector_files)
        key = digest(dependencies)
        self.jobs.setdefault(key, Job(kind, params, parents, key, reads))
        return key


def _params(row: Row, *names: str) -> Json:
    return {name: getattr(row, name) for name in names}


def _own_text(row: Row) -> str:
    return f"target {row.lang}"
