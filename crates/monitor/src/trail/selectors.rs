//! Event selectors: which records a trail wants. Pure.
//!
//! **Basic** selectors choose management events by reading and writing, and leave out sources. **Advanced** ones ask fields of a
//! record. Source: CloudTrail user guide, "Logging management events" and "Filtering data events by using advanced event selectors".

use std::borrow::Cow;

use keywatch_api::cloudtrail::ReadWriteType;
use serde::{Deserialize, Serialize};

/// A basic event selector, as far as it concerns management events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    pub read_write_type: ReadWriteType,
    pub include_management_events: bool,
    pub exclude_sources: Vec<String>,
}

/// An advanced event selector: every field must agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvancedSelector {
    pub name: Option<String>,
    pub fields: Vec<FieldSelector>,
}

/// What is asked of one field: none of the values of a negative operator, and one of those of the positive ones if there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldSelector {
    /// As in the request: `eventName`, `resources.ARN`, …
    pub field: String,
    #[serde(default)]
    pub equals: Vec<String>,
    #[serde(default)]
    pub starts_with: Vec<String>,
    #[serde(default)]
    pub ends_with: Vec<String>,
    #[serde(default)]
    pub not_equals: Vec<String>,
    #[serde(default)]
    pub not_starts_with: Vec<String>,
    #[serde(default)]
    pub not_ends_with: Vec<String>,
}

/// A field that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    EventCategory,
    ReadOnly,
    EventSource,
    EventName,
    PrincipalArn,
    ResourceArn,
}

impl Field {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eventCategory" => Self::EventCategory,
            "readOnly" => Self::ReadOnly,
            "eventSource" => Self::EventSource,
            "eventName" => Self::EventName,
            "userIdentity.arn" => Self::PrincipalArn,
            "resources.ARN" => Self::ResourceArn,
            _ => return None,
        })
    }
}

/// What selectors ask of a record.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Facts<'r> {
    #[serde(borrow)]
    event_source: Cow<'r, str>,
    #[serde(borrow)]
    event_name: Cow<'r, str>,
    #[serde(borrow)]
    event_category: Cow<'r, str>,
    read_only: bool,
    user_identity: Option<Identity>,
    resources: Option<Vec<Resource>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    arn: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

impl<'r> Facts<'r> {
    /// Of a record; of what is none, nothing.
    pub(crate) fn of(record: &'r [u8]) -> Self {
        serde_json::from_slice(record).unwrap_or_default()
    }

    fn values(&self, field: Field) -> Vec<&str> {
        match field {
            Field::EventCategory => vec![&*self.event_category],
            Field::ReadOnly => vec![if self.read_only { "true" } else { "false" }],
            Field::EventSource => vec![&*self.event_source],
            Field::EventName => vec![&*self.event_name],
            Field::PrincipalArn => {
                self.user_identity.iter().filter_map(|identity| identity.arn.as_deref()).collect()
            }
            Field::ResourceArn => {
                self.resources.iter().flatten().filter_map(|resource| resource.arn.as_deref()).collect()
            }
        }
    }
}

impl Selector {
    /// Whether it is the one a trail has by itself.
    pub(crate) fn takes_everything(&self) -> bool {
        self.read_write_type == ReadWriteType::All
            && self.include_management_events
            && self.exclude_sources.is_empty()
    }

    pub(crate) fn takes(&self, facts: &Facts<'_>) -> bool {
        let kind = match self.read_write_type {
            ReadWriteType::All => true,
            ReadWriteType::ReadOnly => facts.read_only,
            ReadWriteType::WriteOnly => !facts.read_only,
        };
        kind && self.include_management_events
            && !self.exclude_sources.iter().any(|source| *source == facts.event_source)
    }
}

impl AdvancedSelector {
    pub(crate) fn takes(&self, facts: &Facts<'_>) -> bool {
        self.fields.iter().all(|selector| {
            Field::named(&selector.field).is_some_and(|field| selector.agrees(&facts.values(field)))
        })
    }
}

impl FieldSelector {
    /// Of a field with several values one must be wanted, and none unwanted.
    fn agrees(&self, values: &[&str]) -> bool {
        let [wanted, unwanted] = [
            [&self.equals, &self.starts_with, &self.ends_with],
            [&self.not_equals, &self.not_starts_with, &self.not_ends_with],
        ];
        let is_open = wanted.iter().all(|operands| operands.is_empty());
        let any = |operators| values.iter().any(|value| matches(operators, value));
        (is_open || any(wanted)) && !any(unwanted)
    }

