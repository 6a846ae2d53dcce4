//! The second pass: takes what stands around the wishes, and settles how each is written.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use residuum_source::{Editor, Limits, ObjectPath, Record, RecordKind};

use super::ability::Leaf;
use super::page::Page;
use super::walk::{Job, What};
use super::wish::Wishes;
use super::{Edited, ability, holds_any, not_found_again, rewrite, text, unsupported};
use crate::mail::{TextPart, Transfer};
use crate::recognise::{self, Format, TextFormat};
use crate::{Bytes, Fault, HEAD, Input, Textual, sound, textual};

/// What a part turned out to be.
pub(super) enum Kind {
    Text(TextFormat),
    Sql { backslash: bool },
    Mail,
    Other,
}

pub(super) struct Look<'e> {
    wishes: BTreeMap<ObjectPath, Wishes>,
    pub editor: &'e mut dyn Editor,
    limits: &'e Limits,
    pub done: BTreeMap<ObjectPath, Edited>,
    /// What goes as a whole and has not been met yet, with the records it goes for.
    unmet: BTreeMap<ObjectPath, Vec<(ObjectPath, Record)>>,
    pub deleted: u64,
    pub changed: u64,
}

impl<'e> Look<'e> {
    pub fn new(wishes: BTreeMap<ObjectPath, Wishes>, limits: &'e Limits, editor: &'e mut dyn Editor) -> Self {
        let (done, unmet) = (BTreeMap::new(), BTreeMap::new());
        let mut look = Self { wishes, editor, limits, done, unmet, deleted: 0, changed: 0 };
        look.whole_parts();
        look
    }

    /// Refuses what the walk has not met, but for what goes with something around it.
    pub fn refuse_unmet(&mut self) {
        let unmet = std::mem::take(&mut self.unmet);
        let is_met = |path: &ObjectPath, edited: &Edited| matches!(edited, Edited::Gone) && !unmet.contains_key(path);
        let goes = |done: &BTreeMap<ObjectPath, Edited>, path: &ObjectPath| {
            path.ancestors().any(|part| done.get(&part).is_some_and(|edited| is_met(&part, edited)))
        };
        for (path, records) in &unmet {
            if goes(&self.done, path) {
                continue;
            }
            self.deleted -= records.len() as u64;
            for (part, record) in records {
                self.editor.refused(part, Some(record), not_found_again());
            }
        }
        for (path, wishes) in std::mem::take(&mut self.wishes) {
            if !goes(&self.done, &path) {
                for record in wishes.deletes.iter().chain(wishes.sets.keys()) {
                    self.editor.refused(&path, Some(record), not_found_again());
                }
            }
        }
        self.done.retain(|path, _| !unmet.contains_key(path));
    }

    /// Settles the parts that go as a whole: their one record is the document, or no record goes without the others.
    fn whole_parts(&mut self) {
        let mut kept = BTreeMap::new();
        for (path, mut wishes) in std::mem::take(&mut self.wishes) {
            let is_document = wishes.deletes.iter().any(|record| record.kind() == RecordKind::Document);
            let is_edited = ability::of_leaf(wishes.format).is_edited();
            // Who deletes a record of what goes only as a whole has been told so by `ability`.
            let all = !wishes.has_others && wishes.deletes == wishes.shown;
            let is_only = !wishes.deletes.is_empty() && (!is_edited || (wishes.format == "eml" && all));
            if is_document && !wishes.has_rows || is_only {
                self.deleted += wishes.deletes.len() as u64;
                let gone = with_what_holds_it(path.clone(), &wishes.around);
                let records = wishes.deletes.into_iter().map(|record| (path.clone(), record));
                self.unmet.entry(gone.clone()).or_default().extend(records);
                self.done.insert(gone, Edited::Gone);
                continue;
            }
            if is_document {
                let reason = "it stands beside the records of the same object: replace its values, or delete the \
                              object if none of it is needed";
                wishes.deletes.retain(|record| {
                    let is_document = record.kind() == RecordKind::Document;
                    if is_document {
                        self.editor.refused(&path, Some(record), unsupported(reason));
                    }
                    !is_document
                });
            }
            if !is_edited {
                let what = ability::of_leaf(wishes.format).reason(wishes.format);
                for record in wishes.deletes.iter().chain(wishes.sets.keys()) {
                    self.editor.refused(&path, Some(record), unsupported(what.as_str()));
                }
                continue;
            }
            kept.insert(path, wishes);
        }
        self.wishes = kept;
    }

    fn rewrite(&mut self, path: &ObjectPath, wishes: Wishes, bytes: Bytes<'_>) -> Result<(), Fault> {
        let from = sound(bytes, self.limits, "file that is written anew")?;
        let editor = &mut *self.editor;
        let mut refuse = |record: &Record, refusal| editor.refused(path, Some(record), refusal);
        if let Some(settled) = rewrite::settle(from, wishes, self.limits, &mut refuse)? {
            (self.deleted, self.changed) = (self.deleted + settled.deleted, self.changed + settled.changed);
            self.done.insert(path.clone(), Edited::Rewritten(settled.rewrite));
        }
        Ok(())
    }

