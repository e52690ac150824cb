//! `PutRetentionPolicy`

use keywatch_api::logs::PutRetentionPolicyRequest;
use keywatch_iam::Call;

use super::{Logs, LogsError, access};

/// The retentions AWS offers, in days.
const DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(crate) async fn put_retention_policy(
    call: &mut Call<'_>,
    _: &Logs,
    request: PutRetentionPolicyRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:PutRetentionPolicy", &request.log_group_name)?;
    let days = request.retention_in_days;
    if !DAYS.contains(&days) {
        let set: Vec<String> = DAYS.iter().map(i32::to_string).collect();
        return Err(LogsError::invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member \
             must satisfy enum value set: [{}]",
            set.join(", ")
        )));
    }
    let mut group = access::group(call, &request.log_group_name).await?;
    group.retention_days = Some(days);
    access::put_group(call, &group)?;
    Ok(())
}
