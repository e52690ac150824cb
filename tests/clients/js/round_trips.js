// Round trips of the AWS SDK for JavaScript v3 with the server at AWS_ENDPOINT_URL, checked with Node's own cryptography where it has a say.
// The SDK is looked for in the folder that KEYWATCH_JS names.
const { createRequire } = require("node:module");
const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const { test } = require("node:test");

const kms = createRequire(`${process.env.KEYWATCH_JS}/`)("@aws-sdk/client-kms");
const client = new kms.KMSClient({ maxAttempts: 1 });

const send = (operation, members) => client.send(new kms[`${operation}Command`](members));
const newKey = async (members = {}) => (await send("CreateKey", members)).KeyMetadata;
const publicKey = async (key) =>
  crypto.createPublicKey({ key: Buffer.from((await send("GetPublicKey", { KeyId: key.KeyId })).PublicKey), format: "der", type: "spki" });

test("a text comes back under its context and under no other", async () => {
  const key = await newKey({ Description: "of JavaScript" });
  const context = { EncryptionContext: { purpose: "test", "päär": "ключ" } };
  const sealed = await send("Encrypt", { KeyId: key.KeyId, Plaintext: Buffer.from("a secret"), ...context });
  const opened = await send("Decrypt", { CiphertextBlob: sealed.CiphertextBlob, ...context });
  assert.equal(Buffer.from(opened.Plaintext).toString(), "a secret");
  assert.equal(opened.KeyId, key.Arn);
  await assert.rejects(send("Decrypt", { CiphertextBlob: sealed.CiphertextBlob }), kms.InvalidCiphertextException);
});

test("a data key seals here what it opens after KMS has opened it", async () => {
  const key = await newKey();
  const made = await send("GenerateDataKey", { KeyId: key.KeyId, KeySpec: "AES_256" });
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", made.Plaintext, nonce);
  const sealed = Buffer.concat([cipher.update("letter"), cipher.final()]);
  const opened = await send("Decrypt", { CiphertextBlob: made.CiphertextBlob });
  const decipher = crypto.createDecipheriv("aes-256-gcm", opened.Plaintext, nonce).setAuthTag(cipher.getAuthTag());
  assert.equal(Buffer.concat([decipher.update(sealed), decipher.final()]).toString(), "letter");
});

test("a page of keys leads to the next, and times are dates", async () => {
  await Promise.all([newKey(), newKey(), newKey()]);
  let seen = 0;
  for await (const page of kms.paginateListKeys({ client, pageSize: 2 }, {})) seen += page.Keys.length;
  assert.ok(seen >= 3);
  assert.ok(Math.abs((await newKey()).CreationDate - Date.now()) < 60_000);
});

const signers = [
  ["RSA_2048", "RSASSA_PSS_SHA_256", "sha256", { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }],
  ["RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", "sha384", {}],
  ["ECC_NIST_P256", "ECDSA_SHA_256", "sha256", {}],
  ["ECC_NIST_P384", "ECDSA_SHA_384", "sha384", {}],
  ["ECC_SECG_P256K1", "ECDSA_SHA_256", "sha256", {}],
  ["ECC_NIST_EDWARDS25519", "ED25519_SHA_512", null, {}],
];
for (const [KeySpec, SigningAlgorithm, digest, options] of signers) {
  test(`${KeySpec} signs by ${SigningAlgorithm} what Node and KMS verify`, async () => {
    const key = await newKey({ KeySpec, KeyUsage: "SIGN_VERIFY" });
    const members = { KeyId: key.KeyId, Message: Buffer.from("a message"), SigningAlgorithm };
    const { Signature } = await send("Sign", members);
    assert.ok(crypto.verify(digest, members.Message, { key: await publicKey(key), ...options }, Signature));
    assert.equal((await send("Verify", { ...members, Signature })).SignatureValid, true);
    const other = { ...members, Message: Buffer.from("another message"), Signature };
    await assert.rejects(send("Verify", other), kms.KMSInvalidSignatureException);
  });
}

test("RSA opens what Node sealed for it", async () => {
  const key = await newKey({ KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT" });
  const oaep = { key: await publicKey(key), oaepHash: "sha256", padding: crypto.constants.RSA_PKCS1_OAEP_PADDING };
  const CiphertextBlob = crypto.publicEncrypt(oaep, Buffer.from("sealed outside"));
  const opened = await send("Decrypt", { KeyId: key.KeyId, CiphertextBlob, EncryptionAlgorithm: "RSAES_OAEP_SHA_256" });
  assert.equal(Buffer.from(opened.Plaintext).toString(), "sealed outside");
});

test("both sides of a key agreement reach one secret", async () => {
  const key = await newKey({ KeySpec: "ECC_NIST_P384", KeyUsage: "KEY_AGREEMENT" });
  const ours = crypto.generateKeyPairSync("ec", { namedCurve: "P-384" });
  const PublicKey = ours.publicKey.export({ type: "spki", format: "der" });
  const derived = await send("DeriveSharedSecret", { KeyId: key.KeyId, KeyAgreementAlgorithm: "ECDH", PublicKey });
  const secret = crypto.diffieHellman({ privateKey: ours.privateKey, publicKey: await publicKey(key) });
  assert.deepEqual(Buffer.from(derived.SharedSecret), secret);
});

test("a code is verified, and a false one is refused", async () => {
  const key = await newKey({ KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC" });
  const members = { KeyId: key.KeyId, Message: Buffer.from("a message"), MacAlgorithm: "HMAC_SHA_256" };
  const { Mac } = await send("GenerateMac", members);
  assert.equal((await send("VerifyMac", { ...members, Mac })).MacValid, true);
  await assert.rejects(send("VerifyMac", { ...members, Mac: Buffer.alloc(32) }), kms.KMSInvalidMacException);
});

test("a pair of data keys is a pair", async () => {
  const key = await newKey();
  const pair = await send("GenerateDataKeyPair", { KeyId: key.KeyId, KeyPairSpec: "ECC_NIST_P256" });
  const privateKey = crypto.createPrivateKey({ key: Buffer.from(pair.PrivateKeyPlaintext), format: "der", type: "pkcs8" });
  const ours = crypto.createPublicKey(privateKey).export({ format: "der", type: "spki" });
  assert.deepEqual(ours, Buffer.from(pair.PublicKey));
  const opened = await send("Decrypt", { CiphertextBlob: pair.PrivateKeyCiphertextBlob });
  assert.deepEqual(opened.Plaintext, pair.PrivateKeyPlaintext);
});

test("a capsule opens to the secret that was put into it", async () => {
  const key = await newKey({ KeySpec: "ML_KEM_768", KeyUsage: "ENCAPSULATE_DECAPSULATE" });
  const members = { KeyId: key.KeyId, EncapsulationAlgorithm: "ML_KEM" };
  const made = await send("Encapsulate", members);
  const opened = await send("Decapsulate", { ...members, SharedSecretCiphertextBlob: made.SharedSecretCiphertextBlob });
  assert.deepEqual(opened.SharedSecret, made.SharedSecret);
});
