//! How long sealing and opening an envelope takes: `cargo run --release -p keywatch-crypto --example envelope_rate`.
//!
//! Prints, for several lengths of plaintext, the best of several rounds in nanoseconds a call on one core, which is
//! the figure that other work on the machine disturbs least. A reading aid, not a test: nothing fails here.
#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use keywatch_crypto::{EncryptionContext, KeyMaterial, KeyName, SystemRandom, envelope, random};

const ROUNDS: u32 = 500;
const CALLS_A_ROUND: u32 = 200;

fn main() {
    let name = KeyName::from_uuid_bytes(random::uuid_bytes(&mut SystemRandom));
    let material = KeyMaterial::generate(name, &mut SystemRandom);
    let contexts = [
        ("no context", EncryptionContext::empty()),
        ("one pair", EncryptionContext::from_pairs([("Department", "Finance")]).expect("a context")),
    ];
    println!("{:>9}  {:<10}  {:>8}  {:>8}", "plaintext", "context", "seal ns", "open ns");
    for length in [32, 256, 1024, 4096] {
        let plaintext = vec![7; length];
        for (said, context) in &contexts {
            let seal = || envelope::seal(&material, context, &plaintext, &mut SystemRandom).expect("fits");
            let sealed = seal();
            let open = || {
                let envelope = envelope::parse(&sealed).expect("an envelope");
                envelope.open(&material, context).expect("opens")
            };
            println!("{length:>9}  {said:<10}  {:>8}  {:>8}", nanoseconds(seal), nanoseconds(open));
        }
    }
    println!("\n16 random bytes: {} ns", nanoseconds(random::array::<16>));
    println!(
        "material from 32 bytes, once a key: {} ns",
        nanoseconds(|| KeyMaterial::generate(name, &mut SystemRandom))
    );
}

/// Nanoseconds a call of `act` takes in the best round.
fn nanoseconds<T>(act: impl Fn() -> T) -> u128 {
    let round = || {
        let start = Instant::now();
        for _ in 0..CALLS_A_ROUND {
            black_box(act());
        }
        start.elapsed()
    };
    let best = (0..ROUNDS).map(|_| round()).min().unwrap_or(Duration::ZERO);
    best.as_nanos() / u128::from(CALLS_A_ROUND)
}
