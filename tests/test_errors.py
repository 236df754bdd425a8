"""Errors go through other processes as they are."""

import copy
import pickle

import pytest

from xner_spacy.errors import InputError, MissingExtraError, XnerError, in_one_line, require
from xner_spacy.study.design.input_files import InputChanged


@pytest.mark.parametrize(
    "error",
    [
        XnerError("No.", "Try again."),
        XnerError("No."),
        InputError("is empty.", "a.iob", 3, "Fill it."),
        MissingExtraError("Reading parquet", "parquet"),
        InputChanged("has changed.", "a.spacy"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_in_another_process(error):
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error) and str(other) == str(error)
        assert (other.message, other.hint) == (error.message, error.hint)


def test_require():
    require(True, "No.")
    with pytest.raises(XnerError, match=r"^No\. Try again\.$"):
        require(0, "No.", "Try again.")


def test_in_one_line():
    assert in_one_line(ValueError("a\n  b\tc"), 4) == "a b "
    assert in_one_line(ValueError()) == ""
