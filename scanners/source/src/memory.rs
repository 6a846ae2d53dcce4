//! A source held in memory: the smallest connector, the reference for the conformance suite, and what
//! tests of everything downstream scan.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    Ability, Action, Apply, Batch, Change, Check, Column, Coverage, Editor, Fetch, Flow, Limits, Object, ObjectPath,
    Outcome, Part, Range, Receipt, Record, RecordKind, Records, Refusal, RefusalKind, Sink, Source, SourceError,
    SplitTarget, TableKey, Target, Unit, Version,
};

/// Tables in memory.
#[derive(Debug, Default)]
pub struct Memory {
    name: String,
    tables: Mutex<Vec<Table>>,
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
    pub fn table(self, name: &str, columns: &[&str], rows: &[&[&str]]) -> Self {
        assert!(rows.iter().all(|row| row.len() == columns.len()), "a row of `{name}` has another width");
        self.lock().push(Table {
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

    fn find(&self, path: &ObjectPath) -> Result<Table, SourceError> {
        let found = self.lock().iter().find(|table| table.path == *path).cloned();
        found.ok_or_else(|| SourceError::unreadable(path, "there is no such table"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Table>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The indexes of the rows that these records are, ascending, each once; what is no row is left out.
    fn rows_of(&self, records: &[Record]) -> Vec<usize> {
        let numbers = records.iter().map(|record| record.number() as usize);
        let mut rows: Vec<usize> = numbers.filter(|n| (1..=self.rows.len()).contains(n)).map(|n| n - 1).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
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
            sink.batch(self.batch(now))?;
        }
        Flow::Continue(())
    }

    /// Rows given by index, ascending, as one batch.
    fn batch(&self, rows: &[usize]) -> Batch {
        let numbers = rows.iter().map(|&row| row as u64 + 1).collect();
        let column = |(i, name): (usize, &Arc<str>)| {
            let mut column = Column::new(name.clone());
            rows.iter().for_each(|&row| column.push(self.rows[row][i].as_bytes()));
            column
        };
        Batch {
            records: Records::Numbered { kind: RecordKind::Row, numbers },
            columns: self.columns.iter().enumerate().map(column).collect(),
            raw_bytes: rows.iter().flat_map(|&row| &self.rows[row]).map(|v| v.len() as u64).sum(),
        }
    }

    /// Makes changes to rows that were shown in this batch; values that are not UTF-8 afterwards are refused.
    fn change(&mut self, batch: &Batch, changes: &[Change], editor: &mut dyn Editor) -> Receipt {
        let mut receipt = Receipt { object: self.path.as_str().to_owned(), ..Receipt::default() };
        let mut gone = Vec::new();
        for change in changes {
            let row = batch.record(change.record).number() as usize - 1;
            match &change.action {
                Action::Delete => gone.push(row),
                Action::Set(values) => {
                    let edited: Option<Vec<String>> = edited(&self.rows[row], batch, change.record, values);
                    match edited {
                        Some(values) => {
                            self.rows[row] = values;
                            receipt.changed += 1;
                        }
                        None => {
                            let refusal = Refusal::new(RefusalKind::Unsupported, "the new value is not UTF-8");
                            editor.refused(&self.path, Some(&batch.record(change.record)), refusal);
                        }
                    }
                }
            }
        }
        gone.sort_unstable();
        receipt.deleted = gone.len() as u64;
        gone.into_iter().rev().for_each(|row| drop(self.rows.remove(row)));
        receipt
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
        let tables: Vec<Object> = self.lock().iter().map(Table::object).collect();
        for object in tables.into_iter().chain(self.unread.iter().cloned()) {
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

    fn as_fetch(&self) -> Option<&dyn Fetch> {
        Some(self)
    }

    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }

    fn check(&self) -> Result<Check, SourceError> {
        Ok(Check { what: format!("{} tables in memory", self.lock().len()), ..Check::default() })
    }
}

impl Fetch for Memory {
    fn fetch(
        &self,
        part: &ObjectPath,
        records: &[Record],
        limits: &Limits,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let table = self.find(part)?;
        let rows = table.rows_of(records);
        let stopped = sink.open(table.part()).is_break()
            || table.push(&rows, limits, sink).is_break()
            || sink.close(Outcome::read(0, rows.len() as u64)).is_break();
        if stopped { Err(SourceError::Stopped) } else { Ok(()) }
    }
}

impl Apply for Memory {
    fn ability(&self, _: &[&str]) -> Ability {
        Ability::Splice
    }

    fn apply(&self, targets: &[Target], _: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        let mut tables = self.lock();
        let mut receipts = Vec::new();
        for target in targets {
            let Some(table) = tables.iter_mut().find(|table| table.path == target.object) else {
                let refusal = Refusal::new(RefusalKind::Changed, "there is no such table any more");
                editor.refused(&target.object, None, refusal);
                continue;
            };
            let rows = table.rows_of(target.records.get(&target.object).map_or(&[], Vec::as_slice));
            if rows.is_empty() {
                continue;
            }
            let batch = table.batch(&rows);
            editor.open(&table.part());
            let changes = editor.edit(&batch);
            editor.close();
            let receipt = table.change(&batch, &changes, editor);
            if receipt.deleted + receipt.changed > 0 {
                receipts.push(receipt);
            }
        }
        Ok(receipts)
    }
}

/// A row with its replacements made, from the last to the first so that positions stay true.
fn edited(row: &[String], batch: &Batch, record: usize, values: &[crate::NewValue]) -> Option<Vec<String>> {
    let mut row: Vec<Vec<u8>> = row.iter().map(|value| value.clone().into_bytes()).collect();
    let mut values: Vec<_> = values.iter().collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.bytes.start));
    for value in values {
        let start = batch.columns[value.column].offsets[record];
        let place = (value.bytes.start - start) as usize..(value.bytes.end - start) as usize;
        let new = value.new.as_ref().map_or(&[][..], |new| new.expose());
        row[value.column].splice(place, new.iter().copied());
    }
    row.into_iter().map(|value| String::from_utf8(value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{self, Edits, Expected};

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
        conformance::check_apply(
            &source,
            &Edits::new("people").delete("email", "person7@example.com").set(
                "email",
                "person8@example.com",
                "p@x.example",
            ),
        );
    }
}
