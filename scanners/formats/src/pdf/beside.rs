//! What a PDF document holds beside its pages.

use std::collections::HashSet;
use std::ops::ControlFlow;

use lopdf::{Dictionary, Object, ObjectId, decode_text_string};
use residuum_source::{Flow, Logical, RecordKind, Sink, Stop};

use super::{Reader, caught, said};
use crate::office::{Generic, xml};
use crate::values::Key;

/// Keys whose strings people wrote or see, and the fields they become.
const TEXTS: &[(&[u8], &str)] = &[
    (b"Contents", "(annotation)"),
    (b"RC", "(annotation)"),
    (b"T", "(author)"),
    (b"Subj", "(annotation)"),
    (b"TU", "(annotation)"),
    (b"URI", "(link)"),
    (b"Title", "(outline)"),
    (b"Alt", "(description)"),
    (b"ActualText", "(description)"),
    (b"V", "(form)"),
    (b"DV", "(form)"),
];

/// Levels of fields within fields.
const DEPTH: u32 = 32;

/// Adds the annotations of a page to its record.
pub(super) fn annotations(reader: &mut Reader<'_, '_>, page: ObjectId, sink: &mut dyn Sink) -> Flow {
    let document = reader.document;
    let Ok(annotations) = caught(|| document.get_page_annotations(page).map_err(|error| said(&error))) else {
        return Flow::Continue(());
    };
    for annotation in annotations.into_iter().take(100_000) {
        let is_field = annotation.has(b"FT");
        for (field, text) in texts(annotation) {
            // The name and the value of a form's field stand with the form.
            if !(is_field && matches!(field, "(author)" | "(form)")) {
                reader.values.value(field, Logical::Text, text.as_bytes(), sink)?;
            }
        }
        let action = annotation.get_deref(b"A", document).and_then(Object::as_dict);
        for (field, text) in action.map(texts).unwrap_or_default() {
            reader.values.value(field, Logical::Text, text.as_bytes(), sink)?;
        }
    }
    Flow::Continue(())
}

/// Files in the document, by name.
type Files = Vec<(String, Vec<u8>)>;

/// Reads everything that belongs to no page, and gives the files that are embedded.
pub(super) fn read(reader: &mut Reader<'_, '_>, sink: &mut dyn Sink) -> ControlFlow<Stop, Files> {
    let document = reader.document;
    if let Ok(info) = document.trailer.get_deref(b"Info", document).and_then(Object::as_dict) {
        reader.values.begin(Key::Name(RecordKind::Part, "document information".into()), sink)?;
        for (key, value) in info.iter() {
            let value = document.dereference(value).ok().and_then(|(_, value)| string(value));
            let key = String::from_utf8_lossy(key).into_owned();
            reader.values.value(&key, Logical::Text, value.unwrap_or_default().trim().as_bytes(), sink)?;
        }
    }
    let mut seen = HashSet::new();
    if let Ok(form) = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document)?.as_dict()) {
        xfa(reader, form, sink)?;
        if let Ok(fields) = form.get_deref(b"Fields", document).and_then(Object::as_array) {
            for field in fields {
                form_field(reader, field, "", 0, &mut seen, sink)?;
            }
        }
    }
    let mut files = Vec::new();
    let on_pages: HashSet<ObjectId> =
        document.page_iter().take(1 << 20).flat_map(|page| annotation_ids(reader, page)).collect();
    for (id, object) in &document.objects {
        if let Ok(stream) = object.as_stream() {
            if stream.dict.get(b"Type").and_then(Object::as_name).is_ok_and(|kind| kind == b"Metadata") {
                metadata(reader, stream, &format!("metadata {}", id.0), sink)?;
            }
            continue;
        }
        let Ok(dictionary) = object.as_dict() else { continue };
        if let Some(file) = embedded(reader, dictionary) {
            files.push(file);
        }
        // Titles of the outline, and what nothing on a page refers to any more.
        if !on_pages.contains(id) && !seen.contains(id) {
            for (field, text) in texts(dictionary) {
                reader.values.begin(Key::Name(RecordKind::Part, format!("object {}", id.0)), sink)?;
                reader.values.value(field, Logical::Text, text.as_bytes(), sink)?;
            }
        }
    }
    ControlFlow::Continue(files)
}

fn annotation_ids(reader: &Reader<'_, '_>, page: ObjectId) -> Vec<ObjectId> {
    let document = reader.document;
    let page = document.get_dictionary(page);
    let list = page.and_then(|page| page.get_deref(b"Annots", document)).and_then(Object::as_array);
    let ids = list.into_iter().flatten().filter_map(|annotation| annotation.as_reference().ok());
    ids.flat_map(|id| {
        let action = document.get_dictionary(id).and_then(|a| a.get(b"A")).and_then(Object::as_reference);
        [Some(id), action.ok()].into_iter().flatten()
    })
    .collect()
}

