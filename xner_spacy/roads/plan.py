"""The plan for a language: all that the other modules of this room know of it, in one dict."""

from pathlib import Path
from typing import List, Optional

from ..errors import XnerError
from ..languages import PLAIN, Code, all_codes, choose_tokenizer, find_code, unknown_language
from ..types import Json
from .facts import SILVER, Facts, all_facts, labelled_relatives
from .rule import TRANSFER, expect
from .translators import nllb_code, translators

MOST_RELATIVES = 6
# Groups that two languages share if they are close: Bantu is such a group, Atlantic-Congo is wider.
CLOSE = 3
ENGLISH = "eng"


def plan_for(lang: str, models: Path) -> Json:
    """Make the plan for a language; `xner_spacy.cli.plan.plan` describes it. RAISES: XnerError for an unknown one."""
    code = find_code(lang)
    if code is None or code.iso3 not in all_facts():
        if lang == "xx":
            raise XnerError("'xx' stands for any language, so there is no plan for it.", "Name the language.")
        raise unknown_language(lang)
    facts = all_facts()[code.iso3]
    roads = translators(facts, code, models) if code.iso3 != ENGLISH else []
    relatives = _relatives(facts, code)
    expected = expect(facts) if code.iso3 != ENGLISH else None
    return {
        "language": _language(facts, code),
        "tokenizer": _tokenizer(code),
        "xlmr": {"seen": facts.xlmr_gib > 0, "gigabytes_of_text": facts.xlmr_gib},
        "labelled": facts.labelled,
        "bitext": _bitext(facts),
        "relatives": relatives,
        "roads": roads,
        "road": roads[0]["road"] if roads and roads[0]["ready"] else None,
        "expected": expected,
        "advice": [*_advice(facts, roads), *_about_relatives(relatives), *_about_arms(expected)],
    }


def _language(facts: Facts, code: Code) -> Json:
    scripts = [entry.script for entry in all_codes() if entry.iso3 == code.iso3]
    return {
        **code._asdict(),
        "script": code.script,
        "scripts": list(dict.fromkeys([code.script, *scripts])),
        "flores": nllb_code(facts, code) or None,
        "family": list(facts.family),
    }


def _tokenizer(code: Code) -> Json:
    choice = choose_tokenizer(code.flores or code.iso3)
    return {
        "lang": choice.lang,
        "tokenizer": choice.tokenizer["@tokenizers"],
        "own_class": choice.lang != "xx",
        "splits_at_spaces": choice.tokenizer["@tokenizers"] == PLAIN,
        "note": choice.note,
    }


def _bitext(facts: Facts) -> Json:
    """RETURNS (Json): Public translations into English that this project knows of."""
    return {"mafand": facts.mafand or None, "trains": facts.mafand == "en"}


def _relatives(facts: Facts, code: Code) -> List[Json]:
    return [
        {
            "iso3": relative.facts.code.iso3,
            "name": relative.facts.code.name,
            "shared": list(relative.shared),
            "same_script": relative.same_script,
            "labelled": relative.facts.labelled,
            "by_people": any(name not in SILVER for name in relative.facts.labelled),
            "bitext": relative.facts.mafand == "en",
        }
        for relative in labelled_relatives(facts, code.script)[:MOST_RELATIVES]
    ]


def _advice(facts: Facts, roads: List[Json]) -> List[str]:
    """RETURNS (List[str]): What to do, the first thing first."""
    if facts.code.iso3 == ENGLISH:
        return ["English is the source: use a trained pipeline, such as en_core_web_sm, as it is."]
    advice = []
    gold = [name for name in facts.labelled if name not in SILVER]
    if gold:
        advice.append(
            f"There are labels for the language itself ({', '.join(gold)}): a pipeline trained on them is likely to be "
            "better than anything carried over."
        )
    if facts.mafand == "en":
        advice.append("MAFAND has human translations into English: they are the best road, before any machine.")
    else:
        advice.append("If you have translations into English, by people, they are the best road, before any machine.")
    neural = next((road for road in roads if road["road"] == "ctranslate2"), None)
    if roads and roads[0]["ready"]:
        knows = " ".join(roads[0]["knows"].values())
        advice.append(f"Without them this machine can translate with {roads[0]['part']} ({knows}).")
        if neural and not neural["ready"]:
            advice.append(f"A neural model leaves fewer words untranslated: {'; then '.join(neural['install'])}")
    elif roads and roads[0]["install"]:
        advice.append(f"Nothing here can translate it yet. Install: {'; then '.join(roads[0]['install'])}")
    else:
        advice.append(
            "No translator is known for it. A chat model may know it: try ten sentences. Without translations there is "
            "only transfer, from a multilingual model or from relatives."
        )
    return advice


def _about_relatives(relatives: List[Json]) -> List[str]:
    """RETURNS (List[str]): That transfer from relatives can be mixed in, where some have labels and translations."""
    names = [
        each["name"] for each in relatives if each["bitext"] and each["by_people"] and len(each["shared"]) >= CLOSE
    ]
    if not names:
        return []
    named = ", ".join(names[:3])
    return [f"Transfer from relatives with labels and translations ({named}) can be mixed in (docs/roads.md)."]


def _about_arms(expected: Optional[Json]) -> List[str]:
    """RETURNS (List[str]): What to begin with where the rule speaks for a model that few can run."""
    if expected is None or expected["arm"] != TRANSFER:
        return []
    return ["Transfer needs XLM-R, and in practice a GPU. Without it begin with projection."]
