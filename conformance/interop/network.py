"""A network of organisations on a server: who votes, and what they sign."""

import base64
import contextlib
import hashlib
import json
import uuid

import requests
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concord import envelope, session

OWN, OTHERS = 1, (2, 3, 4)


def secret(number):
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(number):
    return secret(number).public_key().public_bytes_raw()


def key_id(number):
    return id_of(secret(number))


def id_of(key):
    return hashlib.sha256(b"ed25519" + key.public_key().public_bytes_raw()).hexdigest()


def pre_authentication(kind, payload):
    """The bytes that an envelope signs (DSSE 1.0, PAE)."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)


def dsse(name, statement, number):
    """A statement with the signature of a key that has a number."""
    return signed_by(secret(number), name, statement)


def signed_by(key, name, statement):
    """A statement with the signature of a key."""
    kind, payload = f"application/vnd.concord.{name}.v1+json", rfc8785.dumps(statement)
    signature = key.sign(pre_authentication(kind, payload))
    encoded = [base64.b64encode(part).decode() for part in (payload, signature)]
    return {"payload": encoded[0], "payloadType": kind, "signatures": [{"keyid": id_of(key), "sig": encoded[1]}]}


class Network:
    """A network of the organisation of a server and three others, one collection, and the standard policy: two others
    approve."""

    def __init__(self, url, administrator):
        self.url, self.taxii, self.session = url, session(administrator), requests.Session()
        self.session.auth = self.taxii.auth
        members = [
            {
                "id": str(uuid.UUID(int=number)), "name": f"Organisation {number}",
                "keys": [{"public": public(number).hex(), "role": "vote"}],
            }
            for number in OTHERS
        ]
        new = {
            "name": "example.org/sharing", "api_root": "sharing", "organisation": "Example",
            "vote_key": public(OWN).hex(), "members": members,
            "collections": [{"title": "Indicators", "alias": "indicators"}],
        }
        state = self.post("/admin/network/", new)
        self.id, self.own, self.collection = state["network"], state["organisation"], state["collections"][0]["id"]

    def organisation(self, number):
        return self.own if number == OWN else str(uuid.UUID(int=number))

    def post(self, path, body):
        response = self.session.post(self.url + path, json=body)
        assert response.ok, response.text
        return response.json()

    def get(self, path, **parameters):
        response = self.session.get(self.url + path, params=parameters)
        assert response.ok, response.text
        return response.content

    def submit(self, *texts):
        """Proposes objects, and gives the proposal."""
        before = set(self.open())
        response = self.taxii.post(f"{self.url}/sharing/collections/{self.collection}/objects/", envelope(texts))
        assert response.status_code == 202 and response.json()["pending_count"] == len(texts), response.text
        (proposal,) = set(self.open()) - before
        return proposal

    def open(self):
        return [found["id"] for found in json.loads(self.get("/consensus/v1/proposals/", state="open", limit=1000))]

    def vote(self, by, proposal, decision="approve", **more):
        said = {"network": self.id, "organisation": self.organisation(by), "proposal": proposal, "decision": decision}
        signed = dsse("vote", {**said, "sequence": 0, "claimed_at": 0, **more}, by)
        self.post(f"/consensus/v1/proposals/{proposal}/votes/", signed)
        return signed

    def approve(self, *texts):
        proposal = self.submit(*texts)
        for by in OTHERS[:2]:
            self.vote(by, proposal)
        return proposal

    def proof(self, object_id, **more):
        return self.get("/consensus/v1/proof/", collection=self.collection, id=object_id, **more)

    def entries(self):
        """The leaves of the log, while it is smaller than a tile."""
        size = json.loads(self.get("/consensus/v1/state/"))["tree_size"]
        tile = self.get(f"/tlog/tile/entries/000.p/{size}")
        while tile:
            length = int.from_bytes(tile[:2], "big")
            yield tile[2:2 + length]
            tile = tile[2 + length:]

    def trust(self):
        return self.get("/consensus/v1/trust/")

    def organisations(self):
        return self.get("/consensus/v1/organisations/")


@contextlib.contextmanager
def founded(folder):
    """A server with a network."""
    folder.run("api-root", "add", "api")
    administrator = folder.json("account", "add", "root", "--administrator")
    with folder.serve() as url:
        yield Network(url, administrator)
