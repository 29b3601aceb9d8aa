"""The aggregator as a process, between a web server that plays the sources and a real server."""

import html.parser
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import uuid

import pytest
import requests
import stix2validator
import taxii2client.v21 as taxii2

from concord import IS_TIKV, ROOT, Folder, free_port
from nodes import wait_until

pytestmark = pytest.mark.skipif(IS_TIKV, reason="what the aggregator does is the same over each store")

BINARY = pathlib.Path(os.environ.get("TAXII_FEEDS", ROOT / "target/debug/taxii-feeds")).resolve()
SAMPLES = ROOT / "clients/feeds/tests/samples"
NOW = "2026-11-30T12:00:00.000Z"
KEY = "0123-secret-key"
# A pattern of a source, `[app:id = '…']`, is taken over as it is; the grammar allows properties of any name.
KNOWN = "'id' is not a valid observable property name"


class Source(http.server.BaseHTTPRequestHandler):
    """Plays the sources: each path has a list of answers, of which the last one stays."""

    answers = {}
    asked = []

    def do_GET(self):
        self.asked.append((self.path, self.headers))
        answers = self.answers[self.path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        time.sleep(answer.get("wait", 0))
        tag = answer.get("etag")
        if tag and self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.end_headers()
            return
        body = answer.get("body", b"")
        self.send_response(answer.get("status", 200))
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, value)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(answer.get("length", len(body))))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def source():
    Source.answers, Source.asked = {}, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = Folder(tmp_path_factory.mktemp("server") / "data")
    folder.run("api-root", "add", "api")
    with folder.serve() as url:
        yield folder, url


class Feeds:
    """The aggregator with a folder and a collection of its own."""

    def __init__(self, server, source, path, feeds):
        folder, url = server
        self.path, self.url = path, url
        self.collection = folder.run("collection", "add", path.name).strip()
        rights = ["--read", self.collection, "--write", self.collection]
        self.account = folder.json("account", "add", path.name, *rights)
        self.settings = path / "feeds.toml"
        self.settings.write_text(
            f'[server]\nurl = "{url}/api/"\ncollection = "{self.collection}"\n'
            f'username = "{self.account["username"]}"\npassword-env = "PASSWORD"\n\n' + feeds.replace("SOURCE", source)
        )
        self.environment = {**os.environ, "PASSWORD": self.account["password"], "FEED_KEY": KEY, "RUST_LOG": "trace"}

    def start(self, *arguments):
        command = [BINARY, "--settings", self.settings, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment, text=True, **pipes)

    def once(self, *feeds, code=0, at=NOW):
        process = self.start("once", "--json", "--at", at, *feeds)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == code, errors
        assert KEY not in output + errors, "the key is in the log"
        return [json.loads(line) for line in output.splitlines()], errors

    def objects(self):
        """All versions of all objects, as taxii2-client reads them."""
        user, password = self.account["username"], self.account["password"]
        collection = taxii2.Collection(
            f"{self.url}/api/collections/{self.collection}/", user=user, password=password
        )
        found = []
        for page in taxii2.as_pages(collection.get_objects, per_request=100, version="all"):
            found.extend(page.get("objects", []))
        return found


def tried(feed, file):
    """What a file would become."""
    command = [BINARY, "try", feed, "--file", file, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)


@pytest.mark.parametrize("file", sorted(file.name for file in SAMPLES.iterdir() if file.suffix != ".md"))
def test_what_samples_become_is_valid_for_the_validator_of_oasis(file):
    found = tried(pathlib.Path(file).stem.split("--")[0], SAMPLES / file)
    assert found["records"] and found["objects"]
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": found["objects"]}
    outcome = stix2validator.validate_instance(bundle, stix2validator.ValidationOptions(version="2.1"))
    errors = [str(error) for error in outcome.errors or []]
    assert [error for error in errors if KNOWN not in error] == []


def latest(objects):
    newest = {}
    for found in objects:
        before = newest.get(found["id"], {})
        if found.get("modified", "") >= before.get("modified", ""):
            newest[found["id"]] = found
    return newest


