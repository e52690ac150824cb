//! Bodies of objects in an object store: a local directory, memory, or another S3.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use keywatch_store::{Batch, CommitError, Scan, Store, StoreError, encode};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, ObjectStore};

use super::record::{LOOSE, OBJECT, ObjectRecord, loose_marker, object_key};

const LOOSE_AT_ONCE: usize = 1_000;

/// The bytes of a body, as they come.
pub type BodyStream = BoxStream<'static, Result<Bytes, BodyError>>;

/// Where bodies lie; cheap to clone.
#[derive(Clone, Debug)]
pub struct Bodies {
    place: Arc<dyn ObjectStore>,
    /// The same when it is a local directory, whose files must be synced by us.
    directory: Option<Arc<LocalFileSystem>>,
}

/// Why an object store cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use the object store {place}")]
    Unusable {
        place: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the object store {0} is of no known kind: give file:///dir, s3://bucket/prefix or memory://")]
    Unknown(String),
}

/// Why a body could not be written, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// A body that is no longer there: its object was replaced or deleted meanwhile.
    #[error("the body is gone")]
    Gone,
    #[error("the object store failed")]
    Store(#[source] object_store::Error),
    #[error("the body could not be synced")]
    Sync(#[source] std::io::Error),
}

/// Why an object could not be placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl From<object_store::Error> for BodyError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Gone,
            error => Self::Store(error),
        }
    }
}

impl Bodies {
    /// Opens a local directory, which is made when it is missing.
    pub fn open_directory(directory: &FilePath) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError::Unusable { place: directory.display().to_string(), cause };
        std::fs::create_dir_all(directory).map_err(|cause| unusable(cause.into()))?;
        let files = LocalFileSystem::new_with_prefix(directory).map_err(|cause| unusable(cause.into()))?;
        let files = Arc::new(files.with_automatic_cleanup(true));
        Ok(Self { place: files.clone(), directory: Some(files) })
    }

    /// Bodies that end with the process.
    pub fn in_memory() -> Self {
        Self { place: Arc::new(InMemory::new()), directory: None }
    }

    /// Opens what a URL names: `file:///dir`, `s3://bucket/prefix` (credentials and endpoint from the `AWS_…` variables) or
    /// `memory://`.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        if let Some(directory) = url.strip_prefix("file://") {
            return Self::open_directory(FilePath::new(directory));
        }
        if url.starts_with("memory:") {
            return Ok(Self::in_memory());
        }
        let Some(rest) = url.strip_prefix("s3://") else { return Err(OpenError::Unknown(url.to_owned())) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let place = keywatch_history::open_s3(bucket)
            .map_err(|cause| OpenError::Unusable { place: url.to_owned(), cause: cause.into() })?;
        Ok(Self { place: Arc::new(PrefixStore::new(place, prefix)), directory: None })
    }

    /// Where the body with this unique id lies: spread over directories, for file systems dislike very large ones.
    pub fn name(bucket: &str, id: &str) -> String {
        format!("{bucket}/{}/{id}", id.get(..2).unwrap_or("00"))
    }

    /// Writes a body; durable when this returns.
    pub async fn write(&self, name: &str, body: Bytes) -> Result<(), BodyError> {
        let path = Path::from(name);
        self.place.put(&path, body.into()).await?;
        let Some(directory) = &self.directory else { return Ok(()) };
        let file = directory.path_to_filesystem(&path)?;
        tokio::task::spawn_blocking(move || sync(&file))
            .await
            .map_err(|stopped| BodyError::Sync(stopped.into()))?
            .map_err(BodyError::Sync)
    }

    /// Writes the body of an object of one piece, and adds to `batch` what makes the object visible. Nobody replaces it: its
    /// key is new.
    pub async fn place(
        &self,
        store: &Store,
        batch: &mut Batch,
        (bucket, key): (&str, &str),
        object: &ObjectRecord,
        body: Bytes,
    ) -> Result<(), PlaceError> {
        self.lay(store, batch, object, body).await?;
        batch.puts.push((OBJECT, object_key(bucket, key), encode(object)?));
        Ok(())
    }

    /// Writes the body of an object of one piece, and adds to `batch` that it is no longer loose: who commits that keeps the object.
    pub async fn lay(
        &self,
        store: &Store,
        batch: &mut Batch,
        object: &ObjectRecord,
        body: Bytes,
    ) -> Result<(), PlaceError> {
        let name = object.body.first().map(|piece| piece.name.clone()).unwrap_or_default();
        let loose = Batch { puts: vec![(LOOSE, name.clone(), loose_marker())], ..Batch::default() };
        match store.commit(loose).await {
            Ok(_) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(conflict) => return Err(StoreError::corrupt(conflict.to_string()).into()),
        }
        self.write(&name, body).await?;
        batch.deletes.push((LOOSE, name));
        Ok(())
    }

    /// Reads a body, or the given bytes of it.
    pub async fn read(&self, name: &str, range: Option<Range<u64>>) -> Result<BodyStream, BodyError> {
        use futures_util::StreamExt as _;
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.place.get_opts(&Path::from(name), options).await?;
        Ok(found.into_stream().map(|bytes| bytes.map_err(BodyError::from)).boxed())
    }

    /// Removes a body; one that is not there is no error. What a crash left of its writing goes with it: a directory holds that
    /// under the body's name, a `#` and a number.
    pub async fn remove(&self, name: &str) -> Result<(), BodyError> {
        let path = Path::from(name);
        if let Some(directory) = &self.directory {
            let file = directory.path_to_filesystem(&path)?;
            for number in 1.. {
                let mut begun = file.clone().into_os_string();
                begun.push(format!("#{number}"));
                match tokio::fs::remove_file(begun).await {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => break,
                    Err(error) => return Err(BodyError::Sync(error)),
                }
            }
        }
        match self.place.delete(&path).await.map_err(BodyError::from) {
            Err(BodyError::Gone) => Ok(()),
            outcome => outcome,
        }
    }

    /// Removes bodies and the rows that call them loose. What fails stays loose, for the next start.
    pub async fn discard(&self, store: &Store, names: Vec<String>) {
        let mut removed = Vec::with_capacity(names.len());
        for name in names {
            match self.remove(&name).await {
                Ok(()) => removed.push((LOOSE, name)),
                Err(error) => tracing::warn!(%error, name, "A body that is not needed could not be removed"),
            }
        }
        if removed.is_empty() {
            return;
        }
        if let Err(error) = store.commit(Batch { deletes: removed, ..Batch::default() }).await {
            tracing::warn!(%error, "Bodies that were removed are still listed as loose");
        }
    }

    /// Removes what a crash left loose. To be called before anybody writes.
    pub async fn remove_loose(&self, store: &Store) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: LOOSE_AT_ONCE };
            let names: Vec<String> = store.scan(LOOSE, scan).await?.into_iter().map(|row| row.key).collect();
            let Some(last) = names.last() else { return Ok(()) };
            after = Some(last.clone());
            self.discard(store, names).await;
        }
    }
}

