//! `DescribeImports`: the account's imports that added records, the newest first.

use keywatch_api::keywatch::{DescribeImportsRequest, DescribeImportsResponse, ImportDescription};
use keywatch_api::page;
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::ImportError;
use super::record::{IMPORT, ImportRecord, import_prefix};

const PAGE_DEFAULT: i32 = 100;
const QUESTION: &str = "DescribeImports";

/// Needs nothing of the service that serves it.
pub async fn describe_imports<S: Sync>(
    call: &mut Call<'_>,
    _: &S,
    request: DescribeImportsRequest,
) -> Result<DescribeImportsResponse, ImportError> {
    call.authorize_own("keywatch:DescribeImports", "*")?;
    let prefix = import_prefix(call.account());
    let after = request.next_token.as_deref().map(|token| page::decode(QUESTION, token)).transpose();
    let after = after.map_err(|_| ImportError::InvalidNextToken)?.map(|rest| format!("{prefix}{rest}"));
    // The shape keeps it within its range.
    let limit = request.max_results.unwrap_or(PAGE_DEFAULT).unsigned_abs() as usize;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: limit + 1 };
    let mut rows = call.tx.scan::<ImportRecord>(IMPORT, scan).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|(key, _)| key[prefix.len()..].to_owned());
    Ok(DescribeImportsResponse {
        imports: rows.into_iter().map(|(_, record)| describe(record)).collect(),
        next_token: last.map(|last| page::encode(QUESTION, &last)),
    })
}

fn describe(record: ImportRecord) -> ImportDescription {
    ImportDescription {
        import_id: record.id,
        time: record.time.into(),
        name: record.name,
        principal_arn: record.principal,
        records: record.records,
        imported: record.imported,
        duplicates: record.duplicates,
        skipped: record.skipped,
        faults: record.faults,
    }
}
