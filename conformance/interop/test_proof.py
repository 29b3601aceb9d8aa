"""Proofs of a real server, checked by a verifier that shares no code with it; and what can be changed in a proof.

TAXII names a program whose `verify` command must come to the same outcome for every bundle. SEED repeats what is drawn.
"""

import base64
import copy
import json
import os
import pathlib
import random
import secrets
import shutil
import struct
import subprocess
import sys

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from concord import ROOT, Folder
from network import OTHERS, OWN, dsse, founded, key_id, public, secret

sys.path.insert(0, str(ROOT / "conformance"))
import verify_proof  # noqa: E402

GOLDEN = ROOT / "conformance/data/proof"
VERIFIER = ROOT / "conformance/verify_proof.py"
FLIPS = 500
TOOL = (
    '{"type": "tool", "spec_version": "2.1", "id": "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd%02x", '
    '"created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.120Z", "name": "n\\u00e9 \\ud83d\\ude00", '
    '"x_numbers": [1.0, -0, 1e21, 0.000001, 1e-7, 4.50, 333333333.33333329, 5e-324], '
    '"x_names": {"b": 1, "B": 2, "a-": []}}'
)


def tool(number):
    return TOOL % number


def tool_id(number):
    return json.loads(tool(number))["id"]


class Proof:
    """A bundle, and what its reader trusts."""

    def __init__(self, bundle, policy, members=None):
        self.bundle, self.policy, self.members = bundle, policy, members

    def json(self):
        return json.loads(self.bundle)

    def but(self, bundle):
        return Proof(json.dumps(bundle).encode(), self.policy, self.members)

    def without_members(self):
        return Proof(self.bundle, self.policy)

    def verify(self):
        return verify_proof.verify(self.bundle, self.policy, self.members)

    def refused_in(self):
        """The step in which it is refused, or None."""
        try:
            self.verify()
        except verify_proof.Refused as refused:
            step, reason = refused.args
            assert reason, step
            return step


@pytest.fixture(scope="module")
def golden():
    names = ("bundle.json", "trust.policy", "organisations.json")
    return Proof(*((GOLDEN / name).read_bytes() for name in names))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    with founded(Folder(tmp_path_factory.mktemp("network"))) as network:
        yield network


def proof_of(network, object_id, **more):
    return Proof(network.proof(object_id, **more), network.trust(), network.organisations())


@pytest.fixture(scope="module")
def seed():
    seed = int(os.environ.get("SEED") or secrets.randbits(32))
    print(f"SEED={seed}")
    return seed


@pytest.fixture
def agree(tmp_path):
    """Checks that another verifier comes to the same outcome."""
    program = shutil.which(os.environ.get("TAXII", "taxii"))
    if not program:
        pytest.skip("NOT COMPARED with `taxii verify`: TAXII does not name the program, and it is not in the PATH")
    program = pathlib.Path(program).resolve()

    def agree(proof, what):
        names = ["bundle.json", "trust.policy"] + ["organisations.json"] * (proof.members is not None)
        for name, content in zip(names, (proof.bundle, proof.policy, proof.members)):
            (tmp_path / name).write_bytes(content)
        files = [str(tmp_path / name) for name in names]
        flags = [files[0], "--policy", files[1], *(["--members", files[2]] if files[2:] else [])]
        found = subprocess.run([program, "verify", *flags], capture_output=True, text=True, timeout=60)
        assert found.returncode in (0, 1), f"{what}: {found.stderr}"
        ours = proof.refused_in()
        assert (found.returncode == 0) == (ours is None), f"{what}: {ours}, but {found.stdout}{found.stderr}"

    return agree


# What holds.


def test_the_golden_bundle_holds_without_a_server(golden):
    proven = golden.verify()
    assert (proven["id"], proven["version"]) == (tool_id(2), "2020-01-01T00:00:00.12")
    assert [one["name"] for one in proven["approved_by"]] == ["Organisation 2", "Organisation 3"]
    assert proven["is_submission_shown"] and proven["are_members_trusted"]
    assert not golden.without_members().verify()["are_members_trusted"]


