//! `keywatch guard test`: plays the samples of the guards, without a server.

use std::process::ExitCode;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use keywatch_monitor::guard::pack::rehearse::{Played, rehearse};
use keywatch_monitor::guard::pack::{Place, guards};

use super::super::{ClientError, finish, print};
use crate::exit;

pub(super) fn run(name: Option<&str>) -> ExitCode {
    match play(name) {
        Ok(0) => exit::DONE.into(),
        Ok(wrong) => {
            exit::complain(&format!("{wrong} samples came out wrong"));
            exit::FAILED.into()
        }
        Err(error) => finish(Err(error)),
    }
}

/// Gives how many samples came out wrong.
fn play(name: Option<&str>) -> Result<usize, ClientError> {
    let place = Place { log_groups: vec!["trail".to_owned()] };
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["GUARD", "SAMPLE", "RECORDS", "RESULT", "FIRED"]);
    let (mut wrong, mut known) = (0, false);
    for guard in guards(&place).iter().filter(|guard| name.is_none_or(|name| name == guard.name)) {
        known = true;
        let played = rehearse(guard).map_err(|error| ClientError::Usage(exit::chain(&error)))?;
        wrong += played.iter().filter(|sample| !sample.right).count();
        for sample in &played {
            table.add_row(row(guard.name, sample));
        }
    }
    if !known {
        return Err(ClientError::Usage(format!("there is no guard `{}`", name.unwrap_or_default())));
    }
    print(&table.trim_fmt())?;
    Ok(wrong)
}

fn row(guard: &str, sample: &Played) -> [String; 5] {
    let (kind, result) = match (sample.positive, sample.right) {
        (true, true) => ("positive", "fires"),
        (true, false) => ("positive", "WRONG: does not fire"),
        (false, true) => ("negative", "silent"),
        (false, false) => ("negative", "WRONG: fires"),
    };
    let fired: Vec<&str> =
        sample.fired.iter().map(|name| name.trim_start_matches("keywatch-guard-")).collect();
    let fired = if fired.is_empty() { "-".to_owned() } else { fired.join(" ") };
    [guard.to_owned(), kind.to_owned(), sample.records.to_string(), result.to_owned(), fired]
}
