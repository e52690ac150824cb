//! Reads of one record what the report counts, in one pass over its text.
//!
//! A **member** that the report looks into (who called, what was asked, which resources) is entered where it
//! stands; what it only may need is kept as a value; the rest is passed over.
//! **Invariants:** nothing is copied or allocated for a record as CloudTrail writes it; of members of one name
//! the last counts, as with any reader of JSON.
//! **Not here:** what the members mean (`fact`).

use jiff::Timestamp;
use keywatch_logfiles::{Cursor, Essence, Malformed, NotARecord, Value};
use std::borrow::Cow;

const KMS_SOURCE: &[u8] = b"kms.amazonaws.com";

/// The text of a string member, its escapes resolved; not checked for being UTF-8.
pub(super) type Text<'a> = Option<Cow<'a, [u8]>>;

/// A record with the members the report looks at.
#[derive(Debug, Default)]
pub(super) struct Record<'a> {
    pub(super) essence: Essence<'a>,
    pub(super) time: Timestamp,
    event_id: Option<Value<'a>>,
    pub(super) region: Option<Value<'a>>,
    recipient: Option<Value<'a>>,
    pub(super) source_address: Option<Value<'a>>,
    pub(super) error_code: Option<Value<'a>>,
    pub(super) error_message: Option<Value<'a>>,
    pub(super) identity: Identity<'a>,
    pub(super) request: Request<'a>,
    pub(super) resources: Resources<'a>,
    pub(super) response_elements: Option<Value<'a>>,
    pub(super) service_event_details: Option<Value<'a>>,
    /// The names in the encryption contexts, where the record's shape tells them.
    pub(super) context_names: Option<&'a ContextNames>,
}

/// The names in the encryption contexts of all records of one shape.
#[derive(Debug)]
pub(super) struct ContextNames {
    /// The list's number: whoever reads one record after another never meets two lists with the same.
    pub(super) list: u64,
    pub(super) names: Vec<Box<[u8]>>,
}

/// How many places a record has for values.
pub(super) const PLACES: usize = 30;
/// The first of them are looked at also in records of other services.
pub(super) const PLACES_OF_ALL: usize = 6;

/// Of `userIdentity`.
#[derive(Debug, Default)]
pub(super) struct Identity<'a> {
    pub(super) kind: Option<Value<'a>>,
    pub(super) arn: Option<Value<'a>>,
    pub(super) account: Option<Value<'a>>,
    pub(super) invoked_by: Option<Value<'a>>,
    pub(super) principal_id: Option<Value<'a>>,
    pub(super) session: Option<Value<'a>>,
}

