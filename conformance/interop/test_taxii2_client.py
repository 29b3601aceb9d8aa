"""taxii2-client, as OpenCTI, stix2 and many others use it."""

import json
from collections import Counter
from datetime import datetime, timezone

import pytest
import requests
from taxii2client.common import TokenAuth
from taxii2client.exceptions import AccessError
from taxii2client.v21 import Collection, Server, as_pages

from concord import indicators


def ids(pages):
    return [stix_object["id"] for page in pages for stix_object in page.get("objects", [])]


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(params=["basic", "token"])
def credentials(request, demo):
    reader = demo["reader"]
    if request.param == "basic":
        return {"user": reader["username"], "password": reader["password"]}
    return {"auth": TokenAuth(reader["token"])}


@pytest.fixture
def ics(demo, credentials):
    """The ICS ATT&CK collection, found as a client finds it."""
    with Server(f"{demo['url']}/taxii2/", **credentials) as server:
        found = {collection.id: collection for root in server.api_roots for collection in root.collections}
        return found[demo["collection"]["id"]]


@pytest.fixture
def ics_objects(ics_texts):
    return [json.loads(text) for text in ics_texts]


def test_discovery_leads_to_the_collections(demo, credentials):
    with Server(f"{demo['url']}/taxii2/", **credentials) as server:
        assert server.title == "Concord demo"
        assert [root.url for root in server.api_roots] == [demo["api_root"]]
        assert server.default is server.api_roots[0]
        root = server.default
        assert "application/taxii+json;version=2.1" in root.versions
        assert root.max_content_length > 0
        found = {collection.id: collection for collection in root.collections}
    for name in ["collection", "writable_collection"]:
        collection = found[demo[name]["id"]]
        assert (collection.alias, collection.can_read) == (demo[name]["alias"], True)
        assert not collection.can_write
        assert "application/stix+json;version=2.1" in collection.media_types
    assert list(found) == sorted(found)


@pytest.mark.parametrize("per_request", [37, 1000, 5000])
def test_pages_hold_every_object_once(ics, ics_objects, per_request):
    pages = list(as_pages(ics.get_objects, per_request=per_request))
    assert max(len(page["objects"]) for page in pages) <= per_request
    assert [stix_object for page in pages for stix_object in page["objects"]] == ics_objects


@pytest.mark.parametrize("per_request", [37, 1000, 5000])
def test_manifest_agrees_with_the_objects(ics, ics_objects, per_request):
    records = [
        record for page in as_pages(ics.get_manifest, per_request=per_request) for record in page["objects"]
    ]
    expected = [(one["id"], instant(one.get("modified") or one["created"])) for one in ics_objects]
    assert [(record["id"], instant(record["version"])) for record in records] == expected
    dates = [instant(record["date_added"]) for record in records]
    assert dates == sorted(set(dates))
    assert {record["media_type"] for record in records} == {"application/stix+json;version=2.1"}


def test_object_and_its_versions(ics, ics_objects):
    for expected in ics_objects[:20]:
        assert ics.get_object(expected["id"])["objects"] == [expected]
        versions = ics.object_versions(expected["id"])["versions"]
        assert [instant(version) for version in versions] == [
            instant(expected.get("modified") or expected["created"])
        ]


def test_match_type_and_id(ics, ics_objects):
    by_type = Counter(one["type"] for one in ics_objects)
    for stix_type, count in by_type.items():
        found = ids(as_pages(ics.get_objects, per_request=100, type=stix_type))
        assert len(found) == len(set(found)) == count
    two = ["malware", "campaign"]
    found = ids(as_pages(ics.get_objects, per_request=10, type=two))
    assert found == [one["id"] for one in ics_objects if one["type"] in two]

    wanted = [one["id"] for one in ics_objects[:500:10]]
    assert ids(as_pages(ics.get_objects, per_request=7, id=wanted)) == wanted
    both = ids(as_pages(ics.get_objects, per_request=7, id=wanted, type=two))
    assert both == [one["id"] for one in ics_objects[:500:10] if one["type"] in two]
    assert ics.get_objects(type="grouping").get("objects", []) == []


def test_match_spec_version(collection):
    [new] = indicators(1)
    [old] = indicators(1, labels=["malicious-activity"])
    del old["spec_version"], old["pattern_type"]
    collection.add_objects({"objects": [old, new]})
    assert ids([collection.get_objects(spec_version="2.0")]) == [old["id"]]
    assert ids([collection.get_objects(spec_version="2.1")]) == [new["id"]]
    assert ids([collection.get_objects(spec_version=["2.0", "2.1"])]) == [old["id"], new["id"]]
    assert ids([collection.get_objects()]) == [old["id"], new["id"]]


def test_match_version(collection):
    [first] = indicators(1)
    second = {**first, "modified": "2024-06-01T12:00:00.123456Z", "name": "second"}
    third = {**first, "modified": "2025-01-01T00:00:00.000Z", "name": "third"}
    # The order of arrival does not decide which version is the last.
    for version in [third, first, second]:
        assert collection.add_objects({"objects": [version]}).success_count == 1

    def found(**filters):
        return collection.get_object(first["id"], **filters)["objects"]

    assert found() == found(version="last") == [third]
    assert found(version="first") == [first]
    assert found(version="all") == [third, first, second]
    assert found(version=["first", "last"]) == [third, first]
    assert found(version=datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=timezone.utc)) == [second]
    assert found(version=[datetime(2024, 1, 1), "last"]) == [third, first]
    versions = [
        version
        for page in as_pages(collection.object_versions, per_request=2, obj_id=first["id"])
        for version in page["versions"]
    ]
    assert sorted(map(instant, versions)) == [instant(one["modified"]) for one in [first, second, third]]


