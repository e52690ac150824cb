"""Multi-Region keys with boto3 against the built binary: one server is every Region."""

import os

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from harness import ACCOUNT, Aws, Server

START = "2026-11-02T08:00:00Z"
HOME, AWAY = "us-east-1", "eu-west-1"
MESSAGE = b"a message that both Regions know"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
SIGNING = {
    "RSA_2048": "RSASSA_PSS_SHA_256", "RSA_3072": "RSASSA_PKCS1_V1_5_SHA_384", "ECC_NIST_P256": "ECDSA_SHA_256", "ECC_NIST_P384": "ECDSA_SHA_384",
    "ECC_NIST_P521": "ECDSA_SHA_512", "ECC_SECG_P256K1": "ECDSA_SHA_256", "ECC_NIST_EDWARDS25519": "ED25519_SHA_512", "ML_DSA_44": "ML_DSA_SHAKE_256",
}


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


def client(server, service, region):
    environment = server.environment()
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(call, **arguments):
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    error = refusal.value.response["Error"]
    return error["Code"], error.get("Message", "")


def names(server, region):
    """Names of the region's KMS events, oldest first."""
    pages = client(server, "cloudtrail", region).get_paginator("lookup_events").paginate()
    return [event["EventName"] for page in pages for event in page["Events"]][::-1]


