"""What the aggregator reads besides plain files: archives, servers of TAXII 2.0, providers of CSAF."""

import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import tarfile
import threading
import urllib.parse
import uuid
import zipfile

import pytest
import requests

from concord import IS_TIKV, free_port
from nodes import wait_until
from test_feeds import KEY, LIST, NOW, SAMPLES, Feeds, Source, server, source  # noqa: F401

pytestmark = pytest.mark.skipif(IS_TIKV, reason="what the aggregator does is the same over each store")


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"lists/{name}.txt", content)
    return file.getvalue()


def tarred(**members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"lists/{name}.txt")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("packed", [zipped, tarred])
def test_the_members_of_an_archive_are_one_list(server, source, tmp_path, packed):
    """What no member has any more is withdrawn, unless a member cannot be read."""
    one, two = b"192.0.2.1\n192.0.2.2\n192.0.2.3\n", b"198.51.100.1\n198.51.100.2\n"
    broken = packed(one=one, two=b"<html>Please log in</html>")
    bodies = [packed(one=one, two=two), broken, packed(one=one), packed(one=one)[:100]]
    Source.answers["/list"] = [{"body": body} for body in bodies]
    feeds = Feeds(server, source, tmp_path, LIST + 'members = "*.txt"\n')
    [first], _ = feeds.once("list")
    assert (first["records"], first["rejected"]) == (5, {})
    [held], _ = feeds.once("list", at="2026-11-30T13:00:00.000Z")
    assert held["revoked"] == 0 and held["notes"] == ["nothing is withdrawn, because 1 documents could not be read"]
    assert held["first_rejected"][0]["record"] == "lists/two.txt"
    [gone], _ = feeds.once("list", at="2026-11-30T14:00:00.000Z")
    assert (gone["new"], gone["revoked"]) == (0, 4)
    before = feeds.objects()
    feeds.once("list", code=1)
    assert feeds.objects() == before


def indicator(number, **members):
    """An indicator of STIX 2.0."""
    time = f"2024-01-{number:02}T00:00:00.000Z"
    return {
        "type": "indicator",
        "id": f"indicator--{uuid.UUID(int=number, version=4)}",
        "created": time,
        "modified": time,
        "labels": ["malicious-activity"],
        "pattern": f"[ipv4-addr:value = '192.0.2.{number}']",
        "valid_from": time,
        **members,
    }


class Taxii20(http.server.BaseHTTPRequestHandler):
    """Plays a server of TAXII 2.0 with one collection; `habits` are those of servers that differ."""

    COLLECTION = "/root/collections/Threats%20of%20today/"
    TIMES = "2024-02-{:02}T00:00:00.000Z"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.asked.append((url.path, dict(urllib.parse.parse_qsl(url.query)), self.headers))
        accept = self.headers["Accept"].replace(" ", "")
        if url.path == self.COLLECTION and accept == "application/vnd.oasis.taxii+json;version=2.0":
            return self.answer(200, {"id": "x", "title": "Threats", "can_read": True}, kind="taxii")
        if url.path != self.COLLECTION + "objects/":
            return self.answer(404)
        if self.failures:
            return self.answer(*self.failures.pop(0))
        if accept != "application/vnd.oasis.stix+json;version=2.0" and "answers all" not in self.habits:
            return self.answer(406, {"title": "Not acceptable"}, kind="taxii")
        after = self.asked[-1][1].get("added_after", "")
        found = [number for number in range(1, self.count + 1) if self.TIMES.format(number) > after]
        sign = " " if "blank" in self.habits else "="
        asked = re.fullmatch(f"items{sign}(\\d+)-(\\d+)", self.headers.get("Range", f"items{sign}0-9"))
        if not asked:
            return self.answer(400, {"title": "Range"}, kind="taxii")
        first, last = (int(number) for number in asked.groups())
        last = min(last, first + 1)
        if "whole" in self.habits:
            first, last = 0, len(found)
        if not found and "nothing is 404" in self.habits:
            return self.answer(404, {"title": "No objects"}, kind="taxii")
        if not found and "nothing is 204" in self.habits:
            return self.answer(204)
        if first >= len(found) > 0:
            return self.answer(416, {"title": "Range"}, kind="taxii")
        part = found[first : last + 1]
        headers = {}
        if "no ranges" not in self.habits and "whole" not in self.habits:
            total = "*" if "no total" in self.habits else len(found)
            headers["Content-Range"] = f"items {first}-{max(first, first + len(part) - 1)}/{total}"
        if part and "no dates" not in self.habits:
            headers["X-TAXII-Date-Added-First"] = self.TIMES.format(part[0])
            headers["X-TAXII-Date-Added-Last"] = self.TIMES.format(part[-1])
        bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "spec_version": "2.0"}
        if part:
            bundle["objects"] = [indicator(number) for number in part]
        self.answer(200 if "whole" in self.habits else 206, bundle, headers)

    def answer(self, status, body=None, headers={}, kind="stix"):
        body = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", f"application/vnd.oasis.{kind}+json; version=2.0")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def taxii20():
    handler = type("Server", (Taxii20,), {"asked": [], "failures": [], "habits": (), "count": 5})
    played = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=played.serve_forever, daemon=True).start()
    handler.url = f"http://127.0.0.1:{played.server_address[1]}{Taxii20.COLLECTION}"
    yield handler
    played.shutdown()


