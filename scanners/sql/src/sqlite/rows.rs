//! Reads the rows of one table, each value by its own type, long values piece by piece.

use std::cell::RefCell;
use std::io::{Read, Write};

use residuum_source::{Limits, Logical, Range, RecordKind, Sink};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ffi, params_from_iter};

use super::error::{Trouble, code};
use super::open::Lease;
use super::places::{self, Place};
use super::schema::{self, Table};
use crate::batch::{Batcher, Field, Held, Identity, Long};
use crate::quote::Ident;

/// A reading of one table into a sink.
pub struct Rows<'a> {
    table: &'a Table,
    batcher: Batcher<'a>,
    is_key: Vec<bool>,
    long_value: u64,
    /// Where the places of rows are noted, in the order in which they are pushed.
    noted: Option<&'a RefCell<Vec<Place>>>,
}

/// Rows asked for in one statement.
struct Ask<'a> {
    range: &'a Range,
    /// Only the rows at these places.
    places: Option<&'a [Place]>,
    /// Rows to give.
    limit: Option<u64>,
    /// Rows of the range that were given before.
    done: u64,
    /// Their last rowid.
    after: Option<i64>,
    /// Whether values may be long: these are left out and noted.
    guarded: bool,
}

impl<'a> Rows<'a> {
    /// A reading that has not begun.
    pub fn new(table: &'a Table, limits: &Limits, long_value: u64, sink: &'a mut dyn Sink) -> Self {
        let key = table.key_columns();
        let field = |i: usize| {
            // How a key's values are told apart must not depend on the values that happen to stand beside them.
            let key_type = if table.columns[i].is_integer() { Logical::Integer } else { Logical::Text };
            Field { name: table.columns[i].name.as_str().into(), logical: key.contains(&i).then_some(key_type) }
        };
        let fields = (0..table.columns.len()).map(field).collect();
        let is_key = (0..table.columns.len()).map(|i| key.contains(&i)).collect();
        let identity = match (key.is_empty(), &table.rowid) {
            (false, _) => Identity::Keyed(key),
            (true, Some(_)) => Identity::Numbered(RecordKind::Rowid),
            (true, None) => Identity::Counted,
        };
        Self {
            table,
            batcher: Batcher::new(sink, fields, identity, limits.batch_bytes),
            is_key,
            long_value,
            noted: None,
        }
    }

    /// Notes the places of rows.
    #[must_use]
    pub fn noting(mut self, places: &'a RefCell<Vec<Place>>) -> Self {
        self.noted = Some(places);
        self
    }

    /// Records pushed so far.
    pub fn records(&self) -> u64 {
        self.batcher.records()
    }

    /// Bytes of values pushed so far.
    pub fn bytes(&self) -> u64 {
        self.batcher.raw_bytes()
    }

    /// Pushes the rows of a range, all of them or the first `limit`.
    ///
    /// They are those of one moment, unless a writer would have to wait for that: then the table is let go after
    /// each batch. `cookie` is the schema's number when the ranges were made.
    pub fn read(&mut self, lease: &Lease, range: &Range, limit: Option<u64>, cookie: i64) -> Result<(), Trouble> {
        let connection = lease.connection();
        let mut ask = Ask { range, places: None, limit, done: 0, after: None, guarded: false };
        let by_batches = lease.delays_writers() && self.table.rowid.is_some();
        let transaction = if by_batches { None } else { Some(connection.unchecked_transaction()?) };
        // A limit on the length of rows makes the common case free of any test of lengths: only a table that has
        // a long row is asked again, from there on, for the length of every value.
        let mut done = self.rows(connection, &mut ask, by_batches);
        if matches!(&done, Err(Trouble::Sqlite(error)) if code(error) == Some(ffi::SQLITE_TOOBIG)) {
            let held = if by_batches { Some(connection.unchecked_transaction()?) } else { None };
            done = self.guarded_rows(connection, &mut ask);
            drop(held);
        }
        match done {
            Err(Trouble::Stopped) => return Err(Trouble::Stopped),
            // What stands before the damage counts.
            done => self.batcher.flush().map_err(Trouble::from).and(done)?,
        }
        let cut = by_batches || *range != Range::Whole;
        if cut && !self.table.keeps_rowids && schema::cookie(connection)? != cookie {
            return Err(Trouble::Renumbered);
        }
        drop(transaction);
        Ok(())
    }

