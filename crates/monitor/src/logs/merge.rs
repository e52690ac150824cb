//! Reading the events of streams in order, however many there are
//!
//! A heap holds chunks by their first event and events by themselves: a chunk is unpacked when nothing earlier is
//! left, so only chunks that overlap are in memory at once.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, VecDeque},
    ops::Range,
};

use bytes::Bytes;
use keywatch_store::{Row, Scan, Store, StoreError};

use super::{
    chunk::{self, Position, StoredEvent},
    record::CHUNK,
};

/// Rows fetched at once for one stream.
const ROWS_AT_ONCE: usize = 16;

/// Events of some streams within a range, in order.
#[derive(Debug)]
pub(crate) struct Merge<'s> {
    store: &'s Store,
    streams: Vec<Source>,
    heap: BinaryHeap<Reverse<Item>>,
    range: Range<Position>,
}

#[derive(Debug)]
struct Source {
    id: String,
    fetched: VecDeque<Row>,
    /// The key after which to fetch on; `None` when nothing is left.
    after: Option<String>,
}

#[derive(Debug)]
struct Item {
    position: Position,
    stream: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Chunk(Bytes),
    Event(StoredEvent),
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Item {}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.position, self.stream).cmp(&(other.position, other.stream))
    }
}

impl<'s> Merge<'s> {
    /// `range` is half open.
    pub(crate) async fn open(
        store: &'s Store,
        stream_ids: impl IntoIterator<Item = String>,
        range: Range<Position>,
    ) -> Result<Self, StoreError> {
        let streams = stream_ids
            .into_iter()
            .map(|id| {
                let after = Some(chunk::key_before(&id, range.start.time));
                Source { id, fetched: VecDeque::new(), after }
            })
            .collect();
        let mut merge = Self { store, streams, heap: BinaryHeap::new(), range };
        for stream in 0..merge.streams.len() {
            merge.push_next_chunk(stream).await?;
        }
        Ok(merge)
    }

    /// The next event and the number of its stream in the order they were given.
    pub(crate) async fn next(&mut self) -> Result<Option<(usize, StoredEvent)>, StoreError> {
        while let Some(Reverse(item)) = self.heap.pop() {
            match item.content {
                Content::Event(event) => return Ok(Some((item.stream, event))),
                Content::Chunk(packed) => {
                    // A page that goes on within a busy minute passes over what earlier pages had.
                    if chunk::last(&packed)? >= self.range.start {
                        self.push_events(item.stream, &packed)?;
                    }
                    self.push_next_chunk(item.stream).await?;
                }
            }
        }
        Ok(None)
    }

    fn push_events(&mut self, stream: usize, packed: &[u8]) -> Result<(), StoreError> {
        for event in chunk::unpack(packed)? {
            if self.range.contains(&event.position) {
                let position = event.position;
                self.heap.push(Reverse(Item { position, stream, content: Content::Event(event) }));
            }
        }
        Ok(())
    }

    async fn push_next_chunk(&mut self, stream: usize) -> Result<(), StoreError> {
        let source = &mut self.streams[stream];
        if source.fetched.is_empty() {
            let Some(after) = source.after.take() else { return Ok(()) };
            let prefix = format!("{}:", source.id);
            let scan = Scan { prefix: &prefix, after: Some(&after), limit: ROWS_AT_ONCE };
            let rows = self.store.scan(CHUNK, scan).await?;
            if rows.len() == ROWS_AT_ONCE {
                source.after = rows.last().map(|row| row.key.clone());
            }
            source.fetched = rows.into();
        }
        let Some(row) = source.fetched.pop_front() else { return Ok(()) };
        let position = chunk::position_of(&row.key)?;
        if position < self.range.end {
            self.heap.push(Reverse(Item { position, stream, content: Content::Chunk(row.bytes) }));
        } else {
            source.fetched.clear();
            source.after = None;
        }
        Ok(())
    }
}
