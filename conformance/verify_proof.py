#!/usr/bin/env python3
"""Verifies a proof bundle without any server: that organisations approved an object, and that the decision is in a log.

    verify_proof.py bundle.json --policy trust.policy [--members organisations.json] [--json]

Read `verify` from top to bottom: it is the proof, step by step. The formats are those of RFC 8785 (JCS), RFC 6962
(Merkle trees), RFC 8032 (Ed25519), DSSE 1.0, and C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-policy.

The log is believed when it says which rules were in force, in which entry a statement came, and at what time. Without
`--members`, the bundle is believed when it says who the members are and which keys they have.

Needs the packages `cryptography` and `rfc8785`. Exit code 0 and `proved: …`, or 1 and `refused: STEP: REASON`.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import json
import math
import pathlib
import re
import sys
from types import SimpleNamespace as Record

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "concord/proof/v1"
KINDS = {name: f"application/vnd.concord.{name}.v1+json" for name in ("submit", "vote")}
NOTE, COSIGNATURE = 1, 4  # types of keys in notes (signed-note, "Signature types")


class Refused(Exception):
    """A step of the proof does not hold."""


def need(holds, reason):
    if not holds:
        raise Refused(reason)


def verify(bundle_bytes, policy_bytes, members_bytes=None):
    """Goes through the proof, and returns what it proves."""
    with step("policy"):
        trust = read_trust(policy_bytes)
    with step("format"):
        need(len(bundle_bytes) <= 8 << 20, "the bundle has more than 8 MiB")
        read = read_json(bundle_bytes)
        bundle = BUNDLE(read)
        need(bundle.format == FORMAT, f"this is {bundle.format}, not {FORMAT}")
        item = bundle.item

    with step("object"):  # The text is the object that the organisations saw.
        need(len(bundle.object.encode()) <= 1 << 20, "the object has more than 1 MiB")
        found = inspect(bundle.object.encode())
        for name in ("digest", "id", "version", "type"):
            same = getattr(found, name) == getattr(item, name)
            need(same, f"its {name} is not that of the object that was approved")

    with step("leaf"):  # The decision is about this object, and approves it.
        leaf = LEAF(read_json(bundle.leaf.encode(), is_canonical=True))
        need(len(bundle.leaf.encode()) < 1 << 16, "a leaf has 65535 bytes at most")
        need(not leaf.part or leaf.part.number < leaf.part.of > 1, "there is no such part")
        decided = next((decided for decided in leaf.items if decided.item == bundle.number), None)
        need(decided, "it does not name the item")
        opening = {"collection": bundle.collection, "organisation": bundle.submitter, "item": read["item"]}
        commit = sha256(b"concord/commit/v1\0", bundle.salt, rfc8785.dumps(opening))
        need(decided.commit == commit, "it is bound to another object, collection or submitter")
        need((leaf.event, decided.phase) == ("submit", "approved"), "it does not approve the object")
        policy = bundle.policy.version, sha256(rfc8785.dumps(read["policy"]))
        need((leaf.policy, leaf.policy_digest) == policy, "it was made under another policy")

    with step("checkpoint"):  # A log that the reader trusts signed a tree, and enough witnesses saw it.
        origin, size, root, witnesses = endorse(trust, bundle.checkpoint)
        need(origin == f"{bundle.network.hex()[:16]}/approvals", "the log is that of another network")

    with step("inclusion"):  # The decision is in the tree (RFC 6962, section 2.1.1).
        need(bundle.leaf_number < size, f"a tree of {size} leaves has no leaf {bundle.leaf_number}")
        top = climb(sha256(b"\0", bundle.leaf.encode()), bundle.leaf_number, size, list(bundle.inclusion))
        need(top == root, "the proof does not lead to the root of the checkpoint")

    with step("members"):  # Those count that the reader knows, and without them those of the bundle.
        listed = bundle.organisations if members_bytes is None else MEMBERS(read_json(members_bytes))
        organisations = {one.id: one for one in listed}
        need(len(organisations) == len(listed), "an organisation is listed twice")

    if bundle.submission:
        with step("submission"):  # The submitter signed this very object.
            submit = statement(bundle.submission, "submit", SUBMIT)
            need(sha256(bundle.submission.signed) == leaf.proposal, "it is that of another proposal")
            said = (submit.network, submit.collection, submit.organisation)
            need(said == (bundle.network, bundle.collection, bundle.submitter), "network, collection or author differ")
            need(bundle.number < len(submit.items), "it has no such item")
            need(submit.items[bundle.number] == item, "it has another object at this number")
            salt = sha256(submit.nonce, bundle.number.to_bytes(4, "big"))[:16]
            need(salt == bundle.salt, "the salt does not follow from its nonce")
            check_signature(organisations, submit.organisation, bundle.submission, "submit", leaf.submitted)

    decisions = {}
    with step("votes"):  # Members signed what they decide on this proposal, and the log counted it.
        for envelope in bundle.votes:
            vote = statement(envelope, "vote", VOTE)
            need((vote.network, vote.proposal) == (bundle.network, leaf.proposal), "a vote is on another proposal")
            need(vote.items is None or bundle.number in vote.items, "a vote is on other objects of the proposal")
            counted = next((one for one in leaf.votes if one.statement == sha256(envelope.signed)), None)
            need(counted, "a vote is none of those that the log counted")
            need(vote.organisation not in decisions, "an organisation votes twice")
            decisions[vote.organisation] = vote.decision
            check_signature(organisations, vote.organisation, envelope, "vote", counted.index)

    with step("gate"):  # By the first rule that is for such objects, these votes are enough.
        firsts = [first_rule(bundle, operation) for operation in ("new", "revise")]
        need(bundle.rule in firsts, f"rule {bundle.rule} of the policy is not the one for such an object")
        rule = bundle.policy.rules[bundle.rule]
        eligible = {one.id for one in listed if is_in_time(leaf.index, one.joined, one.left)}
        if rule.exclude_submitter and len(eligible) > 1:
            eligible.discard(bundle.submitter)
        approving = {one for one in eligible if decisions.get(one) == "approve"}
        vetoed = [one for one in rule.veto if one in eligible and decisions.get(one) == "veto"]
        need(not vetoed, f"vetoed by {vetoed}")
        # What was visible before, in an emergency, is ratified by another gate, and never by itself.
        gate = rule.emergency.gate if rule.emergency and decided.ratified else rule.gate
        is_met = gate_is_met(gate, approving, eligible) or (rule.automatic and not decided.ratified)
        need(is_met, f"the votes do not satisfy rule {bundle.rule} of the policy")

    return {
        # The log has a part of the network's name only, and what is signed has all of it.
        "network": bundle.network.hex() if bundle.submission or bundle.votes else None,
        "collection": bundle.collection, "submitter": bundle.submitter,
        "id": item.id, "version": item.version, "type": item.type, "level": item.level, "digest": item.digest.hex(),
        "index": leaf.index,
        "time": datetime.datetime.fromtimestamp(leaf.time / 1e6, datetime.timezone.utc).isoformat(),
        "approved_by": [{"id": one, "name": organisations[one].name} for one in sorted(approving)],
        "witnesses": witnesses, "is_submission_shown": bundle.submission is not None,
        "are_members_trusted": members_bytes is not None,
    }


@contextlib.contextmanager
def step(name):
    """Names the step in which something is refused."""
    try:
        yield
    except (Refused, ValueError, RecursionError) as error:
        raise Refused(name, str(error)) from error


# Organisations, rules, signatures.


def is_in_time(index, first, end):
    return first <= index and (end is None or end > index)


def check_signature(organisations, author, envelope, role, index):
    """A key counts by entry: from `since` on, and before `until`."""
    need(author in organisations, f"organisation {author} was no member")
    key = next((
        key for key in organisations[author].keys
        if sha256(b"ed25519", key.public) == envelope.keyid and is_in_time(index, key.since, key.until)
    ), None)
    need(key and key.role == role, f"the key is none with which {author} signs as `{role}` in entry {index}")
    need(is_signed(key.public, envelope.signed, envelope.sig), f"the signature of {author} does not match")


def first_rule(bundle, operation):
    asked = {"operations": operation, "collections": bundle.collection, "types": bundle.item.type,
             "levels": bundle.item.level, "submitters": bundle.submitter}
    for number, rule in enumerate(bundle.policy.rules):
        lists = {name: getattr(rule.when, name) for name in asked}
        if not rule.when.own and all(lists[name] is None or asked[name] in lists[name] for name in asked):
            return number
    return None


def gate_is_met(gate, approving, eligible):
    kind, what = gate
    match kind:
        case "submitter":
            return True  # By proposing.
        case "organisation":
            return what in approving
        case "members":
            return len(approving) >= max(min(what, len(eligible)), 1)
        case "majority":
            return 2 * len(approving) > len(eligible)
        case "k_of":
            return sum(gate_is_met(one, approving, eligible) for one in what.of) >= what.k
        case "weight":
            return sum(weight for one, weight in what.of if one in approving) >= what.min


def is_signed(public, message, signature):
    """Ed25519, strictly: no key and no first half of a signature that is a point of a small order."""
    prime = 2**255 - 19
    eighth = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
    small = {0, 1, prime - 1, eighth, prime - eighth}
    is_small = lambda point: (int.from_bytes(point, "little") % 2**255) % prime in small
    if len(signature) != 64 or is_small(public) or is_small(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def statement(envelope, kind, read):
    """Reads what is signed, which has one form (RFC 8785)."""
    need(envelope.payloadType == KINDS[kind], f"a signed statement is a {envelope.payloadType}")
    return read(read_json(envelope.payload, is_canonical=True))


# The transparency log.


def climb(hash, index, size, path):
    """The root to which the hashes beside a leaf lead, from the leaf upwards (RFC 6962, section 2.1.1)."""
    if size == 1:
        need(not path, "the proof has too many hashes")
        return hash
    need(path, "the proof has too few hashes")
    beside, middle = path.pop(), 1 << (size - 1).bit_length() - 1
    if index < middle:
        return sha256(b"\1", climb(hash, index, middle, path), beside)
    return sha256(b"\1", beside, climb(hash, index - middle, size - middle, path))


def endorse(trust, note):
    """Origin, size and root of a checkpoint that a log of the policy signed, and its witnesses if they are a quorum."""
    need(len(note.encode()) <= 1 << 20, "the note has more than 1 MiB")
    text, divider, lines = note.rpartition("\n\n")
    need(divider and lines.endswith("\n"), "a note is a text, an empty line, and lines of signatures")
    text += "\n"
    need(not re.search(r"[\0-\x09\x0b-\x1f]", text), "the note has a control character")
    signatures = [read_signature(line) for line in lines[:-1].split("\n")]
    need(len(signatures) <= 128, "the note has more than 128 signatures")
    signers = set()
    for key in trust.keys:
        for name, key_id, signature in signatures:
            if (name, key_id) != (key.name, key.id):
                continue  # Unknown keys are ignored, and false signatures of known ones are not.
            signed = text
            if key.type == COSIGNATURE:
                time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                need(time < 1 << 63, f"the time of the cosignature of {name} is too late")
                signed = f"cosignature/v1\ntime {time}\n{text}"
            need(is_signed(key.public, signed.encode(), signature), f"the signature of {name} does not match the note")
            signers.add(key)
    origin, size, root, *others = text[:-1].split("\n") + [""] * (3 - text.count("\n"))
    need(re.fullmatch("0|[1-9][0-9]*", size) and int(size) < 1 << 63, "the size is no decimal number below 2^63")
    root = from_base64(root)
    need(origin and len(root) == 32 and all(others), "a checkpoint is an origin, a size, a root, and further lines")
    need("\x7f" not in text, "the checkpoint has a control character")
    is_log = any(key.type == NOTE and key.name == origin for key in signers)
    need(is_log, f"no log of the policy with the name `{origin}` signed it")
    met = []
    for defined in trust.defined:
        met.append(defined in signers if isinstance(defined, Key) else sum(met[at] for at in defined[1]) >= defined[0])
    need(trust.quorum is None or met[trust.quorum], "the witnesses that cosigned it are no quorum of the policy")
    return origin, int(size), root, sorted(key.name for key in signers if key.type == COSIGNATURE)


def read_signature(line):
    """A line of a note: a dash, the name of a key, and in base64 its identifier and the signature."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    need(dash == "—" and is_key_name(name), "a line of the note is no signature")
    signature = from_base64(encoded)
    need(len(signature) > 4, "a signature of the note is empty")
    return name, signature[:4], signature[4:]


