//! `DeleteArchive`: its events go with it

use keywatch_api::events::{DeleteArchiveRequest, DeleteArchiveResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError,
    archive::{ARCHIVE, GARBAGE, Mark, archive, archive_arn, key},
};

pub(crate) async fn delete_archive(
    call: &mut Call<'_>,
    _: &Events,
    request: DeleteArchiveRequest,
) -> Result<DeleteArchiveResponse, EventsError> {
    let partition = call.partition();
    call.authorize_own("events:DeleteArchive", &archive_arn(&partition, &request.archive_name))?;
    let archive = archive(call, &request.archive_name).await?;
    call.tx.delete(ARCHIVE, &key(&partition, &archive.name));
    call.tx.put(GARBAGE, &archive.id, &Mark {})?;
    Ok(DeleteArchiveResponse {})
}
