"""Column files: each layout on a few lines written as the data set has them, every scheme, and what is said of a wrong one."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xner_spacy.corpora.formats.columns import BROKEN, read_columns
from xner_spacy.corpora.formats.layouts import LAYOUTS, parse_column
from xner_spacy.corpora.formats.schemes import SCHEMES, entities_to_tags
from xner_spacy.errors import InputError, XnerError
from xner_spacy.types import Entity

CONLL2003 = """\
-DOCSTART- -X- -X- O

Peru NNP I-NP I-LOC
met VBD I-VP O
Chile NNP I-NP I-LOC
Bolivia NNP I-NP B-LOC

-DOCSTART- -X- -X- O

Snow NN I-NP O
fell VBD I-VP O
"""
CONLL2002 = """\
-DOCSTART- -DOCSTART- O
Gent N B-LOC
slaapt V O
. Punc O

De Art O
Wereld N B-ORG
Morgen N I-ORG
"""
GERMEVAL = """\
#\thttp://example.org/wiki/Rhein [2011-03-04]
1\tAm\tO\tO
2\tRhein\tB-LOC\tO
3\tFC\tB-ORG\tO
4\tBasel\tI-ORG\tB-LOC

#\thttp://example.org/wiki/Wein [2011-03-05]
1\tWein\tO\tO
"""
NORNE = """\
# sent_id = 12
# text = Ho bur i Oslo.
1\tHo\tho\tPRON\t_\t_\t2\tnsubj\t_\tname=O
2\tbur\tbu\tVERB\t_\t_\t0\troot\t_\tname=O
3-4\tiOslo\t_\t_\t_\t_\t_\t_\t_\t_
3\ti\ti\tADP\t_\t_\t4\tcase\t_\tname=O
4\tOslo\tOslo\tPROPN\t_\t_\t2\tobl\t_\tname=B-GPE_LOC|SpaceAfter=No
4.1\tgap\t_\t_\t_\t_\t_\t_\t_\t_
5\t.\t$.\tPUNCT\t_\t_\t2\tpunct\t_\tname=O

"""
CONLLUP = """\
# global.columns = ID FORM LEMMA DEMO:NE
# text = Voy al Retiro
1\tVoy\tir\tO
2-3\tal\t_\tB-LOC
2\ta\ta\tO
3\tel\tel\tB-LOC
4\tRetiro\tRetiro\tI-LOC

"""
MULTICONER = """\
# id 0a-11 domain=en
turin _ _ B-LOC
fog _ _ O

# id 0a-12 domain=en
# _ _ O
grace _ _ B-PER
"""
PANX = "sw:Ziwa\tO\nsw:Victoria\tB-LOC\n\nsw:Rais\tO\nsw:sw:x\tO\n"
PANX_NUMBERED = "0\tZiwa\tO\n1\tVictoria\tB-LOC\n\n0\tRais\tO\n1\tsw:x\tO\n"
UNER = """\
# newdoc id = demo
# sent_id = demo-1
# text = Ana vive no Porto
1\tAna\tB-PER\t-\t-
2\tvive\tO\t-\t-
3-4\tno\tO\t-\t-
3\tem\tO\t-\t-
4\to\tO\t-\t-
5\tPorto\tB-LOC\t-\t-

