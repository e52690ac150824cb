//! The detector on made series: what it must see, what it must pass over, and what must never happen.

use crate::noise::Noise;
use crate::{Detector, Settings, Verdict};
use proptest::prelude::*;

const DAY: usize = 288;

fn verdicts(values: impl IntoIterator<Item = f64>) -> Vec<Verdict> {
    let mut detector = Detector::new(Settings::default());
    values.into_iter().enumerate().map(|(i, value)| detector.observe(i as i64 * 300, value)).collect()
}

fn alarms(verdicts: &[Verdict]) -> Vec<usize> {
    (0..verdicts.len()).filter(|i| verdicts[*i].score >= 0.5).collect()
}

/// A day's wave around 100 with some noise.
fn daily(seed: u64) -> impl FnMut(usize) -> f64 {
    let mut noise = Noise(seed);
    move |i| 100.0 + 30.0 * (i as f64 / DAY as f64 * std::f64::consts::TAU).sin() + noise.normal()
}

/// Alarms behind the first `calm` points must be within `want` (first and last point), one of them at least.
#[track_caller]
fn check(name: &str, values: Vec<f64>, calm: usize, want: Option<(usize, usize)>) {
    let found: Vec<usize> = alarms(&verdicts(values)).into_iter().filter(|i| *i >= calm).collect();
    match want {
        None => assert!(found.is_empty(), "{name}: alarms at {found:?}"),
        Some((from, to)) => {
            assert!(!found.is_empty(), "{name}: no alarm");
            assert!(
                found.iter().all(|i| (from..=to).contains(i)),
                "{name}: alarms at {found:?}, not in {from}..={to}"
            );
        }
    }
}

#[test]
fn what_is_usual_is_no_alarm() {
    let mut noise = Noise(1);
    check("constant", vec![5.0; 3000], 0, None);
    check("noise", (0..4000).map(|_| noise.normal()).collect(), 1000, None);
    check("daily", (0..14 * DAY).map(daily(2)).collect(), 3 * DAY, None);
    let square = |i: usize| if (100..150).contains(&(i % DAY)) { 80.0 } else { 20.0 };
    check("square wave", (0..14 * DAY).map(square).collect(), 3 * DAY, None);
    let trend = |i: usize| i as f64 * 0.01 + noise.normal();
    check("trend", (0..4000).map(trend).collect(), 1000, None);
}

#[test]
fn counts_with_many_zeros_are_no_alarm_and_a_burst_of_them_is() {
    let mut noise = Noise(3);
    let mut counts: Vec<f64> = (0..6000)
        .map(|_| if noise.even() < 0.04 { (1.0 + 3.0 * noise.even()).floor() } else { 0.0 })
        .collect();
    check("rare counts", counts.clone(), 1000, None);
    for count in &mut counts[5000..5012] {
        *count = 40.0;
    }
    check("burst", counts, 1000, Some((5000, 5011)));
}

#[test]
fn what_is_not_usual_is_an_alarm() {
    let with = |change: &dyn Fn(usize, f64) -> f64| {
        let mut wave = daily(4);
        (0..14 * DAY).map(|i| change(i, wave(i))).collect::<Vec<f64>>()
    };
    let spike = with(&|i, value| if i == 3000 { value + 60.0 } else { value });
    check("spike", spike, 3 * DAY, Some((3000, 3000)));
    let shift = with(&|i, value| if i >= 3000 { value + 80.0 } else { value });
    check("level shift", shift, 3 * DAY, Some((3000, 3000 + DAY)));
    let flat = with(&|i, value| if (3000..3100).contains(&i) { 100.0 } else { value });
    check("flat", flat, 3 * DAY, Some((3000, 3100 + DAY)));
}

#[test]
fn one_event_is_one_alarm() {
    let mut wave = daily(5);
    let values = (0..12 * DAY).map(|i| wave(i) + if (2500..2600).contains(&i) { 70.0 } else { 0.0 });
    let found = alarms(&verdicts(values));
    let during = found.iter().filter(|i| (2500..2650).contains(*i)).count();
    assert!((1..=3).contains(&during), "{during} alarms for one event: {found:?}");
}

