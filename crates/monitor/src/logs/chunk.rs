//! Stored log events: runs of one stream's events within one minute, compressed
//!
//! A **position** orders all events of all streams: time, then sequence number in the log, then place in the entry. It
//! is also the event's id. A chunk's row is named after its first event, and a chunk never crosses a full minute, so
//! the events from some time on are in the chunks from the beginning of that minute on.

use std::{cmp::Ordering, fmt, str::FromStr};

use bytes::Bytes;
use keywatch_store::{Seq, StoreError};
use serde::{Deserialize, Serialize};

/// Millisecond span no chunk crosses.
pub(crate) const SPAN_MS: i64 = 60_000;
/// A chunk is closed at this many bytes of messages.
const CHUNK_BYTES_MAX: usize = 256 * 1024;
const FORMAT: u8 = 1;
/// Before the compressed events: the format and the position of the last event.
const HEAD_BYTES: usize = 1 + 8 + 8 + 4;
const ZSTD_LEVEL: i32 = 1;
/// Largest chunk that is unpacked: one chunk may hold one event of the greatest size above the bound.
const UNPACKED_BYTES_MAX: usize = 16 << 20;

/// Where an event stands among all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    /// Milliseconds since the epoch, not negative.
    pub(crate) time: i64,
    pub(crate) seq: Seq,
    pub(crate) index: u32,
}

impl Position {
    /// Before all events of `time`.
    pub(crate) fn start_of(time: i64) -> Self {
        Self { time: time.max(0), seq: 0, index: 0 }
    }
}

/// 56 digits, as AWS's event ids have.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}{:020}{:016}", self.time, self.seq, self.index)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAPosition;

impl FromStr for Position {
    type Err = NotAPosition;
    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text.len() != 56 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAPosition);
        }
        Ok(Self {
            time: text[..20].parse().map_err(|_| NotAPosition)?,
            seq: text[20..40].parse().map_err(|_| NotAPosition)?,
            index: text[40..].parse().map_err(|_| NotAPosition)?,
        })
    }
}

/// One log event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    pub(crate) position: Position,
    /// Milliseconds since the epoch.
    pub(crate) ingested: i64,
    pub(crate) message: String,
}

impl PartialOrd for StoredEvent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StoredEvent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.position.cmp(&other.position)
    }
}

/// Time, ingestion, sequence number, index, message.
#[derive(Serialize, Deserialize)]
struct Row(i64, i64, Seq, u32, String);

/// The row key of a chunk.
pub(crate) fn key(stream_id: &str, first: Position) -> String {
    format!("{stream_id}:{first}")
}

/// The key after which the chunks lie that can hold events from `time` on.
pub(crate) fn key_before(stream_id: &str, time: i64) -> String {
    let minute = time.max(0) / SPAN_MS * SPAN_MS;
    key(stream_id, Position::start_of(minute))
}

/// The position in a chunk's row key.
pub(crate) fn position_of(key: &str) -> Result<Position, StoreError> {
    let digits = key.rsplit(':').next().unwrap_or_default();
    digits.parse().map_err(|NotAPosition| StoreError::corrupt("the key of a chunk of log events"))
}

/// Cuts a stream's new events, in order of their positions, into chunks.
pub(crate) fn cut(events: &[StoredEvent]) -> Vec<&[StoredEvent]> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (at, event) in events.iter().enumerate() {
        let minute = event.position.time / SPAN_MS;
        if at > start && (minute != events[start].position.time / SPAN_MS || bytes >= CHUNK_BYTES_MAX) {
            chunks.push(&events[start..at]);
            start = at;
            bytes = 0;
        }
        bytes += event.message.len();
    }
    if start < events.len() {
        chunks.push(&events[start..]);
    }
    chunks
}