"""
WIKINEURAL = "0\tIl\tO\n1\tPo\tB-LOC\n\n0\tCiao\tO\n"

LOC = "LOC"


@pytest.mark.parametrize(
    "name, text, expected, counted",
    [
        (
            "conll2003",
            CONLL2003,
            [
                ("Peru met Chile Bolivia", [(0, 1, LOC), (2, 3, LOC), (3, 4, LOC)]),
                ("Snow fell", []),
            ],
            {"lines left out: -DOCSTART-": 2},
        ),
        (
            "conll2002",
            CONLL2002,
            [("Gent slaapt .", [(0, 1, LOC)]), ("De Wereld Morgen", [(1, 3, "ORG")])],
            {"lines left out: -DOCSTART-": 1},
        ),
        (
            "germeval",
            GERMEVAL,
            [("Am Rhein FC Basel", [(1, 2, LOC), (2, 4, "ORG")]), ("Wein", [])],
            {"lines left out: comments": 2, "entities left out: inner layer": 1},
        ),
        (
            "norne",
            NORNE,
            [("Ho bur i Oslo .", [(3, 4, "GPE_LOC")])],
            {
                "lines left out: comments": 2,
                "lines left out: ranges of words (2-3)": 1,
                "lines left out: empty nodes (2.1)": 1,
            },
        ),
        (
            "conllup",
            CONLLUP,
            [("Voy a el Retiro", [(2, 4, LOC)])],
            {
                "lines left out: comments": 2,
                "lines left out: ranges of words (2-3)": 1,
                "tags left out with ranges and empty nodes": 1,
            },
        ),
        (
            "multiconer",
            MULTICONER,
            [("turin fog", [(0, 1, LOC)]), ("# grace", [(1, 2, "PER")])],
            {"lines left out: comments": 2},
        ),
        ("panx", PANX, [("Ziwa Victoria", [(1, 2, LOC)]), ("Rais sw:x", [])], {}),
        ("panx", PANX_NUMBERED, [("Ziwa Victoria", [(1, 2, LOC)]), ("Rais sw:x", [])], {}),
        (
            "uner",
            UNER,
            [("Ana vive em o Porto", [(0, 1, "PER"), (4, 5, LOC)])],
            {"lines left out: comments": 3, "lines left out: ranges of words (2-3)": 1},
        ),
        ("wikineural", WIKINEURAL, [("Il Po", [(1, 2, LOC)]), ("Ciao", [])], {}),
        ("conll", "Peru NNP B-LOC\n\nx y z O\n", [("Peru", [(0, 1, LOC)]), ("x", [])], {}),
        ("iob1", "Peru\tI-LOC\nChile\tB-LOC\n", [("Peru Chile", [(0, 1, LOC), (1, 2, LOC)])], {}),
        ("iob2", "-DOCSTART-\tO\n\nPeru\tB-LOC\n", [("Peru", [(0, 1, LOC)])],
         {"lines left out: -DOCSTART-": 1}),
    ],
)  # fmt: skip
def test_the_layouts_of_data_sets(tmp_path, name, text, expected, counted):
    for windows in (False, True):
        path = tmp_path / "x"
        path.write_bytes((text.replace("\n", "\r\n") if windows else text).encode("utf8"))
        counts = Counter()
        found = list(read_columns(path, LAYOUTS[name], counts=counts))
        assert [(" ".join(s.words), [tuple(e[:3]) for e in s.entities]) for s in found] == expected
        lines = counts.pop("Windows line ends (CRLF) read as line ends", 0)
        assert lines == (text.count("\n") if windows else 0)
        assert +counts == counted


def columns(tmp_path, text, **changes):
    path = tmp_path / "x"
    path.write_text(text, encoding="utf8")
    layout = replace(LAYOUTS["conll"], **changes)
    return [(s.words, [tuple(e[:3]) for e in s.entities]) for s in read_columns(path, layout)]


@pytest.mark.parametrize("token, tag", [(2, 3), (-3, -2), ("2", "3"), (-3, 3)])
def test_columns_count_from_one_or_from_the_end(tmp_path, token, tag):
    text = "7 Oslo B-LOC x\n8 regnar O x\n"
    token, tag = (parse_column(str(c), "--token-column") for c in (token, tag))
    assert columns(tmp_path, text, token=token, tag=tag) == [(["Oslo", "regnar"], [(0, 1, LOC)])]


def test_column_zero_and_no_column_are_refused():
    for text in ("0", "-0", "", " "):
        with pytest.raises(XnerError, match="--tag-column"):
            parse_column(text, "--tag-column")


def test_columns_by_name(tmp_path):
    name = {**vars(LAYOUTS["conllu"])}
    text = "# global.columns = ID FORM A B\n1\tOslo\tO\tB-LOC\n\n"
    for column, entities in (("B", [(0, 1, LOC)]), ("A", [])):
        found = columns(tmp_path, text, **{**name, "tag": column})
        assert found == [(["Oslo"], entities)]
    with pytest.raises(InputError, match=r"columns: ID, FORM, A, B.*--tag-column"):
        columns(tmp_path, text, **name)
    with pytest.raises(InputError, match="there is no column 'C'; there are: ID, FORM, A, B"):
        columns(tmp_path, text, **{**name, "tag": "C"})
    with pytest.raises(InputError, match=r"MISC has: NE, SpaceAfter.*MISC:key"):
        columns(tmp_path, "1\tOslo" + "\t_" * 7 + "\tNE=B-LOC|SpaceAfter=No\n", **name)
    with pytest.raises(InputError, match="no row has name= in its column MISC"):
        columns(
            tmp_path,
            "1\tOslo" + "\t_" * 7 + "\tNE=B-LOC\n",
            **{**name, "tag": "MISC:name"},
        )


def test_comments_are_lines_that_are_no_row(tmp_path):
    text = "# a comment\n#tag O\nx B-PER\n# another one\n# O\n"
    assert columns(tmp_path, text, comments=True) == [(["#tag", "x", "#"], [(1, 2, "PER")])]
    with pytest.raises(InputError, match=r"'comment' is not an IOB2 tag.*--comments"):
        columns(tmp_path, text)


def render(tags, scheme):
    """Valid IOB2 tags in another scheme, written without a look at the reader's code."""
    out = []
    for k, tag in enumerate(tags):
        after = tags[k + 1] if k + 1 < len(tags) else "O"
        goes_on = after.startswith("I-")
        before = tags[k - 1] if k else "O"
        mark, label = tag[:2], tag[2:]
        if tag == "O" or scheme == "iob2":
            out.append(tag)
        elif scheme == "iob1":
            out.append((mark if mark == "B-" and before[2:] == label else "I-") + label)
        else:
            last, single = ("E-", "S-") if scheme == "bioes" else ("L-", "U-")
            if mark == "B-":
                out.append((mark if goes_on else single) + label)
            else:
                out.append(("I-" if goes_on else last) + label)
    return out


