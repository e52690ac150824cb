//! CloudTrail log files like those of an account that uses KMS much, in the layout of a trail's bucket.
//!
//! Seven of ten records are of KMS: envelope encryption by services and by roles, a hundredth refused, now and
//! then a grant or a key pending deletion. Names, sizes and how often they repeat follow real log files, so
//! the files also compress like them.

use super::random::Random;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const ACCOUNT: &str = "111122223333";
const RECORDS_PER_FILE: u64 = 3_000;
const KEYS: u64 = 400;
const ROLES: u64 = 150;

/// Files and how much they hold.
pub(super) struct Corpus {
    pub(super) files: Vec<PathBuf>,
    pub(super) gzip_bytes: u64,
    pub(super) text_bytes: u64,
}

/// Makes the corpus below `root`, or finds the one made before with the same seed and size.
pub(super) fn corpus(root: &Path, seed: u64, text_megabytes: u64) -> io::Result<(PathBuf, Corpus)> {
    let directory = root.join(format!("cloudtrail-{seed}-{text_megabytes}mb"));
    let complete = directory.join("complete");
    if !complete.exists() {
        let _ = fs::remove_dir_all(&directory);
        let mut text_bytes = 0;
        let mut number = 0;
        while text_bytes < text_megabytes * 1_000_000 {
            text_bytes += write_file(&directory, seed, number)?;
            number += 1;
        }
        fs::write(&complete, text_bytes.to_string())?;
    }
    let text_bytes = fs::read_to_string(&complete)?.parse().map_err(io::Error::other)?;
    let logs = directory.join("AWSLogs");
    let files = files_below(&logs)?;
    let gzip_bytes =
        files.iter().map(|file| fs::metadata(file).map(|file| file.len())).sum::<io::Result<u64>>()?;
    Ok((logs, Corpus { files, gzip_bytes, text_bytes }))
}

fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Writes one file and returns the size of its text.
fn write_file(directory: &Path, seed: u64, number: u64) -> io::Result<u64> {
    let mut random = Random::seeded(seed << 32 | number);
    let day = 1 + number % 28;
    let region = random.of(&["us-east-1", "us-east-1", "us-west-2", "eu-central-1"]);
    let mut text = String::from("{\"Records\":[");
    for record in 0..RECORDS_PER_FILE {
        if record > 0 {
            text.push(',');
        }
        let second = record * 300 / RECORDS_PER_FILE;
        let minute = number / 28 * 5 % 1_440 + second / 60;
        let time = format!("2026-10-{day:02}T{:02}:{:02}:{:02}Z", minute / 60 % 24, minute % 60, second % 60);
        write_record(&mut text, &mut random, region, &time);
    }
    text.push_str("]}");
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut gzip = vec![0; compressor.gzip_compress_bound(text.len())];
    let length = compressor.gzip_compress(text.as_bytes(), &mut gzip).map_err(io::Error::other)?;
    let folder = directory.join(format!("AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/10/{day:02}"));
    fs::create_dir_all(&folder)?;
    let name =
        format!("{ACCOUNT}_CloudTrail_{region}_202610{day:02}T{number:04}Z_{:016x}.json.gz", random.next());
    fs::write(folder.join(name), &gzip[..length])?;
    Ok(text.len() as u64)
}

fn write_record(text: &mut String, random: &mut Random, region: &str, time: &str) {
    let is_kms = random.below(10) < 7;
    let service = if is_kms { "kms" } else { random.of(&["s3", "sts", "ec2", "lambda", "logs", "dynamodb"]) };
    let _ = write!(text, "{{\"eventVersion\":\"1.11\",\"userIdentity\":");
    write_identity(text, random, time);
    let _ = write!(text, ",\"eventTime\":\"{time}\",\"eventSource\":\"{service}.amazonaws.com\",");
    if is_kms {
        write_kms(text, random, region);
    } else {
        write_other(text, random, region, service);
    }
    let _ = write!(
        text,
        ",\"requestID\":\"{}\",\"eventID\":\"{}\",\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\
         \"recipientAccountId\":\"{ACCOUNT}\",\"eventCategory\":\"Management\",\"tlsDetails\":{{\
         \"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_256_GCM_SHA384\",\
         \"clientProvidedHostHeader\":\"{service}.{region}.amazonaws.com\",\"keyExchange\":\"X25519MLKEM768\"}}}}",
        random.uuid(),
        random.uuid()
    );
}

