//! A table as it is read: which columns, by which statements, and how its rows are told apart.

use residuum_source::Logical;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write as _;

use super::error::number;
use super::find::{self, AT_ONCE, Place, condition, of_row};
use super::schema::{Relation, as_key, grant, quoted};
use super::session::{Link, value};
use super::types::{Form, MyColumn, single};
use crate::batch::{Batcher, Field, Identity, Long};
use crate::link::Trouble;
use crate::quote::Backticked;

/// A table as it is read.
pub struct Table {
    /// What the catalog says of it.
    pub relation: Relation,
    /// The columns that the user may read.
    pub columns: Vec<MyColumn>,
    /// Indexes of the columns that tell rows apart.
    pub key: Vec<usize>,
    /// Whether it may have columns that the user may not read, and is not shown.
    is_partial: bool,
    long_value: u64,
    max_packet: u64,
}

/// Finds rows again that have long values: a condition for each, by the number it was read as.
pub type Places = HashMap<u64, String>;

impl Table {
    /// Holds the table against being altered, and sees what it is now.
    pub fn describe(
        link: &mut Link,
        schema: &str,
        name: &str,
        user: &str,
        long_value: u64,
        max_packet: u64,
    ) -> Result<Self, Trouble> {
        let denied = || Trouble::Unreadable(format!("permission denied: {}", grant(schema, name, user)));
        let is_partial = match link.run(&format!("SELECT * FROM {} LIMIT 0", quoted(schema, name))) {
            Ok(()) => false,
            Err(trouble) if matches!(number(&trouble), Some(1142 | 1143)) => true,
            Err(trouble) => return Err(trouble),
        };
        let relation = match Relation::one(link, schema, name) {
            Err(Trouble::Unreadable(_)) if is_partial => return Err(denied()),
            relation => relation?,
        };
        let mut columns = relation.columns(link)?;
        columns.retain(|column| column.readable);
        if columns.is_empty() {
            return Err(denied());
        }
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let key: Option<Vec<usize>> = relation.key.iter().map(place).collect();
        let key = key.unwrap_or_default();
        key.iter().for_each(|&i| as_key(&mut columns[i]));
        Ok(Self { relation, columns, key, is_partial, long_value, max_packet })
    }

    /// Its fields, in order.
    pub fn fields(&self) -> Vec<Field> {
        let field = |column: &MyColumn| Field { name: column.name.as_str().into(), logical: Some(column.logical) };
        self.columns.iter().map(field).collect()
    }

    /// How its rows are told apart.
    pub fn identity(&self) -> Identity {
        if self.key.is_empty() { Identity::Counted } else { Identity::Keyed(self.key.clone()) }
    }

    /// The column by whose numbers it can be cut into ranges.
    pub fn cuttable(&self) -> Option<&MyColumn> {
        let [key] = self.key[..] else { return None };
        Some(&self.columns[key]).filter(|column| column.logical == Logical::Integer && column.form == Form::Text)
    }

    /// What is to be said of a reading that went to the end: why it was not all, if so, and what else to know.
    /// `by_moments` if it was read by ranges at a moment each.
    pub fn remarks(&self, user: &str, by_moments: bool) -> (bool, Option<String>) {
        let mut remarks = Vec::new();
        if self.is_partial {
            remarks.push(self.relation.hidden_columns(user));
        }
        if !self.relation.has_snapshot {
            remarks.push(format!(
                "the engine {} has no snapshots: rows that were written meanwhile may be missed or seen twice",
                self.relation.engine
            ));
        }
        if let Some(key) = self.cuttable().filter(|_| by_moments && self.relation.has_snapshot) {
            remarks.push(format!(
                "read by ranges of {}, each at a moment of its own: rows whose key was changed meanwhile may be missed",
                key.name
            ));
        }
        (self.is_partial, (!remarks.is_empty()).then(|| remarks.join("; ")))
    }

    /// Pushes the rows that fulfil all conditions, at most `limit` of them, in the key's order if there is a limit.
    pub fn select(
        &self,
        link: &mut Link,
        conditions: &[String],
        limit: Option<u64>,
        batcher: &mut Batcher<'_>,
    ) -> Result<Places, Trouble> {
        let mut rows = self.rows(batcher, None);
        let selected = match limit {
            Some(limit) => {
                let order = self.cuttable().map(|key| format!(" ORDER BY {}", Backticked(&key.name)));
                rows.all(link, &format!("{}{} LIMIT {limit}", where_all(conditions), order.unwrap_or_default()))
            }
            None if self.relation.has_snapshot || self.relation.is_foreign() => rows.all(link, &where_all(conditions)),
            None => rows.by_pieces(link, conditions),
        };
        match selected {
            Err(trouble @ (Trouble::Stopped | Trouble::Lost(_))) => Err(trouble),
            // What stands before the damage counts.
            selected => rows.batcher.flush().map_err(Trouble::from).and(selected).map(|()| rows.places),
        }
    }

