//! A source held in memory: the smallest connector, the reference for the conformance suite, and what
//! tests of everything downstream scan.

use std::sync::Arc;

use crate::{
    Batch, Check, Column, Coverage, Fetch, Flow, Limits, Object, ObjectPath, Outcome, Part, Range, Record, RecordKind,
    Records, Sink, Source, SourceError, SplitTarget, TableKey, Unit, Version,
};

/// Tables in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    name: String,
    tables: Vec<Table>,
    keys: Vec<TableKey>,
    unread: Vec<Object>,
}

/// A table: rows of text, numbered from 1.
#[derive(Clone, Debug)]
pub struct Table {
    path: ObjectPath,
    columns: Vec<Arc<str>>,
    rows: Vec<Vec<String>>,
}

impl Memory {
    /// An empty source of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a table; every row has one value for each column.
    ///
    /// # Panics
    /// If a row has another number of values.
    #[must_use]
    pub fn table(mut self, name: &str, columns: &[&str], rows: &[&[&str]]) -> Self {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "a row of `{name}` has another width");
        self.tables.push(Table {
            path: ObjectPath::from_parts([name]),
            columns: columns.iter().map(|&c| c.into()).collect(),
            rows: rows.iter().map(|row| row.iter().map(|&v| v.to_owned()).collect()).collect(),
        });
        self
    }

    /// Declares a key.
    #[must_use]
    pub fn key(mut self, key: TableKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Adds an object that is listed but not read.
    #[must_use]
    pub fn unread(mut self, name: &str, state: Coverage, reason: &str) -> Self {
        let mut object = Object::new(ObjectPath::from_parts([name]), Version::sound("1"));
        object.not_read = Some((state, reason.to_owned()));
        self.unread.push(object);
        self
    }

    fn find(&self, path: &ObjectPath) -> Result<&Table, SourceError> {
        let found = self.tables.iter().find(|table| table.path == *path);
        found.ok_or_else(|| SourceError::unreadable(path, "there is no such table"))
    }
}

impl Table {
    fn object(&self) -> Object {
        let text = format!("{} rows, {} bytes", self.rows.len(), self.bytes());
        Object {
            bytes: Some(self.bytes()),
            records: Some(self.rows.len() as u64),
            ..Object::new(self.path.clone(), Version::snapshot(text))
        }
    }

    fn bytes(&self) -> u64 {
        self.rows.iter().flatten().map(|value| value.len() as u64).sum()
    }

    fn part(&self) -> Part {
        Part { path: self.path.clone(), format: "table", encoding: None, primary_key: Vec::new() }
    }

    /// Pushes rows given by index, ascending.
    fn push(&self, rows: &[usize], limits: &Limits, sink: &mut dyn Sink) -> Flow {
        let mut rows = rows;
        while !rows.is_empty() {
            let mut bytes = 0;
            let fits = |&&row: &&usize| {
                bytes += self.rows[row].iter().map(String::len).sum::<usize>();
                bytes <= limits.batch_bytes
            };
            let count = rows.iter().take_while(fits).count().max(1);
            let (now, later) = rows.split_at(count);
            rows = later;
            let numbers = now.iter().map(|&row| row as u64 + 1).collect();
            let column = |(i, name): (usize, &Arc<str>)| {
                let mut column = Column::new(name.clone());
                now.iter().for_each(|&row| column.push(self.rows[row][i].as_bytes()));
                column
            };
            sink.batch(Batch {
                records: Records::Numbered { kind: RecordKind::Row, numbers },
                columns: self.columns.iter().enumerate().map(column).collect(),
                raw_bytes: now.iter().flat_map(|&row| &self.rows[row]).map(|v| v.len() as u64).sum(),
            })?;
        }
        Flow::Continue(())
    }
}

impl Source for Memory {
    fn name(&self) -> &str {
        &self.name
    }

    fn kind(&self) -> &'static str {
        "memory"
    }

    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        for object in self.tables.iter().map(Table::object).chain(self.unread.iter().cloned()) {
            if found(object).is_break() {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        Ok(self.keys.clone())
    }

    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        let table = self.find(&object.path)?;
        let pieces = table.bytes().div_ceil(target.bytes.max(1)).clamp(1, table.rows.len().max(1) as u64);
        if pieces == 1 {
            return Ok(vec![Range::Whole]);
        }
        let cut = |piece: u64| (table.rows.len() as u64 * piece / pieces) as i64 + 1;
        let range = |piece| Range::Keys {
            start: (piece > 0).then(|| cut(piece)),
            end: (piece + 1 < pieces).then(|| cut(piece + 1)),
        };
        Ok((0..pieces).map(range).collect())
    }

    fn sample(&self, object: &Object, records: u64, sink: &mut dyn Sink) -> Result<(), SourceError> {
        let table = self.find(&object.path)?;
        let rows: Vec<_> = (0..table.rows.len().min(records as usize)).collect();
        let flow = sink.open(table.part()).is_break()
            || table.push(&rows, &Limits::default(), sink).is_break()
            || sink.close(Outcome::read(0, rows.len() as u64)).is_break();
        if flow { Err(SourceError::Stopped) } else { Ok(()) }
    }

    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        for object in &unit.objects {
            let table = self.find(&object.path)?;
            let inside = |row: &usize| match unit.range {
                Range::Keys { start, end } => {
                    let number = *row as i64 + 1;
                    start.is_none_or(|s| number >= s) && end.is_none_or(|e| number < e)
                }
                _ => true,
            };
            let rows: Vec<_> = (0..table.rows.len()).filter(inside).collect();
            let bytes = rows.iter().flat_map(|&row| &table.rows[row]).map(|v| v.len() as u64).sum();
            let stopped = sink.open(table.part()).is_break()
                || table.push(&rows, limits, sink).is_break()
                || sink.close(Outcome::read(bytes, rows.len() as u64)).is_break();
            if stopped {
                return Err(SourceError::Stopped);
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<Check, SourceError> {
        Ok(Check { what: format!("{} tables in memory", self.tables.len()), ..Check::default() })
    }
}

impl Fetch for Memory {
    fn fetch(
        &self,
        object: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let table = self.find(object)?;
        let mut rows: Vec<_> = records
            .iter()
            .map(|r| r.number() as usize)
            .filter(|&n| n >= 1 && n <= table.rows.len())
            .map(|n| n - 1)
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let stopped = sink.open(table.part()).is_break()
            || table.push(&rows, limits, sink).is_break()
            || sink.close(Outcome::read(0, rows.len() as u64)).is_break();
        if stopped { Err(SourceError::Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Expected};

    #[test]
    fn memory_conforms() {
        let rows: Vec<Vec<String>> =
            (0..500).map(|i| vec![i.to_string(), format!("person{i}@example.com"), String::new()]).collect();
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let source = Memory::new("memory")
            .table("people", &["id", "email", "note"], &rows)
            .table("empty", &["id"], &[])
            .unread("people_view", Coverage::Derived, "a view");
        let expected = Expected::new()
            .object("people", 500)
            .object("empty", 0)
            .not_read("people_view", Coverage::Derived)
            .value("people", "email", "person499@example.com");
        conformance::check(&source, &expected);
    }
}
