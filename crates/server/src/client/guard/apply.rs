//! `keywatch guard apply`: puts what is missing, keeps what somebody edited.

use std::collections::BTreeMap;
use std::path::Path;

use keywatch_monitor::guard::pack::standing::{Edit, Standing, standing};

use super::super::{ClientError, print};
use super::ApplyOptions;
use super::there::{self, key_of, wanted};

pub(super) fn run(directory: &Path, options: &ApplyOptions) -> Result<(), ClientError> {
    if let Some(topic) = options.topic.as_deref().filter(|topic| topic.split(':').nth(2) != Some("sns")) {
        return Err(ClientError::Usage(format!("`{topic}` is not the ARN of a topic")));
    }
    let guards = super::pack(directory, &options.log_group)?;
    let there = there::read(directory)?;
    let common = there.values().find_map(|found| found.topic());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for guard in &guards {
        for part in &guard.parts {
            let before = there.get(&key_of(part.kind, &part.name, &part.definition));
            let topic =
                options.topic.as_deref().or_else(|| before.and_then(|found| found.topic())).or(common);
            let wants = wanted(part, topic);
            let stands = standing(
                before.map(|found| &found.definition),
                &wants,
                before.and_then(|found| found.mark()),
            );
            let what = match &stands {
                Standing::AsWanted => "unchanged",
                Standing::Absent => "created",
                Standing::Outdated => "updated",
                Standing::Edited(_) if options.reset => "reset",
                Standing::Edited(edits) => {
                    print(&kept(part.kind.as_str(), &part.name, edits))?;
                    "kept as edited"
                }
            };
            if matches!(what, "created" | "updated" | "reset") {
                there::put(directory, guard.name, part, &wants, topic, before)?;
                print(&format!("{what} {} {}", part.kind.as_str(), part.name))?;
            }
            *counts.entry(what).or_default() += 1;
        }
    }
    let topic = options.topic.as_deref().or(common);
    print(&summary(guards.len(), &counts, topic))
}

fn kept(kind: &str, name: &str, edits: &[Edit]) -> String {
    let mut text = format!("kept {kind} {name}, which was edited (--reset puts it back):");
    for edit in edits {
        text += &format!("\n  {}: {}\n  the pack has {}", edit.member, edit.there, edit.wanted);
    }
    text
}

fn summary(guards: usize, counts: &BTreeMap<&str, usize>, topic: Option<&str>) -> String {
    let parts: usize = counts.values().sum();
    let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let told = match topic {
        Some(topic) => format!("They tell {topic}."),
        None => "They tell nobody: give --topic ARN.".to_owned(),
    };
    format!("{guards} guards of {parts} parts: {}. {told}", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let counts = BTreeMap::from([("created", 2), ("unchanged", 1)]);
        assert_eq!(
            summary(2, &counts, None),
            "2 guards of 3 parts: 2 created, 1 unchanged. They tell nobody: give --topic ARN."
        );
        let edit = Edit { member: "Threshold".into(), there: "11.0".into(), wanted: "10.0".into() };
        assert_eq!(
            kept("alarm", "a", &[edit]),
            "kept alarm a, which was edited (--reset puts it back):\n  Threshold: 11.0\n  the pack has 10.0"
        );
    }
}
