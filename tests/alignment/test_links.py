import pytest

from xner_spacy.alignment.external.stored_links import StoredLinks
from xner_spacy.errors import InputError, XnerError

PAIRS = [(["a", "b"], ["x", "y"]), (["c"], ["z"]), (["d", "e"], ["w"])]


@pytest.fixture()
def files(tmp_path):
    (tmp_path / "l").write_text("0-0 1-1\n\n1-0\n")
    (tmp_path / "s").write_text("a b\nc\nd e\n")
    (tmp_path / "t").write_text("x y\nz\nw\n")
    return tmp_path


def test_line_n_for_pair_n(files):
    found = [a.to_pharaoh() for a in StoredLinks(str(files / "l"))(PAIRS)]
    assert found == ["0-0 1-1", "", "1-0"]


def test_reversed(files):
    (files / "l").write_text("0-1\n\n0-1\n")
    found = [a.to_pharaoh() for a in StoredLinks(str(files / "l"), reverse=True)(PAIRS)]
    assert found == ["1-0", "", "1-0"]


def test_looked_up_in_any_order(files):
    part = StoredLinks(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    assert [a.to_pharaoh() for a in part([PAIRS[2], PAIRS[0], PAIRS[2]])] == [
        "1-0",
        "0-0 1-1",
        "1-0",
    ]
    with pytest.raises(XnerError, match="No stored links for the sentence 'q'"):
        list(part([(["a"], ["q"])]))


def test_texts_that_do_not_fit(files):
    (files / "t").write_text("x y\nz\n")
    part = StoredLinks(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    with pytest.raises(InputError, match="has 3 lines and"):
        list(part(PAIRS))
    with pytest.raises(XnerError, match="both texts"):
        StoredLinks(str(files / "l"), source=str(files / "s"))


def test_links_outside_the_pair(files):
    (files / "l").write_text("0-0 1-1\n5-0\n1-0\n")
    with pytest.raises(InputError, match="link 5-0 is outside") as info:
        list(StoredLinks(str(files / "l"))(PAIRS))
    assert info.value.line == 2


def test_pairs_of_any_sequence(files):
    """Lists in place of tuples ended in an AssertionError."""
    lists = [[list(source), tuple(target)] for source, target in PAIRS]
    assert [a.to_pharaoh() for a in StoredLinks(str(files / "l"))(lists)] == ["0-0 1-1", "", "1-0"]
    part = StoredLinks(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    assert [a.to_pharaoh() for a in part(lists)] == ["0-0 1-1", "", "1-0"]


def test_every_file_is_named(files):
    names = [str(files / name) for name in "lst"]
    assert StoredLinks(names[0]).files == names[:1]
    assert StoredLinks(names[0], source=names[1], target=names[2]).files == names


def test_other_forms(files):
    (files / "l").write_text("1-1 2p1\n\n1-2\n")
    for possible, first in (("keep", "0-0 0-1"), ("drop", "0-0")):
        part = StoredLinks(str(files / "l"), reverse=True, one_indexed=True, possible=possible)
        found = list(part(PAIRS))
        assert [a.to_pharaoh() for a in found] == [first, "", "1-0"]
    with pytest.raises(XnerError, match="keep, drop or refuse"):
        StoredLinks(str(files / "l"), possible="perhaps")
    with pytest.raises(InputError, match="possible links"):
        list(StoredLinks(str(files / "l"), reverse=True, one_indexed=True)(PAIRS))


def test_a_token_with_a_space_is_not_two(files):
    """Pairs were looked up by their tokens joined with spaces."""
    part = StoredLinks(str(files / "l"), source=str(files / "s"), target=str(files / "t"))
    with pytest.raises(XnerError, match="No stored links"):
        list(part([(["a b"], ["x", "y"])]))
