import gzip
import os
import uuid

import pytest
from taxii2client.v21 import Collection

from concord import BINARY, ICS_ATTACK, IS_TIKV, Folder, object_texts
from tikv import cluster


def pytest_configure():
    if not BINARY.is_file():
        pytest.exit(f"no server at {BINARY}: run `cargo build`, or name a binary in TAXII_SERVER", 2)


@pytest.fixture(scope="session", autouse=IS_TIKV)
def engine(tmp_path_factory):
    """The cluster of a run on TiKV, in the environment of every server."""
    with cluster(tmp_path_factory.mktemp("tikv")) as found:
        os.environ.update(found.settings)
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The data folder of the demo server."""
    return Folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def demo(folder):
    """A server with the ICS ATT&CK collection: the line of JSON that it prints."""
    with folder.like_demo() if IS_TIKV else folder.demo() as ready:
        yield ready


@pytest.fixture(scope="session")
def ics_texts():
    """The objects of the ICS ATT&CK bundle as they stand in it."""
    with gzip.open(ICS_ATTACK, "rt", encoding="utf-8") as bundle:
        return object_texts(bundle.read())


@pytest.fixture
def collection(folder, demo):
    """A new, empty collection, as the writer sees it."""
    title = str(uuid.uuid4())
    added = folder.json("collection", "add", title, "--stix", "2.0", "--stix", "2.1")
    folder.run("account", "grant", "writer", added["id"], "--read", "--write")
    writer = demo["writer"]
    url = f"{demo['api_root']}collections/{added['id']}/"
    with Collection(url, user=writer["username"], password=writer["password"]) as collection:
        yield collection