    /// Pushes rows at these places, of which some may be gone; notes where those are that come. `locking` is what
    /// follows the condition.
    pub fn find(
        &self,
        link: &mut Link,
        at: &[Place],
        locking: &'static str,
        noted: Option<&RefCell<Vec<Place>>>,
        batcher: &mut Batcher<'_>,
    ) -> Result<(), Trouble> {
        for at in at.chunks(AT_ONCE) {
            let mut rows = self.rows(batcher, noted);
            rows.locking = locking;
            rows.all(link, &format!(" WHERE {}{locking}", condition(self, "", at)))?;
            let places = rows.places;
            batcher.flush()?;
            let long = batcher.take_long();
            long.iter().try_for_each(|long| self.windows(link, long, &places, locking, batcher))?;
        }
        Ok(())
    }

    fn rows<'t, 'b, 's>(
        &'t self,
        batcher: &'b mut Batcher<'s>,
        noted: Option<&'t RefCell<Vec<Place>>>,
    ) -> Rows<'t, 'b, 's> {
        Rows {
            table: self,
            guard: self.guard(),
            batcher,
            places: Places::new(),
            noted,
            locking: "",
            count: 0,
            last: None,
        }
    }

    fn statement(&self, guard: Option<u64>, source: &str, rest: &str) -> String {
        let mut list = Vec::new();
        if let Some(longest) = guard {
            let marks = self.columns.iter().enumerate().filter(|(_, column)| is_extensible(column));
            let marks =
                marks.map(|(i, column)| format!("CASE WHEN {} THEN {i} END", column.is_long(longest, self.max_packet)));
            list.push(format!("CONCAT_WS(',', {})", marks.collect::<Vec<_>>().join(", ")));
        }
        list.extend(self.columns.iter().map(|column| match guard.filter(|_| is_extensible(column)) {
            Some(longest) => {
                let is_long = column.is_long(longest, self.max_packet);
                format!("CASE WHEN {is_long} THEN NULL ELSE {} END", column.expression())
            }
            None => column.expression(),
        }));
        format!("SELECT SQL_NO_CACHE {} FROM {}{rest}", list.join(", "), source)
    }

    /// The longest value that is sent whole, where there may be longer ones.
    fn guard(&self) -> Option<u64> {
        let count = self.columns.iter().filter(|column| is_extensible(column)).count() as u64;
        (count > 0).then(|| (self.long_value / count.max(1)).max(self.long_value.min(256 << 10)))
    }

    /// Pushes one long value, asked for piece by piece. `locking` is how the row was locked: then it is read as it is
    /// now, and not as it was at the moment that the transaction sees or in the past.
    pub fn windows(
        &self,
        link: &mut Link,
        long: &Long,
        places: &Places,
        locking: &str,
        batcher: &mut Batcher<'_>,
    ) -> Result<(), Trouble> {
        let column = &self.columns[long.column];
        let source = self.relation.source_for(locking);
        let place = places.get(&long.number).map_or("", String::as_str);
        let length = PIECE.min(self.max_packet / 4).max(1);
        let mut windows = batcher.windows(long, column.long_is_bytes());
        let mut from = 1;
        loop {
            let sql = format!("SELECT SQL_NO_CACHE {} FROM {source}{place}{locking}", column.piece(from, length));
            let mut got = None;
            link.stream(&sql, &mut |row| {
                got = value(row, 0)?.map(|bytes| {
                    windows.buffer().extend_from_slice(bytes);
                    bytes.len()
                });
                Ok(())
            })?;
            match got {
                Some(0) if from > 1 => return Ok(windows.finish()?),
                Some(1..) => windows.advance()?,
                _ => {
                    let reason = format!("a long value of the column {} could not be found again", column.name);
                    return Err(Trouble::Unreadable(reason));
                }
            }
            from += length;
        }
    }

    /// The end of a statement that finds this row again.
    fn place(&self, row: &impl Values, lead: usize, count: u64) -> Result<String, Trouble> {
        let equal = |&i: &usize| {
            let (column, bytes) = (&self.columns[i], row.get(lead + i)?.unwrap_or_default());
            let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
            Ok(format!("{} = {}", Backticked(&column.name), find::literal(column, text)))
        };
        let conditions: Vec<String> = self.key.iter().map(equal).collect::<Result<_, Trouble>>()?;
        Ok(match conditions.is_empty() {
            false => format!(" WHERE {} LIMIT 1", conditions.join(" AND ")),
            // Without a key, rows come in the same order again as long as the snapshot lasts.
            true => format!(" LIMIT 1 OFFSET {}", count - 1),
        })
    }
}

/// Rows on their way from a table to a batcher.
struct Rows<'t, 'b, 's> {
    table: &'t Table,
    /// The longest value that is sent whole.
    guard: Option<u64>,
    batcher: &'b mut Batcher<'s>,
    places: Places,
    /// Where the places of all rows are noted.
    noted: Option<&'t RefCell<Vec<Place>>>,
    /// How rows are locked, if they are; rows of the past cannot be.
    locking: &'static str,
    count: u64,
    /// The key of the last row, where it is one number.
    last: Option<i128>,
}