THREATFOX = '[feeds.threatfox]\nurl = "SOURCE/threatfox"\n'
LIST = """[feeds.list]
publisher = "Example"
title = "A list: addresses"
url = "SOURCE/list"
format = "lines"
is-complete = true
time-to-live = "10d"
fields.value = "line"
"""


def test_a_feed_fills_a_server(server, source, tmp_path):
    """A second run of the same bytes makes nothing, and a source that says that nothing changed is not read."""
    csv, same = (SAMPLES / "threatfox.csv").read_bytes(), {"etag": '"1"'}
    Source.answers["/threatfox"] = [{"body": csv}, {"body": csv, **same}]
    feeds = Feeds(server, source, tmp_path, THREATFOX)
    [first], _ = feeds.once("threatfox")
    assert first["records"] > 10 and first["new"] > 30 and not first["rejected"]
    assert first["delivered"]["accepted"] == first["new"] and first["delivered"]["refused"] == 0
    before = feeds.objects()
    assert len(before) == first["new"]
    [second], _ = feeds.once("threatfox", at="2026-11-30T13:00:00.000Z")
    assert (second["new"], second["updated"], second["unchanged"]) == (0, 0, first["new"])
    [third], _ = feeds.once("threatfox")
    assert (third["fetched"], third["records"]) == (0, 0)
    assert Source.asked[-1][1]["If-None-Match"] == '"1"'
    assert feeds.objects() == before


def test_what_a_source_changes_is_a_new_version(server, source, tmp_path):
    csv = (SAMPLES / "threatfox.csv").read_text()
    changed = csv.replace('"100"', '"50"', 1)
    assert changed != csv
    Source.answers["/threatfox"] = [{"body": csv.encode()}, {"body": changed.encode()}]
    feeds = Feeds(server, source, tmp_path, THREATFOX)
    [first], _ = feeds.once("threatfox")
    [second], _ = feeds.once("threatfox", at="2026-11-30T13:00:00.000Z")
    assert (second["new"], second["updated"]) == (0, 1)
    versions = [found for found in feeds.objects() if found.get("confidence") == 50]
    assert [found["modified"] for found in versions] == ["2026-11-30T13:00:00.000Z"]
    assert len(feeds.objects()) == first["new"] + 1


def test_what_a_list_has_no_more_is_revoked(server, source, tmp_path):
    """It comes back as another indicator, since a revocation is final."""
    bodies = [b"192.0.2.1\n192.0.2.2\n", b"192.0.2.1\n", b"192.0.2.1\n192.0.2.2\n"]
    Source.answers["/list"] = [{"body": body} for body in bodies]
    feeds = Feeds(server, source, tmp_path, LIST)
    feeds.once("list")
    [gone], _ = feeds.once("list", at="2026-12-01T12:00:00.000Z")
    # The indicator, and what relates it to the address.
    assert (gone["new"], gone["updated"], gone["revoked"]) == (0, 0, 2)
    revoked = [found for found in latest(feeds.objects()).values() if found.get("revoked")]
    assert {found["type"] for found in revoked} == {"indicator", "relationship"}
    [back], _ = feeds.once("list", at="2026-12-02T12:00:00.000Z")
    assert (back["new"], back["revoked"]) == (2, 0)
    # Half of the time to live is over: what is still listed lives longer.
    [renewed], _ = feeds.once("list", at="2026-12-06T12:00:00.000Z")
    assert (renewed["new"], renewed["updated"]) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, "in 7 s"),
        ({"status": 503}, "answers 503"),
        ({"status": 403}, "may ask for a key"),
        ({"status": 206, "body": b"192.0.2.9\n"}, "a part of the file"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/x"}}, "private network"),
        ({"body": b"192.0.2.9\n" * 9, "length": 1_000}, "cannot be reached"),
        ({"body": b"192.0.2.9\n" * 9_000}, "allows no more"),
    ],
)
def test_a_source_that_fails_changes_nothing(server, source, tmp_path, answer, reason):
    """The next run goes on from the same place."""
    good = {"body": b"192.0.2.1\n192.0.2.2\n"}
    Source.answers["/list"] = [good, answer, good]
    feeds = Feeds(server, source, tmp_path, LIST.replace('format = "lines"', 'format = "lines"\nmax-bytes = 10000'))
    feeds.once("list")
    before = feeds.objects()
    _, errors = feeds.once("list", code=1)
    assert reason in errors
    assert feeds.objects() == before
    [again], _ = feeds.once("list")
    assert (again["new"], again["updated"], again["revoked"]) == (0, 0, 0)


