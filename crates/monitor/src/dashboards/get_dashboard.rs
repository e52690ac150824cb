//! `GetDashboard`: the body of a dashboard, as it was put.

use keywatch_api::cloudwatch::dashboards::{GetDashboardRequest, GetDashboardResponse};
use keywatch_iam::Call;

use super::record::{self, DASHBOARD, DashboardRecord};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub(crate) async fn get_dashboard(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: GetDashboardRequest,
) -> Result<GetDashboardResponse, CloudWatchError> {
    let name = request.dashboard_name;
    record::authorize(call, "cloudwatch:GetDashboard", &name)?;
    let account = call.account().to_string();
    let found: Option<DashboardRecord> = call.tx.get(DASHBOARD, &record::key(&account, &name)).await?;
    let Some(found) = found else { return Err(CloudWatchError::NoSuchDashboard { name }) };
    Ok(GetDashboardResponse {
        dashboard_arn: record::arn(&account, &name),
        dashboard_body: found.body,
        dashboard_name: name,
    })
}