def test_the_command_says_what_is_proved_and_what_is_refused(golden, tmp_path):
    def run(bundle, *flags):
        arguments = [bundle, "--policy", GOLDEN / "trust.policy", "--members", GOLDEN / "organisations.json", *flags]
        found = subprocess.run([sys.executable, VERIFIER, *arguments], capture_output=True, text=True, timeout=60)
        assert not found.stderr
        return found.returncode, found.stdout

    code, said = run(GOLDEN / "bundle.json")
    assert code == 0 and said.startswith(f"proved: {tool_id(2)} ") and said.count("\n") == 1
    code, said = run(GOLDEN / "bundle.json", "--json")
    assert code == 0 and json.loads(said)["proved"] is True
    changed = tmp_path / "changed.json"
    changed.write_bytes(golden.bundle.replace(b'\\"name\\": \\"n', b'\\"name\\": \\"m'))
    assert run(changed) == (1, "refused: object: its digest is not that of the object that was approved\n")
    code, said = run(changed, "--json")
    assert code == 1 and json.loads(said)["step"] == "object"


def test_every_proof_of_a_server_holds(network, ics_texts):
    texts = [text for text in ics_texts if json.loads(text)["type"] == "attack-pattern"][:6] + [tool(1)]
    for text in texts:
        network.approve(text)
    for text in texts:
        proof, stix = proof_of(network, json.loads(text)["id"]), json.loads(text)
        proven = proof.verify()
        assert proven["id"] == stix["id"] and proven["is_submission_shown"]
        assert stix["modified"].startswith(proven["version"])
        assert {one["id"] for one in proven["approved_by"]} == {network.organisation(by) for by in OTHERS[:2]}


def numbers(source):
    """Doubles of all sizes, written in several ways."""
    for _ in range(3000):
        (double,) = struct.unpack("<d", source.randbytes(8))
        if double - double == 0:
            yield source.choice([repr(double), f"{double:.17e}", f"{double:.20E}"])
        sign, digits, exponent = source.choice(["-", ""]), source.randrange(10**6), source.randrange(-30, 30)
        yield f"{sign}{digits}.{source.randrange(10**6)}e{exponent}"
        yield str(source.randrange(-(2**53) + 1, 2**53))


def test_both_programs_write_numbers_and_texts_alike(network, seed):
    source = random.Random(seed)
    planes = [range(0xD800), range(0xE000, 0x110000)]
    text = "".join(chr(source.choice(source.choice(planes))) for _ in range(3000))
    stix = tool(2).replace("[1.0", f"[{', '.join(numbers(source))}, 1.0")
    stix = stix.replace('"n\\u00e9', json.dumps(text, ensure_ascii=source.random() < 0.5)[:-1])
    assert len(stix) > 100_000
    network.approve(stix)
    assert proof_of(network, tool_id(2)).verify()["id"] == tool_id(2)


def test_objects_without_modified_have_proofs(network):
    """The version is `created`, or empty."""
    marking = {
        "type": "marking-definition", "spec_version": "2.1", "created": "2020-01-01T00:00:00.000Z",
        "id": "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "definition_type": "statement", "definition": {"statement": "Copyright"},
    }
    domain = {"type": "domain-name", "spec_version": "2.1", "id": "domain-name--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}
    for stix, version in ((marking, "2020-01-01T00:00:00"), (domain | {"value": "example.org"}, "")):
        network.approve(json.dumps(stix))
        assert proof_of(network, stix["id"]).verify()["version"] == version


def test_keys_for_which_anybody_can_sign_are_refused():
    """The library takes this signature, whatever the message."""
    point = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(point).verify(point + bytes(32), b"message")
    assert not verify_proof.is_signed(point, b"message", point + bytes(32))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # RFC 8785, sections 3.2.3 and appendix B.
        ('{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
         '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'),
        ("[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]",
         "[333333333.3333333,1e+30,4.5,0.002,1e-27]"),
        ("[-0, -0.0, 5e-324, 9007199254740991, 999999999999999900000.0]",
         "[0,0,5e-324,9007199254740991,999999999999999900000]"),
    ],
)
def test_the_canonical_form_is_that_of_the_rfc(text, canonical):
    assert rfc8785.dumps(verify_proof.read_json(text.encode())).decode() == canonical


