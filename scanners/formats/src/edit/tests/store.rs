//! Objects in memory as a source that can be written to: what the files connector does, without files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use residuum_source::{
    Ability, Apply, Check, Editor, Flow, Limits, Object, ObjectPath, Receipt, Sink, Source, SourceError, Target, Unit,
    Version,
};

use crate::edit::{self, ability};
use crate::{Input, ReadAt};

#[derive(Default)]
pub(in crate::edit) struct Store(Mutex<BTreeMap<String, Vec<u8>>>);

impl Store {
    pub fn with(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self(Mutex::new(BTreeMap::from([(ObjectPath::from_bytes(name.as_bytes()).to_string(), bytes.into())])))
    }

    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

impl Source for Store {
    fn name(&self) -> &'static str {
        "store"
    }

    fn kind(&self) -> &'static str {
        "store"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        let names: Vec<String> = self.0.lock().unwrap().keys().cloned().collect();
        for name in names {
            let _ = found(Object::new(ObjectPath::from_escaped(&name).unwrap(), Version::snapshot("")));
        }
        Ok(())
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            let bytes = self.bytes(object.path.as_str()).expect("it is there");
            if crate::read(&object.path, Input::Stored(Arc::new(bytes)), limits, sink).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        Ok(Check::default())
    }
}

impl Apply for Store {
    fn ability(&self, formats: &[&str]) -> Ability {
        ability(formats)
    }

    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        let mut receipts = Vec::new();
        for target in targets {
            let name = target.object.as_str();
            let Some(bytes) = self.bytes(name) else { continue };
            let input: Arc<dyn ReadAt> = Arc::new(bytes);
            let plan = edit::plan(&target.object, &input, &target.records, limits, editor);
            if plan.is_empty() {
                continue;
            }
            if plan.removes_object() {
                self.0.lock().unwrap().remove(name);
            } else {
                let mut out = Vec::new();
                plan.write(&input, &mut out).expect("it is written");
                self.0.lock().unwrap().insert(name.to_owned(), out);
            }
            let (deleted, changed) = (plan.deleted, plan.changed);
            receipts.push(Receipt { object: name.to_owned(), deleted, changed, ..Receipt::default() });
        }
        Ok(receipts)
    }
}
