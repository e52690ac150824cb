//! Random bytes: chance as a parameter, and a buffered generator for production.
//!
//! [`SystemRandom`] reads aws-lc's CTR-DRBG in blocks of [`BUFFER_BYTES`] per thread, because one DRBG call costs
//! about 350 ns whatever its size. Every buffered byte is handed out once and wiped as it goes.
//!
//! **Invariant:** a failing generator stops the process; weak or repeated bytes are never handed out.
//! **Not here:** seeded generators. Tests bring their own [`Random`].

use std::cell::RefCell;

use zeroize::Zeroizing;

/// A source of unpredictable bytes. Operations take `&mut dyn Random`, so that a test can own chance.
pub trait Random {
    /// Fills `out` completely.
    fn fill(&mut self, out: &mut [u8]);
}

/// The production source: aws-lc's generator behind a buffer of the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) {
        fill(out);
    }
}

/// Bytes fetched from the generator at a time, per thread.
pub const BUFFER_BYTES: usize = 4096;
/// Larger wishes than this go to the generator directly: there the call is no longer the larger part of the cost.
pub const BUFFERED_FILL_BYTES_MAX: usize = 512;
const _: () = assert!(BUFFERED_FILL_BYTES_MAX <= BUFFER_BYTES);

/// Fills `out` with random bytes from the calling thread's buffer.
///
/// # Panics
/// When the operating system's generator fails: there is no safe way on.
pub fn fill(out: &mut [u8]) {
    if out.len() > BUFFERED_FILL_BYTES_MAX {
        return fill_unbuffered(out);
    }
    // The buffer is gone while a thread runs its last destructors; they get unbuffered bytes.
    if BUFFER.try_with(|buffer| buffer.borrow_mut().take(out)).is_err() {
        fill_unbuffered(out);
    }
}

/// `N` random bytes.
pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// The 16 bytes of a random (version 4, RFC 9562 §5.4) UUID.
pub fn uuid_bytes(random: &mut dyn Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

thread_local! {
    static BUFFER: RefCell<Buffer> = RefCell::new(Buffer::empty());
}

/// Bytes `next..` have not been handed out; bytes before are zero.
struct Buffer {
    bytes: Box<Zeroizing<[u8; BUFFER_BYTES]>>,
    next: usize,
}

impl Buffer {
    fn empty() -> Self {
        Self { bytes: Box::new(Zeroizing::new([0; BUFFER_BYTES])), next: BUFFER_BYTES }
    }

    fn take(&mut self, out: &mut [u8]) {
        if BUFFER_BYTES - self.next < out.len() {
            fill_unbuffered(&mut self.bytes[..]);
            self.next = 0;
        }
        let handed = &mut self.bytes[self.next..self.next + out.len()];
        out.copy_from_slice(handed);
        handed.fill(0);
        self.next += out.len();
    }
}

fn fill_unbuffered(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).expect("the random generator failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::HashSet;

    #[test]
    fn bytes_are_handed_out_once_and_wiped() {
        let mut buffer = Buffer::empty();
        let mut seen = HashSet::new();
        for _ in 0..1000 {
            let mut bytes = [0; 24];
            buffer.take(&mut bytes);
            assert!(seen.insert(bytes), "the same bytes twice");
            assert!(buffer.bytes[..buffer.next].iter().all(|byte| *byte == 0), "a used byte was kept");
        }
    }

    #[test]
    fn every_length_is_filled() {
        for length in [1, 16, 28, BUFFERED_FILL_BYTES_MAX, BUFFERED_FILL_BYTES_MAX + 1, 3 * BUFFER_BYTES] {
            // A byte that stays zero in eight fills was not written (chance: 2^-64 a byte).
            let mut union = vec![0; length];
            for _ in 0..8 {
                let mut bytes = vec![0; length];
                fill(&mut bytes);
                union.iter_mut().zip(bytes).for_each(|(all, byte)| *all |= byte);
            }
            assert!(union.iter().all(|byte| *byte != 0), "{length}");
        }
    }

    #[test]
    fn threads_do_not_share_bytes() {
        let from_threads: Vec<[u8; 32]> =
            (0..8).map(|_| std::thread::spawn(array::<32>)).map(|t| t.join().expect("joins")).collect();
        assert_eq!(from_threads.iter().collect::<HashSet<_>>().len(), from_threads.len());
    }

    #[test]
    fn uuids_carry_version_and_variant() {
        for _ in 0..100 {
            let uuid = uuid_bytes(&mut SystemRandom);
            assert_eq!((uuid[6] >> 4, uuid[8] >> 6), (4, 0b10));
        }
    }
}
