"""The steps of a project in their order, the time that each took, and about how long the rest will take."""

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import Dict, Iterator

from ..cli.output import say
from ..corpora.writing import write_json
from ..types import Json
from .layout import ENGLISH_MODELS, Project
from .transfer import transfer_sources

STEPS = ("inputs", "english", "teacher", "transfer", "labels", "student", "evaluate", "package", "page")
# Rough seconds on one core, by what a step has to do. The steps that are done show how fast a machine is.
PER_MODEL, PER_SOURCE, PER_SENTENCE, PER_STUDENT = 150.0, 90.0, 0.012, 120.0


def estimate(project: Project, inputs: Json) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): About how many seconds each slow step takes, before any step has shown how fast the machine is."""
    cores = project.workers if project.gpu_id < 0 else 1
    rounds = -(-ENGLISH_MODELS[project.quality] // cores)
    sources = len(transfer_sources(project.lang, inputs)) if project.best else 0
    labelled = (inputs.get("bitext") if inputs["road"] != "translator" else None) or inputs["text"]
    sentences = labelled["sentences"]
    return {
        "english": 0.0 if inputs["english"] else 60.0 + PER_MODEL * rounds,
        "teacher": 30.0 + PER_SENTENCE * sentences / cores + PER_SENTENCE * sentences,
        "transfer": 60.0 + PER_SOURCE * -(-(sources + 1) // cores) if sources else 0.0,
        "student": PER_STUDENT,
        "evaluate": 30.0 if "gold" in inputs else 0.0,
    }


@contextmanager
def timed(project: Project, step: str) -> Iterator[None]:
    """Announce a step, and say at its end how long it took and about how long the rest will take.

    The estimate is scaled by the steps that are done: their seconds against what was expected of them.
    """
    say(f"\n[{STEPS.index(step) + 1}/{len(STEPS)}] {step}")
    start = time.monotonic()
    yield
    seconds = time.monotonic() - start
    times = {**project.times(), step: round(seconds, 1)}
    write_json(project.training / "times.json", times)
    say(f"[{STEPS.index(step) + 1}/{len(STEPS)}] {step}: {_shown(seconds)}{_rest(project, step, times)}")


def _rest(project: Project, step: str, times: Dict[str, float]) -> str:
    expected = estimate(project, project.inputs())
    left = sum(expected.get(name, 5.0) for name in STEPS[STEPS.index(step) + 1 :])
    measured = [name for name in expected if name in times and expected[name] and times[name] > 1.0]
    factor = sum(times[name] for name in measured) / sum(expected[name] for name in measured) if measured else 1.0
    return f"; the rest takes about {_shown(left * factor)}" if left > 10 else ""


def _shown(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
