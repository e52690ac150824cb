"""KMS answers as AWS answered in recordings of the same calls. A difference stands in `KNOWN` with its reason; when it is gone, it must leave there too."""

import os
import re
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import recorded
from harness import REGION, Server

CASES = recorded.cases("kms")
SECONDARY = "us-west-2"
ELSEWHERE = "ap-southeast-1"
START = "2026-11-02T08:00:00Z"
DER = serialization.Encoding.DER

SCENARIOS = {}
# Recorded without an answer: the test behind them compared values that it computed itself.
EMPTY = {name for name, answers in CASES.items() if not answers}

NEWER = "AWS names the key material since June 2025, after this was recorded"
# Path of each answer that differs, by case, with the reason.
KNOWN = {
    "TestKMSGenerateKeys.test_generate_data_key_pair": {"generate-data-key-pair.KeyMaterialId": NEWER},
    "TestKMSGenerateKeys.test_generate_data_key_pair_without_plaintext": {
        "generate-data-key-pair-without-plaintext.KeyMaterialId": NEWER,
    },
}


def scenario(function):
    """Registers a function for the cases of its name; what stands in brackets there are its arguments."""
    SCENARIOS[function.__name__] = function
    return function


class World:
    """A server's KMS in any Region, and the material that is imported into it."""

    def __init__(self, server):
        self.server, self.clients = server, {}
        exports = server.environment()
        self.options = dict(
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )

    def client(self, region=REGION):
        if region not in self.clients:
            self.clients[region] = boto3.client("kms", region_name=region, **self.options)
        return self.clients[region]

    def __getattr__(self, operation):
        """`world.encrypt(…)`: the answer, or the error as boto3 parses it."""
        def call(region=REGION, **members):
            try:
                return getattr(self.client(region), operation)(**members)
            except ClientError as error:
                return error.response
        return call

    def key(self, region=REGION, **members):
        return self.client(region).create_key(**members)["KeyMetadata"]

    def import_material(self, key, material, algorithm="RSAES_OAEP_SHA_256"):
        """Wraps and imports material that does not expire."""
        parameters = self.client().get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_4096")
        public = serialization.load_der_public_key(parameters["PublicKey"])
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        if algorithm.startswith("RSA_AES"):
            inner = os.urandom(32)
            wrapped = public.encrypt(inner, oaep) + keywrap.aes_key_wrap_with_padding(inner, material)
        else:
            wrapped = public.encrypt(material, oaep)
        return parameters, dict(
            KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped,
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )


def pkcs8(private):
    return private.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def spki(private):
    return private.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@scenario
def generate_random_invalid_number_of_bytes(kms, size):
    return {"generate-random-exc": kms.generate_random(NumberOfBytes=int(size))}


@scenario
def generate_random(kms, size):
    return {"result_length": len(kms.generate_random(NumberOfBytes=int(size))["Plaintext"])}


@scenario
def encrypt_validate_plaintext_size_per_key_type(kms, spec, algorithm):
    key = kms.key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    return {"generate-random-exc": kms.encrypt(KeyId=key, Plaintext=bytes(1000), EncryptionAlgorithm=algorithm)}


@scenario
def get_key_in_different_region(kms):
    key = kms.key(SECONDARY, Description="test key 123")
    return {
        "describe-key-diff-region-with-id": kms.describe_key(KeyId=key["KeyId"]),
        "describe-key-diff-region-with-arn": kms.describe_key(KeyId=key["Arn"]),
        "describe-key-same-specific-region-with-id": kms.describe_key(SECONDARY, KeyId=key["KeyId"]),
        "describe-key-same-specific-region-with-arn": kms.describe_key(SECONDARY, KeyId=key["Arn"]),
    }


@scenario
def get_key_does_not_exist(kms):
    key = kms.key()
    missing = str(uuid.uuid4())
    return {
        "describe-nonexistent-key-with-id": kms.describe_key(KeyId=missing),
        "describe-nonexistent-with-arn": kms.describe_key(KeyId=key["Arn"].replace(key["KeyId"], missing)),
        "describe-key-with-valid-id-mrk": kms.describe_key(KeyId=f"mrk-{uuid.uuid4().hex}"),
    }


@scenario
def get_key_invalid_uuid(kms):
    return {
        "describe-key-with-invalid-uuid": kms.describe_key(KeyId="fake-key-id"),
        "describe-key-with-invalid-uuid-2": kms.describe_key(KeyId="134f2428cec14b25a1ae9048164dba47"),
        "describe-key-with-invalid-uuid-mrk": kms.describe_key(KeyId="mrk-fake-key-id"),
    }


