//! The first pass: shows wanted records to the editor and notes what it wants.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use residuum_source::{
    Action, Batch, Change, Column, Editor, Extent, Flow, NewValue, ObjectPath, OffsetMap, Outcome, Part, Record,
    RecordKind, Records, Refusal, RefusalKind, Rows, Sink,
};

use super::wish::{Piece, Set, Stretch, Wishes};
use super::{holds_any, refusal};
use crate::Fault;

/// A sink that asks.
pub(super) struct Ask<'e> {
    editor: &'e mut dyn Editor,
    records: &'e BTreeMap<ObjectPath, Vec<Record>>,
    wanted: HashMap<&'e ObjectPath, Wanted>,
    open: Vec<Open>,
    wishes: BTreeMap<ObjectPath, Wishes>,
    /// Why parts were not read, or not to their end, that have or hold wanted records.
    unread: BTreeMap<ObjectPath, Fault>,
}

/// The records of one part that are shown.
struct Wanted {
    records: HashSet<Record>,
    lines: BTreeSet<u64>,
}

/// A part that is open.
struct Open {
    part: Part,
    /// Something of it is shown.
    is_wanted: bool,
    wishes: Wishes,
    /// The element met last: its list, its end, and the record if that is wanted.
    last: Option<(u64, u64, Option<Record>)>,
    /// Elements of that list so far.
    count: u64,
    /// The line that is not yet whole: its number, and where it begins.
    line: Option<(u64, u64)>,
    /// Where the value begins that comes in windows.
    long: Option<(Record, Arc<str>, u64)>,
    /// Values of each field of wanted records met before this batch, and before the value that comes in windows.
    met: HashMap<(Record, Arc<str>), usize>,
    met_before_long: usize,
}

impl<'e> Ask<'e> {
    pub fn new(records: &'e BTreeMap<ObjectPath, Vec<Record>>, editor: &'e mut dyn Editor) -> Self {
        let wanted = |records: &Vec<Record>| {
            let records: HashSet<Record> = records.iter().map(Record::whole).collect();
            let is_line = |record: &&Record| record.kind() == RecordKind::Line;
            let lines = records.iter().filter(is_line).map(Record::number).collect();
            Wanted { records, lines }
        };
        let wanted = records.iter().map(|(path, records)| (path, wanted(records))).collect();
        Self { editor, records, wanted, open: Vec::new(), wishes: BTreeMap::new(), unread: BTreeMap::new() }
    }

    /// What is wanted, by part. Records that were not shown are gone only if all was read in which they may be.
    pub fn finish(self) -> BTreeMap<ObjectPath, Wishes> {
        for (path, records) in self.records.iter().filter(|_| !self.unread.is_empty()) {
            let Some(fault) = path.ancestors().find_map(|part| self.unread.get(&part)) else { continue };
            let is_shown = |record: &Record| self.wishes.get(path).is_some_and(|wishes| wishes.shown.contains(record));
            for record in records.iter().filter(|record| !is_shown(&record.whole())) {
                self.editor.refused(path, Some(record), refusal(fault));
            }
        }
        self.wishes
    }

    /// The wanted part opened last, if that is what is open.
    fn top(&mut self) -> Option<(&mut Open, &Wanted)> {
        let open = self.open.last_mut().filter(|open| open.is_wanted)?;
        let wanted = self.wanted.get(&open.part.path)?;
        Some((open, wanted))
    }

    fn take_in(&mut self, batch: &Batch, change: Change) {
        let Some((open, wanted)) = self.top() else { return };
        let place = batch.record(change.record);
        let record = place.whole();
        if !wanted.records.contains(&record) {
            return;
        }
        match change.action {
            Action::Delete => {
                open.wishes.deletes.insert(record);
            }
            Action::Set(values) => {
                let mut sets: Vec<Set> = Vec::new();
                for value in &values {
                    match set(batch, change.record, value, open) {
                        Ok(set) => add(&mut sets, set),
                        Err(refusal) => {
                            let path = open.part.path.clone();
                            self.editor.refused(&path, Some(&place), refusal);
                            return;
                        }
                    }
                }
                let all = open.wishes.sets.entry(record).or_default();
                sets.into_iter().for_each(|set| add(all, set));
            }
        }
    }

