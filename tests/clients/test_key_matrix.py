"""Every operation of KMS on a key of every spec and origin in every state. What each cell must answer is the table "Key states of KMS keys"
of the AWS KMS developer guide, kept here as data; after each cell the key's state is what it was, or what the operation makes of it.

PendingImport is reached twice: by keys that lost their material and by keys that never had any.

Not here: Unavailable, which only keys of custom key stores can be, and these are not built. The clock stands still, so a key stays Creating or Updating until it is moved."""

import base64
import itertools
import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

import models
from bare import Bare
from harness import ACCOUNT, REGION, Server

CONNECTIONS = 4
ELSEWHERE = "eu-west-1"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
DER = serialization.Encoding.DER
STATES = ["Enabled", "Disabled", "PendingDeletion", "PendingImport", "Creating", "Updating", "PendingReplicaDeletion"]
START = "2026-11-02T08:00:00Z"

# Operations, then what they answer in Enabled, Disabled, PendingDeletion, PendingImport, Creating, Updating: `ok`, or numbers of `ERRORS`, any of which is right.
TABLE = """
Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext    | ok | 1  | 2 3 | 5  | 14 | ok
GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext                      | ok | 1  | 2 3 | 5  | 14 | ok
Sign Verify GenerateMac VerifyMac DeriveSharedSecret Encapsulate Decapsulate | ok | 1  | 2 3 | 5  | 14 | ok
GetPublicKey                                                                 | ok | ok | 2 3 | ok | 14 | ok
CreateGrant                                                                  | ok | 1  | 2 3 | 5  | 14 | ok
ReplicateKey UpdatePrimaryRegion                                             | ok | 1  | 2 3 | 5  | 14 | 15
EnableKey DisableKey                                                         | ok | ok | 3   | 5  | 14 | 15
EnableKeyRotation DisableKeyRotation                                         | ok | 1  | 3   | 6  | 14 | ok
GetKeyRotationStatus                                                         | ok | ok | ok  | 6  | ok | ok
ListKeyRotations                                                             | ok | ok | ok  | ok | ok | ok
RotateKeyOnDemand                                                            | ok | 1  | 3   | 5  | 14 | ok
GetParametersForImport                                                       | ok | ok | 8 9 | ok | 14 | 15
ImportKeyMaterial                                                            | ok | ok | 8 9 | ok | 14 | ok
DeleteImportedKeyMaterial                                                    | ok | ok | ok  | ok | 14 | 15
ScheduleKeyDeletion                                                          | ok | ok | 3   | ok | ok | 15
CancelKeyDeletion                                                            | 4  | 4  | ok  | 4  | 4  | 4
CreateAlias UpdateAlias TagResource UntagResource UpdateKeyDescription       | ok | ok | 3   | ok | ok | ok
DescribeKey GetKeyPolicy PutKeyPolicy ListKeyPolicies ListGrants ListAliases | ok | ok | ok  | ok | ok | ok
ListResourceTags DeleteAlias RetireGrant RevokeGrant GetKeyLastUsage         | ok | ok | ok  | ok | ok | ok
CreateKey GenerateRandom ListKeys ListRetirableGrants                        | ok | ok | ok  | ok | ok | ok
"""

