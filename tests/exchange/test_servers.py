"""Real annotation tools: their server imports our file, a person (by the API) annotates, and its export comes back.

The tools bring versions of their own of much else, so each is installed by itself:

    python -m venv tools/doccano && tools/doccano/bin/pip install doccano "marshmallow<4" "numpy<2"
    python -m venv tools/label-studio && tools/label-studio/bin/pip install label-studio
    python -m venv tools/argilla && tools/argilla/bin/pip install argilla requests

XNER_DOCCANO and XNER_LABEL_STUDIO name the programs (tools/doccano/bin/doccano), XNER_ARGILLA that environment's Python.
Argilla's server needs Elasticsearch; what is tested is that its client takes our files.
"""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence

import pytest
import requests

from tests.exchange.corpora import came_back, exported, known, make_doc, write_run
from xner_spacy.docdata import correction_of

pytestmark = [pytest.mark.slow]
# A slow machine under load needs minutes to start a server.
PATIENCE = 900
SENTENCES = [
    (["Anna", "hitti", "Jón", "😊", "í", "París", "."], [True] * 5 + [False] * 2, [(0, 1, "PER"), (5, 6, "LOC")]),
    (["Það", "rignir", "!"], [True, False, False], [(0, 1, "PER")]),
    (["Jón", "svaf", "."], [True, False, False], [(0, 1, "PER")]),
]
READINGS = ["Anna met Jon in Paris", "It rains!", "Jon slept"]


def program(variable: str, name: str) -> str:
    """RETURNS (str): A tool's program; or a skip."""
    found = os.environ.get(variable) or shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: install it into an environment of its own, and name its program in {variable}")
    return str(Path(found).absolute())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """Processes that end with the test, and what they wrote."""

    def __init__(self, folder: Path, address: str, variables: Dict[str, str]) -> None:
        self.folder, self.address = folder, address
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        self.variables = {**kept, "HOME": str(folder), **variables}
        self.running: List[subprocess.Popen] = []
        self.web = requests.Session()
        self.web.trust_env = False

    def run(self, *words: str) -> None:
        done = subprocess.run(words, cwd=self.folder, env=self.variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]

    def start(self, *words: str) -> None:
        with (self.folder / f"log-{len(self.running)}.txt").open("w") as log:
            process = subprocess.Popen(
                words, cwd=self.folder, env=self.variables, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)

    def wait_for(self, path: str) -> None:
        self.until(lambda: self.ask("get", path, check=False))

    def until(self, condition: Any) -> Any:
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE:
            try:
                if result := condition():
                    return result
            except requests.RequestException:
                pass
            ended = [process.args for process in self.running if process.poll() is not None]
            assert not ended, self.said()
            time.sleep(0.5)
        raise AssertionError(self.said())

    def said(self) -> str:
        return "".join(file.read_text("utf8", "replace")[-2000:] for file in self.folder.glob("log-*.txt"))

    def ask(self, method: str, path: str, check: bool = True, **settings: Any) -> Optional[requests.Response]:
        answer = self.web.request(method, f"{self.address}{path}", timeout=120, **settings)
        if not answer.ok:
            assert not check, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
            return None
        return answer

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)


@pytest.fixture()
def doccano(tmp_path: Path) -> Iterator[Server]:
    name = program("XNER_DOCCANO", "doccano")
    port = free_port()
    folder = tmp_path / "doccano"
    folder.mkdir()
    server = Server(folder, f"http://127.0.0.1:{port}", {"DOCCANO_HOME": str(folder / "home"), "DEBUG": "False"})
    try:
        server.run(name, "init")
        server.run(name, "createuser", "--username", "ada", "--password", "secret-of-ada", "--email", "a@b.is")
        server.start(name, "webserver", "--port", str(port), "--workers", "1")
        server.start(name, "task", "--concurrency", "1")
        server.wait_for("/v1/health/?format=json")
        answer = server.ask("post", "/v1/auth/login/", json={"username": "ada", "password": "secret-of-ada"})
        assert answer is not None
        server.web.headers["X-CSRFToken"] = server.web.cookies.get("csrftoken", "")
        yield server
    finally:
        server.close()


def small_run(folder: Path) -> Path:
    docs = [make_doc(sentence, reading) for sentence, reading in zip(SENTENCES, READINGS, strict=True)]
    return write_run(folder, docs)