def is_key_name(name):
    return name and not re.search(r"[\s+\0-\x1f\x7f]", name)


class Key:
    """A verifier key: `name+hash+base64` (signed-note, "Verifier keys")."""

    def __init__(self, text, type):
        self.name, hash, encoded = (text.split("+", 2) + ["", ""])[:3]
        key = from_base64(encoded)
        need(is_key_name(self.name) and len(key) == 33, f"`{text}` is no key of 32 bytes with a name")
        need(key[0] == type, "the key of a log has type 1, and the key of a witness type 4")
        self.type, self.public, self.id = type, key[1:], sha256(self.name.encode(), b"\n", key)[:4]
        need(hash == self.id.hex(), f"the 8 digits of {self.name} do not match the key")


def read_trust(text):
    """A policy (C2SP tlog-policy): keys, witnesses and groups in the order of their lines, and the quorum."""
    keys, defined, names, grouped, quorum = [], [], {}, set(), ()
    need(text.endswith(b"\n") and len(text) <= 1 << 20, "the policy does not end in a newline, or is too large")
    need(not re.search(rb"[\0-\x08\x0b-\x1f\x7f]", text), "the policy has a control character")

    def define(name, what):
        need(name != "none" and name not in names, f"`{name}` is defined already")
        names[name] = len(defined)
        defined.append(what)

    for line in text.decode("utf-8", "surrogateescape")[:-1].split("\n"):
        match [word for word in re.split("[ \t]", line) if word]:
            case []:
                pass
            case [word, *_] if word.startswith("#"):
                pass
            case ["log", key] | ["log", key, _]:
                keys.append(Key(key, NOTE))
            case ["witness", name, key] | ["witness", name, key, _]:
                keys.append(Key(key, COSIGNATURE))
                define(name, keys[-1])
            case ["group", name, k, *members] if members:
                k = {"any": "1", "all": str(len(members))}.get(k, k)
                need(re.fullmatch("[1-9][0-9]{0,6}", k) and int(k) <= len(members), f"{k} is no threshold of `{name}`")
                need(all(member in names for member in members), f"a member of `{name}` is not defined before it")
                need(not grouped & set(members) and len(set(members)) == len(members), "one is a member twice")
                grouped.update(members)
                define(name, (int(k), [names[member] for member in members]))
            case ["quorum", name] if quorum == ():
                need(name == "none" or name in names, f"`{name}` is not defined")
                quorum = None if name == "none" else names[name]
            case _:
                raise Refused(f"this line is none of a policy: {line}")
    need(quorum != (), "the policy has no `quorum` line")
    need(len({(key.type, key.public) for key in keys}) == len(keys), "a key is there twice")
    return Record(keys=keys, defined=defined, quorum=quorum)


