//! `GetAutomaticDashboard`: the body of a dashboard of KMS, or of one key, made of the metrics that exist.

use keywatch_api::keywatch::{GetAutomaticDashboardRequest, GetAutomaticDashboardResponse};
use keywatch_iam::Call;
use keywatch_monitor::cloudwatch::CloudWatch;
use keywatch_monitor::dashboards::automatic::automatic_dashboard;

use super::EvidenceError;
use super::named::named;
use crate::Kms;

/// Needs the keys and the metrics of the service that serves it.
pub async fn get_automatic_dashboard<S: AsRef<Kms> + AsRef<CloudWatch> + Sync>(
    call: &mut Call<'_>,
    service: &S,
    request: GetAutomaticDashboardRequest,
) -> Result<GetAutomaticDashboardResponse, EvidenceError> {
    let key_arn = match &request.key_id {
        None => None,
        Some(key) => Some(named(call, service.as_ref(), key).await?.arn),
    };
    call.authorize_own("keywatch:GetAutomaticDashboard", key_arn.as_deref().unwrap_or("*"))?;
    let partition = call.partition();
    let body = automatic_dashboard(service.as_ref(), &partition, key_arn.as_deref(), call.now).await?;
    Ok(GetAutomaticDashboardResponse { key_arn, dashboard_body: body })
}
