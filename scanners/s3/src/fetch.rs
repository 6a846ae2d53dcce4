//! Reading single records again, as a disclosure needs them: of their own object or version, and nothing else.

use std::sync::Arc;

use residuum_formats::Input;
use residuum_source::{Batch, Fetch, Flow, Limits, ObjectPath, Outcome, Part, Pick, Record, Sink, SourceError, Stop};

use crate::S3;
use crate::error::ARCHIVED;
use crate::head::is_archived;
use crate::stored::Stored;

impl Fetch for S3 {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let object = part.outermost();
        let (key, older) = self.names.key(&object);
        let looked = self.handle().block_on(self.getter.head(&key, older.as_deref()));
        let head = looked.map_err(|said| {
            let reason = said.object(self.getter.patience.attempts).reason;
            match said.what.passes() {
                true => SourceError::Lost { object: object.clone(), reason },
                false => SourceError::unreadable(&object, reason),
            }
        })?;
        if is_archived(&head) {
            return Err(SourceError::unreadable(&object, ARCHIVED));
        }
        let stored = Stored::open(self, &key, older.as_deref(), &head);
        let stored = stored.map_err(|fault| SourceError::unreadable(&object, fault.reason))?;
        let mut until = Until { pick: Pick::new(part, records, sink), part, open: Vec::new(), is_done: false };
        let flow = residuum_formats::read(&object, Input::Stored(Arc::new(stored)), limits, &mut until);
        if flow.is_break() && !until.is_done { Err(SourceError::Stopped) } else { Ok(()) }
    }
}

/// Stops the reading behind the part that is wanted: what is not read is not asked for.
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
