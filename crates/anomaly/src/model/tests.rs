//! The model on made series: what it learns, what does not mislead it.

use super::{Model, Training};
use crate::noise::Noise;
use proptest::prelude::*;

const START: i64 = 1_700_006_400; // midnight UTC
const DAY: i64 = 86_400;

fn series(period: i64, days: i64, mut value: impl FnMut(i64) -> f64) -> Vec<(i64, f64)> {
    (0..days * DAY / period).map(|i| (START + i * period, value(i * period))).collect()
}

fn train(points: &[(i64, f64)], period: i64) -> Model {
    Model::train(&Training { points, period, excluded: &[], offset: &|_| 0, spikes: false })
        .expect("enough data")
}

/// The share of points that the band of two deviations holds.
fn held(model: &Model, points: &[(i64, f64)]) -> f64 {
    let inside = points.iter().filter(|(at, value)| {
        let (lower, upper) = model.band(*at, 0, 2.0);
        lower <= *value && *value <= upper
    });
    inside.count() as f64 / points.len() as f64
}

/// Trains on all but the last day, which the band must then hold, and be no wider than `width` on average.
#[track_caller]
fn check(name: &str, points: &[(i64, f64)], period: i64, width: f64) -> Model {
    let (known, coming) = points.split_at(points.len() - (DAY / period) as usize);
    let model = train(known, period);
    let share = held(&model, coming);
    // 95 of 100 are expected inside; three deviations of that are given.
    let (points, outside) = (coming.len() as f64, (1.0 - share) * coming.len() as f64);
    assert!(
        outside <= 0.05 * points + 3.0 * (0.05 * 0.95 * points).sqrt(),
        "{name}: the band holds {share} of the next day"
    );
    let wide = coming.iter().map(|(at, _)| model.band(*at, 0, 2.0)).map(|(lower, upper)| upper - lower);
    let wide = wide.sum::<f64>() / coming.len() as f64;
    assert!(wide < width, "{name}: the band is {wide} wide");
    model
}

fn wave(at: i64, cycle: i64) -> f64 {
    (at as f64 / cycle as f64 * std::f64::consts::TAU).sin()
}

#[test]
fn level_trend_and_seasons_are_learnt() {
    let mut noise = Noise(1);
    check("level", &series(300, 3, |_| 50.0 + noise.normal()), 300, 5.0);
    check("trend", &series(300, 8, |at| at as f64 / 3600.0 + noise.normal()), 300, 5.5);
    check("hour", &series(300, 3, |at| 100.0 + 20.0 * wave(at, 3600) + noise.normal()), 300, 6.0);
    check("day", &series(300, 7, |at| 100.0 + 40.0 * wave(at, DAY) + noise.normal()), 300, 6.0);
    let week = |at: i64| {
        let weekend = (at / DAY + (START / DAY + 3)) % 7 >= 5;
        let busy = if weekend { 10.0 } else { 100.0 };
        busy + busy / 4.0 * wave(at, DAY)
    };
    // Two weeks and the day to foretell: the 15th.
    let model = check("week", &series(300, 15, |at| week(at) + noise.normal()), 300, 15.0);
    assert_eq!(model.week.parts(), 168, "weekends are learnt in two weeks");
    check("hourly points", &series(3600, 14, |at| 100.0 + 40.0 * wave(at, DAY) + noise.normal()), 3600, 9.0);
}

#[test]
fn noise_has_no_seasons() {
    let mut noise = Noise(2);
    let model = train(&series(300, 14, |_| noise.normal()), 300);
    assert_eq!(model.day.parts() + model.week.parts() + model.hour.parts(), 0);
}

#[test]
fn a_level_shift_is_followed_within_three_hours() {
    let mut noise = Noise(3);
    let value = |at: i64| 100.0 + 20.0 * wave(at, DAY) + if at >= 9 * DAY { 300.0 } else { 0.0 };
    let points = series(300, 12, |at| value(at) + noise.normal());
    let shift = 9 * 288;
    // Four hours after it, and two days after it.
    for (known, limit) in [(shift + 48, 60.0), (shift + 576, 15.0)] {
        let model = train(&points[..known], 300);
        let (at, value) = points[known];
        let (lower, upper) = model.band(at, 0, 2.0);
        let off = (model.expected(at, 0) - value).abs();
        assert!(off < limit, "{known}: {value} in {lower}..{upper}");
    }
}

#[test]
fn anomalies_in_training_do_not_widen_the_band() {
    let mut noise = Noise(4);
    let clean = series(300, 14, |at| 100.0 + 20.0 * wave(at, DAY) + noise.normal());
    let mut wild = clean.clone();
    // One in thirty, scattered, and a bad morning.
    wild.iter_mut().step_by(30).for_each(|point| point.1 += 5000.0);
    wild[2000..2020].iter_mut().for_each(|point| point.1 = 0.0);
    let width = |points: &[(i64, f64)]| {
        let (lower, upper) = train(points, 300).band(START + 14 * DAY + 3000, 0, 2.0);
        upper - lower
    };
    let (clean, wild) = (width(&clean), width(&wild));
    assert!(wild < 1.3 * clean, "{clean} became {wild}");
}

