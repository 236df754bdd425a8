"""Look at a text before anything is trained on it: its script, its language, and how far it is from the bitext.

Each check returns a warning that shows a number and a line, or None. None of them stops a run.
"""

from collections import Counter
from functools import lru_cache
from itertools import islice
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np
from spacy.tokens import Doc

from ..languages import Code, all_codes, find_code
from ..text import comparable, composed, script_name
from .text_files import PLACE_KEY

# How the Unicode names of a script's letters begin, by its ISO 15924 code.
_SCRIPT_NAMES: Dict[str, FrozenSet[str]] = {
    "Hans": frozenset(("CJK", "BOPOMOFO")),
    "Hant": frozenset(("CJK", "BOPOMOFO")),
    "Jpan": frozenset(("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HALFWIDTH")),
    "Kore": frozenset(("HANGUL", "CJK")),
    **{
        code: frozenset((name,))
        for code, name in (
            pair.split("=")
            for pair in [
                "Latn=LATIN",
                "Cyrl=CYRILLIC",
                "Grek=GREEK",
                "Armn=ARMENIAN",
                "Geor=GEORGIAN",
                "Arab=ARABIC",
                "Hebr=HEBREW",
                "Ethi=ETHIOPIC",
                "Tfng=TIFINAGH",
                "Deva=DEVANAGARI",
                "Beng=BENGALI",
                "Guru=GURMUKHI",
                "Gujr=GUJARATI",
                "Orya=ORIYA",
                "Taml=TAMIL",
                "Telu=TELUGU",
                "Knda=KANNADA",
                "Mlym=MALAYALAM",
                "Sinh=SINHALA",
                "Olck=OL",
                "Thai=THAI",
                "Laoo=LAO",
                "Khmr=KHMER",
                "Mymr=MYANMAR",
                "Tibt=TIBETAN",
                "Hang=HANGUL",
                "Syrc=SYRIAC",
                "Thaa=THAANA",
                "Nkoo=NKO",
                "Vaii=VAI",
                "Mong=MONGOLIAN",
                "Cher=CHEROKEE",
                "Cans=CANADIAN",
                "Mtei=MEETEI",
            ]
        )
    },
}

# Scripts in daily use that FLORES-200 does not have for a language.
_ALSO = {"srp": {"Latn"}, "uzn": {"Cyrl"}, "kaz": {"Latn"}, "azj": {"Cyrl"}, "pan": {"Arab"}, "kmr": {"Arab"}}

# The most frequent function words of languages that texts of others are often mixed with, and the languages (with
# relatives that share the words) for which the check would be wrong.
_FUNCTION_WORDS = {
    "English": "the of and to in is was that for with on as by at from are were which it be this have has his her their",
    "French": "le la les des du et en un une que qui dans pour est sur au par pas avec ce aux cette",
    "Portuguese": "os as de do da dos das em no na um uma que para com não por se ao pelo pela foi",
    "Spanish": "el la los las de del en un una que por con para es se no al lo su fue más",
}
_ROMANCE = "fra por spa ita cat glg ast oci ron srd scn vec lij lmo fur ltz hat kea pap lad arg wln frp cbk"
_UNCHECKED = {**dict.fromkeys(_FUNCTION_WORDS, frozenset(_ROMANCE.split())), "English": frozenset(("eng", "sco"))}
# A line of at least five words looks like a language if a quarter of them are its function words. So do 52 to 87% of
# English lines, 5% of those in Nigerian Pidgin, and 0.5% at most in ten other languages of Africa.
_LEAST_WORDS = 5
_LINE_SHARE = 0.25
_WARN_FROM = 0.1
_ENGLISH_FROM = 0.2
_SCRIPT_FROM = 0.5
# The share of sentences that are not in NFC.
_APART_FROM = 0.2

