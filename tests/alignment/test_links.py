import pytest

from xner_spacy.alignment.links import make_links
from xner_spacy.errors import InputError, XnerError

PAIRS = [(["a", "b"], ["x", "y"]), (["c"], ["z"]), (["d", "e"], ["w"])]


@pytest.fixture()
def files(tmp_path):
    (tmp_path / "l").write_text("0-0 1-1\n\n1-0\n")
    (tmp_path / "s").write_text("a b\nc\nd e\n")
    (tmp_path / "t").write_text("x y\nz\nw\n")
    return tmp_path


def test_line_n_for_pair_n(files):
    found = [a.to_pharaoh() for a in make_links(str(files / "l"))(PAIRS)]
    assert found == ["0-0 1-1", "", "1-0"]


def test_reversed(files):
    (files / "l").write_text("0-1\n\n0-1\n")
    found = [a.to_pharaoh() for a in make_links(str(files / "l"), reverse=True)(PAIRS)]
    assert found == ["1-0", "", "1-0"]


def test_looked_up_in_any_order(files):
    part = make_links(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    assert [a.to_pharaoh() for a in part([PAIRS[2], PAIRS[0], PAIRS[2]])] == [
        "1-0",
        "0-0 1-1",
        "1-0",
    ]
    with pytest.raises(XnerError, match="No stored links for the sentence 'q'"):
        list(part([(["a"], ["q"])]))


def test_texts_that_do_not_fit(files):
    (files / "t").write_text("x y\nz\n")
    part = make_links(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    with pytest.raises(InputError, match="has 3 lines and"):
        list(part(PAIRS))
    with pytest.raises(XnerError, match="both texts"):
        make_links(str(files / "l"), source=str(files / "s"))


def test_links_outside_the_pair(files):
    (files / "l").write_text("0-0 1-1\n5-0\n1-0\n")
    with pytest.raises(InputError, match="link 5-0 is outside") as info:
        list(make_links(str(files / "l"))(PAIRS))
    assert info.value.line == 2