@st.composite
def tagged(draw):
    n = draw(st.integers(1, 9))
    entities, position = [], 0
    while position < n:
        start = draw(st.integers(position, n - 1))
        end = draw(st.integers(start + 1, n))
        if draw(st.booleans()):
            entities.append(Entity(start, end, draw(st.sampled_from(["PER", "A-B", "x y"]))))
        position = end
    return n, entities


@given(st.lists(tagged(), min_size=1, max_size=4), st.sampled_from(SCHEMES))
def test_every_scheme_says_the_same(tmp_path_factory, sentences, scheme):
    blocks = []
    for n, entities in sentences:
        tags = render(entities_to_tags(n, entities), scheme)
        blocks.append("".join(f"w{k}x\t{tag}\n" for k, tag in enumerate(tags)))
    path = tmp_path_factory.mktemp("x") / "x"
    path.write_text("\n".join(blocks), encoding="utf8")
    layout = replace(LAYOUTS["iob2"], scheme=scheme)
    assert [s.entities for s in read_columns(path, layout)] == [e for _, e in sentences]


@pytest.mark.parametrize(
    "scheme, tags, line, said",
    [
        ("iob2", "B-A E-A", 2, "--scheme bioes"),
        ("iob2", "S-A", 1, "--scheme bioes"),
        ("iob2", "U-A", 1, "--scheme bilou"),
        ("bioes", "B-A L-A", 2, "--scheme bilou"),
        ("bilou", "B-A E-A", 2, "--scheme bioes"),
        ("iob2", "I-A", 1, "--scheme iob1"),
        ("bioes", "B-A O", 2, "not closed by E-A"),
        ("bioes", "B-A B-A E-A", 2, "--scheme iob2"),
        ("bilou", "B-A", 1, "not closed by L-A"),
        ("bioes", "I-A E-A", 1, "without a B-A"),
        ("bioes", "B-A E-B", 2, "without a B-B"),
        ("bioes", "S-A E-A", 2, "without a B-A"),
        ("iob1", "X-A", 1, "not an IOB1 tag"),
        ("bioes", "_", 1, "--tag-column"),
        ("iob2", "B-\x1b[2J", 1, "can't be seen"),
    ],
)
def test_a_wrong_scheme_names_the_option(tmp_path, scheme, tags, line, said):
    text = "".join(f"w\t{tag}\n" for tag in tags.split(" "))
    with pytest.raises(InputError, match=said) as info:
        columns(tmp_path, text, scheme=scheme)
    assert info.value.line == line


