"""Label maps: what the labels of annotators and data sets become."""

from itertools import combinations

import pytest

from xner_spacy.errors import XnerError
from xner_spacy.labels import (
    AUTO,
    EVERY_LABEL,
    LABEL_MAPS,
    LABELS,
    describe_label_map,
    get_label_map,
    require_a_known_label,
)  # fmt: skip


def test_no_two_maps_say_different_things_of_one_label():
    """So `auto` need not know which map is meant."""
    for (_, one), (_, other) in combinations(LABEL_MAPS.items(), 2):
        assert all(one[label] == other[label] for label in set(one) & set(other))
    assert {label for label in EVERY_LABEL.values() if label} == set(LABELS)


@pytest.mark.parametrize("name", LABEL_MAPS)
def test_auto_does_what_the_map_of_the_labels_does(name):
    auto = get_label_map(AUTO)
    assert all(auto[label] == mapped for label, mapped in LABEL_MAPS[name].items())


def test_labels_of_which_none_is_known_are_refused():
    require_a_known_label(["PER", "GENE"], "the model")
    with pytest.raises(XnerError, match=r"No label of the model is known .*: DATE, GENE"):
        require_a_known_label(["GENE", "DATE"], "the model")


def test_what_becomes_of_labels_is_said_in_one_line():
    said = describe_label_map(["PERSON", "DATE", "FOO"], LABEL_MAPS["ontonotes"])
    assert said == "PERSON → PER; dropped: DATE; not known, and dropped: FOO"
    assert describe_label_map(["GENE"], None) == "GENE (kept as they are)"
    assert describe_label_map(["ORG"], LABEL_MAPS["conll"]) == "ORG → ORG"
