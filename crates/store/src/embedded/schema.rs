//! The SQLite file: its tables, its pragmas, its permissions, and the size its write-ahead log keeps.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::{Seq, StoreError, Version};

/// The version of the tables below.
pub(super) const SCHEMA: i64 = 1;
const DATABASE_FILE: &str = "keywatch.db";
const LOCK_FILE: &str = "keywatch.lock";
/// The size the write-ahead log has from the start and keeps: SQLite starts over at its front after each checkpoint, so
/// the file does not grow and a sync need not write the file's metadata. More would delay the start, which writes it.
const WAL_BYTES: u64 = 4 << 20;
/// Pages (of 4 KiB) after which the committer checkpoints: three quarters of [`WAL_BYTES`], the rest is room for a group.
/// A larger group makes the log grow once.
const CHECKPOINT_PAGES: i64 = 768;
/// Page cache of the writing connection, in KiB.
const WRITER_CACHE_KIB: i64 = 8192;
/// Page cache of each reading connection, in KiB; the operating system caches the file as well.
const READER_CACHE_KIB: i64 = 2048;

const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE state (
        kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID;
    CREATE TABLE log (
        first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, version INTEGER NOT NULL,
        time_min INTEGER NOT NULL, time_max INTEGER NOT NULL, kinds INTEGER NOT NULL,
        format INTEGER NOT NULL, bytes BLOB NOT NULL
    );
    CREATE INDEX log_by_time ON log (time_max, first_seq, time_min, kinds);
";

/// Where the last commit left off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) version: Version,
    pub(super) head: Seq,
}

/// Creates the directory if needed and takes it for this process. The lock is the open file: it goes when the process
/// does.
pub(super) fn lock_dir(dir: &Path) -> Result<File, StoreError> {
    let unwritable =
        |cause: io::Error| StoreError::Unwritable { dir: dir.to_owned(), cause: Arc::new(cause) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(unwritable)?;
    let path = dir.join(LOCK_FILE);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(unwritable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::InUse { place: format!("the data directory {}", dir.display()) })
        }
        Err(TryLockError::Error(cause)) => Err(unwritable(cause)),
    }
}

/// Opens the writing connection, creating the tables on first use, and brings the write-ahead log to its size.
pub(super) fn open_writer(dir: &Path) -> Result<(Connection, Position), StoreError> {
    let unwritable =
        |cause: io::Error| StoreError::Unwritable { dir: dir.to_owned(), cause: Arc::new(cause) };
    let path = database_path(dir);
    // Made here and not by SQLite, which would follow the umask; the log beside it inherits the mode.
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(unwritable)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(unwritable)?;
    drop(file);
    let conn = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|cause| failed("open", cause))?;
    let position = prepare_writer(&conn).map_err(|cause| match cause {
        Opening::Sqlite(cause) => failed("open", cause),
        Opening::Store(error) => error,
    })?;
    conn.set_prepared_statement_cache_capacity(32);
    preallocate_wal(dir).map_err(unwritable)?;
    Ok((conn, position))
}