/// The value of a form's field, under its name, and those of the fields in it (ISO 32000-1, 12.7.3).
fn form_field(
    reader: &mut Reader<'_, '_>,
    field: &Object,
    parent: &str,
    depth: u32,
    seen: &mut HashSet<ObjectId>,
    sink: &mut dyn Sink,
) -> Flow {
    let document = reader.document;
    let id = field.as_reference().ok();
    if depth > DEPTH || id.is_some_and(|id| !seen.insert(id)) {
        return Flow::Continue(());
    }
    let Some(field) = document.dereference(field).ok().and_then(|(_, field)| field.as_dict().ok()) else {
        return Flow::Continue(());
    };
    let own = field.get_deref(b"T", document).ok().and_then(string).unwrap_or_default();
    let name = match (parent.is_empty(), own.is_empty()) {
        (_, true) => parent.to_owned(),
        (true, _) => own,
        _ => format!("{parent}.{own}"),
    };
    for key in [b"V".as_slice(), b"DV", b"RV", b"Opt"] {
        let Ok(value) = field.get_deref(key, document) else { continue };
        let values: Vec<&Object> =
            value.as_array().map_or_else(|_| vec![value], |list| list.iter().take(10_000).collect());
        for value in values {
            let text = document.dereference(value).ok().and_then(|(_, value)| string(value)).unwrap_or_default();
            if !text.trim().is_empty() {
                reader.values.begin(Key::Name(RecordKind::Part, "form".into()), sink)?;
                reader.values.value(&name, Logical::Text, text.trim().as_bytes(), sink)?;
            }
        }
    }
    if let Ok(kids) = field.get_deref(b"Kids", document).and_then(Object::as_array) {
        for kid in kids {
            form_field(reader, kid, &name, depth + 1, seen, sink)?;
        }
    }
    Flow::Continue(())
}

/// Forms in XML (XFA) stand in one stream or several, by turns with their names.
fn xfa(reader: &mut Reader<'_, '_>, form: &Dictionary, sink: &mut dyn Sink) -> Flow {
    let document = reader.document;
    let Ok(xfa) = form.get_deref(b"XFA", document) else { return Flow::Continue(()) };
    let pieces: Vec<&Object> = xfa.as_array().map_or_else(|_| vec![xfa], |list| list.iter().take(100).collect());
    for piece in pieces {
        if let Some(Ok(stream)) = document.dereference(piece).ok().map(|(_, piece)| piece.as_stream()) {
            metadata(reader, stream, "XFA form", sink)?;
        }
    }
    Flow::Continue(())
}

/// Reads a stream of XML.
fn metadata(reader: &mut Reader<'_, '_>, stream: &lopdf::Stream, part: &str, sink: &mut dyn Sink) -> Flow {
    let most = reader.stream_bytes;
    let content = match caught(|| stream.get_plain_content_with_limit(most).map_err(|error| said(&error))) {
        Ok(content) => content,
        Err(fault) => {
            reader.fault(fault);
            return Flow::Continue(());
        }
    };
    let limits = reader.within.limits;
    let mut generic = Generic::new(&mut reader.values, part);
    // The pieces of a form are no document each, so that their ends may seem missing.
    let _ = xml::walk(&mut content.as_slice(), limits, &mut generic, sink)?;
    Flow::Continue(())
}

/// A file that is embedded in the document (ISO 32000-1, 7.11.3).
fn embedded(reader: &mut Reader<'_, '_>, specification: &Dictionary) -> Option<(String, Vec<u8>)> {
    let document = reader.document;
    let files = specification.get_deref(b"EF", document).and_then(Object::as_dict).ok()?;
    let stream =
        [b"UF".as_slice(), b"F"].into_iter().find_map(|key| files.get_deref(key, document).ok())?.as_stream().ok()?;
    let name =
        [b"UF".as_slice(), b"F"].into_iter().find_map(|key| string(specification.get_deref(key, document).ok()?));
    let most = reader.stream_bytes;
    match caught(|| stream.get_plain_content_with_limit(most).map_err(|error| said(&error))) {
        Ok(content) if reader.within.spend(content.len() as u64).is_ok() => {
            Some((name.unwrap_or("file".into()), content))
        }
        Ok(_) => None,
        Err(fault) => {
            reader.fault(fault);
            None
        }
    }
}

fn texts(dictionary: &Dictionary) -> Vec<(&'static str, String)> {
    let text = |(key, field): &(&[u8], &'static str)| {
        let text = string(dictionary.get(key).ok()?)?;
        (!text.trim().is_empty()).then(|| (*field, text.trim().to_owned()))
    };
    TEXTS.iter().filter_map(text).collect()
}

/// The text of a string object.
fn string(object: &Object) -> Option<String> {
    let Object::String(bytes, _) = object else { return None };
    Some(decode_text_string(object).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned()))
}