#[test]
fn the_band_holds_what_comes_and_adapts() {
    let mut wave = daily(6);
    let values: Vec<f64> = (0..14 * DAY).map(|i| wave(i) + if i >= 2000 { 200.0 } else { 0.0 }).collect();
    let verdicts = verdicts(values.iter().copied());
    assert!(verdicts[..50].iter().all(|verdict| verdict.band.is_none()), "too little data");
    let inside = |range: std::ops::Range<usize>| {
        let held = range.clone().filter(|i| {
            verdicts[*i].band.is_some_and(|band| band.lower <= values[*i] && values[*i] <= band.upper)
        });
        held.count() as f64 / range.len() as f64
    };
    assert!(inside(1000..2000) > 0.97, "{}", inside(1000..2000));
    assert!(inside(2050..2300) > 0.9, "50 points after a level shift: {}", inside(2050..2300));
    assert!(inside(2300..4000) > 0.97, "{}", inside(2300..4000));
    let width = verdicts[1900].band.map_or(0.0, |band| band.upper - band.lower);
    assert!((2.0..40.0).contains(&width), "{width}");
}

#[test]
fn what_is_no_number_is_passed_over() {
    let mut detector = Detector::new(Settings::default());
    let mut other = detector.clone();
    for i in 0..500 {
        let value = (i % 17) as f64;
        for wild in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(detector.observe(i * 60, wild).score, 0.0);
        }
        assert_eq!(detector.observe(i * 60, value), other.observe(i * 60, value));
    }
}

#[test]
fn other_bytes_are_no_state() {
    let bytes = Detector::new(Settings::default()).to_bytes();
    let is_state = |bytes: &[u8]| Detector::from_bytes(Settings::default(), bytes).is_ok();
    assert!(is_state(&bytes));
    assert!(bytes.len() < 64 * 1024, "{} bytes", bytes.len());
    assert!(!is_state(&bytes[..bytes.len() - 1]));
    assert!(!is_state(&[&bytes[..], &[0]].concat()));
    assert!(!is_state(&[]));
    assert!(!is_state(&[&[99], &bytes[1..]].concat()));
    assert!(!is_state(&[&bytes[..1], &[0xff; 60_000][..bytes.len() - 1]].concat()), "not-a-numbers");
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1e3..1e3f64, 1 => any::<f64>(), 2 => (0..5i32).prop_map(f64::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scores_are_always_scores(points in prop::collection::vec((any::<i64>(), any_value()), 1..400)) {
        let mut detector = Detector::new(Settings::default());
        for (at, value) in points {
            let verdict = detector.observe(at, value);
            prop_assert!((0.0..=1.0).contains(&verdict.score), "{verdict:?}");
            if let Some(band) = verdict.band {
                prop_assert!(band.lower <= band.expected && band.expected <= band.upper, "{band:?}");
            }
        }
    }

    #[test]
    fn a_state_goes_on_as_if_nothing_was(values in prop::collection::vec(any_value(), 1..400), at in 0..400usize) {
        let mut detector = Detector::new(Settings::default());
        let mut restored = detector.clone();
        for (i, value) in values.into_iter().enumerate() {
            if i == at {
                restored = Detector::from_bytes(Settings::default(), &detector.to_bytes()).expect("its own bytes");
            }
            prop_assert_eq!(detector.observe(i as i64 * 60, value), restored.observe(i as i64 * 60, value));
        }
    }

    #[test]
    fn states_of_any_bytes_do_not_panic(seed in any::<u64>(), values in prop::collection::vec(any_value(), 60..90)) {
        let mut noise = Noise(seed);
        let mut bytes = Detector::new(Settings::default()).to_bytes();
        for byte in bytes.iter_mut().skip(1) {
            if noise.even() < 0.01 {
                *byte = (noise.even() * 256.0) as u8;
            }
        }
        if let Ok(mut detector) = Detector::from_bytes(Settings::default(), &bytes) {
            for (i, value) in values.into_iter().enumerate() {
                detector.observe(i as i64 * 60, value);
            }
        }
    }
}
