//! Envelopes: the fixed format, round trips, and what must not open.

use super::*;

use std::collections::HashSet;

use proptest::prelude::*;

use crate::random::SystemRandom;

const NAME: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const MULTI_REGION_NAME: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";

fn material(name: &str, byte: u8) -> KeyMaterial {
    let secret = SecretBytes::new(vec![byte; KeyMaterial::BYTES]);
    KeyMaterial::from_secret(name.parse().expect("a key id"), &secret).expect("32 bytes")
}

fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
    EncryptionContext::from_pairs(pairs.iter().copied()).expect("a context")
}

/// Counts up, so that a sealed envelope is the same in every run.
struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
    }
}

/// An envelope of each released version. New versions add a row; no row ever changes or goes.
struct Kept {
    name: &'static str,
    material: u8,
    context: &'static [(&'static str, &'static str)],
    plaintext: &'static [u8],
    envelope: &'static str,
}

/// Made on 2026-11-22 by format 1 and checked then against an independent implementation of the module's text in
/// Python (`hmac`, and AES-GCM of the package `cryptography`).
const KEPT: [Kept; 2] = [
    Kept {
        name: NAME,
        material: 7,
        context: &[],
        plaintext: b"stay decryptable after upgrades",
        envelope: "014b57001234abcd12ab34cd56ef1234567890abe9251bbbfc59798a417b8ddb89a3884ee0ac4659\
                   4a2f72c20b9411ba621cc855000102030405060708090a0b0c0d0e0f101112131415161718191a1b\
                   b4cf0feec0096aaa7dd32688afaeabad962f7447cc406c90ef6c673eab8c274166e334d4b23001a2\
                   e59bd9c01287b9",
    },
    Kept {
        name: MULTI_REGION_NAME,
        material: 9,
        context: &[("Department", "Finance"), ("AppName", "Ledger")],
        plaintext: b"",
        envelope: "014b57011234abcd12ab34cd56ef1234567890ab9d1813342aa85dcbb1bcb87e3f62c862393825ad\
                   21cd0565ba74949817cd7018000102030405060708090a0b0c0d0e0f101112131415161718191a1b\
                   20a7d95ee92adca49884dc6a93515970",
    },
];

#[test]
fn kept_envelopes_still_open() {
    for kept in &KEPT {
        let blob = hex::decode(kept.envelope).expect("hexadecimal");
        let envelope = parse(&blob).expect("an envelope");
        assert_eq!(envelope.key_name().to_string(), kept.name);
        assert_eq!(envelope.plaintext_len(), kept.plaintext.len());
        let opened =
            envelope.open(&material(kept.name, kept.material), &context(kept.context)).expect("opens");
        assert_eq!(opened.expose(), kept.plaintext);
    }
}

#[test]
fn the_writer_makes_the_kept_envelopes() {
    for kept in &KEPT {
        let material = material(kept.name, kept.material);
        let sealed =
            seal(&material, &context(kept.context), kept.plaintext, &mut Counting(0)).expect("seals");
        assert_eq!(hex::encode(sealed), kept.envelope);
    }
}

#[test]
fn all_envelopes_begin_alike_and_none_repeats() {
    let material = material(NAME, 1);
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let sealed = seal(&material, &EncryptionContext::empty(), b"same", &mut SystemRandom).expect("seals");
        assert_eq!(sealed[..3], [1, b'K', b'W']);
        assert_eq!(sealed.len(), OVERHEAD_BYTES + 4);
        assert!(seen.insert(sealed));
    }
}

#[test]
fn another_key_material_or_context_does_not_open() {
    let right = material(NAME, 1);
    let bound = context(&[("a", "1")]);
    let sealed = seal(&right, &bound, b"plaintext", &mut SystemRandom).expect("seals");
    let envelope = parse(&sealed).expect("an envelope");
    let check = |material: &KeyMaterial, context: &EncryptionContext, opens: bool| {
        assert_eq!(envelope.open(material, context).is_ok(), opens);
    };
    check(&right, &bound, true);
    check(&right, &EncryptionContext::empty(), false);
    check(&right, &context(&[("a", "2")]), false);
    check(&right, &context(&[("A", "1")]), false);
    check(&right, &context(&[("a", "1"), ("b", "")]), false);
    check(&material(NAME, 2), &bound, false);
    check(&material(MULTI_REGION_NAME, 1), &bound, false);
}

