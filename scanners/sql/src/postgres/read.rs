//! Splits a table, and reads one range of it into a sink.

use std::cell::RefCell;

use residuum_source::{
    Coverage, Limits, Logical, Object, ObjectPath, Outcome, Part, Range, Record, RecordKind, Sink, SourceError,
    SplitTarget, Version,
};

use super::copy::{Cell, Rows};
use super::find::condition;
use super::schema::Relation;
use super::session::{Link, SnapshotId};
use super::types::{Form, PgColumn};
use super::{Postgres, parts};
use crate::batch::{Batcher, Field, Identity, Long};
use crate::link::{Failed, Trouble, Verdict};
use crate::quote::Ident;

/// Which rows of a table are read.
pub enum What {
    /// Those of a range.
    Range(Range),
    /// About so many, from all over the table.
    Sample(u64),
}

/// A table as it is read.
pub struct Table {
    /// What the catalog says of it.
    pub relation: Relation,
    /// The columns that the role may read.
    pub columns: Vec<PgColumn>,
    /// Indexes of the primary key's columns.
    pub key: Vec<usize>,
    heap_bytes: u64,
    toast_bytes: u64,
    long_value: u64,
    block_size: u64,
}

/// Cuts a table into ranges of about the size asked for.
pub fn split(source: &Postgres, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
    let (mut link, id, node) = begin(source, object)?;
    let ranges =
        describe(source, object, &mut link, node).and_then(|table| ranges(source, &mut link, &table, &id, target));
    match ranges {
        Ok(ranges) => {
            source.give_back(link);
            Ok(ranges)
        }
        // Reading it says what is wrong.
        Err(trouble) => match trouble.verdict(&source.server.role, "") {
            Verdict::Lost(reason) => Err(SourceError::Lost { object: object.path.clone(), reason }),
            Verdict::Unreadable(_) | Verdict::Stopped => Ok(vec![Range::Whole]),
        },
    }
}

/// Reads some rows of one table into a sink, between the opening and closing of its part.
pub fn object(
    source: &Postgres,
    object: &Object,
    what: &What,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), SourceError> {
    let (mut link, _, node) = begin(source, object)?;
    let described = describe(source, object, &mut link, node);
    part(source, object, link, described, limits, sink, |table, link, batcher| table.read(link, what, batcher))
}

/// Reads records found earlier, as they are now.
pub fn records(
    source: &Postgres,
    path: &ObjectPath,
    records: &[Record],
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), SourceError> {
    let object = Object::new(path.clone(), Version::snapshot(String::new()));
    let mut link = opened(source, &object, &SnapshotId::of_its_own())?;
    let described = Table::now(source, path, &mut link);
    part(source, &object, link, described, limits, sink, |table, link, batcher| {
        records.chunks(FETCHED).try_for_each(|records| match condition(link, table, records)? {
            Some(condition) => table.find(link, &condition, None, batcher),
            None => Ok(()),
        })
    })
}

/// Records fetched by one statement.
const FETCHED: usize = 5_000;