enum Opening {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Opening {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

fn prepare_writer(conn: &Connection) -> Result<Position, Opening> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Opening::Store(StoreError::corrupt(format!("journal mode is {mode}, not wal"))));
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    if !conn.table_exists(None, "meta")? {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        conn.execute_batch(TABLES)?;
        conn.execute("INSERT INTO meta VALUES ('schema', ?1), ('version', 0)", [SCHEMA])?;
        conn.execute_batch("COMMIT")?;
    }
    let schema: i64 = meta(conn, "schema")?;
    if schema > SCHEMA {
        return Err(Opening::Store(StoreError::NewerSchema { found: schema, known: SCHEMA }));
    }
    let version = meta(conn, "version")?;
    let last: Option<(i64, i64)> = conn
        .query_row("SELECT last_seq, version FROM log ORDER BY first_seq DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (head, log_version) = last.unwrap_or_default();
    Ok(Position { version: version.max(log_version) as Version, head: head as Seq })
}

fn meta(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.query_row("SELECT value FROM meta WHERE name = ?1", params![name], |row| row.get(0))
}

/// Writes zeros behind the log's content up to [`WAL_BYTES`]. SQLite ends recovery at the first frame without a valid
/// checksum, so zeros mean nothing to it; it takes no locks on this file that closing ours could drop.
fn preallocate_wal(dir: &Path) -> io::Result<()> {
    let mut path = database_path(dir).into_os_string();
    path.push("-wal");
    let mut wal = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let zeros = vec![0; 1 << 20];
    let mut length = wal.seek(SeekFrom::End(0))?;
    if length >= WAL_BYTES {
        return Ok(());
    }
    while length < WAL_BYTES {
        let step = zeros.len().min((WAL_BYTES - length) as usize);
        wal.write_all(&zeros[..step])?;
        length += step as u64;
    }
    wal.sync_all()
}

/// Opens one more reading connection.
pub(super) fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let conn = Connection::open_with_flags(database_path(dir), flags)?;
        conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(conn)
    };
    open().map_err(|cause| failed("open for reading", cause))
}

fn database_path(dir: &Path) -> PathBuf {
    dir.join(DATABASE_FILE)
}

/// Sorts a SQLite failure: damage is named as such, everything else keeps what was being tried.
pub(super) fn failed(doing: &'static str, cause: rusqlite::Error) -> StoreError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::corrupt(format!("SQLite could not {doing}: {cause}"))
        }
        _ => StoreError::database(doing, cause),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tempfile::TempDir;

    use super::*;
    use crate::{Batch, Kind, Store};

    fn mode(path: PathBuf) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn nobody_else_can_read_the_files() {
        let temp = TempDir::new().unwrap();
        let dir = temp.path().join("made/here");
        let store = Store::open_embedded(&dir).await.unwrap();
        assert_eq!(mode(dir.clone()), 0o700);
        for file in [DATABASE_FILE, LOCK_FILE, "keywatch.db-wal", "keywatch.db-shm"] {
            assert_eq!(mode(dir.join(file)), 0o600, "{file}");
        }
        store.close().await;
    }

    #[tokio::test]
    async fn the_write_ahead_log_keeps_its_size() {
        let temp = TempDir::new().unwrap();
        let store = Store::open_embedded(temp.path()).await.unwrap();
        let wal = || fs::metadata(temp.path().join("keywatch.db-wal")).unwrap().len();
        assert_eq!(wal(), WAL_BYTES);
        for round in 0..80_u8 {
            // A new row each time, so that the database grows as well: five times the log in all.
            let put = (Kind("t"), round.to_string(), Bytes::from(vec![round; 256 << 10]));
            store.commit(Batch { puts: vec![put], ..Batch::default() }).await.unwrap();
            assert_eq!(wal(), WAL_BYTES, "round {round}");
        }
        store.close().await;
    }

    /// `spoil` gets a fresh directory to make unusable.
    async fn check_refusal(spoil: impl FnOnce(&Path) -> PathBuf, want: &str) {
        let temp = TempDir::new().unwrap();
        let dir = spoil(temp.path());
        let error = Store::open_embedded(&dir).await.unwrap_err().to_string();
        assert_eq!(error.replace(dir.to_str().unwrap(), "DIR"), want);
    }

    #[tokio::test]
    async fn unusable_places_are_one_clear_line() {
        let file_in_the_way = |dir: &Path| {
            fs::write(dir.join("file"), "").unwrap();
            dir.join("file")
        };
        check_refusal(file_in_the_way, "cannot use the data directory DIR").await;
        let directory_in_the_way = |dir: &Path| {
            fs::create_dir(dir.join(DATABASE_FILE)).unwrap();
            dir.to_owned()
        };
        check_refusal(directory_in_the_way, "cannot use the data directory DIR").await;
        let damaged = |dir: &Path| {
            fs::write(dir.join(DATABASE_FILE), [0x5a; 8192]).unwrap();
            dir.to_owned()
        };
        let want = "the stored data is corrupt: SQLite could not open: file is not a database";
        check_refusal(damaged, want).await;
    }
}