# The guide's numbers, and four words for what does not depend on the state.
ERRORS = {
    "1": ("DisabledException", r"ARN is disabled\."),
    "2": ("DisabledException", r"ARN is pending (replica )?deletion\."),
    "3": ("KMSInvalidStateException", r"ARN is pending (replica )?deletion\."),
    "4": ("KMSInvalidStateException", r"ARN is not pending deletion\."),
    "5": ("KMSInvalidStateException", r"ARN is pending import.*\."),
    "6": ("UnsupportedOperationException", r"ARN origin is EXTERNAL which is not valid for this operation\."),
    "8": ("KMSInvalidStateException", r"ARN is pending (replica )?deletion\."),
    "9": ("UnsupportedOperationException", r"ARN origin is \w+ which is not valid for this operation\."),
    "14": ("KMSInvalidStateException", r"ARN is creating\."),
    "15": ("KMSInvalidStateException", r"ARN is updating\."),
    "usage": ("InvalidKeyUsageException", r"ARN key (usage|spec) is \w+ which is not valid for \w+\.|Algorithm \w+ is incompatible with key spec \w+\."),
    "kind": ("UnsupportedOperationException", r".*"),
    "primary": ("UnsupportedOperationException", r"ARN is not a multi-region primary key\."),
    "material": ("KMSInvalidStateException", r"No available key material pending rotation for the key: ARN\."),
}
PAIRED = {"GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}
USAGES = {
    "Encrypt": "ENCRYPT_DECRYPT", "Decrypt": "ENCRYPT_DECRYPT", "ReEncrypt": "ENCRYPT_DECRYPT",
    "Sign": "SIGN_VERIFY", "Verify": "SIGN_VERIFY", "GenerateMac": "GENERATE_VERIFY_MAC", "VerifyMac": "GENERATE_VERIFY_MAC",
    "DeriveSharedSecret": "KEY_AGREEMENT", "Encapsulate": "ENCAPSULATE_DECAPSULATE", "Decapsulate": "ENCAPSULATE_DECAPSULATE",
}
# Not GetKeyRotationStatus: AWS's provider for Terraform takes its refusal for a failure, whatever the key's spec.
ROTATION = {"EnableKeyRotation", "DisableKeyRotation", "ListKeyRotations", "RotateKeyOnDemand"}
# What only the primary of a family does for all of it.
OF_PRIMARIES = {"EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"}
IMPORT = {"GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"}
# Answers in every state of a key that is no multi-Region primary; the change of primary has a test of its own.
REGIONS = {"ReplicateKey", "UpdatePrimaryRegion"}

RSA = ["RSA_2048", "RSA_3072", "RSA_4096"]
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(), "ECC_NIST_P384": ec.SECP384R1(), "ECC_NIST_P521": ec.SECP521R1(), "ECC_SECG_P256K1": ec.SECP256K1(),
}
HMAC = ["HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"]
IMPORTABLE = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    *((spec, usage) for spec in RSA for usage in ("ENCRYPT_DECRYPT", "SIGN_VERIFY")),
    *((spec, "SIGN_VERIFY") for spec in [*CURVES, "ECC_NIST_EDWARDS25519"]),
    *((spec, "KEY_AGREEMENT") for spec in list(CURVES)[:3]),
    *((spec, "GENERATE_VERIFY_MAC") for spec in HMAC),
]
UNIMPORTABLE = [
    *((f"ML_DSA_{n}", "SIGN_VERIFY") for n in (44, 65, 87)),
    *((f"ML_KEM_{n}", "ENCAPSULATE_DECAPSULATE") for n in (512, 768, 1024)),
]
SHARED = [("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")]
SIGNING = {
    "ECC_NIST_P384": "ECDSA_SHA_384", "ECC_NIST_P521": "ECDSA_SHA_512", "ECC_NIST_EDWARDS25519": "ED25519_SHA_512",
    **{spec: "RSASSA_PSS_SHA_256" for spec in RSA}, **{f"ML_DSA_{n}": "ML_DSA_SHAKE_256" for n in (44, 65, 87)},
}


def table():
    """(operation, state) to its answers."""
    cells = {}
    for line in TABLE.strip().splitlines():
        names, *answers = (part.split() for part in line.split("|"))
        answers.append(answers[2])
        cells |= {(name, state): set(answer) for name in names for state, answer in zip(STATES, answers)}
    return cells


CELLS = table()
OPERATIONS = sorted({operation for operation, _ in CELLS})


@dataclass
class Key:
    """A key of the matrix, and what was made with it while it was enabled."""

    number: int
    spec: str
    usage: str
    origin: str = "AWS_KMS"
    multi_region: bool = False
    replica: bool = False
    id: str = ""
    arn: str = ""
    material: bytes = b""
    imported: bool = False
    ciphertext: bytes = b"no ciphertext"
    signature: bytes = b"no signature"
    mac: bytes = b"no mac"
    capsule: bytes = b"x" * 768
    grants: list = field(default_factory=list)
    policy: str = ""

    def __str__(self):
        return f"{self.spec} {self.usage} {self.origin}{' multi-Region' if self.multi_region else ''}{' replica' if self.replica else ''}"


