//! Splits a table, and reads one range of it into a sink.

use std::sync::Arc;

use residuum_source::{
    Coverage, Limits, Object, ObjectPath, Outcome, Part, Range, Record, Sink, SourceError, SplitTarget,
};

use super::error::{source as source_error, verdict};
use super::find;
use super::moment::{Held, Moment};
use super::session::Link;
use super::table::Table;
use super::{MySql, parts};
use crate::batch::{Batcher, cut};
use crate::link::{Failed, Trouble, Verdict};
use crate::quote::Backticked;

/// Which rows of a table are read.
pub enum What {
    /// Those of a range.
    Range(Range),
    /// About so many, from all over the table.
    Sample(u64),
}

/// Cuts a table into ranges of about the size asked for.
pub fn split(source: &MySql, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
    let mut held = begin(source, object)?;
    let ranges = describe(source, object, &mut held).and_then(|table| {
        let pieces = table.relation.bytes.div_ceil(target.bytes.max(1));
        ranges(&mut held, &table, pieces)
    });
    match ranges {
        Ok(ranges) => {
            held.give_back();
            Ok(ranges)
        }
        // Reading it says what is wrong.
        Err(trouble) => match verdict(trouble, "") {
            Verdict::Lost(reason) => Err(SourceError::Lost { object: object.path.clone(), reason }),
            Verdict::Unreadable(_) | Verdict::Stopped => {
                held.give_back();
                Ok(vec![Range::Whole])
            }
        },
    }
}

/// Reads some rows of one table into a sink, between the opening and closing of its part.
pub fn object(
    source: &MySql,
    object: &Object,
    what: &What,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), SourceError> {
    let mut held = begin(source, object)?;
    let described = describe(source, object, &mut held);
    let primary_key = described.as_ref().map_or(&object.primary_key, |table| &table.relation.key).clone();
    let part = Part { path: object.path.clone(), format: "table", encoding: None, primary_key };
    if sink.open(part).is_break() {
        held.give_back();
        return Err(SourceError::Stopped);
    }
    let (schema, name) = parts(&object.path);
    let mut read = Outcome::read(0, 0);
    let done = described.and_then(|table| {
        let mut batcher = Batcher::new(sink, table.fields(), table.identity(), limits.batch_bytes);
        let done = rows(&mut held, &table, what, &mut batcher);
        read = Outcome::read(batcher.raw_bytes(), batcher.records());
        let by_moments = matches!(what, What::Range(Range::Keys { .. })) && !held.is_kept();
        done.map(|()| table.remarks(&source.server.user, by_moments))
    });
    let outcome = match done {
        Ok((is_partial, reason)) => {
            held.give_back();
            let coverage = if is_partial { Coverage::Unreadable } else { Coverage::Read };
            Outcome { coverage, reason, ..read }
        }
        Err(trouble) => match verdict(trouble, &super::schema::grant(&schema, &name, &source.server.user)) {
            Verdict::Stopped => {
                held.give_back_unread(&source.reach());
                return Err(SourceError::Stopped);
            }
            Verdict::Lost(reason) => return Err(SourceError::Lost { object: object.path.clone(), reason }),
            Verdict::Unreadable(reason) => {
                held.give_back();
                Outcome { coverage: Coverage::Unreadable, reason: Some(reason), ..read }
            }
        },
    };
    if sink.close(outcome).is_break() { Err(SourceError::Stopped) } else { Ok(()) }
}

/// Reads records found earlier, as they are now.
pub fn records(
    source: &MySql,
    path: &ObjectPath,
    records: &[Record],
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), SourceError> {
    let whole = |trouble| source_error(&source.name, &source.target, trouble);
    let mut link = Link::connect(&source.name, &source.target, &source.options)?;
    link.settle(&source.server).and_then(|()| link.run("START TRANSACTION READ ONLY")).map_err(whole)?;
    let (schema, name) = parts(path);
    let server = &source.server;
    let user = &server.user;
    let described = Table::describe(&mut link, &schema, &name, user, source.options.long_value, server.max_packet);
    let primary_key = described.as_ref().map_or_else(|_| Vec::new(), |table| table.relation.key.clone());
    if sink.open(Part { path: path.clone(), format: "table", encoding: None, primary_key }).is_break() {
        return Err(SourceError::Stopped);
    }
    let mut read = Outcome::read(0, 0);
    let done = described.and_then(|table| {
        if table.key.is_empty() {
            return Err(Trouble::Unreadable(COUNTED.into()));
        }
        let mut batcher = Batcher::new(sink, table.fields(), table.identity(), limits.batch_bytes);
        let done = table.find(&mut link, &find::of_records(&table, records), "", None, &mut batcher);
        read = Outcome::read(batcher.raw_bytes(), batcher.records());
        done.map(|()| table.remarks(user, false))
    });
    let outcome = match done {
        Ok((is_partial, reason)) => {
            let coverage = if is_partial { Coverage::Unreadable } else { Coverage::Read };
            Outcome { coverage, reason, ..read }
        }
        Err(trouble) => match verdict(trouble, &super::schema::grant(&schema, &name, user)) {
            Verdict::Stopped => return Err(SourceError::Stopped),
            Verdict::Lost(reason) => return Err(SourceError::Lost { object: path.clone(), reason }),
            Verdict::Unreadable(reason) => Outcome { coverage: Coverage::Unreadable, reason: Some(reason), ..read },
        },
    };
    if sink.close(outcome).is_break() { Err(SourceError::Stopped) } else { Ok(()) }
}