pub(crate) fn pack(events: &[StoredEvent]) -> Result<Bytes, StoreError> {
    let rows: Vec<Row> = events
        .iter()
        .map(|e| Row(e.position.time, e.ingested, e.position.seq, e.position.index, e.message.clone()))
        .collect();
    let json =
        serde_json::to_vec(&rows).map_err(|_| StoreError::corrupt("log events that cannot be written"))?;
    let last = events.last().map(|event| event.position).unwrap_or_default();
    let mut packed = vec![FORMAT];
    packed.extend_from_slice(&last.time.to_be_bytes());
    packed.extend_from_slice(&last.seq.to_be_bytes());
    packed.extend_from_slice(&last.index.to_be_bytes());
    let body = zstd::bulk::compress(&json, ZSTD_LEVEL)
        .map_err(|_| StoreError::corrupt("log events that cannot be compressed"))?;
    packed.extend_from_slice(&body);
    Ok(packed.into())
}

fn damaged() -> StoreError {
    StoreError::corrupt("a chunk of log events")
}

/// The position of a chunk's last event, read without unpacking.
pub(crate) fn last(packed: &[u8]) -> Result<Position, StoreError> {
    fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], StoreError> {
        bytes.get(at..at + N).and_then(|part| part.try_into().ok()).ok_or_else(damaged)
    }
    match packed.first() {
        Some(&FORMAT) => Ok(Position {
            time: i64::from_be_bytes(take(packed, 1)?),
            seq: Seq::from_be_bytes(take(packed, 9)?),
            index: u32::from_be_bytes(take(packed, 17)?),
        }),
        _ => Err(damaged()),
    }
}

pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<StoredEvent>, StoreError> {
    let (Some(&FORMAT), Some(body)) = (packed.first(), packed.get(HEAD_BYTES..)) else {
        return Err(damaged());
    };
    let json = zstd::bulk::decompress(body, UNPACKED_BYTES_MAX).map_err(|_| damaged())?;
    let rows: Vec<Row> = serde_json::from_slice(&json).map_err(|_| damaged())?;
    Ok(rows
        .into_iter()
        .map(|Row(time, ingested, seq, index, message)| StoredEvent {
            position: Position { time, seq, index },
            ingested,
            message,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: i64, seq: Seq, index: u32, message: &str) -> StoredEvent {
        StoredEvent {
            position: Position { time, seq, index },
            ingested: time + 5,
            message: message.to_owned(),
        }
    }

    #[test]
    fn positions_read_what_they_print() {
        let position = Position { time: 1_789_000_000_123, seq: u64::MAX, index: 9 };
        assert_eq!(position.to_string().parse(), Ok(position));
        assert_eq!(position.to_string().len(), 56);
        for bad in ["", "1", &"9".repeat(56), &"x".repeat(56), &"é".repeat(28)] {
            assert_eq!(bad.parse::<Position>(), Err(NotAPosition), "{bad}");
        }
    }

    #[test]
    fn chunks_end_with_the_minute_and_with_their_size() {
        let big = "x".repeat(CHUNK_BYTES_MAX);
        let events = [
            event(59_999, 1, 0, "a"),
            event(60_000, 1, 1, "b"),
            event(60_001, 1, 2, &big),
            event(60_002, 1, 3, "c"),
            event(180_000, 2, 0, "d"),
        ];
        let lengths: Vec<usize> = cut(&events).iter().map(|chunk| chunk.len()).collect();
        assert_eq!(lengths, [1, 2, 1, 1]);
        assert!(cut(&[]).is_empty());
    }

    #[test]
    fn unpacking_gives_back_what_was_packed() {
        let events = vec![event(1, 2, 3, "line\n\"quoted\" é"), event(1, 2, 4, "")];
        let packed = pack(&events).unwrap();
        assert_eq!(unpack(&packed).unwrap(), events);
        assert_eq!(last(&packed).unwrap(), events[1].position);
        assert!(last(&packed[..HEAD_BYTES - 1]).is_err());
        for damaged in [&b""[..], &b"\x02"[..], &packed[..packed.len() - 1]] {
            assert!(unpack(damaged).is_err());
        }
    }

    #[test]
    fn keys_lead_to_their_minute() {
        let first = key("s", Position { time: 61_000, seq: 7, index: 0 });
        assert!(key_before("s", 119_999) < first);
        assert!(key_before("s", 120_000) > first);
        assert_eq!(position_of(&first).unwrap().seq, 7);
    }
}
