//! What CloudWatch answers when a call fails.

use std::borrow::Cow;

use keywatch_api::{WireError, cloudwatch::dashboards::DashboardValidationMessage};
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

use crate::detectors::DETECTORS_MAX;

/// The errors of CloudWatch.
#[derive(Debug)]
pub enum CloudWatchError {
    AccessDenied(AccessDenied),
    /// A value outside what the operation takes.
    InvalidParameterValue(String),
    /// Parameters that exclude each other, or that ask for too much together.
    InvalidParameterCombination(String),
    MissingParameter(String),
    /// A request that satisfies the model and still makes no sense.
    Validation(String),
    InvalidNextToken,
    /// `StateReasonData` that is no JSON; CloudWatch sends no text with it.
    InvalidFormat,
    /// No such alarm; CloudWatch sends no text with it.
    NoSuchAlarm,
    NoSuchDashboard {
        name: String,
    },
    /// A body of a dashboard that is not kept.
    InvalidDashboard {
        text: String,
        findings: Vec<DashboardValidationMessage>,
    },
    /// No such resource to tag.
    NoSuchResource {
        arn: String,
    },
    LimitExceeded(String),
    /// No such anomaly detector.
    NoSuchDetector {
        /// The metric's name, or the expression's id.
        id: String,
    },
    /// More anomaly detectors than an account and Region may have.
    TooManyDetectors,
    /// What could not be done although nothing was wrong with the request; for the log.
    Internal(String),
    Store(StoreError),
}

impl WireError for CloudWatchError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied(denied) => denied.code(),
            Self::InvalidParameterValue(_) => "InvalidParameterValueException".into(),
            Self::InvalidParameterCombination(_) => "InvalidParameterCombinationException".into(),
            Self::MissingParameter(_) => "MissingRequiredParameterException".into(),
            Self::Validation(_) => "ValidationException".into(),
            Self::InvalidNextToken => "InvalidNextToken".into(),
            Self::InvalidFormat => "InvalidFormatFault".into(),
            Self::NoSuchAlarm | Self::NoSuchDashboard { .. } => "ResourceNotFound".into(),
            Self::InvalidDashboard { .. } => "InvalidParameterInput".into(),
            Self::NoSuchResource { .. } | Self::NoSuchDetector { .. } => "ResourceNotFoundException".into(),
            Self::LimitExceeded(_) => "LimitExceededFault".into(),
            Self::TooManyDetectors => "LimitExceededException".into(),
            Self::Internal(_) | Self::Store(_) => "InternalServiceFault".into(),
        }
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        let code = match self {
            Self::AccessDenied(denied) => return denied.query_code(),
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::InvalidParameterCombination(_) => "InvalidParameterCombination",
            Self::MissingParameter(_) => "MissingParameter",
            Self::Validation(_) => "ValidationError",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::InvalidFormat => "InvalidFormat",
            Self::NoSuchAlarm | Self::NoSuchDashboard { .. } => "ResourceNotFound",
            Self::InvalidDashboard { .. } => "InvalidParameterInput",
            Self::NoSuchResource { .. } | Self::NoSuchDetector { .. } => "ResourceNotFoundException",
            Self::LimitExceeded(_) => "LimitExceeded",
            Self::TooManyDetectors => "LimitExceededException",
            Self::Internal(_) | Self::Store(_) => "InternalServiceError",
        };
        Some(code.into())
    }

    fn status(&self) -> u16 {
        match self {
            Self::AccessDenied(denied) => denied.status(),
            Self::NoSuchAlarm
            | Self::NoSuchDashboard { .. }
            | Self::NoSuchResource { .. }
            | Self::NoSuchDetector { .. } => 404,
            Self::Internal(_) | Self::Store(_) => 500,
            _ => 400,
        }
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::AccessDenied(denied) => denied.message(),
            Self::InvalidParameterValue(text)
            | Self::InvalidParameterCombination(text)
            | Self::MissingParameter(text)
            | Self::Validation(text)
            | Self::LimitExceeded(text)
            | Self::InvalidDashboard { text, .. } => Some(text.clone()),
            Self::NoSuchDashboard { name } => Some(format!("Dashboard {name} does not exist")),
            Self::NoSuchDetector { .. } => Some("The anomaly detector does not exist.".to_owned()),
            Self::TooManyDetectors => {
                Some(format!("The limit of {DETECTORS_MAX} anomaly detectors in a Region is reached."))
            }
            Self::InvalidNextToken => Some("The value for NextToken is invalid.".to_owned()),
            Self::InvalidFormat | Self::NoSuchAlarm => None,
            Self::NoSuchResource { arn } => Some(format!("The resource {arn} does not exist.")),
            Self::Internal(_) | Self::Store(_) => Some(
                "The request processing has failed because of an unknown error, exception or failure."
                    .to_owned(),
            ),
        }
    }

    fn members(&self) -> Option<String> {
        match self {
            Self::InvalidDashboard { findings, .. } => {
                Some(serde_json::json!({ "dashboardValidationMessages": findings }).to_string())
            }
            Self::NoSuchDetector { id } => {
                Some(serde_json::json!({ "ResourceType": "AnomalyDetector", "ResourceId": id }).to_string())
            }
            _ => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            Self::Internal(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl From<StoreError> for CloudWatchError {
    fn from(error: StoreError) -> Self {
        match error {
            // Only readers of metrics ask for what may be too much.
            StoreError::TooLarge { what, limit, .. } => {
                let text = format!("This asks for more than {} MiB of {what}.", limit >> 20);
                Self::InvalidParameterValue(text)
            }
            error => Self::Store(error),
        }
    }
}

impl From<AccessDenied> for CloudWatchError {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied)
    }
}
