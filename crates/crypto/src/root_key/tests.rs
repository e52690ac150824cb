//! Root keys: the key file's text, sealing, rotation.

use super::*;

use proptest::prelude::*;

use crate::random::SystemRandom;

const OWNER: Binding<'static> = Binding::Other { purpose: "access-key", owner: "AKIAEXAMPLE" };

fn ring() -> RootKeyring {
    RootKeyring::new(RootKey::generate(&mut SystemRandom))
}

fn seal(ring: &RootKeyring, secret: &[u8]) -> Vec<u8> {
    ring.seal(&OWNER, secret, &mut SystemRandom).expect("seals")
}

/// 32 bytes of 0x07; id and checksum computed with Python's `hmac` and `hashlib` from the module's text.
const LINE: &str = "keywatch-root-key-1:070707070707070707070707070707070707070707070707070707070707\
 0707:e219ec2b";
const LINE_ID: &str = "4148e2f31fa507f5";

#[test]
fn the_key_file_survives_the_round_trip() {
    let ring = RootKeyring::parse(LINE).expect("a key");
    assert_eq!(ring.current_id().to_string(), LINE_ID);
    assert_eq!(ring.render().expose(), format!("{LINE}\n"));

    let ring = ring.rotate(RootKey::generate(&mut SystemRandom)).expect("room for one more");
    let text = ring.render();
    assert_eq!(text.expose().lines().nth(1), Some(LINE));
    let again = RootKeyring::parse(text.expose()).expect("two keys");
    assert_eq!(again.current_id(), ring.current_id());
    assert_eq!(again.render(), text);
}

#[test]
fn comments_blank_lines_and_line_ends_are_skipped() {
    let ring = RootKeyring::parse(&format!("# the root key\r\n\r\n  {LINE}  \r\n\n")).expect("a key");
    assert_eq!(ring.current_id().to_string(), LINE_ID);
}

#[test]
fn malformed_key_files_name_the_line() {
    let check = |text: &str, want: MalformedRootKey| {
        assert_eq!(RootKeyring::parse(text).err(), Some(want), "{text}");
    };
    check("", MalformedRootKey::Empty);
    check("\n# nothing\n", MalformedRootKey::Empty);
    check("hello", MalformedRootKey::Line { line: 1 });
    check(&LINE.replace("key-1", "key-2"), MalformedRootKey::Line { line: 1 });
    check(&format!("\n{}", &LINE[..LINE.len() - 2]), MalformedRootKey::Line { line: 2 });
    check(&LINE.replacen("07", "0g", 1), MalformedRootKey::Line { line: 1 });
    check(&LINE.replacen("07", "é", 1), MalformedRootKey::Line { line: 1 });
    check(&LINE.replacen("07", "", 1), MalformedRootKey::Line { line: 1 });
    check(&LINE.replacen("07", "08", 1), MalformedRootKey::Checksum { line: 1 });
    check(&format!("{LINE}\n{LINE}"), MalformedRootKey::Twice { line: 2 });
}

#[test]
fn the_ring_has_a_limit() {
    let mut full = ring();
    for _ in 0..FORMER_ROOT_KEYS_MAX {
        full = full.rotate(RootKey::generate(&mut SystemRandom)).expect("room");
    }
    let text = full.render();
    assert!(RootKeyring::parse(text.expose()).is_ok());
    let more = format!("{}{}", ring().render().expose(), text.expose());
    assert_eq!(RootKeyring::parse(&more).err(), Some(MalformedRootKey::TooMany));
    let over = full.rotate(RootKey::generate(&mut SystemRandom)).expect_err("the ring is full");
    assert_eq!(over.ring.render(), text, "a full ring stays as it was");
}

#[test]
fn errors_and_debug_show_no_key() {
    let secret = "07".repeat(32);
    assert!(!format!("{:?}", RootKeyring::parse(LINE)).contains(&secret));
    let error = RootKeyring::parse(&LINE.replacen("07", "08", 1)).expect_err("a wrong checksum");
    assert!(!format!("{error} {error:?}").contains("0707"));
}

