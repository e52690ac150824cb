//! `DeleteImportSource`: ends a source. What was imported stays; what is stored of the source's work is removed afterwards.

use bytes::Bytes;
use keywatch_api::keywatch::DeleteImportSourceRequest;
use keywatch_iam::Call;

use super::ImportError;
use super::source::record::{GONE, SCHEDULE, SOURCE, SourceRecord, source_key};

/// Needs nothing of the service that serves it.
pub async fn delete_import_source<S: Sync>(
    call: &mut Call<'_>,
    _: &S,
    request: DeleteImportSourceRequest,
) -> Result<(), ImportError> {
    call.authorize_own("keywatch:DeleteImportSource", "*")?;
    let key = source_key(call.account(), &request.name);
    let Some(source) = call.tx.get::<SourceRecord>(SOURCE, &key).await? else {
        return Err(ImportError::NoSuchSource(request.name));
    };
    call.tx.delete(SOURCE, &key);
    call.tx.delete(SCHEDULE, &key);
    call.tx.put_bytes(GONE, &source.id, Bytes::new());
    Ok(())
}
