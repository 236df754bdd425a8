"""How worker processes share the machine; what they do is in `test_annotate*.py`."""

import os
from typing import Any

import pytest

from xner_spacy.corpora.engines.local import NUMPY_THREADS, share_cores


@pytest.mark.parametrize("cores, workers, threads", [(8, 2, "4"), (8, 3, "2"), (2, 4, "1"), (1, 1, "1")])
def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, threads: str) -> None:
    for name in NUMPY_THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    environment = share_cores(workers)
    assert environment == {**os.environ, "OPENBLAS_NUM_THREADS": threads}
    # Where the system does not tell which cores are ours, all are.
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert share_cores(workers) == environment


@pytest.mark.parametrize("name", NUMPY_THREADS)
def test_what_somebody_has_set_is_left_alone(monkeypatch: Any, name: str) -> None:
    for other in NUMPY_THREADS:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "7")
    assert share_cores(2) == dict(os.environ)
