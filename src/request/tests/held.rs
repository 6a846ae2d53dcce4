//! A source in which somebody else holds locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use residuum_source::{
    Ability, Apply, Check, Editor, Flow, Limits, Memory, Object, Range, Receipt, Refusal, RefusalKind, Sink, Source,
    SourceError, SplitTarget, TableKey, Target, Unit,
};

use super::*;

/// Waits so long for locks, and gets none.
struct Held {
    memory: Memory,
    waits: Duration,
    asked: Arc<AtomicU32>,
}

impl Source for Held {
    fn name(&self) -> &str {
        self.memory.name()
    }
    fn kind(&self) -> &'static str {
        self.memory.kind()
    }
    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        self.memory.list(found)
    }
    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        self.memory.keys()
    }
    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        self.memory.split(object, target)
    }
    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        self.memory.read(unit, limits, sink)
    }
    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }
    fn check(&self) -> Result<Check, SourceError> {
        self.memory.check()
    }
}

impl Apply for Held {
    fn ability(&self, formats: &[&str]) -> Ability {
        self.memory.ability(formats)
    }
    fn apply(&self, targets: &[Target], _: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.waits);
        for target in targets {
            editor.refused(&target.object, None, Refusal::new(RefusalKind::Locked, "another session has it locked"));
        }
        Ok(Vec::new())
    }
}

/// Who has waited for a lock as long as the source may does not wait for it again.
#[test]
fn a_lock_is_waited_for_once() {
    for (waits, attempts) in [(Duration::ZERO, 4), (Duration::from_millis(1_500), 1)] {
        let asked = Arc::new(AtomicU32::new(0));
        let memory = Memory::new("shop").table("people", &["id", "email"], &[&["1", "kim@example.com"], &["2", JANE]]);
        let world = World::of(Held { memory, waits, asked: asked.clone() }, "");
        let done = world.carry_out(&world.plan());
        assert_eq!(asked.load(Ordering::Relaxed), attempts, "waited {waits:?} each time");
        assert!(done.refused.iter().all(|of| of.refusal.kind == RefusalKind::Locked) && !done.refused.is_empty());
    }
}
