//! What a CloudTrail call can be refused with; all are HTTP 400 (CloudTrail API reference, "Common errors").

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_history::HistoryError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

#[derive(Debug)]
pub enum CloudTrailError {
    InvalidLookupAttributes(&'static str),
    InvalidTimeRange,
    InvalidMaxResults(i32),
    InvalidNextToken,
    /// What `ListTags` declares in place of the former.
    InvalidToken,
    /// Where an operation declares nothing that fits.
    Validation(&'static str),
    InvalidEventCategory,
    TrailNotFound(String),
    TrailAlreadyExists(String),
    InvalidTrailName(&'static str),
    MaximumNumberOfTrailsExceeded,
    BucketDoesNotExist(String),
    InvalidLogGroupArn(&'static str),
    InvalidHomeRegion(String),
    InvalidEventSelectors(&'static str),
    InvalidParameterCombination(&'static str),
    ResourceNotFound(String),
    TagsLimitExceeded,
    Denied(AccessDenied),
    Store(StoreError),
    History(HistoryError),
}

impl WireError for CloudTrailError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::InvalidLookupAttributes(_) => "InvalidLookupAttributesException".into(),
            Self::InvalidTimeRange => "InvalidTimeRangeException".into(),
            Self::InvalidMaxResults(_) => "InvalidMaxResultsException".into(),
            Self::InvalidNextToken => "InvalidNextTokenException".into(),
            Self::InvalidToken => "InvalidTokenException".into(),
            Self::Validation(_) => "ValidationException".into(),
            Self::InvalidEventCategory => "InvalidEventCategoryException".into(),
            Self::TrailNotFound(_) => "TrailNotFoundException".into(),
            Self::TrailAlreadyExists(_) => "TrailAlreadyExistsException".into(),
            Self::InvalidTrailName(_) => "InvalidTrailNameException".into(),
            Self::MaximumNumberOfTrailsExceeded => "MaximumNumberOfTrailsExceededException".into(),
            Self::BucketDoesNotExist(_) => "S3BucketDoesNotExistException".into(),
            Self::InvalidLogGroupArn(_) => "InvalidCloudWatchLogsLogGroupArnException".into(),
            Self::InvalidHomeRegion(_) => "InvalidHomeRegionException".into(),
            Self::InvalidEventSelectors(_) => "InvalidEventSelectorsException".into(),
            Self::InvalidParameterCombination(_) => "InvalidParameterCombinationException".into(),
            Self::ResourceNotFound(_) => "ResourceNotFoundException".into(),
            Self::TagsLimitExceeded => "TagsLimitExceededException".into(),
            Self::Denied(denied) => denied.code(),
            Self::Store(_) | Self::History(_) => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Store(_) | Self::History(_) => 500,
            _ => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(match self {
            Self::InvalidLookupAttributes(why) => (*why).to_owned(),
            Self::InvalidTimeRange => "The start time must be before the end time.".to_owned(),
            Self::InvalidMaxResults(given) => {
                format!("A max results value of {given} is invalid. Specify max results between 1 and 50.")
            }
            Self::InvalidNextToken | Self::InvalidToken => "Invalid token.".to_owned(),
            Self::InvalidEventCategory => "The event category is not valid. Specify insight.".to_owned(),
            Self::TrailNotFound(given) => format!("Unknown trail: {given}"),
            Self::TrailAlreadyExists(arn) => format!("Trail {arn} already exists."),
            Self::InvalidTrailName(why)
            | Self::Validation(why)
            | Self::InvalidLogGroupArn(why)
            | Self::InvalidEventSelectors(why)
            | Self::InvalidParameterCombination(why) => (*why).to_owned(),
            Self::MaximumNumberOfTrailsExceeded => {
                "User already has the maximum number of trails in this Region.".to_owned()
            }
            Self::BucketDoesNotExist(bucket) => format!("S3 bucket {bucket} does not exist!"),
            Self::InvalidHomeRegion(region) => {
                format!("The trail can only be changed from its home Region: {region}.")
            }
            Self::ResourceNotFound(arn) => format!("Resource not found: {arn}"),
            Self::TagsLimitExceeded => "A trail has at most 50 tags.".to_owned(),
            Self::Denied(denied) => denied.0.clone(),
            Self::Store(_) => "An internal error occurred.".to_owned(),
            Self::History(error) => error.public_text().to_owned(),
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            Self::History(error) => Some(error.in_full()),
            _ => None,
        }
    }
}

impl From<AccessDenied> for CloudTrailError {
    fn from(denied: AccessDenied) -> Self {
        Self::Denied(denied)
    }
}

impl From<StoreError> for CloudTrailError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HistoryError> for CloudTrailError {
    fn from(error: HistoryError) -> Self {
        Self::History(error)
    }
}
