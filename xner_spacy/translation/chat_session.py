"""Send requests to a chat model: many at a time, within a pace and a budget, each tried again after an error that may
pass.
"""

import logging
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, Iterator, Optional, Sequence, Tuple, Union

from ..errors import MissingExtraError, XnerError, in_one_line
from .chat_replies import Problem, Reply, Usage, read_answer, read_error
from .faults import FAILED
from .servers import LONGEST_WAIT, MOST_FAILURES, RUN_AGAIN, Pace, find_key, hidden, host_of, own_wait
from .spending import Charge

if TYPE_CHECKING:
    from .chat_model import ChatModel

PART = "xner.Chat.v1"
HOME = "https://api.openai.com/v1"
BUDGET_VARIABLE = "XNER_CHAT_BUDGET"
# UTF-8 bytes of a token, for estimates: 4 in English, fewer in other languages.
BYTES_A_TOKEN = 3.0
# Seconds after which a waiting thread looks whether it was interrupted: on some systems a longer wait hears nothing.
_TICK = 1.0

_LOGGER = logging.getLogger("xner_spacy")


class Session:
    """The connections of a process to a model's server, its pace, and its run of failures."""

    def __init__(self, part: "ChatModel") -> None:
        openai = _import_openai()
        self.openai, self.part, self.owner = openai, part, os.getpid()
        variable = part.key_variable or ("OPENAI_API_KEY" if part.base_url.rstrip("/") == HOME else None)
        self.key = find_key(variable, part.base_url)
        # The library retries in its own way, and does not know of the pace and the budget.
        self.client = openai.OpenAI(
            api_key=self.key or "none", base_url=part.base_url, max_retries=0, timeout=part.timeout
        )
        if host_of(part.base_url) != host_of(HOME):
            # What the library finds in the environment is meant for OpenAI.
            self.client.organization = self.client.project = self.client.admin_api_key = None
            self.client._custom_headers = {}
        self.pace = Pace(part.requests_per_minute, part.tokens_per_minute)
        self._change = threading.Condition()
        self._under_way = 0
        self._failed_in_a_row = 0
        self._warned = False

    def replies(self, texts: Sequence[str]) -> Iterator[Tuple[int, Reply]]:
        """YIELDS (Tuple[int, Reply]): The number of a text and its reply, in the order of arrival."""
        results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        numbers = iter(range(len(texts)))
        stop = threading.Event()
        # Answers that were taken. Before that a thread asks for nothing more: of a killed run no more than `concurrency`
        # paid answers are lost.
        taken = threading.Semaphore(0)

        def work() -> None:
            while not stop.is_set():
                with self._change:
                    number = next(numbers, None)
                if number is None:
                    break
                try:
                    results.put((number, self._reply(texts[number], stop)))
                    taken.acquire()
                except BaseException as error:  # noqa: BLE001  (it is raised again, in the thread that asked)
                    results.put((number, error))
                    break
            results.put(None)

        # These end with the process: an interrupted run does not wait for a server.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(self.part.concurrency, len(texts)))]
        error: Optional[BaseException] = None
        try:
            for thread in threads:
                thread.start()
            running = len(threads)
            while running:
                try:
                    result = results.get(timeout=_TICK)
                except queue.Empty:
                    continue
                if result is None:
                    running -= 1
                    continue
                if isinstance(result[1], BaseException):
                    error = error or result[1]
                    stop.set()
                elif result[1] is not None:
                    yield result
                taken.release()
        finally:
            stop.set()
            taken.release(len(threads) + 1)
        if error is not None:
            raise error

    def _reply(self, text: str, stop: threading.Event) -> Optional[Reply]:
        """RETURNS (Optional[Reply]): The reply to a text, or None if the run was stopped before. RAISES: XnerError."""
        problem = Problem("it was not asked")
        for attempt in range(self.part.retries + 1):
            charge = self.part.most_charged(text)
            self.pace.take_turn(round(charge.input / BYTES_A_TOKEN) + charge.output, stop.wait)
            if stop.is_set() or not self._reserve(charge, stop):
                return None
            result = self._ask_within(charge, text)
            if isinstance(result, Reply):
                self._failed_in_a_row = 0
                return result
            problem = result
            if problem.for_all:
                raise self._error(problem)
            if not problem.again:
                break
            if problem.wait is not None and problem.wait > LONGEST_WAIT:
                raise self._error(problem._replace(hint=f"It asks to wait {problem.wait:.0f} s. {RUN_AGAIN}"))
            if attempt < self.part.retries:
                self._pause(problem, attempt, stop)
        if problem.fault == FAILED:
            with self._change:
                self._failed_in_a_row += 1
                failed = self._failed_in_a_row
            if failed >= MOST_FAILURES:
                raise self._error(problem)
            _LOGGER.warning("%s: no answer to %r: %s.", self.part.model, text[:80], problem.text)
        return Reply("", problem.fault)

    def _pause(self, problem: Problem, attempt: int, stop: threading.Event) -> None:
        seconds = own_wait(attempt) if problem.wait is None else problem.wait
        level = logging.INFO if self._warned else logging.WARNING
        self._warned = True
        _LOGGER.log(level, "%s: %s; it is asked again in %.1f s.", self.part.model, problem.text, seconds)
        if problem.wait is not None:
            self.pace.hold(seconds)
        else:
            stop.wait(seconds)

    def _error(self, problem: Problem) -> XnerError:
        return XnerError(
            f"The chat model {self.part.model!r} at {self.part.base_url} gives no answers: {problem.text}.",
            problem.hint,
        )

    def _reserve(self, charge: Charge, stop: threading.Event) -> bool:
        """Set aside what a request can cost. While the budget is short because of other requests, wait for these.

        RETURNS (bool): Whether the request can be sent; False if the run was stopped. RAISES: XnerError if the budget
            is used up.
        """
        with self._change:
            while not self.part._ledger.reserve(charge, self.part.most, self.part.in_money):
                if not self._under_way:
                    raise self._used_up(charge)
                self._change.wait()
                if stop.is_set():
                    return False
            self._under_way += 1
        return True

    def _used_up(self, charge: Charge) -> XnerError:
        spent, part = self.part._ledger.spent(), self.part
        if part.in_money:
            done, held, following = (f"{sum:.4f}" for sum in (spent.money, spent.held_money, charge.money))
        else:
            done, held, following = (f"{sum:,} tokens" for sum in (spent.tokens, spent.held_tokens, charge.tokens))
        unanswered = f", {held} set aside for others that were never answered" if spent.held_tokens else ""
        kept = "The answers are in the store, so only what is missing is asked."
        if self.part._ledger.path is None:
            kept = "Without a store (xner.Stored.v1) the answers of this run are lost."
        return XnerError(
            f"The budget of {part.most:,.10g} for the chat model {part.model!r} is not enough for the next request: "
            f"{done} are spent on {spent.requests:,} requests{unanswered}, and it may cost {following}.",
            f"To go on, set {BUDGET_VARIABLE} to a higher sum and run the same command again. {kept}",
        )

    def _ask_within(self, charge: Charge, text: str) -> Union[Reply, Problem]:
        """Send a request for which the most that it can cost is set aside, and settle what it did cost."""
        actual: Optional[Charge] = charge
        try:
            result, used = self._ask(text)
            if used is not None:
                actual = self.part.charge(used.prompt_tokens, used.completion_tokens)
            elif isinstance(result, Problem) and not result.charged:
                actual = None
        finally:
            self.part._ledger.settle(charge, actual)
            with self._change:
                self._under_way -= 1
                if actual is not None:
                    self.part.count(actual)
                self._change.notify_all()
        return result

    def _ask(self, text: str) -> Tuple[Union[Reply, Problem], Optional[Usage]]:
        """RETURNS (Tuple[Union[Reply, Problem], Optional[Usage]]): What came back, and the tokens that it says it
        took.
        """
        part, openai = self.part, self.openai
        options = {"temperature": part.temperature, "seed": part.seed, part.max_tokens_name: part.max_tokens}
        try:
            raw = self.client.chat.completions.with_raw_response.create(
                model=part.model,
                messages=part.messages(text),
                extra_body=part.extra,
                **{name: value for name, value in options.items() if value is not None},
            )
            body = raw.text
        except openai.APITimeoutError as error:
            problem = Problem(f"it gave no answer within {part.timeout:g} s", charged=_was_sent(error), hint=RUN_AGAIN)
            return problem._replace(again=True), None
        except openai.APIConnectionError as error:
            reason = in_one_line(error.__cause__ or error) or type(error).__name__
            text = f"the connection failed ({hidden(reason, self.key)})"
            hint = f"Is the server running, and the network there? {RUN_AGAIN}"
            return Problem(text, again=True, charged=_was_sent(error), hint=hint), None
        except openai.APIStatusError as error:
            answer = error.response
            return read_error(error.status_code, answer.headers, answer.text, error.code, self.key), None
        except openai.OpenAIError as error:
            return Problem(f"{type(error).__name__}: {hidden(in_one_line(error), self.key)}", for_all=True), None
        return read_answer(body, self.key)


def _was_sent(error: Exception) -> bool:
    """RETURNS (bool): Whether a request without an answer may have reached the server, which may charge for it."""
    return "Connect" not in type(error.__cause__).__name__


def _import_openai() -> Any:
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError(PART, "chat") from error
    return openai