@pytest.mark.parametrize("text", [
    '{"a":1,"\\u0061":2}', '"\\ud800"', '{"\\udc00":1}', "NaN", "-Infinity", "1e400", "9007199254740992",
    "-9007199254740992", "9" * 5000, "01", "1.", "[1,]", '"\t"', "\ufeff1", "[" * 65 + "]" * 65, "[" * 100000, "1 2",
    "",
])
def test_the_reader_is_strict(text):
    with pytest.raises((verify_proof.Refused, ValueError, RecursionError)):
        verify_proof.read_json(text.encode())


@pytest.fixture(scope="module")
def partly(network):
    """One object of two that were submitted together, of which the other one is not visible."""
    proposal = network.submit(tool(10), tool(11))
    for by in OTHERS[:2]:
        network.vote(by, proposal, items=[0])
    return proof_of(network, tool_id(10))


def test_a_proof_without_its_submission_holds(partly):
    assert partly.json().get("submission") is None
    assert partly.verify()["is_submission_shown"] is False


def test_witnesses_of_the_policy_must_have_cosigned(network):
    network.approve(tool(20))
    proof = proof_of(network, tool_id(20))
    time = 1_800_000_000

    def witness(number):
        key = b"\4" + public(number)
        return f"w{number}/x", verify_proof.sha256(f"w{number}/x\n".encode(), key)[:4], key

    def cosigned(*numbers):
        bundle = proof.json()
        text = bundle["checkpoint"].split("\n\n")[0] + "\n"
        for number in numbers:
            name, key_id, _ = witness(number)
            signature = secret(number).sign(f"cosignature/v1\ntime {time}\n{text}".encode())
            line = base64.b64encode(key_id + time.to_bytes(8, "big") + signature).decode()
            bundle["checkpoint"] += f"— {name} {line}\n"
        return proof.but(bundle)

    log = proof.policy.decode().splitlines()[0]
    keys = {number: f"{witness(number)[0]}+{witness(number)[1].hex()}+{base64.b64encode(witness(number)[2]).decode()}"
            for number in (31, 32, 33)}
    witnesses = [f"witness W{number} {key}" for number, key in keys.items()]
    policy = "\n".join([log, *witnesses, "group two 2 W31 W32 W33", "quorum two", ""]).encode()

    def of(bundle):
        return Proof(bundle.bundle, policy, proof.members)

    assert of(cosigned(31, 33)).verify()["witnesses"] == ["w31/x", "w33/x"]
    assert of(cosigned(31)).refused_in() == "checkpoint"
    assert of(cosigned(31, 31)).refused_in() == "checkpoint", "one witness counts once"
    assert of(cosigned(31, 40)).refused_in() == "checkpoint", "an unknown witness does not count"
    false = cosigned(31, 32, 33).json()
    false["checkpoint"] = false["checkpoint"].replace("w33/x", "w32/x")
    assert of(proof.but(false)).verify()["witnesses"] == ["w31/x", "w32/x"], "a line with another identifier is ignored"
    no_quorum, too_many = policy.replace(b"quorum two\n", b""), policy.replace(b"2 W31", b"4 W31")
    for bad in (policy[:-1], no_quorum, too_many, policy + b"x y\n"):
        assert Proof(proof.bundle, bad, proof.members).refused_in() == "policy"


# What is refused.


def put(*path, value):
    def change(bundle):
        at = bundle
        for step in path[:-1]:
            at = at[step]
        assert at[path[-1]] != value, path
        at[path[-1]] = value
    return change


def flipped(*path):
    """Another digit in the middle of a text."""
    def change(bundle):
        at = bundle
        for step in path[:-1]:
            at = at[step]
        text, middle = at[path[-1]], len(at[path[-1]]) // 2
        at[path[-1]] = text[:middle] + ("0" if text[middle] != "0" else "1") + text[middle + 1:]
    return change


def replaced(name, old, new):
    def change(bundle):
        assert old in bundle[name]
        bundle[name] = bundle[name].replace(old, new)
    return change