def test_a_family_of_two_regions_from_birth_to_death(server):
    home, away = client(server, "kms", HOME), client(server, "kms", AWAY)
    key = home.create_key(MultiRegion=True, Description="first")["KeyMetadata"]["KeyId"]
    assert key.startswith("mrk-")
    made = home.replicate_key(KeyId=key, ReplicaRegion=AWAY, Tags=[{"TagKey": "a", "TagValue": "b"}])
    assert made["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    assert refused(away.encrypt, KeyId=key, Plaintext=b"x") == (
        "KMSInvalidStateException",
        f"arn:aws:kms:{AWAY}:{ACCOUNT}:key/{key} is creating.",
    )
    server.advance("10s")
    blob = home.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    opened = away.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"x", f"arn:aws:kms:{AWAY}:{ACCOUNT}:key/{key}")
    assert names(server, AWAY)[:3] == ["CreateKey", "Encrypt", "SynchronizeMultiRegionKey"]
    home.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    server.advance("91d")
    before, after = (kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] for kms in (home, away))
    assert before == after != opened["KeyMaterialId"]
    newer = away.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert home.decrypt(CiphertextBlob=newer)["Plaintext"] == b"y"
    assert away.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
    assert "SynchronizeMultiRegionKey" in names(server, AWAY)

    home.update_primary_region(KeyId=key, PrimaryRegion=AWAY)
    assert away.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Updating"
    server.advance("10s")
    configuration = home.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert configuration["MultiRegionKeyType"] == "REPLICA"
    assert configuration["PrimaryKey"]["Region"] == AWAY
    assert names(server, HOME).count("UpdatePrimaryRegion") == names(server, AWAY).count("UpdatePrimaryRegion") == 1

    waiting = away.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert waiting["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in waiting
    home.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    server.advance("8d")
    assert refused(home.describe_key, KeyId=key)[0] == "NotFoundException"
    assert away.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    server.advance("8d")
    assert refused(away.describe_key, KeyId=key)[0] == "NotFoundException"
    for region in (HOME, AWAY):
        assert names(server, region).count("DeleteKey") == 1


def test_only_a_primary_is_replicated_and_only_once(server):
    home = client(server, "kms", HOME)
    single = home.create_key()["KeyMetadata"]
    assert refused(home.replicate_key, KeyId=single["KeyId"], ReplicaRegion=AWAY) == (
        "UnsupportedOperationException",
        f"{single['Arn']} is not a multi-region primary key.",
    )
    key = home.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    cli = Aws(server)
    cli("kms", "replicate-key", key_id=key, replica_region=AWAY)
    assert refused(home.replicate_key, KeyId=key, ReplicaRegion=AWAY)[0] == "AlreadyExistsException"
    assert refused(home.replicate_key, KeyId=key, ReplicaRegion="nowhere")[0] == "ValidationException"


def family(server, **members):
    """A key of two Regions, and a client in each."""
    home, away = client(server, "kms", HOME), client(server, "kms", AWAY)
    key = home.create_key(MultiRegion=True, **members)["KeyMetadata"]["KeyId"]
    home.replicate_key(KeyId=key, ReplicaRegion=AWAY)
    server.advance("10s")
    return home, away, key


def both_ways(home, away):
    yield home, away
    yield away, home


@pytest.mark.parametrize("spec", SIGNING)
def test_what_one_region_signs_the_other_verifies(server, spec):
    home, away, key = family(server, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    assert home.get_public_key(KeyId=key)["PublicKey"] == away.get_public_key(KeyId=key)["PublicKey"]
    named = dict(KeyId=key, SigningAlgorithm=SIGNING[spec])
    for here, there in both_ways(home, away):
        signature = here.sign(Message=MESSAGE, **named)["Signature"]
        assert there.verify(Message=MESSAGE, Signature=signature, **named)["SignatureValid"]
        other = refused(there.verify, Message=b"another", Signature=signature, **named)
        assert other[0] == "KMSInvalidSignatureException"


def test_what_one_region_encrypts_tags_or_agrees_on_the_other_knows(server):
    home, away, pair = family(server, KeySpec="RSA_3072", KeyUsage="ENCRYPT_DECRYPT")
    named = dict(KeyId=pair, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    for here, there in both_ways(home, away):
        blob = here.encrypt(Plaintext=MESSAGE, **named)["CiphertextBlob"]
        assert there.decrypt(CiphertextBlob=blob, **named)["Plaintext"] == MESSAGE
    for bits in ("224", "256", "384", "512"):
        home, away, mac = family(server, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
        named = dict(KeyId=mac, MacAlgorithm=f"HMAC_SHA_{bits}", Message=MESSAGE)
        for here, there in both_ways(home, away):
            assert there.verify_mac(Mac=here.generate_mac(**named)["Mac"], **named)["MacValid"]
    home, away, agreeing = family(server, KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT")
    peer = ec.generate_private_key(ec.SECP384R1())
    public = peer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    theirs = serialization.load_der_public_key(away.get_public_key(KeyId=agreeing)["PublicKey"])
    named = dict(KeyId=agreeing, KeyAgreementAlgorithm="ECDH", PublicKey=public)
    secrets = {kms.derive_shared_secret(**named)["SharedSecret"] for kms in (home, away)}
    assert secrets == {peer.exchange(ec.ECDH(), theirs)}


def test_old_and_new_ciphertexts_open_in_the_replica_of_a_rotated_key(server):
    home, away, key = family(server)
    blobs = [home.encrypt(KeyId=key, Plaintext=b"0")["CiphertextBlob"]]
    for turn in (b"1", b"2"):
        home.rotate_key_on_demand(KeyId=key)
        blobs += [kms.encrypt(KeyId=key, Plaintext=turn)["CiphertextBlob"] for kms in (home, away)]
    for kms in (home, away):
        opened = [kms.decrypt(CiphertextBlob=blob) for blob in blobs]
        assert [answer["Plaintext"] for answer in opened] == [b"0", b"1", b"1", b"2", b"2"]
        assert len({answer["KeyMaterialId"] for answer in opened}) == 3
    here, there = ([entry["KeyMaterialId"] for entry in kms.list_key_rotations(KeyId=key)["Rotations"]] for kms in (home, away))
    assert here == there and len(here) == 2
    assert refused(away.rotate_key_on_demand, KeyId=key)[0] == "UnsupportedOperationException"


def bring(kms, key, material, **more):
    """The request that imports material, wrapped anew."""
    wanted = dict(KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    parameters = kms.get_parameters_for_import(**wanted)
    wrapped = serialization.load_der_public_key(parameters["PublicKey"]).encrypt(material, OAEP)
    return dict(
        KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE", **more,
    )


def state(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def imported_family(server, material, **members):
    """A key of imported material with a replica that lacks it."""
    home, away = client(server, "kms", HOME), client(server, "kms", AWAY)
    key = home.create_key(MultiRegion=True, Origin="EXTERNAL", **members)["KeyMetadata"]["KeyId"]
    home.import_key_material(**bring(home, key, material))
    made = home.replicate_key(KeyId=key, ReplicaRegion=AWAY)["ReplicaKeyMetadata"]
    assert made["Origin"] == "EXTERNAL"
    server.advance("10s")
    assert (state(home, key), state(away, key)) == ("Enabled", "PendingImport")
    return home, away, key


def standings(kms, key):
    listed = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    return [(entry["KeyMaterialState"], entry["ImportState"]) for entry in listed]


def test_imported_material_comes_to_each_region_and_rotates_when_all_have_it(server):
    first, second, other = (os.urandom(32) for _ in range(3))
    home, away, key = imported_family(server, first)
    assert refused(away.encrypt, KeyId=key, Plaintext=b"x")[0] == "KMSInvalidStateException"
    assert refused(away.import_key_material, **bring(away, key, other))[0] == "IncorrectKeyMaterialException"
    assert state(away, key) == "PendingImport"
    away.import_key_material(**bring(away, key, first))
    old = home.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    assert away.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"

    # The next material begins at the primary, and is nobody's until every Region has it.
    home.import_key_material(**bring(home, key, second, ImportType="NEW_KEY_MATERIAL", KeyMaterialDescription="second"))
    assert sorted(standings(home, key)) == [("CURRENT", "IMPORTED"), ("PENDING_MULTI_REGION_IMPORT_AND_ROTATION", "IMPORTED")]
    assert state(away, key) == "Enabled"
    assert refused(home.rotate_key_on_demand, KeyId=key)[0] == "KMSInvalidStateException"
    assert refused(away.import_key_material, **bring(away, key, other))[0] == "IncorrectKeyMaterialException"
    away.import_key_material(**bring(away, key, second, ImportType="EXISTING_KEY_MATERIAL"))
    assert sorted(standings(home, key)) == [("CURRENT", "IMPORTED"), ("PENDING_ROTATION", "IMPORTED")]
    home.rotate_key_on_demand(KeyId=key)
    assert sorted(standings(away, key)) == [("CURRENT", "IMPORTED"), ("NON_CURRENT", "IMPORTED")]
    new = away.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    for kms in (home, away):
        opened = [kms.decrypt(CiphertextBlob=blob) for blob in (old, new)]
        assert [answer["Plaintext"] for answer in opened] == [b"old", b"new"]
        assert opened[1]["KeyMaterialId"] == kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]

    # What is lost in one Region is lost there only, and comes back there.
    away.delete_imported_key_material(KeyId=key, KeyMaterialId=opened[0]["KeyMaterialId"])
    assert (state(home, key), state(away, key)) == ("Enabled", "PendingImport")
    assert refused(away.decrypt, CiphertextBlob=new)[0] == "KMSInvalidStateException"
    away.import_key_material(**bring(away, key, first))
    assert away.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"


def test_imported_pairs_and_macs_work_where_the_same_material_came(server):
    private = [
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        for _ in range(2)
    ]
    home, away, pair = imported_family(server, private[0], KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert refused(away.import_key_material, **bring(away, pair, private[1]))[0] == "IncorrectKeyMaterialException"
    away.import_key_material(**bring(away, pair, private[0]))
    named = dict(KeyId=pair, SigningAlgorithm="ECDSA_SHA_256", Message=MESSAGE)
    for here, there in both_ways(home, away):
        assert there.verify(Signature=here.sign(**named)["Signature"], **named)["SignatureValid"]
    material = os.urandom(32)
    home, away, mac = imported_family(server, material, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    assert refused(away.import_key_material, **bring(away, mac, os.urandom(32)))[0] == "IncorrectKeyMaterialException"
    away.import_key_material(**bring(away, mac, material))
    named = dict(KeyId=mac, MacAlgorithm="HMAC_SHA_256", Message=MESSAGE)
    for here, there in both_ways(home, away):
        assert there.verify_mac(Mac=here.generate_mac(**named)["Mac"], **named)["MacValid"]
