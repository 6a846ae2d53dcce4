//! The parts of a document that is a zip archive, by name.

use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use residuum_source::{Coverage, Flow, ObjectPath, Sink, Stop};

use super::xml::{self, Visitor};
use crate::bytes::read_all;
use crate::container::{Entry, Names, Within, read_entry, with_entry};
use crate::{Fault, ReadAt};

/// Whether a part could be read to its end, unless the sink asked to stop.
pub(super) type Walked = ControlFlow<Stop, Result<(), Fault>>;

/// A document's parts.
pub(super) struct Package<'a> {
    archive: Arc<dyn ReadAt>,
    entries: Vec<Entry>,
    within: &'a Within<'a>,
    by_name: HashMap<String, usize>,
    /// Parts that have been read as something of the document itself.
    taken: Vec<bool>,
    /// What went wrong, by part.
    faults: Vec<(String, Fault)>,
}

impl<'a> Package<'a> {
    pub fn new(archive: Arc<dyn ReadAt>, entries: Vec<Entry>, within: &'a Within<'a>) -> Self {
        // Of several members with one name, programs that open the document take the last.
        let by_name = entries.iter().enumerate().map(|(i, entry)| (folded(&name(entry)), i)).collect();
        let taken = vec![false; entries.len()];
        Self { archive, entries, within, by_name, taken, faults: Vec::new() }
    }

    /// The names of all parts that are no directories and have not been read.
    pub fn left(&self) -> Vec<String> {
        let left = self.entries.iter().zip(&self.taken).filter(|(entry, taken)| !entry.is_directory() && !**taken);
        left.map(|(entry, _)| name(entry)).filter(|name| self.index(name).is_some_and(|i| !self.taken[i])).collect()
    }

    /// Whether there is such a part.
    pub fn has(&self, name: &str) -> bool {
        self.index(name).is_some()
    }

    /// The archive itself.
    pub fn bytes(&self) -> Result<Vec<u8>, Fault> {
        read_all(&*self.archive, self.within.limits.whole_bytes, "a binary workbook")
    }

    /// Where the limits are kept.
    pub fn within(&self) -> &'a Within<'a> {
        self.within
    }

    /// Walks over a part's XML; what is wrong with it is remembered.
    pub fn walk(&mut self, part: &str, visitor: &mut dyn Visitor, sink: &mut dyn Sink) -> Flow {
        let limits = self.within.limits;
        self.read(part, &mut |from| xml::walk(from, limits, visitor, sink))
    }

    /// Walks over a part's XML to learn something: it is read once more for what it holds, and what is wrong with it is
    /// told then.
    pub fn look(&mut self, part: &str, visitor: &mut dyn Visitor, sink: &mut dyn Sink) -> Flow {
        let (taken, faults) = (self.taken.clone(), self.faults.len());
        self.walk(part, visitor, sink)?;
        (self.taken, _) = (taken, self.faults.truncate(faults));
        Flow::Continue(())
    }

    /// Reads a part; what is wrong with it is remembered.
    pub fn read(&mut self, part: &str, run: &mut dyn FnMut(&mut dyn Read) -> Walked) -> Flow {
        let Some(index) = self.index(part) else {
            return Flow::Continue(());
        };
        self.taken[index] = true;
        let done = match with_entry(&self.archive, &self.entries[index], self.within, run) {
            Ok(flow) => flow?,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = done {
            self.fault(part, fault);
        }
        Flow::Continue(())
    }

    /// Remembers that something is wrong with a part.
    pub fn fault(&mut self, part: &str, fault: Fault) {
        self.faults.push((part.to_owned(), fault));
    }

    /// Reads what has not been read as members of a container, each an object of its own, and counts them.
    pub fn members(&mut self, path: &ObjectPath, sink: &mut dyn Sink) -> ControlFlow<Stop, u64> {
        let (mut members, mut names) = (0, Names::default());
        for (entry, taken) in self.entries.iter().zip(&self.taken) {
            let member = path.member(&names.next(&entry.name));
            if *taken || entry.is_directory() || entry.size == 0 {
                continue;
            }
            members += 1;
            read_entry(&member, &self.archive, entry, self.within, sink)?;
        }
        ControlFlow::Continue(members)
    }

    /// What went wrong, taken together.
    pub fn outcome(&self) -> Option<Fault> {
        let worst = [Coverage::Unreadable, Coverage::Limit, Coverage::Unsupported];
        let coverage = worst.into_iter().find(|c| self.faults.iter().any(|(_, fault)| fault.coverage == *c))?;
        let mut reasons: Vec<String> =
            self.faults.iter().take(3).map(|(part, fault)| format!("`{part}`: {}", fault.reason)).collect();
        if self.faults.len() > 3 {
            reasons.push(format!("and {} parts more", self.faults.len() - 3));
        }
        Some(Fault { coverage, reason: reasons.join("; ") })
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(&folded(name)).copied()
    }
}

/// The part that `target` names when `part` refers to it.
pub(crate) fn resolve(part: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = part.split('/').collect();
    steps.pop();
    for step in target.split('/') {
        match step {
            ".." => drop(steps.pop()),
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// The part that says to what other parts a part refers.
pub(crate) fn relations_of(part: &str) -> String {
    match part.rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/_rels/{file}.rels"),
        None => format!("_rels/{part}.rels"),
    }
}

fn name(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.name).replace('\\', "/")
}

fn folded(name: &str) -> String {
    name.trim_start_matches('/').to_ascii_lowercase()
}
