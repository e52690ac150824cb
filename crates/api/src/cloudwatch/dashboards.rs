//! Shapes of dashboards and of pictures of widgets.

use serde::Serialize;

use super::alarms::Tag;
use crate::{Blob, WireTime, shape};

shape! {
    /// `PutDashboard`
    pub struct PutDashboardRequest: Pascal {
        dashboard_name: String,
        dashboard_body: String,
        tags: Option<Vec<Tag>>,
    }
}

/// Something in a body that keeps it from being stored, or that will not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DashboardValidationMessage {
    /// `/widgets/0/properties/region`
    pub data_path: String,
    pub message: String,
}

/// Answer of `PutDashboard`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutDashboardResponse {
    pub dashboard_validation_messages: Vec<DashboardValidationMessage>,
}

shape! {
    /// `GetDashboard`
    pub struct GetDashboardRequest: Pascal { dashboard_name: String }
}

/// Answer of `GetDashboard`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetDashboardResponse {
    pub dashboard_arn: String,
    pub dashboard_body: String,
    pub dashboard_name: String,
}

shape! {
    /// `ListDashboards`
    pub struct ListDashboardsRequest: Pascal {
        dashboard_name_prefix: Option<String>,
        next_token: Option<String>,
    }
}

/// A dashboard in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DashboardEntry {
    pub dashboard_name: String,
    pub dashboard_arn: String,
    pub last_modified: WireTime,
    /// Bytes.
    pub size: i64,
}

/// Answer of `ListDashboards`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListDashboardsResponse {
    pub dashboard_entries: Vec<DashboardEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

shape! {
    /// `DeleteDashboards`
    pub struct DeleteDashboardsRequest: Pascal { dashboard_names: Vec<String> }
}

shape! {
    /// `GetMetricWidgetImage`
    pub struct GetMetricWidgetImageRequest: Pascal {
        /// JSON text.
        metric_widget: String,
        output_format: Option<String>,
    }
}

/// Answer of `GetMetricWidgetImage`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMetricWidgetImageResponse {
    /// A PNG.
    pub metric_widget_image: Blob,
}