    /// Where the lines of a batch stand.
    fn lines(&mut self, batch: &Batch) {
        let Records::Lines { first, .. } = batch.records else { return };
        let Some(column) = batch.columns.first() else { return };
        let Some(place) = &column.place else { return };
        let core = column.window.as_ref().map_or(0..column.bytes.len() as u32, |window| window.core.clone());
        let feeds =
            |range: Range<u32>| memchr::memchr_iter(b'\n', &column.bytes[range.start as usize..range.end as usize]);
        let mut number = first + feeds(0..core.start).count() as u64;
        let begin = place.start(core.start);
        let Some((open, _)) = self.top() else { return };
        let mut start = match open.line {
            Some((line, start)) if line == number => start,
            _ => begin,
        };
        let ends: Vec<u32> = feeds(core.clone()).map(|at| core.start + at as u32 + 1).collect();
        for end in ends {
            let end = place.end(end);
            self.extent(Extent { record: Record::Number(RecordKind::Line, number), list: 0, bytes: start..end });
            (number, start) = (number + 1, end);
        }
        let end = place.end(core.end);
        if let Some((open, _)) = self.top() {
            open.line = (end > start).then_some((number, start));
            if let Some((_, start)) = open.line {
                // The last line may have no end; another batch tells otherwise.
                let piece =
                    Piece { list: 0, bytes: start..end, before: open.last.as_ref().map(|last| last.1), after: None };
                let record = Record::Number(RecordKind::Line, number);
                if let Some((open, wanted)) = self.top()
                    && wanted.records.contains(&record)
                {
                    open.wishes.add_piece(record, piece);
                }
            }
        }
    }
}

impl Sink for Ask<'_> {
    fn open(&mut self, part: Part) -> Flow {
        let is_wanted = self.wanted.contains_key(&part.path);
        if is_wanted {
            self.editor.open(&part);
        }
        let around = self.open.iter().map(|open| open.part.format).collect();
        let wishes = Wishes { format: part.format, around, ..Wishes::default() };
        let (last, line, long, met) = (None, None, None, HashMap::new());
        self.open.push(Open { part, is_wanted, wishes, last, count: 0, line, long, met, met_before_long: 0 });
        Flow::Continue(())
    }

    fn batch(&mut self, batch: Batch) -> Flow {
        let Some((open, wanted)) = self.top() else { return Flow::Continue(()) };
        open.wishes.has_rows |= !matches!(&batch.records, Records::Sequence { kind: RecordKind::Document, .. });
        note_window(&batch, open);
        let shown = note_records(&batch, wanted, &mut open.wishes);
        if matches!(batch.records, Records::Lines { .. }) {
            self.lines(&batch);
        }
        if shown {
            let changes = self.editor.edit(&batch);
            changes.into_iter().for_each(|change| self.take_in(&batch, change));
            if let Some((open, wanted)) = self.top() {
                note_values(&batch, wanted, open);
            }
        }
        Flow::Continue(())
    }

    fn close(&mut self, outcome: Outcome) -> Flow {
        let Some(open) = self.open.pop() else { return Flow::Continue(()) };
        let path = &open.part.path;
        if outcome.coverage.is_incomplete() && (open.is_wanted || holds_any(self.records, path)) {
            self.unread.insert(path.clone(), Fault::from(outcome));
        }
        if open.is_wanted {
            self.editor.close();
            self.wishes.insert(open.part.path, open.wishes);
        }
        Flow::Continue(())
    }

    fn wants_extents(&self) -> bool {
        self.open.last().is_some_and(|open| open.is_wanted)
    }

    fn extent(&mut self, extent: Extent) {
        let Some((open, wanted)) = self.top() else { return };
        let Extent { record, list, bytes } = extent;
        let before = match &open.last {
            Some((of, end, _)) if *of == list => Some(*end),
            _ => None,
        };
        if let (Some(_), Some((.., Some(last)))) = (before, &open.last)
            && let Some(piece) = open.wishes.pieces.get_mut(last).and_then(|pieces| pieces.last_mut())
        {
            piece.after = Some(bytes.start);
        }
        let is_wanted = wanted.records.contains(&record);
        // An element that is no record of its own, as a number among objects, is not wanted but separates.
        open.count = if before.is_some() { open.count + 1 } else { 1 };
        if is_wanted || open.wishes.list_sizes.contains_key(&list) {
            open.wishes.list_sizes.insert(list, open.count);
        }
        open.last = Some((list, bytes.end, is_wanted.then(|| record.clone())));
        if is_wanted {
            open.wishes.add_piece(record, Piece { list, bytes, before, after: None });
        }
    }
}

/// Notes which wanted records a batch holds, and whether it holds others; says whether there are any.
fn note_records(batch: &Batch, wanted: &Wanted, wishes: &mut Wishes) -> bool {
    if let Records::Lines { first, .. } = batch.records {
        let feeds = batch.columns.first().map_or(0, |column| memchr::memchr_iter(b'\n', &column.bytes).count() as u64);
        let lines = wanted.lines.range(first..=first + feeds);
        let before = wishes.shown.len();
        wishes.shown.extend(lines.clone().map(|&line| Record::Number(RecordKind::Line, line)));
        wishes.has_others |= lines.clone().count() as u64 <= feeds;
        return wishes.shown.len() > before || lines.count() > 0;
    }
    let mut shown = false;
    for record in (0..batch.records.count() as usize).map(|i| batch.record(i).whole()) {
        match wanted.records.contains(&record) {
            true => {
                shown = true;
                wishes.shown.insert(record);
            }
            false => wishes.has_others = true,
        }
    }
    shown
}

