//! Who may do what with a bucket and its objects: identity policies, and the bucket's own policy.
//!
//! A caller who may not know whether something exists is told that access is denied, not that it is missing.

use std::borrow::Cow;

use keywatch_api::{AccountId, Arn};
use keywatch_iam::policy::{KeyList, PolicyDocument, PolicyKind, ResourceSide, Values};
use keywatch_iam::{Call, Question, RecordResource};
use keywatch_monitor::buckets::{BUCKET, BucketRecord, OBJECT, ObjectRecord, object_key};

use super::error::S3Error;

/// A bucket with its policy read.
#[derive(Debug)]
pub struct Bucket {
    pub name: String,
    pub record: BucketRecord,
    owner: AccountId,
    policy: Option<PolicyDocument>,
}

/// `arn:aws:s3:::bucket`
pub fn bucket_arn(bucket: &str) -> String {
    Arn::new("s3", "", "", bucket).to_string()
}

impl Bucket {
    /// Reads a bucket; for one that is not there, only those who may ask for `action` learn so.
    pub async fn find(call: &mut Call<'_>, name: &str, action: &str) -> Result<Self, S3Error> {
        let Some(record) = call.tx.get::<BucketRecord>(BUCKET, name).await? else {
            call.authorize_own(action, &bucket_arn(name))?;
            return Err(S3Error::NoSuchBucket);
        };
        let damaged = |error: &dyn std::fmt::Display| S3Error::Internal(format!("bucket {name}: {error}"));
        let owner = record.owner.parse().map_err(|error| damaged(&error))?;
        let policy = record.policy.as_deref().map(|text| PolicyDocument::parse(PolicyKind::Resource, text));
        let policy = policy.transpose().map_err(|error| damaged(&error))?;
        Ok(Self { name: name.to_owned(), record, owner, policy })
    }

    /// Reads a bucket and authorises an action on it; the record names it.
    pub async fn authorized(call: &mut Call<'_>, name: &str, action: &str) -> Result<Self, S3Error> {
        let bucket = Self::find(call, name, action).await?;
        call.notes.resources.push(RecordResource {
            arn: bucket_arn(name),
            account: bucket.record.owner.clone(),
            kind: "AWS::S3::Bucket",
        });
        bucket.authorize(call, action, &bucket_arn(name), &KeyList::default())?;
        Ok(bucket)
    }

    /// Authorises an action on one of its objects.
    pub fn authorize_object(&self, call: &Call<'_>, action: &str, key: &str) -> Result<(), S3Error> {
        self.authorize(call, action, &format!("{}/{key}", bucket_arn(&self.name)), &KeyList::default())
    }

    /// Authorises listing, which policies may limit by prefix.
    pub fn authorize_list(
        &self,
        call: &Call<'_>,
        action: &str,
        list: &[(&'static str, Option<&str>)],
    ) -> Result<(), S3Error> {
        let keys = list.iter().fold(KeyList::default(), |keys, (name, value)| match value {
            Some(value) => keys.with(*name, Values::one(Cow::Borrowed(*value))),
            None => keys,
        });
        self.authorize(call, action, &bucket_arn(&self.name), &keys)
    }

    fn authorize(
        &self,
        call: &Call<'_>,
        action: &str,
        resource: &str,
        keys: &KeyList<'_>,
    ) -> Result<(), S3Error> {
        Ok(call.authorize(&Question {
            action,
            resource,
            owner: &self.owner,
            side: ResourceSide::Optional(self.policy.as_ref()),
            granted: false,
            keys,
        })?)
    }

    /// Reads an object whose `action` was authorised; that it is missing learns who may list.
    pub async fn object(&self, call: &mut Call<'_>, key: &str) -> Result<ObjectRecord, S3Error> {
        match call.tx.get(OBJECT, &object_key(&self.name, key)).await? {
            Some(object) => Ok(object),
            None => {
                self.authorize_list(call, "s3:ListBucket", &[])?;
                Err(S3Error::NoSuchKey)
            }
        }
    }
}
