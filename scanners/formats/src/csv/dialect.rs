//! How a text separates its values, found by trying.

use super::header::has_header;
use super::record::Record;

/// How a text separates its values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dialect {
    /// Stands between cells.
    pub delimiter: u8,
    /// Stands around cells that hold delimiters, newlines or quotes; within them it is doubled.
    pub quote: Option<u8>,
    /// Whether a backslash takes the meaning from what follows, in quoted cells.
    pub backslash: bool,
    /// Whether spaces may stand between a delimiter and a quote.
    pub spaced: bool,
    /// Ends a record: a line feed, or the carriage return of old Macs.
    pub newline: u8,
    /// Whether the first record names the columns.
    pub header: bool,
    /// Cells in most records.
    pub width: usize,
    /// Bytes before the first record: Excel's `sep=;` line.
    pub skip: usize,
}

/// What is looked at to find the dialect.
const SNIFFED: usize = 32 << 10;
const ROWS: usize = 300;
/// Tried in this order; the first of equals wins.
const DELIMITERS: [u8; 10] = [b',', b'\t', b';', b'|', 1, 0x1f, 0x1e, 2, b'^', b'~'];
/// Files of these names are text whatever they look like.
const NEVER: [&str; 27] = [
    "md", "rst", "html", "xml", "py", "rs", "c", "h", "cpp", "js", "ts", "java", "go", "rb", "php", "sh", "css",
    "yaml", "yml", "toml", "ini", "conf", "tex", "eml", "vcf", "ics", "ldif",
];

impl Dialect {
    /// The dialect of a text that begins so, if it consists of separated values.
    pub fn sniff(head: &[u8], complete: bool, suffix: &str) -> Option<Self> {
        if NEVER.contains(&suffix) {
            return None;
        }
        let named = matches!(suffix, "csv" | "tsv" | "tab" | "psv" | "ssv" | "dsv");
        let (skip, told) = told_delimiter(head);
        let sample = &head[skip..head.len().min(skip + SNIFFED)];
        let complete = complete && skip + sample.len() == head.len();
        let newline = if sample.contains(&b'\n') || !sample.contains(&b'\r') { b'\n' } else { b'\r' };
        let base = Self {
            delimiter: b',',
            quote: Some(b'"'),
            backslash: false,
            spaced: false,
            newline,
            header: false,
            width: 1,
            skip,
        };
        let lines = memchr::memchr_iter(newline, sample).count() + usize::from(!sample.ends_with(&[newline]));
        let mut best: Option<Trial> = None;
        for delimiter in told.map_or_else(|| DELIMITERS.to_vec(), |told| vec![told]) {
            let count = memchr::memchr_iter(delimiter, sample).count();
            if count == 0 || (!named && count * 2 < lines) {
                continue;
            }
            for dialect in base.with_quoting(delimiter, sample) {
                let trial = Trial::of(dialect, sample, complete);
                if trial.is_convincing(named || told.is_some(), suffix) && best.as_ref().is_none_or(|b| trial.beats(b))
                {
                    best = Some(trial);
                }
            }
        }
        let mut trial = match best {
            Some(trial) => trial,
            None if named => Some(Trial::of(base, sample, complete)).filter(Trial::is_one_column)?,
            None => return None,
        };
        trial.dialect.width = trial.width;
        trial.dialect.header = has_header(&trial.rows, trial.width);
        Some(trial.dialect)
    }

    /// The ways of quoting that are worth trying with a delimiter.
    fn with_quoting(&self, delimiter: u8, sample: &[u8]) -> Vec<Self> {
        let plain = Self { delimiter, ..self.clone() };
        let next_to = |quote: u8, first: bool| {
            let pair = if first { [delimiter, quote] } else { [quote, delimiter] };
            memchr::memmem::find(sample, &pair).is_some()
        };
        let mut all = Vec::new();
        let double = sample.contains(&b'"');
        let spaced = memchr::memmem::find(sample, &[delimiter, b' ', b'"']).is_some();
        all.push(Self { spaced, ..plain.clone() });
        if double {
            if memchr::memmem::find(sample, b"\\\"").is_some() {
                all.push(Self { backslash: true, spaced, ..plain.clone() });
            }
            all.push(Self { quote: None, ..plain.clone() });
        }
        if next_to(b'\'', true) && next_to(b'\'', false) {
            all.push(Self { quote: Some(b'\''), ..plain });
        }
        all
    }
}

/// Excel's first line that says which delimiter follows.
fn told_delimiter(head: &[u8]) -> (usize, Option<u8>) {
    match head {
        [b's', b'e', b'p', b'=', told, b'\r', b'\n', ..] => (7, Some(*told)),
        [b's', b'e', b'p', b'=', told, b'\n', ..] => (6, Some(*told)),
        _ => (0, None),
    }
}

