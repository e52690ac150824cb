//! `ListDashboards`: the dashboards of the account in the order of their names.

use keywatch_api::{
    WireTime,
    cloudwatch::dashboards::{DashboardEntry, ListDashboardsRequest, ListDashboardsResponse},
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::record::{self, DASHBOARD, DashboardRecord};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

const PAGE_MAX: usize = 1_000;

pub(crate) async fn list_dashboards(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: ListDashboardsRequest,
) -> Result<ListDashboardsResponse, CloudWatchError> {
    let account = call.account().to_string();
    call.authorize_own("cloudwatch:ListDashboards", &record::arn(&account, "*"))?;
    let wanted = request.dashboard_name_prefix.unwrap_or_default();
    let question = format!("ListDashboards {wanted}");
    let invalid =
        |_| CloudWatchError::InvalidParameterValue("The value for NextToken is invalid.".to_owned());
    let after =
        request.next_token.map(|token| page::decode(&question, &token).map_err(invalid)).transpose()?;
    let prefix = record::key(&account, &wanted);
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE_MAX + 1 };
    let mut rows = call.tx.scan::<DashboardRecord>(DASHBOARD, scan).await?;
    let more = rows.len() > PAGE_MAX;
    rows.truncate(PAGE_MAX);
    let next_token = rows.last().filter(|_| more).map(|(key, _)| page::encode(&question, key));
    let entry = |(_, dashboard): (String, DashboardRecord)| DashboardEntry {
        dashboard_arn: record::arn(&account, &dashboard.name),
        last_modified: WireTime(dashboard.modified),
        size: i64::try_from(dashboard.body.len()).unwrap_or(i64::MAX),
        dashboard_name: dashboard.name,
    };
    Ok(ListDashboardsResponse { dashboard_entries: rows.into_iter().map(entry).collect(), next_token })
}
