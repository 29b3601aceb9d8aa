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
import uuid

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from concord import ROOT, Folder
from network import OTHERS, OWN, dsse, founded, key_id, pre_authentication, public, secret

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
def golden(tmp_path_factory):
    """A proof of a real server, which UPDATE=1 writes anew."""
    if os.environ.get("UPDATE"):
        with founded(Folder(tmp_path_factory.mktemp("golden"))) as network:
            for number in (1, 3, 2, 4, 5):
                network.approve(tool(number))
            (GOLDEN / "bundle.json").write_bytes(network.proof(tool_id(2)))
            (GOLDEN / "trust.policy").write_bytes(network.trust())
            (GOLDEN / "organisations.json").write_bytes(network.organisations())
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
    """The same vote, signed with another key that the bundle gives to the organisation."""
    bundle["votes"][0] = dsse("vote", json.loads(base64.b64decode(bundle["votes"][0]["payload"])), 99)
    called(bundle["organisations"], "Organisation 2")["keys"][0]["public"] = public(99).hex()


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
        envelope = bundle["votes"][0] if where == "vote" else bundle["submission"]
        said = json.loads(base64.b64decode(envelope["payload"])) | members
        envelope["payload"] = base64.b64encode(rfc8785.dumps(said)).decode()
    return change


def unsigned(bundle):
    bundle["checkpoint"] = bundle["checkpoint"].split("—")[0]


def cut(bundle):
    bundle["checkpoint"] = bundle["checkpoint"].strip()


def loose(bundle):
    said = json.loads(base64.b64decode(bundle["votes"][0]["payload"]))
    bundle["votes"][0]["payload"] = base64.b64encode(json.dumps(said).encode()).decode()


def leaf(**members):
    def change(bundle):
        bundle["leaf"] = rfc8785.dumps(json.loads(bundle["leaf"]) | members).decode()
    return change


def decided(**members):
    def change(bundle):
        (item,) = json.loads(bundle["leaf"])["items"]
        leaf(items=[item | members])(bundle)
    return change


def swapped(bundle):
    one, other = bundle["votes"]
    one["signatures"], other["signatures"] = other["signatures"], one["signatures"]


def called(organisations, name):
    return next(one for one in organisations if one["name"] == name)


def member(name, /, **members):
    return lambda organisations: called(organisations, name).update(members)


def key(name, /, **members):
    return lambda organisations: called(organisations, name)["keys"][0].update(members)


def without(*names):
    def change(organisations):
        organisations[:] = [one for one in organisations if one["name"] not in names]
    return change


def misspelt(organisations):
    """A key that was taken back would be valid for ever, if an unknown member were ignored."""
    last = called(organisations, "Organisation 3")["keys"][0]
    last["untill"] = last.pop("until")


def approved_with_less(bundle):
    """Members are left out with their votes, so that one vote is all that there are."""
    del bundle["votes"][1]
    without("Organisation 3", "Organisation 4")(bundle["organisations"])


