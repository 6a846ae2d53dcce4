//! Outlook messages (MS-OXMSG): each property is a stream of its own.

use std::ops::ControlFlow;

use residuum_source::{Logical, RecordKind, Sink, Stop};

use super::compound::{Compound, utf16};
use super::word::windows_1252;
use crate::values::{Key, Values};

/// Properties as outputs call them (MS-OXPROPS); others go by their number.
const NAMES: &[(&str, &str)] = &[
    ("0037", "subject"),
    ("0042", "from"),
    ("0065", "from"),
    ("007D", "headers"),
    ("0C1A", "from"),
    ("0C1F", "from"),
    ("0E02", "bcc"),
    ("0E03", "cc"),
    ("0E04", "to"),
    ("0E1D", "subject"),
    ("1000", "body"),
    ("1013", "html"),
    ("3001", "name"),
    ("3003", "address"),
    ("3707", "attachment"),
    ("39FE", "address"),
    ("5D01", "from"),
    ("5D02", "from"),
];

/// Attachments, by name.
type Files = Vec<(String, Vec<u8>)>;

/// Reads the properties of a message and gives its attachments.
pub(super) fn read(compound: &Compound<'_>, values: &mut Values<'_>, sink: &mut dyn Sink) -> ControlFlow<Stop, Files> {
    let mut files = Files::new();
    for entry in &compound.entries {
        let (around, file) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        let Some(code) = file.strip_prefix("__substg1.0_").filter(|code| code.len() >= 8 && code.is_ascii()) else {
            continue;
        };
        let (property, kind) = (&code[..4], &code[4..8]);
        let name = NAMES.iter().find(|(of, _)| *of == property).map_or(property, |(_, name)| *name);
        let content = compound.content(entry);
        let text = match kind {
            "001F" => utf16(&content),
            "001E" => content.iter().map(|byte| windows_1252(*byte)).collect(),
            "0102" if property == "1013" => String::from_utf8_lossy(&content).into_owned(),
            "0102" if property == "3701" => {
                let name = ["3707001F", "3704001F", "3001001F"]
                    .iter()
                    .find_map(|code| compound.stream(&format!("{around}/__substg1.0_{code}")))
                    .map_or_else(|| "attachment".to_owned(), |name| utf16(&name));
                files.push((name, content));
                continue;
            }
            _ => continue,
        };
        let part = match around.rsplit('/').next().unwrap_or_default() {
            "" => "message".to_owned(),
            part => part.replace("__", "").replace("_version1.0_", " "),
        };
        values.begin(Key::Name(RecordKind::Part, part), sink)?;
        values.value(name, Logical::Text, text.trim_matches(['\0', ' ', '\r', '\n']).as_bytes(), sink)?;
    }
    ControlFlow::Continue(files)
}
