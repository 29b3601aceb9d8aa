"""The largest public bundle goes in by POST and comes out as it was."""

import gzip
import os
import pathlib
import time

import pytest

from concord import ROOT, envelope, manifest, object_texts, session, stored_texts

SHARED = pathlib.Path(os.environ.get("CONCORD_SHARED", ROOT / "../shared"))
ENTERPRISE = SHARED / "data/feeds/mitre-attack/enterprise-attack-18.1.rebuilt.stix21.json.gz"


@pytest.fixture(scope="module")
def texts():
    if not ENTERPRISE.is_file():
        pytest.skip(
            f"needs {ENTERPRISE}, which is too large for the repository; CONCORD_SHARED names its folder"
        )
    with gzip.open(ENTERPRISE, "rt", encoding="utf-8", newline="") as bundle:
        return object_texts(bundle.read())


def envelopes(texts, max_content_length):
    """Envelopes as large as the server allows."""
    batch, length = [], 0
    for text in texts:
        added = len(text.encode()) + 1
        if batch and length + added + len(envelope([])) > max_content_length:
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += added
    yield batch


def test_enterprise_attack_comes_out_as_it_went_in(demo, collection, texts):
    assert len(texts) > 20_000
    writer = session(demo["writer"])
    api_root = writer.get(demo["api_root"]).json()

    def add_everything(case):
        began = time.monotonic()
        for batch in envelopes(texts, api_root["max_content_length"]):
            response = writer.post(collection.objects_url, data=envelope(batch))
            assert response.status_code == 202, response.text
            status = response.json()
            assert (status["status"], status["success_count"]) == ("complete", len(batch)), status
        print_rate(case, began)

    def get_everything():
        began = time.monotonic()
        found = stored_texts(writer, collection.url)
        print_rate("get", began)
        return found

    def print_rate(case, began):
        print(f"{case}: {len(texts) / (time.monotonic() - began):.0f} objects/s")

    add_everything("add")
    assert get_everything() == texts
    records = manifest(writer, collection.url)
    assert len(records) == len(texts)

    add_everything("add again")
    assert get_everything() == texts
    assert manifest(writer, collection.url) == records
