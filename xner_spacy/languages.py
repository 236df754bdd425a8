"""Language codes: one table for spaCy, Apertium, the translation models and the data sets.

ISO 639-3 (the macrolanguage where a data set means it: swa, msa, fas, ara), ISO 639-1, FLORES-200
(what NLLB-200 speaks; it names the individual language and the script: swh_Latn, zsm_Latn,
pes_Arab) and spaCy's code. The table holds the 39 languages of XTREME, the 20 of MasakhaNER 2.0,
and those that spaCy has a class for. NLLB has neither Ghomala nor Nigerian Pidgin.
"""

from typing import Dict, Iterable, NamedTuple, Optional, Set, Tuple

import spacy
from spacy.language import Language
from spacy.util import get_lang_class
from spacy.vocab import Vocab, create_vocab

from .errors import XnerError


class Code(NamedTuple):
    """One language.

    iso3 (str): ISO 639-3. iso1 (str): ISO 639-1, or "" where it has none. name (str): English name.
    flores (str): FLORES-200 code, or "" where NLLB lacks it. spacy (str): spaCy's code, "xx" where
        spaCy has no class.
    """

    iso3: str
    iso1: str
    name: str
    flores: str
    spacy: str

    @property
    def script(self) -> str:
        """ISO 15924 code of the usual script."""
        return self.flores[4:] if self.flores else "Latn"


_TABLE = """
afr af Afrikaans afr_Latn af
amh am Amharic amh_Ethi am
ara ar Arabic arb_Arab ar
azj az Azerbaijani azj_Latn az
bam bm Bambara bam_Latn xx
bbj - Ghomala - xx
bel be Belarusian bel_Cyrl xx
ben bn Bengali ben_Beng bn
bod bo Tibetan bod_Tibt bo
bul bg Bulgarian bul_Cyrl bg
cat ca Catalan cat_Latn ca
ces cs Czech ces_Latn cs
dan da Danish dan_Latn da
deu de German deu_Latn de
ell el Greek ell_Grek el
eng en English eng_Latn en
est et Estonian est_Latn et
eus eu Basque eus_Latn eu
ewe ee Ewe ewe_Latn xx
fao fo Faroese fao_Latn fo
fas fa Persian pes_Arab fa
fin fi Finnish fin_Latn fi
fon - Fon fon_Latn xx
fra fr French fra_Latn fr
gla gd Scottish_Gaelic gla_Latn gd
gle ga Irish gle_Latn ga
glg gl Galician glg_Latn xx
guj gu Gujarati guj_Gujr gu
hat ht Haitian_Creole hat_Latn ht
hau ha Hausa hau_Latn xx
hbs sh Serbo-Croatian - xx
heb he Hebrew heb_Hebr he
hin hi Hindi hin_Deva hi
hrv hr Croatian hrv_Latn hr
hun hu Hungarian hun_Latn hu
hye hy Armenian hye_Armn hy
ibo ig Igbo ibo_Latn xx
ind id Indonesian ind_Latn id
isl is Icelandic isl_Latn is
ita it Italian ita_Latn it
jav jv Javanese jav_Latn xx
jpn ja Japanese jpn_Jpan ja
kan kn Kannada kan_Knda kn
kat ka Georgian kat_Geor xx
kaz kk Kazakh kaz_Cyrl xx
kin rw Kinyarwanda kin_Latn xx
kir ky Kyrgyz kir_Cyrl ky
kmr ku Northern_Kurdish kmr_Latn kmr
kor ko Korean kor_Hang ko
lav lv Latvian lvs_Latn lv
lij - Ligurian lij_Latn lij
lin ln Lingala lin_Latn xx
lit lt Lithuanian lit_Latn lt
ltz lb Luxembourgish ltz_Latn lb
lug lg Luganda lug_Latn lg
luo - Luo luo_Latn xx
mal ml Malayalam mal_Mlym ml
mar mr Marathi mar_Deva mr
mkd mk Macedonian mkd_Cyrl mk
mos - Mossi mos_Latn xx
msa ms Malay zsm_Latn ms
mya my Burmese mya_Mymr xx
nep ne Nepali npi_Deva ne
nld nl Dutch nld_Latn nl
nno nn Norwegian_Nynorsk nno_Latn nn
nob nb Norwegian_Bokmal nob_Latn nb
nya ny Chichewa nya_Latn xx
pcm - Nigerian_Pidgin - xx
pol pl Polish pol_Latn pl
por pt Portuguese por_Latn pt
ron ro Romanian ron_Latn ro
rus ru Russian rus_Cyrl ru
san sa Sanskrit san_Deva sa
sin si Sinhala sin_Sinh si
slk sk Slovak slk_Latn sk
slv sl Slovenian slv_Latn sl
sna sn Shona sna_Latn xx
som so Somali som_Latn xx
sot st Southern_Sotho sot_Latn xx
spa es Spanish spa_Latn es
sqi sq Albanian als_Latn sq
srp sr Serbian srp_Cyrl sr
swa sw Swahili swh_Latn xx
swe sv Swedish swe_Latn sv
tam ta Tamil tam_Taml ta
tat tt Tatar tat_Cyrl tt
tel te Telugu tel_Telu te
tgl tl Tagalog tgl_Latn tl
tha th Thai tha_Thai th
tir ti Tigrinya tir_Ethi ti
tsn tn Setswana tsn_Latn tn
tur tr Turkish tur_Latn tr
twi tw Twi twi_Latn xx
ukr uk Ukrainian ukr_Cyrl uk
urd ur Urdu urd_Arab ur
vie vi Vietnamese vie_Latn vi
wol wo Wolof wol_Latn xx
xho xh Xhosa xho_Latn xx
yor yo Yoruba yor_Latn yo
zho zh Chinese zho_Hans zh
zul zu Zulu zul_Latn xx
"""