    /// Operands of all operators.
    pub(crate) fn operands(&self) -> usize {
        self.all().iter().map(|operands| operands.len()).sum()
    }

    /// The operators that were given, by name.
    pub(crate) fn operators(&self) -> Vec<&'static str> {
        let names = ["Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith"];
        names
            .into_iter()
            .zip(self.all())
            .filter(|(_, operands)| !operands.is_empty())
            .map(|(name, _)| name)
            .collect()
    }

    fn all(&self) -> [&Vec<String>; 6] {
        [
            &self.equals,
            &self.starts_with,
            &self.ends_with,
            &self.not_equals,
            &self.not_starts_with,
            &self.not_ends_with,
        ]
    }
}

fn matches([equal, start, end]: [&Vec<String>; 3], value: &str) -> bool {
    equal.iter().any(|operand| operand == value)
        || start.iter().any(|operand| value.starts_with(operand.as_str()))
        || end.iter().any(|operand| value.ends_with(operand.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_basic_selectors_let_through() {
        let select = |kind, excluded: &[&str]| Selector {
            read_write_type: kind,
            include_management_events: true,
            exclude_sources: excluded.iter().map(|source| (*source).to_owned()).collect(),
        };
        for (selector, read_only, want) in [
            (select(ReadWriteType::All, &[]), true, true),
            (select(ReadWriteType::WriteOnly, &[]), true, false),
            (select(ReadWriteType::WriteOnly, &[]), false, true),
            (select(ReadWriteType::ReadOnly, &[]), false, false),
            (select(ReadWriteType::All, &["kms.amazonaws.com"]), true, false),
        ] {
            let facts = Facts { event_source: "kms.amazonaws.com".into(), read_only, ..Facts::default() };
            assert_eq!(selector.takes(&facts), want, "{selector:?} {read_only}");
        }
    }

    #[test]
    fn what_advanced_selectors_let_through() {
        let record = json!({
            "eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "readOnly": true, "eventCategory": "Management",
            "userIdentity": {"arn": "arn:aws:iam::000000000000:user/alice"},
            "resources": [{"ARN": "arn:aws:kms:us-east-1:000000000000:key/a"}, {"ARN": "arn:aws:kms:us-east-1:000000000000:key/b"}],
        });
        let bare =
            json!({"eventSource": "kms.amazonaws.com", "eventName": "GenerateRandom", "resources": null});
        check(&record, json!({"field": "eventCategory", "equals": ["Management"]}), true);
        check(&record, json!({"field": "eventSource", "not_equals": ["kms.amazonaws.com"]}), false);
        check(&record, json!({"field": "eventSource", "not_equals": ["rdsdata.amazonaws.com"]}), true);
        check(&record, json!({"field": "readOnly", "equals": ["false"]}), false);
        check(&record, json!({"field": "eventName", "equals": ["Encrypt"], "starts_with": ["Dec"]}), true);
        check(
            &record,
            json!({"field": "eventName", "starts_with": ["Dec"], "not_ends_with": ["crypt"]}),
            false,
        );
        check(&record, json!({"field": "resources.ARN", "ends_with": ["key/b"]}), true);
        check(&record, json!({"field": "resources.ARN", "not_ends_with": ["key/b"]}), false);
        check(&record, json!({"field": "resources.ARN", "equals": ["key/b"]}), false);
        check(&record, json!({"field": "userIdentity.arn", "ends_with": ["user/alice"]}), true);
        check(
            &record,
            json!({"field": "userIdentity.arn", "not_starts_with": ["arn:aws:iam::000000000000:"]}),
            false,
        );
        check(&bare, json!({"field": "userIdentity.arn", "ends_with": ["user/alice"]}), false);
        check(&bare, json!({"field": "resources.ARN", "not_equals": ["x"]}), true);
        check(&bare, json!({"field": "sourceIPAddress", "not_equals": ["x"]}), false);

        #[track_caller]
        fn check(record: &serde_json::Value, selector: serde_json::Value, want: bool) {
            let field = serde_json::from_value(selector).unwrap();
            let selector = AdvancedSelector { name: None, fields: vec![field] };
            let text = record.to_string();
            assert_eq!(selector.takes(&Facts::of(text.as_bytes())), want, "{selector:?}");
        }
    }
}
