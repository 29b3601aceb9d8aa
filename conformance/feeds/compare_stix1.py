"""Compares what `taxii-feeds` makes of packages of STIX 1.x with what the elevator of OASIS made of them.

    python3 conformance/feeds/compare_stix1.py target/debug/taxii-feeds FOLDER

The folder has pairs of files: NAME.stix1.xml and NAME.stix21.json. Objects count as the same by type and name, relationships by
their word and the types at their ends, patterns by their comparisons and the number of AND and OR.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys


def made(program, file):
    """What becomes of a package, and how much was rejected."""
    command = [program, "try", "stix1", "--file", str(file), "--json", "--at", "2026-11-30T12:00:00.000Z"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{file}: {done.stderr}")
    return json.loads(done.stdout)


def kind(reference):
    return reference.split("--")[0]


def pattern(text):
    """The comparisons of a pattern, and how many AND and OR stand between them."""
    text = re.sub(r"hashes\.'?([\w-]+)'?", r"hashes.\1", text)
    words = collections.Counter(re.findall(r"\s(AND|OR)\s", text))
    terms = [re.sub(r"[\s()\[\]]", "", term).lower() for term in re.split(r"\s(?:AND|OR)\s", text)]
    return f"{sorted(terms)} {words['AND']} AND {words['OR']} OR"


def facts(objects):
    """What is compared of a bundle."""
    for made_object in objects:
        match made_object["type"]:
            case "relationship" if "target_ref" in made_object and "source_ref" in made_object:
                ends = kind(made_object["source_ref"]), kind(made_object["target_ref"])
                yield "relationship", (made_object["relationship_type"], *ends)
            case "indicator":
                yield "pattern", pattern(made_object.get("pattern", ""))
            case "sighting" | "report" | "observed-data" | "identity" | "marking-definition" | "relationship" | "location" as name:
                yield name, ""
            case name:
                yield name, str(made_object.get("name") or made_object.get("value") or "")


def main(program, folder):
    same, ours, theirs = collections.Counter(), [], []
    rejected = collections.Counter()
    for file in sorted(pathlib.Path(folder).glob("*.stix1.xml")):
        found = made(program, file)
        pair = file.with_name(file.name.replace(".stix1.xml", ".stix21.json"))
        if not pair.exists():
            print(f"{pair.name} is not there")
            continue
        expected = json.loads(pair.read_text())
        rejected.update(re.sub(r"`[^`]*`", "…", row["reason"]) for row in found["rejected"])
        have = collections.Counter(facts(found["objects"]))
        want = collections.Counter(facts(expected["objects"]))
        for fact, count in (have & want).items():
            same[fact[0]] += count
        name = file.name.removesuffix(".stix1.xml")
        ours += [(name, fact, count) for fact, count in (have - want).items()]
        theirs += [(name, fact, count) for fact, count in (want - have).items()]
    print("same:", dict(same))
    for title, rows in ("only here", ours), ("only there", theirs):
        print(title + ":")
        for name, (what, fact), count in rows:
            print(f"  {name}: {count} {what} {fact}")
    print("rejected:")
    for reason, count in rejected.most_common():
        print(f"  {count} {reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