# Objects and JSON.


def inspect(text):
    """What is signed of a STIX object."""
    stix = read_json(text)
    need(isinstance(stix, dict) and isinstance(stix.get("id"), str), "it has no `id`")
    object_type, _, uuid = stix["id"].rpartition("--")
    need(object_type and re.fullmatch(UUID, uuid, re.I), "its `id` is not a type and a UUID")
    version = stix.get("modified", stix.get("created", ""))
    if "modified" in stix or "created" in stix:
        form = re.fullmatch(r"([0-9]{4}(?:-[0-9]{2}){2}T[0-9]{2}(?::[0-9]{2}){2})(?:\.([0-9]+))?Z", str(version))
        need(form, "`modified`, else `created`, is no timestamp")
        fraction = (form[2] or "").rstrip("0")
        version = form[1] + (f".{fraction}" if fraction else "")
    return Record(id=stix["id"], type=object_type, version=version, digest=sha256(rfc8785.dumps(stix)))


def read_json(text, is_canonical=False):
    """Reads I-JSON (RFC 7493), so that all readers read the same, and no text is read in two ways."""

    def members(pairs):
        need(len(dict(pairs)) == len(pairs), "a member name occurs twice in one object")
        return dict(pairs)

    def integer(digits):
        need(len(digits) < 18 and abs(int(digits)) < 1 << 53, "an integer is outside ±(2^53 - 1)")
        return int(digits)

    def double(digits):
        need(math.isfinite(float(digits)), "a number is too large for a double")
        return float(digits)

    def constant(name):
        raise Refused(f"{name} is no JSON")

    hooks = {"parse_int": integer, "parse_float": double, "parse_constant": constant}
    value = json.loads(text.decode("utf-8"), object_pairs_hook=members, **hooks)
    need(depth(value) <= 64, "it is nested too deep")
    canonical = rfc8785.dumps(value)  # Refuses halves of surrogate pairs, too.
    need(not is_canonical or canonical == text, "it is not in canonical form (RFC 8785)")
    return value


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def from_base64(text):
    decoded = base64.b64decode(text, validate=True)
    need(base64.b64encode(decoded).decode() == text, "base64 is not in its only form")
    return decoded


