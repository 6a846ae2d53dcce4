//! What an editor asks for, noted, and what is refused to it, held back until it is known that all could be read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use residuum_source::{Action, Batch, Change, Editor, ObjectPath, Part, Record, Refusal};

/// An editor that is listened to.
pub(crate) struct Asked<'e> {
    editor: &'e mut dyn Editor,
    wanted: HashMap<&'e ObjectPath, HashSet<Record>>,
    open: Vec<ObjectPath>,
    deleted: BTreeSet<(ObjectPath, Record)>,
    changed: BTreeSet<(ObjectPath, Record)>,
    refused: Vec<(ObjectPath, Option<Record>, Refusal)>,
}

impl<'e> Asked<'e> {
    /// Listens to this one, who is shown these records.
    pub fn new(editor: &'e mut dyn Editor, wanted: &'e BTreeMap<ObjectPath, Vec<Record>>) -> Self {
        let wanted = wanted.iter().map(|(part, of_it)| (part, of_it.iter().map(Record::whole).collect())).collect();
        let (open, deleted, changed, refused) = Default::default();
        Self { editor, wanted, open, deleted, changed, refused }
    }

    /// Records that it wants to be deleted, and such in which it wants something replaced.
    pub fn count(&self) -> (u64, u64) {
        (self.deleted.len() as u64, self.changed.len() as u64)
    }

    /// Tells it what was refused.
    pub fn tell(self) {
        for (part, record, refusal) in self.refused {
            self.editor.refused(&part, record.as_ref(), refusal);
        }
    }
}

impl Editor for Asked<'_> {
    fn open(&mut self, part: &Part) {
        self.open.push(part.path.clone());
        self.editor.open(part);
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let changes = self.editor.edit(batch);
        let Some((part, wanted)) = self.open.last().and_then(|part| Some((part, self.wanted.get(part)?))) else {
            return changes;
        };
        for change in &changes {
            let record = batch.record(change.record).whole();
            if wanted.contains(&record) {
                let asked = if change.action == Action::Delete { &mut self.deleted } else { &mut self.changed };
                asked.insert((part.clone(), record));
            }
        }
        changes
    }

    fn close(&mut self) {
        self.open.pop();
        self.editor.close();
    }

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.refused.push((part.clone(), record.cloned(), refusal));
    }
}
