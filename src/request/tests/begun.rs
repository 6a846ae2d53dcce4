//! Erasures that are broken off, and what has changed when they go on.

use std::cell::Cell;
use std::io::Write as _;
use std::sync::atomic::Ordering;

use super::*;

/// Carries a plan out and stops behind the first batch.
fn broken_off(world: &World, plan: &Plan) -> CarriedOut {
    let stop = AtomicBool::new(false);
    world.act(|with, store| {
        let with = CarryOut { stop: &stop, progress: &|_, _| stop.store(true, Ordering::Relaxed), ..*with };
        carry_out(&with, &plan.objects, Some(store), Some("R-1")).expect("it is carried out")
    })
}

#[test]
fn what_was_begun_goes_on_behind_what_was_done() {
    let cases: [(&str, &[u8]); 3] = [
        ("stopped", b""),
        ("killed while it noted something", b"\n{\"done\":{\"batches\":7,\"del"),
        ("killed in the midst of a character", b"\n{\"done\":{\"proofs\":[\"\xe2\x9f"),
    ];
    for (case, torn) in cases {
        let world = World::new("");
        let plan = world.plan();
        let before = broken_off(&world, &plan);
        assert!(before.interrupted, "{case}");
        assert_eq!((before.deleted, before.edited), (2, 0), "{case}: what refers to others comes first");
        world.act(|with, store| {
            let mut file = std::fs::OpenOptions::new().append(true).open(store.path()).expect("it is kept");
            file.write_all(torn).expect("it can be written");
            let asked = Cell::new(0);
            let with = CarryOut { progress: &|_, _| asked.set(asked.get() + 1), ..*with };
            let all = resume(&with, store).expect("it can be read").expect("it was begun");
            assert_eq!(asked.get(), 2, "{case}: two batches were left");
            assert_eq!((all.deleted, all.edited, all.refused.len()), (3, 2, 0), "{case}: with what was done before");
            assert_eq!(all.proofs(with.index.keys()).len(), 3, "{case}");
            assert_eq!(all.touched.values().map(|of| of.len()).sum::<usize>(), 3, "{case}: all is looked at again");
            store.end().expect("it can be removed");
            assert!(resume(&with, store).expect("it can be read").is_none(), "{case}");
        });
    }
}

#[test]
fn what_is_noted_is_not_told_again_and_a_new_plan_keeps_what_is_not() {
    let world = World::new("");
    let plan = world.plan();
    broken_off(&world, &plan);
    world.act(|with, store| {
        // Planned anew in the midst of it, as when something was scanned in between.
        store.begin(None, &plan.objects).expect("it can be kept");
        let all = resume(with, store).expect("it can be read").expect("it was begun");
        assert_eq!((all.deleted, all.edited), (3, 2), "what was done of the first plan counts");
        store.noted().expect("it can be written");
        let all = resume(with, store).expect("it can be read").expect("it is not ended");
        assert_eq!((all.deleted, all.edited, all.proofs(with.index.keys()).len()), (0, 0, 0));
    });
}

#[test]
fn a_batch_that_may_be_done_is_not_refused() {
    let world = World::new("");
    let plan = world.plan();
    broken_off(&world, &plan);
    // The second batch and the third were written, and then the power went before either was noted.
    world.act(|with, _| carry_out(with, &plan.objects, None, None)).expect("it is carried out");
    world.act(|with, store| {
        let all = resume(with, store).expect("it can be read").expect("it was begun");
        assert_eq!((all.deleted, all.edited, all.gone), (2, 0, 1), "{all:?}");
        let refused: Vec<_> = all.refused.iter().map(|of| (of.object.as_str(), of.refusal.kind)).collect();
        assert_eq!(refused, [("tickets", RefusalKind::Changed); 2], "the third was not begun, for all it knows");
    });
}

#[test]
fn a_hold_stops_an_erasure_that_goes_on() {
    for (case, exception) in
        [("all of it", retain("customers", "")), ("a value", retain("customers", "type = \"EMAIL\""))]
    {
        let world = World::new("");
        let plan = world.plan();
        broken_off(&world, &plan);
        let world = world.with_policy(&exception);
        world.act(|with, store| {
            let all = resume(with, store).expect("it can be read").expect("it was begun");
            let refused: Vec<_> = all.refused.iter().map(|of| (of.object.as_str(), &*of.refusal.reason)).collect();
            assert_eq!(refused, [("customers", "kept since it was planned, hold: a suit")], "{case}");
        });
        assert_eq!(world.rows("customers").len(), 3, "{case}: no customer is gone");
        assert_eq!(world.rows("tickets")[1][1], "", "{case}: what is not held goes on");
    }
}