# The forms of what is read: each is a function that checks a value and returns it. No other members are allowed.

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def text(value):
    need(isinstance(value, str), f"a text is expected, not {value!r:.40}")
    return value


def pattern(form):
    return lambda value: need(re.fullmatch(form, text(value)), f"`{value:.80}` is not as it must be") or value


def hexadecimal(count):
    return lambda value: bytes.fromhex(pattern(f"[0-9a-f]{{{2 * count}}}")(value))


def number(bits=53):
    def read(value):
        need(type(value) is int and 0 <= value < 1 << bits, f"a number of {bits} bits is expected, not {value!r:.40}")
        return value
    return read


def boolean(value):
    need(isinstance(value, bool), "true or false is expected")
    return value


def listing(read):
    return lambda value: need(isinstance(value, list), "a list is expected") or [read(one) for one in value]


def pair(first, second):
    def read(value):
        need(isinstance(value, list) and len(value) == 2, "a pair is expected")
        return first(value[0]), second(value[1])
    return read


def nullable(read):
    """A member that may be null or absent."""
    return (lambda value: None if value is None else read(value)), None


def record(**fields):
    """An object with these members; where there is a pair, the member may be absent, and then has the second value."""
    def read(value):
        need(isinstance(value, dict), "an object is expected")
        need(value.keys() <= fields.keys(), f"unknown members: {sorted(value.keys() - fields.keys())}")
        found = {}
        for name, field in fields.items():
            optional = isinstance(field, tuple)
            need(name in value or optional, f"`{name}` is missing")
            found[name] = (field[0] if optional else field)(value[name]) if name in value else field[1]
        return Record(**found)
    return read


