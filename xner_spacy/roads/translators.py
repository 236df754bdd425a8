"""Roads from a language into English: which translators know it, what is installed of them, and what to install."""

from importlib.util import find_spec
from pathlib import Path
from typing import List, Optional

from ..errors import XnerError
from ..languages import Code, all_codes
from ..programs import find_program
from ..registry import registry
from ..translation.apertium import PROGRAMS, VARIABLE, installed_directions
from ..translation.ct2 import INFO, read_info
from ..types import Json
from .facts import Facts

NLLB = "facebook/nllb-200-distilled-600M"
M2M = "facebook/m2m100_418M"
# What a model takes, in GB: to download, and as a folder of int8 weights.
SIZES = {"NLLB-200": (2.5, 0.7), "M2M-100": (1.9, 0.5), "OPUS-MT": (0.3, 0.1)}
# What the description of a converted model calls them.
FAMILIES = {"NLLB-200": "nllb", "M2M-100": "m2m", "OPUS-MT": "marian"}
KIND = "xner_translators"
SERVICES = {"chat": "xner.Chat.v1", "libretranslate": "xner.LibreTranslate.v1"}
GUESS = "the name was not looked up on the Hugging Face Hub"


def translators(facts: Facts, code: Code, models: Path) -> List[Json]:
    """List the roads from a language into English: first those that are ready, and of these the neural ones first.

    facts (Facts): The language. code (Code): The same, in the script that was asked for. models (Path): A folder in which
    folders of converted models are looked for.
    RETURNS (List[Json]): A dict for each road: `road` (ctranslate2, apertium, chat, libretranslate), `part` (its
    registered name), `knows` (model and code, or direction), `settings` (of the part), `ready` (whether it can translate
    on this machine now), `install` (commands that make it ready), `gigabytes` (to download, and to keep) and `notes`.
    """
    roads = [*_neural(facts, code, models), *_apertium(facts, code), *_services(code)]
    return sorted(roads, key=lambda road: not road["ready"])


def nllb_code(facts: Facts, code: Code) -> str:
    """RETURNS (str): NLLB-200's code of a language, in the script that was asked for if NLLB has it so, or ""."""
    others = (entry.flores for entry in all_codes() if entry.iso3 == facts.code.iso3)
    return code.flores or next(filter(None, others), "")


def _has(*packages: str) -> bool:
    return all(find_spec(package) is not None for package in packages)


def _road(road: str, part: str, knows: Json, settings: Json, **others: object) -> Json:
    found = {"road": road, "part": part, "knows": knows, "settings": settings}
    return {**found, "ready": False, "install": [], "gigabytes": None, "notes": [], **others}


def _neural(facts: Facts, code: Code, models: Path) -> List[Json]:
    known = []
    if nllb := nllb_code(facts, code):
        notes = [] if nllb[4:] == code.script else [f"NLLB reads it in the script {nllb[4:]}, not {code.script}"]
        known.append(_model("NLLB-200", NLLB, nllb, models, notes))
    if facts.opus:
        family = facts.opus.startswith("+")
        model = f"Helsinki-NLP/opus-mt-{facts.opus.lstrip('+')}-en"
        notes = ["a model of the whole language family", GUESS] if family else [GUESS]
        known.append(_model("OPUS-MT", model, facts.opus.lstrip("+"), models, notes))
    if facts.m2m:
        known.append(_model("M2M-100", M2M, facts.m2m, models, []))
    return known


def _model(kind: str, model: str, code: str, models: Path, notes: List[str]) -> Json:
    fetched, kept = SIZES[kind]
    has_packages = _has("ctranslate2", "sentencepiece")
    folder = _converted(kind, model, code, models)
    ready = has_packages and folder is not None
    install = [] if has_packages and _has("transformers") else ["pip install 'xner-spacy[ctranslate2,transformers]'"]
    if folder is None:
        folder = models / model.rsplit("/", 1)[1]
        install.append(f"xner convert-model {model} {folder.as_posix()} --legacy-weights")
    return _road(
        "ctranslate2", "xner.CTranslate2.v1", {"kind": kind, "model": model, "code": code},
        {"model": folder.as_posix(), "source_lang": code, "target_lang": "en"},
        ready=ready, install=[] if ready else install, gigabytes={"download": fetched, "kept": kept}, notes=notes,
    )  # fmt: skip


def _converted(kind: str, model: str, code: str, models: Path) -> Optional[Path]:
    """RETURNS (Optional[Path]): The first folder below `models` with a converted model of this kind, of any size, that has
    the language; for OPUS-MT, with this very model. A folder that can't be read is none.
    """
    for file in sorted(models.glob(f"*/{INFO}")):
        try:
            info = read_info(file.parent)
        except XnerError:
            continue
        if info["family"] == FAMILIES[kind]:
            fits = (
                info.get("model", "").endswith(model.rsplit("/", 1)[1])
                if kind == "OPUS-MT"
                else code in info["languages"]
            )
            if fits:
                return file.parent
    return None


def _installed_directions() -> List[str]:
    try:
        return installed_directions(find_program(PROGRAMS[0], VARIABLE, PROGRAMS, part="xner plan"))
    except XnerError:
        return []


def _apertium(facts: Facts, code: Code) -> List[Json]:
    pair = facts.apertium
    if pair is None:
        return []
    notes = ["rules and a dictionary: words that they lack stay untranslated"]
    if pair.script != code.script:
        notes.append(f"it reads the script {pair.script} alone: for such text ask for {code.iso3}_{pair.script}")
    installed = pair.mode in _installed_directions()
    ready = installed and pair.script == code.script
    size = round(pair.megabytes / 1000, 4)
    return [
        _road(
            "apertium", "xner.Apertium.v1", {"package": pair.package, "direction": pair.mode}, {"mode": pair.mode},
            ready=ready, install=[] if installed else [f"apt-get install apertium {pair.package}"],
            gigabytes={"download": size, "kept": size}, notes=notes,
        )
    ]  # fmt: skip


def _services(code: Code) -> List[Json]:
    """RETURNS (List[Json]): The parts that ask a service, where this version has them. Which languages a service knows
    can't be said here, so that none of them is ready.
    """
    note = "whether it knows the language can only be tried: ask it for ten sentences of which you know what they mean"
    known = getattr(registry, KIND).get_all()
    notes = ["a service, with an address and a key of your own", note]
    settings = {"source_lang": code.flores or code.iso3, "target_lang": "en"}
    return [_road(road, part, {}, settings, notes=notes) for road, part in SERVICES.items() if part in known]
