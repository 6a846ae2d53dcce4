//! A row too long for one window, read cell by cell; a cell too long for one batch, in overlapping windows.

use residuum_source::{Batch, Column, Flow, OffsetMap, RecordKind, Records, Run, Sink, Stop, Window};

use super::Dialect;
use super::fields::Fields;
use super::record::{MAX_CELLS, opens};
use crate::Text;
use crate::lines::char_boundary;

/// What a window of a long cell shows before and after its core.
const BEFORE: usize = 256;
const AFTER: usize = 4 << 10;
/// Cells held before they are pushed; a row of many cells becomes several batches.
const CELLS: usize = 1_000;

/// Reads the row that begins at the text's window and gives the number of its cells.
pub(super) fn read(
    text: &mut Text<'_>,
    dialect: &Dialect,
    fields: &mut Fields,
    row: u64,
    batch_bytes: usize,
    sink: &mut dyn Sink,
) -> std::ops::ControlFlow<Stop, usize> {
    let mut long =
        Long { row, batch_bytes, columns: Vec::new(), held: 0, cell: Cell::default(), raw: text.position(), sink };
    let mut cells = 0;
    loop {
        let last = cells + 1 >= MAX_CELLS;
        let ends = long.cell(text, dialect, last, fields, cells)?;
        cells += 1;
        if ends {
            long.flush(text)?;
            return std::ops::ControlFlow::Continue(cells);
        }
    }
}

struct Long<'s> {
    row: u64,
    batch_bytes: usize,
    columns: Vec<Column>,
    held: usize,
    cell: Cell,
    raw: u64,
    sink: &'s mut dyn Sink,
}

/// The cell being read: what of it has not been pushed.
#[derive(Default)]
struct Cell {
    bytes: Vec<u8>,
    map: OffsetMap,
    /// Bytes at the front that were in the core of the last window.
    context: usize,
    /// Bytes of the value before `bytes`.
    before: u64,
    cut: bool,
}

#[derive(PartialEq)]
enum State {
    Quoted,
    Plain,
}

