"""The benchmark of the student's speed, on a few sentences."""

import spacy
from spacy.tokens import Doc

from benchmarks import student


def test_products_and_parts_of_a_few_sentences() -> None:
    docs = [Doc(spacy.blank("xx").vocab, words=["Anna", "lives", "in", "Reykjavík", "."])] * 3
    speeds = student.product_speeds(1, docs)
    assert {"blocks", "blocks, every word", "one product, BLIS"} <= set(speeds)
    assert all(speed > 0 for speed in speeds.values())
    times = student.part_times(docs, 1)
    assert set(times) == {"embedding", "windows", "tok2vec"}
    assert all(len(values) == len(student.SHORTCUTS) and min(values) > 0 for values in times.values())