    /// Pushes the rows at these places, of which some may be gone. The caller has a transaction open.
    pub fn at(&mut self, connection: &Connection, places: &[Place]) -> Result<(), Trouble> {
        for places in places.chunks(places::at_once(self.table)) {
            let mut ask =
                Ask { range: &Range::Whole, places: Some(places), limit: None, done: 0, after: None, guarded: false };
            match self.rows(connection, &mut ask, false) {
                Err(Trouble::Sqlite(error)) if code(&error) == Some(ffi::SQLITE_TOOBIG) => {
                    self.guarded_rows(connection, &mut ask)?;
                }
                done => done?,
            }
            self.batcher.flush()?;
        }
        Ok(())
    }

    /// The rest of the rows, when some of its values are long.
    fn guarded_rows(&mut self, connection: &Connection, ask: &mut Ask<'_>) -> Result<(), Trouble> {
        ask.guarded = true;
        let limit = connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::MAX)?;
        let done = self.rows(connection, ask, false).and_then(|()| {
            self.batcher.flush()?;
            let long = self.batcher.take_long();
            long.iter().try_for_each(|long| self.windows(connection, long, ask))
        });
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit)?;
        done
    }

    fn rows(&mut self, connection: &Connection, ask: &mut Ask<'_>, by_batches: bool) -> Result<(), Trouble> {
        while self.rows_of_one_statement(connection, ask, by_batches)? {
            self.batcher.flush()?;
        }
        Ok(())
    }

    /// Pushes rows to the end, or to the end of a batch; then there may be more.
    fn rows_of_one_statement(
        &mut self,
        connection: &Connection,
        ask: &mut Ask<'_>,
        by_batches: bool,
    ) -> Result<bool, Trouble> {
        let width = self.table.columns.len();
        let lead = usize::from(self.table.rowid.is_some());
        let mut statement = connection.prepare(&self.statement(ask))?;
        let mut rows = statement.query(params_from_iter(ask.places.map(places::parameters).unwrap_or_default()))?;
        while let Some(row) = rows.next()? {
            let rowid = if lead == 1 { row.get::<_, i64>(0)? } else { ask.done as i64 };
            self.batcher.begin(rowid as u64)?;
            if let Some(noted) = self.noted {
                noted.borrow_mut().push(Place::of(self.table, row, lead)?);
            }
            let mut raw = 0;
            for i in 0..width {
                raw += self.value(i, row.get_ref(lead + i)?);
                if ask.guarded && row.get_ref(lead + width + i)? == ValueRef::Integer(1) {
                    self.batcher.long(i, rowid as u64);
                }
            }
            ask.done += 1;
            ask.after = Some(rowid);
            let full = self.batcher.end_without_flush(raw);
            if full && by_batches {
                return Ok(true);
            }
            if full {
                self.batcher.flush()?;
            }
        }
        Ok(false)
    }

    #[inline]
    fn value(&mut self, i: usize, value: ValueRef<'_>) -> usize {
        let is_key = self.is_key[i];
        if let ValueRef::Blob(blob) = value
            && !is_key
        {
            self.batcher.blob(i, blob);
            return blob.len();
        }
        let column = self.batcher.column(i);
        let before = column.bytes.len();
        let held = match value {
            ValueRef::Null => None,
            ValueRef::Integer(number) => {
                let _ = write!(column.bytes, "{number}");
                Some(Held::Integer)
            }
            ValueRef::Real(number) => {
                // Whole numbers too large for an integer column keep their digits; the huge get an exponent.
                let _ = if number.abs() < 1e17 {
                    write!(column.bytes, "{number}")
                } else {
                    write!(column.bytes, "{number:e}")
                };
                Some(Held::Real)
            }
            ValueRef::Text(text) => {
                column.bytes.extend_from_slice(text);
                Some(Held::Text)
            }
            // A key is printed and looked up again, so its bytes stand as SQLite writes them.
            ValueRef::Blob(blob) => {
                column.bytes.extend_from_slice(b"X'");
                blob.iter().for_each(|byte| {
                    let _ = write!(column.bytes, "{byte:02X}");
                });
                column.bytes.push(b'\'');
                Some(Held::Text)
            }
        };
        column.end_value();
        let length = column.bytes.len() - before;
        if let Some(held) = held {
            self.batcher.held(i, held);
        }
        length
    }

    fn statement(&self, ask: &Ask<'_>) -> String {
        let table = self.table;
        let mut list: Vec<String> = table.rowid.iter().cloned().collect();
        let names: Vec<String> = table.columns.iter().map(|column| Ident(&column.name).to_string()).collect();
        if ask.guarded {
            let long = |name: &String| format!("octet_length({name}) > {}", self.long_value);
            list.extend(names.iter().map(|name| format!("CASE WHEN {} THEN NULL ELSE {name} END", long(name))));
            list.extend(names.iter().map(long));
        } else {
            list.extend(names);
        }
        let mut conditions = Vec::new();
        if let (Range::Keys { start, end }, Some(rowid)) = (ask.range, &table.rowid) {
            conditions.extend(start.map(|start| format!("{rowid} >= {start}")));
            conditions.extend(end.map(|end| format!("{rowid} < {end}")));
        }
        // After a long row, reading goes on behind the last one given: by rowid, else by counting.
        let by_rowid = table.rowid.as_ref().zip(ask.after);
        conditions.extend(by_rowid.as_ref().map(|(rowid, after)| format!("{rowid} > {after}")));
        let skip = if by_rowid.is_some() { 0 } else { ask.done };
        conditions.extend(ask.places.map(|places| places::condition(self.table, places)));
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let order = table.rowid.as_ref().map_or_else(String::new, |rowid| format!(" ORDER BY {rowid}"));
        let limit = match ask.limit {
            Some(limit) => format!(" LIMIT {} OFFSET {skip}", limit.saturating_sub(ask.done).min(i64::MAX as u64)),
            None if skip > 0 => format!(" LIMIT -1 OFFSET {skip}"),
            None => String::new(),
        };
        let indexed = if ask.places.is_some() { "" } else { " NOT INDEXED" };
        format!("SELECT {} FROM main.{}{indexed}{filter}{order}{limit}", list.join(", "), Ident(&table.name))
    }

    /// Pushes one long value: through SQLite's incremental reading where it applies, else by `substr`.
    fn windows(&mut self, connection: &Connection, long: &Long, ask: &Ask<'_>) -> Result<(), Trouble> {
        let name = &self.table.columns[long.column].name;
        let column = Ident(name);
        let table = Ident(&self.table.name);
        let place = match (&self.table.rowid, ask.places) {
            (Some(rowid), _) => format!("FROM main.{table} WHERE {rowid} = {}", long.number as i64),
            (None, None) => format!("FROM main.{table} NOT INDEXED LIMIT 1 OFFSET {}", long.number),
            (None, Some(places)) => {
                let condition = places::condition(self.table, places);
                format!("FROM main.{table} WHERE {condition} LIMIT 1 OFFSET {}", long.number)
            }
        };
        let by_key = ask.places.filter(|_| self.table.rowid.is_none()).map(places::parameters).unwrap_or_default();
        let kind = format!("SELECT typeof({column}) {place}");
        let kind: String = connection.query_row(&kind, params_from_iter(&by_key), |row| row.get(0))?;
        let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0))?;
        let is_blob = kind == "blob";
        let mut windows = self.batcher.windows(long, is_blob);
        let incremental = (self.table.rowid.is_some() && (is_blob || encoding == "UTF-8"))
            .then(|| connection.blob_open("main", self.table.name.as_str(), name.as_str(), long.number as i64, true))
            .and_then(Result::ok); // a generated column has no bytes of its own in the file
        if let Some(mut blob) = incremental {
            loop {
                let buffer = windows.buffer();
                let taken = (&mut blob).take(PIECE).read_to_end(buffer);
                if taken.map_err(|_| Trouble::Reason("a long value cannot be read to its end".into()))? == 0 {
                    break;
                }
                windows.advance()?;
            }
        } else {
            for at in (1u64..).step_by(PIECE as usize) {
                let mut piece = connection.prepare(&format!("SELECT substr({column}, {at}, {PIECE}) {place}"))?;
                let mut rows = piece.query(params_from_iter(&by_key))?;
                let Some(row) = rows.next()? else { break };
                let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = row.get_ref(0)? else { break };
                if bytes.is_empty() {
                    break;
                }
                windows.buffer().extend_from_slice(bytes);
                windows.advance()?;
            }
        }
        Ok(windows.finish()?)
    }
}

/// Bytes (or characters) of a long value read at once.
const PIECE: u64 = 1 << 20;
