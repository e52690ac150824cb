//! `PutDashboard`: creates a dashboard, or replaces its body.

use keywatch_api::cloudwatch::dashboards::{PutDashboardRequest, PutDashboardResponse};
use keywatch_iam::Call;
use keywatch_store::Scan;
use serde_json::json;

use super::body;
use super::record::{self, DASHBOARD, DashboardRecord};
use crate::cloudwatch::{CloudWatch, CloudWatchError, tagged::check_tags};

/// Dashboards of one account; AWS has no such limit.
pub const DASHBOARDS_MAX: usize = 10_000;
/// Bytes of a body; AWS does not publish its limit.
pub const BODY_LENGTH_MAX: usize = 1 << 20;

pub(crate) async fn put_dashboard(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: PutDashboardRequest,
) -> Result<PutDashboardResponse, CloudWatchError> {
    let PutDashboardRequest { dashboard_name: name, dashboard_body: text, tags } = request;
    let shown = json!({ "dashboardName": name, "dashboardBody": "HIDDEN_DUE_TO_SECURITY_REASONS" });
    call.notes.request_parameters = Some(shown.to_string());
    record::authorize(call, "cloudwatch:PutDashboard", &name)?;
    let warnings = checked(&text)?;
    let key = record::key(call.account().as_str(), &name);
    let before: Option<DashboardRecord> = call.tx.get(DASHBOARD, &key).await?;
    let tags = match before {
        // Tags come with the creation only.
        Some(before) => before.tags,
        None => {
            check_room(call).await?;
            check_tags(&tags.unwrap_or_default())?
        }
    };
    call.tx.put(DASHBOARD, &key, &DashboardRecord { name, body: text, modified: call.now, tags })?;
    Ok(PutDashboardResponse { dashboard_validation_messages: warnings })
}

async fn check_room(call: &mut Call<'_>) -> Result<(), CloudWatchError> {
    let prefix = record::key(call.account().as_str(), "");
    let scan = Scan { prefix: &prefix, after: None, limit: DASHBOARDS_MAX };
    if call.tx.scan::<DashboardRecord>(DASHBOARD, scan).await?.len() < DASHBOARDS_MAX {
        return Ok(());
    }
    let text = format!("More than {DASHBOARDS_MAX} dashboards are not allowed in an account.");
    Err(CloudWatchError::InvalidDashboard { text, findings: Vec::new() })
}

/// What is to be warned of in a body that may be kept.
fn checked(text: &str) -> Result<Vec<body::Finding>, CloudWatchError> {
    let refused = |text: String, findings| CloudWatchError::InvalidDashboard { text, findings };
    if text.len() > BODY_LENGTH_MAX {
        let text = format!("The field DashboardBody must not be longer than {BODY_LENGTH_MAX} bytes");
        return Err(refused(text, Vec::new()));
    }
    let parsed = serde_json::from_str::<serde_json::Value>(text).ok().filter(serde_json::Value::is_object);
    let Some(parsed) = parsed else {
        return Err(refused("The field DashboardBody must be a valid JSON object".into(), Vec::new()));
    };
    let body::Verdict { errors, warnings } = body::check(&parsed);
    if errors.is_empty() {
        return Ok(warnings);
    }
    let shown: Vec<_> =
        errors.iter().map(|one| json!({ "dataPath": one.data_path, "message": one.message })).collect();
    let list = serde_json::to_string_pretty(&shown).unwrap_or_default();
    let count = errors.len();
    Err(refused(
        format!("The dashboard body is invalid, there are {count} validation errors:\n{list}"),
        errors,
    ))
}
