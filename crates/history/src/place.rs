//! Where segments lie: a directory, or another S3. Segments are written once, read by ranges and removed.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, MultipartUpload, ObjectStore, RetryConfig};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use crate::HistoryError;

/// The directory inside an object store that buckets share: no bucket can have such a name.
const SHARED_PREFIX: &str = "KeywatchHistory";
/// Bytes fetched at once where the length of what is read is not known.
const READ_AHEAD: usize = 16 << 10;
/// How long an S3 that does not answer is asked again: whoever waits is told before clients give up, and asks again.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    },
    max_retries: 3,
    retry_timeout: Duration::from_secs(10),
};

/// Another S3: credentials and endpoint come from the `AWS_…` variables.
pub fn open_s3(bucket: &str) -> Result<AmazonS3, object_store::Error> {
    AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(RETRY).build()
}

/// Where segments lie; cheap to clone.
#[derive(Clone, Debug)]
pub struct Place {
    objects: Arc<dyn ObjectStore>,
    /// The same when it is a local directory: its files are synced and read without a detour.
    directory: Option<Arc<LocalFileSystem>>,
    /// The path of that directory.
    path: Option<PathBuf>,
}

/// Why a place cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep history in {place}")]
pub struct OpenError {
    place: String,
    #[source]
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Place {
    /// Opens a local directory, which is made when it is missing.
    pub fn open_directory(directory: &FilePath) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError { place: directory.display().to_string(), cause };
        std::fs::create_dir_all(directory).map_err(|cause| unusable(cause.into()))?;
        let files = LocalFileSystem::new_with_prefix(directory).map_err(|cause| unusable(cause.into()))?;
        let files = Arc::new(files);
        Ok(Self { objects: files.clone(), directory: Some(files), path: Some(directory.to_owned()) })
    }

    /// Opens a directory of its own in the object store that buckets lie in: `file:///dir` or `s3://bucket/prefix`
    /// (credentials and endpoint from the `AWS_…` variables). Without one, or with one that forgets (`memory://`), history
    /// lies in `directory`.
    pub fn open(object_store: Option<&str>, directory: &FilePath) -> Result<Self, OpenError> {
        let url = object_store.unwrap_or_default();
        if let Some(shared) = url.strip_prefix("file://") {
            return Self::open_directory(&FilePath::new(shared).join(SHARED_PREFIX));
        }
        let Some(rest) = url.strip_prefix("s3://") else { return Self::open_directory(directory) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let objects =
            open_s3(bucket).map_err(|cause| OpenError { place: url.to_owned(), cause: cause.into() })?;
        let prefix = Path::from(prefix).child(SHARED_PREFIX);
        Ok(Self { objects: Arc::new(PrefixStore::new(objects, prefix)), directory: None, path: None })
    }

    /// Begins a file. It is not there until [`Upload::finish`].
    pub(crate) async fn create(&self, name: &str) -> Result<Upload, HistoryError> {
        let path = Path::from(name);
        let parts = self.objects.put_multipart(&path).await?;
        Ok(Upload { parts, path, directory: self.directory.clone() })
    }

    /// Removes a file; one that is not there is no error.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), HistoryError> {
        match self.objects.delete(&Path::from(name)).await.map_err(HistoryError::from) {
            Err(HistoryError::Gone(_)) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes what a crash left of files that were being written: a directory holds them under names that begin with the
    /// file's and a `#`. Other stores forget uploads that were not completed by rules of their own.
    pub(crate) fn remove_unfinished(&self) -> Result<(), HistoryError> {
        let Some(directory) = &self.path else { return Ok(()) };
        for file in std::fs::read_dir(directory).map_err(HistoryError::Sync)? {
            let file = file.map_err(HistoryError::Sync)?;
            if file.file_name().to_string_lossy().contains(".parquet#") {
                std::fs::remove_file(file.path()).map_err(HistoryError::Sync)?;
            }
        }
        Ok(())
    }

    /// Opens a file of `length` bytes for reading on blocking threads.
    pub(crate) fn source(&self, name: &str, length: u64) -> Result<Source, HistoryError> {
        let path = Path::from(name);
        let bytes = match &self.directory {
            Some(directory) => {
                let file = File::open(directory.path_to_filesystem(&path)?);
                SourceBytes::File(file.map_err(|cause| match cause.kind() {
                    io::ErrorKind::NotFound => HistoryError::Gone(name.to_owned()),
                    _ => HistoryError::Sync(cause),
                })?)
            }
            None => SourceBytes::Objects { objects: self.objects.clone(), path, runtime: Handle::current() },
        };
        Ok(Source { bytes: Arc::new(bytes), length })
    }

    /// The names of all files.
    #[cfg(test)]
    pub(crate) async fn list(&self) -> Vec<String> {
        use futures_util::TryStreamExt as _;
        let found: Vec<_> = self.objects.list(None).try_collect().await.unwrap();
        found.into_iter().map(|object| object.location.to_string()).collect()
    }
}

/// A file in the making.
pub(crate) struct Upload {
    parts: Box<dyn MultipartUpload>,
    path: Path,
    directory: Option<Arc<LocalFileSystem>>,
}

impl Upload {
    /// Adds bytes: S3 takes parts of at least 5 MiB, but for the last.
    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), HistoryError> {
        Ok(self.parts.put_part(bytes.into()).await?)
    }

    /// Makes the file be there; durable when this returns.
    pub(crate) async fn finish(mut self) -> Result<(), HistoryError> {
        self.parts.complete().await?;
        let Some(directory) = &self.directory else { return Ok(()) };
        let file = directory.path_to_filesystem(&self.path)?;
        tokio::task::spawn_blocking(move || {
            File::open(&file)?.sync_all()?;
            file.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
        })
        .await
        .map_err(|_| HistoryError::Stopping)?
        .map_err(HistoryError::Sync)
    }
}

/// A file that is read by ranges. Blocks its thread.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    bytes: Arc<SourceBytes>,
    length: u64,
}

#[derive(Debug)]
enum SourceBytes {
    File(File),
    Objects { objects: Arc<dyn ObjectStore>, path: Path, runtime: Handle },
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = SourceRead;

    fn get_read(&self, start: u64) -> Result<SourceRead, ParquetError> {
        Ok(SourceRead { source: self.clone(), at: start, ahead: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        match &*self.bytes {
            SourceBytes::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            SourceBytes::Objects { objects, path, runtime } => runtime
                .block_on(objects.get_range(path, start..start + length as u64))
                .map_err(|error| ParquetError::External(Box::new(error))),
        }
    }
}

/// Reads on from one position.
pub(crate) struct SourceRead {
    source: Source,
    at: u64,
    ahead: Bytes,
}

impl Read for SourceRead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let left = self.source.length.saturating_sub(self.at);
            let length = READ_AHEAD.min(usize::try_from(left).unwrap_or(READ_AHEAD));
            self.ahead = self.source.get_bytes(self.at, length).map_err(io::Error::other)?;
            self.at += length as u64;
        }
        let length = self.ahead.len().min(into.len());
        into[..length].copy_from_slice(&self.ahead.split_to(length));
        Ok(length)
    }
}
