//! What a recipient is told, as files to be sent: the only place where a notice says who it is about.

use std::fmt::Write as _;

use residuum_detect::Category;
use serde_json::{Value, json};

use super::disclosure::PackageFile;
use super::notice::{About, Notice, NoticeField};
use crate::config::Recipient;
use crate::identity::Identifier;
use crate::keyfile::hex;

/// The version of the JSON's form.
const FORMAT: &str = "residuum-notice/1";

/// The letter as text for people and as JSON for programs: what is to be done, about whom, by when.
///
/// Identifiers stand there in the standard form of their type, which is how the recipient's own data are best compared.
/// One of which only a fingerprint is known is left out: it tells nobody anything.
///
/// `statements` are what the person says of contested fields, each behind the field's name.
pub fn letter(
    notice: &Notice,
    recipient: &Recipient,
    fields: &[NoticeField],
    about: About<'_>,
    statements: &[String],
) -> Vec<PackageFile> {
    let file = |name: &str, bytes: Vec<u8>| PackageFile { name: name.to_owned(), bytes, object: None };
    let mut data = serde_json::to_vec_pretty(&data(notice, recipient, fields, about, statements)).unwrap_or_default();
    data.push(b'\n');
    vec![file("notice.json", data), file("notice.txt", text(notice, recipient, fields, about, statements).into_bytes())]
}

/// What is asked of the recipient, in sentences.
fn asked(notice: &Notice, fields: &[NoticeField]) -> Vec<String> {
    let mut asked = Vec::new();
    let who = if notice.people == 1 { "the person below" } else { "the people below" };
    match notice.instruction.as_str() {
        "correct" => asked.push(format!(
            "Correct the personal information that you hold of {who} as it stands below, in your existing systems (11 CCR \
             § 7023(c))."
        )),
        "note as contested" => asked.push(format!(
            "Note that {who} contests the accuracy of the information below, and say so to whomever you give it (11 CCR § \
             7023(f))."
        )),
        "delete" if notice.kind == "third party" => asked.push(format!(
            "Delete the personal information of {who} that was sold to you or shared with you (Cal. Civ. Code § \
             1798.105(c)(1), 11 CCR § 7022(b)(3))."
        )),
        "delete" => asked.push(format!(
            "Delete the personal information of {who} that you hold for us: erase it permanently and completely from your \
             existing systems, deidentify it, or aggregate it (Cal. Civ. Code § 1798.105(c), 11 CCR § 7022(b)(2), (c))."
        )),
        _ => {}
    }
    if fields.iter().any(|field| field.kept.is_some()) {
        asked.push(format!(
            "What is marked as kept falls under the exception named there. Keep it for that purpose alone, and neither use nor \
             disclose it for any other (11 CCR § 7022(c)(3), (f)). It is information of {who} as well."
        ));
    }
    match (notice.kind.as_str(), notice.instruction.as_str()) {
        ("third party", _) | (_, "note as contested") => {}
        _ => asked.push(
            "Tell your own service providers, contractors and whoever else you have given it to do the same (11 CCR § \
             7022(c)(4))."
                .to_owned(),
        ),
    }
    asked.push(format!(
        "Confirm by {} that you have complied, naming notice {}. Use what stands here for nothing else, and delete it then.",
        notice.due, notice.id
    ));
    asked
}

fn identifier(identifier: &Identifier) -> Option<(String, String)> {
    Some(match identifier {
        Identifier::Value { kind, form } => {
            (kind.name().to_owned(), String::from_utf8_lossy(form.expose()).into_owned())
        }
        Identifier::Sha256 { kind, digest } => (format!("SHA-256 of {}", kind.name()), hex(digest)),
        Identifier::Key { domain, value } => (domain.clone(), value.expose().clone()),
        Identifier::Fingerprint { .. } => return None,
    })
}

fn data(
    notice: &Notice,
    recipient: &Recipient,
    fields: &[NoticeField],
    about: About<'_>,
    statements: &[String],
) -> Value {
    let people = about.subjects.iter().map(|subject| {
        let identifiers = subject.identifiers.iter().filter_map(identifier);
        let identifiers = identifiers.map(|(kind, value)| json!({ "type": kind, "value": value }));
        json!({ "id": subject.id, "identifiers": identifiers.collect::<Vec<_>>() })
    });
    let corrections = about.corrections.all().iter().map(|of| {
        let (old, new) = of.values();
        json!({ "type": of.kind().name(), "old": old.expose(), "new": new.expose() })
    });
    json!({
        "format": FORMAT, "notice": notice.id, "request": notice.request, "instruction": notice.instruction,
        "recipient": { "name": recipient.name, "category": recipient.category.name(), "kind": notice.kind },
        "made": notice.made, "due": notice.due, "asked": asked(notice, fields), "categories": notice.categories,
        "fields": fields, "people": people.collect::<Vec<_>>(), "corrections": corrections.collect::<Vec<_>>(), "statements": statements,
    })
}

fn text(
    notice: &Notice,
    recipient: &Recipient,
    fields: &[NoticeField],
    about: About<'_>,
    statements: &[String],
) -> String {
    let mut text = format!(
        "Notice {} of {}\nTo: {} ({})\nRequest: {}\nDue: {}\n\n",
        notice.id,
        &notice.made[..10],
        recipient.name,
        notice.kind,
        notice.request,
        notice.due
    );
    for sentence in asked(notice, fields) {
        let _ = writeln!(text, "{sentence}\n");
    }
    text.push_str("Categories of personal information (Cal. Civ. Code § 1798.140(v)(1)):\n");
    for category in notice.categories.iter().filter_map(|letter| Category::from_letter(letter)) {
        let _ = writeln!(text, "  {} {}", category.letter(), category.title());
    }
    text.push_str("\nWhere we held it:\n");
    for NoticeField { source, object, field, kept, .. } in fields {
        let kept = kept.as_ref().map_or_else(String::new, |tag| format!(", kept under {tag}"));
        let _ = writeln!(text, "  {}{kept}", [source, object, field].map(String::as_str).join(" ").trim_end());
    }
    if !about.corrections.all().is_empty() {
        text.push_str("\nWhat is corrected:\n");
        for of in about.corrections.all() {
            let (old, new) = of.values();
            let _ = writeln!(text, "  {}: {} becomes {}", of.kind().name(), old.expose(), new.expose());
        }
    }
    if !statements.is_empty() {
        text.push_str("\nWhat the person says:\n");
        for statement in statements {
            let _ = writeln!(text, "  {statement}");
        }
    }
    text.push_str("\nWhom it is about:\n");
    for subject in about.subjects {
        let _ = writeln!(text, "  {}", subject.id);
        for (kind, value) in subject.identifiers.iter().filter_map(identifier) {
            let _ = writeln!(text, "    {kind}: {value}");
        }
    }
    text
}
