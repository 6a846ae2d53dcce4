//! Properties of old documents (MS-OLEPS): author, title and what else there is of text.

use residuum_source::{Flow, Logical, RecordKind, Sink};

use super::compound::{Compound, u16_at, u32_at, utf16};
use super::word::windows_1252;
use crate::values::{Key, Values};

/// Names of properties in the summary (MS-OSHARED 2.3.3.2.1).
const NAMES: &[(u32, &str)] = &[
    (2, "title"),
    (3, "subject"),
    (4, "creator"),
    (5, "keywords"),
    (6, "description"),
    (7, "template"),
    (8, "lastModifiedBy"),
    (14, "manager"),
    (15, "company"),
];

/// Reads the text properties of a document.
pub(super) fn read(compound: &Compound<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> Flow {
    for (path, is_summary) in [("\u{5}SummaryInformation", true), ("\u{5}DocumentSummaryInformation", false)] {
        let Some(set) = compound.stream(path) else { continue };
        let sections = (u32_at(&set, 24) as usize).min(8);
        for section in 0..sections {
            let start = u32_at(&set, 28 + 20 * section + 16) as usize;
            let count = (u32_at(&set, start.saturating_add(4)) as usize).min(4096);
            for i in 0..count {
                let id = u32_at(&set, start.saturating_add(8 + 8 * i));
                let at = start.saturating_add(u32_at(&set, start.saturating_add(12 + 8 * i)) as usize);
                let len = u32_at(&set, at.saturating_add(4)) as usize;
                let bytes = |len: usize| set.get(at + 8..at.saturating_add(8).saturating_add(len)).unwrap_or_default();
                let text = match u16_at(&set, at) {
                    0x1e => bytes(len).iter().map(|byte| windows_1252(*byte)).collect(),
                    0x1f => utf16(bytes(len.saturating_mul(2))),
                    _ => continue,
                };
                let known = NAMES.iter().find(|(of, _)| *of == id && (is_summary == (id < 9))).map(|(_, name)| *name);
                let name = known.map_or_else(|| format!("property {id}"), str::to_owned);
                values.begin(Key::Name(RecordKind::Part, path.trim_start_matches('\u{5}').to_owned()), sink)?;
                values.value(&name, Logical::Text, text.trim_matches(['\0', ' ']).as_bytes(), sink)?;
            }
        }
    }
    Flow::Continue(())
}
