"""Rows of a study drawn from a known surface: what the statistics are tested and measured on."""

from dataclasses import replace
from typing import Dict, List, Optional, Sequence

import numpy as np

from xner_spacy.study.design.rows import SOURCE_ARMS, Row

LANGUAGES = ("hau", "lug", "luo", "swa", "tsn", "yor")
SOURCES = (320, 1000, 3200, 10000)
TARGETS = (100, 320, 1000, 3200)
CEILING = {"hau": 0.70, "lug": 0.62, "luo": 0.55, "swa": 0.74, "tsn": 0.60, "yor": 0.50}


def surface(
    n_source: int,
    n_target: int,
    a: float = 0.1,
    alpha: float = 0.5,
    b: float = 0.05,
    beta: float = 0.4,
) -> float:
    """What is lost to the ceiling."""
    loss = a * (n_source / 1000) ** -alpha
    return loss + (b * (n_target / 1000) ** -beta if n_target else 0.0)


def make_rows(
    languages: Sequence[str] = LANGUAGES,
    arms: Sequence[str] = ("transfer", "hard", "soft"),
    *,
    replicates: int = 3,
    sources: Sequence[int] = SOURCES,
    targets: Sequence[int] = TARGETS,
    sd_seed: float = 0.012,
    sd_draw: float = 0.008,
    sd_rest: float = 0.005,
    sd_teacher: float = 0.0,
    sd_language: float = 0.0,
    sd_test: float = 0.0,
    gains: Optional[Dict[str, float]] = None,
    shape: Optional[Dict[str, float]] = None,
    block: str = "main",
    design: str = "steps",
    crossed: bool = False,
    seed: int = 0,
) -> List[Row]:
    """Rows with F1 = ceiling of the language - loss + gain of the arm + noise.

    sd_teacher (float): Of what all languages share for the same labelled source text, seed and draw.
        sd_language (float): Of a factor on the loss, so that languages differ in shape.
        sd_test (float): Of what the test sentences of a language add to every F1; the rows' intervals
        are made for it.
    """
    random = np.random.default_rng(seed)
    factor = factors(languages, sd_language, seed)
    luck = {lang: sd_test * random.normal() for lang in languages}
    half = 1.96 * (sd_test or 0.01)
    shared = random.normal(size=(len(sources), replicates, replicates))
    rows = []
    for lang in languages:
        for arm in arms:
            for at, n_source in enumerate(sources):
                for n_target in (0,) if arm in SOURCE_ARMS else targets:
                    by_seed, by_draw = random.normal(size=(2, replicates))
                    pairs = [(i, i) for i in range(replicates)]
                    if crossed:
                        pairs = [(i, j) for i in range(replicates) for j in range(replicates)]
                    for i, j in pairs:
                        f1 = CEILING[lang] + luck[lang] + (gains or {}).get(arm, 0.0)
                        f1 -= factor[lang] * surface(n_source, n_target, **(shape or {}))
                        f1 += sd_teacher * shared[at, i, j]
                        f1 += sd_seed * by_seed[i] + sd_draw * by_draw[j]
                        f1 = float(np.clip(f1 + sd_rest * random.normal(), 0, 1))
                        rows.append(
                            Row(
                                block,
                                lang,
                                arm,
                                design,
                                n_source,
                                n_target,
                                i,
                                j,
                                "done",
                                f1=f1,
                                precision=f1,
                                recall=f1,
                                f1_low=f1 - half,
                                f1_high=f1 + half,
                                minus_transfer=0.03,
                                minus_transfer_low=0.01,
                                minus_transfer_high=0.05,
                                seconds=10.0,
                            )
                        )
    return rows


def factors(languages: Sequence[str], sd_language: float, seed: int) -> Dict[str, float]:
    """How much of the loss each language has."""
    random = np.random.default_rng((seed, 1))
    return {lang: float(1 + sd_language * random.normal()) for lang in languages}


def fail(row: Row) -> Row:
    """The same cell, failed."""
    return replace(
        row,
        status="failed",
        reason="killed",
        f1=None,
        precision=None,
        recall=None,
        f1_low=None,
        f1_high=None,
        minus_transfer=None,
        minus_transfer_low=None,
        minus_transfer_high=None,
    )
