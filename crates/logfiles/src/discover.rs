//! Finds log files: what a user's paths mean.
//!
//! A **path** names a file, a directory, or files by a glob (`**` for any depth). A file that is named is
//! always taken; in a directory, at any depth, those are taken that end in `.json` or `.gz` or begin like
//! gzip. Links to directories inside directories are not followed, so a walk ends.
//! **Invariant:** the result is sorted by path and holds each path once.
//! **Not here:** reading more than the first two bytes of a file.

use super::fault::Fault;
use super::read::GZIP_MAGIC;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// More files than this are refused.
pub const FILES_MAX: usize = 10_000_000;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    /// Its size on disk; zero for a pipe.
    pub bytes: u64,
}

/// What the paths came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFiles {
    pub files: Vec<LogFile>,
    /// Directories and files that could not be looked at.
    pub faults: Vec<(PathBuf, Fault)>,
}

/// A path that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    #[error("no such file or directory: {0}")]
    NoSuchPath(String),
    #[error("cannot read {path}: {cause}")]
    Unreadable { path: String, cause: io::Error },
    #[error("wrong glob {glob}: {reason}")]
    WrongGlob { glob: String, reason: &'static str },
    #[error("no file matches {0}")]
    NoMatch(String),
    #[error("more than {FILES_MAX} files")]
    TooManyFiles,
}

/// Finds the files that `paths` name.
pub fn discover(paths: &[PathBuf]) -> Result<LogFiles, DiscoverError> {
    let mut walk = Walk::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) => walk.named(path, &metadata)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => walk.glob(path)?,
            Err(cause) => return Err(DiscoverError::Unreadable { path: path.display().to_string(), cause }),
        }
    }
    let files = walk.files.into_iter().map(|(path, bytes)| LogFile { path, bytes }).collect();
    walk.faults.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(LogFiles { files, faults: walk.faults })
}

#[derive(Default)]
struct Walk {
    files: BTreeMap<PathBuf, u64>,
    faults: Vec<(PathBuf, Fault)>,
}

impl Walk {
    fn named(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<(), DiscoverError> {
        if metadata.is_dir() { self.directory(path) } else { self.add(path.to_owned(), metadata.len()) }
    }

    fn glob(&mut self, path: &Path) -> Result<(), DiscoverError> {
        let pattern = path.to_string_lossy();
        if !pattern.contains(['*', '?', '[']) {
            return Err(DiscoverError::NoSuchPath(pattern.into_owned()));
        }
        let matches = glob::glob(&pattern)
            .map_err(|error| DiscoverError::WrongGlob { glob: pattern.to_string(), reason: error.msg })?;
        let mut is_matched = false;
        for entry in matches {
            is_matched = true;
            match entry {
                Ok(path) => match fs::metadata(&path) {
                    Ok(metadata) => self.named(&path, &metadata)?,
                    Err(error) => self.fault(path, &error),
                },
                Err(error) => self.fault(error.path().to_owned(), error.error()),
            }
        }
        if is_matched { Ok(()) } else { Err(DiscoverError::NoMatch(pattern.into_owned())) }
    }

    fn directory(&mut self, root: &Path) -> Result<(), DiscoverError> {
        let mut pending = vec![root.to_owned()];
        while let Some(directory) = pending.pop() {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) => {
                    self.fault(directory, &error);
                    continue;
                }
            };
            for entry in entries {
                match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                    Ok((path, kind)) if kind.is_dir() => pending.push(path),
                    Ok((path, _)) => self.candidate(path)?,
                    Err(error) => self.fault(directory.clone(), &error),
                }
            }
        }
        Ok(())
    }

    /// Takes a file of a directory if it looks like a log file.
    fn candidate(&mut self, path: PathBuf) -> Result<(), DiscoverError> {
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_file() => Ok(()),
            Ok(metadata) if has_log_suffix(&path) || is_gzip(&path) => self.add(path, metadata.len()),
            Err(error) if has_log_suffix(&path) => {
                self.fault(path, &error);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, path: PathBuf, bytes: u64) -> Result<(), DiscoverError> {
        if self.files.len() >= FILES_MAX {
            return Err(DiscoverError::TooManyFiles);
        }
        self.files.insert(path, bytes);
        Ok(())
    }

    fn fault(&mut self, path: PathBuf, error: &io::Error) {
        self.faults.push((path, Fault::Unreadable(error.to_string())));
    }
}

fn has_log_suffix(path: &Path) -> bool {
    path.extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("json") || suffix.eq_ignore_ascii_case("gz"))
}

/// A file that cannot be read and is not named like a log file is none.
fn is_gzip(path: &Path) -> bool {
    let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
    let read = File::open(path).and_then(|file| file.take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic));
    read.is_ok() && magic == GZIP_MAGIC
}
