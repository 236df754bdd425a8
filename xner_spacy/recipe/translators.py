"""Which translator a project uses: what its setting `translator` says, or what there is."""

from typing import Any, Dict, List, Tuple

from ..cli.plan import plan
from ..errors import XnerError
from ..types import Json
from .layout import Project

Section = Dict[str, Any]

# The ways to translate, what follows the equals sign, and the part. "auto" and "bitext" have nothing behind them.
WAYS = {
    "apertium": ("DIRECTION", "xner.Apertium.v1", "mode"),
    "ctranslate2": ("FOLDER", "xner.CTranslate2.v1", "model"),
    "transformers": ("MODEL", "xner.Transformers.v1", "model"),
    "chat": ("MODEL", "xner.Chat.v1", "model"),
    "libretranslate": ("ADDRESS", "xner.LibreTranslate.v1", "url"),
}
BITEXT = "bitext"
ON_GPU = ("xner.CTranslate2.v1", "xner.Transformers.v1")
KNOWN = "auto, bitext, " + ", ".join(f"{way}={what}" for way, (what, _, _) in WAYS.items())


def choose_translator(project: Project, inputs: Json) -> Tuple[str, Section]:
    """Choose the translator of a project: the bitext where there is one; else a model in the folder `models/` of the
    project; else Apertium, if the pair is installed. What may cost money is never chosen, only named by the setting.

    inputs (Json): The summary of the inputs.
    RETURNS (Tuple[str, Section]): What it is, for people, and the section of its config.
    RAISES: XnerError if there is none; it says what to install for this language, with sizes.
    """
    way, _, value = project.translator.partition("=")
    has_bitext = inputs["road"] != "translator"
    if way == BITEXT or (way == "auto" and has_bitext):
        if not has_bitext:
            raise XnerError("translator: bitext, but bitext/ is empty.", "Put a bitext there, or name another way.")
        return "the bitext", _given(project)
    if way == "auto":
        section = _ready(project)
    elif way in WAYS and value:
        _, part, setting = WAYS[way]
        languages = {} if way == "apertium" else {"source_lang": project.lang, "target_lang": "en"}
        section = {"@xner_translators": part, setting: value, **languages}
    else:
        raise XnerError(f"translator: {project.translator!r} is no way to translate.", f"Known: {KNOWN}.")
    part, *settings = section.values()
    if part in ON_GPU and project.gpu_id >= 0:
        section["device"] = f"cuda:{project.gpu_id}"
    store = {"@xner_translators": "xner.Stored.v1", "path": str(project.corpus / "translations.sqlite")}
    return f"{part} ({', '.join(settings)})", {**store, "translator": section}


def _given(project: Project) -> Section:
    folder = project.corpus / "bitext"
    source, target = str(folder / "en.txt"), str(folder / "target.txt")
    settings = {"source": source, "target": target, "match": "letters", "missing": "skip"}
    return {"@xner_translators": "xner.Bitext.v1", **settings}


def _ready(project: Project) -> Section:
    """RETURNS (Section): The best translator that is ready on this machine. RAISES: XnerError if there is none."""
    roads = plan(project.lang, models=project.root / "models")["roads"]
    ready = [road for road in roads if road["ready"]]
    if ready:
        return {"@xner_translators": ready[0]["part"], **ready[0]["settings"]}
    raise XnerError(f"Nothing here translates {project.lang} into English.", "\n".join(["You can:", *_advice(roads)]))


def _advice(roads: List[Json]) -> List[str]:
    lines = ["- put a bitext into bitext/: two files, line n of one the translation of line n of the other"]
    for road in roads:
        if road["install"]:
            size = road["gigabytes"]
            sizes = f" ({size['download']:g} GB to download, {size['kept']:g} GB kept)" if size else ""
            lines.append(f"- use {road['part']}{sizes}: {'; then '.join(road['install'])}")
    lines.append("- name a chat model or a server: --vars.translator chat=MODEL or libretranslate=ADDRESS")
    return lines
