//! Key files and sealed secrets: both readers take any bytes.
#![no_main]

use keywatch_crypto::{Binding, RootKeyring};
use libfuzzer_sys::fuzz_target;

const SEED_KEY: &str =
    "keywatch-root-key-1:0707070707070707070707070707070707070707070707070707070707070707:e219ec2b";

fuzz_target!(|input: &[u8]| {
    let ring = RootKeyring::parse(SEED_KEY).expect("the key of the seeds");
    // An error or the seed; which one does not matter, that there is one does.
    let _ = ring.open(&Binding::Other { purpose: "access-key", owner: "AKIAEXAMPLE" }, input);

    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(ring) = RootKeyring::parse(text) else { return };
    let again = RootKeyring::parse(ring.render().expose()).expect("what we render we read");
    assert_eq!(again.current_id(), ring.current_id());
    assert_eq!(again.render(), ring.render());
});