    fn settle(&mut self, path: &ObjectPath, wishes: Wishes, kind: &Kind, page: &Page) {
        let editor = &mut *self.editor;
        let mut refuse = |record: &Record, refusal| editor.refused(path, Some(record), refusal);
        let settled = text::settle(wishes, kind, page, &mut refuse);
        (self.deleted, self.changed) = (self.deleted + settled.deleted, self.changed + settled.changed);
        if !settled.splices.is_empty() {
            self.done.insert(path.clone(), Edited::Spliced { splices: settled.splices, len: page.len });
        }
    }
}

impl Job for Look<'_> {
    fn what(&mut self, path: &ObjectPath) -> What {
        if self.wishes.contains_key(path) {
            return What::Edit;
        }
        if matches!(self.done.get(path), Some(Edited::Gone)) {
            self.unmet.remove(path);
            return What::Drop;
        }
        match holds_any(&self.wishes, path) || holds_any(&self.unmet, path) {
            true => What::Open,
            false => What::Keep,
        }
    }

    fn is_dry(&self) -> bool {
        true
    }

    fn edit(&mut self, path: &ObjectPath, bytes: Bytes<'_>, _: &mut dyn Write) -> Result<(), Fault> {
        let Some(wishes) = self.wishes.remove(path) else { return Ok(()) };
        if ability::of_leaf(wishes.format) == Leaf::Rewrite {
            return self.rewrite(path, wishes, bytes);
        }
        let sets = wishes.sets.values().flatten();
        let of_sets = sets.flat_map(|set| {
            let ends = [set.raw.start..set.raw.start, set.raw.end..set.raw.end];
            ends.into_iter().chain(set.stretches.iter().flat_map(|stretch| stretch.pieces.clone()))
        });
        let edges = |at: u64| at..at;
        let of_pieces = wishes.deleted_pieces().into_iter().flat_map(|(_, piece)| {
            [Some(piece.bytes.start), Some(piece.bytes.end), piece.before].into_iter().flatten().map(edges)
        });
        let held = self.limits.whole_bytes / 8;
        let of_mail = wishes.sets.keys().filter_map(|record| wishes.pieces.get(record)).flatten();
        let of_mail = of_mail.filter(|piece| {
            let is_whole = TextPart::of_list(piece.list).is_some_and(|part| part.transfer == Transfer::Base64);
            matches!(wishes.format, "eml" | "mbox") && is_whole && piece.bytes.end - piece.bytes.start <= held
        });
        let of_mail = of_mail.map(|piece| piece.bytes.clone());
        let mut page = Page::wanting(of_sets.chain(of_pieces.collect::<Vec<_>>()).chain(of_mail));
        let mut tee = Tee { bytes, page: &mut page };
        let name = path.levels().pop().unwrap_or_default();
        let (kind, encoding, is_told) = look_at(Bytes::new(Input::Stream(&mut tee)), &name);
        if let Some(fault) = tee.bytes.fault() {
            return Err(fault.clone());
        }
        (page.encoding, page.is_told) = (encoding, is_told);
        self.settle(path, wishes, &kind, &page);
        Ok(())
    }

    fn len_after(&self, _: &ObjectPath) -> Option<u64> {
        None
    }
}

/// What goes when this part goes: what holds nothing else goes with it.
fn with_what_holds_it(path: ObjectPath, around: &[&'static str]) -> ObjectPath {
    let mut gone = path;
    for container in around.iter().rev().take_while(|container| ability::holds_one(container)) {
        let outer = gone.as_str().rsplit_once('!').and_then(|(outer, _)| ObjectPath::from_escaped(outer).ok());
        debug_assert!(outer.is_some(), "a member of {container} has its name");
        gone = outer.unwrap_or(gone);
    }
    gone
}

/// Reads to the end and says what it is and how it is encoded.
fn look_at(mut bytes: Bytes<'_>, name: &[u8]) -> (Kind, crate::Encoding, bool) {
    bytes.fill(HEAD);
    let Format::Text { encoding, mark } = recognise::recognise(bytes.window()) else {
        let _ = io::copy(&mut bytes, &mut io::sink());
        return (Kind::Other, crate::Encoding::Utf8, false);
    };
    match textual(bytes, encoding, mark, name) {
        Textual::Mail { mut bytes, .. } => {
            let _ = io::copy(&mut bytes, &mut io::sink());
            (Kind::Mail, crate::Encoding::Utf8, false)
        }
        Textual::Text(mut text) => {
            text.fill(HEAD);
            let kind = match recognise::text_format(text.window(), text.ended() && text.fault().is_none(), name) {
                TextFormat::Sql => Kind::Sql { backslash: crate::sql::has_backslashes(text.window()) },
                format => Kind::Text(format),
            };
            let mut is_ascii = true;
            while !text.fill(HEAD).is_empty() {
                is_ascii &= text.window().is_ascii();
                let len = text.window().len();
                text.consume(len);
            }
            (kind, text.encoding(), mark > 0 || !is_ascii)
        }
    }
}

/// Passes bytes on, and by the page.
struct Tee<'p, 'b> {
    bytes: Bytes<'b>,
    page: &'p mut Page,
}

impl Read for Tee<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(out)?;
        self.page.pass(&out[..n]);
        Ok(n)
    }
}
