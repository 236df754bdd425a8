"""What all parts that ask a server share: addresses and keys, how long to wait, and the pace of requests.

A config may come from someone else, so it names neither a key nor, on its own, where a key goes. It names an
environment variable, and the key in it is sent to the provider that the variable belongs to, to this computer, or to
the hosts that the user lists in XNER_KEY_HOSTS.
"""

import json
import os
import random
import re
import threading
import time
from email.utils import parsedate_to_datetime
from typing import Callable, Mapping, Optional
from urllib.parse import urlsplit

from ..errors import XnerError, require

HOSTS_VARIABLE = "XNER_KEY_HOSTS"
# Where the key of a variable goes without being asked for.
_HOMES = {"OPENAI_API_KEY": "api.openai.com", "LIBRETRANSLATE_API_KEY": "libretranslate.com"}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*(KEY|TOKEN)\Z")
# Seconds: the first wait before a second try, the longest of our own, and the longest that a server may ask for.
FIRST_WAIT, MOST_WAIT, LONGEST_WAIT = 1.0, 60.0, 600.0
# Statuses of errors that may pass; those from 500 on do too.
TRY_AGAIN = (408, 409, 425, 429)
# After this many texts in a row without an answer the server itself is at fault, not the texts.
MOST_FAILURES = 3
RUN_AGAIN = "Stored answers are kept; run again."
HIDDEN = "***"


def host_of(address: str) -> str:
    """RETURNS (str): The host of an address, in lower case, without the port."""
    return (urlsplit(address).hostname or "").lower()


def check_address(address: str, setting: str) -> None:
    """RAISES: XnerError for what is no address of a server, or holds a password or key. It is not quoted then."""
    try:
        parts = urlsplit(address)
        is_plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        is_open = parts.username is None and not parts.query and not parts.fragment
    except ValueError:
        is_plain, is_open = False, True
    require(is_open, f"`{setting}` holds a password or a query.", "Name the environment variable of the key instead.")
    require(is_plain, f"`{setting}` is no address: {address!r}.", "For instance: http://localhost:8000/v1")


def check_variable(variable: Optional[str]) -> None:
    """RAISES: XnerError unless a setting is None or the name of a variable for a key. It may be the key itself, so it
    is not quoted.
    """
    require(
        variable is None or _VARIABLE.match(variable),
        "`key_variable` is not the name of an environment variable that ends with KEY or TOKEN.",
        'Put the key into such a variable, and its name into the config: key_variable = "MISTRAL_API_KEY"',
    )


def find_key(variable: Optional[str], address: str) -> str:
    """RETURNS (str): The key in an environment variable, or an empty string if there is no variable. RAISES: XnerError
    if it is not set, or if the user has not allowed it to be sent to that address.
    """
    if variable is None:
        return ""
    host = host_of(address)
    allowed = re.split(r"[,\s]+", os.environ.get(HOSTS_VARIABLE, "").lower())
    require(
        host == _HOMES.get(variable) or is_local(address) or host in allowed,
        f"The key in {variable} is not sent to {host}, because a config may come from someone else.",
        f"If it is meant for that host, allow it: export {HOSTS_VARIABLE}={host}",
    )
    key = os.environ.get(variable, "").strip()
    require(
        key, f"The key for {host} is missing: the environment variable {variable} is not set.", f"export {variable}=..."
    )
    require(
        key.isascii() and key.isprintable(),
        f"The key in {variable} holds characters that no key has.",
        "Copy it again.",
    )
    return key


def is_local(address: str) -> bool:
    """RETURNS (bool): Whether an address is on this computer."""
    return host_of(address) in _LOCAL


def hidden(text: str, key: str) -> str:
    """RETURNS (str): What a server said, without the key: some send it back in an error."""
    return text.replace(key, HIDDEN) if key else text


def what_it_says(body: str, key: str, most: int) -> str:
    """RETURNS (str): The message in the body of an error, or the beginning of the body."""
    message: object = body
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        error = content.get("error", content)
        message = error.get("message") if isinstance(error, dict) else error
    return " ".join(hidden(message if isinstance(message, str) else body, key).split())[:most]


def asked_wait(headers: Mapping[str, str]) -> Optional[float]:
    """RETURNS (Optional[float]): The seconds that a server asks to wait (Retry-After, in seconds or as a date), or
    None.
    """
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, IndexError):
        return None


def own_wait(attempt: int) -> float:
    """RETURNS (float): Seconds before another try, doubled with each, and not the same for all threads.

    attempt (int): The number of tries before, from 0.
    """
    return min(FIRST_WAIT * 2**attempt, MOST_WAIT) * random.uniform(0.5, 1.0)


class Pace:
    """Spreads requests evenly, so that in no minute there are more than allowed. Threads share it.

    requests (Optional[float]), tokens (Optional[float]): The most a minute; None for no limit.
    clock (Callable): Returns the time in seconds.
    """

    def __init__(
        self, requests: Optional[float], tokens: Optional[float] = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds_a_request = 60.0 / requests if requests else 0.0
        self.seconds_a_token = 60.0 / tokens if tokens else 0.0
        self._clock = clock
        self._next = self._held_until = clock()
        self._lock = threading.Lock()

    def take_turn(self, tokens: int, sleep: Callable[[float], bool]) -> None:
        """Wait for a turn.

        tokens (int): What the request and its answer may have. sleep (Callable): Sleeps for some seconds, and returns
            whether the run was stopped meanwhile.
        """
        with self._lock:
            begin = max(self._next, self._clock())
            self._next = begin + max(self.seconds_a_request, tokens * self.seconds_a_token)
        while (seconds := max(begin, self._held_until) - self._clock()) > 0:
            if sleep(seconds):
                return

    def hold(self, seconds: float) -> None:
        """Let all requests wait, because the server asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
            self._next = max(self._next, self._held_until)


def check_positive(**settings: Optional[float]) -> None:
    """RAISES: XnerError that names a setting which is neither None nor a number above 0."""
    for name, value in settings.items():
        if value is not None and not 0 < value < float("inf"):
            raise XnerError(f"`{name}` is {value}.", "Give a number above 0, or leave it out.")
