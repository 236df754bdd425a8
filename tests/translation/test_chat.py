"""`xner.Chat.v1` as translator, asked of a server that answers in every wrong way."""

import json
import logging
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.translation.chat_server import KEY, ChatServer, Step, completion
from xner_spacy.errors import MissingExtraError, XnerError
from xner_spacy.registry import get_part
from xner_spacy.translation import servers
from xner_spacy.translation.chat import Chat
from xner_spacy.translation.chat_replies import looks_refused
from xner_spacy.translation.faults import PASSING
from xner_spacy.translation.store import Stored

pytest.importorskip("openai")
pytestmark = pytest.mark.usefixtures("no_secrets")


def chat(server: ChatServer, **settings: Any) -> Chat:
    return Chat("tiny", base_url=server.url, **{"source_lang": "is", "target_lang": "en", **settings})


def upper(text: str, number: int) -> str:
    return text.upper()


def faults(part: Any, *texts: str) -> List[Any]:
    return [t.fault for t in part(texts)]


TEXTS = [f"texti númer {k}" for k in range(12)]


def test_it_asks_for_each_text_and_keeps_their_order(serve: Any) -> None:
    server = serve(lambda text, n: Step(completion(text.upper()), wait=0.05 if text.endswith("0") else 0))
    assert [t.text for t in chat(server)(TEXTS)] == [text.upper() for text in TEXTS]
    request = server.requests[0]
    assert request["path"] == "/v1/chat/completions" and request["model"] == "tiny"
    assert (request["temperature"], request["max_tokens"]) == (0.0, 1024) and "seed" not in request
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    assert "from Icelandic into English" in request["messages"][0]["content"]


def test_settings_of_the_request(serve: Any) -> None:
    server = serve(lambda text, n: "ONE")
    part = chat(
        server, temperature=None, seed=7, max_tokens=50, max_tokens_name="max_completion_tokens", system_role=False,
        instruction="Into {target}:", extra={"think": False},
    )  # fmt: skip
    list(part(["eitt"]))
    (request,) = server.requests
    assert request["messages"] == [{"role": "user", "content": "Into English:\n\neitt"}]
    assert (request["seed"], request["max_completion_tokens"], request["think"]) == (7, 50, False)
    assert "temperature" not in request and "max_tokens" not in request


GOOD = "The president went."
SLOW = Step(completion("late"), wait=1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        SLOW,
        Step({"error": {"message": "slow down"}}, 429),
        Step({"error": {"message": "slow down"}}, 429, {"Retry-After": "0.02"}),
        Step({"error": {"message": "oh"}}, 500),
        Step(b"<html>bad gateway</html>", 502, {"Content-Type": "text/html"}),
        Step({"error": {"message": "loading"}}, 503),
        Step(completion("cut off in the middle"), cut=True),
        Step(b'{"choices": [{"mess'),
        Step(b"<html>a page</html>", headers={"Content-Type": "text/html"}),
        Step({"choices": None}),
        Step({"error": {"message": "overloaded"}}),
        Step({**completion("x"), "choices": []}),
    ],
    ids=["slow", "429", "retry-after", "500", "html", "503", "cut", "json", "page", "none", "error", "empty"],
)
def test_what_may_pass_is_tried_again(serve: Any, wrong: Step) -> None:
    server = serve(lambda text, n: wrong if n < 2 else GOOD)
    part = chat(server, timeout=0.3 if wrong is SLOW else 20)
    assert [t.text for t in part(["Forsetinn fór."])] == [GOOD]
    assert len(server.asked) == 3


def test_a_text_that_never_gets_an_answer_is_a_fault_of_its_own(serve: Any, caplog: Any) -> None:
    server = serve(lambda text, n: Step({"error": {"message": "oh"}}, 500) if text == "b" else text.upper())
    part = chat(server, retries=1, concurrency=1)
    assert faults(part, "a", "b", "c") == [None, "failed", None]
    assert server.asked == ["a", "b", "b", "c"]
    assert "no answer to 'b': the server says 500: oh" in caplog.text
    assert "failed" in PASSING