/// Remembers where a value begins of which this is a window.
fn note_window(batch: &Batch, open: &mut Open) {
    for column in &batch.columns {
        if let (Some(window), Some(place)) = (&column.window, &column.place)
            && window.value_offset == 0
            && !column.is_empty()
            && !matches!(batch.records, Records::Lines { .. })
        {
            open.long = Some((batch.record(0), column.field.clone(), place.start(0)));
        }
    }
}

/// Counts the values of wanted records in a batch: one with many may come in several.
///
/// Values of formats that have places are told apart by those. A value in windows counts once.
fn note_values(batch: &Batch, wanted: &Wanted, open: &mut Open) {
    if matches!(batch.records, Records::Lines { .. }) {
        return;
    }
    for column in batch.columns.iter().filter(|column| column.place.is_none()) {
        if column.window.as_ref().is_some_and(|window| window.value_offset > 0) {
            continue;
        }
        let values = match &column.rows {
            Rows::Listed(rows) => rows.len(),
            Rows::Each => column.len(),
            // Of a row that has but one value.
            Rows::Dictionary(_) => continue,
        };
        for value in 0..values {
            let row = match &column.rows {
                Rows::Listed(rows) => rows[value] as usize,
                // Where a row has no value, it is empty.
                _ if column.offsets[value] == column.offsets[value + 1] => continue,
                _ => value,
            };
            let record = batch.record(row).whole();
            if wanted.records.contains(&record) {
                let met = open.met.entry((record, column.field.clone())).or_default();
                if column.window.is_some() {
                    open.met_before_long = *met;
                }
                *met += 1;
            }
        }
    }
}

/// Adds what is replaced in a value to what is replaced in it already.
fn add(all: &mut Vec<Set>, set: Set) {
    let same = |known: &&mut Set| {
        known.field == set.field && known.nth == set.nth && known.raw.start == set.raw.start && known.text == set.text
    };
    let Some(known) = all.iter_mut().find(same) else { return all.push(set) };
    for stretch in set.stretches {
        // The last answer counts.
        known.stretches.retain(|other| other.at != stretch.at || other.pieces != stretch.pieces);
        known.stretches.push(stretch);
    }
    known.stretches.sort_by_key(|stretch| (stretch.pieces.first().map(|piece| piece.start), stretch.at.start));
}

/// What is replaced in which value.
fn set(batch: &Batch, record: usize, value: &NewValue, open: &Open) -> Result<Set, Refusal> {
    let wrong = || Refusal::new(RefusalKind::Failed, "the change names no stretch of a value of this record");
    let column = batch.columns.get(value.column).ok_or_else(wrong)?;
    let Range { start, end } = value.bytes;
    let (bounds, nth) = bounds(batch, column, record, &value.bytes).ok_or_else(wrong)?;
    if bounds.is_empty() {
        let reason = "nothing stands there: an empty value cannot be filled";
        return Err(Refusal::new(RefusalKind::Unsupported, reason));
    }
    let new = value.new.as_ref().map(|new| new.expose().clone());
    if new.is_none() && (start..end) != bounds {
        return Err(wrong());
    }
    let is_line = matches!(batch.records, Records::Lines { .. });
    let id = batch.record(record).whole();
    let met = match &column.window {
        Some(window) if window.value_offset > 0 => open.met_before_long,
        _ => open.met.get(&(id.clone(), column.field.clone())).copied().unwrap_or(0),
    };
    let nth = nth + met;
    let letter = match &batch.records {
        Records::Cells { columns, .. } => columns.get(value.column).copied(),
        _ => None,
    };
    let Some(place) = &column.place else {
        let text = column.bytes[bounds.start as usize..bounds.end as usize].to_vec();
        if column.window.is_some() && met > 0 {
            // It is set apart from the others, so that nothing tells which of them it is.
            let reason = "it is one of several values of its field and longer than a batch: raise `batch_bytes`, or delete the record";
            return Err(Refusal::new(RefusalKind::Limit, reason));
        }
        let before = column.window.as_ref().map_or(0, |window| window.value_offset as usize);
        let at = before + (start - bounds.start) as usize..before + (end - bounds.start) as usize;
        let stretch = Stretch { at, pieces: Vec::new(), new };
        let text = column.window.is_none().then_some(text);
        return Ok(Set { field: column.field.clone(), nth, letter, raw: 0..0, text, stretches: vec![stretch] });
    };
    let whole = whole_characters(place, start..end, &bounds);
    let new = new.map(|new| {
        let around = [
            &column.bytes[whole.start as usize..start as usize],
            &new,
            &column.bytes[end as usize..whole.end as usize],
        ];
        around.concat()
    });
    let pieces = pieces(place, whole.clone());
    let base = if is_line { whole.start } else { bounds.start };
    let at = (whole.start - base) as usize..(whole.end - base) as usize;
    // Of running text only the stretch is held, so that a batch is not held for each.
    let (raw, text) = match (is_line, &column.window) {
        (true, _) => (pieces[0].clone(), Some(column.bytes[whole.start as usize..whole.end as usize].to_vec())),
        (false, None) => {
            let text = column.bytes[bounds.start as usize..bounds.end as usize].to_vec();
            (place.start(bounds.start)..place.end(bounds.end), Some(text))
        }
        (false, Some(window)) => {
            let known = open.long.as_ref().filter(|(of, field, _)| *of == id && *field == column.field);
            let begin = match known {
                Some((.., begin)) => *begin,
                None if window.value_offset == 0 => place.start(bounds.start),
                None => return Err(wrong()),
            };
            (begin..place.end(bounds.end), None)
        }
    };
    // A window's offsets are its own: what tells stretches of it apart is where they stand.
    let at = if text.is_none() { 0..0 } else { at };
    Ok(Set { field: column.field.clone(), nth, letter, raw, text, stretches: vec![Stretch { at, pieces, new }] })
}

