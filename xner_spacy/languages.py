"""Language codes: one table for spaCy, Apertium, translation models and data sets; and the tokenizer of each language.

The codes are ISO 639-3 (the macrolanguage where a data set means it: swa, msa, fas, ara), ISO 639-1, FLORES-200 (used
by NLLB-200; it names the individual language and the script: swh_Latn, zsm_Latn, pes_Arab) and spaCy's. The table
(`languages.tsv`) holds the languages of FLORES-200, NLLB-200 and M2M-100, the 39 languages of XTREME, the 20 of
MasakhaNER 2.0, and those that spaCy has a class for. NLLB has neither Ghomala nor Nigerian Pidgin.
"""

import csv
import difflib
import re
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Set, Tuple, Type

import spacy
from spacy.language import Language
from spacy.util import get_lang_class
from spacy.vocab import Vocab, create_vocab

from .errors import XnerError, in_one_line
from .text import UNSPACED


class Code(NamedTuple):
    """One language, in one script."""

    iso3: str  # ISO 639-3
    iso1: str  # ISO 639-1, or "" where it has none
    name: str  # in English
    flores: str  # FLORES-200, or "" where NLLB lacks it
    spacy: str  # spaCy's code, "xx" where spaCy has no class
    script: str  # ISO 15924


def _read_table() -> Tuple[List[List[Code]], Dict[str, str]]:
    """Read every language in each of its scripts, the usual one first, and the ISO 639-3 code of each alias. An alias
    is another code for a language: an individual language of a macrolanguage, or the reverse, or an outdated code.
    """
    languages: List[List[Code]] = []
    aliases: Dict[str, str] = {}
    with Path(__file__).with_name("languages.tsv").open(encoding="utf8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            languages.append([])
            for flores in row["flores"].split(","):
                # "-_Grek" is a script without a code of FLORES.
                flores, script = ("", flores[2:] or "Latn") if flores[0] == "-" else (flores, flores[4:])
                code = Code(row["iso3"], row["iso1"], row["name"], flores, row["spacy"], script)
                languages[-1].append(code)
            aliases.update((alias, row["iso3"]) for alias in row["aliases"].split(",") if alias)
    return languages, aliases


_ENTRIES, _ALIASES = _read_table()
CODES: Dict[str, Code] = {entries[0].iso3: entries[0] for entries in _ENTRIES}
# Other tools name a region instead of the script of Chinese.
_REGIONS = {"TW": "Hant", "HK": "Hant", "MO": "Hant", "CN": "Hans", "SG": "Hans"}

# If several languages have the same code, the first in the table has it.
_BY_CODE: Dict[str, Code] = {
    code: entry
    for entries in reversed(_ENTRIES)
    for entry in reversed(entries)
    for code in (entry.flores, entry.iso1, entry.iso3)
    if code
}


def all_codes() -> List[Code]:
    """RETURNS (List[Code]): Every language of the table, in each of its scripts."""
    return [entry for entries in _ENTRIES for entry in entries]


def find_code(code: str) -> Optional[Code]:
    """RETURNS (Optional[Code]): The language of an ISO 639-3, ISO 639-1 or FLORES-200 code, or of a tag made of them
    ("zh-Hant", "zh_TW", "pt-BR"), in the script that it names; or None.
    """
    if code in _BY_CODE:
        return _BY_CODE[code]
    lang, *rest = re.split("[-_]", code)
    lang = _ALIASES.get(lang.lower(), lang.lower())
    entry = _BY_CODE.get(lang)
    if entry is None or not all(part.isalnum() for part in rest):
        return None
    script = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    if not script and entry.iso3 == "zho":
        script = next((_REGIONS[part.upper()] for part in rest if part.upper() in _REGIONS), "")
    if not script or script == entry.script:
        return entry
    # The script may be one that FLORES lacks for this language ("srp_Latn").
    flores = f"{entry.flores[:3]}_{script}"
    return _BY_CODE.get(flores) or entry._replace(flores="", script=script)


def codes_of(code: str) -> FrozenSet[str]:
    """RETURNS (FrozenSet[str]): All codes of a language in lower case: the given one, ISO 639-1 and -3, FLORES-200 in
    each script with and without it, and aliases; for an unknown language the given code alone.
    """
    entry = find_code(code)
    codes = {code}
    if entry is not None:
        codes |= {entry.iso3, entry.iso1}
        codes |= {alias for alias, iso3 in _ALIASES.items() if iso3 == entry.iso3}
        for script in all_codes():
            if script.iso3 == entry.iso3 and script.flores:
                codes |= {script.flores, script.flores[:3]}
    return frozenset(name.lower() for name in codes if name)


def unknown_language(code: str) -> XnerError:
    """RETURNS (XnerError): The error for an unknown language, which suggests similar codes and names."""
    names = {entry.name.lower(): entry for entry in CODES.values()}
    entries_by_key = {**_BY_CODE, **names}
    wanted = code.lower()
    similar_keys = difflib.get_close_matches(wanted, entries_by_key, n=12, cutoff=0.6)
    similar_keys += [name for name in names if wanted in re.split("[ -]", name)]
    similar = [entries_by_key[key] for key in similar_keys]
    suggestions = list(dict.fromkeys(f"{entry.iso3} ({entry.name})" for entry in similar))[:4]
    suggestion = f"Did you mean {', '.join(suggestions)}? " if suggestions else ""
    hint = f"{suggestion}`xner info --languages` lists the codes; 'xx' stands for any other language."
    return XnerError(f"Unknown language {code!r}.", hint)


def model_code(lang: str, available: Iterable[str], model: str) -> str:
    """Find a translation model's code for a language, given a code of the table or one of the model's own.

    available (Iterable[str]): The model's codes: FLORES-200 (NLLB), or ISO 639-1 and -3 (M2M-100).
    model (str): The model's name, for the message. RAISES: XnerError that lists what the model has.
    """
    known: Set[str] = set(available)
    if lang in known:
        return lang
    entry = find_code(lang)
    if entry is not None:
        aliases = [alias for alias, iso3 in _ALIASES.items() if iso3 == entry.iso3]
        names = list(dict.fromkeys(filter(None, (entry.flores[:3], entry.iso1, entry.iso3, *aliases))))
        for code in (entry.flores, *names, *(f"{name}_{entry.script}" for name in names)):
            if code and code in known:
                return code
        # The model may have the language only in another script, such as Serbian only in Cyrillic.
        other_scripts = sorted(code for code in known if code.partition("_")[0] in names)
        if other_scripts:
            return other_scripts[0]
    name = f" ({entry.name})" if entry else ""
    raise XnerError(f"{model} has no language {lang!r}{name}.", f"It has: {', '.join(sorted(known)) or 'none'}.")


class TokenizerChoice(NamedTuple):
    """How a language is split into words."""

    lang: str  # spaCy's code
    tokenizer: Dict[str, Any]  # the settings of [nlp.tokenizer]
    initialize: Dict[str, Any]  # the settings of [initialize.tokenizer]
    note: str  # what the user should know about it, or ""


PLAIN = "spacy.Tokenizer.v1"
SYLLABLES = "xner.Syllables.v1"


def choose_tokenizer(code: str) -> TokenizerChoice:
    """RETURNS (TokenizerChoice): The tokenizer of a language, for a code of the table or any that spaCy knows: spaCy's
    own, or syllables where that only splits at spaces and the language is written without them. RAISES: XnerError for
    an unknown language.
    """
    lang, lang_class = _spacy_class(code)
    tokenizer = dict(lang_class.default_config["nlp"]["tokenizer"])
    initialize = dict(lang_class.default_config.get("initialize", {}).get("tokenizer", {}))
    if tokenizer["@tokenizers"] != PLAIN:
        return TokenizerChoice(lang, tokenizer, initialize, _missing_package(lang))
    entry = find_code(code)
    if entry is None or entry.script not in UNSPACED:
        return TokenizerChoice(lang, tokenizer, initialize, "")
    note = (
        f"spaCy has no tokenizer for {entry.name}, which is written without spaces between words: it is split "
        f"into syllables or characters ({SYLLABLES}). A corpus with words of its own is better split already."
    )
    return TokenizerChoice(lang, {"@tokenizers": SYLLABLES}, {}, note)


def describe_language(code: str) -> str:
    """RETURNS (str): What becomes of a language, in one line: "Twi (twi): spaCy has no class for it, so ...".
    RAISES: XnerError for an unknown language.
    """
    choice, entry = choose_tokenizer(code), find_code(code)
    name = f"{entry.name} ({entry.flores or entry.iso3})" if entry else code
    tokenizer = choice.tokenizer["@tokenizers"]
    splits = (
        "general tokenizer, which splits at spaces and punctuation" if tokenizer == PLAIN else f"tokenizer {tokenizer}"
    )
    if choice.lang != "xx":
        own = "its rules" if tokenizer == PLAIN else splits
        return f"{name}: spaCy has a class for it, {choice.lang!r}, with {own} for words."
    why = (
        "it stands for any language"
        if code == "xx"
        else "spaCy has no class for it, so its code is 'xx' (any language)"
    )
    if tokenizer == SYLLABLES:
        splits = f"tokenizer {tokenizer}, which splits into syllables or characters"
    return f"{name}: {why}, with the {splits}."


def _spacy_class(code: str) -> Tuple[str, Type[Language]]:
    """RETURNS (Tuple[str, Type[Language]]): spaCy's code and class. RAISES: XnerError for an unknown language."""
    entry = find_code(code)
    lang = entry.spacy if entry else code
    try:
        return lang, get_lang_class(lang)
    except ImportError:
        raise unknown_language(code) from None


@lru_cache(maxsize=64)
def _missing_package(lang: str) -> str:
    """RETURNS (str): spaCy's message about a package that its tokenizer for the language lacks, or ""."""
    try:
        spacy.blank(lang)
    except ImportError as error:
        return in_one_line(error)
    return ""


def blank(code: str) -> Language:
    """RETURNS (Language): A blank pipeline for a code of the table, or any that spaCy knows: spaCy's own class, or the
    multi-language one where it has none, with the tokenizer of `choose_tokenizer`. RAISES: XnerError for an unknown
    language, or if the tokenizer needs a package that is not installed (`blank_vocab` needs none).
    """
    choice = choose_tokenizer(code)
    if choice.tokenizer["@tokenizers"] == SYLLABLES:
        warnings.warn(choice.note, UserWarning, stacklevel=2)
        return spacy.blank(choice.lang, config={"nlp": {"tokenizer": choice.tokenizer}})
    if choice.note:
        entry = find_code(code)
        name = entry.name if entry else code
        raise XnerError(f"spaCy's tokenizer for {name} needs a package that is not installed.", choice.note)
    return spacy.blank(choice.lang)


def blank_vocab(code: str) -> Vocab:
    """RETURNS (Vocab): A new vocabulary for a language, for Docs whose tokens are known: it works without the packages
    that the language's tokenizer needs. RAISES: XnerError for an unknown language.
    """
    lang, lang_class = _spacy_class(code)
    return create_vocab(lang, lang_class.Defaults)