def test_incremental_poll_gets_exactly_what_is_new(collection):
    dates = []

    def remember(response, **_):
        dates.append(response.headers.get("X-TAXII-Date-Added-Last"))

    collection._conn.session.hooks["response"].append(remember)
    seen = set()
    for count in [30, 1, 12]:
        new = indicators(count)
        collection.add_objects({"objects": new})
        dates.clear()
        polled = ids(as_pages(collection.get_objects, per_request=5))
        everything = [date for date in dates if date]
        assert polled[len(seen) :] == [one["id"] for one in new]
        seen.update(polled)

        later = indicators(7)
        collection.add_objects({"objects": later})
        added_after = instant(everything[-1])
        polled = ids(as_pages(collection.get_objects, per_request=5, added_after=added_after))
        assert polled == [one["id"] for one in later]
        seen.update(polled)

        nothing = collection.get_objects(added_after=instant(dates[-1]))
        assert (nothing.get("objects", []), nothing.get("more", False)) == ([], False)


def test_polls_while_others_add_lose_nothing(collection):
    """A poller that reads and adds in turns sees each object once, in the order of arrival."""
    sent, polled, added_after = [], [], None
    for _ in range(20):
        new = indicators(3)
        collection.add_objects({"objects": new})
        sent.extend(one["id"] for one in new)
        page = collection.get_manifest(limit=2, added_after=added_after)
        polled.extend(record["id"] for record in page["objects"])
        added_after = instant(page["objects"][-1]["date_added"])
    for page in as_pages(collection.get_manifest, per_request=4, added_after=added_after):
        polled.extend(record["id"] for record in page["objects"])
    assert polled == sent


def test_add_waits_for_its_status(demo, collection):
    new = indicators(50)
    status = collection.add_objects({"objects": new})
    assert status.status == "complete"
    assert [row["id"] for row in status.successes] == [one["id"] for one in new]
    status.refresh()
    assert (status.total_count, status.success_count, status.failure_count) == (50, 50, 0)
    assert collection.get_objects()["objects"] == new

    repeated = collection.add_objects(json.dumps({"objects": new}))
    assert (repeated.success_count, repeated.failure_count) == (50, 0)
    assert collection.get_objects()["objects"] == new


def test_add_reports_each_object(collection):
    good, other = indicators(2)
    [nameless] = indicators(1)
    del nameless["id"]
    [undated] = indicators(1, modified="yesterday")
    status = collection.add_objects({"objects": [good, nameless, undated, other]})
    assert status.status == "complete"
    assert [row["id"] for row in status.successes] == [good["id"], other["id"]]
    assert status.failure_count == 2
    assert undated["id"] in [row["id"] for row in status.failures]
    assert all(row["message"] for row in status.failures)
    status.refresh()
    assert (status.success_count, status.failure_count) == (2, 2)
    assert collection.get_objects()["objects"] == [good, other]


def test_same_version_with_other_content_is_refused(collection):
    [one] = indicators(1)
    collection.add_objects({"objects": [one]})
    status = collection.add_objects({"objects": [{**one, "name": "other"}]})
    assert (status.success_count, status.failure_count) == (0, 1)
    assert collection.get_objects()["objects"] == [one]


def test_deleted_objects_are_gone(collection):
    first, kept = indicators(2)
    last = {**first, "modified": "2025-01-01T00:00:00.000Z"}
    collection.add_objects({"objects": [first, kept, last]})
    collection.delete_object(first["id"], version="first")
    assert collection.get_object(first["id"], version="all")["objects"] == [last]
    collection.delete_object(first["id"])
    with pytest.raises(requests.HTTPError) as refused:
        collection.get_object(first["id"])
    assert refused.value.response.status_code == 404
    assert ids([collection.get_objects(version="all")]) == [kept["id"]]
    assert ids([collection.get_manifest(version="all")]) == [kept["id"]]


def test_reader_may_not_add(demo, collection, folder):
    folder.run("account", "grant", "reader", collection.id, "--read")
    reader = {"user": demo["reader"]["username"], "password": demo["reader"]["password"]}
    with Collection(collection.url, **reader) as honest, pytest.raises(AccessError):
        honest.add_objects({"objects": indicators(1)})
    # With the description that the writer got, the client asks the server.
    with Collection(collection.url, **reader, collection_info=collection._raw) as mistaken:
        with pytest.raises(requests.HTTPError) as refused:
            mistaken.add_objects({"objects": indicators(1)})
        assert refused.value.response.status_code == 403
        with pytest.raises(requests.HTTPError) as refused:
            mistaken.delete_object(indicators(1)[0]["id"])
        assert refused.value.response.status_code == 403
    assert collection.get_objects().get("objects", []) == []


def test_wrong_credentials_are_refused(demo):
    for wrong in [{"user": "reader", "password": "wrong"}, {"auth": TokenAuth("wrong")}, {}]:
        with (
            Server(f"{demo['url']}/taxii2/", **wrong) as server,
            pytest.raises(requests.HTTPError) as refused,
        ):
            server.refresh()
        assert refused.value.response.status_code == 401