def test_doccano(doccano: Server, tmp_path: Path) -> None:
    run = small_run(tmp_path)
    tasks = exported(run, tmp_path / "out", "doccano")
    settings = {"name": "names", "description": "-", "project_type": "SequenceLabeling", "guideline": "", "tags": []}
    project = doccano.ask("post", "/v1/projects", json={**settings, "resourcetype": "SequenceLabelingProject"}).json()
    place = f"/v1/projects/{project['id']}"
    with (tmp_path / "out" / "labels.json").open("rb") as file:
        doccano.ask("post", f"{place}/span-type-upload", files={"file": file})
    types = {label["text"]: label["id"] for label in doccano.ask("get", f"{place}/span-types").json()}
    assert set(types) == {"PER", "LOC", "WORK OF ART"}
    with tasks.open("rb") as file:
        upload = doccano.ask("post", "/v1/fp/process/", files={"filepond": ("tasks.jsonl", file)}).text
    options = {"column_data": "text", "column_label": "label", "encoding": "utf_8", "delimiter": ""}
    request = {"format": "JSONL", "task": "SequenceLabeling", "uploadIds": [upload], **options}
    finish(doccano, doccano.ask("post", f"{place}/upload", json=request).json()["task_id"])
    examples = doccano.ask("get", f"{place}/examples?limit=10").json()["results"]
    by_text = {example["text"]: example for example in examples}
    assert set(by_text) == {make_doc(sentence).text for sentence in SENTENCES}
    anna = by_text["Anna hitti Jón 😊 í París."]
    assert anna["meta"]["reading"] == "Anna met Jon in Paris" and anna["meta"]["xner"]
    spans = doccano.ask("get", f"{place}/examples/{anna['id']}/spans").json()
    assert sorted((span["start_offset"], span["end_offset"], span["label"]) for span in spans) == [
        (0, 4, types["PER"]),
        (19, 24, types["LOC"]),
    ]
    # What the person does: one name more, one name less, one sentence not looked at.
    new = {"start_offset": 11, "end_offset": 14, "label": types["PER"], "prob": 0}
    doccano.ask("post", f"{place}/examples/{anna['id']}/spans", json=new)
    rain = by_text["Það rignir!"]
    [wrong] = doccano.ask("get", f"{place}/examples/{rain['id']}/spans").json()
    doccano.ask("delete", f"{place}/examples/{rain['id']}/spans/{wrong['id']}")
    for example in (anna, rain):
        doccano.ask("post", f"{place}/examples/{example['id']}/states", json={})
    task = doccano.ask("post", f"{place}/download", json={"format": "JSONL", "exportApproved": True}).json()["task_id"]
    finish(doccano, task)
    packed = doccano.ask("get", f"{place}/download?taskId={task}").content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path / "members")
    assert [file.name for file in (tmp_path / "members").iterdir()] == ["ada.jsonl"]
    back, counts = came_back(tmp_path / "members", tmp_path, "doccano", run=run)
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in back] == [
        [("Anna", "PER"), ("Jón", "PER"), ("París", "LOC")],
        [],
    ]
    assert [tokens for _, tokens, _ in known(back)] == [words for words, *_ in SENTENCES[:2]]
    assert counts == {"sentences": 2, "entities": 3, "exported sentences that are not in the file": 1}
    assert {correction_of(doc).annotator for doc in back} == {"ada"}


def finish(doccano: Server, task: str) -> None:
    """Wait for a task of doccano's queue."""
    state = doccano.until(lambda: (s := doccano.ask("get", f"/v1/tasks/status/{task}").json())["ready"] and s)
    assert not (state["result"] or {}).get("error") if isinstance(state["result"], dict) else True, state


@pytest.fixture()
def label_studio(tmp_path: Path) -> Iterator[Server]:
    name = program("XNER_LABEL_STUDIO", "label-studio")
    port = free_port()
    folder = tmp_path / "label-studio"
    folder.mkdir()
    quiet = {"COLLECT_ANALYTICS": "False", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "False"}
    server = Server(folder, f"http://127.0.0.1:{port}", quiet)
    user = ("--username", "ada@example.org", "--password", "secret-of-ada", "--user-token", "0123456789abcdef0123")
    try:
        options = ("--data-dir", str(folder / "data"), "--no-browser", "--enable-legacy-api-token", "--port", str(port))
        server.start(name, "start", *options, "--internal-host", "127.0.0.1", *user)
        server.wait_for("/health")
        server.web.headers["Authorization"] = "Token 0123456789abcdef0123"
        yield server
    finally:
        server.close()