# How many words of the bitext the words of a text are compared with.
_SAMPLE = 20_000
# Measured with MAFAND bitexts beside MasakhaNER texts (docs/inputs.md).
_FAR_FROM = 0.10
_LEAST_COMPARED = 500


class Line(NamedTuple):
    """A sentence, its words (those with a letter) in lower case and composed, and where it stands."""

    text: str
    words: List[str]
    where: str


def line_of(doc: Doc) -> Line:
    """RETURNS (Line): The sentence of a Doc, for the checks."""
    place = doc.user_data.get(PLACE_KEY, {})
    where = ":".join(str(place[name]) for name in ("file", "line") if name in place)
    return Line(doc.text, [word for token in doc if (word := _word(token.text))], where)


# A token may keep them: see `check_composition`.
_MARKS = ".,;:!?…\"'“”‘’()"


@lru_cache(maxsize=100_000)
def _word(text: str) -> str:
    """RETURNS (str): A token in lower case, without marks around it; empty unless it has a letter."""
    return comparable(text).strip(_MARKS) if any(char.isalpha() for char in text) else ""


def check_script(lines: Sequence[Line], code: str) -> Optional[str]:
    """RETURNS (Optional[str]): A warning if most letters of a text are of a script in which the language is not known
    to be written. code (str): A code of the language.
    """
    entry = find_code(code)
    names = expected_scripts(entry) if entry else frozenset()
    if entry is None or not names:
        return None
    letters: Counter = Counter()
    for line in lines:
        letters.update(char for char in line.text if char.isalpha())
    scripts: Counter = Counter()
    for char, n in letters.items():
        scripts[script_name(char)] += n
    total = sum(scripts.values())
    expected = sum(scripts[name] for name in names)
    if not total or expected >= _SCRIPT_FROM * total:
        return None
    other = next(name for name, _ in scripts.most_common() if name not in names)
    example = next(line for line in lines if any(script_name(char) == other for char in line.text))
    return (
        f"{_share(total - expected, total)} of the letters are not of a script in which {entry.name} is known to be "
        f"written ({entry.script}), mostly {other.title()}: {_shown(example)}"
    )


def expected_scripts(entry: Code) -> FrozenSet[str]:
    """RETURNS (FrozenSet[str]): How the Unicode names of a language's letters begin, in any of its scripts; empty for
    an unknown script.
    """
    scripts = {entry.script, *(other.script for other in all_codes() if other.iso3 == entry.iso3)}
    scripts |= _ALSO.get(entry.iso3, set())
    known = [_SCRIPT_NAMES.get(script) for script in scripts]
    return frozenset() if None in known else frozenset().union(*filter(None, known))


def check_language(lines: Sequence[Line], code: str) -> Optional[str]:
    """RETURNS (Optional[str]): A warning if a tenth of the lines or more look like English, French, Portuguese or
    Spanish. code (str): A code of the language that the text should be in.
    """
    entry = find_code(code)
    iso3 = entry.iso3 if entry else code
    long_enough = [line for line in lines if len(line.words) >= _LEAST_WORDS]
    for language in _FUNCTION_WORDS:
        alike = [line for line in long_enough if looks_like(line.words, language)]
        if iso3 not in _UNCHECKED[language] and alike and len(alike) >= _WARN_FROM * len(long_enough):
            name = entry.name if entry else code
            share = _share(len(alike), len(long_enough))
            return f"{share} of the sentences look like {language}, not {name}: {_shown(alike[0])}"
    return None


def check_english(lines: Sequence[Line]) -> Optional[str]:
    """RETURNS (Optional[str]): A warning if the English side of a bitext does not look like English."""
    long_enough = [line for line in lines if len(line.words) >= _LEAST_WORDS]
    alike = sum(looks_like(line.words, "English") for line in long_enough)
    if not long_enough or alike >= _ENGLISH_FROM * len(long_enough):
        return None
    other = next(line for line in long_enough if not looks_like(line.words, "English"))
    share = _share(alike, len(long_enough))
    return f"only {share} of the sentences look like English; are the two sides exchanged? {_shown(other)}"