#[test]
fn excluded_times_are_not_learnt() {
    let points = series(300, 4, |at| if at / DAY == 3 { 900.0 } else { 10.0 + (at / 300 % 3) as f64 });
    let excluded = [(START + 3 * DAY, START + 4 * DAY)];
    let model = Model::train(&Training {
        points: &points,
        period: 300,
        excluded: &excluded,
        offset: &|_| 0,
        spikes: false,
    });
    let (_, upper) = model.expect("three days are left").band(START + 4 * DAY, 0, 2.0);
    assert!(upper < 30.0, "{upper}");
}

#[test]
fn counts_have_a_distribution_of_their_own() {
    let mut noise = Noise(5);
    let points =
        series(300, 14, |_| if noise.even() < 0.1 { (1.0 + 2.0 * noise.even()).floor() } else { 0.0 });
    let model = check("counts with many zeros", &points, 300, 3.0);
    let (lower, upper) = model.band(START + 15 * DAY, 0, 3.0);
    assert!(lower == 0.0 && (1.0..=6.0).contains(&upper) && upper.fract() == 0.0, "{lower}..{upper}");
    assert_eq!(train(&series(300, 2, |_| 0.0), 300).band(START + 3 * DAY, 0, 2.0), (0.0, 0.0));
}

#[test]
fn days_keep_to_the_clocks_of_their_zone() {
    // Busy from 9 to 17 on clocks that went back an hour after day 9.
    let offset = |at: i64| if at < START + 9 * DAY { 7200 } else { 3600 };
    let busy = |at: i64| (9..17).contains(&((START + at + offset(START + at)).rem_euclid(DAY) / 3600));
    let points = series(300, 14, |at| if busy(at) { 80.5 } else { 5.5 } + (at / 300 % 5) as f64 * 0.1);
    let model = Model::train(&Training {
        points: &points,
        period: 300,
        excluded: &[],
        offset: &offset,
        spikes: false,
    });
    let model = model.expect("enough data");
    let at = START + 14 * DAY + 8 * 3600 + 600;
    assert!((model.expected(at, 3600) - 80.7).abs() < 2.0, "{}", model.expected(at, 3600));
    assert!((model.expected(at - 3600, 3600) - 5.7).abs() < 2.0, "{}", model.expected(at - 3600, 3600));
}

#[test]
fn spikes_that_come_back_belong_to_the_metric() {
    let mut noise = Noise(6);
    // A backup at 2:05 each day, and once, on day 5, at 14:05.
    let spike = |at: i64| at % DAY == 7500 || at == 5 * DAY + 50_700;
    let points = series(300, 10, |at| 100.0 + noise.normal() + if spike(at) { 500.0 } else { 0.0 });
    let train = |spikes: bool| {
        Model::train(&Training { points: &points, period: 300, excluded: &[], offset: &|_| 0, spikes })
            .expect("enough data")
    };
    let upper = |model: &Model, second: i64| model.band(START + 10 * DAY + second, 0, 2.0).1;
    for (spikes, second, want) in [
        (false, 7500, 90.0..120.0),
        (true, 7500, 590.0..650.0),
        (true, 9000, 90.0..120.0),
        (true, 50_700, 90.0..120.0),
    ] {
        let upper = upper(&train(spikes), second);
        assert!(want.contains(&upper), "{spikes}, {second}: {upper}");
    }
    let (lower, _) = train(true).band(START + 10 * DAY + 7500, 0, 2.0);
    assert!(lower > 90.0, "spikes are above: {lower}");
}

#[test]
fn too_little_data_is_no_model() {
    for (points, period, want) in
        [(29, 3600, false), (30, 3600, true), (180, 60, false), (181, 60, true), (0, 60, false)]
    {
        let points: Vec<(i64, f64)> = (0..points).map(|i| (START + i * period, (i % 7) as f64)).collect();
        let model =
            Model::train(&Training { points: &points, period, excluded: &[], offset: &|_| 0, spikes: false });
        assert_eq!(model.is_some(), want, "{} points of {period} s", points.len());
        let training = Training { points: &points, period, excluded: &[], offset: &|_| 0, spikes: false };
        assert_eq!(Model::can_train(&training), want);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_points_give_a_band_or_none(
        points in prop::collection::vec((-2_000_000i64..2_000_000, prop_oneof![any::<f64>(), -10.0..10.0f64]), 0..200),
        wild in any::<i64>(), period in any::<i64>(), at in any::<i64>(), deviations in -1.0..20.0f64, spikes in any::<bool>(),
    ) {
        let mut points = points;
        points.push((wild, 1.0));
        let offset = |at: i64| at % 50_000;
        if let Some(model) = Model::train(&Training { points: &points, period, excluded: &[(wild, at)], offset: &offset, spikes }) {
            let (lower, upper) = model.band(at, 3600, deviations);
            prop_assert!(lower <= upper && lower.is_finite() && upper.is_finite(), "{lower}..{upper}");
        }
    }
}