/// A dialect tried on a sample.
struct Trial {
    dialect: Dialect,
    rows: Vec<Vec<String>>,
    width: usize,
    /// Thousandths of rows that have this width.
    regular: usize,
    /// Cells whose closing quote is followed by something else.
    broken: usize,
}

impl Trial {
    fn of(dialect: Dialect, sample: &[u8], complete: bool) -> Self {
        let (mut record, mut rows, mut at, mut broken) = (Record::default(), Vec::new(), 0, 0);
        while at < sample.len() && rows.len() < ROWS {
            let Some(next) = record.next(sample, at, complete, &dialect) else {
                // What is quoted up to the end of the sample is no row, nor a sign of rows.
                broken += usize::from(rows.is_empty());
                break;
            };
            at = next;
            if !record.cells.is_empty() {
                broken += record.cells.iter().filter(|cell| cell.is_broken(sample, &dialect)).count();
                rows.push(record.cells.iter().map(|cell| cell.text(sample)).collect::<Vec<String>>());
            }
        }
        let mut widths = std::collections::HashMap::new();
        for row in &rows {
            *widths.entry(row.len()).or_insert(0usize) += 1;
        }
        let (width, count) = widths.into_iter().max_by_key(|&(width, count)| (count, width)).unwrap_or((0, 0));
        let regular = count * 1000 / rows.len().max(1);
        Self { dialect, rows, width, regular, broken }
    }

    fn is_one_column(&self) -> bool {
        self.width == 1 && self.regular >= 950 && self.broken == 0
    }

    fn is_convincing(&self, named: bool, suffix: &str) -> bool {
        let rows = self.rows.len();
        if self.width < 2 || self.broken * 20 > rows {
            return false;
        }
        if named {
            return self.regular >= 500;
        }
        let least = if suffix == "log" || self.width == 2 { 980 } else { 900 };
        let many = rows >= 3 || (rows == 2 && self.width >= 3);
        let written = matches!(self.dialect.delimiter, b',' | b';');
        many && self.regular >= least && !(written && (self.is_prose() || self.is_log() || self.only_ends_lines()))
    }

    /// In prose a comma is followed by a space.
    fn is_prose(&self) -> bool {
        let inner = || self.rows.iter().flat_map(|row| row.iter().skip(1));
        let (cells, spaced) = (inner().count(), inner().filter(|cell| cell.starts_with(' ')).count());
        let long = self.rows.iter().flatten().filter(|cell| cell.len() > 120).count();
        spaced * 2 > cells && self.width < 4 || long * 3 > cells
    }

    /// Loggers write `2024-05-01 12:00:00,123 …`.
    fn is_log(&self) -> bool {
        let stamped = |row: &&Vec<String>| {
            let clock = row[0].as_bytes();
            let digits = clock.iter().filter(|b| b.is_ascii_digit()).count();
            let rest = row.get(1).map(|cell| cell.as_bytes()).unwrap_or_default();
            digits >= 6
                && clock.contains(&b':')
                && rest.len() > 4
                && rest[..3].iter().all(u8::is_ascii_digit)
                && !rest[3].is_ascii_digit()
        };
        self.rows.iter().filter(stamped).count() * 2 > self.rows.len()
    }

    /// In programs and styles a semicolon ends the line.
    fn only_ends_lines(&self) -> bool {
        self.width == 2
            && self.rows.iter().filter(|row| row.last().is_some_and(String::is_empty)).count() * 2 > self.rows.len()
    }

    fn beats(&self, other: &Self) -> bool {
        let first_fits = |trial: &Self| trial.rows.first().is_some_and(|row| row.len() == trial.width);
        let rank = |trial: &Self| (trial.regular / 50 * usize::from(trial.broken == 0), first_fits(trial), trial.width);
        rank(self) > rank(other)
    }
}

impl super::Cell {
    fn text(&self, sample: &[u8]) -> String {
        let (start, end) = self.bounds();
        let text = String::from_utf8_lossy(&sample[start..end]);
        text.trim_matches(['"', '\'']).to_owned()
    }

    fn is_broken(&self, sample: &[u8], dialect: &Dialect) -> bool {
        let (start, end) = self.bounds();
        match self.plain() {
            // A quote in the middle of what is not quoted is rare.
            Some(_) => dialect.quote.is_none() && end > start + 1 && sample[start] == b'"' && sample[end - 1] == b'"',
            None => dialect.quote.is_some_and(|quote| {
                closing(&sample[start + 1..end], quote, dialect.backslash).map(|close| start + 1 + close)
                    != Some(end - 1)
            }),
        }
    }
}

/// Where the quote that closes a cell stands, after the one that opens it.
fn closing(cell: &[u8], quote: u8, backslash: bool) -> Option<usize> {
    let mut at = 0;
    loop {
        match (*cell.get(at)?, cell.get(at + 1)) {
            (b'\\', _) if backslash => at += 2,
            (b, Some(&next)) if b == quote && next == quote => at += 2,
            (b, _) if b == quote => return Some(at),
            _ => at += 1,
        }
    }
}
