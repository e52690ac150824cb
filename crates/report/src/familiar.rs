//! Reads records by the shapes of those before them, and the general way where the shape is new.
//!
//! **Invariant:** either way gives the same record. The general way decides by names, by the source and by the
//! types of resources; names are fixed in every shape, and the others are declared so here.
//! **Not here:** the general way (`record`), and what shapes are (`keywatch_logfiles`).

use super::record::{ContextNames, PLACES, PLACES_OF_ALL, Record};
use keywatch_logfiles::{LastTime, NotARecord, Outline, Shapes, Spot};

/// Reads one record after another; each thread has its own.
#[derive(Debug)]
pub(super) struct RecordReader {
    shapes: Shapes<Known>,
    last_time: LastTime,
    /// How many shapes were learnt.
    learnt: u64,
}

/// What is looked at in the records of one shape.
#[derive(Debug)]
struct Known {
    /// Numbers of places in a record, and where their values stand.
    places: Vec<(u8, Spot)>,
    /// The resources after the first.
    more_resources: Vec<Spot>,
    context_names: ContextNames,
}

impl Default for RecordReader {
    fn default() -> Self {
        Self { shapes: Shapes::new(is_fixed), last_time: LastTime::default(), learnt: 0 }
    }
}

impl RecordReader {
    /// As [`Record::read`].
    #[inline]
    pub(super) fn read<'a>(
        &'a mut self,
        json: &'a [u8],
        record: &mut Record<'a>,
    ) -> Result<usize, NotARecord> {
        let Some(hit) = self.shapes.find(json) else {
            let length = record.read(json)?;
            self.learnt += 1;
            self.shapes.learn(json, length, |outline| Known::of(record, outline, self.learnt));
            return Ok(length);
        };
        let known = self.shapes.known(hit);
        let places = record.places();
        for (number, spot) in &known.places {
            *places[usize::from(*number)] = Some(self.shapes.value(json, spot));
        }
        for spot in &known.more_resources {
            record.resources.add(self.shapes.value(json, spot));
        }
        record.context_names = Some(&known.context_names);
        record.time = record.essence.check_after(&mut self.last_time)?;
        Ok(hit.length)
    }
}

impl Known {
    /// Of the records of other services no more is known than what is looked at in every record.
    fn of(record: &mut Record<'_>, outline: &Outline<'_>, list: u64) -> Option<Self> {
        let mut context_names = ContextNames { list, names: Vec::new() };
        record.each_context_name(|name| context_names.names.push(Box::from(name)));
        let more_resources =
            record.resources.more().iter().map(|arn| outline.spot(arn)).collect::<Option<_>>()?;
        let needed = if record.is_of_kms() { PLACES } else { PLACES_OF_ALL };
        let places =
            (0..).zip(record.places()).take(needed).filter_map(|(number, place)| Some((number, (*place)?)));
        let places =
            places.map(|(number, value)| Some((number, outline.spot(&value)?))).collect::<Option<_>>()?;
        Some(Self { places, more_resources, context_names })
    }
}

/// Members whose strings belong to the shape: those that reading decides by, and those that have few values.
fn is_fixed(name: &[u8]) -> bool {
    is_decided_by(name)
        || matches!(
            name,
            b"eventVersion"
                | b"eventType"
                | b"eventCategory"
                | b"awsRegion"
                | b"accountId"
                | b"recipientAccountId"
                | b"mfaAuthenticated"
                | b"tlsVersion"
                | b"cipherSuite"
                | b"keyExchange"
                | b"encryptionAlgorithm"
        )
}

fn is_decided_by(name: &[u8]) -> bool {
    matches!(name, b"eventSource" | b"type")
}

#[cfg(test)]
mod tests {
    use super::super::gather::{Gathered, gather};
    use super::super::options::Period;
    use super::super::summary::Summary;
    use super::super::tally::Tally;
    use keywatch_logfiles::discover;
    use proptest::prelude::*;
    use std::fmt::Write;
    use std::fs;
    use std::path::Path;