@scenario
def replicate_key(kms):
    key = kms.key(Description="test replicated key", MultiRegion=True)["KeyId"]
    return {
        "describe-key-from-different-region": kms.describe_key(ELSEWHERE, KeyId=key),
        "replicate-key": kms.replicate_key(KeyId=key, ReplicaRegion=ELSEWHERE),
        "describe-key-from-region": kms.describe_key(KeyId=key),
        "describe-replicated-key": settled(kms, ELSEWHERE, key),
    }


def settled(kms, region, key):
    """The description of a replica that is made."""
    kms.server.advance("10s")
    return kms.describe_key(region, KeyId=key)


@scenario
def replicate_replica_key_should_fail(kms):
    key = kms.key(MultiRegion=True)["KeyId"]
    kms.replicate_key(KeyId=key, ReplicaRegion=ELSEWHERE)
    settled(kms, ELSEWHERE, key)
    return {"fail-replicate-non-primary-key": kms.replicate_key(ELSEWHERE, KeyId=key, ReplicaRegion=SECONDARY)}


@scenario
def non_multi_region_keys_should_not_have_multi_region_properties(kms):
    return {"non_multi_region_keys_should_not_have_multi_region_properties": kms.key(Description="test non multi region key", MultiRegion=False)}


@scenario
def create_alias(kms):
    return {"create_alias": kms.create_alias(AliasName="no-prefix", TargetKeyId=kms.key()["KeyId"])}


@scenario
def sign_verify(kms, spec, algorithm):
    key = kms.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyId"]
    signing = dict(KeyId=key, Message=b"test message 123!@#", SigningAlgorithm=algorithm)
    signature = kms.sign(**signing)
    raw = signature.get("Signature", b"none")
    return {
        "signature": signature,
        "verification": kms.verify(Signature=raw, **signing),
        "bad-digest": kms.sign(**signing, MessageType="DIGEST"),
        "bad-signature": kms.verify(Signature=b"bad" + raw[3:], **signing),
    }


@scenario
def invalid_generate_mac(kms, spec, algorithm):
    key = kms.key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    return {"generate-mac": kms.generate_mac(KeyId=key, Message=b"important message", MacAlgorithm=algorithm)}


@scenario
def invalid_verify_mac(kms, spec, algorithm, other):
    key = kms.key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    mac = kms.generate_mac(KeyId=key, Message=b"important message", MacAlgorithm=algorithm)
    return {
        "generate-mac": mac,
        "verify-mac": kms.verify_mac(KeyId=key, Message=other.encode(), MacAlgorithm=algorithm, Mac=mac.get("Mac", b"none")),
    }


@scenario
def generate_data_key_pair(kms):
    return {"generate-data-key-pair": kms.generate_data_key_pair(KeyId=kms.key()["KeyId"], KeyPairSpec="RSA_2048")}


@scenario
def generate_data_key_pair_without_plaintext(kms):
    answer = kms.generate_data_key_pair_without_plaintext(KeyId=kms.key()["KeyId"], KeyPairSpec="RSA_2048")
    return {"generate-data-key-pair-without-plaintext": answer}


@scenario
def generate_data_key_pair_without_plaintext_dry_run(kms):
    answer = kms.generate_data_key_pair_without_plaintext(KeyId=kms.key()["KeyId"], KeyPairSpec="RSA_2048", DryRun=True)
    return {"dryrun_exception": answer}


