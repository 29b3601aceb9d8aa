"""What the aggregator reads besides plain files: archives, servers of TAXII 2.0, providers of CSAF."""

import io
import json
import tarfile
import zipfile

import pytest

from concord import IS_TIKV
from test_feeds import LIST, NOW, SAMPLES, Feeds, Source, latest, server, source  # noqa: F401

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