def looks_like(words: Sequence[str], language: str) -> bool:
    """RETURNS (bool): Whether a quarter of the words are function words of a language. words: In lower case."""
    function_words = _WORD_SETS[language]
    return sum(word in function_words for word in words) >= _LINE_SHARE * len(words)


_WORD_SETS = {language: frozenset(words.split()) for language, words in _FUNCTION_WORDS.items()}


def compare_domains(text: Sequence[Line], labelled: Sequence[Line], seed: int = 0) -> Optional[Dict[str, Any]]:
    """Measure how far a text is from the labelled one: how many of its words that one does not have. A sample of the
    labelled text, compared with the rest of it, says how many that are within one domain.

    text, labelled (Sequence[Line]): Sentences of one language. seed (int): Of the draw of the sample.
    RETURNS (Optional[Dict[str, Any]]): `new_words` (share of the text's words that are not among 20,000 words of the
        labelled one, or half of it if it is smaller), `new_words_within` (the same for the rest of that), `far`
        (whether the difference is 10 points or more) and `example`, a sentence with many new words; None if either
        side has fewer than 500 words.
    """
    order = np.random.default_rng(seed).permutation(len(labelled))
    n_words = sum(len(line.words) for line in labelled)
    if min(n_words, sum(len(line.words) for line in text)) < _LEAST_COMPARED:
        return None
    shuffled = [labelled[k] for k in order]
    cumulative = np.cumsum([len(line.words) for line in shuffled])
    n_sampled = int(np.searchsorted(cumulative, min(_SAMPLE, n_words / 2))) + 1
    known = {word for line in shuffled[:n_sampled] for word in line.words}
    rest = shuffled[n_sampled:]
    if not rest:
        return None
    within, outside = _new_share(rest, known), _new_share(text, known)
    long_enough = islice((line for line in text if len(line.words) >= _LEAST_WORDS), 1000)
    example = max(long_enough, key=lambda line: _new_share([line], known), default=None)
    return {
        "new_words": round(outside, 4),
        "new_words_within": round(within, 4),
        "compared_with": int(cumulative[n_sampled - 1]),
        "far": outside - within >= _FAR_FROM,
        "example": _shown(example) if example else "",
    }


def _new_share(lines: Iterable[Line], known: set) -> float:
    words = [word for line in lines for word in line.words]
    return sum(word not in known for word in words) / max(1, len(words))


def domain_warning(distance: Dict[str, Any], what: str, labelled: str) -> str:
    """RETURNS (str): The warning for a text that is far from the labelled one. what, labelled (str): Their names."""
    new, within = (round(100 * distance[name]) for name in ("new_words", "new_words_within"))
    return (
        f"{what} is of another domain than {labelled}, which the teacher labels: {new} of 100 of its words are new to "
        f"that text, against {within} of 100 within that text itself. What a student learns there may not help here: "
        f"{distance['example']}"
    )


def check_composition(lines: Sequence[Line]) -> Optional[str]:
    """RETURNS (Optional[str]): A warning if a fifth of the sentences or more have accents apart from their letters."""
    apart = [line for line in lines if composed(line.text) != line.text]
    if not apart or len(apart) < _APART_FROM * len(lines):
        return None
    return (
        f"{_share(len(apart), len(lines))} of the sentences are not in Unicode's composed form (NFC). spaCy's tokenizers "
        "leave punctuation on words that end with an accent of its own, and to a student they are other words than the "
        f"same ones in NFC. Bring all text into NFC: {_shown(apart[0])}"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%"


def _shown(line: Line, most: int = 100) -> str:
    text = " ".join(line.text.split())
    shortened = text if len(text) <= most else f"{text[:most]}…"
    return f"{line.where}: {shortened!r}" if line.where else repr(shortened)
