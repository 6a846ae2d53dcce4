//! Cuts a long value into overlapping windows, so that it is never held whole.

use std::sync::Arc;

use residuum_source::{Batch, Column, Logical, Record, Sink, Stop, Window};

use crate::batch::{push, records_of};

/// Cuts one long value into overlapping windows.
pub struct Windows<'b> {
    sink: &'b mut dyn Sink,
    raw: &'b mut u64,
    field: Arc<str>,
    logical: Logical,
    record: Record,
    size: usize,
    overlap: usize,
    buffer: Vec<u8>,
    /// Position of the buffer's first byte within the value.
    start: u64,
    /// First byte of the buffer that no earlier window answered for.
    core: usize,
}

impl<'b> Windows<'b> {
    /// Windows of about `limit` bytes; what they hold is added to `raw`.
    pub fn new(
        sink: &'b mut dyn Sink,
        raw: &'b mut u64,
        field: Arc<str>,
        logical: Logical,
        record: Record,
        limit: usize,
    ) -> Self {
        let size = limit.clamp(MIN_WINDOW, MAX_WINDOW);
        Self { sink, raw, field, logical, record, size, overlap: size / 8, buffer: Vec::new(), start: 0, core: 0 }
    }

    /// Where the value's next bytes are appended, to be followed by [`Windows::advance`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Pushes the windows that are full.
    pub fn advance(&mut self) -> Result<(), Stop> {
        while self.buffer.len() >= self.size {
            // One character may be cut by the end of what was read so far.
            let end = self.boundary(self.size.min(self.buffer.len() - 1));
            let core_end = self.boundary(end - self.overlap);
            self.emit(end, core_end)?;
            let keep = self.boundary(core_end.saturating_sub(self.overlap));
            self.buffer.drain(..keep);
            self.start += keep as u64;
            self.core = core_end - keep;
        }
        Ok(())
    }

    /// Pushes what is left.
    pub fn finish(mut self) -> Result<(), Stop> {
        self.advance()?;
        let end = self.buffer.len();
        if end > self.core { self.emit(end, end) } else { Ok(()) }
    }

    fn emit(&mut self, end: usize, core_end: usize) -> Result<(), Stop> {
        let mut column = Column { logical: self.logical, ..Column::new(self.field.clone()) };
        column.push(&self.buffer[..end]);
        column.window = Some(Window { core: self.core as u32..core_end as u32, value_offset: self.start });
        let raw_bytes = (core_end - self.core) as u64;
        *self.raw += raw_bytes;
        let records = records_of(std::iter::once(&self.record));
        push(self.sink, Batch { records, columns: vec![column], raw_bytes })
    }

    /// The last position up to `at` where a character begins; `at` itself for raw bytes.
    fn boundary(&self, at: usize) -> usize {
        if self.logical == Logical::Bytes {
            return at;
        }
        let inside = |&i: &usize| self.buffer.get(i).is_none_or(|b| b & 0xc0 != 0x80);
        (at.saturating_sub(3)..=at).rev().find(inside).unwrap_or(at)
    }
}

const MIN_WINDOW: usize = 64 << 10;
const MAX_WINDOW: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use residuum_source::conformance::check_shape;
    use residuum_source::{Flow, Outcome, Part, RecordKind};

    #[derive(Default)]
    struct Batches(Vec<Batch>);

    impl Sink for Batches {
        fn open(&mut self, _: Part) -> Flow {
            Flow::Continue(())
        }
        fn batch(&mut self, batch: Batch) -> Flow {
            check_shape(&batch);
            self.0.push(batch);
            Flow::Continue(())
        }
        fn close(&mut self, _: Outcome) -> Flow {
            Flow::Continue(())
        }
    }

    proptest! {
        /// Cores follow one another without a gap, windows hold the value's bytes and begin and end between characters.
        #[test]
        fn windows_cover_a_value_once(chars in proptest::collection::vec("[a-zé€😀]{1,40}", 1..6), repeat in 200usize..9000, chunk in 1usize..90_000) {
            let value = chars.concat().repeat(repeat);
            let mut sink = Batches::default();
            let (mut raw, record) = (0, Record::Number(RecordKind::Row, 1));
            let mut windows = Windows::new(&mut sink, &mut raw, "v".into(), Logical::Text, record, 1);
            for part in value.as_bytes().chunks(chunk) {
                windows.buffer().extend_from_slice(part);
                prop_assert!(windows.advance().is_ok());
            }
            prop_assert!(windows.finish().is_ok());
            let mut at = 0;
            for batch in &sink.0 {
                let column = &batch.columns[0];
                let window = column.window.as_ref().unwrap();
                let bytes = column.value(0);
                let offset = window.value_offset as usize;
                prop_assert!(bytes == &value.as_bytes()[offset..offset + bytes.len()]);
                prop_assert!(std::str::from_utf8(bytes).is_ok());
                prop_assert_eq!(offset + window.core.start as usize, at);
                at = offset + window.core.end as usize;
                prop_assert!(bytes.len() <= MIN_WINDOW);
            }
            prop_assert_eq!(at, value.len());
            prop_assert_eq!(raw, value.len() as u64);
        }
    }
}