fn write_identity(text: &mut String, random: &mut Random, time: &str) {
    let role = random.skewed(ROLES);
    let session = role * 7 + random.below(6);
    let day = &time[..10];
    let _ = write!(
        text,
        "{{\"type\":\"AssumedRole\",\"principalId\":\"AROA{role:016X}:i-{session:017x}\",\
         \"arn\":\"arn:aws:sts::{ACCOUNT}:assumed-role/service-{role}/i-{session:017x}\",\
         \"accountId\":\"{ACCOUNT}\",\"accessKeyId\":\"ASIA{:016X}\",\"sessionContext\":{{\"sessionIssuer\":{{\
         \"type\":\"Role\",\"principalId\":\"AROA{role:016X}\",\"arn\":\"arn:aws:iam::{ACCOUNT}:role/service-{role}\",\
         \"accountId\":\"{ACCOUNT}\",\"userName\":\"service-{role}\"}},\"attributes\":{{\
         \"creationDate\":\"{day}T{:02}:00:00Z\",\"mfaAuthenticated\":\"false\"}}}}}}",
        random.next(),
        random.below(24)
    );
}

fn write_kms(text: &mut String, random: &mut Random, region: &str) {
    let number = random.skewed(KEYS);
    let key = format!("arn:aws:kms:{region}:{ACCOUNT}:key/{number:08x}-12ab-34cd-56ef-{number:012x}");
    let operation = match random.below(100) {
        0..60 => "Decrypt",
        60..85 => "GenerateDataKey",
        85..95 => "Encrypt",
        95..98 => "DescribeKey",
        98 => "CreateGrant",
        _ => "ReEncrypt",
    };
    let address = format!("10.{}.{}.{}", number % 4, random.below(8), random.below(32));
    let _ = write!(
        text,
        "\"eventName\":\"{operation}\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"{address}\",\
         \"userAgent\":\"aws-sdk-java/2.31.{} Linux/6.1.141 OpenJDK_64-Bit_Server_VM/21.0.7 vendor/Amazon.com\",",
        number % 9
    );
    match random.below(200) {
        0 => {
            let _ = write!(
                text,
                "\"errorCode\":\"KMSInvalidStateException\",\"errorMessage\":\"{key} is pending deletion.\","
            );
        }
        1 => text.push_str(
            "\"errorCode\":\"AccessDenied\",\"errorMessage\":\"User is not authorized to perform: kms:Decrypt on \
             this resource because no resource-based policy allows the kms:Decrypt action\",",
        ),
        _ => {}
    }
    let _ = write!(
        text,
        "\"requestParameters\":{{\"encryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"keyId\":\"{key}\",\
         \"encryptionContext\":{{\"aws:s3:arn\":\"arn:aws:s3:::bucket-{number}/data/{:06}\",\"tenant\":\"{}\"}}}},\
         \"responseElements\":null,\"additionalEventData\":{{\"keyMaterialId\":\"{:064x}\"}},\"readOnly\":{},\
         \"resources\":[{{\"accountId\":\"{ACCOUNT}\",\"type\":\"AWS::KMS::Key\",\"ARN\":\"{key}\"}}]",
        random.below(1_000_000),
        random.below(50),
        u128::from(number) << 64 | 0x5eed,
        operation != "CreateGrant"
    );
}

fn write_other(text: &mut String, random: &mut Random, region: &str, service: &str) {
    let operation =
        random.of(&["DescribeInstances", "GetObject", "AssumeRole", "ListTags", "GetFunction20150331v2"]);
    let _ = write!(
        text,
        "\"eventName\":\"{operation}\",\"awsRegion\":\"{region}\",\"sourceIPAddress\":\"10.0.{}.{}\",\
         \"userAgent\":\"Boto3/1.40.{} md/Botocore#1.40.21 ua/2.1 os/linux#6.1.141 lang/python#3.12.9\",\
         \"requestParameters\":{{\"filterSet\":{{\"items\":[{{\"name\":\"tag:\\\"Name\\\"\",\"valueSet\":{{\"items\":\
         [{{\"value\":\"{service}-{}\"}}]}}}}]}},\"maxResults\":100}},\"responseElements\":null,\"readOnly\":true",
        random.below(8),
        random.below(200),
        random.below(30),
        random.below(1_000)
    );
}