/// The file's bytes, its name, and the names of the two directories above it that may be new.
fn sync(file: &FilePath) -> std::io::Result<()> {
    File::open(file)?.sync_all()?;
    for directory in file.ancestors().skip(1).take(3) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use keywatch_store::Kind;

    use super::*;

    async fn text(bodies: &Bodies, name: &str, range: Option<Range<u64>>) -> Result<String, BodyError> {
        let parts: Vec<Bytes> = bodies.read(name, range).await?.try_collect().await?;
        Ok(String::from_utf8(parts.concat()).unwrap())
    }

    async fn check(bodies: &Bodies) {
        let name = Bodies::name("bucket", "abcdef");
        assert_eq!(name, "bucket/ab/abcdef");
        bodies.write(&name, Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(text(bodies, &name, None).await.unwrap(), "hello");
        assert_eq!(text(bodies, &name, Some(1..3)).await.unwrap(), "el");
        bodies.remove(&name).await.unwrap();
        bodies.remove(&name).await.unwrap();
        assert!(matches!(text(bodies, &name, None).await, Err(BodyError::Gone)));
    }

    #[tokio::test]
    async fn bodies_are_written_read_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        check(&Bodies::open_directory(&dir.path().join("objects")).unwrap()).await;
        check(&Bodies::open("memory://").unwrap()).await;
        check(&Bodies::open(&format!("file://{}", dir.path().display())).unwrap()).await;
        assert!(matches!(Bodies::open("ftp://x"), Err(OpenError::Unknown(_))));
    }

    #[tokio::test]
    async fn a_start_removes_what_is_loose() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let bodies = Bodies::open_directory(&dir.path().join("objects")).unwrap();
        let names: Vec<String> = ["aa1", "bb2"].iter().map(|id| Bodies::name("b", id)).collect();
        for name in &names {
            bodies.write(name, Bytes::from_static(b"x")).await.unwrap();
        }
        let begun = dir.path().join(format!("objects/{}#1", names[0]));
        std::fs::write(&begun, "half").unwrap();
        let loose = |kind: Kind, name: &String| (kind, name.clone(), super::super::loose_marker());
        let batch = Batch { puts: vec![loose(LOOSE, &names[0])], ..Batch::default() };
        store.commit(batch).await.unwrap();
        bodies.remove_loose(&store).await.unwrap();
        assert!(matches!(text(&bodies, &names[0], None).await, Err(BodyError::Gone)));
        assert_eq!(text(&bodies, &names[1], None).await.unwrap(), "x");
        assert!(store.get(LOOSE, &names[0]).await.unwrap().is_none());
        assert!(!begun.exists());
    }
}
