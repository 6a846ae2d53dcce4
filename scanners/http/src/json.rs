//! Places in answers: items, marks and keys, as the text they stand in.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

/// The value at a path of member names and positions with dots between; the whole for an empty one.
pub fn at<'j>(json: &'j RawValue, path: &str) -> Option<&'j RawValue> {
    if path.is_empty() {
        return Some(json);
    }
    // A name may have dots itself.
    if let Some(value) = member(json, path) {
        return Some(value);
    }
    path.match_indices('.').find_map(|(dot, _)| at(member(json, &path[..dot])?, &path[dot + 1..]))
}

fn member<'j>(json: &'j RawValue, name: &str) -> Option<&'j RawValue> {
    match json.get().as_bytes().first()? {
        b'{' => {
            let members: HashMap<Cow<'j, str>, &'j RawValue> = serde_json::from_str(json.get()).ok()?;
            members.get(name).copied()
        }
        b'[' => items(json)?.get(name.parse::<usize>().ok()?).copied(),
        _ => None,
    }
}

/// The elements of an array; none for `null`; `None` for anything else.
pub fn items(json: &RawValue) -> Option<Vec<&RawValue>> {
    match json.get().as_bytes().first()? {
        b'[' => serde_json::from_str(json.get()).ok(),
        b'n' => Some(Vec::new()),
        _ => None,
    }
}

/// A text, number or truth value as text; `None` for `null`.
pub fn text(json: &RawValue) -> Option<String> {
    match json.get().as_bytes().first()? {
        b'"' => serde_json::from_str(json.get()).ok(),
        b'n' => None,
        _ => Some(json.get().to_owned()),
    }
}

/// Whether it is a whole number that fits 64 bits.
pub fn is_integer(json: &RawValue) -> bool {
    json.get().parse::<i64>().is_ok_and(|number| number.to_string() == json.get())
}

/// A number that is not negative, written as a number or as text.
pub fn number(json: &RawValue) -> Option<u64> {
    text(json)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn places_are_found_and_nothing_is_rounded() {
        let json =
            raw(r#"{"a": {"b": [10, {"c.d": "x\u00e9"}]}, "n": 12345678901234567890123, "e\u0301": 1, "z": null}"#);
        let found = |path: &str| at(&json, path).and_then(text);
        assert_eq!(found("a.b.0").as_deref(), Some("10"));
        assert_eq!(found("a.b.1.c.d").as_deref(), Some("xé"));
        assert_eq!(found("n").as_deref(), Some("12345678901234567890123"));
        assert_eq!(found("e\u{301}").as_deref(), Some("1"));
        assert_eq!((found("z"), found("a.x"), found("a.b.2"), found("n.m")), (None, None, None, None));
        assert_eq!(at(&json, "").unwrap().get().len(), json.get().len());
        assert!(items(at(&json, "z").unwrap()).unwrap().is_empty() && items(&json).is_none());
        assert!(is_integer(&raw("-7")) && !is_integer(&raw("7.0")) && !is_integer(&raw("\"7\"")));
    }
}
