"""How a study trains: a `spacy train` config with what a study changes in it."""

import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np
from confection import Config

from ...corpora.reading import read_config
from ...corpora.watching import checksum
from ...errors import InputError, XnerError
from ...types import Json
from .config import Study, Training

STUDENT = "components.xner_student."
# There is no development set, and so no choice among checkpoints and nothing to fit on one: it would be labelled data of
# its own, beside the amount under study.
FIXED: Json = {
    "corpora.dev.limit": 1,
    "training.before_to_disk": None,
    "training.patience": 0,
    "training.max_epochs": 0,
}


def training_config(training: Training, overrides: Mapping[str, Any]) -> Config:
    """RETURNS (Config): The config with the study's settings, those of the training, and those of an arm, in this
    order.
    """
    if not Path(training.config).is_file():
        hint = "It is named as the config of a training in the study's config: correct it there."
        raise InputError("no such file.", training.config, hint=hint)
    config = read_config(training.config)
    for name, value in {**FIXED, **training.overrides, **overrides}.items():
        *sections, last = name.split(".")
        place: Any = config
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise InputError(
                    f"[{name}]: {section!r} is a setting, not a section.",
                    training.config,
                    hint="Correct the name among the overrides of the study.",
                )
        place[last] = value
    return config


def recipe(training: Training) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the result of a training depends on, but for the arm: nothing that the study sets
    aside, and not the order of the config's settings. A file that the config names (vectors, an encoder) is in it by
    its checksum.
    """
    config = training_config(training, {})
    depends = {"steps": training.steps, "epochs": training.epochs, "config": dict(config)}
    paths = {k: v for k, v in config.get("paths", {}).items() if k not in ("train", "dev")}
    files = files_in({"paths": paths, "initialize": config.get("initialize", {})})
    return {**depends, "files": files} if files else depends


def files_in(settings: Any, place: str = "") -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The checksums of the files and folders that settings name, by their place there."""
    if isinstance(settings, dict):
        parts = [files_in(value, f"{place}.{name}") for name, value in settings.items()]
        return {name: checked for part in parts for name, checked in part.items()}
    # A word without a dot or slash is a name: of a pipeline, a language, a method.
    if not isinstance(settings, str) or not any(sign in settings for sign in "./\\"):
        return {}
    try:
        is_there = Path(settings).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte in it
        is_there = False
    return {place[1:]: checksum(settings)} if is_there else {}


def train_model(
    study: Study, model: str, overrides: Mapping[str, Any], corpus: Path, out: Path, *, seed: int, steps: int
) -> None:
    """Train by `spacy train`, and keep the last model: the average of its weights over the steps.

    model (str): "teacher" or "student". overrides (Mapping[str, Any]): What an arm changes in its config. corpus (Path): A
        DocBin file. out (Path): Where the model goes.
    """
    # Here, since all commands would load it otherwise.
    from spacy.cli.train import train

    length = {"training.max_steps": steps, "training.eval_frequency": 10 * steps}
    training = study.teacher if model == "teacher" else study.student
    config = training_config(training, {**overrides, STUDENT + "store_soft": True, **length})
    folder = out.with_name(f"{out.name}-training")
    folder.mkdir(parents=True)
    config.to_disk(folder / "config.cfg")
    paths = {"paths.train": str(corpus), "paths.dev": str(corpus), "system.seed": seed}
    with (folder / "log.txt").open("w", encoding="utf8") as log, redirect_stdout(log), redirect_stderr(log):
        train(folder / "config.cfg", folder, use_gpu=study.settings.gpu_id, overrides=paths)
    (folder / "model-last").rename(out)
    shutil.rmtree(folder)


def steps_of_epochs(training: Training, words: int) -> int:
    """RETURNS (int): Optimiser steps of so many passes over so many words. RAISES: XnerError unless batches have a
    fixed size in words.
    """
    batcher = training_config(training, {})["training"].get("batcher")
    size = batcher.get("size") if isinstance(batcher, dict) else None
    if not isinstance(size, int) or size < 1:
        raise XnerError(
            "The design 'epochs' needs batches of a fixed number of words.",
            "Set training.batcher.size in the student's overrides.",
        )
    return max(1, int(np.ceil(training.epochs * words / size)))