/// Of `requestParameters`.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    /// All of them.
    pub(super) parameters: Option<Value<'a>>,
    pub(super) keys: [Option<Value<'a>>; 2],
    pub(super) destination: Option<Value<'a>>,
    pub(super) contexts: [Option<Value<'a>>; 2],
    /// The encryption or signing algorithm.
    pub(super) algorithm: Option<Value<'a>>,
    /// Both algorithms of a `ReEncrypt`.
    pub(super) algorithms: [Option<Value<'a>>; 2],
    pub(super) key_pair_spec: Option<Value<'a>>,
}

/// The ARNs of `resources` that are of type `AWS::KMS::Key`, which also aliases have; old records give no type.
#[derive(Debug, Default)]
pub(super) struct Resources<'a> {
    first: Option<Value<'a>>,
    more: Vec<Value<'a>>,
}

/// The text of a string member.
#[inline]
pub(super) fn text(value: Option<Value<'_>>) -> Text<'_> {
    value?.as_bytes()
}

impl<'a> Record<'a> {
    /// Reads the record, an object, at the start of `json`, which may go on after it, into this empty one.
    /// Returns how long it is, in bytes.
    #[inline]
    pub(super) fn read(&mut self, json: &'a [u8]) -> Result<usize, NotARecord> {
        let mut cursor = Cursor::new(json);
        cursor.object(|name, cursor| self.member(name, cursor))?;
        self.time = self.essence.check()?;
        Ok(cursor.offset())
    }

    /// Whether the record is known to be of another service, so that nothing more of it is looked into.
    #[inline]
    pub(super) fn is_of_other_service(&self) -> bool {
        text(self.essence.source).is_some_and(|source| *source != *KMS_SOURCE)
    }

    /// By length first: names of one length are compared as arrays, in a few instructions.
    #[inline]
    fn member(&mut self, name: &[u8], cursor: &mut Cursor<'a>) -> Result<(), Malformed> {
        let place = match name.len() {
            7 if is(name, b"eventID") => &mut self.event_id,
            9 => match name {
                _ if is(name, b"eventTime") => &mut self.essence.time,
                _ if is(name, b"eventName") => &mut self.essence.name,
                _ if is(name, b"eventType") => &mut self.essence.kind,
                _ if is(name, b"awsRegion") => &mut self.region,
                _ if is(name, b"errorCode") => &mut self.error_code,
                _ if is(name, b"resources") && !self.is_of_other_service() => {
                    self.resources = Resources::read(cursor)?;
                    return Ok(());
                }
                _ => return cursor.value().map(drop),
            },
            11 if is(name, b"eventSource") => &mut self.essence.source,
            12 => match name {
                _ if is(name, b"userIdentity") => {
                    self.identity = Identity::read(cursor)?;
                    return Ok(());
                }
                _ if is(name, b"eventVersion") => &mut self.essence.version,
                _ if is(name, b"errorMessage") => &mut self.error_message,
                _ => return cursor.value().map(drop),
            },
            15 if is(name, b"sourceIPAddress") => &mut self.source_address,
            16 if is(name, b"responseElements") => &mut self.response_elements,
            17 if is(name, b"requestParameters") && !self.is_of_other_service() => {
                self.request = Request::read(cursor)?;
                return Ok(());
            }
            18 if is(name, b"recipientAccountId") => &mut self.recipient,
            19 if is(name, b"serviceEventDetails") => &mut self.service_event_details,
            _ => return cursor.value().map(drop),
        };
        *place = Some(cursor.value()?);
        Ok(())
    }

    /// The places for values, always in the same order, without those of resources after the first.
    #[inline]
    pub(super) fn places(&mut self) -> [&mut Option<Value<'a>>; PLACES] {
        let Self { essence, identity, request, resources, .. } = self;
        let [key, target] = &mut request.keys;
        let [context, destination_context] = &mut request.contexts;
        let [algorithm, destination_algorithm] = &mut request.algorithms;
        [
            &mut essence.version,
            &mut essence.time,
            &mut essence.source,
            &mut essence.name,
            &mut essence.kind,
            &mut self.event_id,
            &mut self.region,
            &mut self.recipient,
            &mut self.source_address,
            &mut self.error_code,
            &mut self.error_message,
            &mut identity.kind,
            &mut identity.arn,
            &mut identity.account,
            &mut identity.invoked_by,
            &mut identity.principal_id,
            &mut identity.session,
            &mut request.parameters,
            key,
            target,
            &mut request.destination,
            context,
            destination_context,
            &mut request.algorithm,
            algorithm,
            destination_algorithm,
            &mut request.key_pair_spec,
            &mut resources.first,
            &mut self.response_elements,
            &mut self.service_event_details,
        ]
    }

    /// Tells the names in the encryption contexts, values left out.
    pub(super) fn each_context_name(&self, mut tell: impl FnMut(&[u8])) {
        match self.context_names {
            Some(list) => list.names.iter().for_each(|name| tell(name)),
            None => self.request.each_context_name(tell),
        }
    }

    #[inline]
    pub(super) fn is_of_kms(&self) -> bool {
        text(self.essence.source).is_some_and(|source| *source == *KMS_SOURCE)
    }

    /// `recipientAccountId`, else `userIdentity.accountId`.
    #[inline]
    pub(super) fn account(&self) -> Text<'a> {
        text(self.recipient).or_else(|| text(self.identity.account))
    }

    /// `eventID`; absent before event version 1.01.
    #[inline]
    pub(super) fn event_id(&self) -> Text<'a> {
        text(self.event_id)
    }

    /// `eventName`.
    #[inline]
    pub(super) fn event_name(&self) -> Cow<'a, [u8]> {
        text(self.essence.name).unwrap_or_default()
    }
}

