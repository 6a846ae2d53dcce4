//! Reading single records again, as a disclosure needs them.

use residuum_source::{Fetch, Limits, ObjectPath, Pick, Record, Sink, SourceError};

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
        let mut pick = Pick::new(part, records, sink);
        let flow = read::read(&object, &path, limits, &mut pick);
        match pick.trouble() {
            _ if flow.is_break() && !pick.is_done() => Err(SourceError::Stopped),
            Some(reason) => Err(SourceError::unreadable(part, reason)),
            None => Ok(()),
        }
    }
}
