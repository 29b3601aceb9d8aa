"""The command line, with the server running and without it."""

import contextlib
import gzip
import json

import pytest
import requests
import zstandard

from concord import Folder, envelope, indicators, manifest, object_texts, session, stored_texts

ODD = """{ "type":"domain-name", "spec_version" : "2.1",
 "id":"domain-name--%s",\t"value":"\\u00e9\u00e9", "x_n": 1.50E+2 }"""


@pytest.fixture(scope="module")
def texts():
    """Objects whose text would not survive a parser and a writer."""
    return [ODD % one["id"].removeprefix("indicator--") for one in indicators(2_500)]


@pytest.fixture(params=["running", "stopped"])
def ready(request, tmp_path):
    """A folder with an API root and an account that reads everything, and its server if it runs."""
    folder = Folder(tmp_path / "data")
    folder.run("api-root", "add", "api")
    reader = folder.json("account", "add", "reader", "--read", "*")
    with contextlib.ExitStack() as running:
        url = running.enter_context(folder.serve()) if request.param == "running" else None
        yield folder, reader, url


@contextlib.contextmanager
def reading(ready):
    """A session, and the URL of the server; one is started if none runs."""
    folder, reader, url = ready
    with contextlib.ExitStack() as running:
        yield session(reader), url or running.enter_context(folder.serve())


def add_collection(folder, title):
    return folder.run("collection", "add", title).strip()


def test_import_takes_each_format(ready, texts, tmp_path):
    folder, _, _ = ready
    lines = "".join(text.replace("\n", " ") + "\n" for text in texts).encode()
    bundle = b'{"type":"bundle","id":"bundle--5f1b9a5c-3a5e-4b7e-9b8e-0a1c2d3e4f50",' + envelope(texts)[1:]
    files = {
        "bundle.json": bundle,
        "envelope.json": b'{"more":false,\n' + envelope(texts)[1:],
        "lines.jsonl": lines,
        "bundle.json.gz": gzip.compress(bundle),
        "lines.jsonl.gz": gzip.compress(lines[:100_000]) + gzip.compress(lines[100_000:]),
        "bundle.json.zst": zstandard.compress(bundle),
        "lines.jsonl.zst": zstandard.compress(lines),
    }
    collections = {}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        collections[name] = add_collection(folder, name.replace(".", " "))
        outcome = folder.json("import", tmp_path / name, "--collection", collections[name])
        assert outcome["total"] == outcome["successes"] == len(texts)
        assert outcome["failures"] == [] and outcome["unknown"] == outcome["not_sent"] == 0
    with reading(ready) as (reader, url):
        for name, collection in collections.items():
            expected = texts if "lines" not in name else [text.replace("\n", " ") for text in texts]
            assert stored_texts(reader, f"{url}/api/collections/{collection}/") == expected, name


def test_import_reports_what_it_refuses(ready, tmp_path):
    folder, _, _ = ready
    add_collection(folder, "Some")
    good, bad = indicators(2)
    bad["modified"] = "yesterday"
    path = tmp_path / "some.jsonl"
    path.write_text("\n".join(map(json.dumps, [good, bad])))
    process = folder.start("import", path, "--collection", "Some", "--json", stdout=-1, text=True)
    outcome = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 1
    assert (outcome["total"], outcome["successes"]) == (2, 1)
    assert [failure["id"] for failure in outcome["failures"]] == [bad["id"]]


@pytest.mark.parametrize("name", ["backup.jsonl", "backup.jsonl.gz"])
def test_export_and_import_keep_dates_and_bytes(ready, ics_texts, tmp_path, name):
    folder, _, _ = ready
    original, restored = add_collection(folder, "Original"), add_collection(folder, "Restored")
    (tmp_path / "bundle.json").write_bytes(envelope(ics_texts))
    folder.run("import", tmp_path / "bundle.json", "--collection", "Original")
    folder.run("export", "--collection", "Original", "--output", tmp_path / name)
    folder.run("import", tmp_path / name, "--collection", "Restored")
    assert folder.run("export", "--collection", "Restored") == folder.run(
        "export", "--collection", "Original"
    )
    # Once more changes nothing.
    folder.run("import", tmp_path / name, "--collection", "Restored")
    with reading(ready) as (reader, url):
        original, restored = (f"{url}/api/collections/{one}/" for one in [original, restored])
        assert stored_texts(reader, original) == ics_texts
        assert stored_texts(reader, restored) == ics_texts
        assert manifest(reader, restored) == manifest(reader, original)