def test_a_web_page_instead_of_a_list_revokes_nothing(server, source, tmp_path):
    page = b"<!DOCTYPE html><html><body>We are being attacked</body></html>\n"
    Source.answers["/list"] = [{"body": b"192.0.2.1\n"}, {"body": page}]
    feeds = Feeds(server, source, tmp_path, LIST)
    feeds.once("list")
    before = feeds.objects()
    _, errors = feeds.once("list", code=1)
    assert "a web page" in errors
    assert feeds.objects() == before


def test_a_list_that_is_broken_revokes_nothing(server, source, tmp_path):
    bodies = [
        b"192.0.2.1\n192.0.2.2\n192.0.2.3\n",
        b"ACCESS DENIED by proxy\nplease log in\n",
        b"192.0.2.1\n192.0.",
        b"192.0.2.1\n",
    ]
    Source.answers["/list"] = [{"body": body} for body in bodies]
    feeds = Feeds(server, source, tmp_path, LIST)
    feeds.once("list")
    _, errors = feeds.once("list", code=1)
    assert "none of its 2 records can be read" in errors
    for reason in ["1 of 2 records were rejected", "max-withdrawn-percent"]:
        [held], _ = feeds.once("list")
        assert held["revoked"] == 0 and any(reason in note for note in held["notes"]), held
    assert not any(found.get("revoked") for found in feeds.objects())


def test_what_waits_goes_to_the_collection_of_the_settings(server, source, tmp_path):
    """A collection that is not there stops the feeds that go there, and no other."""
    Source.answers["/list"] = [{"body": b"192.0.2.1\n"}]
    feeds = Feeds(server, source, tmp_path, LIST + LIST.replace("feeds.list", "feeds.other"))
    right = feeds.settings.read_text()
    feeds.settings.write_text(right.replace("[feeds.list]\n", '[feeds.list]\ncollection = "nosuch"\n'))
    _, errors = feeds.once("list", code=1)
    assert "4 objects wait for the server" in errors
    [other], _ = feeds.once("other")
    assert other["delivered"]["accepted"] == 4
    feeds.settings.write_text(right)
    [late], _ = feeds.once("list")
    assert late["delivered"]["accepted"] == 4


def test_a_key_goes_to_the_source_and_to_no_log(server, source, tmp_path):
    Source.answers[f"/{KEY}/list"] = [{"body": b"192.0.2.1\n"}]
    keyed = LIST.replace("SOURCE/list", "SOURCE/{key}/list") + 'key-header = "Auth-Key"\nkey-env = "FEED_KEY"\n'
    feeds = Feeds(server, source, tmp_path, keyed)
    feeds.once("list")
    assert Source.asked[0][1]["Auth-Key"] == KEY


def test_a_feed_without_its_key_says_so(server, source, tmp_path):
    feeds = Feeds(server, source, tmp_path, LIST + "needs-key = true\n")
    _, errors = feeds.once("list", code=1)
    assert "asks for a key" in errors


def test_a_process_that_is_killed_at_any_time_leaves_no_trace(server, source, tmp_path):
    """After a last run the collection is what an undisturbed run makes."""
    body = b"".join(b"198.51.%d.%d\n" % (high, low) for high in range(12) for low in range(1, 255))
    Source.answers["/list"] = [{"body": body}]
    disturbed, calm = (tmp_path / name for name in ["disturbed", "calm"])
    disturbed.mkdir(), calm.mkdir()
    feeds, other = Feeds(server, source, disturbed, LIST), Feeds(server, source, calm, LIST)
    for tenths in [1, 2, 3, 4, 5, 7, 10, 14, 20]:
        process = feeds.start("once", "--at", NOW, "list")
        time.sleep(tenths / 10)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    feeds.once("list")
    [whole], _ = other.once("list")
    assert whole["records"] == 12 * 254
    # The server gives each collection times of its own; what it holds is the same.
    assert sorted(map(str, feeds.objects())) == sorted(map(str, other.objects()))


