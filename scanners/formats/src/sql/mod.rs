//! SQL dumps: what `mysqldump`, `pg_dump` and SQLite's `.dump` write.
//!
//! The rows of `INSERT … VALUES` and of `COPY … FROM stdin` become records with fields `table.column`; all
//! other statements are given as text. A row that stands alone on its line is identified by the line;
//! from the first line of a statement on that has several, they are numbered from the beginning of the dump, so
//! that the people on one line stay apart. Whatever does not parse is given as text: nothing is left out.

mod rows;
mod statement;
mod value;

use std::collections::HashMap;

use residuum_source::{Flow, Limits, ObjectPath, Part, RecordKind, Sink};

use crate::Text;
use crate::lines::Lines;
use rows::Rows;
use statement::{Head, Target};
use value::{Parsed, Syntax};

/// Whether a text that begins so is a dump.
pub(crate) fn is_dump(head: &[u8]) -> bool {
    let start = head.trim_ascii_start();
    let banners: [&[u8]; 4] =
        [b"-- MySQL dump", b"-- MariaDB dump", b"--\n-- PostgreSQL database", b"PRAGMA foreign_keys=OFF;"];
    if banners.iter().any(|banner| start.starts_with(banner)) {
        return true;
    }
    head.split(|&b| b == b'\n').take(400).any(|line| {
        let create = statement::starts_with(line, "CREATE TABLE ") && line.contains(&b'(');
        let insert = statement::starts_with(line, "INSERT INTO ") && contains_word(line, b"VALUES");
        let copy = statement::starts_with(line, "COPY ") && line.trim_ascii_end().ends_with(b"FROM stdin;");
        create || insert || copy
    })
}

/// What a list of rows is, of which extents tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    /// The rows of an `INSERT` that begins at this position.
    Insert { at: u64 },
    /// The lines of a `COPY`.
    Copy,
    /// Lines of text.
    Text,
}

impl List {
    /// The list with this number.
    pub fn of(number: u64) -> Self {
        match number & 3 {
            2 => Self::Insert { at: number >> 2 },
            3 => Self::Copy,
            _ => Self::Text,
        }
    }

    fn insert(at: u64) -> u64 {
        at << 2 | 2
    }

    fn copy(at: u64) -> u64 {
        at << 2 | 3
    }
}

/// Whether a backslash escapes in every string of a dump that begins so.
pub(crate) fn has_backslashes(head: &[u8]) -> bool {
    Syntax::of(head).backslash
}

fn contains_word(line: &[u8], word: &[u8]) -> bool {
    line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// Reads a dump.
pub(crate) fn read(path: &ObjectPath, mut text: Text<'_>, limits: &Limits, sink: &mut dyn Sink) -> Flow {
    let encoding = Some(text.encoding().name());
    sink.open(Part { path: path.clone(), format: "sql", encoding, primary_key: Vec::new() })?;
    let syntax = Syntax::of(text.window());
    let mut dump = Dump { limits, syntax, lines: Lines::new(limits), rows: Rows::new(limits), tables: HashMap::new() };
    dump.read(&mut text, sink)?;
    sink.close(text.outcome(dump.lines.records + dump.rows.total))
}

struct Dump<'l> {
    limits: &'l Limits,
    syntax: Syntax,
    lines: Lines,
    rows: Rows,
    /// Columns of the tables created so far.
    tables: HashMap<String, Vec<String>>,
}

