//! The one writer of a PostgreSQL schema: a task that turns whatever waits in the queue into one statement.
//!
//! One statement is one round trip and its own transaction. It starts by moving the **position** row from where this
//! writer believes it is; when the row is elsewhere, nothing happens at all, so a writer that was overtaken can do no
//! harm. **Invariant:** a group whose outcome is unknown, because the session broke, is settled by the position before
//! the next group is decided: a new session holds the schema's lock, so the old one has nothing left in flight.

use std::{mem, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_postgres::{Client, Statement, error::Severity, types::Type};

use super::session::{self, Position, STATEMENT_TIMEOUT, Target};
use crate::{
    Batch, Kind, StoreError, Version,
    entry::{Block, BlockWriter},
    group::{Outcome, Plan, RowName, Versions, checked_rows, plan},
    published::Published,
    queue::{Group, Job, answer, split_groups},
};

/// Pauses before each further try to reach a lost database; after the last the waiting callers get the error.
const RECONNECT_PAUSES_MS: [u64; 5] = [0, 100, 300, 900, 2_700];

const COMMIT: &str = "
    WITH moved AS (
        UPDATE position SET version = $1, head = $2 WHERE version = $3 AND head = $4 RETURNING 1
    ), removed AS (
        DELETE FROM state USING moved, unnest($5::text[], $6::bytea[]) AS gone (kind, key)
        WHERE state.kind = gone.kind AND state.key = gone.key
    ), written AS (
        INSERT INTO state (kind, key, version, value)
        SELECT new.kind, new.key, $1, new.value
        FROM moved, unnest($7::text[], $8::bytea[], $9::bytea[]) AS new (kind, key, value)
        ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, value = excluded.value
    ), appended AS (
        INSERT INTO log (first_seq, last_seq, version, time_min, time_max, kinds, format, bytes)
        SELECT $10, $2, $1, $11, $12, $13, $14, $15 FROM moved WHERE $15 IS NOT NULL
    ), forgotten AS (
        DELETE FROM log USING moved
        WHERE first_seq <= $16 AND last_seq <= $16 AND first_seq < (SELECT max(first_seq) FROM log)
    )
    SELECT count(*) FROM moved";

const COMMIT_TYPES: [Type; 16] = [
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY,
    Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY,
    Type::BYTEA_ARRAY,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::BYTEA,
    Type::INT8,
];

const VERSIONS: &str = "
    SELECT state.kind, state.key, state.version
    FROM state JOIN unnest($1::text[], $2::bytea[]) AS asked (kind, key)
      ON state.kind = asked.kind AND state.key = asked.key";

pub(super) struct Committer {
    target: Target,
    session: Option<Session>,
    blocks: BlockWriter,
    published: Arc<Published>,
    position: Position,
    /// What the last group would change, while nobody knows whether it did.
    unsettled: Option<Plan>,
}

struct Session {
    client: Client,
    commit: Statement,
    versions: Statement,
}

impl Committer {
    pub(super) async fn new(
        target: Target,
        client: Client,
        position: Position,
        published: Arc<Published>,
    ) -> Result<Self, StoreError> {
        let session = Some(Session::prepare(client).await?);
        Ok(Self { target, session, blocks: BlockWriter::new()?, published, position, unsettled: None })
    }

    /// Runs until the queue is closed and empty.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::new();
        while queue.recv_many(&mut jobs, crate::queue::GROUP_JOBS_MAX).await > 0 {
            for Group { batches, replies, close } in split_groups(&mut jobs) {
                if close {
                    queue.close();
                }
                let outcomes = self.commit(batches).await;
                self.published.counters.count(&outcomes);
                answer(replies, outcomes);
            }
        }
    }

    async fn commit(&mut self, batches: Vec<Batch>) -> Result<Vec<Outcome>, StoreError> {
        self.reconnect().await?;
        let versions = self.versions(&batches).await?;
        let mut plan = plan(batches, &versions, self.position.version, self.position.head);
        if plan.is_empty() {
            return Ok(plan.outcomes);
        }
        let block = match plan.appends.as_slice() {
            [] => None,
            appends => Some(self.blocks.encode(self.position.head + 1, appends)?),
        };
        let outcomes = mem::take(&mut plan.outcomes);
        match self.write(&plan, block.as_ref()).await {
            Written::Yes => self.settle(plan),
            Written::No(error) => return Err(error),
            Written::Unknown(error) => {
                let after = Position { version: plan.version, head: plan.head };
                self.session = None;
                self.unsettled = Some(plan);
                // Unreachable for good: the callers learn that the outcome is unknown, the next group settles it.
                self.reconnect().await?;
                if self.position != after {
                    return Err(error);
                }
            }
        }
        Ok(outcomes)
    }

    /// Takes a durable plan as the new state.
    fn settle(&mut self, plan: Plan) {
        self.position = Position { version: plan.version, head: plan.head };
        self.published.publish(plan.changes, plan.appends, plan.version, plan.head);
    }

    /// Makes sure there is a session and that the position is known, settling what was left open.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        if self.session.as_ref().is_some_and(|session| !session.client.is_closed()) {
            return Ok(());
        }
        self.session = None;
        let (client, position) = self.reach().await?;
        if let Some(plan) = self.unsettled.take()
            && position == (Position { version: plan.version, head: plan.head })
        {
            self.settle(plan);
        }
        if position != self.position {
            return Err(self.overtaken());
        }
        self.session = Some(Session::prepare(client).await?);
        Ok(())
    }

    async fn reach(&self) -> Result<(Client, Position), StoreError> {
        let mut last = StoreError::Closed;
        for pause in RECONNECT_PAUSES_MS {
            sleep(Duration::from_millis(pause)).await;
            match session::open(&self.target).await {
                Ok(opened) => return Ok(opened),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Another server wrote to the schema while this one had lost it: what this one has cached is worth nothing.
    fn overtaken(&self) -> StoreError {
        StoreError::InUse { place: format!("the database {}", self.target.address) }
    }

    fn session(&self) -> Result<&Session, StoreError> {
        self.session.as_ref().ok_or(StoreError::Closed)
    }

    /// The stored versions of the rows the batches check, from the cache where it knows them, the rest by one query.
    async fn versions(&mut self, batches: &[Batch]) -> Result<Versions, StoreError> {
        let mut versions = Versions::new();
        let (mut kinds, mut keys): (Vec<&str>, Vec<&[u8]>) = (Vec::new(), Vec::new());
        let mut asked: Vec<Kind> = Vec::new();
        for (kind, key) in checked_rows(batches) {
            match self.published.lookup(kind, key) {
                Ok(Some((version, _))) => {
                    versions.insert(RowName { kind, key: key.to_owned() }, version);
                }
                Ok(None) => {}
                Err(_) => {
                    kinds.push(kind.0);
                    keys.push(key.as_bytes());
                    asked.push(kind);
                }
            }
        }
        if keys.is_empty() {
            return Ok(versions);
        }
        let session = self.session()?;
        let query = async { session.client.query(&session.versions, &[&kinds, &keys]).await };
        let rows = match timeout(STATEMENT_TIMEOUT, query).await {
            Ok(rows) => rows.map_err(|cause| StoreError::database("read versions", cause))?,
            Err(elapsed) => {
                self.session = None;
                return Err(self.target.unreachable(elapsed));
            }
        };
        for row in rows {
            let (kind, key): (&str, &[u8]) = (row.get(0), row.get(1));
            let known = asked.iter().find(|asked| asked.0 == kind).copied();
            if let (Some(kind), Ok(key)) = (known, std::str::from_utf8(key)) {
                versions.insert(RowName { kind, key: key.to_owned() }, row.get::<_, i64>(2) as Version);
            }
        }
        Ok(versions)
    }

    async fn write(&self, plan: &Plan, block: Option<&Block>) -> Written {
        let session = match self.session() {
            Ok(session) => session,
            Err(error) => return Written::No(error),
        };
        match timeout(STATEMENT_TIMEOUT, session.commit(self.position, plan, block)).await {
            Ok(Ok(1)) => Written::Yes,
            Ok(Ok(_)) => Written::No(self.overtaken()),
            Ok(Err(cause)) if only_the_statement_failed(&cause) => {
                Written::No(StoreError::database("commit", cause))
            }
            Ok(Err(cause)) => Written::Unknown(self.target.unreachable(cause)),
            Err(elapsed) => Written::Unknown(self.target.unreachable(elapsed)),
        }
    }
}

/// True for the server's own word that the statement failed. A server that ends the session may say so when the
/// statement is already committed.
fn only_the_statement_failed(cause: &tokio_postgres::Error) -> bool {
    cause.as_db_error().is_some_and(|error| error.parsed_severity() == Some(Severity::Error))
}

/// What became of a group.
enum Written {
    Yes,
    No(StoreError),
    Unknown(StoreError),
}

impl Session {
    async fn prepare(client: Client) -> Result<Self, StoreError> {
        let failed = |cause| StoreError::database("prepare statements", cause);
        let commit = client.prepare_typed(COMMIT, &COMMIT_TYPES).await.map_err(failed)?;
        let versions = client.prepare(VERSIONS).await.map_err(failed)?;
        Ok(Self { client, commit, versions })
    }
    /// Runs [`COMMIT`]; returns how many positions it moved.
    async fn commit(
        &self,
        before: Position,
        plan: &Plan,
        block: Option<&Block>,
    ) -> Result<i64, tokio_postgres::Error> {
        let (mut gone_kinds, mut gone_keys) = (Vec::new(), Vec::new());
        let (mut kinds, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (name, change) in &plan.changes {
            match change {
                Some(bytes) => {
                    kinds.push(name.kind.0);
                    keys.push(name.key.as_bytes());
                    values.push(&bytes[..]);
                }
                None => {
                    gone_kinds.push(name.kind.0);
                    gone_keys.push(name.key.as_bytes());
                }
            }
        }
        let row = self
            .client
            .query_one(
                &self.commit,
                &[
                    &(plan.version as i64),
                    &(plan.head as i64),
                    &(before.version as i64),
                    &(before.head as i64),
                    &gone_kinds,
                    &gone_keys,
                    &kinds,
                    &keys,
                    &values,
                    &block.map(|block| block.first_seq as i64),
                    &block.map(|block| block.time_min),
                    &block.map(|block| block.time_max),
                    &block.map(|block| block.kinds),
                    &block.map(|block| block.format),
                    &block.map(|block| &block.bytes[..]),
                    &plan.forget.map(|through| through as i64),
                ],
            )
            .await?;
        Ok(row.get(0))
    }
}