@pytest.mark.parametrize(
    "tags, expected, counted",
    [
        ("B-A O", [(0, 1, "A")], {"repaired unclosed entity": 1}),
        ("I-A E-A", [(0, 2, "A")], {"repaired I- without B-": 1}),
        ("E-A O B-A E-A", [(0, 1, "A"), (2, 4, "A")], {"repaired E- without B-": 1}),
    ],
)
def test_broken_bioes_is_mended_and_counted(tmp_path, tags, expected, counted):
    path = tmp_path / "x"
    path.write_text("".join(f"w\t{tag}\n" for tag in tags.split(" ")))
    counts = Counter()
    layout = replace(LAYOUTS["iob2"], scheme="bioes")
    [found] = read_columns(path, layout, repair=True, counts=counts)
    assert [tuple(e[:3]) for e in found.entities] == expected
    assert +counts == counted


@pytest.mark.parametrize(
    "name, text, said",
    [
        ("iob2", PANX, "--from panx"),
        ("conll", "sw:a O\n\nsw:b O\n", "--from panx"),
        ("panx", "Ziwa\tO\n", "--from iob2"),
        ("panx", "sw:Ziwa\tO\nTana\tO\n", "does not begin with 'sw:'"),
        ("iob2", CONLL2003.split("\n", 2)[2], "conll2003"),
        ("conll", GERMEVAL, "not an IOB2 tag"),
        ("conll", GERMEVAL.split("\n", 1)[1].replace("#", "").split("\n\n")[0], "--from germeval"),
        ("conll", WIKINEURAL + "1\tx\tO\n2\ty\tO\n", "numbers that count up"),
        ("uner", "Ana\tx\tO\n", "number of a token"),
        ("wikineural", "0\tIl\tO\tx\n", "has 4 columns where 3"),
        ("conll2003", "Peru\tO\n", "has 2 columns where 4 or 5"),
    ],
)
def test_a_wrong_layout_is_refused(tmp_path, name, text, said):
    path = tmp_path / "x"
    path.write_text(text, encoding="utf8")
    with pytest.raises(InputError, match=said):
        list(read_columns(path, LAYOUTS[name]))


def test_numbers_as_tokens_are_no_fault_where_others_are_too(tmp_path):
    text = "1\tO\n2\tO\n3\tO\n\ngo\tO\n"
    path = tmp_path / "x"
    path.write_text(text)
    assert [s.words for s in read_columns(path)] == [["1", "2", "3"], ["go"]]


def test_characters_that_others_cut_at_are_part_of_a_token(tmp_path):
    words = ["a\u00a0b", "c\u2028d", "e\u0085f", "g\u3000h"]
    text = "".join(f"{word} O\n" for word in words)
    assert columns(tmp_path, text) == [(words, [])]


def test_an_entity_label_docstart_is_a_token(tmp_path):
    assert columns(tmp_path, "-DOCSTART- B-ORG\n\nx -DOCSTART- O\n")[0] == (
        ["-DOCSTART-"],
        [(0, 1, "ORG")],
    )


def test_ranges_and_empty_nodes_need_a_word(tmp_path):
    text = "1 va O\n2-3 al O\n2 a O\n3 el B-X\n3.1 y O\n"
    with pytest.raises(InputError, match="--numbered, or --no-numbered") as info:
        columns(tmp_path, text, token=2)
    assert info.value.line == 2
    assert columns(tmp_path, text, token=2, numbered=True)[0][0] == ["va", "a", "el"]
    assert columns(tmp_path, text, token=2, numbered=False)[0][0] == ["va", "al", "a", "el", "y"]
    assert columns(tmp_path, "2-3 x O\n3.1 y B-X\n")[0][0] == ["2-3", "3.1"]


