"""`xner plan`: what there is for a language, and which road to expect to win."""

from pathlib import Path
from typing import Callable, List, Optional

from ..languages import PLAIN
from ..roads.plan import plan_for
from ..types import Json, PathLike
from .options import command
from .output import say, write_json


def plan(lang: str, *, models: PathLike = "models") -> Json:
    """What there is for a language (translators, tokenizer, labelled data, relatives), and which arm to expect to win.

    lang (str): The language: ISO 639-1, ISO 639-3 or FLORES-200 (xner info --languages).
    models (PathLike): Folder in which folders of converted models (xner convert-model) are looked for.
    RETURNS (Json): `language` (codes, script, family), `tokenizer`, `xlmr` (whether XLM-R has seen it), `labelled` (data
        sets of the language itself), `bitext`, `relatives` (labelled ones, the closest first), `roads` into English (those
        that are ready first, with what to install), `road` (the first if it is ready, or None), `expected` (the arm, how sure
        that is, and why; None for English), and `advice` in sentences. RAISES: XnerError for an unknown language.
    """
    return plan_for(lang, Path(models))


@command(plan, lang="LANG")
def plan_cli(call: Callable[[], Json], json_path: Optional[Path] = None) -> None:
    """Print the plan.

    json_path (Optional[Path]): Write the plan here too.
    """
    found = call()
    write_json(json_path, found)
    say(render(found))


def render(found: Json) -> str:
    """RETURNS (str): The plan for readers."""
    language = found["language"]
    codes = ", ".join(filter(None, (language["iso3"], language["iso1"])))
    lines = [
        f"{language['name']} ({codes}): {' > '.join(language['family'])}; script {' or '.join(language['scripts'])}"
    ]
    tokenizer = found["tokenizer"]
    words = "spaCy's rules for it" if tokenizer["own_class"] else "spaCy's general rules"
    if tokenizer["tokenizer"] != PLAIN:
        words = tokenizer["tokenizer"]
    lines += _entry("Tokenizer", [f"{words} ({tokenizer['lang']})", tokenizer["note"]])
    amount = found["xlmr"]["gigabytes_of_text"]
    lines += _entry("XLM-R", [f"pretrained on {amount:g} GiB of it" if amount else "has not seen it"])
    lines += _entry("Labelled data", [f"{name}: {key}" for name, key in found["labelled"].items()] or ["none known"])
    lines += _entry("Labelled relatives", [_relative(each) for each in found["relatives"]] or ["none known"])
    lines += _entry("Into English", [text for road in found["roads"] for text in _road(road)] or ["nothing known"])
    if expected := found["expected"]:
        gain = expected["gain"]
        lines += _entry(
            "Expected to win",
            [
                f"{expected['arm']}, {100 * expected['sureness']:.0f}% sure: {expected['because']}",
                f"by {gain['mean']:+.1f} F1 on average there; eight of ten lie from {gain['low']:+.1f} to {gain['high']:+.1f}",
                *expected["notes"],
            ],
        )
    return "\n".join([*lines, *_entry("Advice", found["advice"])])


def _entry(title: str, texts: List[str]) -> List[str]:
    """RETURNS (List[str]): A title, and each text in a line below."""
    return ["", title, *(f"  {text}" for text in texts if text)]


def _relative(relative: Json) -> str:
    data = ", ".join(relative["labelled"]) + ("" if relative["by_people"] else ", labelled by machine")
    script = "" if relative["same_script"] else "; another script"
    return f"{relative['name']} ({relative['iso3']}; {relative['shared'][-1]}{script}): {data}"


def _road(road: Json) -> List[str]:
    knows = " ".join([road["part"], *road["knows"].values()])
    sizes = road["gigabytes"]
    size = f" ({_size(sizes['download'])} to download, {_size(sizes['kept'])} kept)" if sizes else ""
    state = "ready" if road["ready"] else f"not installed{size}" if road["install"] else "not ready"
    return [f"{knows}: {state}", *(f"  {text}" for text in (*road["notes"], *road["install"]))]


def _size(gigabytes: float) -> str:
    return f"{gigabytes:.1f} GB" if gigabytes >= 0.1 else f"{1000 * gigabytes:.0f} MB"
