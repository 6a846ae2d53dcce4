//! The test that decides what a proof is worth: copies of people's data in every place we know of, erased from all of
//! them; then `verify` finds nothing, and when one copy is left anywhere, exactly that one.
//!
//! From a seed follow the people, among them namesakes, colleagues on one telephone, households and heirs of a number
//! ([`people`]), and for each place of the table in [`plants`] which people, values, spellings and rows stand there.
//!
//! Not in the table, each with the reason: row versions and logs of PostgreSQL, undo and binary logs of MariaDB, which no
//! reader looks at (the certificate names them with what to run); page indexes and Bloom filters of Parquet, which are not
//! read either; Delta and Iceberg tables, to which nothing is written (tests of `scanners/files` refuse them); digests of
//! an address as somebody typed it, in other letters than small or capital ones, for those cannot be foreseen.

mod columns;
mod contents;
mod dump;
mod people;
mod plants;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use self::plants::{PLANTS, Plant, Store};
use self::world::{DECOYS, World};
use crate::sandbox::Run;

fn erase(world: &World) -> Run {
    world.sandbox.run(["erase", "--identifiers", "people.csv", "--apply", "--format", "json"])
}

fn verify(world: &World) -> Run {
    world.sandbox.run(["verify", "--identifiers", "people.csv", "--format", "jsonl"])
}

/// Places in which something of somebody is left, by source and object; names and dates of birth may be a namesake's.
fn left(lines: &[Value]) -> Vec<(&str, &str)> {
    let is_weak = |line: &Value| matches!(line["type"].as_str(), Some("PERSON_NAME" | "DATE_OF_BIRTH" | "DATE"));
    let is_left = |line: &&Value| line["state"] != "possible" || !is_weak(line);
    lines
        .iter()
        .filter(is_left)
        .map(|line| (line["source"].as_str().unwrap_or_default(), line["object"].as_str().unwrap_or_default()))
        .collect()
}

fn is_at(plant: &Plant, (source, object): (&str, &str)) -> bool {
    let (start, end) = plant.object.split_once('*').map_or((plant.object, None), |(start, end)| (start, Some(end)));
    source == plant.source && end.map_or(object == start, |end| object.starts_with(start) && object.ends_with(end))
}

/// Erases everybody who is to be, everywhere, and gives a world in which nothing of them is left.
fn erased(seed: u64, stores: &[Store]) -> World {
    let mut world = World::new(seed, stores);
    world.sandbox.run(["scan", "--quiet"]).exits(0);
    let others = world.others();
    let decoys = DECOYS.map(|name| fs::read(world.sandbox.path(format!("data/{name}"))).expect("it is there"));
    let mut said = told(&erase(&world).exits(2).json());
    for line in &said {
        let place = (line["source"].as_str().unwrap_or_default(), line["object"].as_str().unwrap_or_default());
        let is_known = world.plants.iter().any(|(_, plant)| !plant.by_hand.is_empty() && is_at(plant, place));
        assert!(is_known, "seed {seed}: left to a person, and should not be: {line}");
    }
    // What only the identifiers themselves tell from other text is in the index after a verification.
    said.extend(verify(&world).exits(3).lines());
    said.extend(told(&erase(&world).exits(2).json()));
    let now = world.others();
    for (object, records) in &others {
        assert_eq!(now.get(object), Some(records), "seed {seed}: others' records in {object}");
    }
    for (_, plant) in world.plants.clone().into_iter().filter(|(_, plant)| !plant.by_hand.is_empty()) {
        let is_told = |line: &&Value| {
            let text = |name: &str| line[name].as_str().unwrap_or_default();
            let says = [text("reason"), text("cure")].iter().any(|text| text.contains(plant.by_hand));
            says && is_at(plant, (text("source"), text("object")))
        };
        assert!(said.iter().any(|line| is_told(&line)), "seed {seed}, {}: `{}`", plant.name, plant.by_hand);
        world.cure(plant);
    }
    let run = verify(&world);
    let lines = run.lines();
    assert!(left(&lines).is_empty(), "seed {seed}: {:?}\n{}", left(&lines), run.stdout);
    run.exits(0).says("nothing residual").says("everything was looked at");
    for (name, before) in DECOYS.iter().zip(decoys) {
        let after = fs::read(world.sandbox.path(format!("data/{name}"))).expect("it is there");
        assert_eq!(before, after, "seed {seed}: {name}");
    }
    world
}

/// What `erase` says of places that it left or could not write to.
fn told(said: &Value) -> Vec<Value> {
    let of = |list: &Value| list.as_array().cloned().unwrap_or_default();
    [of(&said["outcome"]["refused"]), of(&said["left"]["left"])].concat()
}

/// Leaves one copy, and checks that it is found and nothing else.
fn is_found(world: &mut World, seed: u64, plant: &Plant) {
    let undo = world.leave(plant);
    let run = verify(world);
    assert_eq!(run.code, Some(3), "seed {seed}, {}: {} {}", plant.name, run.stdout, run.stderr);
    let lines = run.lines();
    let places: BTreeSet<_> = left(&lines).into_iter().collect();
    // Pages are no records; a copy may go over several.
    let is_of_record = |line: &&Value| line["state"] != "possible" && line["what"].is_null();
    let records: BTreeSet<_> = lines.iter().filter(is_of_record).map(|line| line["record"].to_string()).collect();
    assert!(
        places.len() == 1 && places.iter().all(|place| is_at(plant, *place)) && records.len() <= 1,
        "seed {seed}, {}: {places:?}\n{}",
        plant.name,
        run.stdout
    );
    world.undo(undo);
}

/// Seeds of a run; `RESIDUUM_TEST_SEED` repeats one, with every plant.
fn seeds() -> Vec<u64> {
    match std::env::var("RESIDUUM_TEST_SEED") {
        Ok(seed) => vec![seed.parse().expect("a seed is a number")],
        Err(_) if is_full() => (0..200).collect(),
        Err(_) => (0..20).collect(),
    }
}

fn is_full() -> bool {
    std::env::var_os("RESIDUUM_TEST_FULL").is_some()
}

/// Servers take their turns, and so do plants: over the usual run each is left at least once, over the full one in every
/// seed.
fn turns(seed: u64) -> (Vec<Store>, impl Fn(usize, &Plant) -> bool) {
    let all = is_full() || std::env::var_os("RESIDUUM_TEST_SEED").is_some();
    let servers = [Store::Postgres, Store::MariaDb, Store::Bucket];
    let stores = if all { servers.to_vec() } else { vec![servers[seed as usize % 3]] };
    let is_left = move |number: usize, plant: &Plant| {
        let (turn, of) = if servers.contains(&plant.store()) { (seed as usize / 3, 6) } else { (seed as usize, 10) };
        all || number % of == turn % of
    };
    (stores, is_left)
}

/// DEL-1 and REC-4: with nothing left nothing is found, and nobody else has lost anything; with one copy left, that one.
#[test]
fn a_copy_that_is_left_anywhere_is_found_and_nothing_else() {
    let (seeds, next, was_left) = (seeds(), AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let work = || {
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (stores, is_left) = turns(seed);
            let mut world = erased(seed, &stores);
            for (number, plant) in world.plants.clone() {
                if is_left(number, plant) {
                    is_found(&mut world, seed, plant);
                    was_left.lock().expect("nobody panicked").insert(plant.name);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
    });
    let there: BTreeSet<_> = PLANTS.iter().filter(|plant| plant.store().is_there()).map(|plant| plant.name).collect();
    assert_eq!(was_left.into_inner().expect("nobody panicked"), there, "each was left at least once");
}