def _code(line: str) -> Code:
    return Code(*("" if cell == "-" else cell.replace("_", " ") if n == 2 else cell
                  for n, cell in enumerate(line.split())))  # fmt: skip


CODES: Dict[str, Code] = {
    entry.iso3: entry for entry in (_code(line) for line in _TABLE.strip().splitlines())
}

# Other ISO 639-3 codes in use for the same: individual languages whose macrolanguage is in the
# table.
_ALIASES = {
    **{"swh": "swa", "zsm": "msa", "pes": "fas", "arb": "ara", "cmn": "zho", "ekk": "est"},
    **{"lvs": "lav", "als": "sqi", "npi": "nep", "aze": "azj", "fil": "tgl", "kur": "kmr"},
    **{"nor": "nob", "no": "nob", "aka": "twi", "ak": "twi", "iw": "heb", "in": "ind", "jw": "jav"},
}

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


def find_code(code: str) -> Optional[Code]:
    """RETURNS (Optional[Code]): The entry for an ISO 639-3, ISO 639-1 or FLORES-200 code, or None."""
    code = _ALIASES.get(code, code)
    if code in CODES:
        return CODES[code]
    return next(
        (entry for entry in CODES.values() if code and code in (entry.iso1, entry.flores)), None
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
        for code in (entry.flores, entry.iso1, entry.iso3, f"{entry.iso3}_{entry.script}"):
            if code and code in known:
                return code
        # Serbian in Latin script for a model that has the other only, and the like.
        near = sorted(code for code in known if code[:4] == f"{entry.iso3}_")
        if near:
            return near[0]
    raise XnerError(
        f"{model} has no language {lang!r}{f' ({entry.name})' if entry else ''}.",
        f"It has: {', '.join(sorted(known)) or 'none'}.",
    )


def blank_vocab(code: str) -> Vocab:
    """The vocabulary of a language, for text that is tokenised already: no tokenizer is made, so that none has to be
    installed.

    code (str): As for `blank`. RETURNS (Vocab): An empty vocabulary.
    RAISES: XnerError if neither spaCy nor the table knows the code.
    """
    entry = find_code(code)
    name = entry.spacy if entry else code
    try:
        return create_vocab(name, get_lang_class(name).Defaults)
    except ImportError:
        raise XnerError(*_unknown(code)) from None


def _unknown(code: str) -> Tuple[str, str]:
    return (
        f"Unknown language {code!r}.",
        f"Give a code of spaCy's, 'xx' for any other language, or one of: {', '.join(CODES)}.",
    )


def blank(code: str) -> Language:
    """A blank pipeline for a language: spaCy's own class, or the multi-language one where spaCy has
    none.

    code (str): ISO 639-1, 639-3 or FLORES-200 code, or any code that spaCy knows.
    RETURNS (Language): The blank pipeline.
    RAISES: XnerError if neither spaCy nor the table knows the code, or if spaCy's tokenizer of the
        language needs a package that is not installed.
    """
    entry = find_code(code)
    try:
        return spacy.blank(entry.spacy if entry else code)
    except ImportError as error:
        if entry is not None:
            raise XnerError(
                f"spaCy's tokenizer for {entry.name} needs a package that is not installed.",
                " ".join(str(error).split()),
            ) from None
        raise XnerError(*_unknown(code)) from None
