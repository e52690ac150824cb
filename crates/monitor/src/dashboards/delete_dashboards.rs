//! `DeleteDashboards`: deletes dashboards; names nobody has are ignored.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::dashboards::DeleteDashboardsRequest;
use keywatch_iam::Call;

use super::record::{self, DASHBOARD};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

const NAMES_MAX: usize = 100;

pub(crate) async fn delete_dashboards(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: DeleteDashboardsRequest,
) -> Result<Empty, CloudWatchError> {
    if request.dashboard_names.len() > NAMES_MAX {
        let text = format!("The collection DashboardNames must not have more than {NAMES_MAX} elements.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    for name in &request.dashboard_names {
        record::authorize(call, "cloudwatch:DeleteDashboards", name)?;
    }
    for name in &request.dashboard_names {
        let key = record::key(call.account().as_str(), name);
        if call.tx.get_bytes(DASHBOARD, &key).await?.is_some() {
            call.tx.delete(DASHBOARD, &key);
        }
    }
    Ok(Empty {})
}
