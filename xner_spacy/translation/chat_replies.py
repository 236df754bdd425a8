"""What the answers of a chat model's server mean. No text here holds the key, whatever the server sends back."""

import re
from typing import List, Mapping, NamedTuple, Optional, Tuple, Union

from pydantic import BaseModel, ValidationError

from .faults import FAILED, LENGTH, REFUSED, TOO_LONG
from .servers import RUN_AGAIN, TRY_AGAIN, asked_wait, hidden, what_it_says

# Some servers send what a model thinks in front of its answer.
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_SORRY = re.compile(
    r"\A\W*(i['’]?m (very |really )?sorry|i am sorry|sorry|i apologi[sz]e|as an ai|i (cannot|can['’]?t|am unable to|won['’]?t))\b"
    r".*\b(translat|assist|help|comply|fulfil|request|label|provide|annotat|ai\b)",
    re.IGNORECASE | re.DOTALL,
)
_REFUSALS = ("content_filter", "content_policy_violation")
_NO_MONEY = "There is no money left in the account of that server."
_NO_MODEL = "Check `model`, and `base_url`: most end with /v1."
# Errors that every other request would have too.
_HINTS = {
    401: "Check the key, and `key_variable`.",
    402: _NO_MONEY,
    403: "Check the key, and what it may be used for.",
    404: _NO_MODEL,
    405: _NO_MODEL,
}


class Reply(NamedTuple):
    """What a model said to a text."""

    text: str
    fault: Optional[str] = None  # why it can't be used


class Problem(NamedTuple):
    """Why a request had no usable answer."""

    text: str
    again: bool = False  # whether to try again
    wait: Optional[float] = None  # the seconds that the server asks for
    for_all: bool = False  # whether every other request would fail too
    fault: str = FAILED
    hint: str = ""
    charged: bool = False  # whether the server may have charged for it


class Usage(BaseModel):
    """The tokens of a request, as the server counts them."""

    prompt_tokens: int
    completion_tokens: int


class _Message(BaseModel):
    content: Optional[str] = None
    refusal: Optional[str] = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: Optional[str] = None


class _Completion(BaseModel):
    choices: List[_Choice]
    usage: Optional[Usage] = None


def read_answer(body: str, key: str) -> Tuple[Union[Reply, Problem], Optional[Usage]]:
    """RETURNS (Tuple[Union[Reply, Problem], Optional[Usage]]): What an answer without an error holds, and the tokens
    that it took, if it says that.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        said = what_it_says(body, key, 80)
        return Problem(f"its answer is not that of a chat model: {said!r}", True, charged=True, hint=_NO_MODEL), None
    if not completion.choices:
        return Problem("its answer holds no choice", again=True, charged=True, hint=RUN_AGAIN), completion.usage
    choice = completion.choices[0]
    text = hidden(_THOUGHTS.sub("", choice.message.content or ""), key).strip()
    fault = LENGTH if choice.finish_reason == "length" else None
    if choice.message.refusal or choice.finish_reason == "content_filter":
        fault = REFUSED
    return Reply(text, fault), completion.usage


def read_error(status: int, headers: Mapping[str, str], body: str, code: Optional[str], key: str) -> Problem:
    """RETURNS (Problem): What an error of the server means. code (Optional[str]): OpenAI's word for it."""
    said = what_it_says(body, key, 200)
    text = f"the server says {status}{': ' * bool(said)}{said}"
    if code in _REFUSALS:
        return Problem(text, fault=REFUSED)
    if code == "context_length_exceeded":
        return Problem(text, fault=TOO_LONG)
    if status in _HINTS or code == "insufficient_quota":
        return Problem(text, for_all=True, hint=_HINTS.get(status, _NO_MONEY))
    if status in TRY_AGAIN or status >= 500:
        return Problem(text, again=True, wait=asked_wait(headers), hint=RUN_AGAIN)
    return Problem(text, hint="A setting may not suit this model.")


def looks_refused(text: str) -> bool:
    """RETURNS (bool): Whether an answer says, in English, that the model won't do it."""
    return _SORRY.match(text) is not None