def resigned(bundle):
    """The same vote, signed with a key of somebody else that the bundle gives to the organisation."""
    envelope = bundle["votes"][0]["envelope"]
    payload = base64.b64decode(envelope["payload"])
    bundle["votes"][0]["envelope"] = dsse("vote", json.loads(payload), 99)
    member = next(one for one in bundle["organisations"] if one["keys"][0]["role"] == "vote")
    member["keys"][0]["public"] = public(99).hex()


def by_other_log(bundle):
    """The same checkpoint, signed by another log of that name."""
    text, line = bundle["checkpoint"].split("\n\n")
    name = line.split(" ")[1]
    key = verify_proof.sha256(f"{name}\n".encode(), b"\1", public(98))[:4]
    signature = base64.b64encode(key + secret(98).sign(f"{text}\n".encode())).decode()
    bundle["checkpoint"] = f"{text}\n\n— {name} {signature}\n"


def payload(where, **members):
    """Another statement, whose signature stays."""
    def change(bundle):
        envelope = bundle["votes"][0]["envelope"] if where == "vote" else bundle["submission"]
        said = json.loads(base64.b64decode(envelope["payload"])) | members
        envelope["payload"] = base64.b64encode(rfc8785.dumps(said)).decode()
    return change


def listed_twice(bundle):
    bundle["organisations"].append(bundle["organisations"][0])


def unsigned(bundle):
    bundle["checkpoint"] = bundle["checkpoint"].split("—")[0]


def cut(bundle):
    bundle["checkpoint"] = bundle["checkpoint"].strip()


def misspelt(one):
    """A key that was taken back would be valid for ever, if an unknown member were ignored."""
    key = one["keys"][0]
    key["untill"] = key.pop("until")


def loose(bundle):
    envelope = bundle["votes"][0]["envelope"]
    said = json.loads(base64.b64decode(envelope["payload"]))
    envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()


def leaf(**members):
    def change(bundle):
        bundle["leaf"] = rfc8785.dumps(json.loads(bundle["leaf"]) | members).decode()
    return change


def swapped(bundle):
    votes = bundle["votes"]
    votes[0]["envelope"]["signatures"], votes[1]["envelope"]["signatures"] = (
        votes[1]["envelope"]["signatures"], votes[0]["envelope"]["signatures"])


def member(change):
    """Changes the organisation of the second vote."""
    return lambda bundle: change(next(one for one in bundle["organisations"] if one["name"] == "Organisation 3"))


def left_out(bundle):
    """A member who did not vote is left out, so that a majority is less."""
    bundle["organisations"] = [one for one in bundle["organisations"] if one["name"] != "Organisation 4"]


def approved_with_less(bundle):
    """Members are left out with their votes, so that one vote is all that there are."""
    del bundle["votes"][1]
    voted = "Organisation 2", "Example"
    bundle["organisations"] = [one for one in bundle["organisations"] if one["name"] in voted]


