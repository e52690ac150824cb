//! `UpdateArchive`: what is not given stays as it is

use keywatch_api::events::{ArchiveResponse, UpdateArchiveRequest};
use keywatch_iam::Call;
use keywatch_patterns::event::EventPattern;

use super::{
    Events, EventsError,
    archive::{ARCHIVE, ArchiveRecord, archive, archive_arn, key},
    create_event_bus::refuse_unbuilt,
};

pub(crate) async fn update_archive(
    call: &mut Call<'_>,
    _: &Events,
    request: UpdateArchiveRequest,
) -> Result<ArchiveResponse, EventsError> {
    let partition = call.partition();
    let arn = archive_arn(&partition, &request.archive_name);
    call.authorize_own("events:UpdateArchive", &arn)?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), None)?;
    let mut archive = archive(call, &request.archive_name).await?;
    if request.event_pattern.is_none() && request.retention_days.is_none() && request.description.is_none() {
        return Err(EventsError::invalid(
            "At least one of EventPattern, RetentionDays or Description must be provided.",
        ));
    }
    if let Some(pattern) = request.event_pattern {
        archive.event_pattern = Some(pattern).filter(|pattern| !pattern.is_empty());
        if let Some(pattern) = &archive.event_pattern {
            EventPattern::parse(pattern)?;
        }
    }
    archive.retention_days = request.retention_days.unwrap_or(archive.retention_days);
    archive.description = request.description.or(archive.description);
    call.tx.put(ARCHIVE, &key(&partition, &archive.name), &archive)?;
    Ok(ArchiveResponse {
        archive_arn: arn,
        state: ArchiveRecord::STATE,
        creation_time: archive.created.into(),
    })
}