def test_the_runs_are_a_page(server, source, tmp_path):
    """It needs nothing from elsewhere, and shows what a source wrote as text."""
    Source.answers["/list"] = [{"body": b"192.0.2.1\n<script>alert(1)</script>\n"}, {"body": b"192.0.2.1\n192.0.2.7\n"}]
    feeds = Feeds(server, source, tmp_path, LIST + LIST.replace("feeds.list", "feeds.other"))
    feeds.once("list", at="2026-11-29T12:00:00.000Z")
    feeds.once("list", "other")
    process = feeds.start("report", "-o", tmp_path / "page.html")
    assert process.communicate(timeout=30) and process.returncode == 0
    page = (tmp_path / "page.html").read_text()
    tags = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attributes):
            tags.append((tag, dict(attributes)))

    Parser().feed(page)
    assert not any(tag in ("script", "img", "link", "iframe") or "src" in found or "href" in found for tag, found in tags)
    assert "2026-11-29 list: 4" in page and 'title="2 of 2 of list are in other">100</td>' in page


def test_the_scheduler_fetches_each_feed_and_stops_when_told(server, source, tmp_path):
    Source.answers["/list"] = [{"body": b"192.0.2.1\n"}]
    Source.answers["/slow"] = [{"body": b"192.0.2.1\n", "wait": 90}]
    settings = LIST.replace("is-complete", 'enabled = true\ninterval = "1s"\nis-complete')
    # One source that does not answer holds up no other.
    settings += settings.replace("feeds.list", "feeds.slow").replace("SOURCE/list", "SOURCE/slow")
    feeds = Feeds(server, source, tmp_path, settings)
    port = free_port()
    process = feeds.start("run", "--metrics", f"127.0.0.1:{port}")
    wait_until(lambda: len(Source.asked) >= 4, lambda: f"{len(Source.asked)} of 4 requests came", 60)
    metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert 'taxii_feeds_objects_total{feed="list",outcome="new"} 4' in metrics
    assert len(Source.asked) >= 4 and len(feeds.objects()) == 4


def test_pages_are_asked_until_the_last_one(server, source, tmp_path):
    """The next run asks since the first one, and a longer span in windows."""
    paged = LIST.replace('"lines"', '"json"\nrecords = ["/items/*"]').replace('"line"', '"ip"').replace("is-complete = true\n", "")
    paged = paged.replace("SOURCE/list", "SOURCE/pages?since={since}&until={until}&from={offset}")
    paged += '[feeds.list.pages]\nsize = 2\ntotal = "/total"\nlist = "/items"\nwindow = "20d"\n'
    page = lambda *last: json.dumps({"total": 3, "items": [{"ip": f"192.0.2.{number}"} for number in last]}).encode()

    class Pages(dict):
        def __getitem__(self, path):
            return [{"body": page(1, 2) if path.endswith("from=0") else page(3)}]

    Source.answers = Pages()
    feeds = Feeds(server, source, tmp_path, paged)
    [first], _ = feeds.once("list")
    # A month in two windows of two pages each.
    assert [path.rsplit("=", 1)[1] for path, _ in Source.asked] == ["0", "2", "0", "2"]
    assert (first["records"], first["new"]) == (6, 10)
    Source.asked.clear()
    feeds.once("list", at="2026-12-01T00:00:00.000Z")
    assert [path.split("&")[0] for path, _ in Source.asked] == ["/pages?since=2026-11-30T12:00:00.000"] * 2
    Source.asked.clear()
    process = feeds.start("backfill", "list", "--since", "2026-09-02", "--at", NOW)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert len(Source.asked) == 2 * 5 and "since=2026-09-02T00:00:00.000" in Source.asked[0][0]