def expected(operation, key, state):
    """The answers that are right for a cell. Where the state and the kind of key both forbid a call, AWS does not say which it names."""
    answers = CELLS[operation, state]
    symmetric = key.spec == "SYMMETRIC_DEFAULT"
    kind = None
    if operation in PAIRED and not symmetric or USAGES.get(operation, key.usage) != key.usage:
        kind = "usage"
    elif operation == "GetPublicKey" and (symmetric or key.spec in HMAC):
        kind = "kind"
    elif operation in ROTATION and not symmetric or operation in OF_PRIMARIES and key.replica:
        kind = "kind"
    elif operation in ("EnableKeyRotation", "DisableKeyRotation") and key.origin == "EXTERNAL":
        kind = "6"
    elif operation in IMPORT and key.origin != "EXTERNAL":
        kind = "9"
    elif operation in REGIONS and (key.replica or not key.multi_region):
        kind = "primary"
    elif operation == "RotateKeyOnDemand" and key.origin == "EXTERNAL" and state == "Enabled":
        return {"material"}
    if kind is None:
        return answers
    return {kind} | (answers - {"ok"})


class World:
    """One connection to the server and the calls that make keys and bring them into states."""

    def __init__(self, server, region=REGION):
        self.bare = Bare(server, models.of("kms"), "json", region)

    def call(self, operation, **members):
        """Status, and the answer or error as an object."""
        body = json.dumps(members, default=lambda value: base64.b64encode(value).decode()).encode()
        status, text = self.bare.exchange(operation, body)
        return status, json.loads(text) if text else {}

    def must(self, operation, **members):
        status, answer = self.call(operation, **members)
        assert status == 200, f"{operation}: {answer}"
        return answer

    def state(self, key):
        return self.must("DescribeKey", KeyId=key.id)["KeyMetadata"]["KeyState"]

    def bring(self, key, state):
        """Whatever state the key is in, from there to this one."""
        now = self.state(key)
        if now.startswith("Pending") and now != "PendingImport" and now != state:
            self.must("CancelKeyDeletion", KeyId=key.id)
        if key.origin == "EXTERNAL" and state != "PendingImport" and now != state and not self.has_material(key):
            self.must("ImportKeyMaterial", **self.import_request(key))
        now = self.state(key)
        if now != state:
            step = {"Enabled": "EnableKey", "Disabled": "DisableKey", "PendingImport": "DeleteImportedKeyMaterial"}
            members = {"KeyId": key.id} | ({"PendingWindowInDays": 7} if "Deletion" in state else {})
            self.must(step.get(state, "ScheduleKeyDeletion"), **members)
        assert self.state(key) == state, f"{key}: {self.state(key)}, not {state}"

    def has_material(self, key):
        return "ExpirationModel" in self.must("DescribeKey", KeyId=key.id)["KeyMetadata"]

    def import_request(self, key):
        """The key's own material, wrapped anew."""
        wanted = request(key, "GetParametersForImport", "")
        parameters, aes = self.must("GetParametersForImport", **wanted), wanted["WrappingAlgorithm"] == WRAPS_PAIRS
        public = serialization.load_der_public_key(base64.b64decode(parameters["PublicKey"]))
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        inner = os.urandom(32)
        wrapped = public.encrypt(inner, oaep) + keywrap.aes_key_wrap_with_padding(inner, key.material) if aes else public.encrypt(key.material, oaep)
        return dict(KeyId=key.id, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")

    def make(self, key, filled=True):
        """Creates the key and what the cells need: aliases, and unless it stays without material, grants, a ciphertext, a signature."""
        members = {"Origin": key.origin, "MultiRegion": key.multi_region, "KeySpec": key.spec, "KeyUsage": key.usage}
        made = self.must("CreateKey", **members)["KeyMetadata"]
        key.id, key.arn = made["KeyId"], made["Arn"]
        assert made["KeyState"] == ("PendingImport" if key.origin == "EXTERNAL" else "Enabled")
        if key.origin == "EXTERNAL":
            key.material = material(key.spec)
            if filled:
                self.bring(key, "Enabled")
        key.policy = self.must("GetKeyPolicy", KeyId=key.id)["Policy"]
        self.must("CreateAlias", AliasName=f"alias/m{key.number}-update", TargetKeyId=key.id)
        for state in STATES:
            self.must("CreateAlias", AliasName=f"alias/m{key.number}-delete-{state}", TargetKeyId=key.id)
        if filled:
            self.grant(key, 2 * len(STATES))
            self.use(key)

    def grant(self, key, count):
        grant = dict(KeyId=key.id, GranteePrincipal=ROOT, Operations=["DescribeKey"])
        key.grants = [self.must("CreateGrant", **grant)["GrantId"] for _ in range(count)]

    def use(self, key):
        match key.usage:
            case "ENCRYPT_DECRYPT":
                key.ciphertext = base64.b64decode(self.must("Encrypt", **request(key, "Encrypt", ""))["CiphertextBlob"])
            case "SIGN_VERIFY":
                key.signature = base64.b64decode(self.must("Sign", **request(key, "Sign", ""))["Signature"])
            case "GENERATE_VERIFY_MAC":
                key.mac = base64.b64decode(self.must("GenerateMac", **request(key, "GenerateMac", ""))["Mac"])
            case "ENCAPSULATE_DECAPSULATE":
                key.capsule = base64.b64decode(self.must("Encapsulate", **request(key, "Encapsulate", ""))["SharedSecretCiphertextBlob"])


# Private keys are longer than what RSA-OAEP of the smallest wrapping key takes.
WRAPS_PAIRS = "RSA_AES_KEY_WRAP_SHA_256"
MATERIALS = {}
MATERIALS_LOCK = threading.Lock()


def material(spec):
    """Key material from outside, in the form in which it is imported; the slow ones are made once."""
    with MATERIALS_LOCK:
        if spec not in MATERIALS:
            MATERIALS[spec] = new_material(spec)
        return MATERIALS[spec]


def new_material(spec):
    if spec == "SYMMETRIC_DEFAULT":
        return os.urandom(32)
    if spec in HMAC:
        return os.urandom(int(spec[5:]) // 8)
    if spec in RSA:
        private = rsa.generate_private_key(65537, int(spec[4:]))
    elif spec in CURVES:
        private = ec.generate_private_key(CURVES[spec])
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    return private.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def peer(spec):
    """A public key of the same curve as the key's."""
    public = ec.generate_private_key(CURVES.get(spec, ec.SECP256R1())).public_key()
    return public.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def request(key, operation, state):
    """A request that only the key's state or kind can be against."""
    named = {"KeyId": key.id}
    encryption = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"} if key.spec in RSA else {}
    signing = {"Message": b"message", "SigningAlgorithm": SIGNING.get(key.spec, "ECDSA_SHA_256")}
    mac = {"Message": b"message", "MacAlgorithm": f"HMAC_SHA_{key.spec[5:]}" if key.spec in HMAC else "HMAC_SHA_256"}
    agreement = {"KeyAgreementAlgorithm": "ECDH"}
    wrapping = WRAPS_PAIRS if key.spec.startswith(("RSA", "ECC")) else "RSAES_OAEP_SHA_256"
    ends = {f"{end}EncryptionAlgorithm": "RSAES_OAEP_SHA_256" for end in ("Source", "Destination") if encryption}
    match operation:
        case "Encrypt": return named | encryption | {"Plaintext": b"plaintext"}
        case "Decrypt": return named | encryption | {"CiphertextBlob": key.ciphertext}
        case "ReEncrypt": return ends | {"CiphertextBlob": key.ciphertext, "SourceKeyId": key.id, "DestinationKeyId": key.id}
        case "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext": return named | {"KeySpec": "AES_256"}
        case "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext": return named | {"KeyPairSpec": "ECC_NIST_P256"}
        case "Sign": return named | signing
        case "Verify": return named | signing | {"Signature": key.signature}
        case "GenerateMac": return named | mac
        case "VerifyMac": return named | mac | {"Mac": key.mac}
        case "DeriveSharedSecret": return named | agreement | {"PublicKey": peer(key.spec)}
        case "Encapsulate": return named | {"EncapsulationAlgorithm": "ML_KEM"}
        case "Decapsulate": return named | {"EncapsulationAlgorithm": "ML_KEM", "SharedSecretCiphertextBlob": key.capsule}
        case "CreateGrant": return named | {"GranteePrincipal": ROOT, "Operations": ["DescribeKey"]}
        case "ReplicateKey": return named | {"ReplicaRegion": ELSEWHERE}
        case "UpdatePrimaryRegion": return named | {"PrimaryRegion": ELSEWHERE}
        case "GetParametersForImport": return named | {"WrappingAlgorithm": wrapping, "WrappingKeySpec": "RSA_2048"}
        case "ImportKeyMaterial": return named | {"ImportToken": b"token", "EncryptedKeyMaterial": b"x", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
        case "ScheduleKeyDeletion": return named | {"PendingWindowInDays": 7}
        case "CreateAlias": return {"AliasName": f"alias/m{key.number}-new-{state}", "TargetKeyId": key.id}
        case "UpdateAlias": return {"AliasName": f"alias/m{key.number}-update", "TargetKeyId": key.id}
        case "DeleteAlias": return {"AliasName": f"alias/m{key.number}-delete-{state}"}
        case "TagResource": return named | {"Tags": [{"TagKey": "k", "TagValue": "v"}]}
        case "UntagResource": return named | {"TagKeys": ["k"]}
        case "UpdateKeyDescription": return named | {"Description": "d"}
        case "PutKeyPolicy": return named | {"Policy": key.policy}
        case "RetireGrant" | "RevokeGrant": return named | {"GrantId": key.grants.pop()}
        case "CreateKey": return {"Description": f"beside {key.number}"}
        case "GenerateRandom": return {"NumberOfBytes": 16}
        case "ListKeys": return {}
        case "ListRetirableGrants": return {"RetiringPrincipal": ROOT}
    return named


def judged(key, status, answer, right):
    """None for an answer that is right, else what it is."""
    if status == 200:
        return None if "ok" in right else "success"
    code, message = answer["__type"].rsplit("#")[-1], answer.get("message") or answer.get("Message") or ""
    for name in right - {"ok"}:
        wanted, pattern = ERRORS[name]
        if status == 400 and code == wanted and re.fullmatch(pattern.replace("ARN", re.escape(key.arn)), message):
            return None
    return f"{status} {code} {message}"


AFTER = {
    "EnableKey": "Enabled", "DisableKey": "Disabled", "ScheduleKeyDeletion": "PendingDeletion",
    "CancelKeyDeletion": "Disabled", "DeleteImportedKeyMaterial": "PendingImport", "ImportKeyMaterial": "Enabled",
}


def after(operation, state):
    """The state a success leaves."""
    if operation == "ImportKeyMaterial" and state != "PendingImport":
        return state
    if operation == "DeleteImportedKeyMaterial" and state == "PendingDeletion":
        return state
    return AFTER.get(operation, state)


def column(world, key, state, operations):
    """All cells of a key in one state: (number of cells, failures)."""
    world.bring(key, state)
    failures = []
    for operation in operations:
        right = expected(operation, key, state)
        importing = operation == "ImportKeyMaterial" and "ok" in right
        status, answer = world.call(operation, **(world.import_request(key) if importing else request(key, operation, state)))
        wrong = judged(key, status, answer, right)
        if wrong:
            failures.append(f"{operation} on {key} in {state}: {wrong}; right: {sorted(right)}")
        if operation not in AFTER and operation != operations[-1]:
            continue
        now, wanted = world.state(key), after(operation, state) if status == 200 else state
        if now != wanted:
            failures.append(f"{operation} on {key} in {state} leaves {now}, not {wanted}")
        if now != state:
            world.bring(key, state)
    return len(operations), failures


def row(world, key):
    """A key through the states it can reach. What takes a key's material away in PendingDeletion comes last there: nothing can be imported then."""
    world.make(key)
    last = [name for name in OPERATIONS if name != "DeleteImportedKeyMaterial"] + ["DeleteImportedKeyMaterial"]
    plain = [name for name in last if not (key.multi_region and name in REGIONS)]
    states = ["Enabled", "Disabled"] + (["PendingImport"] if key.origin == "EXTERNAL" else []) + ["PendingDeletion"]
    results = [column(world, key, state, plain if state == "Enabled" else last) for state in states]
    return sum(cells for cells, _ in results), list(itertools.chain(*(failures for _, failures in results)))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("matrix") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


def test_every_operation_in_every_state_on_every_spec(server):
    kinds = [(*kind, "EXTERNAL") for kind in IMPORTABLE] + [(*kind, "AWS_KMS") for kind in IMPORTABLE + UNIMPORTABLE]
    keys = [Key(number, *kind) for number, kind in enumerate(kinds)]
    keys += [Key(100 + number, *kind, "AWS_KMS", True) for number, kind in enumerate(SHARED)]
    local = threading.local()

    def one(key):
        if not hasattr(local, "world"):
            local.world = World(server)
        try:
            return row(local.world, key)
        except AssertionError as error:
            return 0, [f"{key}: {error}"]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        results = list(pool.map(one, keys))
    failures = list(itertools.chain(*(failures for _, failures in results)))
    assert not failures, f"{len(failures)} of {sum(cells for cells, _ in results)}:\n" + "\n".join(failures[:60])
    assert sum(cells for cells, _ in results) > 4_000


def test_every_operation_on_keys_that_never_had_material(server):
    """They have no grants to take away and, unlike keys that lost their material, no public key. The import comes last: it ends that."""
    world, failures, cells = World(server), [], 0
    without = ["GetPublicKey", "ImportKeyMaterial", "RetireGrant", "RevokeGrant"]
    operations = [name for name in OPERATIONS if name not in without] + ["ImportKeyMaterial"]
    for number, kind in enumerate(IMPORTABLE):
        key = Key(300 + number, *kind, "EXTERNAL")
        world.make(key, filled=False)
        status, answer = world.call("GetPublicKey", KeyId=key.id)
        pair = key.spec != "SYMMETRIC_DEFAULT" and key.spec not in HMAC
        failures.append(judged(key, status, answer, {"5"} if pair else {"kind"}))
        found = column(world, key, "PendingImport", operations)
        cells += 1 + found[0]
        failures += found[1]
    failures = [failure for failure in failures if failure]
    assert not failures, f"{len(failures)} of {cells}:\n" + "\n".join(failures[:60])
    assert cells > 600


def test_every_operation_on_keys_of_several_regions(server):
    home, away = World(server), World(server, ELSEWHERE)
    families = [Key(200 + number, *kind, "AWS_KMS", True) for number, kind in enumerate(SHARED)]
    results = [creating(home, away, key) for key in families]
    server.advance("10s")
    for key, (_, replica, _) in zip(families, results):
        away.must("EnableKey", KeyId=replica.id)
    results += [(None, None, column(home, key, "PendingReplicaDeletion", OPERATIONS)) for key in families]
    for key, (_, replica, _) in zip(families, results[:len(families)]):
        results += [(None, None, found) for found in updating(home, away, key, replica)]
    failures = list(itertools.chain(*(failures for _, _, (_, failures) in results)))
    assert not failures, f"{len(failures)}:\n" + "\n".join(failures[:60])


def creating(home, away, key):
    """A replica on its way: it has no grants yet, and once scheduled for deletion it is not Creating any more."""
    home.make(key)
    made = home.must("ReplicateKey", **request(key, "ReplicateKey", "Enabled"))["ReplicaKeyMetadata"]
    replica = replace(key, arn=made["Arn"], replica=True)
    for name in ("update", "delete-Creating", "delete-Updating"):
        away.must("CreateAlias", AliasName=f"alias/m{key.number}-{name}", TargetKeyId=key.id)
    found = column(away, replica, "Creating", [name for name in OPERATIONS if name not in ("RetireGrant", "RevokeGrant", "ScheduleKeyDeletion")])
    away.must("ScheduleKeyDeletion", KeyId=key.id)
    away.must("CancelKeyDeletion", KeyId=key.id)
    return key, replica, found


def updating(home, away, key, replica):
    """Both ends of a change of primary, while it goes on."""
    home.bring(key, "Enabled")
    away.grant(replica, 2)
    home.must("UpdatePrimaryRegion", **request(key, "UpdatePrimaryRegion", "Enabled"))
    operations = [name for name in OPERATIONS if name not in REGIONS]
    yield column(home, replace(key, replica=True), "Updating", operations)
    yield column(away, replace(replica, replica=False), "Updating", operations)
