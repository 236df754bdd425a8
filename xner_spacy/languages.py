"""Language codes: one table for spaCy, Apertium, the translation models and the data sets; and spaCy's tokenizer of each.

ISO 639-3 (the macrolanguage where a data set means it: swa, msa, fas, ara), ISO 639-1, FLORES-200
(what NLLB-200 speaks; it names the individual language and the script: swh_Latn, zsm_Latn,
pes_Arab) and spaCy's code. The table holds what FLORES-200 and NLLB-200 have, what M2M-100 has beyond
them, the 39 languages of XTREME, the 20 of MasakhaNER 2.0, and those that spaCy has a class for. NLLB has neither
Ghomala nor Nigerian Pidgin.
"""

import difflib
import re
import warnings
from functools import lru_cache
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set

import spacy
from spacy.language import Language
from spacy.util import get_lang_class
from spacy.vocab import Vocab, create_vocab

from .errors import XnerError
from .scripts import UNSPACED


class Code(NamedTuple):
    """One language, in one script.

    iso3 (str): ISO 639-3. iso1 (str): ISO 639-1, or "" where it has none. name (str): English name.
    flores (str): FLORES-200 code, or "" where NLLB lacks it. spacy (str): spaCy's code, "xx" where
        spaCy has no class. script (str): ISO 15924 code of the script.
    """

    iso3: str
    iso1: str
    name: str
    flores: str
    spacy: str
    script: str