def test_a_server_that_never_answers_ends_the_run(serve: Any) -> None:
    server = serve(lambda text, n: Step({"error": {"message": "oh"}}, 500))
    with pytest.raises(XnerError, match=r"'tiny' at http://127.* gives no answers: the server says 500: oh") as error:
        list(chat(server, retries=1, concurrency=2)(TEXTS))
    assert "run again" in error.value.hint
    assert len(server.asked) <= 2 * 5


def test_no_server_is_one_message(serve: Any) -> None:
    server = serve(upper)
    server.close()
    with pytest.raises(XnerError, match=r"connection failed.*Is the server running"):
        list(chat(server, retries=1)(TEXTS))


@pytest.mark.parametrize(
    "status, code, hint",
    [
        (401, None, "Check the key"),
        (403, None, "Check the key"),
        (404, "model_not_found", "Check `model`"),
        (402, None, "no money"),
        (429, "insufficient_quota", "no money"),
    ],
)
def test_what_would_fail_for_all_ends_the_run_at_once(serve: Any, status: int, code: Any, hint: str) -> None:
    server = serve(lambda text, n: Step({"error": {"message": "it can't be", "code": code}}, status))
    with pytest.raises(XnerError, match=f"the server says {status}: it can't be") as error:
        list(chat(server, concurrency=1)(TEXTS))
    assert hint in error.value.hint
    assert len(server.asked) == 1


def test_a_server_that_asks_for_a_long_wait_ends_the_run(serve: Any) -> None:
    server = serve(lambda text, n: Step({"error": {"message": "tomorrow"}}, 429, {"Retry-After": "86400"}))
    with pytest.raises(XnerError, match="asks to wait 86400 s"):
        list(chat(server)(TEXTS))


