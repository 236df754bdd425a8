"""`xner.LibreTranslate.v1`: a server of LibreTranslate, or one that understands the same requests.

Texts are sent in batches. A batch that the server refuses is sent text by text, so that one odd text does not affect the
others. Redirections are not followed: a key and texts go to the address that is set, and nowhere else.
"""

import http.client
import json
import logging
import time
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from pydantic import TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

from ..errors import XnerError, in_one_line, require
from ..languages import model_code
from ..streams import pools
from ..types import Translation
from .faults import FAILED, MAX_RATIO, RULES, find_fault
from .servers import (
    LONGEST_WAIT,
    MOST_FAILURES,
    RUN_AGAIN,
    TRY_AGAIN,
    Pace,
    asked_wait,
    check_address,
    check_positive,
    check_variable,
    find_key,
    hidden,
    host_of,
    own_wait,
    what_it_says,
)

PART = "xner.LibreTranslate.v1"
HOME = "libretranslate.com"
AUTO = "auto"
# Seconds for the list of languages, with which a server that is not there is noticed.
SHORT_WAIT = 20.0

Answer = TypeVar("Answer")
_LOGGER = logging.getLogger("xner_spacy")


class _Problem(NamedTuple):
    """Why a request had no answer."""

    text: str
    again: bool = False  # whether to try again
    wait: Optional[float] = None  # the seconds that the server asks for
    for_all: bool = False  # whether every other request would fail too
    of_texts: bool = False  # whether one of the texts may be the cause
    hint: str = RUN_AGAIN


class _Language(TypedDict):
    code: str
    targets: NotRequired[List[str]]


class _Translated(TypedDict):
    translatedText: List[str]


_LANGUAGES: TypeAdapter = TypeAdapter(List[_Language])
_TRANSLATED: TypeAdapter = TypeAdapter(_Translated)