def test_label_studio(label_studio: Server, tmp_path: Path) -> None:
    run = small_run(tmp_path)
    tasks = exported(run, tmp_path / "out", "label-studio")
    interface = (tmp_path / "out" / "interface.xml").read_text("utf8")
    project = label_studio.ask("post", "/api/projects/", json={"title": "names", "label_config": interface}).json()
    place = f"/api/projects/{project['id']}"
    with tasks.open("rb") as file:
        answer = label_studio.ask("post", f"{place}/import", files={"file": ("tasks.json", file, "application/json")})
    assert (answer.json()["task_count"], answer.json()["prediction_count"]) == (3, 3)
    listed = label_studio.ask("get", f"/api/tasks?project={project['id']}&fields=all").json()["tasks"]
    by_text: Dict[str, Any] = {task["data"]["text"]: task for task in listed}
    anna, rain, jon = (by_text[make_doc(sentence).text] for sentence in SENTENCES)
    assert anna["data"]["reading"] == "Anna met Jon in Paris"
    predicted = anna["predictions"][0]["result"]
    assert [region["score"] for region in predicted] == [0.9, 0.8]
    # What the person does: one name more, a sentence rejected, another one skipped.
    new = {"start": 11, "end": 14, "text": "Jón", "labels": ["PER"]}
    more = [*predicted, {"id": "new", "from_name": "label", "to_name": "text", "type": "labels", "value": new}]
    verdict = {
        "id": "v",
        "from_name": "verdict",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["rejected"]},
    }
    annotate(label_studio, anna, more)
    annotate(label_studio, rain, [verdict])
    annotate(label_studio, jon, [], was_cancelled=True)
    for form in ("JSON", "JSON_MIN"):
        path = tmp_path / f"{form}.json"
        path.write_bytes(label_studio.ask("get", f"{place}/export?exportType={form}&download_all_tasks=true").content)
        back, counts = came_back(path, tmp_path, "label-studio", run=run)
        assert [(ent.text, ent.label_) for ent in back[0].ents] == [("Anna", "PER"), ("Jón", "PER"), ("París", "LOC")]
        assert correction_of(back[0]).annotator
        assert counts["sentences left out: rejected"] == 1
        if form == "JSON":
            assert counts["sentences left out: skipped"] == 1 and counts["sentences"] == 1


def annotate(
    server: Server, task: Dict[str, Any], result: Sequence[Dict[str, Any]], was_cancelled: bool = False
) -> None:
    answer = {"result": list(result), "was_cancelled": was_cancelled}
    server.ask("post", f"/api/tasks/{task['id']}/annotations/", json=answer)


ARGILLA = """
import json, sys
from pathlib import Path
from unittest.mock import MagicMock
import argilla as rg
rg.Argilla._default_client = MagicMock()  # there is no server to talk to
from argilla.records._io import GenericIO, JsonIO
folder = Path(sys.argv[1])
settings = rg.Settings.from_json(folder / ".argilla" / "settings.json")
settings.validate()
[question] = settings.questions
assert question.field == "text" and set(question.labels) == {"PER", "LOC", "WORK OF ART"}, question.labels
assert {field.name for field in settings.fields} == {"text", "reading", "not_projected"}
from argilla._models import DatasetModel
DatasetModel(**json.loads((folder / ".argilla" / "dataset.json").read_text()))
records = JsonIO._records_from_json(folder / "records.json")
user = "6c0e7fd3-9d1a-4b9b-8f5c-0d7f4f5f3a11"
for record, status in zip(records, ("submitted", "discarded", "submitted")):
    [suggestion] = record.suggestions
    assert len(suggestion.score or []) == len(suggestion.value)
    record.api_model()
    record.responses.add(rg.Response("entities", suggestion.value, user_id=user, status=status))
(folder / "flat.json").write_text(json.dumps(GenericIO.to_list(records, flatten=True)))
JsonIO.to_json(records, folder / "nested.json")
"""


def test_the_client_of_argilla(tmp_path: Path) -> None:
    """Its own classes take our settings and records, and write what we read."""
    python = os.environ.get("XNER_ARGILLA")
    if python is None:
        pytest.skip("needs Argilla: install it into an environment of its own, and name its Python in XNER_ARGILLA")
    run = small_run(tmp_path)
    records = exported(run, tmp_path / "out", "argilla")
    (tmp_path / "client.py").write_text(ARGILLA, "utf8")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, str(tmp_path / "client.py"), str(records.parent)]
    done = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    back, counts = came_back(records.parent / "flat.json", tmp_path, "argilla", run=run)
    assert counts["sentences"] == 2 and counts["sentences left out: skipped"] == 1
    originals = {doc.text: doc for doc in map(make_doc, SENTENCES)}
    assert known(back) == known([originals[doc.text] for doc in back])
    nested = json.loads((records.parent / "nested.json").read_text("utf8"))
    assert nested[0]["responses"]["entities"][0].keys() == {"value", "user_id"}