ZERO = "00" * 32
CHANGES = {
    "format": (put("format", value="concord/proof/v2"), "format"),
    "network": (flipped("network"), "submission"),
    "collection": (put("collection", value="00000000-0000-4000-8000-000000000000"), "submission"),
    "a word of the object": (replaced("object", "tool", "toot"), "object"),
    "the object is no JSON": (lambda bundle: put("object", value=bundle["object"] + "}")(bundle), "object"),
    "a member of the object twice": (replaced("object", '"x_names": {', '"x_names": {"b": 2, '), "object"),
    "a large integer in the object": (replaced("object", '"b": 1', '"b": 9007199254740993'), "object"),
    "half of a pair in the object": (replaced("object", "\\ud83d\\ude00", "\\ud83d"), "object"),
    "NaN in the object": (replaced("object", "4.50", "NaN"), "object"),
    "a number without an end": (replaced("object", "1e21", "1e999"), "object"),
    "identifier": (flipped("item", "id"), "object"),
    "version": (put("item", "version", value="2020-01-01T00:00:00.120"), "object"),
    "type": (put("item", "type", value="malware"), "object"),
    "level": (put("item", "level", value=1), "submission"),
    "digest": (flipped("item", "digest"), "object"),
    "number": (put("number", value=1), "leaf"),
    "salt": (flipped("salt"), "leaf"),
    "submitter": (put("submitter", value="00000000-0000-0000-0000-000000000004"), "submission"),
    "what was submitted": (payload("submission", claimed_at=1), "submission"),
    "type of the submission": (put("submission", "payloadType", value=verify_proof.KINDS["vote"]), "submission"),
    "signature of the submission": (flipped("submission", "signatures", 0, "sig"), "submission"),
    "key of the submission": (put("submission", "signatures", 0, "keyid", value=key_id(2)), "submission"),
    "a vote less": (lambda bundle: bundle["votes"].pop(), "gate"),
    "no votes": (put("votes", value=[]), "gate"),
    "a vote twice": (lambda bundle: bundle["votes"].append(bundle["votes"][0]), "votes"),
    "entry after the decision": (put("votes", 0, "index", value=11), "votes"),
    "entry before the key": (put("votes", 0, "index", value=0), "votes"),
    "decision of a vote": (payload("vote", decision="reject"), "votes"),
    "proposal of a vote": (payload("vote", proposal=ZERO), "votes"),
    "sequence of a vote": (payload("vote", sequence=1), "votes"),
    "form of a vote": (loose, "votes"),
    "signature of a vote": (flipped("votes", 0, "envelope", "signatures", 0, "sig"), "votes"),
    "signatures of two votes": (swapped, "votes"),
    "two signatures": (lambda bundle: bundle["votes"][0]["envelope"]["signatures"].append(
        bundle["votes"][1]["envelope"]["signatures"][0]), "format"),
    "a vote signed with another key": (resigned, "members"),
    "version of the policy": (put("policy", "version", value=2), "leaf"),
    "rule": (put("rule", value=0), "gate"),
    "no such rule": (put("rule", value=9), "votes"),
    "a rule before the rule": (lambda bundle: bundle["policy"]["rules"].insert(0, bundle["policy"]["rules"][4] | {
        "when": {}}), "gate"),
    "a rule that asks for more": (put("policy", "rules", 1, "gate", value={"members": 3}), "gate"),
    "key of a member": (member(lambda one: one["keys"][0].update(public=public(97).hex())), "members"),
    "first entry of a key": (member(lambda one: one["keys"][0].update(since=0)), "members"),
    "last entry of a key": (member(lambda one: one["keys"][0].update(until=5)), "votes"),
    "role of a key": (member(lambda one: one["keys"][0].update(role="submit")), "members"),
    "entry of a member": (member(lambda one: one.update(joined=0)), "members"),
    "a member that left": (member(lambda one: one.update(left=2)), "members"),
    "a member that is left out": (left_out, "members"),
    "a member that is listed twice": (listed_twice, "members"),
    "members left out, and their votes": (approved_with_less, "members"),
    "an unknown member of a key": (member(misspelt), "format"),
    "phase in the leaf": (leaf(items=[]), "leaf"),
    "kind in the leaf": (leaf(event="revoke"), "leaf"),
    "entry in the leaf": (leaf(index=11), "inclusion"),
    "votes in the leaf": (leaf(votes=[]), "inclusion"),
    "form of the leaf": (replaced("leaf", ",", ", "), "leaf"),
    "number of the leaf": (put("leaf_number", value=1), "inclusion"),
    "number of the leaf behind the tree": (put("leaf_number", value=5), "inclusion"),
    "a hash": (put("inclusion", 0, value=ZERO), "inclusion"),
    "a hash less": (lambda bundle: bundle["inclusion"].pop(), "inclusion"),
    "a hash more": (lambda bundle: bundle["inclusion"].append(ZERO), "inclusion"),
    "two hashes": (lambda bundle: bundle["inclusion"].reverse(), "inclusion"),
    "size of the tree": (replaced("checkpoint", "\n5\n", "\n6\n"), "checkpoint"),
    "the signature of the log": (unsigned, "checkpoint"),
    "another log of that name": (by_other_log, "checkpoint"),
    "the end of the checkpoint": (cut, "checkpoint"),
    "an unknown member": (lambda bundle: bundle.update(more=1), "format"),
    "a member that is missing": (lambda bundle: bundle.pop("salt"), "format"),
}


