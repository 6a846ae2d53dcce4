//! Reading single records again, as a disclosure needs them.

use residuum_source::{Batch, Fetch, Flow, Limits, ObjectPath, Outcome, Part, Pick, Record, Sink, SourceError, Stop};

use crate::{Files, read};

impl Fetch for Files {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let object = part.outermost();
        let path = self.path_of(&object);
        if let Err(error) = std::fs::metadata(&path) {
            return Err(SourceError::unreadable(&object, read::why_not_opened(&error)));
        }
        let mut until = Until { pick: Pick::new(part, records, sink), part, open: Vec::new(), is_done: false };
        let flow = read::read(&object, &path, limits, &mut until);
        if flow.is_break() && !until.is_done { Err(SourceError::Stopped) } else { Ok(()) }
    }
}

/// Stops the reading behind the part that is wanted.
struct Until<'s> {
    pick: Pick<'s>,
    part: &'s ObjectPath,
    open: Vec<bool>,
    is_done: bool,
}

impl Sink for Until<'_> {
    fn open(&mut self, part: Part) -> Flow {
        self.open.push(part.path == *self.part);
        self.pick.open(part)
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        self.pick.batch(batch)
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        self.pick.close(outcome)?;
        if self.open.pop() == Some(true) && !self.open.is_empty() {
            self.is_done = true;
            return Flow::Break(Stop);
        }
        Flow::Continue(())
    }

    fn go_on(&mut self) -> Flow {
        self.pick.go_on()
    }
}
