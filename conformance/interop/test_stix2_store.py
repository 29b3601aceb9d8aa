"""The TAXII stores of stix2, the library of the OASIS committee."""

import pytest
import stix2
from stix2 import Filter, TAXIICollectionSink, TAXIICollectionSource, TAXIICollectionStore
from stix2.exceptions import STIXError
from taxii2client.v21 import Collection

DOMAIN = "[domain-name:value = 'example.org']"


@pytest.fixture(scope="session")
def ics_objects(ics_texts):
    return [stix2.parse(text, allow_custom=True) for text in ics_texts]


@pytest.fixture(scope="session")
def ics(demo):
    reader = demo["reader"]
    url = f"{demo['api_root']}collections/{demo['collection']['id']}/"
    collection = Collection(url, user=reader["username"], password=reader["password"])
    return TAXIICollectionSource(collection, items_per_page=100)


@pytest.fixture
def store(collection):
    return TAXIICollectionStore(collection, items_per_page=2)


def test_query_finds_everything(ics, ics_objects):
    assert ics.query() == ics_objects


def test_query_with_filters(ics, ics_objects):
    def expected(is_meant):
        return [one for one in ics_objects if is_meant(one)]

    assert ics.query([Filter("type", "=", "malware")]) == expected(lambda one: one["type"] == "malware")
    # The server answers the first filter, stix2 applies the second.
    filters = [Filter("type", "=", "attack-pattern"), Filter("name", "contains", "Program")]
    found = ics.query(filters)
    assert found == expected(lambda one: one["type"] == "attack-pattern" and "Program" in one["name"])
    assert found
    [one] = ics.query([Filter("id", "=", found[0]["id"])])
    assert one == found[0]
    assert ics.query([Filter("type", "=", "grouping")]) == []


def test_get(ics, ics_objects):
    for one in ics_objects[::200]:
        assert ics.get(one["id"]) == one
    assert ics.get("malware--00000000-0000-4000-8000-000000000000") is None


def test_relationships(ics, ics_objects):
    malware = next(one for one in ics_objects if one["type"] == "malware")
    expected = [one for one in ics_objects if one.get("source_ref") == malware["id"]]
    filters = [Filter("type", "=", "relationship"), Filter("source_ref", "=", malware["id"])]
    assert ics.query(filters) == expected
    assert expected


def test_add_and_all_versions(store):
    first = stix2.Indicator(pattern=DOMAIN, pattern_type="stix", name="first")
    second = first.new_version(name="second")
    other = stix2.Malware(name="other", is_family=False)
    store.add([first, other])
    assert store.get(first.id) == first
    store.add(second)
    assert store.get(first.id) == second
    assert store.all_versions(first.id) == [first, second]
    assert store.query([Filter("type", "=", ["indicator", "malware"])]) == [other, second]
    store.add(second)
    assert store.all_versions(first.id) == [first, second]


def test_add_takes_what_stix2_takes(store):
    indicator = stix2.Indicator(pattern=DOMAIN, pattern_type="stix", name="naïve \U0001f980")
    address = stix2.IPv4Address(value="198.51.100.1")
    malware = stix2.Malware(name="in a bundle", is_family=True)
    store.add(indicator.serialize())
    store.add(dict(address))
    store.add(stix2.Bundle(malware, stix2.TLP_RED))
    expected = {one["id"]: one for one in [indicator, address, malware, stix2.TLP_RED]}
    assert {one["id"]: one for one in store.query()} == expected


def test_stix_2_0(collection):
    indicator = stix2.v20.Indicator(pattern=DOMAIN, labels=["malicious-activity"])
    TAXIICollectionSink(collection).add(indicator)
    assert TAXIICollectionSource(collection).get(indicator.id, version="2.0") == indicator


def test_custom_objects(collection):
    store = TAXIICollectionStore(collection, allow_custom=True)
    custom = {
        "type": "x-house",
        "spec_version": "2.1",
        "id": "x-house--5f1b9a5c-3a5e-4b7e-9b8e-0a1c2d3e4f50",
        "created": "2024-01-01T00:00:00.000Z",
        "modified": "2024-01-01T00:00:00.000Z",
        "x_rooms": [1, 2.5, 1e2],
    }
    store.add(custom)
    assert collection.get_object(custom["id"])["objects"] == [custom]
    assert store.get(custom["id"])["x_rooms"] == custom["x_rooms"]
    with pytest.raises(STIXError):
        TAXIICollectionSink(collection).add(custom)