@scenario
def get_parameters_for_import(kms):
    answer = kms.get_parameters_for_import(KeyId=kms.key()["KeyId"], WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    return {"response-error": answer}


@scenario
def derive_shared_secret(kms):
    agreement = dict(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    key = kms.key(**agreement)["KeyId"] if "KeyMetadata" in kms.create_key(**agreement) else "not-made"
    peer = spki(ec.generate_private_key(ec.SECP256R1()))
    derive = lambda key, algorithm="ECDH", public=peer: kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm=algorithm, PublicKey=public)
    signing = kms.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyId"]
    return {
        "response": derive(key),
        "response-invalid-key-usage": derive(signing),
        "response-invalid-key-spec": kms.create_key(KeySpec="RSA_2048", KeyUsage="KEY_AGREEMENT"),
        "response-invalid-key-agreement-algo": derive(key, "INVALID"),
        "response-invalid-key": derive(kms.key()["KeyId"]),
        "response-invalid-public-key": derive(key, public=b"no public key"),
    }


def pairs(*numbers, **changed):
    return [{"TagKey": f"tag{n}", "TagValue": changed.get(f"tag{n}", f"value{n}")} for n in numbers]


def tags(kms, key):
    """Tags in the order of their keys, as they were recorded."""
    return sorted(kms.list_resource_tags(KeyId=key)["Tags"], key=lambda tag: tag["TagKey"])


@scenario
def tag_existing_key_and_untag(kms):
    key = kms.key()["KeyId"]
    kms.tag_resource(KeyId=key, Tags=pairs(1, 2))
    return tagged_then_not(kms, key)


@scenario
def create_key_with_tag_and_untag(kms):
    return tagged_then_not(kms, kms.key(Tags=pairs(1, 2))["KeyId"])


def tagged_then_not(kms, key):
    before = tags(kms, key)
    kms.untag_resource(KeyId=key, TagKeys=["tag1", "tag2"])
    return {"list-resource-tags": before, "list-resource-tags-after-all-untagged": tags(kms, key)}


@scenario
def update_and_add_tags_on_tagged_key(kms):
    key = kms.key(Tags=pairs(1, 2, 3))["KeyId"]
    before = tags(kms, key)
    kms.tag_resource(KeyId=key, Tags=pairs(2, 4, 5, tag2="updated_value2"))
    return {"list-resource-tags": before, "list-resource-tags-after-tags-updated": tags(kms, key)}


@scenario
def create_key_with_too_many_tags_raises_error(kms):
    return {"invalid-tag-key": kms.create_key(Tags=pairs(*range(51)))}


@scenario
def tag_existing_key_with_invalid_tag_key(kms):
    return {"invalid-tag-key": kms.tag_resource(KeyId=kms.key()["KeyId"], Tags=[{"TagKey": "aws:key1", "TagValue": "v"}])}


@scenario
def create_key_with_invalid_tag_key(kms, case):
    key = {"lowercase_prefix": "aws:key1", "uppercase_prefix": "AWS:key1", "too_long_key": "a" * 129}[case]
    return {"invalid-tag-key": kms.create_key(Tags=[{"TagKey": key, "TagValue": "v"}])}


@scenario
def rotate_key_on_demand_with_symmetric_key_and_automatic_rotation_enabled(kms):
    key = kms.key()["KeyId"]
    kms.enable_key_rotation(KeyId=key)
    return {
        "rotate-on-demand-response": kms.rotate_key_on_demand(KeyId=key),
        "rotation-status-response-after-rotation": kms.get_key_rotation_status(KeyId=key),
    }


@scenario
def rotate_on_demand_returns_arn_for_key_id(kms):
    return {"rotate-on-demand-aws-key": kms.rotate_key_on_demand(KeyId=kms.key()["KeyId"])}


@scenario
def key_rotations_encryption_decryption(kms):
    key = kms.key()["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    return {"bad-ciphertext": kms.decrypt(KeyId=key, CiphertextBlob=blob[:-1] + bytes([blob[-1] ^ 1]))}


@scenario
def key_rotation_updates_current_key_material_id_for_aws_symmetric_keys(kms):
    key = kms.key(Description="test-key")["KeyId"]
    before = kms.describe_key(KeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    return {"describe-key-before-rotation": before, "describe-key-after-rotation": kms.describe_key(KeyId=key)}


@scenario
def re_encrypt(kms, spec, algorithm):
    source, destination = (kms.key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")["KeyId"] for _ in range(2))
    blob = kms.encrypt(KeyId=source, Plaintext=b"plaintext", EncryptionAlgorithm=algorithm).get("CiphertextBlob", b"none")
    return {"test_re_encrypt": kms.re_encrypt(
        CiphertextBlob=blob, SourceKeyId=source, SourceEncryptionAlgorithm=algorithm,
        DestinationKeyId=destination, DestinationEncryptionAlgorithm=algorithm,
    )}


@scenario
def import_key_rsa_aes_wrap_sha256(kms):
    key = kms.key(Origin="EXTERNAL", KeySpec="RSA_4096", KeyUsage="ENCRYPT_DECRYPT", Description="test-key")["KeyId"]
    before = kms.describe_key(KeyId=key)
    material = pkcs8(rsa.generate_private_key(65537, 4096))
    kms.import_key_material(**kms.import_material(key, material, "RSA_AES_KEY_WRAP_SHA_256")[1])
    after = kms.describe_key(KeyId=key)
    kms.delete_imported_key_material(KeyId=key)
    return {
        "describe-before-import": before,
        "import-key-material-response": after,
        "describe-key-after-deleted-import": kms.describe_key(KeyId=key),
    }


@scenario
def import_key_ecc_keys(kms, spec):
    curve = {"ECC_NIST_P256": ec.SECP256R1(), "ECC_SECG_P256K1": ec.SECP256K1(), "ECC_NIST_P521": ec.SECP521R1()}[spec]
    key = kms.key(Origin="EXTERNAL", KeySpec=spec, KeyUsage="SIGN_VERIFY", Description="test ecc key import")["KeyId"]
    before, after = imported(kms, key, pkcs8(ec.generate_private_key(curve)))
    signing = dict(KeyId=key, Message=b"test message 123!@#", SigningAlgorithm=before["KeyMetadata"]["SigningAlgorithms"][0])
    signature = kms.sign(**signing)
    verified = kms.verify(Signature=signature.get("Signature", b"none"), **signing)
    kms.delete_imported_key_material(KeyId=key)
    return {
        "describe-key-before-import": before, "describe-key-after-import": after, "sign-result": signature,
        "verify-result": verified, "describe-key-after-deleted-import": kms.describe_key(KeyId=key),
    }


@scenario
def import_key_hmac_keys(kms, spec):
    key = kms.key(Origin="EXTERNAL", KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC", Description="test import hmac key")["KeyId"]
    before, after = imported(kms, key, os.urandom(int(spec[5:]) // 8))
    making = dict(KeyId=key, Message=b"some important message", MacAlgorithm=before["KeyMetadata"]["MacAlgorithms"][0])
    mac = kms.generate_mac(**making)
    verified = kms.verify_mac(Mac=mac.get("Mac", b"none"), **making)
    kms.delete_imported_key_material(KeyId=key)
    return {
        "describe-key-before-import": before, "describe-key-after-import": after, "generate-mac-response": mac,
        "verify-mac-response": verified, "describe-key-after-deleted-import": kms.describe_key(KeyId=key),
    }


def imported(kms, key, material):
    """Descriptions before and after material is imported."""
    before = kms.describe_key(KeyId=key)
    kms.import_key_material(**kms.import_material(key, material)[1])
    return before, kms.describe_key(KeyId=key)


@scenario
def rotate_key_on_demand_on_external_key_with_no_key_material(kms, spec):
    key = kms.key(Origin="EXTERNAL", KeySpec=spec, Description="test-key")
    return {"create-kms-external-key": key, f"rotate-key-on-demand-error-response-{spec}": kms.rotate_key_on_demand(KeyId=key["KeyId"])}


@scenario
def rotate_key_on_demand_updates_current_key_material_for_external_keys(kms):
    created = kms.key(Origin="EXTERNAL", Description="test-key")
    key = created["KeyId"]
    empty = kms.describe_key(KeyId=key)
    parameters, first = kms.import_material(key, os.urandom(32))
    first = kms.import_key_material(**first, ImportType="NEW_KEY_MATERIAL")
    with_first = kms.describe_key(KeyId=key)
    encrypted = kms.encrypt(KeyId=key, Plaintext=b"plaintext")
    second = kms.import_key_material(**kms.import_material(key, os.urandom(32))[1], ImportType="NEW_KEY_MATERIAL")
    with_second = kms.describe_key(KeyId=key)
    rotated = kms.rotate_key_on_demand(KeyId=key)
    return {
        "create-kms-external-key": created, "get-import-parameters-response": parameters, "describe-empty-key-response": empty,
        "import-key-material-response": first, "describe-key-with-material-response": with_first,
        "kms-encrypt-initial-response": encrypted, "import-new-key-material-response": second,
        "describe-key-with-new-material-response": with_second, "rotate-key-on-demand-response": rotated,
        "describe-key-after-rotation": kms.describe_key(KeyId=key),
        "kms-encrypt-rotated-key-response": kms.encrypt(KeyId=key, Plaintext=b"plaintext"),
    }


@pytest.fixture(scope="module")
def kms(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("recorded") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    yield World(server.start())
    server.stop()


@pytest.mark.skipif(not CASES, reason=f"no recordings in {recorded.folder()}; set KEYWATCH_SHARED to the shared data")
@pytest.mark.parametrize("name", sorted(CASES.keys() - EMPTY))
def test_as_recorded(kms, name):
    function, arguments = re.fullmatch(r"\w+\.(\w+)(?:\[(.+)\])?", name).groups()
    ours = SCENARIOS[function.removeprefix("test_")](kms, *(arguments.split("-") if arguments else ()))
    found = recorded.compare(CASES[name], ours)
    known = KNOWN.get(name, {})
    surprising = [difference for difference in found if difference.partition(": ")[0] not in known]
    assert not surprising, "\n".join(surprising)
    gone = known.keys() - {difference.partition(": ")[0] for difference in found}
    assert not gone, f"no difference any more: take {sorted(gone)} out of KNOWN"


@pytest.mark.skipif(not CASES, reason="no recordings")
def test_known_differences_are_of_recorded_cases():
    assert KNOWN.keys() <= CASES.keys()