impl Long<'_> {
    /// Reads one cell and the delimiter or newline after it; says whether the row ends.
    fn cell(
        &mut self,
        text: &mut Text<'_>,
        dialect: &Dialect,
        last: bool,
        fields: &mut Fields,
        index: usize,
    ) -> std::ops::ControlFlow<Stop, bool> {
        const PIECE: usize = 64 << 10;
        let mut state = State::Plain;
        text.fill(PIECE);
        if dialect.quote.is_some_and(|quote| opens(text.window(), 0, quote, dialect.spaced)) {
            let open = text.window().iter().take_while(|&&b| Some(b) != dialect.quote).count();
            text.consume(open + 1);
            state = State::Quoted;
        }
        let row_ends = loop {
            self.push_windows(text, fields, index)?;
            if text.fill(PIECE).is_empty() {
                break true;
            }
            let window = &text.window()[..text.window().len().min(PIECE)];
            // Two bytes are needed to tell a doubled quote, or a return before a line feed.
            let more = !text.ended() || text.window().len() > window.len();
            let usable = if more { window.len() - 1 } else { window.len() };
            let special = |&b: &u8| match state {
                State::Quoted => Some(b) == dialect.quote || (dialect.backslash && b == b'\\'),
                State::Plain => (b == dialect.delimiter && !last) || b == dialect.newline,
            };
            let Some(at) = window[..usable].iter().position(special) else {
                let mut keep = char_boundary(window, usable).max(1);
                if more && keep > 1 && window[keep - 1] == b'\r' {
                    keep -= 1; // a line feed may follow
                }
                self.keep(text, keep);
                text.consume(keep);
                continue;
            };
            let (b, next) = (window[at], window.get(at + 1).copied());
            match state {
                State::Plain => {
                    let ends = b != dialect.delimiter || last;
                    let returns = ends && b == b'\n' && at > 0 && window[at - 1] == b'\r';
                    self.keep(text, if returns { at - 1 } else { at });
                    text.consume(at + 1);
                    break ends;
                }
                State::Quoted if b == b'\\' && Some(b) != dialect.quote => {
                    let stands_for_one = next.is_some() && (next == dialect.quote || next == Some(b'\\'));
                    let width = if next.is_some() { 2 } else { 1 };
                    self.keep(text, if stands_for_one { at } else { at + width });
                    if let (true, Some(c)) = (stands_for_one, next) {
                        self.keep_one(text, c, at);
                    }
                    text.consume(at + width);
                }
                State::Quoted if next == dialect.quote => {
                    self.keep(text, at);
                    self.keep_one(text, b, at);
                    text.consume(at + 2);
                }
                State::Quoted => {
                    self.keep(text, at);
                    text.consume(at + 1);
                    state = State::Plain;
                }
            }
        };
        self.end_cell(text, fields, index)?;
        std::ops::ControlFlow::Continue(row_ends)
    }

    fn keep(&mut self, text: &Text<'_>, to: usize) {
        if to > 0 {
            text.place(&mut self.cell.map, self.cell.bytes.len() as u32, 0, to);
            self.cell.bytes.extend_from_slice(&text.window()[..to]);
        }
    }

    fn keep_one(&mut self, text: &Text<'_>, c: u8, at: usize) {
        let raw = text.position_of(at);
        let raw_width = (text.position_of(at + 2) - raw) as u16;
        self.cell.map.push(Run { start: self.cell.bytes.len() as u32, width: 1, raw_width, raw });
        self.cell.bytes.push(c);
    }

    /// Pushes windows of the cell while it is longer than one.
    fn push_windows(&mut self, text: &Text<'_>, fields: &mut Fields, index: usize) -> Flow {
        while self.cell.bytes.len() > self.cell.context + self.batch_bytes + AFTER {
            self.flush(text)?;
            let cell = &mut self.cell;
            let core_end = char_boundary(&cell.bytes, cell.context + self.batch_bytes).max(cell.context + 1);
            let to = char_boundary(&cell.bytes, core_end + AFTER).max(core_end);
            let window = cell.window(core_end, to, fields, index);
            let keep = char_boundary(&cell.bytes, core_end.saturating_sub(BEFORE));
            cell.map = cell.map.slice(keep as u32, cell.bytes.len() as u32);
            cell.bytes.drain(..keep);
            cell.before += keep as u64;
            cell.context = core_end - keep;
            self.push(vec![window], text)?;
        }
        Flow::Continue(())
    }

    fn end_cell(&mut self, text: &Text<'_>, fields: &mut Fields, index: usize) -> Flow {
        if self.cell.cut || self.cell.bytes.len() > self.batch_bytes {
            self.flush(text)?;
            let len = self.cell.bytes.len();
            let column = self.cell.window(len, len, fields, index);
            self.cell = Cell::default();
            return self.push(vec![column], text);
        }
        let cell = std::mem::take(&mut self.cell);
        if !cell.bytes.is_empty() {
            self.held += cell.bytes.len();
            let offsets = vec![0, cell.bytes.len() as u32];
            let column =
                Column { bytes: cell.bytes, offsets, place: Some(cell.map), ..Column::new(fields.name(index)) };
            self.columns.push(column);
        }
        if self.held > self.batch_bytes || self.columns.len() >= CELLS {
            self.flush(text)?;
        }
        Flow::Continue(())
    }

    fn flush(&mut self, text: &Text<'_>) -> Flow {
        self.held = 0;
        match std::mem::take(&mut self.columns) {
            columns if columns.is_empty() => Flow::Continue(()),
            columns => self.push(columns, text),
        }
    }

    fn push(&mut self, columns: Vec<Column>, text: &Text<'_>) -> Flow {
        let raw_bytes = text.position().saturating_sub(self.raw);
        self.raw = text.position();
        let records = Records::Sequence { kind: RecordKind::Row, first: self.row, count: 1 };
        self.sink.batch(Batch { records, columns, raw_bytes })
    }
}

impl Cell {
    fn window(&mut self, core_end: usize, to: usize, fields: &mut Fields, index: usize) -> Column {
        let whole = !self.cut && core_end == self.bytes.len();
        self.cut = true;
        let core = self.context as u32..core_end as u32;
        Column {
            bytes: self.bytes[..to].to_vec(),
            offsets: vec![0, to as u32],
            place: Some(self.map.slice(0, to as u32)),
            window: (!whole).then_some(Window { core, value_offset: self.before }),
            ..Column::new(fields.name(index))
        }
    }
}