/// Why records of a table without a key cannot be found again.
const COUNTED: &str = "the table has no key, and rows were counted as they came: which is which is not known any more";

/// A session that sees the moment at which an object was listed, if there is one for all.
fn begin(source: &MySql, object: &Object) -> Result<Held, SourceError> {
    let moment: Arc<Moment> = source.moment_of(object)?;
    match moment.session(&source.reach()) {
        Ok(held) => Ok(held),
        Err(Failed::Connect(error)) => Err(error),
        Err(Failed::Begin(trouble)) => Err(match verdict(trouble, "") {
            Verdict::Lost(reason) | Verdict::Unreadable(reason) => {
                SourceError::Lost { object: object.path.clone(), reason }
            }
            Verdict::Stopped => SourceError::Stopped,
        }),
    }
}

fn describe(source: &MySql, object: &Object, held: &mut Held) -> Result<Table, Trouble> {
    let (schema, name) = parts(&object.path);
    let server = &source.server;
    Table::describe(held, &schema, &name, &server.user, source.options.long_value, server.max_packet)
}

/// Ranges of a table's key; nothing else in a table has an order that all sessions agree on.
fn ranges(held: &mut Held, table: &Table, pieces: u64) -> Result<Vec<Range>, Trouble> {
    let Some(key) = table.cuttable().filter(|_| pieces > 1) else { return Ok(vec![Range::Whole]) };
    let (name, source) = (Backticked(&key.name), table.relation.source());
    let bounds = held.rows(&format!("SELECT MIN({name}), MAX({name}) FROM {source}"))?;
    let bound = |i: usize| bounds.first()?.get(i)?.as_ref()?.parse::<i64>().ok();
    let Some((first, last)) = bound(0).zip(bound(1)) else { return Ok(vec![Range::Whole]) };
    Ok(cut(first, last, pieces))
}

fn rows(held: &mut Held, table: &Table, what: &What, batcher: &mut Batcher<'_>) -> Result<(), Trouble> {
    match what {
        What::Range(range) => {
            let places = table.select(held, &conditions(table, range)?, None, batcher)?;
            let long = batcher.take_long();
            long.iter().try_for_each(|long| table.windows(held, long, &places, "", batcher))
        }
        What::Sample(records) => {
            // A few stretches spread over the table: its first rows are often its oldest, and unlike the rest.
            let stretches = ranges(held, table, SAMPLE_STRETCHES.min((*records).max(1)))?;
            let each = records.div_ceil(stretches.len() as u64);
            for stretch in &stretches {
                table.select(held, &conditions(table, stretch)?, Some(each), batcher)?;
            }
            Ok(())
        }
    }
}

fn conditions(table: &Table, range: &Range) -> Result<Vec<String>, Trouble> {
    let (start, end) = match range {
        Range::Whole => return Ok(Vec::new()),
        Range::Keys { start, end } => (start, end),
        Range::Blocks { .. } => return Err(Trouble::Unreadable("it has no ranges of blocks: scan again".into())),
    };
    let Some(key) = table.cuttable() else {
        return Err(Trouble::Unreadable("its primary key was changed while it was scanned: scan again".into()));
    };
    let name = Backticked(&key.name);
    let bounds = [start.map(|at| format!("{name} >= {at}")), end.map(|at| format!("{name} < {at}"))];
    Ok(bounds.into_iter().flatten().collect())
}

const SAMPLE_STRETCHES: u64 = 8;
