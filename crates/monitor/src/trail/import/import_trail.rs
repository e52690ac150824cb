//! `ImportTrail`: takes the records of one log file into the caller's event history.

use keywatch_api::keywatch::{ImportTrailRequest, ImportTrailResponse};
use keywatch_history::History;
use keywatch_iam::Call;

use super::ImportError;
use super::parse::{Parsed, TEXT_BYTES_MAX, parse};
use super::record::{IMPORT, ImportRecord, import_key};
use super::take_in::take_in;

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
    let account = call.account().clone();
    let imported = take_in(&mut call.tx, service.as_ref(), &account, found).await?.len() as u64;
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
