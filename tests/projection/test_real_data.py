"""Another system's links and predictions, where the shared data is present."""

from pathlib import Path

import pytest

from xner_spacy.projection.matching.candidate_matching import MatchingProjector
from xner_spacy.projection.matching.scores import AlignScore
from xner_spacy.projection.matching.solvers import solve_milp

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(scope="module")
def bambara():
    benchmark = pytest.importorskip("benchmarks.projection_corpora")
    found = benchmark.transalign(DATA)
    if found is None:
        pytest.skip(f"no transalign-bam in {DATA}")
    return found


def test_neural_links(bambara):
    corpus, alignments, _ = bambara
    pairs = corpus.pairs(alignments)
    projector = MatchingProjector()
    projector.train(pairs)
    assert corpus.score(projector(pairs), samples=1)["f1"] >= 0.60
    # Untrained it is still better than the links' own greedy use. It can't tell articles from prepositions then, and
    # takes more of the source model's wrong names along.
    plain = corpus.score(MatchingProjector()(pairs), samples=1)["f1"]
    assert plain > corpus.score(MatchingProjector(solver="greedy")(pairs), samples=1)["f1"] + 0.015


@pytest.mark.parametrize("constraint", ["<=", "=", ">="])
def test_optimum_is_highs(bambara, constraint):
    corpus, alignments, _ = bambara
    projector = MatchingProjector(scores={"align": AlignScore()}, constraint=constraint)
    limits = projector.limits
    for chosen, options in projector.match(corpus.pairs(alignments)[:250]):
        peer = solve_milp(options, limits.low, limits.high)
        assert sum(c.score for c in chosen) == pytest.approx(sum(c.score for c in peer), abs=1e-6)
