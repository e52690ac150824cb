//! A source's bucket: its folders, what is new in them, and the bytes of one object.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use keywatch_crypto::RootKeyring;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::path::Path;
use object_store::{
    Attribute, BackoffConfig, ObjectMeta, ObjectStore, RetryConfig, StaticCredentialProvider,
};

use super::http::Guarded;
use super::intake::{FILE_BYTES_MAX, Fetched};
use super::layout::{Folder, Level, ROOT, level};
use super::poll::PollError;
use super::record::SourceRecord;
use super::secret;
use crate::outbound::chain;
use crate::trail::digest::document::SIGNATURE_METADATA;

const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    },
    max_retries: 3,
    retry_timeout: Duration::from_secs(30),
};
/// Folders of one source.
const FOLDERS_MAX: usize = 10_000;
/// Organisations, accounts and kinds looked into on the way to them.
const LEVELS_MAX: usize = 50_000;

/// An object of a listing.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) bytes: u64,
}

/// A bucket that can be read; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) prefix: String,
    store: AmazonS3,
}

impl Bucket {
    /// Opens nothing yet: mistakes in the settings show at the first request.
    pub(super) fn of(
        source: &SourceRecord,
        (name, prefix): (&str, &str),
        http: Guarded,
        keyring: &RootKeyring,
    ) -> Result<Self, PollError> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_region(source.region())
            .with_allow_http(true)
            .with_retry(RETRY)
            .with_http_connector(http);
        builder = match secret::open(keyring, source)? {
            Some(credential) => builder.with_credentials(Arc::new(provider(credential))),
            None => builder.with_skip_signature(true),
        };
        if let Some(endpoint) = &source.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let store = builder.build().map_err(failed)?;
        Ok(Self { name: name.to_owned(), prefix: prefix.to_owned(), store })
    }

    /// The folders of log files and digests, digests first.
    pub(super) async fn folders(&self) -> Result<Vec<Folder>, PollError> {
        let is_below = self.prefix.split('/').any(|part| part == ROOT);
        let root = match (is_below, self.prefix.is_empty()) {
            (true, _) => self.prefix.clone(),
            (false, true) => ROOT.to_owned(),
            (false, false) => format!("{}/{ROOT}", self.prefix),
        };
        let mut pending = vec![root];
        let mut folders = Vec::new();
        for _ in 0..LEVELS_MAX {
            let Some(path) = pending.pop() else { break };
            match level(&path) {
                Level::Folder(folder) => folders.push(folder),
                Level::Above => pending.extend(self.children(&path).await?),
                Level::Elsewhere => {}
            }
            if folders.len() > FOLDERS_MAX {
                return Err(PollError::Remote(format!("more than {FOLDERS_MAX} folders of log files")));
            }
        }
        folders.sort();
        Ok(folders)
    }

    async fn children(&self, path: &str) -> Result<Vec<String>, PollError> {
        let path = Path::parse(path).map_err(|error| PollError::Remote(chain(&error)))?;
        let listed = self.store.list_with_delimiter(Some(&path)).await.map_err(failed)?;
        Ok(listed.common_prefixes.into_iter().map(String::from).collect())
    }

    /// Keys of a folder in their order, from behind `after` on, as they are listed.
    pub(super) fn keys_after(
        &self,
        folder: &Folder,
        after: &str,
    ) -> Result<BoxStream<'static, Result<Listed, PollError>>, PollError> {
        let path = |text: &str| Path::parse(text).map_err(|error| PollError::Remote(chain(&error)));
        let prefix = path(&folder.path)?;
        let listed = match after {
            "" => self.store.list(Some(&prefix)),
            after => self.store.list_with_offset(Some(&prefix), &path(after)?),
        };
        let listed = listed.map_ok(|object| Listed { bytes: object.size, key: object.location.into() });
        Ok(Box::pin(listed.map_err(failed)))
    }

    /// An object whole; `None` when it is gone.
    pub(super) async fn fetch(&self, key: &str) -> Result<Option<Fetched>, PollError> {
        let path = Path::parse(key).map_err(|error| PollError::Remote(chain(&error)))?;
        let got = match self.store.get(&path).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let signature = got.attributes.get(&Attribute::Metadata(SIGNATURE_METADATA.into()));
        let signature = signature.map(|value| value.as_ref().to_owned());
        let (bytes, tag) = (got.meta.size, Some(tag_of(&got.meta)));
        let is_too_large = bytes > FILE_BYTES_MAX;
        let body = if is_too_large { Bytes::new() } else { got.bytes().await.map_err(failed)? };
        Ok(Some(Fetched { name: key.to_owned(), body, bytes, tag, signature, is_too_large }))
    }

    /// The same with the key, as a future that borrows nothing.
    pub(super) async fn fetch_with_key(self, key: String) -> Result<(Option<Fetched>, String), PollError> {
        Ok((self.fetch(&key).await?, key))
    }

    /// Whether an object is the source's.
    pub(super) fn holds(&self, key: &str) -> bool {
        let below = key.strip_prefix(self.prefix.as_str());
        below.is_some_and(|rest| self.prefix.is_empty() || rest.starts_with('/'))
    }

    /// What tells an object from another one under its key; `None` when it is not there.
    pub(super) async fn tag(&self, key: &str) -> Result<Option<String>, PollError> {
        let path = Path::parse(key).map_err(|error| PollError::Remote(chain(&error)))?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(tag_of(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The entity tag; of a store without them the time of the last change.
fn tag_of(meta: &ObjectMeta) -> String {
    meta.e_tag.clone().unwrap_or_else(|| meta.last_modified.to_rfc3339())
}

fn provider(credential: AwsCredential) -> StaticCredentialProvider<AwsCredential> {
    StaticCredentialProvider::new(credential)
}

fn failed(error: object_store::Error) -> PollError {
    PollError::Remote(chain(&error))
}
