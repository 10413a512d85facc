//! The server against a model: random operations over HTTP, each answer compared with what plain maps say.
//!
//! `VENNA_MODEL_STEPS` says how many operations, `VENNA_MODEL_SEED` with which seed to begin. A walk that fails prints
//! how it is repeated; its seed goes into `tests/model/seeds`, whose walks come first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]
#![allow(clippy::wrong_self_convention, reason = "tests read as prose: `ada.list(..).await.is_ok()`")]

mod dialects;
mod model;
mod steps;
mod world;

use std::collections::{BTreeMap, VecDeque};
use std::panic::catch_unwind;
use std::sync::Mutex;
use world::World;

const STEPS: usize = 20_000;
/// A walk is short enough to be looked at, and long enough for its files to live and die.
const STEPS_OF_A_WALK: usize = 1250;
/// Walks wait for the disk most of the time.
const WALKS_AT_ONCE: usize = 4;

#[test]
fn the_server_answers_as_the_model_does() {
    let steps = setting("VENNA_MODEL_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    let walks = Mutex::new(walks(steps));
    let tally = Mutex::new(BTreeMap::new());
    let next = || walks.lock().unwrap().pop_front();
    let walk_on = || {
        while let Some((seed, steps)) = next() {
            let Ok(counts) = catch_unwind(|| walk(seed, steps)) else {
                walks.lock().unwrap().clear();
                panic!("the walk of seed {seed} went astray");
            };
            for (kind, count) in counts {
                *tally.lock().unwrap().entry(kind).or_insert(0) += count;
            }
        }
    };
    std::thread::scope(|scope| (0..WALKS_AT_ONCE).for_each(|_| drop(scope.spawn(walk_on))));
    for (kind, count) in tally.into_inner().unwrap() {
        println!("{count:7} {kind}");
    }
}

fn walk(seed: u64, steps: usize) -> BTreeMap<String, usize> {
    let mut world = World::open(seed, steps);
    for number in 0..steps {
        steps::step(&mut world, number);
    }
    steps::compare_everything(&mut world);
    world.close()
}

/// Seeds and lengths: first the walks that failed once, then new ones until there are enough steps.
fn walks(steps: usize) -> VecDeque<(u64, usize)> {
    let asked = setting("VENNA_MODEL_SEED");
    let first = asked.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("VENNA_MODEL_SEED={first}");
    let lines = include_str!("seeds").lines().filter(|_| asked.is_none());
    let known = lines.map(|line| (line.split_whitespace().next().unwrap().parse().unwrap(), STEPS_OF_A_WALK));
    let lengths = (0..steps).step_by(STEPS_OF_A_WALK).map(|done| STEPS_OF_A_WALK.min(steps - done));
    known.chain(lengths.enumerate().map(|(number, length)| (first.wrapping_add(number as u64), length))).collect()
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}