impl Rows<'_, '_, '_> {
    /// Pushes what one statement gives.
    fn all(&mut self, link: &mut Link, rest: &str) -> Result<(), Trouble> {
        let relation = &self.table.relation;
        let sql = self.table.statement(self.guard, &relation.source_for(self.locking), rest);
        link.stream(&sql, &mut |row| self.push(row))
    }

    /// Pushes rows of an engine that locks the whole table while rows are sent: by short statements, each taken in
    /// before any of it is examined, so that a writer waits for milliseconds only.
    fn by_pieces(&mut self, link: &mut Link, conditions: &[String]) -> Result<(), Trouble> {
        let (table, relation) = (self.table, &self.table.relation);
        let each = PIECE * relation.rows.unwrap_or(0).max(1) / relation.bytes.max(1);
        let key = table.cuttable().map(|key| Backticked(&key.name).to_string());
        // Without a key to go on from, each statement passes over what was read: there are not many of them.
        let most = if key.is_some() { each } else { each.max(relation.rows.unwrap_or(0) / 64) }.clamp(1_000, 1 << 20);
        loop {
            let before = self.count;
            let mut conditions = conditions.to_vec();
            let order = match &key {
                Some(key) => {
                    conditions.extend(self.last.map(|last| format!("{key} > {last}")));
                    format!(" ORDER BY {key} LIMIT {most}")
                }
                None => format!(" LIMIT {most} OFFSET {before}"),
            };
            let sql = table.statement(self.guard, &relation.source(), &format!("{}{order}", where_all(&conditions)));
            let (mut taken, mut bytes) = (Vec::new(), 0);
            link.stream(&sql, &mut |row| {
                if bytes < TAKEN_IN {
                    let values = owned(row)?;
                    bytes += values.iter().flatten().map(|value| value.len() as u64 + 32).sum::<u64>();
                    taken.push(values);
                    return Ok(());
                }
                taken.drain(..).try_for_each(|values: Vec<_>| self.push(&values))?;
                self.push(row)
            })?;
            taken.iter().try_for_each(|values| self.push(values))?;
            if self.count - before < most {
                return Ok(());
            }
        }
    }

    fn push(&mut self, row: &impl Values) -> Result<(), Trouble> {
        let (table, lead) = (self.table, usize::from(self.guard.is_some()));
        self.count += 1;
        self.batcher.begin(self.count)?;
        if let Some(noted) = self.noted {
            let value = |i: usize| Ok(row.get(lead + i)?.unwrap_or_default().to_vec());
            noted.borrow_mut().push(of_row(table, value)?);
        }
        let mut raw = table.columns.len();
        for (i, column) in table.columns.iter().enumerate() {
            let out = self.batcher.column(i);
            if let Some(bytes) = row.get(lead + i)? {
                raw += bytes.len();
                match column.form {
                    Form::Single => match single(bytes) {
                        Some(number) => drop(write!(out.bytes, "{number}")),
                        None => out.bytes.extend_from_slice(bytes),
                    },
                    _ => out.bytes.extend_from_slice(bytes),
                }
            }
            out.end_value();
        }
        if !table.relation.has_snapshot && table.cuttable().is_some() {
            let key = row.get(lead + table.key[0])?.unwrap_or_default();
            self.last = std::str::from_utf8(key).ok().and_then(|key| key.parse().ok());
        }
        if lead == 1
            && let Some(marks) = row.get(0)?.filter(|marks| !marks.is_empty())
        {
            self.places.insert(self.count, table.place(row, lead, self.count)?);
            for mark in marks.split(|&byte| byte == b',') {
                let column = std::str::from_utf8(mark).ok().and_then(|mark| mark.parse().ok());
                let column = column.filter(|&column| column < table.columns.len());
                self.batcher.long(column.ok_or_else(malformed)?, self.count);
            }
        }
        Ok(self.batcher.end(raw)?)
    }
}

/// A row, as the driver has it or taken from it.
trait Values {
    /// Value `i`, `None` for a null.
    fn get(&self, i: usize) -> Result<Option<&[u8]>, Trouble>;
}

impl Values for MySqlRow {
    #[inline]
    fn get(&self, i: usize) -> Result<Option<&[u8]>, Trouble> {
        value(self, i)
    }
}

impl Values for Vec<Option<Vec<u8>>> {
    fn get(&self, i: usize) -> Result<Option<&[u8]>, Trouble> {
        self.as_slice().get(i).map(Option::as_deref).ok_or_else(malformed)
    }
}

fn owned(row: &MySqlRow) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
    (0..row.len()).map(|i| Ok(value(row, i)?.map(<[u8]>::to_vec))).collect()
}

fn where_all(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// Whether a column's values may be long.
fn is_extensible(column: &MyColumn) -> bool {
    column.capacity.saturating_mul(column.growth) > 1 << 20
}

fn malformed() -> Trouble {
    Trouble::Lost("the server sent a row that makes no sense".into())
}

/// Characters, or bytes, of a long value asked for at once, for each of which the server reads all of the value; and
/// about as many bytes of a table whose rows are taken in before they are examined.
const PIECE: u64 = 2 << 20;

/// Bytes of rows that are taken in before any is examined, at most.
const TAKEN_IN: u64 = 8 << 20;