STIX = """[feeds.upstream]
publisher = "Example"
title = "A collection"
url = "URL"
format = "stix"
is-taxii = true
username = "reader"
key-env = "FEED_KEY"
"""


@pytest.mark.parametrize(
    "habits",
    [
        (),
        ("blank",),
        ("answers all",),
        ("no total",),
        ("no ranges",),
        ("no dates",),
        ("whole",),
        ("whole", "answers all"),
        ("nothing is 404",),
        ("nothing is 204",),
    ],
)
def test_a_collection_of_taxii_2_0_is_followed(server, source, tmp_path, taxii20, habits):
    """Nobody has to say that it is one, and the next run asks for what is new."""
    taxii20.habits = habits
    feeds = Feeds(server, source, tmp_path, STIX.replace("URL", taxii20.url))
    [first], _ = feeds.once("upstream")
    assert (first["records"], first["new"], first["rejected"]) == (5, 5, {})
    objects = [found for found in feeds.objects() if found["type"] == "indicator"]
    assert {found["spec_version"] for found in objects} == {"2.1"}
    assert {found["id"] for found in objects} == {indicator(number)["id"] for number in range(1, 6)}
    assert all(headers["Authorization"].startswith("Basic ") for _, _, headers in taxii20.asked)
    has_dates = "no dates" not in habits
    taxii20.asked.clear()
    [same], _ = feeds.once("upstream")
    assert (same["records"], same["new"]) == (0 if has_dates else 5, 0)
    asked = [query for path, query, _ in taxii20.asked if path.endswith("/objects/")]
    assert asked[-1] == ({"added_after": Taxii20.TIMES.format(5)} if has_dates else {})
    taxii20.count = 8
    [more], _ = feeds.once("upstream")
    assert (more["records"], more["new"]) == (3 if has_dates else 8, 3)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ((503, None, {"Retry-After": "7"}), "in 7 s"),
        ((429,), "answers 429"),
        ((403,), "may ask for a key"),
        ((200, ["no bundle"]), "something else than a bundle"),
    ],
)
def test_a_server_of_taxii_2_0_that_fails_changes_nothing(server, source, tmp_path, taxii20, failure, reason):
    """What was read before is kept when all of it was, so the next run begins where this one did."""
    feeds = Feeds(server, source, tmp_path, STIX.replace("URL", taxii20.url))
    refused = (406, {"title": "Not acceptable"}, {}, "taxii")
    page = [indicator(number) for number in (1, 2)]
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "spec_version": "2.0", "objects": page}
    taxii20.failures = [refused, (206, bundle, {"Content-Range": "items 0-1/5"}), failure]
    _, errors = feeds.once("upstream", code=1)
    assert reason in errors, errors
    assert not taxii20.failures
    [again], _ = feeds.once("upstream")
    assert again["records"] == 5 and "added_after" not in taxii20.asked[-1][1]
    assert len([found for found in feeds.objects() if found["type"] == "indicator"]) == 5


def test_a_url_that_is_of_no_taxii_at_all_says_so(server, source, tmp_path):
    path = "/root/collections/x/objects/"
    Source.answers[path] = Source.answers[path + "?added_after="] = [{"body": b"<html>Welcome</html>"}]
    feeds = Feeds(server, source, tmp_path, STIX.replace("URL", source + "/root/collections/x/"))
    _, errors = feeds.once("upstream", code=1)
    assert "not a TAXII 2.1 answer" in errors