@pytest.mark.parametrize(
    "answer, fault",
    [
        (Step(completion("The presid", "length")), "length"),
        (Step(completion(None, "content_filter")), "refused"),
        (Step(completion(None, refusal="I won't.")), "refused"),
        (Step({"error": {"message": "no", "code": "content_filter"}}, 400), "refused"),
        (Step({"error": {"message": "long", "code": "context_length_exceeded"}}, 400), "too long"),
        ("I'm sorry, but I can't assist with that.", "refused"),
        ("", "empty"),
        (Step(completion(None)), "empty"),
        ("...", "empty"),
        ("The president went.\n\nNote: a president is a head of state.", "extra lines"),
        ("went went went went went", "repetition"),
        ("The president went, " + "and some more, " * 3 + "which is much longer than what was asked for, indeed " * 3, "length"),
        ("<think>The user wants\na translation.</think>\n\nThe president went.", None),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_translation_is_a_fault(serve: Any, tmp_path: Path, answer: Any, fault: Any) -> None:
    server = serve(lambda text, n: answer)
    (translation,) = Stored(chat(server), tmp_path / "s.db")(["Forsetinn fór."])
    assert translation.fault == fault
    assert translation.text == (None if fault else "The president went.")
    # It was paid, and would be the same again: it is kept.
    assert [t.fault for t in Stored(chat(server), tmp_path / "s.db")(["Forsetinn fór."])] == [fault]
    assert len(server.asked) == 1


def test_a_text_that_sounds_like_a_refusal_is_none() -> None:
    assert looks_refused("I'm sorry, but I can't translate this text.")
    assert looks_refused("As an AI, I do not label people.")
    assert not looks_refused("I'm sorry that Anna left.")
    assert not looks_refused("The minister said: I can't assist.")


def test_requests_are_sent_at_the_same_time(serve: Any) -> None:
    """The server answers only when four requests wait: with fewer at a time it would never answer."""
    import threading

    server = serve(upper)
    server.gate = threading.Barrier(4)
    assert len(list(chat(server, concurrency=4)(TEXTS))) == 12
    assert server.most_at_once == 4


# The store


def test_each_answer_is_stored_as_it_comes(serve: Any, tmp_path: Path) -> None:
    """The server fails for good at the sixth text: the five before are kept."""
    server = serve(lambda text, n: Step({}, 401) if text == TEXTS[5] else text.upper())
    with pytest.raises(XnerError, match="401"):
        list(Stored(chat(server, concurrency=1), tmp_path / "s.db")(TEXTS))
    again = serve(upper)
    second = Chat("tiny", base_url=server.url, source_lang="is", target_lang="en")
    second.base_url = server.url
    store = Stored(second, tmp_path / "s.db")
    assert sorted(store.known(TEXTS)) == sorted(TEXTS[:5])
    assert again.asked == []


CHILD = """
import sys
from xner_spacy.translation.chat import Chat
from xner_spacy.translation.store import Stored
part = Chat("tiny", base_url=sys.argv[1], source_lang="is", target_lang="en", concurrency=2)
print(len(list(Stored(part, sys.argv[2])([f"texti númer {k}" for k in range(60)]))))
"""


def test_a_killed_run_pays_nothing_twice(serve: Any, tmp_path: Path) -> None:
    server = serve(lambda text, n: Step(completion(text.upper()), wait=0.03))
    command = [sys.executable, "-c", CHILD, server.url, str(tmp_path / "s.db")]
    with subprocess.Popen(command) as child:
        while len(server.asked) < 20:
            assert child.poll() is None
            time.sleep(0.01)
        child.kill()
    time.sleep(0.2)
    first = list(server.asked)
    assert 20 <= len(first) < 60
    assert subprocess.check_output(command, text=True).strip() == "60"
    # What was under way when it was killed has no answer: no more than `concurrency` requests.
    assert len(server.asked) <= 60 + 2
    assert set(server.asked) == {f"texti númer {k}" for k in range(60)}
    # A third run asks nothing.
    n_asked = len(server.asked)
    subprocess.check_call(command, stdout=subprocess.DEVNULL)
    assert len(server.asked) == n_asked


# The budget. An answer of the server takes 20 and 10 tokens: 0.04 with these prices.

PRICES = {"input_price": 1000.0, "output_price": 2000.0}


def test_the_budget_stops_before_it_is_exceeded(serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(upper)
    settings = {**PRICES, "max_tokens": 15, "instruction": "", "budget": 0.3, "concurrency": 4}
    path = tmp_path / "s.db"
    with pytest.raises(
        XnerError, match=r"budget of 0.3 .* not enough .* are spent on \d requests, and it may"
    ) as error:
        list(Stored(chat(server, **settings), path)(TEXTS))
    assert "XNER_CHAT_BUDGET" in error.value.hint and "only what is missing is asked" in error.value.hint
    paid = len(server.asked)
    # A request may cost 0.05 to 0.08: 0.3 is enough for at least five of 0.04, and for no more than seven.
    assert 5 <= paid <= 7
    # Another run, or another process, has the same account.
    with pytest.raises(XnerError, match="budget of"):
        list(Stored(chat(server, **settings), path)(TEXTS))
    assert len(server.asked) == paid
    monkeypatch.setenv("XNER_CHAT_BUDGET", "100")
    assert [t.text for t in Stored(chat(server, **settings), path)(TEXTS)] == [text.upper() for text in TEXTS]
    assert sorted(server.asked) == sorted(TEXTS)


def test_without_prices_the_budget_is_in_tokens(serve: Any) -> None:
    server = serve(upper)
    part = chat(server, budget=100, max_tokens=10, instruction="")
    with pytest.raises(XnerError, match=r"budget of 100 .*60 tokens are spent.*Without a store"):
        list(part(TEXTS))
    assert len(server.asked) == 2
    assert part.usage == {"requests": 2, "input tokens": 40, "output tokens": 20}


def test_what_was_not_answered_in_time_counts_as_charged(serve: Any) -> None:
    server = serve(lambda text, n: SLOW if n == 0 else Step(completion("A", usage=False)))
    part = chat(server, timeout=0.2, max_tokens=10, instruction="")
    list(part(["a"]))
    most = part.most_charged("a")
    assert part._ledger.spent()[:2] == (2, 2 * most.tokens)
    assert part._ledger.spent().held_tokens == 0


def test_an_error_of_the_server_costs_nothing(serve: Any) -> None:
    server = serve(lambda text, n: Step({}, 500) if n == 0 else "A")
    part = chat(server)
    list(part(["a"]))
    assert part._ledger.spent()[:2] == (1, 30)


def test_an_estimate(serve: Any, tmp_path: Path) -> None:
    server = serve(upper)
    store = Stored(chat(server, **PRICES), tmp_path / "s.db")
    before = store.estimate(TEXTS)
    assert before.texts == 12 and before.money > 0 and before.spent == 0
    list(store(TEXTS[:5]))
    after = store.estimate(TEXTS)
    assert after.texts == 7 and after.input_tokens < before.input_tokens and after.spent == pytest.approx(0.2)
    assert sorted(server.asked) == sorted(TEXTS[:5])


# Keys


def everything_said(tmp_path: Path, caplog: Any, capfd: Any, *more: Any) -> str:
    files = [path.read_bytes().decode("latin1") for path in tmp_path.rglob("*") if path.is_file()]
    return "\n".join([*files, caplog.text, *capfd.readouterr(), *map(str, more)])


@pytest.mark.parametrize("status", [401, 400, 500, 200])
def test_the_key_is_nowhere(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any, capfd: Any, status: int
) -> None:
    """The server sends the key back: in an error, or as an answer."""
    import traceback

    monkeypatch.setenv("TESTS_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    said = f"Incorrect key {KEY}"

    def reply(text: str, number: int) -> Any:
        return said if status == 200 else Step({"error": {"message": said}}, status)

    server = serve(reply)
    store = Stored(chat(server, key_variable="TESTS_API_KEY", retries=1, concurrency=1), tmp_path / "s.db")
    shown = []
    try:
        shown += list(store(TEXTS))
    except XnerError as error:
        shown += [error, repr(error), *traceback.format_exception(error)]
        seen: Any = error
        while seen is not None:
            shown.append(repr(seen))
            seen = seen.__cause__ or seen.__context__
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}
    (tmp_path / "part").write_bytes(pickle.dumps(store))
    shown += [store.identity, repr(store.translator), vars(store.translator)]
    written = everything_said(tmp_path, caplog, capfd, *shown)
    assert "***" in written and "Incorrect key" in written
    assert KEY not in written


def test_a_local_server_needs_no_key(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "secret-organisation")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: secret-header")
    server = serve(upper)
    list(chat(server)(["a"]))
    assert KEY not in str(server.headers) and "secret" not in str(server.headers)


def test_a_key_that_is_not_set(serve: Any) -> None:
    server = serve(upper)
    with pytest.raises(XnerError, match=r"TESTS_API_KEY is not set.*export TESTS_API_KEY="):
        list(chat(server, key_variable="TESTS_API_KEY")(["a"]))
    with pytest.raises(XnerError, match="OPENAI_API_KEY is not set"):
        list(Chat("tiny", source_lang="is", target_lang="en")(["a"]))
    assert server.asked == []


def test_a_key_goes_where_the_user_lets_it_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config may come from someone else, who would like to have the key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    url = "https://collector.example/v1"
    part = Chat("tiny", base_url=url, key_variable="OPENAI_API_KEY", source_lang="is", target_lang="en")
    with pytest.raises(XnerError, match=r"not sent to collector.example.*export XNER_KEY_HOSTS=collector.example"):
        list(part(["a"]))
    monkeypatch.setenv("XNER_KEY_HOSTS", "other.example, collector.example")
    assert servers.find_key("OPENAI_API_KEY", url) == KEY
    assert servers.find_key("OPENAI_API_KEY", "https://api.openai.com/v1") == KEY


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"key_variable": KEY}, "`key_variable` is not the name"),
        ({"base_url": f"https://me:{KEY}@example.org/v1"}, "holds a password"),
        ({"base_url": f"https://example.org/v1?key={KEY}"}, "holds a password or a query"),
        ({"base_url": "example.org"}, "is no address"),
        ({"model": ""}, "No chat model"),
        ({"concurrency": 0}, "`concurrency` is 0"),
        ({"budget": float("nan")}, "`budget` is nan"),
        ({"input_price": 1.0}, "Set both"),
        ({"max_tokens_name": "limit"}, "max_completion_tokens"),
        ({"retries": -1}, "`retries` is -1"),
    ],
)
def test_wrong_settings(settings: Dict[str, Any], message: str) -> None:
    with pytest.raises(XnerError, match=message) as error:
        Chat(**{"model": "tiny", "source_lang": "is", "target_lang": "en", **settings})
    assert KEY not in str(error.value)


