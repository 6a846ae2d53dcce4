//! The words of the names of fields and tables that say who is meant.

mod lists;

pub(super) use lists::*;

/// The words of a name: `shipTo_email2` is ship, to, email.
pub(crate) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_lower) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        if !c.is_alphabetic() || (was_lower && c.is_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A noun as it stands for one: `people` is person, `companies` is company.
pub(crate) fn singular(word: &str) -> String {
    match word {
        "people" => "person".to_owned(),
        word => match word.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => word.strip_suffix('s').unwrap_or(word).to_owned(),
        },
    }
}

/// Whether a word says that a field holds a key, and not of what.
pub(super) fn is_of_key(word: &str) -> bool {
    ["id", "ids", "uid", "key", "no", "number", "num", "nr", "uuid", "guid", "fk", "ref", "pk"].contains(&word)
}

/// Whether a name says that somebody does something with what is others' or nobody's: `agent_id`, `handled_by`.
pub(super) fn act(words: &[String]) -> bool {
    let is_by = |word: &String| word == "by" || word.strip_suffix("by").is_some_and(|verb| verb.ends_with("ed"));
    let by = words.iter().position(is_by);
    // What somebody ordered is theirs.
    let verb = |at: usize| match words[at].strip_suffix("by") {
        Some(verb) if !verb.is_empty() => Some(verb),
        _ => at.checked_sub(1).map(|before| words[before].as_str()),
    };
    let acts = |word: &String| {
        let bare = word.strip_suffix("id").filter(|bare| bare.len() > 3).unwrap_or(word);
        ACTING.contains(&word.as_str()) || ACTING.contains(&bare)
    };
    by.is_some_and(|at| !verb(at).is_some_and(|verb| OWN_DEEDS.contains(&verb))) || words.iter().any(acts)
}

/// Whether a table is named after people of whom records are kept: `customers`, `app_users`.
pub(super) fn is_named_after_people(table: &str) -> bool {
    let words = words(table);
    let Some(last) = words.last().map(|last| singular(last)) else { return false };
    [&SERVED[..], &EMPLOYEES, &THEMSELVES].iter().any(|list| list.contains(&last.as_str()))
        || ACTING.contains(&last.as_str())
}
