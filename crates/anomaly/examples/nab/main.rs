//! Runs the detector over the labelled series of the Numenta Anomaly Benchmark and prints what it scores.
//!
//! `nab` prints each file and the three profiles; `nab --jitter` changes each parameter by a fifth and chooses thresholds
//! on half of the files for the other half; `nab name=value` sets a parameter. The series are found under
//! `KEYWATCH_SHARED` or else in `../shared`, next to the repository.
#![expect(clippy::print_stdout, reason = "an example that prints figures")]

mod score;
mod series;

use keywatch_anomaly::{Detector, Settings};
use score::{Labelled, PROFILES, Standing, at, best};
use series::Series;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let Some(all) = series::all() else {
        println!("skipped: no data/nab under KEYWATCH_SHARED or ../shared");
        return ExitCode::SUCCESS;
    };
    let mut settings = Settings::default();
    let mut jitter = false;
    for argument in std::env::args().skip(1) {
        if argument == "--jitter" {
            jitter = true;
        } else if !set(&mut settings, &argument) {
            println!("`{argument}` is neither --jitter nor name=value of a parameter");
            return ExitCode::from(2);
        }
    }
    if jitter {
        print_jitter(&all, settings)
    } else {
        print_files(&all, settings)
    }
    ExitCode::SUCCESS
}

fn set(settings: &mut Settings, argument: &str) -> bool {
    let Some((name, value)) = argument.split_once('=') else { return false };
    let place = Settings::PARAMETERS.iter().find(|(parameter, _)| *parameter == name);
    match (place, value.parse()) {
        (Some((_, place)), Ok(value)) => {
            *place(settings) = value;
            true
        }
        _ => false,
    }
}

fn run(all: &[Series], settings: Settings) -> Vec<Labelled> {
    let detect = |series: &Series| {
        let mut detector = Detector::new(settings);
        let scores = series.points.iter().map(|&(at, value)| detector.observe(at, value).score);
        Labelled { name: series.name.clone(), scores: scores.collect(), windows: series.windows.clone() }
    };
    all.iter().map(detect).collect()
}

fn print_files(all: &[Series], settings: Settings) {
    let start = Instant::now();
    let labelled = run(all, settings);
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let points: usize = labelled.iter().map(|one| one.scores.len()).sum();
    let every: Vec<&Labelled> = labelled.iter().collect();
    let standings = PROFILES.map(|profile| best(&every, profile));
    println!("{:52} {:>7} {:>9} {:>6}", "file", "score", "windows", "false");
    for one in &every {
        let own = at(&[one], PROFILES[0], standings[0].threshold);
        let windows = format!("{}/{}", own.hits, one.windows.len());
        println!("{:52} {:7.2} {windows:>9} {:6}", one.name, own.score, own.false_alarms);
    }
    println!();
    for (profile, standing) in PROFILES.iter().zip(standings) {
        let Standing { threshold, score, hits, false_alarms } = standing;
        println!(
            "{:14} {score:6.2}   threshold {threshold:.4}, {hits} windows, {false_alarms} false alarms",
            profile.name
        );
    }
    println!("{points} points, {:.2} microseconds each", micros / points as f64);
}

/// The standard score with the parameters as they are, and each a fifth less and more; then thresholds chosen on every
/// second file for the others.
fn print_jitter(all: &[Series], settings: Settings) {
    let total = |settings| {
        let labelled = run(all, settings);
        PROFILES.map(|profile| best(&labelled.iter().collect::<Vec<_>>(), profile).score)
    };
    let show = |what: &str, scores: [f64; 3]| {
        println!("{what:16} {:6.2} {:6.2} {:6.2}", scores[0], scores[1], scores[2]);
    };
    show("as set", total(settings));
    for (name, place) in Settings::PARAMETERS {
        for factor in [0.8, 1.2] {
            let mut changed = settings;
            *place(&mut changed) *= factor;
            show(&format!("{name} x {factor}"), total(changed));
        }
    }
    let labelled = run(all, settings);
    let halves = [0, 1].map(|odd| labelled.iter().skip(odd).step_by(2).collect::<Vec<_>>());
    for (chosen, scored) in [(0, 1), (1, 0)] {
        let threshold = best(&halves[chosen], PROFILES[0]).threshold;
        let score = at(&halves[scored], PROFILES[0], threshold).score;
        println!("threshold {threshold:.4} chosen on half {chosen}: {score:.2} on the other");
    }
}