impl Dump<'_> {
    fn read(&mut self, text: &mut Text<'_>, sink: &mut dyn Sink) -> Flow {
        loop {
            text.fill(self.lines.context + 4096);
            let ahead = &text.window()[self.lines.context..];
            if ahead.is_empty() {
                break;
            }
            if self.lines.begins && statement::begins_data(ahead) {
                match self.head(text) {
                    Some(Head { target, len, copy }) => {
                        let at = text.position_of(self.lines.context);
                        self.lines.skip(text, len);
                        if copy {
                            self.copy(&target, List::copy(at), text, sink)?
                        } else {
                            self.insert(&target, List::insert(at), text, sink)?
                        }
                        continue;
                    }
                    None => self.text(text, sink)?,
                }
            } else {
                if self.lines.begins && statement::starts_with(ahead, "CREATE ") {
                    self.create(text);
                }
                self.text(text, sink)?;
            }
        }
        self.rows.flush(text.position(), sink)
    }

    /// The head of an `INSERT` or `COPY` that begins here, up to its first row.
    fn head(&self, text: &mut Text<'_>) -> Option<Head> {
        let most = 1 << 20;
        loop {
            let ahead = &text.window()[self.lines.context..];
            match statement::head(ahead) {
                Parsed::Whole(head) => return Some(head),
                Parsed::Broken => return None,
                Parsed::More if text.ended() || ahead.len() >= most => return None,
                Parsed::More => text.fill((text.window().len() * 2).max(4096)),
            };
        }
    }

    /// Remembers the columns of a table that is created here.
    fn create(&mut self, text: &mut Text<'_>) {
        text.fill(self.lines.context + (256 << 10));
        if let Some((table, columns)) = statement::created(&text.window()[self.lines.context..]) {
            self.tables.insert(table, columns);
        }
    }

    /// Gives the text from here to the next statement that holds rows, or a piece of it.
    fn text(&mut self, text: &mut Text<'_>, sink: &mut dyn Sink) -> Flow {
        self.lines.fill(text);
        let from = self.lines.context;
        let window = text.window();
        let mut stop = None;
        for feed in memchr::memchr_iter(b'\n', &window[from..]) {
            let next = from + feed + 1;
            let rest = &window[next..];
            // Close to the end of the window one cannot tell.
            let unsure = rest.len() < 16 && !text.ended();
            if unsure || statement::begins_data(rest) || statement::starts_with(rest, "CREATE TABLE") {
                stop = Some((next, !unsure));
                break;
            }
        }
        let (end, closed) = stop.unwrap_or((window.len(), text.ended()));
        if window[from..end].iter().all(u8::is_ascii_whitespace) {
            self.lines.skip(text, end - from);
            return Flow::Continue(());
        }
        self.rows.flush(text.position_of(from), sink)?;
        let batch = self.lines.up_to(text, end, closed);
        self.rows.seen(text.position_of(self.lines.context));
        sink.batch(batch)
    }

    fn columns(&self, target: &Target) -> Vec<String> {
        let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let created = || {
            let exact = self.tables.get(&target.table);
            let same_name = || self.tables.iter().find(|(name, _)| short(name) == short(&target.table)).map(|(_, c)| c);
            exact.or_else(same_name).cloned()
        };
        target.columns.clone().or_else(created).unwrap_or_default()
    }

    /// Reads the rows of an `INSERT` whose first parenthesis stands at the window.
    fn insert(&mut self, target: &Target, list: u64, text: &mut Text<'_>, sink: &mut dyn Sink) -> Flow {
        let columns = self.columns(target);
        let mut kind = RecordKind::Line;
        loop {
            let Some(row) = self.whole(text, value::row) else {
                return Flow::Continue(()); // the rest of the statement is text
            };
            // Those before had their lines for themselves.
            if row.another_on_line {
                kind = RecordKind::Row;
            }
            self.rows.begin(target, &columns, kind, text.position(), sink)?;
            self.rows.push(&row.cells, self.lines.line, text);
            if sink.wants_extents() {
                let begin = text.window().iter().take_while(|b| b.is_ascii_whitespace()).count();
                sink.extent(self.rows.extent(list, text.position_of(begin)..text.position_of(row.end)));
            }
            self.rows.flush_if_full(text.position_of(row.end), sink)?;
            self.lines.skip(text, row.next);
            if row.last {
                return Flow::Continue(());
            }
        }
    }

    /// Reads the lines of a `COPY` up to `\.`.
    fn copy(&mut self, target: &Target, list: u64, text: &mut Text<'_>, sink: &mut dyn Sink) -> Flow {
        let columns = self.columns(target);
        loop {
            let Some(row) = self.whole(text, value::copy_line) else {
                return Flow::Continue(());
            };
            if !row.last {
                self.rows.begin(target, &columns, RecordKind::Line, text.position(), sink)?;
                self.rows.push(&row.cells, self.lines.line, text);
                if sink.wants_extents() {
                    sink.extent(self.rows.extent(list, text.position()..text.position_of(row.next)));
                }
                self.rows.flush_if_full(text.position_of(row.end), sink)?;
            }
            self.lines.skip(text, row.next);
            if row.last {
                return Flow::Continue(());
            }
        }
    }

    /// Parses what stands at the window, which grows until it is whole.
    fn whole(&self, text: &mut Text<'_>, parse: fn(&[u8], bool, Syntax) -> Parsed<value::Row>) -> Option<value::Row> {
        debug_assert_eq!(self.lines.context, 0, "rows leave no context");
        let most = usize::try_from(self.limits.whole_bytes).unwrap_or(usize::MAX).max(1 << 20);
        loop {
            match parse(text.window(), text.ended(), self.syntax) {
                Parsed::Whole(row) => return Some(row),
                Parsed::Broken => return None,
                Parsed::More if text.ended() || text.window().len() >= most => return None,
                Parsed::More => text.fill((text.window().len() * 2).max(256 << 10)),
            };
        }
    }
}

#[cfg(test)]
mod tests;