def test_import_keeps_shared_dates(ready, tmp_path):
    """Other servers give many objects one date_added; more than fit into one request stay together."""
    folder, _, _ = ready
    add_collection(folder, "Shared dates")
    lines = [{"date_added": "2024-01-01T00:00:00.000001Z", "object": one} for one in indicators(2_500)]
    path = tmp_path / "backup.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    folder.run("import", path, "--collection", "Shared dates")
    exported = folder.run("export", "--collection", "Shared dates").splitlines()
    assert [json.loads(line) for line in exported] == lines


def test_new_password_counts_at_once(folder, demo):
    account = folder.json("account", "add", "password-test")
    assert discovery(demo, account) == 200
    changed = folder.json("account", "password", "password-test")
    assert (discovery(demo, account), discovery(demo, changed)) == (401, 200)
    chosen = folder.json("account", "password", "password-test", "--password-stdin", stdin="chosen by hand\n")
    assert chosen["password"] == "chosen by hand"
    assert (discovery(demo, changed), discovery(demo, chosen)) == (401, 200)


def test_tokens_count_at_once(folder, demo):
    first = folder.json("account", "add", "token-test")["token"]
    second = folder.json("account", "token", "token-test")["token"]
    assert [by_token(demo, token) for token in [first, second]] == [200, 200]
    folder.run("account", "token", "token-test", "--revoke", first.split("_")[1])
    assert [by_token(demo, token) for token in [first, second]] == [401, 200]


def test_removed_account_is_out_at_once(folder, demo):
    account = folder.json("account", "add", "remove-test")
    assert discovery(demo, account) == 200
    folder.run("account", "remove", "remove-test", "--yes")
    assert (discovery(demo, account), by_token(demo, account["token"])) == (401, 401)


def test_grants_count_at_once(folder, demo, collection):
    account = folder.json("account", "add", "grant-test")
    client = session(account)

    def may():
        get = client.get(collection.objects_url).status_code
        return get, client.post(
            collection.objects_url, data=envelope(map(json.dumps, indicators(1)))
        ).status_code

    grant = ["account", "grant", "grant-test"]
    assert may() == (404, 404)
    folder.run(*grant, collection.id, "--read")
    assert may() == (200, 403)
    folder.run(*grant, collection.id, "--read", "--write")
    assert may() == (200, 202)
    folder.run(*grant, collection.id, "--write")
    assert may() == (403, 202)
    folder.run("account", "revoke", "grant-test", collection.id)
    assert may() == (404, 404)
    folder.run(*grant, "*", "--read")
    assert may() == (200, 403)
    folder.run("account", "revoke", "grant-test", "*")
    assert may() == (404, 404)


def test_collections_come_and_go_at_once(folder, demo):
    account = folder.json("account", "add", "collection-test", "--read", "*", "--write", "*")
    client = session(account)
    collection = folder.json("collection", "add", "Comes and goes", "--alias", "comes")
    url = f"{demo['api_root']}collections/{collection['id']}/"
    texts = list(map(json.dumps, indicators(3)))
    assert client.post(f"{url}objects/", data=envelope(texts)).status_code == 202
    assert object_texts(client.get(f"{demo['api_root']}collections/comes/objects/").text) == texts
    assert collection["id"] in listed(client, demo)
    folder.run("collection", "remove", "comes", "--yes")
    assert client.get(f"{url}objects/").status_code == 404
    assert collection["id"] not in listed(client, demo)
    # Another one of the same name and id begins empty.
    folder.run("collection", "add", "Comes and goes", "--alias", "comes", "--id", collection["id"])
    assert client.get(f"{url}objects/").json() == {"more": False}


def test_removed_collection_takes_its_grants_along(folder, demo):
    collection = folder.json("collection", "add", "Granted")
    account = folder.json("account", "add", "granted-test", "--read", collection["id"])
    client = session(account)
    folder.run("collection", "remove", collection["id"], "--yes")
    # The account can still be changed.
    changed = folder.json("account", "password", "granted-test")
    folder.run("account", "grant", "granted-test", demo["collection"]["id"], "--read")
    # A new collection of the same id is nobody's.
    folder.run("collection", "add", "Granted", "--id", collection["id"])
    assert listed(session(changed), demo) == [demo["collection"]["id"]]
    assert client.get(demo["api_root"]).status_code == 401


def discovery(demo, account):
    return session(account).get(f"{demo['url']}/taxii2/").status_code


def by_token(demo, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{demo['url']}/taxii2/", headers=headers).status_code


def listed(client, demo):
    collections = client.get(f"{demo['api_root']}collections/").json().get("collections", [])
    return [collection["id"] for collection in collections]