@pytest.mark.parametrize("media_type", ["application/taxii+json;version=2.1", "application/stix+json", "application/json"])
def test_a_bundle_of_stix_2_0_from_a_server_of_taxii_2_1_counts(server, source, tmp_path, media_type):
    bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "spec_version": "2.0", "objects": [indicator(1)]}
    headers = {"Content-Type": media_type, "X-TAXII-Date-Added-Last": "2024-02-01T00:00:00.000Z"}
    answer = {"body": json.dumps(bundle).encode(), "headers": headers}
    path = "/root/collections/x/objects/"
    Source.answers = {path: [answer], path + "?added_after=2024-02-01T00%3A00%3A00.000Z": [{**answer, "body": b"{}"}]}
    feeds = Feeds(server, source, tmp_path, STIX.replace("URL", source + "/root/collections/x/"))
    [found], _ = feeds.once("upstream")
    assert (found["records"], found["new"], found["rejected"]) == (1, 1, {})
    [same], _ = feeds.once("upstream")
    assert same["records"] == 0 and len(Source.asked) == 2


MEDALLION = os.environ.get("MEDALLION")


@pytest.mark.skipif(not MEDALLION, reason="MEDALLION names no Python that has medallion 1.1, a server of TAXII 2.0")
def test_medallion_is_followed(server, source, tmp_path):
    """The server that the authors of the standard wrote for TAXII 2.0, unmodified."""
    collection = {"id": str(uuid.UUID(int=1, version=4)), "title": "c", "can_read": True, "can_write": True, "media_types": []}
    root = {"information": {"title": "r", "versions": ["taxii-2.0"], "max_content_length": 10_000_000}, "status": []}
    data = {"/discovery": {"title": "d"}, "root": {**root, "collections": [{**collection, "objects": [], "manifest": []}]}}
    (tmp_path / "data.json").write_text(json.dumps(data))
    (tmp_path / "settings.json").write_text(
        json.dumps(
            {
                "backend": {
                    "module": "medallion.backends.taxii.memory_backend",
                    "module_class": "MemoryBackend",
                    "filename": str(tmp_path / "data.json"),
                },
                "auth": {
                    "module": "medallion.backends.auth.memory_auth",
                    "module_class": "AuthMemoryBackend",
                    "users": {"reader": "HASH"},
                },
                "taxii": {"max_page_size": 7},
            }
        )
    )
    hashed = "from werkzeug.security import generate_password_hash as hash; print(hash('%s', 'pbkdf2'))" % KEY
    password = subprocess.run([MEDALLION, "-c", hashed], capture_output=True, check=True, text=True).stdout.strip()
    settings = tmp_path / "settings.json"
    settings.write_text(settings.read_text().replace("HASH", password))
    port = free_port()
    run = "from medallion.scripts.run import main; main()"
    process = subprocess.Popen([MEDALLION, "-c", run, "--port", str(port), settings], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/root/collections/{collection['id']}/"
        media = "application/vnd.oasis.{}+json; version=2.0".format
        session = requests.Session()
        session.auth = ("reader", KEY)

        def is_there():
            try:
                return session.get(url, headers={"Accept": media("taxii")}, timeout=5).ok
            except requests.ConnectionError:
                return False

        wait_until(is_there, lambda: "medallion does not answer", 30)

        def add(numbers):
            bundle = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "spec_version": "2.0"}
            bundle["objects"] = [indicator(number) for number in numbers]
            headers = {"Accept": media("taxii"), "Content-Type": media("stix")}
            assert session.post(url + "objects/", json=bundle, headers=headers, timeout=30).status_code == 202

        feeds = Feeds(server, source, tmp_path, STIX.replace("URL", url))
        feeds.once("upstream")
        add(range(1, 26))
        [first], _ = feeds.once("upstream")
        assert (first["records"], first["new"]) == (25, 25)
        [same], _ = feeds.once("upstream")
        assert (same["records"], same["new"]) == (0, 0)
        add([26, 27])
        [more], _ = feeds.once("upstream")
        assert (more["records"], more["new"]) == (2, 2)
    finally:
        process.kill()


