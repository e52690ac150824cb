//! `keywatch guard list`: every part of every guard, and how it stands.

use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use keywatch_monitor::guard::pack::standing::{Standing, standing};
use serde_json::json;

use super::super::{ClientError, print};
use super::there::{self, key_of, wanted};

pub(super) fn run(directory: &Path, json: bool) -> Result<(), ClientError> {
    let there = there::read(directory)?;
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["GUARD", "KIND", "PART", "STANDS", "STATE", "TELLS"]);
    for guard in super::pack(directory, &[])? {
        for part in &guard.parts {
            let found = there.get(&key_of(part.kind, &part.name, &part.definition));
            let topic = found.and_then(|found| found.topic());
            let stands = standing(
                found.map(|found| &found.definition),
                &wanted(part, topic),
                found.and_then(|found| found.mark()),
            );
            let stands = match stands {
                Standing::Absent => "absent",
                Standing::AsWanted => "applied",
                Standing::Outdated => "outdated",
                Standing::Edited(_) => "edited",
            };
            let state = found.and_then(|found| found.state.as_deref());
            if json {
                let part = json!({"Guard": guard.name, "Watches": guard.watches, "Runbook": guard.runbook,
                    "Kind": part.kind.as_str(), "Name": part.name, "Standing": stands, "State": state, "Topic": topic});
                print(&part.to_string())?;
            } else {
                let kind = part.kind.as_str();
                let [state, topic] = [state, topic].map(|text| text.unwrap_or("-"));
                table.add_row([guard.name, kind, &part.name, stands, state, topic]);
            }
        }
    }
    if json { Ok(()) } else { print(&table.trim_fmt()) }
}
