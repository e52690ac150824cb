//! The data directory: made on first start, and what the client commands find in it.
//!
//! `credentials` holds the root access key of the default account in the format of the AWS tools (so it also serves
//! as `AWS_SHARED_CREDENTIALS_FILE`); `server.json` says where the running server answers. Both are the owner's alone.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use keywatch_api::SecretText;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, default_data_dir};
use crate::private_file;

const CREDENTIALS_FILE: &str = "credentials";
const SERVER_FILE: &str = "server.json";
const OWNER_ONLY: u32 = 0o700;

/// An access key as clients use it.
#[derive(Debug)]
pub struct AccessKey {
    pub id: String,
    pub secret: SecretText,
}

/// Where the running server answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerFile {
    /// `http://127.0.0.1:4599`
    pub endpoint: String,
    pub region: String,
    /// The certificate that clients must trust, when the server signed its own.
    pub ca_bundle: Option<PathBuf>,
}

/// Why the data directory does not serve.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("cannot write to the data directory {path}")]
    Unwritable {
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("cannot read {path}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("{path} is damaged")]
    Damaged { path: String },
    #[error("no server runs on the data directory {path}")]
    NoServer { path: String },
    #[error(transparent)]
    Nowhere(#[from] ConfigError),
}

/// The directory of a client command: the one given, or the default one.
pub fn locate(given: Option<PathBuf>) -> Result<PathBuf, DataDirError> {
    Ok(given.or_else(default_data_dir).ok_or(ConfigError::NoDataDir)?)
}

/// Makes the directory where it is missing and proves that files can be made in it.
pub fn prepare(directory: &Path) -> Result<(), DataDirError> {
    let unwritable = |cause| DataDirError::Unwritable { path: directory.display().to_string(), cause };
    std::fs::DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(directory).map_err(unwritable)?;
    let probe = directory.join("probe");
    private_file::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(unwritable)
}

/// Keeps the root access key for the client commands.
pub fn write_access_key(directory: &Path, key: &AccessKey) -> Result<(), DataDirError> {
    let path = directory.join(CREDENTIALS_FILE);
    let text = zeroize::Zeroizing::new(format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id,
        key.secret.expose()
    ));
    private_file::write(&path, text.as_bytes())
        .map_err(|cause| DataDirError::Unwritable { path: path.display().to_string(), cause })
}

/// The root access key, or none in a directory where no server ever started.
pub fn read_access_key(directory: &Path) -> Result<Option<AccessKey>, DataDirError> {
    let path = directory.join(CREDENTIALS_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(DataDirError::Unreadable { path: path.display().to_string(), cause }),
    };
    let value = |name: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(AccessKey { id, secret: SecretText::new(secret) })),
        _ => Err(DataDirError::Damaged { path: path.display().to_string() }),
    }
}

/// Says where the server answers.
pub fn write_server(directory: &Path, server: &ServerFile) -> Result<(), DataDirError> {
    let path = directory.join(SERVER_FILE);
    let text =
        serde_json::to_vec(server).map_err(|_| DataDirError::Damaged { path: path.display().to_string() })?;
    private_file::write(&path, &text)
        .map_err(|cause| DataDirError::Unwritable { path: path.display().to_string(), cause })
}

/// Where the server of this directory answers.
pub fn read_server(directory: &Path) -> Result<ServerFile, DataDirError> {
    let path = directory.join(SERVER_FILE);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map_err(|_| DataDirError::Damaged { path: path.display().to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(DataDirError::NoServer { path: directory.display().to_string() })
        }
        Err(cause) => Err(DataDirError::Unreadable { path: path.display().to_string(), cause }),
    }
}

/// Forgets where the server answered, when it stops.
pub fn remove_server(directory: &Path) -> io::Result<()> {
    std::fs::remove_file(directory.join(SERVER_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_is_kept() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(read_access_key(directory.path()).expect("readable").is_none());
        let key = AccessKey { id: "AKIAX".into(), secret: SecretText::new("a/b+c=".into()) };
        write_access_key(directory.path(), &key).expect("written");
        let read = read_access_key(directory.path()).expect("readable").expect("there");
        assert_eq!((read.id.as_str(), read.secret.expose()), ("AKIAX", "a/b+c="));
        std::fs::write(directory.path().join(CREDENTIALS_FILE), "[default]\n").expect("written");
        assert!(matches!(read_access_key(directory.path()), Err(DataDirError::Damaged { .. })));
    }

    #[test]
    fn no_server_is_a_clear_error() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let error = read_server(directory.path()).expect_err("no server");
        assert!(error.to_string().starts_with("no server runs on the data directory"), "{error}");
    }
}
