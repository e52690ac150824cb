//! `ImportTrail`: takes the records of one log file into the caller's event history.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use keywatch_api::keywatch::{ImportTrailRequest, ImportTrailResponse};
use keywatch_history::History;
use keywatch_iam::Call;
use keywatch_store::{Append, EntryKind, Partition, StoreError};

use super::ImportError;
use super::own::own_ids;
use super::parse::{EventId, Found, Parsed, TEXT_BYTES_MAX, parse};
use super::record::{IMPORT, IMPORTED, ImportRecord, import_key, minute_key};

const SECONDS_PER_MINUTE: i64 = 60;

/// Needs only the history of the service that serves it.
pub async fn import_trail<S: AsRef<History> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: ImportTrailRequest,
) -> Result<ImportTrailResponse, ImportError> {
    call.authorize_own("keywatch:ImportTrail", "*")?;
    // A file of the largest size keeps a processor busy for a tenth of a second.
    let file = request.log_file.0;
    let importer = call.account().clone();
    let parsed = tokio::task::spawn_blocking(move || parse(&file, &importer, TEXT_BYTES_MAX))
        .await
        .map_err(|_| ImportError::BrokenOff)??;
    let Parsed { found, skipped, faults } = parsed;
    let records = found.len() as u64;
    let new = only_new(call, service.as_ref(), found).await?;
    let imported = new.len() as u64;
    append(call, new);
    let record = ImportRecord {
        id: call.origin.request_id.to_owned(),
        time: call.now,
        name: request.name,
        principal: call.caller.arn.clone(),
        records,
        imported,
        duplicates: records - imported,
        skipped,
        faults,
    };
    if imported > 0 {
        call.tx.put(IMPORT, &import_key(call.account(), record.time, &record.id), &record)?;
    }
    Ok(ImportTrailResponse {
        import_id: (imported > 0).then_some(record.id),
        records,
        imported,
        duplicates: record.duplicates,
        skipped,
        faults: record.faults,
    })
}

/// Leaves out what was imported before, stands twice in the file or is our own, and notes the rest as imported.
async fn only_new(
    call: &mut Call<'_>,
    history: &History,
    found: Vec<Found>,
) -> Result<Vec<Found>, ImportError> {
    let own = own_ids(history, call.account(), &found).await?;
    let mut minutes: BTreeMap<i64, Vec<Found>> = BTreeMap::new();
    for record in found.into_iter().filter(|record| !own.contains(&record.id)) {
        let minute = record.time.as_second().div_euclid(SECONDS_PER_MINUTE);
        minutes.entry(minute).or_default().push(record);
    }
    let mut new = Vec::new();
    for (minute, records) in minutes {
        let key = minute_key(call.account(), minute);
        let mut known = known_ids(call.tx.get_bytes(IMPORTED, &key).await?.as_deref())?;
        let before = known.len();
        new.extend(records.into_iter().filter(|record| known.insert(record.id)));
        if known.len() > before {
            let bytes: Vec<u8> = known.into_iter().flatten().collect();
            call.tx.put_bytes(IMPORTED, &key, Bytes::from(bytes));
        }
    }
    Ok(new)
}

fn known_ids(row: Option<&[u8]>) -> Result<BTreeSet<EventId>, StoreError> {
    let (ids, rest) = row.unwrap_or_default().as_chunks();
    if rest.is_empty() {
        Ok(ids.iter().copied().collect())
    } else {
        Err(StoreError::corrupt("imported event IDs"))
    }
}

/// Appends in the order of their times, as they happened.
fn append(call: &mut Call<'_>, mut records: Vec<Found>) {
    records.sort_by_key(|record| record.time);
    let account = call.account().clone();
    for record in records {
        call.tx.append(Append {
            kind: EntryKind::ImportedRecord,
            time: record.time,
            partition: Partition::new(account.as_str(), record.region.as_str()),
            bytes: record.json,
        });
    }
}
