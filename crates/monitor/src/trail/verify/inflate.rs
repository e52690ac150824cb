//! Hashes of what gzip files hold.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use keywatch_crypto::digest::sha256;

use keywatch_logfiles::{FILE_TEXT_BYTES_MAX, may_have_more_members};

/// Files up to this size of text are inflated at once.
const WHOLE_TEXT_BYTES_MAX: usize = 256 << 20;

/// Inflates one file after another with the same buffer; each thread has its own.
pub struct Inflater {
    inflater: libdeflater::Decompressor,
    text: Vec<u8>,
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

/// No gzip, or more text than a file may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a gzip file")]
pub struct NotGzip;

impl Default for Inflater {
    fn default() -> Self {
        Self { inflater: libdeflater::Decompressor::new(), text: Vec::new() }
    }
}

impl Inflater {
    /// The text of a gzip file, all members of it.
    pub fn text(&mut self, gzip: &[u8]) -> Result<&[u8], NotGzip> {
        match self.whole(gzip) {
            Some(length) => Ok(&self.text[..length]),
            None => {
                self.text.clear();
                let mut stream = MultiGzDecoder::new(gzip).take(FILE_TEXT_BYTES_MAX + 1);
                stream.read_to_end(&mut self.text).map_err(|_| NotGzip)?;
                if self.text.len() as u64 > FILE_TEXT_BYTES_MAX { Err(NotGzip) } else { Ok(&self.text) }
            }
        }
    }

    /// SHA-256 of the text in hexadecimal, and how long it is in bytes.
    pub fn hash(&mut self, gzip: &[u8]) -> Result<(String, usize), NotGzip> {
        let text = self.text(gzip)?;
        Ok((hex::encode(sha256(text)), text.len()))
    }

    /// The size is what the trailer says; anything odd is left to the stream.
    fn whole(&mut self, gzip: &[u8]) -> Option<usize> {
        let (_, size) = gzip.split_last_chunk::<4>()?;
        let size = u32::from_le_bytes(*size) as usize;
        if size > WHOLE_TEXT_BYTES_MAX || may_have_more_members(gzip) {
            return None;
        }
        if self.text.len() < size {
            self.text.resize(size, 0);
        }
        let inflated = self.inflater.gzip_decompress(gzip, &mut self.text[..size]).ok()?;
        (inflated == size).then_some(size)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// A reader that stops after the first member would not see what was appended.
    #[test]
    fn every_member_counts() {
        let mut inflater = Inflater::default();
        assert_eq!(inflater.text(&gzip(b"hello")), Ok(b"hello".as_slice()));
        assert_eq!(inflater.text(&[gzip(b"hel"), gzip(b"lo")].concat()), Ok(b"hello".as_slice()));
        assert_eq!(inflater.text(&gzip(b"")), Ok(b"".as_slice()));
        let whole = gzip(b"hello");
        for end in 0..whole.len() {
            assert_eq!(inflater.text(&whole[..end]), Err(NotGzip), "{end}");
        }
        assert_eq!(inflater.hash(&gzip(b"abc")).unwrap(), (hex::encode(sha256(b"abc")), 3));
    }
}
