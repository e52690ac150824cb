//! Ciphertext blobs: the reader takes any bytes; the writer's blobs open, and changed ones do not.
#![no_main]

use keywatch_crypto::{EncryptionContext, KeyMaterial, KeyName, SecretBytes, SystemRandom, envelope};
use libfuzzer_sys::fuzz_target;

/// The material of the seeds, so that mutations start from blobs that open.
fn material() -> KeyMaterial {
    let name: KeyName = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().expect("a key id");
    KeyMaterial::from_secret(name, &SecretBytes::new(vec![7; KeyMaterial::BYTES])).expect("32 bytes")
}

fuzz_target!(|input: &[u8]| {
    let material = material();
    read(&material, input);
    change(&material, input);
});

fn read(material: &KeyMaterial, blob: &[u8]) {
    let Ok(parsed) = envelope::parse(blob) else { return };
    assert_eq!(parsed.plaintext_len() + envelope::OVERHEAD_BYTES, blob.len());
    if let Ok(plaintext) = parsed.open(material, &EncryptionContext::empty()) {
        assert_eq!(plaintext.len(), parsed.plaintext_len());
    }
}

/// The first three bytes say which byte to change and how; the rest is split into context and plaintext.
fn change(material: &KeyMaterial, input: &[u8]) {
    let Some(([high, low, mask], rest)) = input.split_first_chunk() else { return };
    let (value, plaintext) = rest.split_at(rest.len() / 2);
    let value = String::from_utf8_lossy(value);
    let Ok(context) = EncryptionContext::from_pairs([("key", value.as_ref())]) else { return };
    let Ok(mut blob) = envelope::seal(material, &context, plaintext, &mut SystemRandom) else { return };
    let opened = envelope::parse(&blob).expect("our own blob").open(material, &context).expect("opens");
    assert_eq!(opened.expose(), plaintext);

    let at = usize::from(u16::from_be_bytes([*high, *low])) % blob.len();
    blob[at] ^= mask;
    let opens = envelope::parse(&blob).is_ok_and(|parsed| parsed.open(material, &context).is_ok());
    assert_eq!(opens, *mask == 0, "byte {at} changed by {mask:#x}");
}