def changed(proof, change):
    bundle = copy.deepcopy(proof.json())
    change(bundle)
    assert bundle != proof.json()
    return proof.but(bundle)


@pytest.mark.parametrize("what", CHANGES)
def test_no_part_can_be_changed(golden, what):
    change, step = CHANGES[what]
    assert changed(golden, change).refused_in() == step


def test_parts_of_two_proofs_do_not_fit(network):
    for number in (50, 51):
        network.approve(tool(number))
    one, other = (proof_of(network, tool_id(number)) for number in (50, 51))
    # Of the same network are: format, network, collection, number, submitter, policy, rule, organisations, checkpoint.
    for name in ("object", "item", "salt", "submission", "votes", "leaf", "leaf_number", "inclusion"):
        assert changed(one, put(name, value=other.json()[name])).refused_in(), name


def test_a_revocation_proves_no_approval(network):
    """The leaf of a revocation has a commitment to the object, and votes, which are not about its approval."""
    network.approve(tool(60))
    proof = proof_of(network, tool_id(60))
    bundle, number = proof.json(), int(json.loads(network.get("/consensus/v1/state/"))["tree_size"])
    item, nonce = bundle["item"], b"\7" * 16
    said = {
        "network": network.id, "organisation": network.organisation(4), "collection": network.collection,
        "reason": "r",
        "id": item["id"], "version": item["version"], "digest": item["digest"], "nonce": nonce.hex(),
        "claimed_at": 0,
    }
    proposal = network.post("/consensus/v1/revocations/", dsse("revoke", said, 4))["proposal"]
    votes = [network.vote(by, proposal) for by in OTHERS[:2]]
    network.approve(tool(61))
    later = proof_of(network, tool_id(61)).json()
    # Leaf and hashes are read from the log, as all may do.
    size = later["leaf_number"] + 1
    entries, tile = [], network.get(f"/tlog/tile/entries/000.p/{size}")
    while tile:
        length = int.from_bytes(tile[:2], "big")
        entries.append(tile[2:2 + length])
        tile = tile[2 + length:]
    found = json.loads(entries[number])
    assert (found["event"], found["proposal"]) == ("revoke", proposal)

    def root(hashes):
        if len(hashes) == 1:
            return hashes[0]
        middle = 1 << (len(hashes) - 1).bit_length() - 1
        return verify_proof.sha256(b"\1", root(hashes[:middle]), root(hashes[middle:]))

    def path(at, hashes):
        if len(hashes) == 1:
            return []
        middle = 1 << (len(hashes) - 1).bit_length() - 1
        if at < middle:
            return path(at, hashes[:middle]) + [root(hashes[middle:])]
        return path(at - middle, hashes[middle:]) + [root(hashes[:middle])]

    hashes = [verify_proof.sha256(b"\0", entry) for entry in entries]
    del bundle["submission"]
    bundle |= {
        "salt": verify_proof.sha256(nonce, bytes(4))[:16].hex(), "leaf": entries[number].decode(),
        "leaf_number": number,
        "inclusion": [hash.hex() for hash in path(number, hashes)], "checkpoint": later["checkpoint"],
        "votes": [{"index": found["index"], "envelope": vote} for vote in votes],
    }
    forged = proof.but(bundle)
    with pytest.raises(verify_proof.Refused) as refused:
        forged.verify()
    assert refused.value.args == ("leaf", "it decides on a proposal of kind `revoke`, which adds no objects")
    # It is refused for this reason alone.
    kinds = verify_proof.LEAF
    try:
        verify_proof.LEAF = lambda value: setattr(read := kinds(value), "event", "submit") or read
        assert forged.refused_in() is None
    finally:
        verify_proof.LEAF = kinds


# What can be changed, because no signature covers it. With a new format, rows of these tables go.