/// Pushes rows of a table between the opening and closing of its part.
fn part(
    source: &Postgres,
    object: &Object,
    mut link: Link,
    described: Result<Table, Trouble>,
    limits: &Limits,
    sink: &mut dyn Sink,
    rows: impl FnOnce(&Table, &mut Link, &mut Batcher<'_>) -> Result<(), Trouble>,
) -> Result<(), SourceError> {
    let primary_key = match &described {
        Ok(table) => table.relation.primary_key.clone(),
        Err(_) => object.primary_key.clone(),
    };
    let part = Part { path: object.path.clone(), format: "table", encoding: None, primary_key };
    if sink.open(part).is_break() {
        return Err(SourceError::Stopped);
    }
    let role = Ident(&source.server.role).to_string();
    let mut grant = String::new();
    let mut read = Outcome::read(0, 0);
    let done = described.and_then(|table| {
        grant = table.relation.grant(&source.server.role);
        let mut batcher = Batcher::new(sink, table.fields(), table.identity(), limits.batch_bytes);
        let done = rows(&table, &mut link, &mut batcher);
        read = Outcome::read(batcher.raw_bytes(), batcher.records());
        done.map(|()| table.relation.denied(&source.server.role))
    });
    let outcome = match done {
        Ok(denied) => {
            source.give_back(link);
            match denied {
                None => read,
                reason => Outcome { coverage: Coverage::Unreadable, reason, ..read },
            }
        }
        Err(trouble) => match trouble.verdict(&role, &grant) {
            Verdict::Stopped => return Err(SourceError::Stopped),
            Verdict::Lost(reason) => return Err(SourceError::Lost { object: object.path.clone(), reason }),
            Verdict::Unreadable(reason) => Outcome { coverage: Coverage::Unreadable, reason: Some(reason), ..read },
        },
    };
    if sink.close(outcome).is_break() { Err(SourceError::Stopped) } else { Ok(()) }
}

/// A connection that sees the moment at which an object was listed.
fn begin(source: &Postgres, object: &Object) -> Result<(Link, SnapshotId, u32), SourceError> {
    source.end_old_moment()?;
    let (id, node) = SnapshotId::of_version(&object.version)
        .ok_or_else(|| SourceError::unreadable(&object.path, "its version is not one of PostgreSQL: list it again"))?;
    opened(source, object, &id).map(|link| (link, id, node))
}

fn opened(source: &Postgres, object: &Object, id: &SnapshotId) -> Result<Link, SourceError> {
    let lost = |reason: String| SourceError::Lost { object: object.path.clone(), reason };
    match source.link_in(id) {
        Ok(link) => Ok(link),
        Err(Failed::Connect(error)) => Err(error),
        Err(Failed::Begin(trouble)) => Err(match trouble.verdict(&source.server.role, "") {
            Verdict::Lost(reason) | Verdict::Unreadable(reason) => lost(reason),
            Verdict::Stopped => SourceError::Stopped,
        }),
    }
}

/// Holds the table against being altered, and sees what it is now.
fn describe(source: &Postgres, object: &Object, link: &mut Link, node: u32) -> Result<Table, Trouble> {
    let table = Table::now(source, &object.path, link)?;
    // Unlike rows, `TRUNCATE` and rewriting do not keep to snapshots: the table would seem empty.
    if table.relation.node != node {
        let reason = "it was truncated or rewritten after the scan began: scan again";
        return Err(Trouble::Unreadable(reason.into()));
    }
    Ok(table)
}

fn ranges(
    source: &Postgres,
    link: &mut Link,
    table: &Table,
    id: &SnapshotId,
    target: SplitTarget,
) -> Result<Vec<Range>, Trouble> {
    let pieces = (table.heap_bytes + table.toast_bytes).div_ceil(target.bytes.max(1));
    if pieces <= 1 {
        return Ok(vec![Range::Whole]);
    }
    if source.server.tid_ranges && id.is_shared() && table.relation.has_ctid() {
        let blocks = table.heap_bytes / table.block_size;
        let pieces = pieces.min(blocks).max(1);
        let at = |piece: u64| (u128::from(blocks) * u128::from(piece) / u128::from(pieces)) as u32;
        let range = |i: u64| Range::Blocks { start: at(i), end: (i + 1 < pieces).then(|| at(i + 1)) };
        return Ok((0..pieces).map(range).collect());
    }
    let [key] = table.key[..] else { return Ok(vec![Range::Whole]) };
    if table.columns[key].logical != Logical::Integer {
        return Ok(vec![Range::Whole]);
    }
    let (name, quoted) = (Ident(&table.columns[key].name), table.relation.quoted());
    let bounds = link.rows(&format!("SELECT min({name})::text, max({name})::text FROM ONLY {quoted}"))?;
    let bound = |i: usize| bounds.first()?.get(i)?.as_ref()?.parse::<i64>().ok();
    let Some((first, last)) = bound(0).zip(bound(1)) else { return Ok(vec![Range::Whole]) };
    Ok(crate::batch::cut(first, last, pieces))
}

impl Table {
    /// Holds the table against being altered, and sees what it is now.
    pub fn now(source: &Postgres, path: &ObjectPath, link: &mut Link) -> Result<Self, Trouble> {
        let (schema, name) = parts(path);
        let quoted = format!("{}.{}", Ident(&schema), Ident(&name));
        link.run(&format!("SELECT FROM ONLY {quoted} LIMIT 0"))?;
        let relation = Relation::one(link, &schema, &name)?;
        let columns: Vec<_> = relation.columns(link)?.into_iter().filter(|column| column.readable).collect();
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let key: Option<Vec<usize>> = relation.primary_key.iter().map(place).collect();
        let mut table = Table {
            key: key.unwrap_or_default(),
            columns,
            heap_bytes: 0,
            toast_bytes: 0,
            long_value: source.options.long_value,
            block_size: source.server.block_size,
            relation,
        };
        for &i in &table.key {
            // A key is printed and looked up again: its bytes stand as the server writes them.
            if table.columns[i].form == Form::Bytes {
                (table.columns[i].form, table.columns[i].logical) = (Form::Text, Logical::Text);
            }
        }
        (table.heap_bytes, table.toast_bytes) = table.relation.sizes(link)?;
        Ok(table)
    }

    /// Values longer than this are read by windows.
    pub fn long_value(&self) -> u64 {
        self.long_value
    }

    /// Its fields, in order.
    pub fn fields(&self) -> Vec<Field> {
        let field = |column: &PgColumn| Field { name: column.name.as_str().into(), logical: Some(column.logical) };
        self.columns.iter().map(field).collect()
    }

    /// How its rows are told apart.
    pub fn identity(&self) -> Identity {
        match (self.key.is_empty(), self.relation.has_ctid()) {
            (false, _) => Identity::Keyed(self.key.clone()),
            (true, true) => Identity::Numbered(RecordKind::Ctid),
            (true, false) => Identity::Counted,
        }
    }

    fn read(&self, link: &mut Link, what: &What, batcher: &mut Batcher<'_>) -> Result<(), Trouble> {
        match what {
            What::Range(range) => {
                let filter = match range {
                    Range::Whole => String::new(),
                    Range::Blocks { start, end } => {
                        let end = end.map(|end| format!(" AND ctid < '({end},0)'::tid")).unwrap_or_default();
                        format!(" WHERE ctid >= '({start},0)'::tid{end}")
                    }
                    Range::Keys { start, end } => self.key_filter(*start, *end)?,
                };
                self.find(link, &filter, None, batcher)
            }
            What::Sample(records) => {
                let limit = format!(" LIMIT {}", (*records).min(i64::MAX as u64));
                if let Some(percent) = self.sampled_percent(*records) {
                    // The same blocks each time, so that the same scan is planned in the same way.
                    let sampled = format!(" TABLESAMPLE SYSTEM ({percent}) REPEATABLE (0){limit}");
                    self.copy(link, &sampled, None, batcher)?;
                }
                if batcher.records() == 0 { self.copy(link, &limit, None, batcher) } else { Ok(()) }
            }
        }
    }

    /// Pushes the rows that a condition, with what follows it, leaves; notes where they are.
    pub fn find(
        &self,
        link: &mut Link,
        filter: &str,
        places: Option<&RefCell<Vec<u64>>>,
        batcher: &mut Batcher<'_>,
    ) -> Result<(), Trouble> {
        self.copy(link, filter, places, batcher)?;
        let long = batcher.take_long();
        long.iter().try_for_each(|long| self.windows(link, long, batcher))
    }

    fn key_filter(&self, start: Option<i64>, end: Option<i64>) -> Result<String, Trouble> {
        let [key] = self.key[..] else {
            return Err(Trouble::Unreadable("its primary key was changed while it was scanned: scan again".into()));
        };
        let name = Ident(&self.columns[key].name);
        let bounds = [start.map(|at| format!("{name} >= {at}")), end.map(|at| format!("{name} < {at}"))];
        let bounds: Vec<_> = bounds.into_iter().flatten().collect();
        Ok(if bounds.is_empty() { String::new() } else { format!(" WHERE {}", bounds.join(" AND ")) })
    }

    /// What part of a large table's blocks holds about so many rows.
    fn sampled_percent(&self, records: u64) -> Option<f64> {
        let blocks = self.heap_bytes / self.block_size;
        if blocks < 64 || !self.relation.has_ctid() {
            return None;
        }
        let counted = self.relation.rows.filter(|_| self.relation.blocks > 0);
        let each = counted.map_or(20.0, |rows| rows as f64 / self.relation.blocks as f64).max(0.5);
        let wanted = (records as f64 / each * 1.2).max(16.0);
        let percent = 100.0 * wanted / blocks as f64;
        (percent < 50.0).then_some(percent)
    }

    /// The longest value that is sent whole, where there may be longer ones. No value can be long in a table whose
    /// long values take less than that even if they were compressed as far as it goes.
    fn guard(&self) -> Option<u64> {
        let count = self.columns.iter().filter(|column| column.extensible).count() as u64;
        let each = self.long_value / count.max(1);
        let each = each.max(self.long_value.min(256 << 10));
        (count > 0 && self.relation.has_ctid() && self.toast_bytes >= each / 256).then_some(each)
    }

    fn copy(
        &self,
        link: &mut Link,
        filter: &str,
        places: Option<&RefCell<Vec<u64>>>,
        batcher: &mut Batcher<'_>,
    ) -> Result<(), Trouble> {
        let guard = self.guard();
        let (mut list, mut plan) = (Vec::new(), Vec::new());
        if guard.is_some() || places.is_some() || matches!(self.identity(), Identity::Numbered(_)) {
            list.push("ctid".to_owned());
            plan.push(Cell::Ctid);
        }
        if let Some(longest) = guard {
            let extensible = self.columns.iter().enumerate().filter(|(_, column)| column.extensible);
            let marks = extensible.map(|(i, column)| format!("CASE WHEN {} THEN {i} END", column.is_long(longest)));
            list.push(format!("concat_ws(',', {})", marks.collect::<Vec<_>>().join(", ")));
            plan.push(Cell::Long);
        }
        for (i, column) in self.columns.iter().enumerate() {
            let expression = column.expression();
            list.push(match guard.filter(|_| column.extensible) {
                Some(longest) => format!("CASE WHEN {} THEN NULL ELSE {expression} END", column.is_long(longest)),
                None => expression,
            });
            plan.push(if column.form == Form::Bytes { Cell::Bytes(i) } else { Cell::Text(i) });
        }
        let table = self.relation.quoted();
        let sql = format!("COPY (SELECT {} FROM ONLY {table}{filter}) TO STDOUT", list.join(", "));
        let mut rows = Rows::new(&plan).noting(places);
        let copied = link.copy(&sql, &mut |bytes| rows.piece(bytes, batcher));
        match copied {
            Err(trouble) if !matches!(trouble, Trouble::Stopped | Trouble::Lost(_)) => {
                // What stands before the damage counts.
                batcher.flush()?;
                Err(trouble)
            }
            Err(trouble) => Err(trouble),
            Ok(()) => Ok(batcher.flush()?),
        }
    }

    /// Pushes one long value, asked for piece by piece.
    fn windows(&self, link: &mut Link, long: &Long, batcher: &mut Batcher<'_>) -> Result<(), Trouble> {
        let column = &self.columns[long.column];
        let cell = if column.form == Form::Bytes { [Cell::Bytes(0)] } else { [Cell::Text(0)] };
        let (block, offset) = (long.number >> 16, long.number & 0xffff);
        let (table, mut from) = (self.relation.quoted(), 1);
        let mut windows = batcher.windows(long, column.form == Form::Bytes);
        loop {
            let piece = column.piece(from, PIECE);
            let sql =
                format!("COPY (SELECT {piece} FROM ONLY {table} WHERE ctid = '({block},{offset})'::tid) TO STDOUT");
            let mut got = One::default();
            let fields = vec![Field { name: "".into(), logical: Some(column.logical) }];
            let mut value = Batcher::new(&mut got, fields, Identity::Counted, usize::MAX);
            let mut rows = Rows::new(&cell);
            link.copy(&sql, &mut |bytes| rows.piece(bytes, &mut value))?;
            value.flush()?;
            if got.0.is_empty() {
                return Ok(windows.finish()?);
            }
            windows.buffer().append(&mut got.0);
            windows.advance()?;
            from += PIECE;
        }
    }
}

/// Characters, or bytes, of a long value asked for at once.
const PIECE: u64 = 1 << 20;

/// Takes the one value of the one row that is read.
#[derive(Default)]
struct One(Vec<u8>);

impl Sink for One {
    fn open(&mut self, _: Part) -> residuum_source::Flow {
        residuum_source::Flow::Continue(())
    }

    fn batch(&mut self, batch: residuum_source::Batch) -> residuum_source::Flow {
        self.0 = batch.columns.into_iter().next().map(|column| column.bytes).unwrap_or_default();
        residuum_source::Flow::Continue(())
    }

    fn close(&mut self, _: Outcome) -> residuum_source::Flow {
        residuum_source::Flow::Continue(())
    }
}