def test_a_budget_of_the_environment_that_is_no_sum(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNER_CHAT_BUDGET", "much")
    with pytest.raises(XnerError, match="XNER_CHAT_BUDGET is 'much'"):
        list(chat(serve(upper))(["a"]))


def test_without_the_extra(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"xner.Chat.v1 needs the extra \[chat\]"):
        list(chat(serve(upper))(["a"]))


def test_it_is_registered() -> None:
    part = get_part("xner_translators", "xner.Chat.v1", model="m", source_lang="yo", target_lang="en")
    assert "Yoruba" in part.instruct()
    stored = json.dumps(part.identity)
    assert "concurrency" not in stored and '"temperature": 0.0' in stored


# The pace, by a clock of the test.


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> bool:
        self.now += seconds
        return False


def test_the_pace_is_kept() -> None:
    clock = Clock()
    pace = servers.Pace(60, None, clock)
    times = []
    for _ in range(10):
        pace.take_turn(1000, clock.sleep)
        times.append(clock.now)
    assert times == pytest.approx([100.0 + k for k in range(10)])
    clock.now += 30  # what was not used does not come at once
    pace.take_turn(1, clock.sleep)
    pace.take_turn(1, clock.sleep)
    assert clock.now == pytest.approx(140.0)


def test_the_pace_of_tokens_and_a_wait_that_the_server_asks_for() -> None:
    clock = Clock()
    pace = servers.Pace(600, 6000, clock)
    for _ in range(4):
        pace.take_turn(200, clock.sleep)  # 2 s each
    assert clock.now == pytest.approx(106.0)
    pace.hold(30)
    pace.take_turn(200, clock.sleep)
    assert clock.now == pytest.approx(136.0)
    pace.hold(30)
    pace.take_turn(200, lambda seconds: True)  # the run was stopped
    assert clock.now == pytest.approx(136.0)


def test_the_pace_holds_for_the_requests(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """600 a minute are one in a tenth of a second, whatever the concurrency."""
    server = serve(upper)
    started = time.monotonic()
    list(chat(server, requests_per_minute=600, concurrency=8)(TEXTS[:6]))
    assert time.monotonic() - started >= 0.5 and len(server.asked) == 6


@pytest.mark.parametrize(
    "value, seconds", [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("soon", None), ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0)]
)  # fmt: skip
def test_how_long_a_server_asks_to_wait(value: str, seconds: Any) -> None:
    assert servers.asked_wait({"retry-after": value} if value else {}) == seconds


def test_interrupted_it_ends_at_once(serve: Any, tmp_path: Path, signals_heard: None) -> None:
    server = serve(lambda text, n: Step(completion("A"), wait=30))
    command = [sys.executable, "-c", CHILD, server.url, str(tmp_path / "s.db")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        while len(server.asked) < 2:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        started = time.monotonic()
        child.communicate(timeout=20)
    assert time.monotonic() - started < 10 and child.returncode != 0
