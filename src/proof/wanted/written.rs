//! How identifiers are written, by people and by programs.

use residuum_detect::Type;

use super::numbers::is_american;
use super::{Edges, Value};
use crate::keyfile::hex;

/// The texts in which a value is looked for: not numbers, unless they may stand beside anything.
pub(super) fn texts(value: &Value, edges: Edges, each: &mut dyn FnMut(&[u8])) {
    let Ok(text) = std::str::from_utf8(&value.form) else { return };
    let mut add = |text: &str| each(text.as_bytes());
    let digits = value.form.iter().all(u8::is_ascii_digit);
    match value.kind {
        Type::Email => {
            add(text);
            if let Some((name, domain)) = text.rsplit_once('@') {
                for at in ["(at)", "[at]", " at ", " (at) ", " [at] ", "%40", "=40"] {
                    add(&format!("{name}{at}{domain}"));
                }
            }
            add(&hex(text.as_bytes()));
        }
        Type::PersonName => {
            let Some((first, last)) = text.rsplit_once(' ') else { return };
            for name in [
                text.to_owned(),
                format!("{last}, {first}"),
                format!("{last} {first}"),
                text.replace(' ', "_"),
                text.replace(' ', "."),
                text.replace(' ', "-"),
                text.replace(' ', "+"),
                text.replace(' ', "%20"),
            ] {
                add(&name);
            }
        }
        Type::StreetAddress => add(text),
        Type::Phone | Type::UsSsn | Type::UsItin | Type::CreditCard => {
            add(&hex(text.as_bytes()));
            if edges == Edges::Any {
                grouped(value).iter().for_each(|text| add(text));
            }
        }
        Type::IpAddress => add(text),
        // What many share says nothing of one of them, and a date alone stands in every table.
        Type::PostalCode | Type::City | Type::Date | Type::DateOfBirth | Type::Age | Type::Gender => {}
        Type::Organization | Type::Occupation | Type::Nationality | Type::GeoCoordinate | Type::UsRouting => {}
        Type::Maid | Type::DeviceId | Type::CookieId if is_uuid(text) => {
            add(text);
            add(&[&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"));
        }
        Type::MacAddress if text.len() == 12 => {
            let pairs: Vec<&str> = (0..12).step_by(2).map(|at| &text[at..at + 2]).collect();
            ["", ":", "-"].iter().for_each(|by| add(&pairs.join(by)));
            add(&[&text[..4], &text[4..8], &text[8..]].join("."));
        }
        Type::Iban => {
            let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..(at + 4).min(text.len())]).collect();
            ["", " ", "-"].iter().for_each(|by| add(&groups.join(by)));
        }
        _ if digits && edges == Edges::Clear => {}
        _ => add(text),
    }
}

/// The digits of a value, as they stand with no mark between them.
pub(super) fn numbers(value: &Value, edges: Edges, each: &mut dyn FnMut(&[u8])) {
    let form = &value.form;
    let all_digits = form.iter().all(u8::is_ascii_digit);
    if edges == Edges::Any || !all_digits {
        return;
    }
    match value.kind {
        Type::Phone if is_american(value) => {
            each(form);
            each(&form[1..]);
            each(&[b"00", &form[..]].concat());
            each(&[b"011", &form[..]].concat());
        }
        Type::Phone => {
            each(form);
            each(&[b"00", &form[..]].concat());
            each(&[b"011", &form[..]].concat());
            // Country codes have one to three digits; within the country a zero stands for them, or nothing.
            for code in 1..=3.min(form.len()) {
                each(&[b"0", &form[code..]].concat());
                each(&form[code..]);
            }
        }
        Type::PostalCode | Type::UsRouting | Type::Date | Type::DateOfBirth | Type::GeoCoordinate => {}
        _ => each(form),
    }
}

/// The texts of which programs make digests, and how many of them, from the first on, a look-up tries by itself.
pub(super) fn hashed(value: &Value) -> (Vec<Vec<u8>>, usize) {
    let form = value.form.to_vec();
    let Ok(text) = std::str::from_utf8(&value.form) else { return (vec![form], 1) };
    let bytes = |text: &str| text.as_bytes().to_vec();
    match value.kind {
        Type::Phone => {
            let mut forms = vec![form, bytes(&format!("+{text}"))];
            if is_american(value) {
                forms.push(bytes(&text[1..]));
                let [area, exchange, line] = [&text[1..4], &text[4..7], &text[7..]];
                for written in [
                    format!("{area}-{exchange}-{line}"),
                    format!("({area}) {exchange}-{line}"),
                    format!("+1-{area}-{exchange}-{line}"),
                    format!("+1 {area}-{exchange}-{line}"),
                ] {
                    forms.push(written.into_bytes());
                }
                return (forms, 3);
            }
            (forms, 2)
        }
        Type::Email => {
            let mut forms = vec![form, bytes(&format!("{text}\n")), bytes(&text.to_uppercase())];
            // Google takes addresses with and without points, and whatever follows a plus, as one.
            if let Some((name, domain @ ("gmail.com" | "googlemail.com"))) = text.rsplit_once('@') {
                let name = name.split('+').next().unwrap_or(name).replace('.', "");
                forms.push(bytes(&format!("{name}@{domain}")));
            }
            (forms, 1)
        }
        Type::UsSsn | Type::UsItin if text.len() == 9 => {
            (vec![form, bytes(&[&text[..3], &text[3..5], &text[5..]].join("-"))], 1)
        }
        Type::CreditCard => {
            (vec![form, bytes(&groups_of_four(text).join(" ")), bytes(&groups_of_four(text).join("-"))], 1)
        }
        Type::PersonName => (vec![form, bytes(&title(text)), bytes(&text.replace(' ', ""))], 1),
        Type::PostalCode | Type::City | Type::Date | Type::DateOfBirth | Type::Age | Type::Gender => (Vec::new(), 0),
        _ => {
            let mut forms = vec![form];
            for other in [text.to_lowercase(), text.to_uppercase()] {
                if other != text {
                    forms.push(other.into_bytes());
                }
            }
            (forms, 1)
        }
    }
}

/// A number as people write it, in one and in groups.
fn grouped(value: &Value) -> Vec<String> {
    let text = String::from_utf8_lossy(&value.form);
    match value.kind {
        Type::Phone if is_american(value) => {
            let [area, exchange, line] = [&text[1..4], &text[4..7], &text[7..]];
            let mut forms: Vec<String> = ["", "-", ".", " "].map(|by| [area, exchange, line].join(by)).into();
            forms.extend([") ", ")"].map(|close| format!("({area}{close}{exchange}-{line}")));
            forms
        }
        Type::UsSsn | Type::UsItin if text.len() == 9 => {
            ["", "-", " "].map(|by| [&text[..3], &text[3..5], &text[5..]].join(by)).into()
        }
        Type::CreditCard => ["", "-", " "].map(|by| groups_of_four(&text).join(by)).into(),
        _ => vec![text.into_owned()],
    }
}

fn groups_of_four(text: &str) -> Vec<&str> {
    (0..text.len()).step_by(4).map(|at| text.get(at..(at + 4).min(text.len())).unwrap_or_default()).collect()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn title(text: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
