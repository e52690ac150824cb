//! `UpdatePrimaryRegion`: one of the replicas becomes the primary, and the primary a replica. Needs the permission on both keys, and
//! leaves a record in both Regions.

use keywatch_api::Region;
use keywatch_api::kms::KmsOperation;
use keywatch_api::kms::multi_region::UpdatePrimaryRegionRequest;
use keywatch_iam::policy::{KeyList, Values};
use keywatch_iam::{Call, Notes};

use crate::Kms;
use crate::access::{Asked, hold, hold_at};
use crate::error::KmsError;
use crate::family;
use crate::family_record::append_elsewhere;
use crate::lifecycle::Act;
use crate::notes::note_key_id;

pub(crate) async fn update_primary_region(
    call: &mut Call<'_>,
    kms: &Kms,
    request: UpdatePrimaryRegionRequest,
) -> Result<(), KmsError> {
    // Boxed, so that usual calls do not carry its many reads.
    Box::pin(update(call, kms, request)).await
}

async fn update(call: &mut Call<'_>, kms: &Kms, request: UpdatePrimaryRegionRequest) -> Result<(), KmsError> {
    let region: Region = request.primary_region.parse().map_err(|error| KmsError::internal(&error))?;
    let more = KeyList::default().with("kms:PrimaryRegion", Values::one(region.as_str()));
    let asked = Asked::with("kms:UpdatePrimaryRegion", &more);
    let primary = hold(call, &request.key_id, &asked).await?;
    primary.permit(Act::UpdatePrimary)?;
    if region == primary.region {
        return Err(KmsError::Unsupported(format!(
            "{} is already the primary key of its multi-Region key.",
            primary.arn()
        )));
    }
    kms.quotas().take_elsewhere(call, &region, (KmsOperation::UpdatePrimaryRegion, 1))?;
    let place = primary.place_in(&region)?;
    let replica = hold_at(call, &place, &asked).await?;
    replica.permit_becoming_primary()?;
    let former = primary.clone();
    let next = family::move_primary(&mut call.tx, primary, &region, call.now).await?;
    let mut notes = Notes::default();
    notes.request_parameters.clone_from(&call.notes.request_parameters);
    notes.set_response(Some(format!("{{\"keyId\":\"{}\"}}", next.arn())));
    append_elsewhere(call, &next, "UpdatePrimaryRegion", notes);
    call.notes.resources.retain(|resource| resource.arn == former.arn().to_string());
    note_key_id(call, &former);
    Ok(())
}
