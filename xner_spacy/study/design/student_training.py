"""The trainings of a study: by `spacy train`, with a config in which the study changes settings."""

import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np
from confection import Config

from ...corpora.gpu import CPU
from ...corpora.reading import read_config
from ...corpora.watching import checksum
from ...errors import InputError, XnerError
from ...types import Json
from .config import Training

STUDENT = "components.xner_student."
# There is no development set, since it would be additional labelled data beyond the amount under study. So there is no
# choice between checkpoints, and nothing is fitted on it.
FIXED: Json = {
    "corpora.dev.limit": 1,
    "training.before_to_disk": None,
    "training.patience": 0,
    "training.max_epochs": 0,
}


def training_config(training: Training, overrides: Mapping[str, Any]) -> Config:
    """RETURNS (Config): The config, with settings overridden by the study, the training and the arm, in this order."""
    if not Path(training.config).is_file():
        hint = "It is named as the config of a training in the study's config: correct it there."
        raise InputError("no such file.", training.config, hint=hint)
    config = read_config(training.config)
    for name, value in {**FIXED, **training.overrides, **overrides}.items():
        *sections, last = name.split(".")
        section_settings: Any = config
        for section in sections:
            section_settings = section_settings.setdefault(section, {})
            if not isinstance(section_settings, dict):
                raise InputError(
                    f"[{name}]: {section!r} is a setting, not a section.",
                    training.config,
                    hint="Correct the name among the overrides of the study.",
                )
        section_settings[last] = value
    return config


def recipe(training: Training) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Everything except the arm that the result of a training depends on, which excludes what
    the study overrides and the order of the settings. Files that the config names (vectors, an encoder) are represented
    by their checksums.
    """
    config = training_config(training, {})
    dependencies = {"steps": training.steps, "epochs": training.epochs, "config": dict(config)}
    paths = {name: path for name, path in config.get("paths", {}).items() if name not in ("train", "dev")}
    for name, path in paths.items():
        if is_path(path) and not exists(path):
            hint = "Make it first, or correct the name among the overrides of the study."
            raise InputError(f"paths.{name} is {path}: no such file or folder.", training.config, hint=hint)
    files = files_in({"paths": paths, "initialize": config.get("initialize", {})})
    return {**dependencies, "files": files} if files else dependencies


def files_in(settings: Any, location: str = "") -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The checksums of the files and folders that settings name, by the settings' names."""
    if isinstance(settings, dict):
        parts = [files_in(value, f"{location}.{name}") for name, value in settings.items()]
        return {name: checksum_of_file for part in parts for name, checksum_of_file in part.items()}
    return {location[1:]: checksum(settings)} if is_path(settings) and exists(settings) else {}


def is_path(setting: Any) -> bool:
    """RETURNS (bool): Whether a setting may be a path: a word without a dot or slash is the name of a pipeline, a
    language or a method.
    """
    return isinstance(setting, str) and any(sign in setting for sign in "./\\")


def exists(path: str) -> bool:
    """RETURNS (bool): Whether there is such a file or folder."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte in it
        return False


def train_model(
    training: Training,
    overrides: Mapping[str, Any],
    corpus: Path,
    out: Path,
    *,
    seed: int,
    steps: int,
    gpu_id: int = CPU,
) -> None:
    """Train by `spacy train`, and keep the last model, with weights averaged over the steps.

    training (Training): Of the teacher or the student. overrides (Mapping[str, Any]): Settings that the arm changes.
        corpus (Path): A DocBin file. out (Path): The path to save the model to.
    """
    # Imported here, since otherwise all commands would load it.
    from spacy.cli.train import train

    length = {"training.max_steps": steps, "training.eval_frequency": 10 * steps}
    config = training_config(training, {**overrides, STUDENT + "store_soft": True, **length})
    folder = out.with_name(f"{out.name}-training")
    folder.mkdir(parents=True)
    config.to_disk(folder / "config.cfg")
    paths = {"paths.train": str(corpus), "paths.dev": str(corpus), "system.seed": seed}
    with (folder / "log.txt").open("w", encoding="utf8") as log, redirect_stdout(log), redirect_stderr(log):
        train(folder / "config.cfg", folder, use_gpu=gpu_id, overrides=paths)
    (folder / "model-last").rename(out)
    shutil.rmtree(folder)


def steps_of_epochs(training: Training, words: int) -> int:
    """RETURNS (int): The optimiser steps of the training's epochs over this number of words. RAISES: XnerError unless
    batches have a fixed size in words.
    """
    batcher = training_config(training, {})["training"].get("batcher")
    size = batcher.get("size") if isinstance(batcher, dict) else None
    if not isinstance(size, int) or size < 1:
        raise XnerError(
            "The design 'epochs' needs batches of a fixed number of words.",
            "Set training.batcher.size in the student's overrides.",
        )
    return max(1, int(np.ceil(training.epochs * words / size)))