/// A forger who writes the ids of another material into the header gains nothing: the header is authenticated.
#[test]
fn a_transplanted_header_does_not_open() {
    let (victim, other) = (material(NAME, 1), material(MULTI_REGION_NAME, 1));
    let empty = EncryptionContext::empty();
    let mut sealed = seal(&victim, &empty, b"plaintext", &mut SystemRandom).expect("seals");
    sealed[NAME_AT..MATERIAL_AT].copy_from_slice(&other.name().to_bytes());
    sealed[MATERIAL_AT..NONCE_AT].copy_from_slice(other.id().as_bytes());
    let envelope = parse(&sealed).expect("looks like an envelope");
    assert_eq!(envelope.open(&other, &empty), Err(CannotOpen));
}

#[test]
fn lengths_outside_the_limits_are_refused() {
    let material = material(NAME, 1);
    let empty = EncryptionContext::empty();
    let longest = vec![3; PLAINTEXT_BYTES_MAX];
    let sealed = seal(&material, &empty, &longest, &mut SystemRandom).expect("seals");
    assert_eq!(sealed.len(), ENVELOPE_BYTES_MAX);
    assert_eq!(
        parse(&sealed).expect("an envelope").open(&material, &empty).expect("opens").expose(),
        longest
    );

    assert_eq!(
        seal(&material, &empty, &[3; PLAINTEXT_BYTES_MAX + 1], &mut SystemRandom),
        Err(PlaintextTooLong)
    );
    let mut longer = sealed.clone();
    longer.push(0);
    assert_eq!(parse(&longer).err(), Some(NotAnEnvelope));
    for length in 0..OVERHEAD_BYTES {
        assert_eq!(parse(&sealed[..length]).err(), Some(NotAnEnvelope), "{length}");
    }
    // Cut anywhere behind that, it is still shaped like an envelope, but another one.
    for length in OVERHEAD_BYTES..sealed.len() {
        let cut = parse(&sealed[..length]).expect("shaped like an envelope");
        assert_eq!(cut.open(&material, &empty), Err(CannotOpen), "{length}");
    }
}

#[test]
fn other_versions_are_refused() {
    let mut sealed =
        seal(&material(NAME, 1), &EncryptionContext::empty(), b"x", &mut SystemRandom).expect("seals");
    for version in (0..=u8::MAX).filter(|version| *version != VERSION) {
        sealed[0] = version;
        assert_eq!(parse(&sealed).err(), Some(NotAnEnvelope), "{version}");
    }
}

fn open_changed(blob: &[u8], material: &KeyMaterial, context: &EncryptionContext) -> bool {
    parse(blob).is_ok_and(|envelope| envelope.open(material, context).is_ok())
}

/// Every single bit of a short envelope; the property below takes samples of long ones.
#[test]
fn every_bit_counts() {
    let material = material(NAME, 1);
    let bound = context(&[("a", "1")]);
    let mut sealed = seal(&material, &bound, &[5; 32], &mut SystemRandom).expect("seals");
    for bit in 0..sealed.len() * 8 {
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(!open_changed(&sealed, &material, &bound), "bit {bit}");
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(open_changed(&sealed, &material, &bound));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..6200)) {
        let _ = parse(&bytes).map(|envelope| envelope.open(&material(NAME, 1), &EncryptionContext::empty()));
    }

    /// Random bytes behind a right beginning get deeper into the reader.
    #[test]
    fn any_tail_is_read_without_panic_and_opens_never(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let blob = [&[VERSION][..], &MAGIC, &tail].concat();
        prop_assert!(!open_changed(&blob, &material(NAME, 1), &EncryptionContext::empty()));
    }

    #[test]
    fn what_is_sealed_opens_and_a_flipped_bit_does_not(
        plaintext in prop::collection::vec(any::<u8>(), 1..=PLAINTEXT_BYTES_MAX),
        pairs in prop::collection::btree_map(any::<String>(), any::<String>(), 0..6),
        multi_region in any::<bool>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let material = material(if multi_region { MULTI_REGION_NAME } else { NAME }, 1);
        let bound = EncryptionContext::from_pairs(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())))
            .expect("a context");
        let mut sealed = seal(&material, &bound, &plaintext, &mut SystemRandom).expect("seals");
        let opened = parse(&sealed).expect("an envelope").open(&material, &bound).expect("opens");
        prop_assert_eq!(opened.expose(), &plaintext[..]);
        let bit = bit.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!open_changed(&sealed, &material, &bound));
    }
}