CSAF = '[feeds.csaf]\nurl = "SOURCE/csaf/provider-metadata.json"\n'
# The document, and its one vulnerability.
RECORDS = 2
ADVISORY = json.loads((SAMPLES / "csaf.json").read_text())


def advisory(number, title="An advisory"):
    document = json.loads(json.dumps(ADVISORY))
    document["document"]["title"] = title
    document["document"]["tracking"]["id"] = f"EX-{number}"
    return json.dumps(document).encode()


def day(number):
    return f"2026-10-{number:02}T00:00:00Z"


def checksum(body, method="sha512"):
    return {"body": f"{getattr(hashlib, method)(body).hexdigest()}  advisory.json\n".encode()}


def rolie(*entries):
    """A list in the form of ROLIE: number, day, and the method of the checksum."""
    listed = []
    for number, changed, method in entries:
        links = [{"rel": "self", "href": f"../documents/{number}.json"}]
        if method:
            links.append({"rel": "hash", "href": f"../documents/{number}.json.{method}"})
        src = f"../documents/{number}.json"
        listed.append({"id": str(number), "updated": day(changed), "link": links, "content": {"src": src}})
    return json.dumps({"feed": {"id": "list", "entry": listed}}).encode()


def provider(source, *distributions):
    metadata = {"canonical_url": "https://example.com/", "role": "csaf_provider", "distributions": distributions}
    Source.answers["/csaf/provider-metadata.json"] = [{"body": json.dumps(metadata).encode()}]


def lists(*urls):
    return {"rolie": {"feeds": [{"tlp_label": "WHITE", "url": url} for url in urls]}}


def publish(number, *methods, body=None):
    body = body or advisory(number)
    Source.answers[f"/csaf/documents/{number}.json"] = [{"body": body}]
    for method in ["sha512", "sha256"]:
        missing = {"status": 404}
        Source.answers[f"/csaf/documents/{number}.json.{method}"] = [checksum(body, method) if method in methods else missing]


def documents():
    """The documents that were asked for, in that order, and everything else is forgotten."""
    paths = [path for path, _ in Source.asked]
    Source.asked.clear()
    return [re.fullmatch(r"/csaf/documents/(.+)\.json", path)[1] for path in paths if path.endswith(".json") and "/documents/" in path]


def test_a_provider_of_csaf_is_followed(server, source, tmp_path):
    """Oldest first, and later only what has changed since."""
    provider(source, lists(f"{source}/csaf/white/list.json"))
    for number, methods in [(1, ["sha512"]), (2, ["sha256"]), (3, [])]:
        publish(number, *methods)
    first = rolie((3, 3, None), (1, 1, "sha512"), (2, 2, "sha256"))
    later = rolie((3, 3, None), (1, 4, "sha512"), (2, 2, "sha256"))
    same = {"etag": '"1"'}
    Source.answers["/csaf/white/list.json"] = [{"body": first, **same}, {"body": first, **same}, {"body": later}]
    feeds = Feeds(server, source, tmp_path, CSAF)
    [found], _ = feeds.once("csaf")
    assert found["records"] == 3 * RECORDS and not found["rejected"] and documents() == ["1", "2", "3"]
    assert len([found for found in feeds.objects() if found["type"] == "report"]) == 3
    [unchanged], _ = feeds.once("csaf")
    assert unchanged["records"] == 0 and documents() == []
    publish(1, "sha512", body=advisory(1, "Another title"))
    [changed], _ = feeds.once("csaf")
    # Others may have the time of the latest one, so it is read again.
    assert documents() == ["3", "1"] and changed["new"] == 0 and changed["updated"] > 0
    process = feeds.start("backfill", "csaf", "--since", "2026-10-02", "--at", NOW)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert documents() == ["2", "3", "1"]


def test_the_directory_of_a_provider_is_followed(server, source, tmp_path):
    provider(source, {"directory_url": f"{source}/csaf/documents"})
    for number in [1, 2]:
        publish(number, "sha256")
    rows = f'"2.json","{day(2)}"\n"1.json","{day(1)}"\n'.encode()
    Source.answers["/csaf/documents/changes.csv"] = [{"body": rows}, {"status": 404}]
    Source.answers["/csaf/documents/index.txt"] = [{"body": b"1.json\n2.json\n"}]
    feeds = Feeds(server, source, tmp_path, CSAF)
    [found], _ = feeds.once("csaf")
    missed = [path for path, _ in Source.asked if path.endswith(".sha512")]
    # A kind of checksum that the provider does not have is looked for once.
    assert found["records"] == 2 * RECORDS and len(missed) == 1 and documents() == ["1", "2"]
    [again], _ = feeds.once("csaf")
    assert again["records"] == 2 * RECORDS and again["new"] == 0 and documents() == ["1", "2"]