# A language that is written in several scripts has a FLORES code for each, the usual one first.
_TABLE = """
ace - Acehnese ace_Latn,ace_Arab xx
acm - Mesopotamian_Arabic acm_Arab ar
acq - Taizzi-Adeni_Arabic acq_Arab ar
aeb - Tunisian_Arabic aeb_Arab ar
afr af Afrikaans afr_Latn af
ajp - South_Levantine_Arabic ajp_Arab ar
aka ak Akan aka_Latn xx
amh am Amharic amh_Ethi am
apc - North_Levantine_Arabic apc_Arab ar
ara ar Arabic arb_Arab,arb_Latn ar
ars - Najdi_Arabic ars_Arab ar
ary - Moroccan_Arabic ary_Arab ar
arz - Egyptian_Arabic arz_Arab ar
asm as Assamese asm_Beng xx
ast - Asturian ast_Latn xx
awa - Awadhi awa_Deva xx
ayr ay Central_Aymara ayr_Latn xx
azb - South_Azerbaijani azb_Arab xx
azj az Azerbaijani azj_Latn az
bak ba Bashkir bak_Cyrl xx
bam bm Bambara bam_Latn xx
ban - Balinese ban_Latn xx
bbj - Ghomala - xx
bel be Belarusian bel_Cyrl xx
bem - Bemba bem_Latn xx
ben bn Bengali ben_Beng bn
bho - Bhojpuri bho_Deva xx
bjn - Banjar bjn_Latn,bjn_Arab xx
bod bo Tibetan bod_Tibt bo
bos bs Bosnian bos_Latn xx
bre br Breton - xx
bug - Buginese bug_Latn xx
bul bg Bulgarian bul_Cyrl bg
cat ca Catalan cat_Latn ca
ceb - Cebuano ceb_Latn xx
ces cs Czech ces_Latn cs
cjk - Chokwe cjk_Latn xx
ckb - Central_Kurdish ckb_Arab xx
crh - Crimean_Tatar crh_Latn xx
cym cy Welsh cym_Latn xx
dan da Danish dan_Latn da
deu de German deu_Latn de
dik - Southwestern_Dinka dik_Latn xx
dsb - Lower_Sorbian - dsb
dyu - Dyula dyu_Latn xx
dzo dz Dzongkha dzo_Tibt xx
ell el Greek ell_Grek el
eng en English eng_Latn en
epo eo Esperanto epo_Latn xx
est et Estonian est_Latn et
eus eu Basque eus_Latn eu
ewe ee Ewe ewe_Latn xx
fao fo Faroese fao_Latn fo
fas fa Persian pes_Arab fa
fij fj Fijian fij_Latn xx
fin fi Finnish fin_Latn fi
fon - Fon fon_Latn xx
fra fr French fra_Latn fr
fry fy West_Frisian - xx
fur - Friulian fur_Latn xx
fuv ff Nigerian_Fulfulde fuv_Latn xx
gaz om West_Central_Oromo gaz_Latn xx
gla gd Scottish_Gaelic gla_Latn gd
gle ga Irish gle_Latn ga
glg gl Galician glg_Latn xx
grc - Ancient_Greek -_Grek grc
grn gn Guarani grn_Latn xx
guj gu Gujarati guj_Gujr gu
hat ht Haitian_Creole hat_Latn ht
hau ha Hausa hau_Latn xx
hbs sh Serbo-Croatian - xx
heb he Hebrew heb_Hebr he
hin hi Hindi hin_Deva hi
hne - Chhattisgarhi hne_Deva xx
hrv hr Croatian hrv_Latn hr
hsb - Upper_Sorbian - hsb
hun hu Hungarian hun_Latn hu
hye hy Armenian hye_Armn hy
ibo ig Igbo ibo_Latn xx
ilo - Ilocano ilo_Latn xx
ind id Indonesian ind_Latn id
isl is Icelandic isl_Latn is
ita it Italian ita_Latn it
jav jv Javanese jav_Latn xx
jpn ja Japanese jpn_Jpan ja
kab - Kabyle kab_Latn xx
kac - Jingpho kac_Latn xx
kam - Kamba kam_Latn xx
kan kn Kannada kan_Knda kn
kas ks Kashmiri kas_Arab,kas_Deva xx
kat ka Georgian kat_Geor xx
kaz kk Kazakh kaz_Cyrl xx
kbp - Kabiye kbp_Latn xx
kea - Kabuverdianu kea_Latn xx
khk mn Mongolian khk_Cyrl xx
khm km Khmer khm_Khmr xx
kik ki Kikuyu kik_Latn xx
kin rw Kinyarwanda kin_Latn xx
kir ky Kyrgyz kir_Cyrl ky
kmb - Kimbundu kmb_Latn xx
kmr ku Northern_Kurdish kmr_Latn kmr
knc kr Central_Kanuri knc_Latn,knc_Arab xx
kon kg Kikongo kon_Latn xx
kor ko Korean kor_Hang ko
lao lo Lao lao_Laoo xx
lat la Latin - la
lav lv Latvian lvs_Latn lv
lij - Ligurian lij_Latn lij
lim li Limburgish lim_Latn xx
lin ln Lingala lin_Latn xx
lit lt Lithuanian lit_Latn lt
lmo - Lombard lmo_Latn xx
ltg - Latgalian ltg_Latn xx
ltz lb Luxembourgish ltz_Latn lb
lua - Luba-Kasai lua_Latn xx
lug lg Luganda lug_Latn lg
luo - Luo luo_Latn xx
lus - Mizo lus_Latn xx
mag - Magahi mag_Deva xx
mai - Maithili mai_Deva xx
mal ml Malayalam mal_Mlym ml
mar mr Marathi mar_Deva mr
min - Minangkabau min_Latn,min_Arab xx
mkd mk Macedonian mkd_Cyrl mk
mlt mt Maltese mlt_Latn xx
mni - Meitei mni_Beng xx
mos - Mossi mos_Latn xx
mri mi Maori mri_Latn xx
msa ms Malay zsm_Latn ms
mya my Burmese mya_Mymr xx
nep ne Nepali npi_Deva ne
nld nl Dutch nld_Latn nl
nno nn Norwegian_Nynorsk nno_Latn nn
nob nb Norwegian_Bokmal nob_Latn nb
nso - Northern_Sotho nso_Latn xx
nus - Nuer nus_Latn xx
nya ny Chichewa nya_Latn xx
oci oc Occitan oci_Latn xx
ory or Odia ory_Orya xx
pag - Pangasinan pag_Latn xx
pan pa Punjabi pan_Guru xx
pap - Papiamento pap_Latn xx
pbt ps Southern_Pashto pbt_Arab xx
pcm - Nigerian_Pidgin - xx
plt mg Malagasy plt_Latn xx
pol pl Polish pol_Latn pl
por pt Portuguese por_Latn pt
prs - Dari prs_Arab fa
quy qu Ayacucho_Quechua quy_Latn xx
ron ro Romanian ron_Latn ro
run rn Rundi run_Latn xx
rus ru Russian rus_Cyrl ru
sag sg Sango sag_Latn xx
san sa Sanskrit san_Deva sa
sat - Santali sat_Olck,sat_Beng xx
scn - Sicilian scn_Latn xx
shn - Shan shn_Mymr xx
sin si Sinhala sin_Sinh si
slk sk Slovak slk_Latn sk
slv sl Slovenian slv_Latn sl
smo sm Samoan smo_Latn xx
sna sn Shona sna_Latn xx
snd sd Sindhi snd_Arab xx
som so Somali som_Latn xx
sot st Southern_Sotho sot_Latn xx
spa es Spanish spa_Latn es
sqi sq Albanian als_Latn sq
srd sc Sardinian srd_Latn xx
srp sr Serbian srp_Cyrl sr
ssw ss Swati ssw_Latn xx
sun su Sundanese sun_Latn xx
swa sw Swahili swh_Latn xx
swe sv Swedish swe_Latn sv
szl - Silesian szl_Latn xx
tam ta Tamil tam_Taml ta
taq - Tamasheq taq_Latn,taq_Tfng xx
tat tt Tatar tat_Cyrl tt
tel te Telugu tel_Telu te
tgk tg Tajik tgk_Cyrl xx
tgl tl Tagalog tgl_Latn tl
tha th Thai tha_Thai th
tir ti Tigrinya tir_Ethi ti
tpi - Tok_Pisin tpi_Latn xx
tsn tn Setswana tsn_Latn tn
tso ts Tsonga tso_Latn xx
tuk tk Turkmen tuk_Latn xx
tum - Tumbuka tum_Latn xx
tur tr Turkish tur_Latn tr
twi tw Twi twi_Latn xx
tzm - Central_Atlas_Tamazight tzm_Tfng xx
uig ug Uyghur uig_Arab xx
ukr uk Ukrainian ukr_Cyrl uk
umb - Umbundu umb_Latn xx
urd ur Urdu urd_Arab ur
uzn uz Northern_Uzbek uzn_Latn xx
vec - Venetian vec_Latn xx
vie vi Vietnamese vie_Latn vi
war - Waray war_Latn xx
wol wo Wolof wol_Latn xx
xho xh Xhosa xho_Latn xx
ydd yi Eastern_Yiddish ydd_Hebr xx
yor yo Yoruba yor_Latn yo
yue - Cantonese yue_Hant xx
zho zh Chinese zho_Hans,zho_Hant zh
zul zu Zulu zul_Latn xx
"""