#[test]
fn rotation_keeps_old_secrets_readable() {
    let rotating = ring();
    let old = seal(&rotating, b"old");
    assert!(rotating.is_current(&old));
    let former_id = rotating.current_id();

    let rotating = rotating.rotate(RootKey::generate(&mut SystemRandom)).expect("room");
    assert!(!rotating.is_current(&old));
    assert_eq!(rotating.open(&OWNER, &old).expect("opens").expose(), b"old");
    assert!(rotating.is_current(&seal(&rotating, b"new")));

    assert_eq!(ring().open(&OWNER, &old), Err(CannotUnseal::UnknownRootKey(former_id)));
}

/// The first row opens; each of the others differs from it in one fact, or shifts a boundary between two.
#[test]
fn a_secret_opens_only_where_it_belongs() {
    let key: KeyName = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().expect("a key id");
    let replica: KeyName = "mrk-1234abcd12ab34cd56ef1234567890ab".parse().expect("a key id");
    let (material, other) = (MaterialId::from_bytes([1; 32]), MaterialId::from_bytes([2; 32]));
    let bound = |account, region, key, material| Binding::KeyMaterial { account, region, key, material };
    let right = bound("000000000000", "us-east-1", &key, &material);

    let ring = ring();
    let sealed = ring.seal(&right, &[7; 32], &mut SystemRandom).expect("seals");
    let check = |binding: Binding<'_>, opens: bool| {
        assert_eq!(ring.open(&binding, &sealed).is_ok(), opens, "{binding:?}");
    };
    check(right, true);
    check(bound("000000000001", "us-east-1", &key, &material), false);
    check(bound("000000000000", "us-east-2", &key, &material), false);
    check(bound("000000000000u", "s-east-1", &key, &material), false);
    check(bound("000000000000", "us-east-1", &replica, &material), false);
    check(bound("000000000000", "us-east-1", &key, &other), false);
    check(Binding::Other { purpose: "000000000000", owner: "us-east-1" }, false);
}

/// Sealed on 2026-11-22 with [`LINE`] and checked then against an independent implementation in Python (`hmac`,
/// and AES-GCM of the package `cryptography`).
const KEPT: &str = "014148e2f31fa507f5000102030405060708090a0b0c0d0e0f101112131415161718191a1b6800a5\
 b2cd967fecfa33807546621bd38807344e5c28495adfed204915189b718cf3c050ff91bf88e77c50\
 70";

#[test]
fn kept_secrets_still_open() {
    let ring = RootKeyring::parse(LINE).expect("a key");
    let opened = ring.open(&OWNER, &hex::decode(KEPT).expect("hexadecimal")).expect("opens");
    assert_eq!(opened.expose(), b"kept since the first release");
}

#[test]
fn lengths_have_limits() {
    let ring = ring();
    let longest = vec![1; SEALED_SECRET_BYTES_MAX];
    let sealed = seal(&ring, &longest);
    assert_eq!(ring.open(&OWNER, &sealed).expect("opens").expose(), longest);
    let over = ring.seal(&OWNER, &vec![1; SEALED_SECRET_BYTES_MAX + 1], &mut SystemRandom);
    assert_eq!(over, Err(SecretTooLong));
    assert_eq!(ring.open(&OWNER, &[&sealed[..], &[0]].concat()), Err(CannotUnseal::Malformed));
    assert_eq!(
        ring.open(&OWNER, &sealed[..SEALED_HEADER_BYTES + TAG_BYTES - 1]),
        Err(CannotUnseal::Malformed)
    );
    assert_eq!(ring.open(&OWNER, &[]), Err(CannotUnseal::Malformed));
}

#[test]
fn every_bit_of_a_sealed_secret_counts() {
    let ring = ring();
    let mut sealed = seal(&ring, b"secret");
    for bit in 0..sealed.len() * 8 {
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(ring.open(&OWNER, &sealed).is_err(), "bit {bit}");
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(ring.open(&OWNER, &sealed).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ring().open(&OWNER, &bytes).is_err());
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        let _ = RootKeyring::parse(&text);
    }

    #[test]
    fn any_end_of_a_line_is_read_without_panic(end in "[0-9a-f:é]{0,80}") {
        prop_assert!(RootKeyring::parse(&[LINE_PREFIX, &end].concat()).is_err());
    }
}
