//! `DescribeArchive`

use keywatch_api::events::{DescribeArchiveRequest, DescribeArchiveResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    archive::{ArchiveRecord, TOTALS, Totals, archive, archive_arn},
    record::bus_arn,
};

pub(crate) async fn describe_archive(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeArchiveRequest,
) -> Result<DescribeArchiveResponse, EventsError> {
    let partition = call.partition();
    let arn = archive_arn(&partition, &request.archive_name);
    call.authorize_own("events:DescribeArchive", &arn)?;
    let archive = archive(call, &request.archive_name).await?;
    let totals: Totals = call.tx.get(TOTALS, &archive.id).await?.unwrap_or_default();
    Ok(DescribeArchiveResponse {
        archive_arn: arn,
        archive_name: archive.name,
        event_source_arn: bus_arn(&partition, &archive.bus),
        description: archive.description,
        event_pattern: archive.event_pattern,
        state: ArchiveRecord::STATE,
        retention_days: archive.retention_days,
        size_bytes: totals.bytes,
        event_count: totals.events,
        creation_time: archive.created.into(),
    })
}
