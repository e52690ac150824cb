//! Whether a part is there as the pack wants it, or was changed, and by whom. Pure.
//!
//! A part bears a **mark**, a hash of what it was when the pack last put it. What is there now is compared member by member with what is
//! wanted; what is wanted neither now nor by the mark is a person's edit.

use keywatch_crypto::digest::sha256;
use serde_json::{Map, Value};

/// The tag that holds the mark.
pub const MARK_TAG: &str = "keywatch:guard-mark";
/// The tag that holds the guard's name.
pub const GUARD_TAG: &str = "keywatch:guard";
const MARK_BYTES: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    Absent,
    AsWanted,
    /// As it was put, but something else is wanted since: another topic, or a newer pack.
    Outdated,
    /// Somebody changed these members.
    Edited(Vec<Edit>),
}

/// A member that is not as wanted, as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub member: String,
    pub there: String,
    pub wanted: String,
}

/// Compares what is `there`, as the service describes it, with what is wanted. Parts that bear no mark count as a person's when they differ.
pub fn standing(there: Option<&Value>, wanted: &Value, mark: Option<&str>) -> Standing {
    let Some(there) = there else { return Standing::Absent };
    let there = like(there, wanted);
    let wanted = plain(wanted);
    if there == wanted {
        return Standing::AsWanted;
    }
    if mark == Some(mark_of(&there).as_str()) {
        return Standing::Outdated;
    }
    let (Value::Object(has), Value::Object(wants)) = (&there, &wanted) else {
        return Standing::Edited(Vec::new());
    };
    let differs = wants.iter().filter(|(member, value)| has.get(*member) != Some(value));
    Standing::Edited(
        differs
            .map(|(member, value)| Edit {
                member: member.clone(),
                there: has.get(member).unwrap_or(&Value::Null).to_string(),
                wanted: value.to_string(),
            })
            .collect(),
    )
}

/// The mark of a definition.
pub fn mark_of(definition: &Value) -> String {
    hex::encode(&sha256(plain(definition).to_string().as_bytes())[..MARK_BYTES])
}

/// What is there, without what is not asked about.
fn like(there: &Value, wanted: &Value) -> Value {
    match (there, wanted) {
        (Value::Object(has), Value::Object(wants)) => {
            let member = |(name, value): (&String, &Value)| {
                (name.clone(), like(has.get(name).unwrap_or(&Value::Null), value))
            };
            Value::Object(wants.iter().map(member).collect::<Map<_, _>>())
        }
        (Value::Array(has), Value::Array(wants)) if has.len() == wants.len() => {
            Value::Array(has.iter().zip(wants).map(|(has, wants)| like(has, wants)).collect())
        }
        _ => plain(there),
    }
}

/// Numbers in one form: 1 is 1.0.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(values) => Value::Array(values.iter().map(plain).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_changed_what() {
        let wanted = json!({"Threshold": 10, "Actions": ["t"], "Metrics": [{"Id": "q1"}]});
        let mark = mark_of(&wanted);
        let there = json!({"Threshold": 10.0, "Actions": ["t"], "Metrics": [{"Id": "q1", "Label": null}], "Arn": "a"});
        assert_eq!(standing(None, &wanted, Some(&mark)), Standing::Absent);
        assert_eq!(standing(Some(&there), &wanted, Some(&mark)), Standing::AsWanted);
        assert_eq!(standing(Some(&there), &wanted, None), Standing::AsWanted);
        let newer = json!({"Threshold": 20, "Actions": ["t"], "Metrics": [{"Id": "q1"}]});
        assert_eq!(standing(Some(&there), &newer, Some(&mark)), Standing::Outdated);
        let mut edited = there.clone();
        edited["Threshold"] = json!(11);
        let edit = Edit { member: "Threshold".into(), there: "11.0".into(), wanted: "10.0".into() };
        assert_eq!(standing(Some(&edited), &wanted, Some(&mark)), Standing::Edited(vec![edit.clone()]));
        assert_eq!(standing(Some(&edited), &wanted, None), Standing::Edited(vec![edit]));
        let mut more = there;
        more["Actions"] = json!(["t", "u"]);
        assert!(
            matches!(standing(Some(&more), &wanted, Some(&mark)), Standing::Edited(edits) if edits[0].member == "Actions")
        );
    }
}
