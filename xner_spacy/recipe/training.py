"""Train pipelines, several at a time, each by `spacy train` in a process of its own. What is trained already stays."""

import os
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

from confection import Config

from ..cli.output import bar
from ..corpora.docs import docbin_paths
from ..corpora.watching import base_versions, checksum
from ..corpora.writing import atomic_write, to_json
from ..errors import XnerError
from .layout import Project

# How much of the log of a failed training is shown.
LAST_LINES = 12
# What a pipeline was trained from, beside it.
RECORD = "recipe.json"
# One thread for each process: more threads would round differently and hardly be faster with models of this size.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Training(NamedTuple):
    """A pipeline to train: its folder, the whole config, and the corpora and folders that it learns from."""

    folder: Path
    config: Config
    inputs: List[Path]

    @property
    def best(self) -> Path:
        """RETURNS (Path): The pipeline with the best score on the development data."""
        return self.folder / "model-best"

    def record(self) -> str:
        """RETURNS (str): What the pipeline depends on, as JSON. If any of it changes, it is trained again."""
        files = [file for path in self.inputs for file in (docbin_paths(path) if path.is_dir() else [path])]
        sums = {str(file): checksum(file) for file in files}
        return to_json({"config": self.config.to_str(), "files": sums, "versions": base_versions()})

    def is_made(self) -> bool:
        """RETURNS (bool): Whether the pipeline is there, trained with the same config on the same data."""
        return is_made_from(self.folder, self.record())


def is_made_from(folder: Path, record: str) -> bool:
    """RETURNS (bool): Whether a folder is whole and was made from what a record says."""
    file = folder / RECORD
    return file.exists() and file.read_text(encoding="utf8") == record


def set_values(config: Config, values: Dict[str, Any]) -> Config:
    """Set values of a config by their dotted names. RETURNS (Config): The config."""
    for name, value in values.items():
        *sections, last = name.split(".")
        section: Any = config
        for part in sections:
            section = section.setdefault(part, {})
        section[last] = value
    return config


def train_all(project: Project, trainings: Sequence[Training]) -> None:
    """Train what is not there yet, as many at a time as the project has workers; one at a time on a GPU.

    RAISES: XnerError with the end of the log if a training fails. The other ones are stopped.
    """
    todo = deque(training for training in trainings if not training.is_made())
    if not todo:
        return
    at_a_time = 1 if project.gpu_id >= 0 else project.workers
    running: Dict[Any, Training] = {}
    with bar(len(trainings) - len(todo), len(trainings), "models") as tick:
        try:
            while todo or running:
                while todo and len(running) < at_a_time:
                    training = todo.popleft()
                    running[_start(training, project.gpu_id)] = training
                time.sleep(0.1)
                for process in [process for process in running if process.poll() is not None]:
                    _finish(process.returncode, running.pop(process))
                    tick(1)
        finally:
            for process in running:
                process.kill()
                process.wait()


def _start(training: Training, gpu_id: int) -> "subprocess.Popen[bytes]":
    training.folder.mkdir(parents=True, exist_ok=True)
    (training.folder / RECORD).unlink(missing_ok=True)
    config = training.folder / "config.cfg"
    with atomic_write(config) as file:
        file.write(training.config.to_str())
    command = [sys.executable, "-m", "spacy", "train", config, "--output", training.folder, "--gpu-id", gpu_id]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    with (training.folder / "train.log").open("wb") as log:
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT, env=environment)


def _finish(code: int, training: Training) -> None:
    if code:
        log = training.folder / "train.log"
        lines = log.read_text(encoding="utf8", errors="replace").splitlines()
        raise XnerError(
            f"The training in {training.folder} ended with code {code}; the end of {log}:",
            "\n".join(lines[-LAST_LINES:]),
        )
    with atomic_write(training.folder / RECORD) as file:
        file.write(training.record())