def test_an_advisory_that_is_not_what_the_provider_says_is_rejected(server, source, tmp_path):
    """The others count, and so does one that was changed in the very moment."""
    provider(source, lists(f"{source}/csaf/white/list.json"))
    entries = [(number, number, "sha512") for number in range(1, 7)]
    Source.answers["/csaf/white/list.json"] = [{"body": rolie(*entries)}]
    for number, *_ in entries:
        publish(number, "sha512")
    Source.answers["/csaf/documents/2.json"] = [{"body": advisory(2, "Forged")}]
    Source.answers["/csaf/documents/3.json"] = [{"status": 404}]
    Source.answers["/csaf/documents/4.json.sha512"] = [checksum(b"before"), checksum(advisory(4))]
    Source.answers["/csaf/documents/5.json.sha512"] = [{"body": b"<html>"}]
    feeds = Feeds(server, source, tmp_path, CSAF)
    [found], _ = feeds.once("csaf")
    reasons = {row["record"].rsplit("/", 1)[1]: row["reason"] for row in found["first_rejected"]}
    assert set(reasons) == {"2.json", "3.json", "5.json"} and found["records"] == 3 + 3 * RECORDS
    assert reasons["2.json"] == "its checksum is not that of the provider"
    assert "404" in reasons["3.json"] and "has none" in reasons["5.json"]
    assert "Forged" not in str(feeds.objects())
    assert len([found for found in feeds.objects() if found["type"] == "report"]) == 3


@pytest.mark.parametrize(
    ("entry", "checksum", "reason"),
    [
        ("http://localhost:1/x.json", "x.sha512", "does not name its host"),
        ("file:///etc/passwd", "x.sha512", "does not name its host"),
        ("x.json", "https://localhost:1/x.json.sha512", "does not name its host"),
        ("", "x.sha512", "no address"),
    ],
)
def test_only_hosts_that_the_provider_names_are_asked(server, source, tmp_path, entry, checksum, reason):
    provider(source, lists(f"{source}/csaf/white/list.json"))
    publish(1)
    listed = json.loads(rolie((1, 1, None), (2, 2, None)))
    listed["feed"]["entry"][1] |= {"content": {"src": entry}, "link": [{"rel": "hash", "href": checksum}]}
    Source.answers["/csaf/white/list.json"] = [{"body": json.dumps(listed).encode()}]
    feeds = Feeds(server, source, tmp_path, CSAF)
    [found], _ = feeds.once("csaf")
    assert found["records"] == 1 + RECORDS and reason in found["first_rejected"][0]["reason"] and documents() == ["1"]


@pytest.mark.parametrize(
    ("distribution", "reason"),
    [
        (lists("http://localhost:1/list.json"), "private network"),
        (lists("file:///etc/passwd"), "no host"),
        ({}, "names no distribution"),
    ],
)
def test_a_provider_leads_into_no_private_network(server, source, tmp_path, distribution, reason):
    provider(source, distribution)
    feeds = Feeds(server, source, tmp_path, CSAF)
    _, errors = feeds.once("csaf", code=1)
    assert reason in errors, errors


def test_a_list_that_is_refused_hides_no_other(server, source, tmp_path):
    provider(source, lists(f"{source}/csaf/white/list.json", f"{source}/csaf/amber/list.json"))
    publish(1)
    Source.answers["/csaf/white/list.json"] = [{"body": rolie((1, 1, None))}]
    Source.answers["/csaf/amber/list.json"] = [{"status": 403}]
    feeds = Feeds(server, source, tmp_path, CSAF)
    [found], _ = feeds.once("csaf")
    assert found["records"] == 1 + RECORDS and "/csaf/amber/list.json" in found["first_rejected"][0]["record"]
    Source.answers["/csaf/documents/1.json"] = [{"status": 503}]
    _, errors = feeds.once("csaf", code=1)
    assert "answers 503" in errors
