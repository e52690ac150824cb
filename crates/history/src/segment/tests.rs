//! Segments answer like the entries they were made of.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{EntryKind, LogEntry};

use super::{OpenSegment, SegmentStream, encode};
use crate::catalogue::Segment;
use crate::testing::record;
use crate::{Column, Condition, Place, Query, Test};

fn entries(count: u64) -> Vec<LogEntry> {
    (1..=count).map(|seq| record(seq, (seq * 7919) % 1000)).collect()
}

async fn segment(entries: &[LogEntry], place: &Place) -> OpenSegment {
    let (bytes, written) = encode(entries.to_vec()).unwrap();
    let size = bytes.len() as u64;
    let mut file = place.create("one.parquet").await.unwrap();
    file.write(bytes).await.unwrap();
    file.finish().await.unwrap();
    let segment = Segment {
        name: "one.parquet".into(),
        bytes: size,
        first_seq: 1,
        last_seq: entries.len() as u64,
        records: written.records,
        time_min: written.time_min,
        time_max: written.time_max,
        level: 0,
    };
    OpenSegment::open(place, Arc::new(segment)).unwrap()
}

fn answer(open: &OpenSegment, query: &Query) -> Vec<LogEntry> {
    let mut found = Vec::new();
    for group in 0..open.groups() {
        let wanted = open.wanted(group, query, 0).unwrap();
        found.extend(open.entries(group, &wanted).unwrap());
    }
    found
}

#[tokio::test]
async fn columns_decide_like_records() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::open_directory(dir.path()).unwrap();
    let all = entries(3_000);
    let open = segment(&all, &place).await;
    let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
    let key = "arn:aws:kms:us-east-1:111122223333:key/k3";
    let ends = Test::Passes(Arc::new(|value: &[u8]| value.ends_with(b"k5")));
    let some: Test = Test::OneOf(Arc::new(["e-17", "e-2999", "e-9999"].map(str::to_owned).into()));
    let conditions = [
        vec![],
        vec![Condition::is(&[Column::Resources], key)],
        vec![Condition::is(&[Column::Resources], "arn:absent")],
        vec![Condition::is(&[Column::EventId], "e-42")],
        vec![Condition::passes(&[Column::EventId], some, None)],
        vec![Condition::passes(&[Column::Resources], ends, None), Condition::read_only(false)],
        vec![Condition::is(&[Column::Principal, Column::SessionIssuer], "arn:aws:iam::111122223333:role/r1")],
        vec![
            Condition::is(&[Column::ErrorCode], "AccessDenied"),
            Condition::is(&[Column::EventName], "Decrypt"),
        ],
        vec![Condition::is(&[Column::ResourceTypes], "AWS::KMS::Key")],
    ];
    for region in [Some("us-east-1"), Some("eu-west-1"), Some("absent"), None] {
        for range in
            [Timestamp::MIN..=Timestamp::MAX, at(100)..=at(500), at(500)..=at(500), at(5000)..=at(6000)]
        {
            for conditions in &conditions {
                let (range, conditions) = (range.clone(), conditions.clone());
                let query =
                    Query { range, conditions, own_since: at(50), ..Query::of("111122223333", region) };
                let mut want: Vec<LogEntry> = all
                    .iter()
                    .filter(|entry| query.reaches(entry) && query.accept(&entry.bytes).is_some())
                    .cloned()
                    .collect();
                want.sort_by_key(|entry| (entry.time, entry.seq));
                assert_eq!(answer(&open, &query), want, "{query:?}");
            }
        }
    }
}

#[tokio::test]
async fn rows_stream_in_order_and_other_kinds_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::open_directory(dir.path()).unwrap();
    let mut all = entries(700);
    let odd = |kind| LogEntry { kind, bytes: Bytes::from_static(b"{}"), ..record(900, 1) };
    all.push(odd(EntryKind::Unknown(77)));
    all.push(LogEntry { seq: 901, ..odd(EntryKind::Points) });
    let open = segment(&all, &place).await;
    assert_eq!(open.segment.records, 701);
    all.pop();
    all.sort_by_key(|entry| (entry.time, entry.seq));
    let mut stream = SegmentStream::new(Arc::new(open));
    for want in all {
        assert_eq!(stream.next().unwrap(), Some(want));
    }
    assert_eq!(stream.next().unwrap(), None);
}
