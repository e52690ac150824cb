//! Finds the files: in a directory, or by what the store of a data directory says.

use std::path::{Path, PathBuf};

use keywatch_logfiles::discover;
use keywatch_monitor::trail::digest::document::ListedFile;
use keywatch_monitor::trail::verify::{
    Anchor, PublicKeys, Stored, StoredObject, file_name, is_digest_name, is_log_name,
};
use keywatch_store::Store;

const DATABASE: &str = "keywatch.db";
const OBJECTS: &str = "objects";

/// A file to read.
#[derive(Debug)]
pub(super) struct EvidenceFile {
    /// An object's key, or a path.
    pub(super) name: String,
    /// Where its bytes lie, one file after another.
    pub(super) pieces: Vec<PathBuf>,
    pub(super) bytes: u64,
    /// The object's metadata `signature`, where it is known.
    pub(super) signature: Option<String>,
}

/// All that there is to judge, and what to judge it by.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) digests: Vec<EvidenceFile>,
    pub(super) logs: Vec<EvidenceFile>,
    pub(super) keys: PublicKeys,
    pub(super) anchors: Vec<Anchor>,
    /// Log files that wait for their digest.
    pub(super) waiting: Vec<ListedFile>,
}

impl Evidence {
    /// Looks at `path`; the error is one line.
    pub(super) fn gather(path: &Path) -> Result<Self, String> {
        if path.join(DATABASE).exists() { Self::of_data_dir(path) } else { Self::of_directory(path) }
    }

    fn of_directory(path: &Path) -> Result<Self, String> {
        let path = path.canonicalize().map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let found = discover(std::slice::from_ref(&path)).map_err(|error| error.to_string())?;
        if let Some((path, fault)) = found.faults.first() {
            return Err(format!("{}: {fault}", path.display()));
        }
        let mut evidence = Self::default();
        for file in found.files {
            evidence.add(EvidenceFile {
                name: file.path.display().to_string(),
                bytes: file.bytes,
                pieces: vec![file.path],
                signature: None,
            });
        }
        Ok(evidence)
    }

    fn of_data_dir(path: &Path) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let stored = runtime.block_on(async {
            let store = Store::open_embedded(path).await?;
            let stored = Stored::read(&store).await;
            store.close().await;
            stored
        });
        let stored = stored.map_err(|error| crate::exit::chain(&error))?;
        let mut evidence = Self {
            keys: stored.keys,
            anchors: vec![stored.heads],
            waiting: stored.waiting,
            ..Self::default()
        };
        let objects = path.join(OBJECTS);
        for StoredObject { key, pieces, bytes, signature } in stored.objects {
            let pieces = pieces.iter().map(|piece| objects.join(piece)).collect();
            evidence.add(EvidenceFile { name: key, pieces, bytes, signature });
        }
        Ok(evidence)
    }

    /// Takes a file that is named like a digest or a log file; what else lies there is not ours to judge.
    pub(super) fn add(&mut self, file: EvidenceFile) {
        let name = file_name(&file.name);
        if is_digest_name(name) {
            self.digests.push(file);
        } else if is_log_name(name) {
            self.logs.push(file);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.digests.iter().chain(&self.logs).map(|file| file.bytes).sum()
    }
}

impl EvidenceFile {
    /// Its bytes; a failure to read is as good as no file.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let mut pieces = self.pieces.iter();
        let mut bytes = std::fs::read(pieces.next()?).ok()?;
        for piece in pieces {
            bytes.extend(std::fs::read(piece).ok()?);
        }
        Some(bytes)
    }
}
