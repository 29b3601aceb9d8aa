"""The server under test as a process, and JSON texts as they are."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import uuid

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TAXII_SERVER", ROOT / "target/debug/taxii-server")).resolve()
ICS_ATTACK = ROOT / "taxii-server/demo/ics-attack-18.1.json.gz"
MEDIA_TYPE = "application/taxii+json;version=2.1"
# Whether servers keep their objects in TiKV: that of CONCORD_TIKV_PD, else the test store.
IS_TIKV = os.environ.get("CONCORD_STORE_ENGINE") == "tikv"
START_SECONDS = 60
STOP_SECONDS = 30


class Folder:
    """A data folder, and the commands that work on it."""

    def __init__(self, path, settings=()):
        self.path, self.binary = path, BINARY
        self.environment = {**os.environ, **dict(settings)}
        if IS_TIKV:
            # A folder has a store of its own, though all of them are in one cluster.
            self.environment.setdefault("CONCORD_STORE_PREFIX", f"test-{uuid.uuid4()}")

    def start(self, *arguments, **options):
        environment = {**self.environment, **options.pop("env", {})}
        # A server takes the names of the cluster of the tests for mistyped settings.
        environment = {name: value for name, value in environment.items() if not name.startswith("CONCORD_TIKV_")}
        return subprocess.Popen([self.binary, *arguments, "--data", self.path], env=environment, **options)

    def run(self, *arguments, stdin=""):
        """Runs a command that must succeed, and gives what it prints."""
        process = self.start(
            *arguments, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        output, errors = process.communicate(stdin, timeout=300)
        assert process.returncode == 0, f"{arguments}: exit code {process.returncode}: {errors}"
        return output

    def fails(self, *arguments):
        """Runs a command that must fail, and gives what it says."""
        process = self.start(*arguments, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 1, f"{arguments}: exit code {process.returncode}: {errors}"
        return errors

    def json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options))

    @contextlib.contextmanager
    def demo(self):
        """Serves demo data, and gives the line of JSON that says how to use it."""
        process = self.start("demo", "--json", "--listen", "127.0.0.1:0", stdout=subprocess.PIPE, text=True)
        try:
            yield json.loads(process.stdout.readline())
        finally:
            interrupt(process)

    @contextlib.contextmanager
    def like_demo(self):
        """Serves what the demo has, which keeps to the embedded store, on another engine."""
        self.environment["CONCORD_TITLE"] = "Concord demo"
        self.run("api-root", "add", "api")
        collection = self.json("collection", "add", "ICS ATT&CK", "--alias", "ics-attack")
        both = ["--stix", "2.0", "--stix", "2.1"]
        writable = self.json("collection", "add", "Sandbox", "--alias", "sandbox", *both)
        read = ["--read", collection["id"], "--read", writable["id"]]
        self.run("import", ICS_ATTACK, "--collection", "ics-attack")
        accounts = {"reader": read, "writer": [*read, "--write", writable["id"]], "admin": ["--administrator"]}
        ready = {name: self.json("account", "add", name, *rights) for name, rights in accounts.items()}
        with self.serve() as url:
            named = {"collection": collection, "writable_collection": writable}
            yield {**ready, **named, "url": url, "api_root": f"{url}/api/"}

    @contextlib.contextmanager
    def serve(self, port=None):
        """Serves the folder, and gives the URL."""
        port = port or free_port()
        process = self.start_serving(port)
        try:
            yield wait_until_ready(process, port)
        finally:
            interrupt(process)

    def start_serving(self, port):
        environment = {"RUST_LOG": os.environ.get("RUST_LOG", "warn")}
        listen = ["--listen", f"127.0.0.1:{port}", "--metrics-listen", "none"]
        return self.start("serve", *listen, env=environment)


class Controlled:
    """A server that is started, stopped and hurt. It has a `folder`, and a `log` to write to."""

    process = None
    # How long it may take when it is told to stop.
    stop_seconds = STOP_SECONDS

    def start(self):
        self.process = self.folder.start("serve", stdout=self.log, stderr=self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """Ends the server as an operator does, which must lose nothing."""
        self.process.terminate()
        try:
            code = self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert code == 0, f"the server ended with exit code {code}: see {self.log.name}"


def interrupt(process):
    """Stops a server as Ctrl-C does."""
    process.send_signal(signal.SIGINT)
    try:
        code = process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert code == 0, f"the server ended with exit code {code}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(process, port):
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended with exit code {process.returncode}"
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return url
        time.sleep(0.02)
    process.kill()
    raise AssertionError("the server did not get ready")


def session(account):
    """Plain HTTP, where a client would parse or re-serialise."""
    session = requests.Session()
    session.auth = (account["username"], account["password"])
    session.headers.update({"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE})
    if IS_TIKV:
        # Locks of a server that was killed may keep others waiting for some seconds, and longer than they wait.
        again = Retry(8, status_forcelist=[503], allowed_methods=["GET"], raise_on_status=False)
        session.mount("http://", HTTPAdapter(max_retries=again))
    return session


def pages(session, url, **parameters):
    """The responses of all pages, by `next`."""
    while True:
        response = session.get(url, params=parameters)
        response.raise_for_status()
        yield response
        resource = response.json()
        if not resource.get("more"):
            return
        parameters["next"] = resource["next"]


def stored_texts(session, collection_url, limit=1000):
    """Every version of every object of a collection, exactly as the server sends it."""
    everything = {"match[version]": "all", "match[spec_version]": "2.0,2.1", "limit": limit}
    found = pages(session, f"{collection_url}objects/", **everything)
    return [text for page in found for text in object_texts(page.content.decode())]


def manifest(session, collection_url, limit=1000):
    everything = {"match[version]": "all", "match[spec_version]": "2.0,2.1", "limit": limit}
    found = pages(session, f"{collection_url}manifest/", **everything)
    return [record for page in found for record in page.json().get("objects", [])]


def envelope(texts):
    return ('{"objects":[' + ",".join(texts) + "]}").encode()


DECODER = json.JSONDecoder()
SPACE = re.compile(r"[ \t\r\n]*")


def object_texts(document):
    """The objects of a bundle or an envelope as the slices of text that they are."""
    at = skip(document, skip(document, 0) + 1)
    while document[at] != "}":
        name, at = DECODER.raw_decode(document, at)
        at = skip(document, skip(document, at) + 1)
        if name == "objects":
            return list(elements(document, at))
        _, at = DECODER.raw_decode(document, at)
        at = skip_comma(document, at)
    return []


def elements(document, at):
    at = skip(document, at + 1)
    while document[at] != "]":
        _, end = DECODER.raw_decode(document, at)
        yield document[at:end]
        at = skip_comma(document, end)


def skip(document, at):
    return SPACE.match(document, at).end()


def skip_comma(document, at):
    at = skip(document, at)
    return skip(document, at + 1) if document[at] == "," else at


def indicators(count, **properties):
    """New indicators, each with an id of its own."""
    common = {
        "type": "indicator",
        "spec_version": "2.1",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'example.org']",
        "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
    }
    return [{**common, "id": f"indicator--{uuid.uuid4()}", **properties} for _ in range(count)]
