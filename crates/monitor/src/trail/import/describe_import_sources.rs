//! `DescribeImportSources`: the sources of the caller's account, how their polls go and what came of them.

use keywatch_api::keywatch::{
    DescribeImportSourcesRequest, DescribeImportSourcesResponse, DigestVerdicts, ImportCursor, ImportFinding,
    ImportSourceDescription, ImportedPlace, PollProgress,
};
use keywatch_api::page;
use keywatch_iam::Call;
use keywatch_store::{Scan, StoreError};

use super::ImportError;
use super::source::record::{
    CURSOR, CursorRecord, NEVER, PROGRESS, ProgressRecord, SCHEDULE, SOURCE, ScheduleRecord, SourceRecord,
    account_prefix, part_key, source_key,
};
use super::source::{Meter, Sources};

const PAGE_DEFAULT: i32 = 20;
/// Folders shown of one source.
const CURSORS_MAX: usize = 500;
const QUESTION: &str = "DescribeImportSources";

/// Needs only the sources of the service that serves it.
pub async fn describe_import_sources<S: AsRef<Sources> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: DescribeImportSourcesRequest,
) -> Result<DescribeImportSourcesResponse, ImportError> {
    call.authorize_own("keywatch:DescribeImportSources", "*")?;
    let mut next_token = None;
    let records = match &request.name {
        Some(name) => {
            let source = call.tx.get::<SourceRecord>(SOURCE, &source_key(call.account(), name)).await?;
            vec![source.ok_or_else(|| ImportError::NoSuchSource(name.clone()))?]
        }
        None => {
            let (records, more) = listed(call, &request).await?;
            next_token = more;
            records
        }
    };
    let mut import_sources = Vec::with_capacity(records.len());
    for record in records {
        let meter = service.as_ref().inner.meters.of(&record.id);
        import_sources.push(describe(call, record, meter).await?);
    }
    Ok(DescribeImportSourcesResponse { import_sources, next_token })
}

async fn listed(
    call: &mut Call<'_>,
    request: &DescribeImportSourcesRequest,
) -> Result<(Vec<SourceRecord>, Option<String>), ImportError> {
    let prefix = account_prefix(call.account());
    let after = request.next_token.as_deref().map(|token| page::decode(QUESTION, token)).transpose();
    let after = after.map_err(|_| ImportError::InvalidNextToken)?.map(|rest| format!("{prefix}{rest}"));
    // The shape keeps it within its range.
    let limit = request.max_results.unwrap_or(PAGE_DEFAULT).unsigned_abs() as usize;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: limit + 1 };
    let mut rows = call.tx.scan::<SourceRecord>(SOURCE, scan).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(key, _)| page::encode(QUESTION, &key[prefix.len()..]));
    Ok((rows.into_iter().map(|(_, record)| record).collect(), last))
}

async fn describe(
    call: &mut Call<'_>,
    source: SourceRecord,
    meter: Option<Meter>,
) -> Result<ImportSourceDescription, StoreError> {
    let schedule = call.tx.get::<ScheduleRecord>(SCHEDULE, &source.key()).await?;
    let schedule = schedule.unwrap_or_else(|| ScheduleRecord::first(source.created));
    let progress = call.tx.get::<ProgressRecord>(PROGRESS, &source.id).await?.unwrap_or_default();
    let cursors = cursors(call, &source).await?;
    Ok(ImportSourceDescription {
        name: source.name,
        location: source.location.to_string(),
        endpoint: source.endpoint,
        region: source.region,
        access_key_id: source.access_key_id,
        queue_url: source.queue_url,
        poll_interval_seconds: source.poll_seconds,
        look_back_seconds: source.look_back_seconds,
        validate_digests: source.validate_digests,
        fetch_public_keys: source.fetch_public_keys,
        public_key_count: (source.public_keys.len() + progress.fetched_keys.len()) as u64,
        created: source.created.into(),
        created_by: source.created_by,
        last_poll: schedule.last_poll.map(Into::into),
        last_success: schedule.last_success.map(Into::into),
        next_poll: (schedule.due < NEVER).then(|| schedule.due.into()),
        current_poll: meter.map(poll_progress),
        once: source.once,
        last_error: schedule.last_error,
        failures: schedule.failures,
        files: progress.files,
        files_refused: progress.refused,
        files_unusable: progress.unusable,
        files_restored: progress.restored,
        records: progress.records,
        imported: progress.imported,
        duplicates: progress.duplicates,
        skipped: progress.skipped,
        notices: progress.notices,
        malformed_notices: progress.malformed,
        digests: verdicts(&progress),
        places: progress.places.iter().filter_map(|(name, count)| place(name, count)).collect(),
        cursors,
        findings: progress.findings.into_iter().map(finding).collect(),
    })
}

fn poll_progress(meter: Meter) -> PollProgress {
    let Meter { files, bytes, total } = meter;
    PollProgress {
        files,
        bytes,
        files_total: total.map(|(files, _)| files),
        bytes_total: total.map(|(_, bytes)| bytes),
    }
}

fn verdicts(progress: &ProgressRecord) -> DigestVerdicts {
    DigestVerdicts {
        valid: progress.digests_valid,
        invalid: progress.digests_invalid,
        unproven: progress.digests_unproven,
        missing: progress.digests_missing,
        files_matching: progress.files_matching,
        files_changed: progress.files_changed,
        files_missing: progress.files_missing,
    }
}

fn place(name: &str, count: &super::source::record::PlaceCount) -> Option<ImportedPlace> {
    let (account_id, region) = name.split_once('/')?;
    Some(ImportedPlace {
        account_id: account_id.to_owned(),
        region: region.to_owned(),
        imported: count.imported,
        duplicates: count.duplicates,
        first_event: count.first.into(),
        last_event: count.last.into(),
    })
}

fn finding(record: super::source::record::FindingRecord) -> ImportFinding {
    ImportFinding { time: record.time.into(), place: record.place, reason: record.reason }
}

async fn cursors(call: &mut Call<'_>, source: &SourceRecord) -> Result<Vec<ImportCursor>, StoreError> {
    let prefix = part_key(&source.id, "");
    let scan = Scan { prefix: &prefix, after: None, limit: CURSORS_MAX };
    let rows = call.tx.scan::<CursorRecord>(CURSOR, scan).await?;
    let shown = |(key, cursor): (String, CursorRecord)| {
        let folder = key[prefix.len()..].to_owned();
        Some(ImportCursor { folder, read_until: cursor.newest?.into() })
    };
    Ok(rows.into_iter().filter_map(shown).collect())
}
