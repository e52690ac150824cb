//! Round trips of AWS's own SDK for Rust against a running Keywatch, named by `AWS_ENDPOINT_URL` and the usual
//! variables for credentials. The first that fails ends the program with its reason and code 1.

use std::env;
use std::process::ExitCode;

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::error::DisplayErrorContext;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    DataKeySpec, KeySpec, KeyUsageType, MacAlgorithmSpec, MessageType, SigningAlgorithmSpec,
};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match round_trips().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", DisplayErrorContext(&*failure));
            ExitCode::FAILURE
        }
    }
}

async fn round_trips() -> Result<(), Failure> {
    let kms = client()?;
    encrypts(&kms).await?;
    gives_data_keys(&kms).await?;
    signs(&kms).await?;
    makes_macs(&kms).await?;
    pages_through_keys(&kms).await?;
    types_its_errors(&kms).await
}

fn client() -> Result<Client, Failure> {
    let credentials = Credentials::new(
        env::var("AWS_ACCESS_KEY_ID")?,
        env::var("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "environment",
    );
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(env::var("AWS_ENDPOINT_URL")?)
        .region(Region::new(env::var("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Ok(Client::from_conf(config))
}

async fn new_key(kms: &Client, spec: KeySpec, usage: KeyUsageType) -> Result<String, Failure> {
    let made = kms.create_key().key_spec(spec).key_usage(usage).send().await?;
    Ok(made.key_metadata.ok_or("no metadata")?.key_id)
}

fn ensure(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(what.into()) }
}

async fn encrypts(kms: &Client) -> Result<(), Failure> {
    let key = new_key(kms, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await?;
    let plaintext = Blob::new("at rest");
    let sealed = kms
        .encrypt()
        .key_id(&key)
        .plaintext(plaintext.clone())
        .encryption_context("purpose", "test")
        .send()
        .await?;
    let ciphertext = sealed.ciphertext_blob.ok_or("no ciphertext")?;
    let opened = kms
        .decrypt()
        .ciphertext_blob(ciphertext.clone())
        .encryption_context("purpose", "test")
        .send()
        .await?;
    ensure(opened.plaintext.as_ref() == Some(&plaintext), "another plaintext came back")?;
    let refused =
        kms.decrypt().ciphertext_blob(ciphertext).encryption_context("purpose", "other").send().await;
    let error = refused.err().ok_or("a foreign context was taken")?.into_service_error();
    ensure(error.is_invalid_ciphertext_exception(), "a foreign context is no invalid ciphertext")
}

async fn gives_data_keys(kms: &Client) -> Result<(), Failure> {
    let key = new_key(kms, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await?;
    let data_key = kms.generate_data_key().key_id(&key).key_spec(DataKeySpec::Aes256).send().await?;
    let opened =
        kms.decrypt().ciphertext_blob(data_key.ciphertext_blob.ok_or("no ciphertext")?).send().await?;
    ensure(opened.plaintext == data_key.plaintext, "another data key came back")?;
    ensure(data_key.plaintext.is_some_and(|key| key.as_ref().len() == 32), "a data key of another length")
}

async fn signs(kms: &Client) -> Result<(), Failure> {
    let key = new_key(kms, KeySpec::EccNistP256, KeyUsageType::SignVerify).await?;
    let (message, algorithm) = (Blob::new("as written"), SigningAlgorithmSpec::EcdsaSha256);
    let signed = kms.sign().key_id(&key).message(message.clone()).message_type(MessageType::Raw);
    let signature =
        signed.signing_algorithm(algorithm.clone()).send().await?.signature.ok_or("no signature")?;
    let verify = |message: Blob| {
        kms.verify()
            .key_id(&key)
            .message(message)
            .signing_algorithm(algorithm.clone())
            .signature(signature.clone())
            .send()
    };
    ensure(verify(message).await?.signature_valid, "the signature does not hold")?;
    let error = verify(Blob::new("as changed"))
        .await
        .err()
        .ok_or("a changed message was taken")?
        .into_service_error();
    ensure(error.is_kms_invalid_signature_exception(), "a changed message is no invalid signature")
}

async fn makes_macs(kms: &Client) -> Result<(), Failure> {
    let key = new_key(kms, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await?;
    let (message, algorithm) = (Blob::new("as written"), MacAlgorithmSpec::HmacSha256);
    let made = kms
        .generate_mac()
        .key_id(&key)
        .message(message.clone())
        .mac_algorithm(algorithm.clone())
        .send()
        .await?;
    let verified = kms
        .verify_mac()
        .key_id(&key)
        .message(message)
        .mac_algorithm(algorithm)
        .mac(made.mac.ok_or("no MAC")?)
        .send()
        .await?;
    ensure(verified.mac_valid, "the MAC does not hold")
}

async fn pages_through_keys(kms: &Client) -> Result<(), Failure> {
    let mut pages = kms.list_keys().into_paginator().page_size(2).items().send();
    let mut keys = 0;
    while let Some(key) = pages.next().await {
        key?.key_arn.ok_or("a key without an ARN")?;
        keys += 1;
    }
    ensure(keys == 4, "not the four keys made here")
}

async fn types_its_errors(kms: &Client) -> Result<(), Failure> {
    let missing = kms.describe_key().key_id("00000000-0000-0000-0000-000000000000").send().await;
    let error = missing.err().ok_or("a key that never was is described")?.into_service_error();
    ensure(error.is_not_found_exception(), "a missing key is not a NotFoundException")?;
    ensure(error.meta().message().is_some_and(|text| text.ends_with("does not exist")), "another text")
}