UNBOUND = {
    "a name": (member(lambda one: one.update(name="Someone")), "names are for people; identifiers and keys count"),
    "the entry of a vote": (put("votes", 1, "index", value=2), "no signature and no leaf says in which entry it came"),
    "a part of the policy": (put("policy", "max_open", value=1), "the leaf names the policy by its version only"),
    "a weaker rule": (put("policy", "rules", 1, "gate", value={"members": 1}), "as the other parts of the policy"),
    "white space in the object": (replaced("object", ": ", ":"), "the digest is over the canonical form"),
}
UNBOUND_WITHOUT_SUBMISSION = {
    "the collection": put("collection", value="00000000-0000-4000-8000-000000000000"),
    "the submitter": put("submitter", value="00000000-0000-0000-0000-000000000004"),
    "the level": put("item", "level", value=1),
}


@pytest.mark.parametrize("what", UNBOUND)
def test_what_no_signature_covers(golden, what):
    change, _ = UNBOUND[what]
    assert changed(golden, change).refused_in() is None


@pytest.mark.parametrize("what", UNBOUND_WITHOUT_SUBMISSION)
def test_what_only_the_submission_covers(golden, partly, what):
    change = UNBOUND_WITHOUT_SUBMISSION[what]
    assert changed(partly, change).refused_in() is None
    assert changed(golden, change).refused_in() == "submission"
    hidden = changed(golden, lambda bundle: bundle.pop("submission"))
    assert changed(hidden, change).refused_in() is None, "the submission can be left out"


def test_without_members_their_keys_rest_on_the_log(golden):
    for change in (resigned, left_out, approved_with_less):
        assert changed(golden.without_members(), change).refused_in() is None
        assert changed(golden, change).refused_in() == "members"


def test_a_vote_that_was_replaced_can_be_shown_for_another_item(network):
    """A vote on all items counts for some of them only, after its organisation said otherwise of the rest."""
    proposal = network.submit(tool(70), tool(71))
    first = network.vote(OTHERS[0], proposal)
    network.vote(OTHERS[0], proposal, "reject", items=[1], sequence=1)
    for by in OTHERS[1:]:
        network.vote(by, proposal)
    proof = proof_of(network, tool_id(71))
    approved = {one["id"] for one in proof.verify()["approved_by"]}
    assert approved == {network.organisation(by) for by in OTHERS[1:]}
    bundle, said = proof.json(), network.organisation(OTHERS[0])
    assert "reject" in str(base64.b64decode(bundle["votes"][0]["envelope"]["payload"]))
    bundle["votes"][0]["envelope"] = first
    shown = {one["id"] for one in proof.but(bundle).verify()["approved_by"]}
    assert shown == approved | {said}, "the leaf does not say which votes count for which item"


def test_the_policy_rests_on_the_log(golden):
    """A log that lies needs no vote: the rules are those of the bundle."""
    bundle, other = golden.json(), tool(99).encode()
    found = verify_proof.inspect(other)
    item = {"id": found.id, "version": found.version, "type": found.type, "level": 0, "digest": found.digest.hex()}
    named = f"{found.id}\0{found.version}".encode()
    commit = verify_proof.sha256(b"concord/commit/v1\0", bytes(16), found.digest, named)
    decided = {"item": 0, "phase": "approved", "commit": commit.hex()}
    leaf = {"index": 9, "time": 0, "event": "submit", "proposal": ZERO, "policy": 1, "items": [decided], "votes": []}
    text = rfc8785.dumps(leaf)
    root = base64.b64encode(verify_proof.sha256(b"\0", text)).decode()
    del bundle["submission"]
    bundle["policy"]["rules"][1] |= {"automatic": True}
    bundle |= {
        "object": other.decode(), "item": item, "salt": "00" * 16, "votes": [], "leaf": text.decode(), "leaf_number": 0,
        "inclusion": [], "checkpoint": f"log\n1\n{root}\n\n— log AAAA\n",
    }
    key = b"\1" + public(98)
    hash = verify_proof.sha256(b"log\n", key)[:4].hex()
    policy = f"log log+{hash}+{base64.b64encode(key).decode()}\nquorum none\n"
    by_other_log(bundle)
    proven = Proof(json.dumps(bundle).encode(), policy.encode(), golden.members).verify()
    assert (proven["id"], proven["approved_by"]) == (tool_id(99), []) and proven["are_members_trusted"]