ZERO, OTHER_COLLECTION = "00" * 32, "00000000-0000-4000-8000-000000000000"
CHANGES = {
    "format": (put("format", value="concord/proof/v2"), "format"),
    "network": (flipped("network"), "submission"),
    "network of the log": (put("network", value=ZERO), "checkpoint"),
    "collection": (put("collection", value=OTHER_COLLECTION), "leaf"),
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
    "level": (put("item", "level", value=1), "leaf"),
    "digest": (flipped("item", "digest"), "object"),
    "number": (put("number", value=1), "leaf"),
    "salt": (flipped("salt"), "leaf"),
    "submitter": (put("submitter", value="00000000-0000-0000-0000-000000000004"), "leaf"),
    "what was submitted": (payload("submission", claimed_at=1), "submission"),
    "type of the submission": (put("submission", "payloadType", value=verify_proof.KINDS["vote"]), "submission"),
    "signature of the submission": (flipped("submission", "signatures", 0, "sig"), "submission"),
    "key of the submission": (put("submission", "signatures", 0, "keyid", value=key_id(2)), "submission"),
    "a vote less": (lambda bundle: bundle["votes"].pop(), "gate"),
    "no votes": (put("votes", value=[]), "gate"),
    "a vote twice": (lambda bundle: bundle["votes"].append(bundle["votes"][0]), "votes"),
    "entry of a vote": (lambda bundle: bundle["votes"][0].update(index=0), "format"),
    "decision of a vote": (payload("vote", decision="reject"), "votes"),
    "proposal of a vote": (payload("vote", proposal=ZERO), "votes"),
    "sequence of a vote": (payload("vote", sequence=1), "votes"),
    "form of a vote": (loose, "votes"),
    "signature of a vote": (flipped("votes", 0, "signatures", 0, "sig"), "votes"),
    "signatures of two votes": (swapped, "votes"),
    "two signatures": (lambda bundle: bundle["votes"][0]["signatures"].append(
        bundle["votes"][1]["signatures"][0]), "format"),
    "a vote signed with another key": (resigned, "votes"),
    "version of the policy": (put("policy", "version", value=2), "leaf"),
    "rule": (put("rule", value=0), "gate"),
    "no such rule": (put("rule", value=9), "gate"),
    "a part of the policy": (put("policy", "max_open", value=1), "leaf"),
    "a part that is left out": (lambda bundle: bundle["policy"]["rules"][1]["when"].pop("own"), "leaf"),
    "a weaker rule": (put("policy", "rules", 1, "gate", value={"members": 1}), "leaf"),
    "a rule that asks for more": (put("policy", "rules", 1, "gate", value={"members": 3}), "leaf"),
    "a rule without votes": (put("policy", "rules", 1, "automatic", value=True), "leaf"),
    "a rule before the rule": (lambda bundle: bundle["policy"]["rules"].insert(0, bundle["policy"]["rules"][4] | {
        "when": {}}), "leaf"),
    "members left out, and their votes": (approved_with_less, "gate"),
    "an unknown member of a key": (lambda bundle: misspelt(bundle["organisations"]), "format"),
    "items in the leaf": (leaf(items=[]), "leaf"),
    "phase in the leaf": (decided(phase="provisional"), "leaf"),
    "ratified in the leaf": (decided(ratified=True), "inclusion"),
    "not ratified in the leaf": (decided(ratified=False), "leaf"),
    "kind in the leaf": (leaf(event="revoke"), "leaf"),
    "entry in the leaf": (leaf(index=11), "inclusion"),
    "entry of the submission in the leaf": (leaf(submitted=7), "inclusion"),
    "policy in the leaf": (leaf(policy_digest=ZERO), "leaf"),
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


# What is changed of the organisations, and the step in which it is refused.
MEMBERS = {
    "key of a member": (key("Organisation 3", public=public(97).hex()), "votes"),
    "first entry of a key": (key("Organisation 3", since=1000), "votes"),
    "last entry of a key": (key("Organisation 3", until=5), "votes"),
    "role of a key": (key("Organisation 3", role="submit"), "votes"),
    "key of the submitter": (key("Example", until=5), "submission"),
    "first entry of a member": (member("Organisation 3", joined=1000), "gate"),
    "a member that left": (member("Organisation 3", left=5), "gate"),
    "a voter that is left out": (without("Organisation 2"), "votes"),
    "a submitter that is left out": (without("Example"), "submission"),
    "all are left out": (lambda organisations: organisations.clear(), "submission"),
    "a member that is listed twice": (lambda organisations: organisations.append(organisations[0]), "members"),
}


@pytest.mark.parametrize("what", MEMBERS)
def test_members_count_that_the_reader_knows_else_those_of_the_bundle(golden, what):
    change, step = MEMBERS[what]
    members = json.loads(golden.members)
    change(members)
    assert Proof(golden.bundle, golden.policy, json.dumps(members).encode()).refused_in() == step
    other = changed(golden, lambda bundle: change(bundle["organisations"]))
    assert other.without_members().refused_in() == step
    assert other.verify() == golden.verify(), "the list of the bundle does not count beside one of the reader"


def test_an_unknown_member_of_a_key_is_refused_in_the_list_of_the_reader(golden):
    members = json.loads(golden.members)
    misspelt(members)
    assert Proof(golden.bundle, golden.policy, json.dumps(members).encode()).refused_in() == "members"


def test_a_proof_outlives_the_keys(golden):
    """Keys count by the entries of the leaf: a list in which they ended later is as good as one from before."""
    index = json.loads(golden.json()["leaf"])["index"]
    for end, step in ((index, "votes"), (index + 1, None)):
        members = json.loads(golden.members)
        key("Organisation 3", until=end)(members)
        newer = Proof(golden.bundle, golden.policy, json.dumps(members).encode())
        assert newer.refused_in() == step, "the last vote is in the entry that decides"


def test_parts_of_two_proofs_do_not_fit(network):
    for number in (50, 51):
        network.approve(tool(number))
    one, other = (proof_of(network, tool_id(number)) for number in (50, 51))
    # Of the same network are: format, network, collection, number, submitter, policy, rule, organisations, checkpoint.
    for name in ("object", "item", "salt", "submission", "votes", "leaf", "leaf_number", "inclusion"):
        assert changed(one, put(name, value=other.json()[name])).refused_in(), name


def test_a_revocation_proves_no_approval(network):
    """The leaf of a revocation has a commitment, and votes, which are not about the approval of the object."""
    network.approve(tool(60))
    proof = proof_of(network, tool_id(60))
    item, nonce = proof.json()["item"] | {"type": "", "level": 0}, b"\7" * 16
    said = {
        "network": network.id, "organisation": network.organisation(4), "collection": network.collection,
        "reason": "r", "id": item["id"], "version": item["version"], "digest": item["digest"], "nonce": nonce.hex(),
        "claimed_at": 0,
    }
    proposal = network.post("/consensus/v1/revocations/", dsse("revoke", said, 4))["proposal"]
    votes = [network.vote(by, proposal) for by in OTHERS[:2]]
    number, entry = next((number, entry) for number, entry in enumerate(network.entries())
                         if json.loads(entry)["proposal"] == proposal)
    opening = {"collection": network.collection, "organisation": said["organisation"], "item": item}
    salt = verify_proof.sha256(nonce, bytes(4))[:16]
    commit = verify_proof.sha256(b"concord/commit/v1\0", salt, rfc8785.dumps(opening)).hex()
    (decided,) = json.loads(entry)["items"]
    assert (decided["phase"], decided["commit"]) == ("approved", commit)
    bundle = proof.json() | {
        "salt": salt.hex(), "leaf": entry.decode(), "leaf_number": number, "votes": votes,
        "submitter": said["organisation"],
    }
    del bundle["submission"]
    assert proof.but(bundle).refused_in() == "leaf"
    assert proof.but(bundle | {"item": item}).refused_in() == "object", "no object has an empty type"


def test_a_vote_that_was_replaced_cannot_be_shown_for_another_item(network):
    """A vote on all items counts for some of them only, after its organisation said otherwise of the rest."""
    proposal = network.submit(tool(70), tool(71))
    first = network.vote(OTHERS[0], proposal)
    network.vote(OTHERS[0], proposal, "reject", items=[1], sequence=1)
    for by in OTHERS[1:]:
        network.vote(by, proposal)
    approved = [{network.organisation(by) for by in OTHERS[:2]}, {network.organisation(by) for by in OTHERS[1:]}]
    for number, expected in zip((70, 71), approved):
        assert {one["id"] for one in proof_of(network, tool_id(number)).verify()["approved_by"]} == expected
    proof = proof_of(network, tool_id(71))
    assert "reject" in str(base64.b64decode(proof.json()["votes"][0]["payload"]))
    assert changed(proof, put("votes", 0, value=first)).refused_in() == "votes"


def test_the_vote_of_a_submitter_does_not_count(network):
    """The rule gives it none, so it is not among those who approved."""
    proposal = network.submit(tool(75))
    for by in (OWN, *OTHERS[:2]):
        network.vote(by, proposal)
    proof = proof_of(network, tool_id(75))
    assert len(proof.json()["votes"]) == 3
    assert {one["id"] for one in proof.verify()["approved_by"]} == {network.organisation(by) for by in OTHERS[:2]}
    assert changed(proof, lambda bundle: bundle["votes"].pop()).refused_in() == "gate"


def test_a_key_that_was_rotated_before_the_decision_was_valid_for_the_submission(tmp_path):
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
    ends = {one["until"] for one in called(proof.json()["organisations"], "Example")["keys"]}
    assert max(end for end in ends if end) < json.loads(proof.json()["leaf"])["index"]
    assert proof.verify()["is_submission_shown"] and proof.without_members().verify()["is_submission_shown"]


# What the log is believed. It is a log of the name that it must have, with a key that the reader trusts, and it lies.


def by_own_log(proof, change=lambda bundle: None, origin=None, item=None, **members):
    """A proof of a log with one leaf, in which it says what it likes."""
    bundle = proof.json()
    change(bundle)
    said = json.loads(bundle["leaf"])
    said["items"][0] |= item or {}
    said |= {"policy_digest": verify_proof.sha256(rfc8785.dumps(bundle["policy"])).hex()} | members
    text, origin = rfc8785.dumps(said), origin or bundle["network"][:16] + "/approvals"
    root = base64.b64encode(verify_proof.sha256(b"\0", text)).decode()
    bundle |= {"leaf": text.decode(), "leaf_number": 0, "inclusion": []}
    bundle["checkpoint"] = f"{origin}\n1\n{root}\n\n— {origin} AAAA\n"
    by_other_log(bundle)
    key = b"\1" + public(98)
    hash = verify_proof.sha256(f"{origin}\n".encode(), key)[:4].hex()
    policy = f"log {origin}+{hash}+{base64.b64encode(key).decode()}\nquorum none\n"
    return Proof(json.dumps(bundle).encode(), policy.encode(), proof.members)


def rule(**members):
    """Other terms of the rule that decided, whatever else the bundle has."""
    return lambda bundle: bundle["policy"]["rules"][1].update(members)


def without_votes(**members):
    def change(bundle):
        rule(**members)(bundle)
        bundle["votes"] = []
    return change


def emergency(count):
    return {"submitters": [], "gate": {"members": count}, "seconds": 60}


@pytest.mark.parametrize(("what", "change", "said", "step"), [
    ("the same", lambda bundle: None, {}, None),
    ("a log of another network", lambda bundle: None, {"origin": "951c2536fc40859e/approvals"}, "checkpoint"),
    ("a name in place of the network", lambda bundle: None, {"origin": "example.org/approvals"}, "checkpoint"),
    ("a name that is longer", lambda bundle: None, {"origin": "%s/approvals"}, "checkpoint"),
    ("provisional", lambda bundle: None, {"item": {"phase": "provisional"}}, "leaf"),
    ("a revocation", lambda bundle: None, {"event": "revoke"}, "leaf"),
    ("another version of the policy", lambda bundle: None, {"policy": 2}, "leaf"),
    ("another policy", lambda bundle: None, {"policy_digest": ZERO}, "leaf"),
    ("a submission before its key", lambda bundle: None, {"submitted": 0}, "submission"),
    ("votes that it did not count", lambda bundle: None, {"votes": []}, "votes"),
    ("an automatic rule", without_votes(automatic=True), {}, None),
    ("a ratification by itself", without_votes(automatic=True), {"item": {"ratified": True}}, "gate"),
    ("an emergency that asks for more", rule(emergency=emergency(3)), {}, None),
    ("its ratification", rule(emergency=emergency(3)), {"item": {"ratified": True}}, "gate"),
    ("an emergency that asks for less", rule(gate={"members": 3}, emergency=emergency(2)), {}, "gate"),
    ("its ratification", rule(gate={"members": 3}, emergency=emergency(2)), {"item": {"ratified": True}}, None),
    ("a ratification without a gate", rule(gate={"members": 3}), {"item": {"ratified": True}}, "gate"),
    ("the submitter has a vote", rule(gate="majority", exclude_submitter=False), {}, "gate"),
    ("the submitter has none", rule(gate="majority"), {}, None),
])
def test_the_rules_as_a_log_tells_them(golden, what, change, said, step):
    if "%s" in said.get("origin", ""):
        said = {"origin": said["origin"] % golden.json()["network"]}
    assert by_own_log(golden, change, **said).refused_in() == step, what


def test_each_vote_is_as_of_its_entry_in_the_leaf(golden):
    """A key that ended cannot be dated back in a bundle: only the log tells when a vote came."""
    def ended(proof):
        members = json.loads(proof.members)
        key("Organisation 2", since=5, until=7)(members)
        return Proof(proof.bundle, proof.policy, json.dumps(members).encode())

    votes = json.loads(golden.json()["leaf"])["votes"]
    assert ended(by_own_log(golden)).refused_in() == "votes"
    for entry, step in ((4, "votes"), (5, None), (6, None), (7, "votes")):
        votes[0]["index"] = entry
        assert ended(by_own_log(golden, votes=votes)).refused_in() == step, entry


@pytest.mark.parametrize(("by", "step"), [(4, "gate"), (OWN, None)])
def test_only_who_has_a_vote_has_a_veto(golden, by, step):
    """As the server counts: the submitter has none, wherever the policy lists it."""
    bundle = golden.json()
    said = json.loads(bundle["leaf"])
    organisation = bundle["submitter"] if by == OWN else str(uuid.UUID(int=by))
    vote = dsse("vote", {
        "network": bundle["network"], "organisation": organisation, "proposal": said["proposal"], "decision": "veto",
        "sequence": 0, "claimed_at": 0,
    }, by)
    signed = pre_authentication(vote["payloadType"], base64.b64decode(vote["payload"]))
    counted = {"index": said["index"], "statement": verify_proof.sha256(signed).hex()}

    def vetoed(bundle):
        bundle["votes"].append(vote)
        rule(veto=[organisation])(bundle)

    assert by_own_log(golden, vetoed, votes=[*said["votes"], counted]).refused_in() == step


# What can be changed, because nothing that is signed covers it. With a new format, these tests go.


def test_the_text_of_an_object_may_be_written_in_another_way(golden):
    """The digest is over the canonical form."""
    assert changed(golden, replaced("object", ": ", ":")).verify() == golden.verify()


@pytest.mark.parametrize("what", ["collection", "submitter", "level"])
def test_what_is_hidden_is_bound_by_the_leaf(golden, partly, what):
    change, step = CHANGES[what]
    hidden = changed(golden, lambda bundle: bundle.pop("submission"))
    assert golden.verify() | {"is_submission_shown": False} == hidden.verify(), "a submission can be left out"
    for proof in (partly, hidden):
        assert changed(proof, change).refused_in() == step == "leaf"


def test_without_a_list_of_the_reader_the_bundle_says_who_the_members_are(golden):
    for change in (resigned, approved_with_less):
        assert changed(golden.without_members(), change).refused_in() is None
        assert changed(golden, change).refused_in() in ("votes", "gate")
    renamed = changed(golden, lambda bundle: member("Organisation 3", name="Someone")(bundle["organisations"]))
    assert "Someone" in str(renamed.without_members().verify()) and "Someone" not in str(renamed.verify())


def test_a_vote_that_is_not_needed_can_be_left_out(network):
    proposal = network.submit(tool(80))
    network.vote(OTHERS[0], proposal, "reject")
    for by in OTHERS[1:]:
        network.vote(by, proposal)
    proof = proof_of(network, tool_id(80))
    assert changed(proof, lambda bundle: bundle["votes"].pop(0)).verify() == proof.verify()


# Flips of single bits: where one verifies, it is in one of these places, and what is proved is the same.
INSIGNIFICANT = {
    "/organisations/": "the list of the reader counts, and names are for people",
    "/object": "white space, and other ways to write the same JSON",
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
        assert all(place.startswith(tuple(INSIGNIFICANT)) for place in verified)


# The other verifier.


def test_both_verifiers_agree(golden, partly, agree):
    agree(golden, "golden")
    agree(golden.without_members(), "golden without members")
    agree(partly, "partly")
    for what, (change, _) in CHANGES.items():
        agree(changed(golden, change), what)
    for what, (change, _) in MEMBERS.items():
        other = changed(golden, lambda bundle: change(bundle["organisations"]))
        agree(other, what)
        agree(other.without_members(), f"{what}, in the bundle")
        members = json.dumps(other.json()["organisations"]).encode()
        agree(Proof(golden.bundle, golden.policy, members), f"{what}, in the list of the reader")


def test_both_verifiers_agree_on_flips(golden, agree, seed):
    for number, flip in enumerate(flips(golden, seed)):
        agree(flip, f"flip {number}")
