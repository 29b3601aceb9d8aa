"""Compares what taxii-feeds makes of MISP events with what misp-stix makes of them.

    python3 -m venv venv && venv/bin/pip install misp-stix
    venv/bin/python conformance/feeds/compare_misp.py target/debug/taxii-feeds EVENT.json...

For each kind of content it counts what both have, and what only one of them has; `--show` lists the latter.
"""

import argparse
import collections
import json
import subprocess
import warnings

HASHES = {"SHA1": "SHA-1", "SHA256": "SHA-256", "SHA512": "SHA-512"}


def events(document):
    document = document.get("response", document) if isinstance(document, dict) else document
    for one in document if isinstance(document, list) else [document]:
        event = one.get("Event", one) if isinstance(one, dict) else {}
        if "info" in event:
            yield event


def ours(program, name):
    command = [program, "try", "misp", "--file", name, "--json", "--at", "2026-11-30T12:00:00.000Z"]
    run = subprocess.run(command, capture_output=True, text=True)
    return json.loads(run.stdout)["objects"] if run.returncode == 0 else []


def theirs(event):
    from misp_stix_converter import MISPtoSTIX21Parser

    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({"Event": event})
    return [json.loads(one.serialize()) for one in parser.stix_objects]


def facts(objects):
    """What the objects say, in a form in which both say it the same way."""
    found = collections.defaultdict(set)
    for one in objects:
        kind = one["type"]
        if kind in ("indicator", "observed-data", "report", "grouping", "sighting", "opinion"):
            found[kind].add(one["id"])
        elif kind == "file":
            for name, value in one.get("hashes", {}).items():
                found["file hashes"].add((HASHES.get(name, name), value.lower()))
            if "name" in one:
                found["file names"].add(one["name"])
        elif kind in ("domain-name", "ipv4-addr", "ipv6-addr", "url", "email-addr", "mac-addr"):
            found[kind].add(one["value"].lower())
        elif kind == "mutex":
            found[kind].add(one["name"])
        elif kind == "windows-registry-key":
            found[kind].add(one.get("key", "").rstrip("\\").lower())
        elif kind == "network-traffic":
            found[kind].add((one.get("src_port"), one.get("dst_port")))
        elif kind == "email-message":
            found[kind].add(one.get("subject"))
        elif kind in ("attack-pattern", "malware", "tool", "intrusion-set", "threat-actor", "vulnerability"):
            # misp-stix keeps the identifier of ATT&CK in the name.
            found["intrusion-set" if kind == "threat-actor" else kind].add(one["name"].split(" - ")[0].lower())
        elif kind in ("note", "x-misp-attribute", "x-misp-object", "x-misp-event-report"):
            found["notes and custom objects"].add(one["id"].split("--")[1])
    return found


def main():
    warnings.simplefilter("ignore")
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program")
    arguments.add_argument("files", nargs="+")
    arguments.add_argument("--show", action="store_true")
    arguments = arguments.parse_args()
    all_ours, all_theirs = collections.defaultdict(set), collections.defaultdict(set)
    for name in arguments.files:
        with open(name, encoding="utf-8") as file:
            document = json.load(file)
        found = list(events(document))
        if not found:
            continue
        for event in found:
            try:
                objects = theirs(event)
            except Exception as error:  # What it cannot read is not compared.
                print(f"{name}: misp-stix: {type(error).__name__}: {error}")
                break
            for kind, values in facts(objects).items():
                all_theirs[kind] |= values
        else:
            for kind, values in facts(ours(arguments.program, name)).items():
                all_ours[kind] |= values
    print(f"{'':28}{'both':>8}{'ours':>8}{'theirs':>8}")
    for kind in sorted(set(all_ours) | set(all_theirs)):
        one, other = all_ours[kind], all_theirs[kind]
        print(f"{kind:28}{len(one & other):>8}{len(one - other):>8}{len(other - one):>8}")
        if arguments.show:
            for value in sorted(map(str, one - other))[:20]:
                print(f"    ours    {value}")
            for value in sorted(map(str, other - one))[:20]:
                print(f"    theirs  {value}")


if __name__ == "__main__":
    main()