def test_a_key_that_was_rotated_before_the_decision_spoils_the_proof(tmp_path):
    """The bundle does not say in which entry the submission came, so its key is looked up as of the decision."""
    with founded(Folder(tmp_path)) as network:
        proposal = network.submit(tool(1))
        old = next(one for one in json.loads(network.organisations()) if one["id"] == network.own)["keys"][0]
        new = {"public": public(77).hex(), "role": "submit"}
        action = {"kind": "rotate_key", "organisation": network.own, "old": old["id"], "new": new}
        said = {"network": network.id, "organisation": network.own, "action": action, "nonce": "00" * 16}
        change = network.post("/consensus/v1/governance/", dsse("govern", said | {"claimed_at": 0}, OWN))["proposal"]
        for about in (change, proposal):
            for by in OTHERS[:2]:
                network.vote(by, about)
        proof = proof_of(network, tool_id(1))
    assert proof.refused_in() == "submission"
    assert changed(proof, lambda bundle: bundle.pop("submission")).refused_in() is None


def test_a_proof_does_not_outlive_the_keys_in_a_newer_list(golden):
    """A list of members that is newer than the bundle, in which a key ended after the decision, refuses all of it."""
    members = json.loads(golden.members)
    unused = next(one for one in members if one["name"] == "Organisation 4")
    unused["keys"][0]["until"] = 1000
    newer = Proof(golden.bundle, golden.policy, json.dumps(members).encode())
    assert newer.refused_in() == "members"
    # A list that is older than the bundle is taken.
    older = changed(golden, lambda bundle: bundle["organisations"][2]["keys"][0].update(until=1000))
    assert older.refused_in() is None


# Flips of single bits: where one verifies, it is in one of these places, and what is proved is the same.
INSIGNIFICANT = {
    "/organisations/*/name": "for people only",
    "/votes/*/index": "not signed; it only chooses the keys that were valid then",
    "/object": "white space, and other ways to write the same JSON",
    "/policy/max_open": "the leaf names the policy by its version only; a flip that proves less is refused in the gate",
    "/policy/max_level": "as max_open",
    "/policy/rules/*/expiry_seconds": "as max_open",
    "/policy/rules/*/veto_hold_seconds": "as max_open",
    "/policy/rules/*/when/levels/*": "as max_open",
    "/policy/rules/*/gate/members": "as max_open",
}


def differences(one, other, at=""):
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [found for name in one for found in differences(one[name], other[name], f"{at}/{name}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [found for pair in zip(one, other) for found in differences(*pair, f"{at}/*")]
    return [] if one == other and type(one) is type(other) else [at]


def meaning(proven):
    return proven | {"approved_by": [one["id"] for one in proven["approved_by"]]}


def flips(proof, seed):
    source = random.Random(seed)
    for _ in range(FLIPS):
        bundle = bytearray(proof.bundle)
        bundle[source.randrange(len(bundle))] ^= 1 << source.randrange(8)
        yield Proof(bytes(bundle), proof.policy, proof.members)


def test_a_flip_changes_no_meaning(golden, partly, seed):
    for proof in (golden, partly):
        proven, verified = meaning(proof.verify()), {}
        for flip in flips(proof, seed):
            if flip.refused_in():
                continue
            assert meaning(flip.verify()) == proven
            for place in differences(proof.json(), flip.json()):
                verified[place] = verified.get(place, 0) + 1
        print(f"{FLIPS} flips, of which these verify: {verified}")
        unproved = {"/collection", "/submitter", "/item/level"} if proof is partly else set()
        assert verified.keys() <= INSIGNIFICANT.keys() | unproved


# The other verifier.


def test_both_verifiers_agree(golden, partly, agree):
    agree(golden, "golden")
    agree(golden.without_members(), "golden without members")
    agree(partly, "partly")
    for what, (change, _) in CHANGES.items():
        agree(changed(golden, change), what)


def test_both_verifiers_agree_on_flips(golden, agree, seed):
    for number, flip in enumerate(flips(golden, seed)):
        agree(flip, f"flip {number}")
