//! `ListArchives`: in the order of their names

use keywatch_api::events::{Archive, ListArchivesRequest, ListArchivesResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    archive::{ARCHIVE, ArchiveRecord, TOTALS, Totals},
    record::bus_arn,
};

/// More than there can be.
const ROWS_AT_ONCE: usize = 200;

pub(crate) async fn list_archives(
    call: &mut Call<'_>,
    _: &Events,
    request: ListArchivesRequest,
) -> Result<ListArchivesResponse, EventsError> {
    call.authorize_own("events:ListArchives", "*")?;
    let partition = call.partition();
    let bus = match request.event_source_arn.as_deref() {
        None => None,
        Some(arn) => {
            let name = access::own_bus(call, Some(arn))?;
            access::bus(call, &name).await?;
            Some(name)
        }
    };
    let prefix = format!("{partition}/{}", request.name_prefix.unwrap_or_default());
    let question = format!("ListArchives {prefix} {bus:?} {:?}", request.state);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
    let mut rows = call.tx.scan::<ArchiveRecord>(ARCHIVE, scan).await?;
    rows.retain(|(_, archive)| {
        bus.as_ref().is_none_or(|bus| *bus == archive.bus)
            && request.state.is_none_or(|state| state == ArchiveRecord::STATE)
    });
    let (page, next_token) = access::page_of(&question, rows, access::page_limit(request.limit));
    let mut archives = Vec::with_capacity(page.len());
    for archive in page {
        let totals: Totals = call.tx.get(TOTALS, &archive.id).await?.unwrap_or_default();
        archives.push(Archive {
            archive_name: archive.name,
            event_source_arn: bus_arn(&partition, &archive.bus),
            state: ArchiveRecord::STATE,
            retention_days: archive.retention_days,
            size_bytes: totals.bytes,
            event_count: totals.events,
            creation_time: archive.created.into(),
        });
    }
    Ok(ListArchivesResponse { archives, next_token })
}