def _read_line(line: str) -> List[Code]:
    iso3, iso1, name, flores, spacy_code = line.split()
    iso1, name = iso1.strip("-"), name.replace("_", " ")
    if flores.startswith("-"):
        return [Code(iso3, iso1, name, "", spacy_code, flores[2:] or "Latn")]
    return [Code(iso3, iso1, name, f, spacy_code, f[4:]) for f in flores.split(",")]


_ENTRIES = [_read_line(line) for line in _TABLE.strip().splitlines()]
CODES: Dict[str, Code] = {entries[0].iso3: entries[0] for entries in _ENTRIES}

# Other codes in use for the same: individual languages whose macrolanguage is in the table and the other way round,
# and codes of old.
_ALIASES = {
    **{"swh": "swa", "zsm": "msa", "pes": "fas", "arb": "ara", "cmn": "zho", "ekk": "est"},
    **{"lvs": "lav", "als": "sqi", "npi": "nep", "aze": "azj", "fil": "tgl", "kur": "kmr"},
    **{"nor": "nob", "no": "nob", "iw": "heb", "in": "ind", "ji": "ydd", "jw": "jav"},
    **{"aym": "ayr", "din": "dik", "ful": "fuv", "kau": "knc", "mlg": "plt", "mon": "khk"},
    **{"ns": "nso", "ori": "ory", "orm": "gaz", "pus": "pbt", "que": "quy", "uzb": "uzn"},
    **{"yid": "ydd", "mo": "ron", "gug": "grn"},
}
# Chinese by its region: what other tools write for the script.
_REGIONS = {"TW": "Hant", "HK": "Hant", "MO": "Hant", "CN": "Hans", "SG": "Hans"}