/// The value of a record that holds a stretch, and which of the record's values in the column it is.
fn bounds(batch: &Batch, column: &Column, record: usize, bytes: &Range<u32>) -> Option<(Range<u32>, usize)> {
    if bytes.start > bytes.end || bytes.end as usize > column.bytes.len() {
        return None;
    }
    let holds = |value: usize| {
        let (start, end) = (*column.offsets.get(value)?, *column.offsets.get(value + 1)?);
        (start <= bytes.start && bytes.end <= end).then_some(start..end)
    };
    if matches!(batch.records, Records::Lines { .. }) {
        let all = &column.bytes;
        let start = match record {
            0 => 0,
            _ => memchr::memchr_iter(b'\n', all).nth(record - 1)? as u32 + 1,
        };
        let end = memchr::memchr(b'\n', &all[start as usize..]).map_or(all.len() as u32, |at| start + at as u32);
        return (start <= bytes.start && bytes.end <= end).then_some((start..end, 0));
    }
    match &column.rows {
        Rows::Each => Some((holds(record)?, 0)),
        Rows::Dictionary(keys) => Some((holds(*keys.get(record)? as usize)?, 0)),
        Rows::Listed(rows) => {
            let first = rows.partition_point(|&row| (row as usize) < record);
            let of_record = (first..rows.len()).take_while(|&value| rows[value] as usize == record);
            of_record.enumerate().find_map(|(nth, value)| Some((holds(value)?, nth)))
        }
    }
}

/// A stretch as far as the characters, or groups, go of which it holds a part.
fn whole_characters(place: &OffsetMap, stretch: Range<u32>, within: &Range<u32>) -> Range<u32> {
    let run_at = |at: u32| {
        let after = place.runs().partition_point(|run| run.start <= at);
        after.checked_sub(1).map(|i| (place.runs()[i], place.runs().get(i + 1).map(|next| next.start)))
    };
    let begin = run_at(stretch.start)
        .map_or(stretch.start, |(run, _)| stretch.start - (stretch.start - run.start) % u32::from(run.width.max(1)));
    let end = match stretch.end.checked_sub(1).filter(|_| stretch.end > stretch.start).and_then(run_at) {
        Some((run, next)) => {
            let width = u32::from(run.width.max(1));
            let end = run.start + (stretch.end - run.start).div_ceil(width) * width;
            end.min(next.unwrap_or(end))
        }
        None => stretch.end,
    };
    begin.max(within.start)..end.max(stretch.end).min(within.end)
}

/// Where a stretch stands, piece by piece.
fn pieces(place: &OffsetMap, stretch: Range<u32>) -> Vec<Range<u64>> {
    if stretch.is_empty() {
        let at = place.start(stretch.start);
        return std::iter::once(at..at).collect();
    }
    let slice = place.slice(stretch.start, stretch.end);
    let len = stretch.end - stretch.start;
    let mut pieces: Vec<Range<u64>> = Vec::new();
    for (i, run) in slice.runs().iter().enumerate() {
        let to = slice.runs().get(i + 1).map_or(len, |next| next.start).min(len);
        let characters = u64::from((to - run.start).div_ceil(u32::from(run.width.max(1))));
        let here = run.raw..run.raw + characters * u64::from(run.raw_width);
        match pieces.last_mut() {
            // Runs of one group may share its bytes.
            Some(last) if here.start <= last.end && here.start >= last.start => last.end = last.end.max(here.end),
            _ => pieces.push(here),
        }
    }
    pieces
}