    /// Draws numbers (splitmix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.0;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (bits ^ (bits >> 31)) as usize % limit
        }

        fn of<'t>(&mut self, texts: &[&'t str]) -> &'t str {
            texts[self.below(texts.len())]
        }
    }

    /// Writes JSON whose names and nesting come from `shape` and whose strings and numbers from `values`.
    struct Writer {
        shape: Random,
        values: Random,
        text: String,
    }

    const KEYS: &[&str] = &[
        "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321",
        "arn:aws:kms:us-west-2:111122223333:alias\\/a",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "alias/b",
        "no key",
    ];
    const IDENTITY: &[&str] =
        &["type", "arn", "accountId", "principalId", "invokedBy", "sessionContext", "userName"];
    const REQUEST: &[&str] = &[
        "keyId",
        "targetKeyId",
        "destinationKeyId",
        "sourceKeyId",
        "encryptionContext",
        "destinationEncryptionContext",
        "encryptionAlgorithm",
        "keyPairSpec",
        "grantId",
        "foreign",
    ];
    const OTHERS: &[&str] = &[
        "awsRegion",
        "sourceIPAddress",
        "errorCode",
        "errorMessage",
        "userIdentity",
        "requestParameters",
        "resources",
        "resources",
        "responseElements",
        "recipientAccountId",
        "serviceEventDetails",
        "eventType",
        "readOnly",
        "eventSource",
        "foreign",
    ];

    impl Writer {
        /// The text of a record, at times with escapes in names, blanks, and members that come twice.
        fn record(shape: u64, values: u64, number: usize) -> String {
            let mut writer = Self { shape: Random(shape), values: Random(values), text: String::new() };
            let mut names = vec!["eventVersion", "eventTime", "eventSource", "eventName", "eventID"];
            names.extend((0..writer.shape.below(18)).map(|_| writer.shape.of(OTHERS)));
            for place in (1..names.len()).rev() {
                names.swap(place, writer.shape.below(place + 1));
            }
            writer.object(&names, |writer, name| match name {
                "eventID" => write!(writer.text, "\"00000000-0000-4000-8000-{number:012}\"").expect("memory"),
                name => writer.member(name),
            });
            writer.text
        }

        fn object(&mut self, names: &[&str], mut member: impl FnMut(&mut Self, &str)) {
            self.text.push('{');
            for (place, name) in names.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let blank = if self.shape.below(20) == 0 { " \n" } else { "" };
                // The first letter is written as an escape.
                let escaped = (self.shape.below(60) == 0)
                    .then(|| format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]));
                let shown = escaped.as_deref().unwrap_or(name);
                write!(self.text, "{comma}{blank}\"{shown}\":{blank}").expect("memory");
                member(self, name);
            }
            self.text.push('}');
        }

        fn some(&mut self, names: &'static [&'static str], at_most: usize) -> Vec<&'static str> {
            (0..self.shape.below(at_most)).map(|_| self.shape.of(names)).collect()
        }

        fn member(&mut self, name: &str) {
            if !matches!(name, "eventVersion" | "eventTime" | "eventSource" | "eventName")
                && self.shape.below(12) == 0
            {
                return self.odd();
            }
            match name {
                "userIdentity" => {
                    let names = self.some(IDENTITY, 7);
                    self.object(&names, Self::member);
                }
                "sessionContext" => self.object(&["sessionIssuer"], |writer, _| {
                    writer.object(&["type", "arn"], |writer, name| match name {
                        // A principal has one issuer.
                        "arn" => writer.string(&["arn:aws:iam::111122223333:role/a"]),
                        name => writer.member(name),
                    });
                }),
                "requestParameters" | "responseElements" | "serviceEventDetails" => {
                    let names = self.some(REQUEST, 6);
                    self.object(&names, Self::member);
                }
                "encryptionContext" | "destinationEncryptionContext" => {
                    let names = self.some(&["a", "type", "tenant"], 4);
                    self.object(&names, Self::member);
                }
                "resources" => {
                    self.text.push('[');
                    for place in 0..self.shape.below(4) {
                        self.text.push_str(if place > 0 { "," } else { "" });
                        let names = match self.shape.below(2) {
                            0 => vec!["type", "ARN"],
                            _ => self.some(&["ARN", "type", "accountId"], 4),
                        };
                        self.object(&names, |writer, name| match name {
                            "type" => writer.string(&["AWS::KMS::Key", "AWS::S3::Bucket"]),
                            name => writer.member(name),
                        });
                    }
                    self.text.push(']');
                }
                "readOnly" => self.text.push_str(["true", "false"][self.shape.below(2)]),
                "eventVersion" => self.string(&["1.11", "1.08"]),
                "eventTime" => {
                    self.string(&["2026-10-01T10:00:00Z", "2026-10-02T11:30:00Z", "2026-10-02T11:30:00.5Z"])
                }
                "eventSource" => {
                    self.string(&[
                        "kms.amazonaws.com",
                        "kms\\u002eamazonaws.com",
                        "kms.amazonaws.com",
                        "s3.amazonaws.com",
                    ]);
                }
                "eventName" => self.string(&[
                    "Decrypt",
                    "ReEncrypt",
                    "CreateGrant",
                    "CreateKey",
                    "ScheduleKeyDeletion",
                    "\\u0045ncrypt",
                ]),
                "eventType" => self.string(&["AwsApiCall", "AwsServiceEvent"]),
                "ARN" | "arn" | "keyId" | "sourceKeyId" | "targetKeyId" | "destinationKeyId" => {
                    self.string(KEYS)
                }
                "errorCode" => self.string(&["AccessDenied", "DisabledException"]),
                _ => self.string(&[
                    "",
                    "111122223333",
                    "444455556666",
                    "a\\\"b",
                    "}{,:",
                    "\\\\",
                    "é",
                    "us-west-2",
                ]),
            }
        }

        fn string(&mut self, values: &[&str]) {
            let value = self.values.of(values);
            write!(self.text, "\"{value}\"").expect("memory");
        }

        fn odd(&mut self) {
            match self.shape.below(4) {
                0 => self.text.push_str("null"),
                1 => write!(self.text, "{}", self.values.below(100_000)).expect("memory"),
                2 => self.text.push_str("[{\"a\":[true,\"]\"]},-1.5e3]"),
                _ => self.text.push_str("{\"keyId\":{\"type\":\"x\"}}"),
            }
        }
    }

    /// The report on one file with these records.
    fn tally(directory: &Path, records: &[String]) -> Tally {
        let path = directory.join("a.json");
        fs::write(&path, format!("{{\"Records\":[{}]}}", records.join(","))).expect("a file");
        let files = discover(&[path]).expect("it is there");
        let gathered = gather(&files, false, Period::default(), &|_| {});
        assert_eq!(gathered.skipped, [], "{records:?}");
        gathered.tally
    }

    fn report(tally: Tally) -> String {
        let gathered = Gathered { tally, ..Gathered::default() };
        Summary::of(gathered, Period::default()).json()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        /// Shapes that were seen before change nothing: read together, so that most have a known one, and each
        /// by a reader of its own, records give the same report.
        #[test]
        fn what_came_before_changes_nothing(drawn in prop::collection::vec((0_u64..4, any::<u64>()), 2..40), seed: u64) {
            let records: Vec<String> = drawn
                .iter()
                .enumerate()
                .map(|(number, (shape, values))| Writer::record(seed.wrapping_add(*shape), *values, number))
                .collect();
            let directory = tempfile::tempdir().expect("a directory");
            let together = tally(directory.path(), &records);
            let mut alone = Tally::default();
            for record in &records {
                alone.merge(tally(directory.path(), std::slice::from_ref(record)));
            }
            prop_assert_eq!(report(together), report(alone));
        }
    }
}
