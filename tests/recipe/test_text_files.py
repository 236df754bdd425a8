"""How raw text and column files are laid out is found out, and no character is lost."""

import gzip
from collections import Counter

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recipe.projects import make_project
from xner_spacy.errors import InputError
from xner_spacy.recipe.columns_layout import guess_layout
from xner_spacy.recipe.folders import sort_by_kind
from xner_spacy.recipe.sentences import SentenceSplitter
from xner_spacy.recipe.text_files import PLACE_KEY, TextReader, find_layout, read_raw

NLP = spacy.blank("xx")
SPLIT = SentenceSplitter(NLP)
LONG = [
    "Ada went to the market in Kampala and bought a basket of ripe bananas",
    "for her mother. She had not seen her brother Bob since the rains began,",
    "and nobody in the village knew where he was. Then a letter came from",
    "Jinja, which said that he was well.",
]

lines = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\r\0"), max_size=40
) | st.sampled_from(["", "A. B.", "one. two! Three?", "और। क्या?", "goes on", "  Dr. X.  "])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=12))
def test_no_sentence_is_lost(tmp_path, text_lines):
    path = tmp_path / "a.txt"
    text = "\n".join(text_lines)
    path.write_text(text, encoding="utf8", newline="\n")
    layout, sentences = read_raw(path, SPLIT, Counter())
    # A byte order mark at the beginning of a file is no part of its text.
    whole = "".join(text.removeprefix("\ufeff").split())
    assert "".join("".join(sentence.text.split()) for sentence in sentences) == whole
    assert all(sentence.text.strip() == sentence.text != "" for sentence in sentences)
    numbers = [sentence.line for sentence in sentences]
    assert numbers == sorted(numbers) and all(1 <= number <= len(text_lines) for number in numbers)
    if layout == "a sentence a line":
        assert [sentence.text for sentence in sentences] == [
            line.strip() for line in text.removeprefix("\ufeff").split("\n") if line.strip()
        ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, max_size=6))
def test_docs_are_their_sentences(tmp_path, text_lines):
    path = make_project(tmp_path, {"text/a.txt": "\n".join(text_lines)}) / "text/a.txt"
    counts: Counter = Counter()
    _, sentences = read_raw(path, SPLIT, Counter())
    _, docs = TextReader(NLP, tmp_path, counts).read(path, "text")
    n_left_out = sum(n for reason, n in counts.items() if reason.startswith("sentences left out"))
    assert len(docs) + n_left_out == len(sentences)
    if not n_left_out:
        assert [doc.text for doc in docs] == [sentence.text for sentence in sentences]
    assert all(doc.user_data[PLACE_KEY]["file"] == "text/a.txt" for doc in docs)


def test_layouts():
    assert find_layout([["Ada went.", "Bob stayed.", "So did Jane"]], SPLIT) == "a sentence a line"
    assert find_layout([["Ada went. Bob stayed.", "So did Jane. Why?"]], SPLIT) == "a paragraph a line"
    assert find_layout([LONG, LONG], SPLIT) == "wrapped paragraphs"
    assert find_layout([[line.lower() for line in LONG * 3]], SPLIT) == "wrapped paragraphs"
    # Lines without marks and capitals, of all lengths, are sentences.
    assert find_layout([["ada went", "bob stayed where he had been before", "so", "why not", "i see"]], SPLIT) == (
        "a sentence a line"
    )
    assert find_layout([], SPLIT) == "a sentence a line"


def test_wrapped_lines_are_joined(tmp_path):
    path = make_project(tmp_path, {"a.txt": [*LONG, "", *LONG]}) / "a.txt"
    _, sentences = read_raw(path, SPLIT, Counter())
    assert sentences[0].text == f"{LONG[0]} for her mother."
    assert [(sentence.line, sentence.paragraph) for sentence in sentences] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (6, 2),
        (7, 2),
        (8, 2),
    ]


def test_wrapped_lines_of_a_script_without_spaces(tmp_path):
    rows = [
        "今天天气很好我们去公园散步看见很多人在那里",
        "唱歌跳舞非常开心。后来下雨了我们就回家了然后",
        "一起吃晚饭看电视直到很晚才睡觉因为明天不用",
        "上班所以大家都很放松而且心情很好真的是很棒",
        "的一天我希望以后还有这样的机会和大家一起玩",
        "耍。",
    ]
    path = make_project(tmp_path, {"a.txt": rows}) / "a.txt"
    layout, sentences = read_raw(path, SPLIT, Counter())
    assert layout == "wrapped paragraphs" and len(sentences) == 2
    assert sentences[0].text == rows[0] + "唱歌跳舞非常开心。"


def test_json_lines_and_gzip(tmp_path):
    root = make_project(
        tmp_path, {"a.jsonl": ['{"text": "Ada went. Bob stayed.\\n\\nWhy?"}'], "b.txt.gz": gzip.compress(b"One.\n")}
    )
    reader = TextReader(NLP, root, Counter())
    files, others = sort_by_kind([root / "a.jsonl", root / "b.txt.gz", root / "c.pdf"])
    assert others == [root / "c.pdf"]
    docs = [doc for path, kind in files for doc in reader.read(path, kind)[1]]
    assert [doc.text for doc in docs] == ["Ada went.", "Bob stayed.", "Why?", "One."]
    assert docs[2].user_data[PLACE_KEY] == {"file": "a.jsonl", "line": 1, "paragraph": 2}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["Ada B-PER", "ali O"], "IOB2, token in column 1, tag in 2"),
        (["Ada\tNNP\tI-PER", "ali\tVB\tO", "", "Bob\tNNP\tI-PER"], "IOB1, token in column 1, tag in 3"),
        (["1\tAda\tB-PER\t-\t-", "2\tali\tO\t-\t-"], "IOB2, token in column 2, tag in 3"),
        (["Ada\tS-PER", "ali\tO"], "BIOES, token in column 1, tag in 2"),
        (["# id = 1", "sw:Ada\tB-PER", "sw:ali\tO"], "IOB2, token in column 1, tag in 2"),
    ],
)
def test_columns(tmp_path, rows, words):
    path = make_project(tmp_path, {"a.conll": rows}) / "a.conll"
    assert guess_layout(path).words == words
    _, docs = TextReader(NLP, tmp_path, Counter()).read(path, "columns")
    assert [token.text for token in docs[0]][:1] == ["Ada"]


def test_numbers_without_a_tag_column(tmp_path):
    path = make_project(tmp_path, {"a.conll": ["1 Ada", "2 ali"]}) / "a.conll"
    with pytest.raises(InputError, match="has no column of tags"):
        guess_layout(path)