impl<'a> Identity<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut identity = Self::default();
        cursor.object(|name, cursor| {
            let value = cursor.value()?;
            match name {
                b"type" => identity.kind = Some(value),
                b"arn" => identity.arn = Some(value),
                b"accountId" => identity.account = Some(value),
                b"invokedBy" => identity.invoked_by = Some(value),
                b"principalId" => identity.principal_id = Some(value),
                b"sessionContext" => identity.session = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        Ok(identity)
    }
}

impl<'a> Request<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut request = Self::default();
        let parameters = cursor.object(|name, cursor| {
            let value = cursor.value()?;
            match name {
                b"keyId" | b"sourceKeyId" => request.keys[0] = Some(value),
                b"targetKeyId" => request.keys[1] = Some(value),
                b"destinationKeyId" => request.destination = Some(value),
                b"encryptionContext" | b"sourceEncryptionContext" => request.contexts[0] = Some(value),
                b"destinationEncryptionContext" => request.contexts[1] = Some(value),
                b"keyPairSpec" => request.key_pair_spec = Some(value),
                b"encryptionAlgorithm" | b"signingAlgorithm" => request.algorithm = Some(value),
                b"sourceEncryptionAlgorithm" => request.algorithms[0] = Some(value),
                b"destinationEncryptionAlgorithm" => request.algorithms[1] = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        request.parameters = Some(parameters);
        Ok(request)
    }

    /// The encryption or signing algorithm; of a `ReEncrypt` the one that is not symmetric, if any.
    pub(super) fn algorithm(&self) -> Text<'a> {
        let asymmetric =
            |value: &Option<Value<'a>>| text(*value).filter(|name| **name != *b"SYMMETRIC_DEFAULT");
        self.algorithms.iter().rev().find_map(asymmetric).or_else(|| text(self.algorithm))
    }

    /// Tells the names in the encryption contexts, values left out.
    fn each_context_name(&self, mut tell: impl FnMut(&[u8])) {
        for context in self.contexts.iter().flatten() {
            // What comes before damage is told.
            let _ = Cursor::new(context.json()).object(|name, cursor| {
                tell(name);
                cursor.value().map(drop)
            });
        }
    }
}

impl<'a> Resources<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let mut resources = Self::default();
        cursor.array(|cursor| {
            let (mut arn, mut is_kms) = (None, true);
            cursor.object(|name, cursor| {
                let value = cursor.value()?;
                match name {
                    b"ARN" | b"arn" => arn = Some(value),
                    b"type" => is_kms = text(Some(value)).is_none_or(|kind| *kind == *b"AWS::KMS::Key"),
                    _ => {}
                }
                Ok(())
            })?;
            if is_kms && let Some(arn) = arn {
                resources.add(arn);
            }
            Ok(())
        })?;
        Ok(resources)
    }

    pub(super) fn add(&mut self, arn: Value<'a>) {
        match self.first {
            None => self.first = Some(arn),
            Some(_) => self.more.push(arn),
        }
    }

    /// All but the first.
    pub(super) fn more(&self) -> &[Value<'a>] {
        &self.more
    }

    pub(super) fn arns(&self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.first.iter().chain(&self.more).filter_map(Value::as_bytes)
    }
}

/// Whether a name of the same length is this one.
#[inline]
fn is<const N: usize>(name: &[u8], known: &[u8; N]) -> bool {
    name.first_chunk() == Some(known)
}
