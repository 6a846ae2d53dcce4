//! Reading a unit: small objects whole, several ahead of the one being read; large ones part by part.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use residuum_formats::{Fault, Input, ReadAt};
use residuum_source::{Flow, Limits, Object, Outcome, Part as OpenPart, Sink, SourceError, Unit};

use crate::S3;
use crate::beside::WithBeside;
use crate::get::Wanted;
use crate::key::State;
use crate::object::{ObjectAt, Part, Whole};

/// Objects up to this size are asked for whole.
pub(crate) const SMALL: u64 = 8 << 20;
/// Small objects asked for ahead, and their bytes; one is, whatever its size.
const AHEAD: usize = 16;
const AHEAD_BYTES: u64 = 16 << 20;

pub(crate) fn read(source: &S3, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
    let mut ahead = Ahead { source, left: &unit.objects, waiting: VecDeque::new(), bytes: 0 };
    for object in &unit.objects {
        let (wanted, next) = ahead.next();
        let mut sink = WithBeside::new(source, &object.path, &wanted, sink);
        let flow = match next {
            Ok(stored) => residuum_formats::read(&object.path, Input::Stored(stored), limits, &mut sink),
            Err(fault) => unread(object, fault, &mut sink),
        };
        if flow.is_break() {
            return Err(SourceError::Stopped);
        }
    }
    Ok(())
}

fn unread(object: &Object, fault: Fault, sink: &mut dyn Sink) -> Flow {
    sink.open(OpenPart { path: object.path.clone(), format: "unknown", encoding: None, primary_key: Vec::new() })?;
    sink.close(Outcome::not_read(fault.coverage, fault.reason))
}

/// What a unit's object is asked for.
pub(crate) fn wanted(source: &S3, object: &Object) -> Wanted {
    let (key, older) = source.names.key(&object.path);
    let state = State::of(&object.version);
    let size = state.as_ref().map(|state| state.size).or(object.bytes).unwrap_or(0);
    let (version, etag) = state.map(|state| (state.version, state.etag)).unwrap_or_default();
    // The current version is asked for as such, which needs no further permission, unless all are read.
    let version = older.or(version.filter(|_| source.versions));
    Wanted { key, version, etag, size, ..Wanted::default() }
}

/// The objects of a unit, the next ones on their way while one is read.
struct Ahead<'u> {
    source: &'u S3,
    left: &'u [Object],
    waiting: VecDeque<(u64, Arc<Wanted>, Next)>,
    bytes: u64,
}

enum Next {
    Empty,
    Small(Part),
    Large,
}

impl Ahead<'_> {
    fn next(&mut self) -> (Arc<Wanted>, Result<Arc<dyn ReadAt>, Fault>) {
        self.ask();
        let (bytes, wanted, next) = self.waiting.pop_front().expect("as many are taken as there are");
        self.bytes -= bytes;
        let next = match next {
            Next::Empty => Ok(Arc::new(Whole(Bytes::new())) as Arc<dyn ReadAt>),
            Next::Small(part) => part.wait().map(|bytes| Arc::new(Whole(bytes)) as Arc<dyn ReadAt>),
            Next::Large => Ok(Arc::new(ObjectAt::new(self.source.handle(), &self.source.getter, wanted.clone())) as _),
        };
        (wanted, next)
    }

    fn ask(&mut self) {
        while let Some((object, left)) = self.left.split_first() {
            let wanted = Arc::new(wanted(self.source, object));
            let size = wanted.size;
            let bytes = if size <= SMALL { size } else { 0 };
            let is_full = self.waiting.len() >= AHEAD || self.bytes + bytes > AHEAD_BYTES;
            if is_full && !self.waiting.is_empty() {
                return;
            }
            let next = match size {
                0 => Next::Empty,
                1..=SMALL => Next::Small(Part::ask(self.source.handle(), &self.source.getter, &wanted, 0..size)),
                _ => Next::Large,
            };
            self.waiting.push_back((bytes, wanted, next));
            self.bytes += bytes;
            self.left = left;
        }
    }
}