def test_a_span_without_a_page_ends_no_walk(server, source, tmp_path):
    """What is in the spans after it would be lost, because the next run asks from then on."""
    paged = LIST.replace('"lines"', '"json"\nrecords = ["/items/*"]').replace('"line"', '"ip"').replace("is-complete = true\n", "")
    paged = paged.replace("SOURCE/list", "SOURCE/pages?since={since}")
    paged += '[feeds.list.pages]\nsize = 2\nlist = "/items"\nwindow = "20d"\n'

    class Pages(dict):
        def __getitem__(self, path):
            is_first = path.endswith("2026-10-31T12:00:00.000")
            return [{"status": 204} if is_first else {"body": json.dumps({"items": [{"ip": "192.0.2.1"}]}).encode()}]

    Source.answers = Pages()
    feeds = Feeds(server, source, tmp_path, paged)
    [found], _ = feeds.once("list")
    assert len(Source.asked) == 2 and found["records"] == 1


def test_events_of_a_manifest_are_read_when_they_change(server, source, tmp_path):
    events = {}
    for sample in sorted(SAMPLES.glob("misp--*.json")):
        event = json.loads(sample.read_text())
        event = event["response"][0] if "response" in event else event
        if "uuid" in event.get("Event", {}):
            events[event["Event"]["uuid"]] = event
    assert events
    manifest = {uuid: {"timestamp": "1700000000"} for uuid in events}
    later = {**manifest, next(iter(events)): {"timestamp": "1700000100"}}
    Source.answers = {f"/{uuid}.json": [{"body": json.dumps(event).encode()}] for uuid, event in events.items()}
    Source.answers["/manifest.json"] = [{"body": json.dumps(listed).encode()} for listed in (manifest, later)]
    feeds = Feeds(server, source, tmp_path, '[feeds.misp-circl]\nurl = "SOURCE/manifest.json"\n')
    [first], _ = feeds.once("misp-circl")
    assert first["new"] > 10 and first["delivered"]["refused"] == 0, first
    Source.asked.clear()
    # Other events may have the time of the latest one, so those of that time are read again.
    [second], _ = feeds.once("misp-circl")
    assert (second["new"], second["updated"]) == (0, 0) and len(Source.asked) == 1 + len(events)
    Source.asked.clear()
    feeds.once("misp-circl")
    assert len(Source.asked) == 2


def test_a_collection_of_another_server_is_followed(server, source, tmp_path):
    upstream, downstream = tmp_path / "upstream", tmp_path / "downstream"
    upstream.mkdir(), downstream.mkdir()
    Source.answers["/threatfox"] = [{"body": (SAMPLES / "threatfox.csv").read_bytes()}]
    origin = Feeds(server, source, upstream, THREATFOX)
    origin.once("threatfox")
    url = f"{origin.url}/api/collections/{origin.collection}/"
    followed = LIST.replace('"lines"', '"stix"\nis-taxii = true').replace("is-complete = true\n", "").replace("SOURCE/list", url)
    followed += f'username = "{origin.account["username"]}"\nkey-env = "FEED_KEY"\n'
    feeds = Feeds(server, source, downstream, followed.replace('fields.value = "line"\n', ""))
    feeds.environment["FEED_KEY"] = origin.account["password"]
    [first], _ = feeds.once("list")
    assert sorted(map(str, feeds.objects())) == sorted(map(str, origin.objects()))
    [again], _ = feeds.once("list")
    assert (again["records"], again["new"]) == (0, 0)


def test_a_state_that_is_lost_begins_where_the_server_is(server, source, tmp_path):
    """Sources without times, too: what the server has keeps its time of creation."""
    Source.answers["/list"] = [{"body": b"192.0.2.1\n192.0.2.2\n"}]
    feeds = Feeds(server, source, tmp_path, LIST)
    feeds.once("list")
    before = feeds.objects()
    shutil.rmtree(tmp_path / "feeds-state")
    [again], _ = feeds.once("list", at="2026-12-01T12:00:00.000Z")
    assert (again["new"], again["updated"], again["unchanged"]) == (0, 0, len(before))
    Source.answers["/list"] = [{"body": b"192.0.2.1\n"}]
    [gone], _ = feeds.once("list", at="2026-12-01T13:00:00.000Z")
    assert gone["revoked"] == 2 and gone["delivered"]["refused"] == 0