@given(
    st.text(alphabet="aO-BIESU#\t 12.\n\r\u200b|=:xs", max_size=60),
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(SCHEMES),
    st.booleans(),
)
def test_any_text_is_read_or_refused(tmp_path_factory, text, name, scheme, repair):
    path = tmp_path_factory.mktemp("x") / "x"
    path.write_text(text, encoding="utf8", newline="")
    layout = replace(LAYOUTS[name], scheme=scheme, tag=LAYOUTS[name].tag or 3)
    try:
        found = list(read_columns(path, layout, repair=repair))
    except InputError as error:
        assert error.path == str(path)
        return
    assert found
    for sentence in found:
        entities_to_tags(len(sentence.words), sentence.entities)  # inside, and none overlaps another
        assert all(word.strip("\u200b \t") for word in sentence.words)


GOOD_ROWS = st.lists(st.sampled_from(["a O", "b B-X", "b B-X\nc I-X", "É B-Y"]), min_size=1, max_size=3)
BAD_ROWS = st.sampled_from([" O", "x", "x Z-X", "x B-", "x y O", "x I-X", "\u200b O"])


@given(st.lists(st.tuples(GOOD_ROWS, st.none() | st.tuples(BAD_ROWS, st.integers(0, 3))), min_size=1, max_size=8))
def test_broken_sentences_are_left_out_and_counted(tmp_path_factory, blocks):
    folder = tmp_path_factory.mktemp("x")

    def write(name, sentences):
        (folder / name).write_text("\n\n".join("\n".join(rows) for rows in sentences), encoding="utf8")
        return folder / name

    good = [rows for rows, bad in blocks if bad is None]
    sentences, first_bad, line = [], None, 1
    for rows, bad in blocks:
        if bad is not None:
            row, place = bad
            # An I- after a row of its own label would go on with it.
            place = 0 if row == "x I-X" else min(place, len(rows))
            first_bad = first_bad or line + sum(1 + before.count("\n") for before in rows[:place])
            rows = [*rows[:place], row, *rows[place:]]
        sentences.append(rows)
        line += sum(1 + row.count("\n") for row in rows) + 1
    path, counts = write("x.iob", sentences), Counter()
    n_broken = len(blocks) - len(good)
    if n_broken > len(good):  # another layout, rather
        with pytest.raises(InputError) as info:
            list(read_columns(path, broken="skip"))
        assert info.value.line == first_bad
        return
    found = list(read_columns(path, broken="skip", counts=counts))
    expected = list(read_columns(write("good.iob", good)))
    assert [(s.words, s.entities) for s in found] == [(s.words, s.entities) for s in expected]
    assert counts[BROKEN] == n_broken


def test_what_concerns_the_whole_file_is_refused_also_where_broken_sentences_are_skipped(tmp_path, caplog):
    path = tmp_path / "x.iob"
    path.write_text("a O\n\n\nb O\n O\n\nc B-X\n")
    assert [s.words for s in read_columns(path, broken="skip")] == [["a"], ["c"]]
    assert "x.iob:5: has 1 column" in caplog.text and "1 sentences left out" in caplog.text
    path.write_text("".join(f"sw:{k} O\n\n" for k in range(60)))
    with pytest.raises(InputError, match="every token begins with 'sw:'"):
        list(read_columns(path, broken="skip"))
    path.write_bytes(b"a O\n\n\xff O\n")
    with pytest.raises(InputError, match="is not UTF-8"):
        list(read_columns(path, broken="skip"))


@pytest.mark.parametrize("odd", ["\u00a0", "\u3000", "\u2028", "\x0c"])
def test_a_line_of_odd_space_alone_ends_no_sentence(tmp_path, odd):
    path = tmp_path / "x.iob"
    path.write_text(f"a\tO\n{odd}\nb\tO\n", encoding="utf8")
    with pytest.raises(InputError, match=r"x\.iob:2: has 1 column"):
        list(read_columns(path))
