"""A chat model behind an OpenAI-compatible address (hosted, vLLM, Ollama): its settings, its messages and its costs. The
translator and the annotator `xner.Chat.v1` are built on it.

A request that fails in passing (no answer in time, 429, 5xx, a broken connection, an answer that is none) is tried
again after a pause. One that the server refuses for good is a fault of its text, and the others go on. An error of the
whole server (the key, the model's name, three texts in a row without an answer) ends the run, and so does the budget;
the answers to requests that are under way are still awaited.
"""

import os
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors import XnerError, require
from ..types import Cost, Translation
from .chat_replies import Reply
from .chat_session import BUDGET_VARIABLE, BYTES_A_TOKEN, HOME, Session
from .servers import check_address, check_positive, check_variable
from .spending import Charge, Ledger

# Tokens of a request around its text: roles, and marks of their ends.
FRAME = 16
LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(eq=False)
class ChatModel:
    """A chat model behind an OpenAI-compatible address.

    model (str): Its name on the server.
    base_url (str): The address that ends before /chat/completions: of a provider, or of a server of your own
        ("http://localhost:8000/v1" for vLLM, "http://localhost:11434/v1" for Ollama).
    key_variable (Optional[str]): The name of the environment variable with the key. None is OPENAI_API_KEY for OpenAI's
        own address, and no key for any other.
    concurrency (int): The most requests at a time.
    requests_per_minute (Optional[float]): The most requests a minute that the provider allows.
    tokens_per_minute (Optional[float]): The most tokens a minute that it allows.
    retries (int): How often a request is tried again that failed in passing.
    timeout (float): Seconds to wait for an answer.
    budget (Optional[float]): The most to spend on this model, over all runs with the same store: in the currency of the
        prices if they are set, else in tokens. The environment variable XNER_CHAT_BUDGET takes precedence.
    input_price (Optional[float]): What a million tokens of instructions and texts cost.
    output_price (Optional[float]): What a million tokens of answers cost.
    temperature (Optional[float]): 0 for the most probable answer. None leaves it out, for models that don't take it.
    seed (Optional[int]): For servers that take one.
    max_tokens (int): The most tokens of an answer. A longer one is cut off, and is a fault.
    max_tokens_name (str): The name of that field: newer models of OpenAI call it "max_completion_tokens".
    system_role (bool): Send the instruction as a message of the system. False is for models without that role: the
        instruction is in front of the text.
    extra (Optional[Dict[str, Any]]): More fields of the request, as the server names them.
    """

    model: str
    _: KW_ONLY
    base_url: str = HOME
    key_variable: Optional[str] = None
    concurrency: int = 8
    requests_per_minute: Optional[float] = None
    tokens_per_minute: Optional[float] = None
    retries: int = 6
    timeout: float = 60.0
    budget: Optional[float] = None
    input_price: Optional[float] = None
    output_price: Optional[float] = None
    temperature: Optional[float] = 0.0
    seed: Optional[int] = None
    max_tokens: int = 1024
    max_tokens_name: str = "max_tokens"
    system_role: bool = True
    extra: Optional[Dict[str, Any]] = None
    # Requests and tokens of this process.
    usage: Dict[str, int] = field(init=False, default_factory=dict, repr=False)
    _ledger: Ledger = field(init=False, repr=False)
    _session: Optional[Session] = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        require(self.model, "No chat model is named.", "Set `model` to a name that the server knows.")
        check_address(self.base_url, "base_url")
        check_variable(self.key_variable)
        check_positive(
            concurrency=self.concurrency, requests_per_minute=self.requests_per_minute, budget=self.budget,
            tokens_per_minute=self.tokens_per_minute, timeout=self.timeout, max_tokens=self.max_tokens,
        )  # fmt: skip
        require(self.retries >= 0, f"`retries` is {self.retries}.", "Give a number from 0 on.")
        prices = (self.input_price, self.output_price)
        require(
            (prices[0] is None) == (prices[1] is None) and all(price is None or price >= 0 for price in prices),
            f"The prices are {prices[0]} and {prices[1]}.",
            "Set both input_price and output_price, for a million tokens, or neither.",
        )
        known = ", ".join(LIMITS)
        require(self.max_tokens_name in LIMITS, f"`max_tokens_name` is {self.max_tokens_name!r}.", f"Choose: {known}.")
        # The room of the part (translation, annotation) comes first: a model may be used for both.
        self._ledger = Ledger(f"{type(self).__module__.split('.')[1]} {self.model} {self.base_url}")

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_session": None}

    # What the two parts add.

    def instruct(self) -> str:
        """RETURNS (str): The instruction before every text."""
        raise NotImplementedError

    def judge(self, text: str, reply: Reply) -> Translation:
        """RETURNS (Translation): What a reply to a text is worth."""
        raise NotImplementedError

    @property
    def identity(self) -> Dict[str, Any]:
        """Everything that a stored answer depends on except the text."""
        names = ("model", "base_url", "temperature", "seed", "max_tokens", "system_role", "extra")
        return {"engine": "chat", **{name: getattr(self, name) for name in names}, "instruction": self.instruct()}

    # Asking.

    def completed(self, texts: Sequence[str]) -> Iterator[Tuple[int, Translation]]:
        """Ask for many texts at a time. YIELDS (Tuple[int, Translation]): The number of a text and its result, each as
        soon as it is there. RAISES: XnerError when the budget is used up or the server can't be used, after the results
        of the requests that were under way.
        """
        if self._session is None or self._session.owner != os.getpid():
            self._session = Session(self)
        for number, reply in self._session.replies(texts):
            yield number, self.judge(texts[number], reply)

    def count_in(self, path: Any) -> None:
        """Keep the account in the file of a store, so that the budget holds for all its runs and processes."""
        if self._ledger.path != path:
            self._ledger.close()
            self._ledger = Ledger(self._ledger.account, path)

    def close(self) -> None:
        """Close the connections; the next text opens them again."""
        if self._session is not None:
            self._session.client.close()
        self._session = None
        self._ledger.close()

    # Costs.

    @property
    def in_money(self) -> bool:
        """RETURNS (bool): Whether the budget is money, not tokens."""
        return self.input_price is not None

    @property
    def most(self) -> Optional[float]:
        """RETURNS (Optional[float]): The budget. RAISES: XnerError if the environment variable is no number."""
        text = os.environ.get(BUDGET_VARIABLE)
        if not text:
            return self.budget
        try:
            budget = float(text)
            check_positive(**{BUDGET_VARIABLE: budget})
        except ValueError:
            raise XnerError(f"{BUDGET_VARIABLE} is {text!r}, which is no sum.", "Give a number above 0.") from None
        return budget

    def charge(self, input_tokens: int, output_tokens: int) -> Charge:
        """RETURNS (Charge): Tokens with what they cost."""
        money = input_tokens * (self.input_price or 0.0) + output_tokens * (self.output_price or 0.0)
        return Charge(input_tokens, output_tokens, money / 1e6)

    def messages(self, text: str) -> List[Dict[str, str]]:
        """RETURNS (List[Dict[str, str]]): The request's messages."""
        if self.system_role:
            return [{"role": "system", "content": self.instruct()}, {"role": "user", "content": text}]
        return [{"role": "user", "content": f"{self.instruct()}\n\n{text}"}]

    def most_charged(self, text: str) -> Charge:
        """RETURNS (Charge): The most that a request can cost: no tokenizer makes more tokens than there are bytes."""
        size = sum(len(message["content"].encode("utf8", "replace")) + FRAME for message in self.messages(text))
        return self.charge(size, self.max_tokens)

    def estimate(self, texts: Sequence[str]) -> Cost:
        """RETURNS (Cost): About what texts would cost, and what was spent before."""
        size = sum(len(text.encode("utf8", "replace")) for text in texts)
        frame = len(self.instruct().encode("utf8", "replace")) / BYTES_A_TOKEN + FRAME
        about = self.charge(round(size / BYTES_A_TOKEN + frame * len(texts)), round(size / BYTES_A_TOKEN))
        spent = self._ledger.spent()
        return Cost(
            len(texts), about.input, about.output, about.money if self.in_money else None,
            spent.money if self.in_money else spent.tokens, self.most,
        )  # fmt: skip

    def count(self, charge: Charge) -> None:
        """Add a request to what this process has used."""
        for name, number in (("requests", 1), ("input tokens", charge.input), ("output tokens", charge.output)):
            self.usage[name] = self.usage.get(name, 0) + number
