//! Reaching PostgreSQL: the URL, the one session that may write, the tables.
//!
//! **Invariant:** whoever holds the advisory lock of a schema is its only writer. The lock belongs to the session, so a
//! new session that gets it knows that the old one is over, and with it whatever the old one had in flight.

use std::{sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, Config, NoTls, config::Host};

use crate::{Seq, StoreError, Version};

/// The version of the tables below.
const SCHEMA: i64 = 1;
/// The oldest server that is tried in our tests.
const SERVER_VERSION_MIN: i32 = 150_000;
/// First half of the advisory lock's name ("KWST"); the second is the schema.
const LOCK_CLASS: i32 = 0x4b57_5354;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long any statement may take before its session is given up.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often, and how far apart, the lock is tried: a killed server's session lives on for a moment.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

const TABLES: &str = r#"
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
    CREATE TABLE position (version BIGINT NOT NULL, head BIGINT NOT NULL);
    CREATE TABLE state (
        kind TEXT COLLATE "C" NOT NULL, key BYTEA NOT NULL, version BIGINT NOT NULL, value BYTEA NOT NULL,
        PRIMARY KEY (kind, key)
    );
    CREATE TABLE log (
        first_seq BIGINT PRIMARY KEY, last_seq BIGINT NOT NULL, version BIGINT NOT NULL,
        time_min BIGINT NOT NULL, time_max BIGINT NOT NULL, kinds BIGINT NOT NULL,
        format BIGINT NOT NULL, bytes BYTEA NOT NULL
    );
    ALTER TABLE log ALTER bytes SET STORAGE EXTERNAL;
    CREATE INDEX log_by_time ON log (time_max, first_seq) INCLUDE (time_min, kinds);
    INSERT INTO position VALUES (0, 0);
"#;

/// Where the last commit left off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) version: Version,
    pub(super) head: Seq,
}

/// A parsed URL and how to speak of it.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    /// Host, port and database; never the password.
    pub(super) address: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        // The parser's message is safe: it names the offending parameter, not its value.
        let unparsed = |cause| unreachable("the given URL", cause);
        let mut config: Config = url.parse().map_err(unparsed)?;
        config.application_name("keywatch");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.tcp_user_timeout(STATEMENT_TIMEOUT);
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => return Err(unreachable("the given URL", Unsuitable("the URL names no host".into()))),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let address = format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default());
        Ok(Self { config, address })
    }

    pub(super) fn unreachable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        unreachable(&self.address, cause)
    }
}

fn unreachable(address: &str, cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreachable { address: address.to_owned(), cause: Arc::new(cause) }
}

/// A database that answers but cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unsuitable(String);

/// Connects, takes the schema, creates or checks the tables, and reads the position.
pub(super) async fn open(target: &Target) -> Result<(Client, Position), StoreError> {
    let (client, connection) =
        target.config.connect(NoTls).await.map_err(|cause| target.unreachable(cause))?;
    let address = target.address.clone();
    tokio::spawn(async move {
        if let Err(cause) = connection.await {
            tracing::warn!(database = %address, error = %cause, "Lost the connection to {address}: {cause}");
        }
    });
    let prepared = timeout(STATEMENT_TIMEOUT, prepare(target, &client)).await;
    let position = prepared.map_err(|elapsed| target.unreachable(elapsed))??;
    Ok((client, position))
}

async fn prepare(target: &Target, client: &Client) -> Result<Position, StoreError> {
    let failed = |cause| StoreError::database("open", cause);
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int, coalesce(current_schema(), '')", &[])
        .await
        .map_err(failed)?;
    let (server, schema): (i32, String) = (row.get(0), row.get(1));
    if server < SERVER_VERSION_MIN {
        return Err(
            target.unreachable(Unsuitable(format!("PostgreSQL {} is older than 15", server / 10_000)))
        );
    }
    if schema.is_empty() {
        return Err(target.unreachable(Unsuitable("the search path names no existing schema".into())));
    }
    // A commit that was answered must survive whatever the server's configuration prefers.
    client.batch_execute("SET synchronous_commit = on").await.map_err(failed)?;
    lock(target, client, &schema).await?;
    migrate(client).await
}

async fn lock(target: &Target, client: &Client, schema: &str) -> Result<(), StoreError> {
    for attempt in 0..LOCK_TRIES {
        if attempt > 0 {
            sleep(LOCK_PAUSE).await;
        }
        let row = client
            .query_one("SELECT pg_try_advisory_lock($1, hashtext($2))", &[&LOCK_CLASS, &schema])
            .await
            .map_err(|cause| StoreError::database("lock the schema", cause))?;
        if row.get(0) {
            return Ok(());
        }
    }
    Err(StoreError::InUse { place: format!("the schema {schema} of {}", target.address) })
}

async fn migrate(client: &Client) -> Result<Position, StoreError> {
    let failed = |cause| StoreError::database("read the schema version", cause);
    let exists = client.query_one("SELECT to_regclass('meta') IS NOT NULL", &[]).await.map_err(failed)?;
    if !exists.get::<_, bool>(0) {
        let create = format!("BEGIN; {TABLES} INSERT INTO meta VALUES ('schema', {SCHEMA}); COMMIT");
        client
            .batch_execute(&create)
            .await
            .map_err(|cause| StoreError::database("create the tables", cause))?;
    }
    let row = client.query_one("SELECT value FROM meta WHERE name = 'schema'", &[]).await.map_err(failed)?;
    let found: i64 = row.get(0);
    if found > SCHEMA {
        return Err(StoreError::NewerSchema { found, known: SCHEMA });
    }
    let row = client.query_one("SELECT version, head FROM position", &[]).await.map_err(failed)?;
    Ok(Position { version: row.get::<_, i64>(0) as Version, head: row.get::<_, i64>(1) as Seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `want` is the address of a good URL, or the text of the error.
    #[track_caller]
    fn check(url: &str, want: Result<&str, &str>) {
        match (Target::parse(url), want) {
            (Ok(target), Ok(want)) => assert_eq!(target.address, want),
            (Err(error), Err(want)) => {
                let text = error.to_string();
                assert_eq!(text, want);
                assert!(!format!("{error:?}").contains("hunter2"));
            }
            (got, want) => panic!("{:?} instead of {want:?}", got.map(|target| target.address)),
        }
    }

    #[test]
    fn addresses_hold_no_password() {
        check("postgres://me:hunter2@db.example:6432/keys", Ok("db.example:6432/keys"));
        check("postgresql://me:hunter2@10.0.0.1/keys?connect_timeout=1", Ok("10.0.0.1:5432/keys"));
        check("postgres://me@%2Frun%2Fpostgresql/keys", Ok("/run/postgresql:5432/keys"));
    }

    #[test]
    fn wrong_urls_are_one_line() {
        check("mysql://me:hunter2@db/keys", Err("cannot reach the database at the given URL"));
        check("postgres://me:hunter2@db:hunter2/keys", Err("cannot reach the database at the given URL"));
        check("postgres://", Err("cannot reach the database at the given URL"));
    }
}
