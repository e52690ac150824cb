//! `CreateArchive`

use keywatch_api::events::{ArchiveResponse, CreateArchiveRequest};
use keywatch_iam::Call;
use keywatch_patterns::event::EventPattern;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    archive::{ARCHIVE, ArchiveRecord, archive_arn, key},
    create_event_bus::refuse_unbuilt,
};

/// Archives of an account and Region.
const ARCHIVES_MAX: usize = 100;

pub(crate) async fn create_archive(
    call: &mut Call<'_>,
    _: &Events,
    request: CreateArchiveRequest,
) -> Result<ArchiveResponse, EventsError> {
    let partition = call.partition();
    let arn = archive_arn(&partition, &request.archive_name);
    call.authorize_own("events:CreateArchive", &arn)?;
    refuse_unbuilt(request.kms_key_identifier.as_deref(), None)?;
    let bus = access::own_bus(call, Some(&request.event_source_arn))?;
    access::bus(call, &bus).await?;
    let event_pattern = request.event_pattern.filter(|pattern| !pattern.is_empty());
    if let Some(pattern) = &event_pattern {
        EventPattern::parse(pattern)?;
    }
    let key = key(&partition, &request.archive_name);
    if call.tx.get::<ArchiveRecord>(ARCHIVE, &key).await?.is_some() {
        return Err(EventsError::Exists(format!("Archive {} already exists.", request.archive_name)));
    }
    let prefix = format!("{partition}/");
    let scan = Scan { prefix: &prefix, after: None, limit: ARCHIVES_MAX };
    if call.tx.scan::<ArchiveRecord>(ARCHIVE, scan).await?.len() >= ARCHIVES_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let archive = ArchiveRecord {
        name: request.archive_name,
        id: call.origin.event_id.to_owned(),
        bus,
        event_pattern,
        description: request.description,
        retention_days: request.retention_days.unwrap_or(0),
        created: call.now,
        since: call.tx.store.head(),
    };
    call.tx.insert(ARCHIVE, &key, &archive)?;
    Ok(ArchiveResponse {
        archive_arn: arn,
        state: ArchiveRecord::STATE,
        creation_time: archive.created.into(),
    })
}
