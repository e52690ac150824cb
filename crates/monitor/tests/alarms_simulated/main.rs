//! Two weeks of alarms on a moved clock, against a reference model.
//! A seed makes a **plan**: metrics with busy hours and long gaps, late and early points, alarms of every kind, and people who change
//! them, set states by hand, mute them and restart the server. The **world** is the real reconciler over real series and a real store;
//! the **model** (`model.rs`) knows all points and works everything out anew at every minute. Both must tell of the same changes of
//! state, at the same moments, and execute the same actions.

mod model;
mod plan;
mod world;

use self::{
    model::Model,
    plan::{Doing, Plan},
    world::World,
};

/// 2026-09-14T11:00:00Z
const START: i64 = 1_789_383_600;
const DAYS: i64 = 14;

async fn check(seed: u64) {
    let mut plan = Plan::new(seed);
    let mut world = World::new().await;
    let mut model = Model::default();
    let mut done = [0_usize; 8];
    for alarm in plan.alarms() {
        world.put(&alarm).await;
        model.put(&alarm);
    }
    while let Some((at, doing)) = plan.next() {
        world.advance(at).await;
        model.advance(at);
        done[doing.number()] += 1;
        match doing {
            Doing::Points(points) => {
                world.points(&points).await;
                model.points(&points);
            }
            Doing::Change(alarm) => {
                world.put(&alarm).await;
                model.put(&alarm);
            }
            Doing::SetState(name, state) => {
                world.set_state(name, state).await;
                model.set_state(name, state);
            }
            Doing::Actions(name, enabled) => {
                world.actions(name, enabled).await;
                model.actions(name, enabled);
            }
            Doing::Mute(rule) => {
                world.mute(&rule).await;
                model.mute(&rule);
            }
            Doing::Unmute(name) => {
                world.unmute(&name).await;
                model.unmute(&name);
            }
            Doing::Restart { stored } => model.restart(&world.restart(stored).await),
            Doing::Delete(name) => {
                world.delete(name).await;
                model.delete(name);
            }
        }
    }
    let end = (START + DAYS * 86_400) * 1_000;
    world.advance(end).await;
    model.advance(end);
    compare(seed, &model.told, &world.told().await);
    eprintln!("seed {seed}: {} changes and actions; {done:?}", model.told.len());
    assert!(done.iter().all(|count| *count > 0), "seed {seed} did everything: {done:?}");
    assert!(model.told.len() > 300, "seed {seed} had {} changes and actions", model.told.len());
}

/// Shows the first moment that differs, with what both say around it.
#[track_caller]
fn compare(seed: u64, model: &[(i64, String)], world: &[(i64, String)]) {
    let sorted = |told: &[(i64, String)]| {
        let mut told = told.to_vec();
        told.sort_unstable();
        told
    };
    let (model, world) = (sorted(model), sorted(world));
    let Some(at) = (0..model.len().max(world.len())).find(|at| model.get(*at) != world.get(*at)) else {
        return;
    };
    let around = |told: &[(i64, String)]| {
        let lines = told.iter().skip(at.saturating_sub(6)).take(14);
        lines.map(|(ms, what)| format!("  {} {what}\n", world::text(*ms))).collect::<String>()
    };
    panic!("seed {seed} differs at line {at}\nmodel:\n{}world:\n{}", around(&model), around(&world));
}

#[tokio::test]
async fn first_fortnight() {
    check(1).await;
}

#[tokio::test]
async fn second_fortnight() {
    check(2).await;
}

/// Of a seed that is named by `KEYWATCH_SEED`, to look for more.
#[tokio::test]
async fn a_fortnight_of_choice() {
    if let Some(seed) = std::env::var("KEYWATCH_SEED").ok().and_then(|seed| seed.parse().ok()) {
        check(seed).await;
    }
}