_BY_CODE: Dict[str, Code] = {}
for _entries in _ENTRIES:
    for _entry in _entries:
        for _name in (_entry.iso3, _entry.iso1, _entry.flores):
            if _name:
                _BY_CODE.setdefault(_name, _entry)

# Data sets by the languages that the seed paper evaluates on.
XTREME = (
    *("af", "ar", "bg", "bn", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "he", "hi", "hu"),
    *("id", "it", "ja", "jv", "ka", "kk", "ko", "ml", "mr", "ms", "my", "nl", "pt", "ru", "sw"),
    *("ta", "te", "th", "tl", "tr", "ur", "vi", "yo", "zh"),
)
MASAKHANER = (
    *("bam", "bbj", "ewe", "fon", "hau", "ibo", "kin", "lug", "luo", "mos"),
    *("nya", "pcm", "sna", "swa", "tsn", "twi", "wol", "xho", "yor", "zul"),
)


def all_codes() -> List[Code]:
    """RETURNS (List[Code]): Every language of the table, in each of its scripts."""
    return [entry for entries in _ENTRIES for entry in entries]


def find_code(code: str) -> Optional[Code]:
    """Find a language.

    code (str): An ISO 639-3, ISO 639-1 or FLORES-200 code, or a tag made of them ("zh-Hant", "zh_TW", "pt-BR").
    RETURNS (Optional[Code]): Its entry, in the script that the code names; or None.
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
        script = next((_REGIONS[r.upper()] for r in rest if r.upper() in _REGIONS), "")
    if not script or script == entry.script:
        return entry
    # A script that FLORES lacks for this language ("srp_Latn") is a script all the same.
    flores = f"{entry.flores[:3]}_{script}"
    return _BY_CODE.get(flores) or entry._replace(flores="", script=script)


def unknown_language(code: str) -> XnerError:
    """RETURNS (XnerError): That nobody knows a language, with the codes and names that are near."""
    names = {entry.name.lower(): entry for entry in CODES.values()}
    places = {**_BY_CODE, **names}
    wanted = code.lower()
    near = difflib.get_close_matches(wanted, places, n=12, cutoff=0.6)
    near += [name for name in names if wanted in re.split("[ -]", name)]
    listed = list(dict.fromkeys(f"{places[key].iso3} ({places[key].name})" for key in near))[:4]
    guess = f"Did you mean {', '.join(listed)}? " if listed else ""
    return XnerError(
        f"Unknown language {code!r}.",
        f"{guess}`xner info --languages` lists the codes; 'xx' stands for any other language.",
    )


def model_code(lang: str, available: Iterable[str], model: str) -> str:
    """What a translation model calls a language.

    lang (str): A code of the table, or one of the model's own.
    available (Iterable[str]): The model's codes: FLORES-200 (NLLB), or ISO 639-1 and -3 (M2M-100).
    model (str): The model's name, for the message.
    RETURNS (str): The model's code.
    RAISES: XnerError that lists what the model has.
    """
    known: Set[str] = set(available)
    if lang in known:
        return lang
    entry = find_code(lang)
    if entry is not None:
        names = [entry.flores[:3], entry.iso1, entry.iso3]
        names += [alias for alias, iso3 in _ALIASES.items() if iso3 == entry.iso3]
        names = list(dict.fromkeys(name for name in names if name))
        for code in (entry.flores, *names, *(f"{name}_{entry.script}" for name in names)):
            if code and code in known:
                return code
        # Serbian in Latin script for a model that has the other only, and the like.
        near = sorted(code for code in known if code.partition("_")[0] in names)
        if near:
            return near[0]
    raise XnerError(
        f"{model} has no language {lang!r}{f' ({entry.name})' if entry else ''}.",
        f"It has: {', '.join(sorted(known)) or 'none'}.",
    )


class TokenizerChoice(NamedTuple):
    """How a language is split into words.

    lang (str): spaCy's code. tokenizer (Dict[str, Any]): What belongs into `[nlp.tokenizer]`.
    initialize (Dict[str, Any]): What belongs into `[initialize.tokenizer]`.
    note (str): What the user should know of it, or "".
    """

    lang: str
    tokenizer: Dict[str, Any]
    initialize: Dict[str, Any]
    note: str


PLAIN = "spacy.Tokenizer.v1"
SYLLABLES = "xner.Syllables.v1"


def choose_tokenizer(code: str) -> TokenizerChoice:
    """The tokenizer that belongs to a language: spaCy's own; where that splits at spaces alone and the language has
    none, syllables.

    code (str): A code of the table, or any that spaCy knows.
    RETURNS (TokenizerChoice): The choice. RAISES: XnerError for a language that nobody knows.
    """
    entry = find_code(code)
    lang = entry.spacy if entry else code
    try:
        defaults = get_lang_class(lang).default_config
    except ImportError:
        raise unknown_language(code) from None
    tokenizer = dict(defaults["nlp"]["tokenizer"])
    initialize = dict(defaults.get("initialize", {}).get("tokenizer", {}))
    if tokenizer["@tokenizers"] == PLAIN and entry is not None and entry.script in UNSPACED:
        note = (
            f"spaCy has no tokenizer for {entry.name}, which is written without spaces between words: it is split "
            f"into syllables or characters ({SYLLABLES}). A corpus with words of its own is better split already."
        )
        return TokenizerChoice(lang, {"@tokenizers": SYLLABLES}, {}, note)
    if tokenizer["@tokenizers"] == PLAIN:
        return TokenizerChoice(lang, tokenizer, initialize, "")
    return TokenizerChoice(lang, tokenizer, initialize, _missing_package(lang))


@lru_cache(maxsize=64)
def _missing_package(lang: str) -> str:
    """RETURNS (str): What spaCy says is missing to split a language into words, or ""."""
    try:
        spacy.blank(lang)
    except ImportError as error:
        return " ".join(str(error).split())
    return ""


def blank(code: str) -> Language:
    """A blank pipeline for a language: spaCy's own class, or the multi-language one where spaCy has
    none, with the tokenizer of `choose_tokenizer`.

    code (str): ISO 639-1, 639-3 or FLORES-200 code, or any code that spaCy knows.
    RETURNS (Language): The blank pipeline.
    RAISES: XnerError if neither spaCy nor the table knows the code, or if spaCy's tokenizer of the
        language needs a package that is not installed. Where the text is tokenised already `blank_vocab` needs none.
    """
    choice = choose_tokenizer(code)
    if choice.tokenizer["@tokenizers"] == SYLLABLES:
        warnings.warn(choice.note, UserWarning, stacklevel=2)
        return spacy.blank(choice.lang, config={"nlp": {"tokenizer": choice.tokenizer}})
    if choice.note:
        entry = find_code(code)
        raise XnerError(
            f"spaCy's tokenizer for {entry.name if entry else code} needs a package that is not installed.", choice.note
        )
    return spacy.blank(choice.lang)


def blank_vocab(code: str) -> Vocab:
    """The vocabulary of a language, for Docs whose tokens are given: no tokenizer is needed, nor what it needs.

    code (str): As for `blank`. RETURNS (Vocab): A new vocabulary. RAISES: XnerError for an unknown language.
    """
    entry = find_code(code)
    lang = entry.spacy if entry else code
    try:
        return create_vocab(lang, get_lang_class(lang).Defaults)
    except ImportError:
        raise unknown_language(code) from None
