//! Any bytes as a CloudTrail log file: no panic, the same records at once and streamed, each record once and
//! in bounds; a record of a known shape has the members that the general reader finds; and on valid JSON there
//! is the same number of elements as a parser that builds the whole tree finds.
#![no_main]

use keywatch_logfiles::{Cursor, FILE_TEXT_BYTES_MAX, FileSummary, RawRecord, Reader, Shapes, Spot, Taken, Value};
use libfuzzer_sys::fuzz_target;
use std::io::Read;
use std::ops::ControlFlow;

/// Gives seven bytes a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

/// Looks at all that a caller may look at.
fn walk(value: &Value<'_>) -> usize {
    let _ = value.as_str();
    let inner: usize = value.members().map_while(Result::ok).map(|(_, member)| walk(&member)).sum();
    let elements: usize = value.elements().map_while(Result::ok).map(|element| walk(&element)).sum();
    1 + inner + elements
}

fn read(
    read: impl FnOnce(&mut dyn FnMut(RawRecord<'_>) -> ControlFlow<()>) -> FileSummary,
) -> (FileSummary, Vec<Vec<u8>>) {
    let mut records = Vec::new();
    let summary = read(&mut |record| {
        records.push(record.json.to_vec());
        for part in [record.user_identity, record.request_parameters, record.resources].iter().flatten() {
            assert!(walk(part) > 0);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(summary.records, records.len() as u64);
    (summary, records)
}

/// Reads each record by its shape, if it is known, and compares it with what the general reader finds.
fn read_by_shape(bytes: &[u8], reader: &mut Reader) {
    let mut shapes = Shapes::<Vec<(Vec<u8>, Spot)>>::new(|name| name == b"type");
    reader.take_bytes(bytes, &mut |text| {
        let mut members = Vec::new();
        let mut cursor = Cursor::new(text);
        let hit = shapes.find(text);
        let read = cursor.object(|name, cursor| {
            members.push((name.to_vec(), cursor.value()?));
            Ok(())
        });
        let length = cursor.offset();
        match hit {
            Some(hit) => {
                assert!(read.is_ok());
                assert_eq!(hit.length, length);
                let known = shapes.known(hit);
                assert_eq!(known.len(), members.len());
                for ((known_name, spot), (name, value)) in known.iter().zip(&members) {
                    let found = shapes.value(text, spot);
                    assert_eq!((known_name, found.json()), (name, value.json()));
                    assert_eq!(found.as_bytes(), value.as_bytes());
                }
            }
            None if read.is_ok() => shapes.learn(text, length, |outline| {
                members.iter().map(|(name, value)| Some((name.clone(), outline.spot(value)?))).collect()
            }),
            None => {}
        }
        read?;
        Ok(Taken { length, flow: ControlFlow::Continue(()) })
    });
}

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::default();
    let whole = read(|sink| reader.read_bytes(bytes, sink));
    let streamed = read(|sink| reader.read_stream(Trickle(bytes), FILE_TEXT_BYTES_MAX, sink));
    assert_eq!(whole.1, streamed.1);
    read_by_shape(bytes, &mut reader);
    let Ok(serde_json::Value::Object(document)) = serde_json::from_slice(bytes) else { return };
    let Some(records) = document.get("Records").and_then(|records| records.as_array()) else { return };
    let repeats = String::from_utf8_lossy(bytes).matches("Records").count();
    if repeats == 1 && !bytes.contains(&b'\\') && records.iter().all(serde_json::Value::is_object) {
        let (summary, found) = whole;
        assert_eq!(found.len() as u64 + summary.faults.records_skipped, records.len() as u64);
        assert_eq!(summary.faults.ended_by, None);
    }
});
