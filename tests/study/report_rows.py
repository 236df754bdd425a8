"""Rows of a whole study for its report: all blocks, languages without a teacher, failures."""

import random
from dataclasses import replace
from typing import Dict, Iterator, List, Sequence, Tuple

from xner_spacy.study.design.rows import SOURCE_ARMS, Row
from xner_spacy.types import Json

LEVELS: Dict[str, float] = {"lug": 0.74, "luo": 0.62, "tsn": 0.68, "hau": 0.7, "swa": 0.76}
TRANSLATED = ("lug", "luo", "tsn")
# Loss at 1,000 sentences and exponent, of source and of target text.
SOURCE = (0.06, 0.45)
TARGET = (0.05, 0.5)
GAIN = {"teacher": 0.02, "transfer": -0.2, "hard": 0.0, "soft": 0.012, "tsl": -0.19}
SIZES = (320, 1000, 3200, 10000)
META: Json = {
    "title": "A study & its <title>",
    "question": "How does the ratio of labelled source to unlabelled target data matter?",
    "languages": {"lug": "Luganda", "luo": "Luo", "tsn": "Setswana", "hau": "Hausa"},
    "command": "xner study run configs/study.cfg",
    "report_command": "xner study report configs/study.cfg",
    "signature": {"versions": {"spacy": "3.8"}, "config": "abc", "data": {"source": "0123"}},
    "limits": ["One source language, <English>."],
    "config": "[study]\ntitle = A study\n",
}


def true_f1(arm: str, lang: str, n_source: int, n_target: int) -> float:
    """RETURNS (float): F1 without noise."""
    f1 = LEVELS[lang] + GAIN[arm] - SOURCE[0] * (n_source / 1000) ** -SOURCE[1]
    return f1 - (TARGET[0] * (n_target / 1000) ** -TARGET[1] if n_target else 0.0)


def grid_rows(
    languages: Sequence[str] = tuple(LEVELS),
    arms: Sequence[str] = tuple(GAIN),
    sources: Sequence[int] = SIZES,
    targets: Sequence[int] = (100, 320, 1000, 3200),
    replicates: Sequence[Tuple[int, int]] = ((0, 0), (1, 1), (2, 2)),
    *,
    block: str = "main",
    design: str = "steps",
    failures: int = 0,
    noise: float = 0.008,
) -> List[Row]:
    """RETURNS (List[Row]): A grid; the first `failures` student cells failed."""
    chance = random.Random(0)
    rows = []
    for lang, arm, n_source, n_target, seed, draw in _cells(languages, arms, sources, targets, replicates):
        f1 = true_f1(arm, lang, n_source, n_target) + chance.gauss(0, noise)
        place = {"block": block, "lang": lang, "arm": arm, "design": design}
        sizes = {"n_source": n_source, "n_target": n_target, "seed": seed, "draw": draw}
        if failures and arm not in SOURCE_ARMS:
            failures -= 1
            rows.append(Row(**place, **sizes, status="failed", reason="killed & <restarted>"))
            continue
        known = lang in TRANSLATED and arm not in SOURCE_ARMS
        below = f1 - true_f1("teacher", lang, n_source, 0) if known else None
        above = f1 - true_f1("transfer", lang, n_source, 0)
        rows.append(
            Row(
                **place,
                **sizes,
                status="done",
                precision=f1 + 0.02,
                recall=f1 - 0.02,
                f1=f1,
                f1_low=f1 - 0.02,
                f1_high=f1 + 0.02,
                minus_teacher=below,
                minus_teacher_low=None if below is None else below - 0.015,
                minus_teacher_high=None if below is None else below + 0.015,
                minus_transfer=above,
                minus_transfer_low=above - 0.015,
                minus_transfer_high=above + 0.015,
                train_sentences=n_target or n_source,
                train_entities=n_target or n_source,
                steps=400,
                test_sentences=900,
                test_entities=1500,
                seconds=20.0,
                machine="x86-64",
                job="0" * 16,
            )
        )
    return rows


def _cells(
    languages: Sequence[str],
    arms: Sequence[str],
    sources: Sequence[int],
    targets: Sequence[int],
    replicates: Sequence[Tuple[int, int]],
) -> Iterator[Tuple[str, str, int, int, int, int]]:
    for lang in languages:
        for arm in arms:
            if lang not in TRANSLATED and arm in ("teacher", "tsl"):
                continue
            for n_source in sources:
                for n_target in (0,) if arm in SOURCE_ARMS else targets:
                    for seed, draw in replicates:
                        yield lang, arm, n_source, n_target, seed, draw


def whole_study(failures: int = 2) -> List[Row]:
    """RETURNS (List[Row]): All blocks of a study."""
    crossed = [(seed, draw) for seed in range(3) for draw in range(3)]
    few = ("lug", "luo"), ("soft",), (1000, 10000), (320, 3200)
    variance = grid_rows(few[0], ("hard", "soft"), *few[2:], crossed, block="variance")
    epochs = grid_rows(*few, block="epochs", design="epochs", noise=0.012)
    wide = [replace(row, variant="width 128, 1,000 steps") for row in grid_rows(*few, block="wide")]
    return [*grid_rows(failures=failures), *variance, *epochs, *wide]
