//! Reading single records again, as a disclosure needs them: of their own object or version, and nothing else.

use std::sync::Arc;

use residuum_formats::Input;
use residuum_source::{Fetch, Limits, ObjectPath, Pick, Record, Sink, SourceError};

use crate::S3;
use crate::beside::WithBeside;
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
        let mut pick = Pick::new(part, records, sink);
        let wanted = stored.wanted.clone();
        let mut whole = WithBeside::new(self, &object, &wanted, &mut pick);
        let flow = residuum_formats::read(&object, Input::Stored(Arc::new(stored)), limits, &mut whole);
        match pick.trouble() {
            _ if flow.is_break() && !pick.is_done() => Err(SourceError::Stopped),
            Some(reason) => Err(SourceError::unreadable(part, reason)),
            None => Ok(()),
        }
    }
}
