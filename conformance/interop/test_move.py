"""A store moves from a folder to TiKV and back, and from a backup: it stays the same server for its clients."""

import json
import urllib.parse

import pytest

from concord import ICS_ATTACK, Folder, envelope, indicators, manifest, session, stored_texts
from tikv import cluster

EMBEDDED = {"CONCORD_STORE_ENGINE": "embedded"}


@pytest.fixture
def tikv(tmp_path):
    with cluster(tmp_path / "cluster") as found:
        yield found


def address(settings):
    """The place of a store in TiKV as one word."""
    names = {name.removeprefix("CONCORD_STORE_").lower(): value for name, value in settings.items()}
    keyspace = names.get("keyspace", "")
    query = {name: names[name] for name in ["prefix", "ca", "cert", "key"] if name in names}
    return f"tikv://{names['pd']}/{keyspace}?{urllib.parse.urlencode(query)}"


class Client:
    """What a client knows of the server: its password, a cursor in the middle, a status."""

    def __init__(self, folder, collection, account):
        self.account = account
        self.path = f"/api/collections/{collection['id']}/"
        with folder.serve() as url:
            page = self.get(url, "objects/", limit=50)
            self.next, self.rest = page["next"], None
            self.rest = self.get(url, "objects/", limit=50, next=self.next)
            self.records = manifest(self.session(), url + self.path)

    def session(self):
        return session(self.account)

    def get(self, url, what, **parameters):
        response = self.session().get(url + self.path + what, params=parameters)
        assert response.ok, response.text
        return response.json()

    def post(self, url):
        return self.session().post(f"{url}{self.path}objects/", envelope(map(json.dumps, indicators(1))))

    def add(self, url):
        """Adds an object, which comes after everything."""
        response = self.post(url)
        assert response.status_code == 202 and response.json()["success_count"] == 1, response.text
        records = manifest(self.session(), url + self.path)
        assert records[:-1] == self.records
        assert records[-1]["date_added"] > records[-2]["date_added"]
        self.records = records

    def finds_everything(self, url):
        assert manifest(self.session(), url + self.path) == self.records
        assert self.get(url, "objects/", limit=50, next=self.next) == self.rest, "the cursor goes on"
        assert len(stored_texts(self.session(), url + self.path)) == len(self.records)


def test_a_store_moves_to_tikv_and_back(tmp_path, tikv):
    folder = Folder(tmp_path / "first", EMBEDDED)
    folder.run("api-root", "add", "api")
    collection = folder.json("collection", "add", "ics")
    account = folder.json("account", "add", "alice", "--read", "ics", "--write", "ics")
    folder.run("import", ICS_ATTACK, "--collection", "ics")
    client = Client(folder, collection, account)

    settings = tikv.deployment()
    nothing = Folder(tmp_path / "nothing", settings)
    assert "none in tikv://" in nothing.run("doctor")
    assert nothing.fails("collection", "list").startswith("error: there is no store in tikv://")
    assert nothing.fails("migrate", "--from", address(settings), "--to", str(tmp_path / "never"))
    folder.run("migrate", "--from", str(folder.path), "--to", address(settings))
    replica = Folder(tmp_path / "replica", settings)
    backup = tmp_path / "concord.backup"
    with replica.serve() as url:
        client.finds_everything(url)
        client.add(url)
        replica.run("backup", backup, "--unencrypted")

    back = Folder(tmp_path / "back", EMBEDDED)
    back.run("migrate", "--from", address(settings), "--to", str(back.path))
    with back.serve() as url:
        client.finds_everything(url)
    with replica.serve() as url:
        client.finds_everything(url)
        refused = client.post(url)
        assert refused.status_code == 503 and refused.json()["error_code"] == "read_only", refused.text
        assert int(refused.headers["Retry-After"]) > 0
    replica.run("migrate", "--from", address(settings), "--release")
    with replica.serve() as url:
        assert client.post(url).status_code == 202

    restored = Folder(tmp_path / "restored", tikv.deployment())
    restored.run("restore", backup)
    with restored.serve() as url:
        client.finds_everything(url)
        client.add(url)