class _Unmoved(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirection; it becomes an error with its status."""


@dataclass(eq=False)
class LibreTranslate:
    """`xner.LibreTranslate.v1`: translates with a server of LibreTranslate.

    source_lang (str): Language of the texts: any code of the language table, or the server's own; "auto" lets the
        server guess it.
    target_lang (str): Language of the translations, likewise.
    url (str): The address of the server, without "/translate".
    key_variable (Optional[str]): The name of the environment variable with the key. None is LIBRETRANSLATE_API_KEY for
        libretranslate.com, and no key for any other server.
    batch_size (int): The most texts of a request.
    batch_characters (int): The most characters of a request; a longer text is sent alone.
    requests_per_minute (Optional[float]): The most requests a minute that the server allows.
    retries (int): How often a request is tried again that failed in passing.
    timeout (float): Seconds to wait for an answer.
    max_ratio (float): See `find_fault`.
    """

    source_lang: str
    target_lang: str
    _: KW_ONLY
    url: str = "http://localhost:5000"
    key_variable: Optional[str] = None
    batch_size: int = 32
    batch_characters: int = 2000
    requests_per_minute: Optional[float] = None
    retries: int = 6
    timeout: float = 60.0
    max_ratio: float = MAX_RATIO
    _failed_in_a_row: int = field(init=False, default=0, repr=False)
    _pace: Optional[Pace] = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        check_address(self.url, "url")
        check_variable(self.key_variable)
        check_positive(
            batch_size=self.batch_size, batch_characters=self.batch_characters, timeout=self.timeout,
            requests_per_minute=self.requests_per_minute,
        )  # fmt: skip
        require(self.retries >= 0, f"`retries` is {self.retries}.", "Give a number from 0 on.")

    def __getstate__(self) -> Dict[str, Any]:
        kept = {name: value for name, value in self.__dict__.items() if name not in ("_opener", "_codes")}
        return {**kept, "_pace": None}

    @property
    def identity(self) -> Dict[str, Any]:
        """Everything that a stored translation depends on except the text, as far as the server tells it."""
        names = ("url", "source_lang", "target_lang", "max_ratio")
        return {"engine": "libretranslate", **{name: getattr(self, name) for name in names}, "faults": RULES}

    def __call__(self, texts: Iterable[str]) -> Iterator[Translation]:
        for batch in pools(texts, self.batch_size, self.batch_characters):
            # Batches come one after the other, and the texts of a batch in their order.
            for _, translation in self.completed(batch):
                yield translation

    def completed(self, texts: Sequence[str]) -> Iterator[Tuple[int, Translation]]:
        """YIELDS (Tuple[int, Translation]): The number of each text and its translation, in order, after each request.
        RAISES: XnerError if the server can't be used.
        """
        number = 0
        for batch in pools(texts, self.batch_size, self.batch_characters):
            # Texts of spaces alone are not sent to the server.
            answers = iter(self._translate([text for text in batch if text.strip()]))
            for text in batch:
                yield number, self._judge(text, next(answers)) if text.strip() else Translation("")
                number += 1

    def _judge(self, text: str, answer: Optional[str]) -> Translation:
        fault = FAILED if answer is None else find_fault(text, answer, self.max_ratio)
        return Translation(None, fault=fault) if fault else Translation((answer or "").strip())

    def _translate(self, texts: List[str]) -> List[Optional[str]]:
        """RETURNS (List[Optional[str]]): The answers to the texts of one batch, None for a text that has none."""
        if not texts:
            return []
        source, target = self._codes
        question = {"q": texts, "source": source, "target": target, "format": "text"}

        def ask() -> Union[List[str], _Problem]:
            body = self._ask("/translate", question, self.timeout)
            return body if isinstance(body, _Problem) else self._read(body, len(texts))

        result = self._tried(ask, self.retries, is_batch=len(texts) > 1)
        if not isinstance(result, _Problem):
            self._failed_in_a_row = 0
            return list(result)
        if len(texts) > 1 and result.of_texts:
            return [answer for text in texts for answer in self._translate([text])]
        self._failed_in_a_row += len(texts)
        if self._failed_in_a_row >= MOST_FAILURES:
            raise self._error(result)
        _LOGGER.warning("%s: no translation of %r: %s.", self.url, texts[0][:80], result.text)
        return [None] * len(texts)

    def _tried(
        self, ask: Callable[[], Union[Answer, _Problem]], retries: int, is_batch: bool
    ) -> Union[Answer, _Problem]:
        """RETURNS (Union[Answer, _Problem]): An answer, or what went wrong in the last of all tries. RAISES: XnerError
        if the server can't be used.
        """
        for attempt in range(retries + 1):
            result = ask()
            if not isinstance(result, _Problem):
                return result
            is_long = result.wait is not None and result.wait > LONGEST_WAIT
            if is_long:
                result = result._replace(hint=f"It asks to wait {result.wait:.0f} s. {RUN_AGAIN}")
            if result.for_all or is_long:
                raise self._error(result)
            if not result.again or (is_batch and result.of_texts) or attempt == retries:
                break
            seconds = own_wait(attempt) if result.wait is None else result.wait
            _LOGGER.warning("%s: %s; it is asked again in %.1f s.", self.url, result.text, seconds)
            time.sleep(seconds)
        return result

    def _read(self, body: str, expected: int) -> Union[List[str], _Problem]:
        try:
            answers = _TRANSLATED.validate_json(body)["translatedText"]
        except ValidationError:
            return self._no_answer(body)
        if len(answers) != expected:
            return _Problem(f"it gave {len(answers)} translations of {expected} texts", again=True, of_texts=True)
        return [hidden(answer, self._key) for answer in answers]

    def _no_answer(self, body: str) -> _Problem:
        said = what_it_says(body, self._key, 80)
        return _Problem(f"its answer is not that of LibreTranslate: {said!r}", again=True, hint="Check `url`.")

    def _error(self, problem: _Problem) -> XnerError:
        return XnerError(f"The translation server {self.url} can't be used: {problem.text}.", problem.hint)

    # The server

    @property
    def _key(self) -> str:
        variable = self.key_variable or ("LIBRETRANSLATE_API_KEY" if host_of(self.url) == HOME else None)
        return find_key(variable, self.url)

    @cached_property
    def _opener(self) -> OpenerDirector:
        return build_opener(_Unmoved)

    @cached_property
    def _codes(self) -> Tuple[str, str]:
        """The server's codes of both languages. RAISES: XnerError that lists what the server has."""
        offered = self._tried(self._languages, min(self.retries, 2), is_batch=False)
        if isinstance(offered, _Problem):
            raise self._error(offered)
        # The language table writes scripts as "zh_Hans", LibreTranslate as "zh-Hans".
        codes = {language["code"].replace("-", "_"): language for language in offered}
        name = f"The translation server {self.url}"
        source = AUTO
        targets = sorted({code for language in offered for code in language.get("targets", [language["code"]])})
        if self.source_lang != AUTO:
            found = codes[model_code(self.source_lang.replace("-", "_"), codes, name)]
            source, targets = found["code"], found.get("targets", targets)
            name += f" translates {source!r}, but it"
        by_name = {code.replace("-", "_"): code for code in targets}
        return source, by_name[model_code(self.target_lang.replace("-", "_"), by_name, name)]

    def _languages(self) -> Union[List[_Language], _Problem]:
        body = self._ask("/languages", None, min(self.timeout, SHORT_WAIT))
        if isinstance(body, _Problem):
            return body
        try:
            return _LANGUAGES.validate_json(body)
        except ValidationError:
            return self._no_answer(body)

    def _ask(self, path: str, question: Optional[Dict[str, Any]], timeout: float) -> Union[str, _Problem]:
        """RETURNS (Union[str, _Problem]): The body of a good answer, or what went wrong; without the key."""
        key, data = self._key, None
        if question is not None:
            data = json.dumps({**question, "api_key": key} if key else question).encode("utf8")
        if self._pace is None:
            self._pace = Pace(self.requests_per_minute)
        self._pace.take_turn(0, _sleep)
        request = Request(self.url.rstrip("/") + path, data, {"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return response.read().decode("utf8", "replace")
        except HTTPError as error:
            with error:
                status, headers, body = error.code, dict(error.headers.items()), _body(error)
        except TimeoutError:
            return _Problem(f"it gave no answer within {timeout:g} s", again=True)
        except (URLError, OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, TimeoutError):
                return _Problem(f"it gave no answer within {timeout:g} s", again=True)
            reason = hidden(in_one_line(cause if isinstance(cause, Exception) else error), key)
            hint = f"Is the server running, and the network there? {RUN_AGAIN}"
            return _Problem(f"the connection failed ({reason or type(error).__name__})", again=True, hint=hint)
        return _refusal(status, {name.lower(): value for name, value in headers.items()}, what_it_says(body, key, 200))


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _body(error: HTTPError) -> str:
    try:
        return error.read().decode("utf8", "replace")
    except (OSError, http.client.HTTPException):
        return ""


def _refusal(status: int, headers: Dict[str, str], said: str) -> _Problem:
    text = f"it says {status}{': ' * bool(said)}{said}"
    if 300 <= status < 400:
        return _Problem(f"{text} (it has moved)", for_all=True, hint="Set `url` to its new address.")
    if status in (401, 403):
        hint = 'It needs a key: put it into an environment variable, and name that: key_variable = "LIBRETRANSLATE_API_KEY"'
        return _Problem(text, for_all=True, hint=hint)
    if status in (404, 405):
        return _Problem(text, for_all=True, hint="Check `url`: it ends before /translate.")
    if status in TRY_AGAIN or status >= 500:
        return _Problem(text, again=True, wait=asked_wait(headers), of_texts=status == 500)
    return _Problem(text, of_texts=True, hint="A setting may not suit this server.")