def gate(value):
    if value in ("majority", "submitter"):
        return value, None
    need(isinstance(value, dict) and len(value) == 1 and value.keys() <= GATES.keys(), f"{value!r:.80} is no gate")
    (kind, what), = value.items()
    return kind, GATES[kind](what)


def envelope(value):
    """A DSSE envelope with one signature, and the bytes that it signs."""
    read = record(payload=text, payloadType=text, signatures=listing(record(keyid=hexadecimal(32), sig=text)))(value)
    need(len(read.signatures) == 1, "an envelope has one signature")
    payload, kind = from_base64(read.payload), read.payloadType.encode()
    need(len(payload) <= 512 << 10, "a statement has 512 KiB at most")
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    sig = from_base64(read.signatures[0].sig)
    need(len(sig) == 64, "a signature has 64 bytes")
    return Record(payload=payload, payloadType=read.payloadType, keyid=read.signatures[0].keyid, sig=sig, signed=signed)


def true(value):
    return need(value is True, "a member is `true`, or left out") or value


organisation, collection, digest = pattern(UUID), pattern(UUID), hexadecimal(32)
GATES = {
    "organisation": organisation, "members": number(32), "k_of": record(k=number(32), of=listing(gate)),
    "weight": record(min=number(32), of=listing(pair(organisation, number(32)))),
}
ITEM = record(id=text, version=text, type=text, level=number(8), digest=digest)
WHEN = record(
    operations=nullable(listing(pattern("new|revise|revoke|govern"))), collections=nullable(listing(collection)),
    types=nullable(listing(text)), levels=nullable(listing(number(8))), submitters=nullable(listing(organisation)),
    own=nullable(boolean),
)
EMERGENCY = record(submitters=listing(organisation), gate=gate, seconds=number(32))
RULE = record(
    when=WHEN, gate=gate, exclude_submitter=boolean, veto=listing(organisation), veto_hold_seconds=number(32),
    expiry_seconds=number(32), emergency=nullable(EMERGENCY), automatic=boolean,
)
POLICY = record(version=number(32), max_level=number(8), max_open=number(32), rules=listing(RULE))
KEY = dict(public=hexadecimal(32), role=pattern("submit|vote|log"), since=number(), until=nullable(number()))
MEMBER = dict(id=organisation, name=text, joined=number(), left=nullable(number()))
# GET /consensus/v1/organisations/ says more than a bundle does.
MEMBERS = listing(record(**MEMBER, open_proposals=(number(32), 0), keys=listing(record(**KEY, id=(digest, None)))))
LEAF = record(
    index=number(), time=number(), event=pattern("submit|revoke|govern"), proposal=digest, submitted=number(),
    policy=number(32), policy_digest=digest, part=(record(number=number(32), of=number(32)), None),
    items=listing(record(item=number(32), phase=lambda phase: phase, ratified=(true, False), commit=(digest, None))),
    votes=listing(record(index=number(), statement=digest)),
)
SUBMIT = record(
    network=digest, organisation=organisation, collection=collection, items=listing(ITEM), nonce=hexadecimal(16),
    emergency=(true, False), expires_in_seconds=(number(32), None), claimed_at=number(),
)
VOTE = record(
    network=digest, organisation=organisation, proposal=digest, items=(listing(number(32)), None),
    decision=pattern("approve|reject|abstain|veto"), reason=(pattern("(?s).+"), ""), sequence=number(32),
    claimed_at=number(),
)
BUNDLE = record(
    format=text, network=digest, collection=collection, object=text, item=ITEM, number=number(32),
    salt=hexadecimal(16), submitter=organisation, submission=nullable(envelope),
    votes=listing(envelope), policy=POLICY, rule=number(32),
    organisations=listing(record(**MEMBER, keys=listing(record(**KEY)))), leaf=text, leaf_number=number(),
    inclusion=listing(digest), checkpoint=text,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="file with the proof, as GET /consensus/v1/proof/ gives it")
    parser.add_argument("--policy", required=True, help="file with the logs and witnesses that you trust")
    parser.add_argument("--members", help="file with the organisations that you trust, as the server lists them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    paths = options.bundle, options.policy, options.members
    try:
        proven = verify(*(pathlib.Path(path).read_bytes() if path else None for path in paths))
    except OSError as error:
        parser.error(str(error))
    except Refused as refused:
        where, reason = refused.args
        print(json.dumps({"proved": False, "step": where, "reason": reason}) if options.json
              else f"refused: {where}: {reason}")
        return 1
    if options.json:
        print(json.dumps({"proved": True, **proven}))
        return 0
    by = ", ".join(one["name"] for one in proven["approved_by"]) or "no vote, by its rule"
    print(f"proved: {proven['id']} {proven['version']} was approved at {proven['time']}, entry {proven['index']}, "
          f"by {by}; witnesses: {', '.join(proven['witnesses']) or 'none'}"
          + ("" if proven["are_members_trusted"] else "; who the members are, the bundle says"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
