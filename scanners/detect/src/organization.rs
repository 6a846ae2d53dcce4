//! Names of organisations in running text, told by their legal form (`Initech LLC`), by what they are (`First
//! National Bank`), or by what they are of something (`University of Nowhere`).
//!
//! Only words with capitals belong to a name, and a kind by itself (`the Bank`) names nothing.

use std::ops::Range;

/// Legal forms: whatever stands before one is an organisation.
pub(crate) const FORMS: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "corp",
    "corporation",
    "incorporated",
    "limited",
    "gmb h",
    "gmbh",
    "plc",
    "llp",
    "lp",
    "pllc",
    "bv",
    "nv",
    "srl",
    "pty",
    "oy",
    "ab",
    "as",
    "aps",
    "kg",
    "sarl",
    "sas",
    "spa",
    "kk",
    "pvt",
];

/// What organisations are, as the last word of their names.
pub(crate) const KINDS: &[&str] = &[
    "bank",
    "hospital",
    "clinic",
    "university",
    "college",
    "school",
    "academy",
    "institute",
    "foundation",
    "association",
    "insurance",
    "airlines",
    "airways",
    "church",
    "pharmacy",
    "holdings",
    "associates",
    "partners",
    "technologies",
    "solutions",
    "dynamics",
    "logistics",
    "industries",
    "enterprises",
    "consulting",
    "analytics",
    "pharmaceuticals",
    "laboratories",
    "studios",
    "cooperative",
    "committee",
    "commission",
    "council",
    "ministry",
    "department",
    "bureau",
    "agency",
    "authority",
    "federation",
    "seminary",
    "museum",
    "library",
    "police",
    "credit union",
    "medical center",
    "health system",
    "health group",
    "law firm",
    "high school",
    "police department",
    "sheriff's office",
    "revenue service",
    "savings bank",
    "trust company",
    "motors",
    "restaurants",
    "providers",
    "ventures",
    "securities",
    "realty",
    "properties",
    "brothers",
    "sons",
    "co",
];

/// What organisations are of something: `Department of Energy`.
pub(crate) const OF: &[&str] = &[
    "university of",
    "department of",
    "bank of",
    "ministry of",
    "institute of",
    "bureau of",
    "college of",
    "school of",
    "church of",
    "institutes of",
    "association of",
    "board of",
    "office of",
    "academy of",
    "county of",
    "city of",
];

/// The organisation whose legal form stands at `start..end`.
pub(crate) fn with_form(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let form = &text[start..end];
    // `as`, `ab` and `spa` are words: AS, AB and SpA are none.
    if !form[0].is_ascii_uppercase() && !form.eq_ignore_ascii_case(b"gmbh") || form.len() <= 3 && !is_form(form) {
        return None;
    }
    if goes_on(text, end) {
        return None;
    }
    let first = words_before(text, start)?;
    let dot = text.get(end) == Some(&b'.') && !matches!(form, b"LLC" | b"GmbH" | b"LLP" | b"PLC");
    Some(first..end + usize::from(dot))
}

/// The organisation whose kind stands at `start..end`.
pub(crate) fn of_kind(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !is_title(&text[start..end]) || goes_on(text, end) {
        return None;
    }
    let first = words_before(text, start)?;
    let names = |word: &[u8]| !word.is_empty() && !GENERAL.iter().any(|general| general.eq_ignore_ascii_case(word));
    if !text[first..start].split(|b| matches!(b, b' ' | b'-')).any(names) {
        return None;
    }
    let company = text[start..end].eq_ignore_ascii_case(b"co");
    let another = next_capital(text, end);
    if another || company && text.get(end) != Some(&b'.') {
        return None;
    }
    Some(first..end + usize::from(company))
}

/// The organisation that begins with a kind and `of` at `start..end`.
pub(crate) fn of_something(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if !is_title(&text[start..end]) || text.get(end) != Some(&b' ') {
        return None;
    }
    let mut at = end + 1;
    at += [&b"the "[..], b"The "].iter().find(|article| text[at..].starts_with(article)).map_or(0, |a| a.len());
    let mut last = None;
    for _ in 0..5 {
        let length = word(&text[at..]);
        let this = &text[at..at + length];
        if length < 2 {
            break;
        }
        let joins = matches!(this, b"and" | b"of") && last.is_some();
        if !joins && !this[0].is_ascii_uppercase() {
            break;
        }
        if !joins {
            last = Some(at + length);
        }
        if text.get(at + length) != Some(&b' ') {
            break;
        }
        at += length + 1;
    }
    let first = words_before(text, start).unwrap_or(start);
    let goes_on = last.is_some_and(|last| goes_on(text, last));
    last.filter(|_| !goes_on).map(|last| first..last)
}

/// Where the words with capitals begin that stand before `end`, `&`, `and`, `of` and `for` between them.
fn words_before(text: &[u8], end: usize) -> Option<usize> {
    let mut at = end;
    let mut first = None;
    for _ in 0..6 {
        // A space, or `, ` before a form.
        let gap = if text[..at].ends_with(b", ") && first.is_none() { 2 } else { 1 };
        let Some(to) = at.checked_sub(gap).filter(|to| text[*to..at].ends_with(b" ") && *to > 0) else { break };
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || **b >= 0x80 || matches!(**b, b'\'' | b'&' | b'-' | b'.');
        let length = text[..to].iter().rev().take(24).take_while(of_word).count();
        let this = &text[to - length..to];
        let Some(initial) = this.first() else { break };
        let joins = matches!(this, b"&" | b"and" | b"of" | b"for");
        let capital = initial.is_ascii_uppercase() || *initial >= 0xc3 || initial.is_ascii_digit() && first.is_some();
        // `Ltd. Acme`: a sentence ended.
        let ended = this.ends_with(b".") && this.len() > 2 && this.iter().filter(|b| **b == b'.').count() == 1;
        if ended || !(joins && (first.is_some() || this == b"&") || capital) {
            break;
        }
        if joins && this != b"&" {
            let before = text[..to - length].trim_ascii_end();
            let word = before.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
            if !before[before.len() - word..].first().is_some_and(u8::is_ascii_uppercase) {
                break;
            }
        }
        at = to - length;
        if !joins {
            if STOPS.iter().any(|stop| stop.eq_ignore_ascii_case(this)) {
                break;
            }
            first = Some(at);
        }
        if first.is_none() && this == b"&" {
            first = Some(at);
        }
        if !matches!(text[..at].last(), Some(b' ')) {
            break;
        }
    }
    let start = first?;
    let free = !text[..start].last().is_some_and(|b| b.is_ascii_alphanumeric() || b"_@/.-=$<#".contains(b));
    (free && end - start <= LONGEST && text[start] != b'&').then_some(start)
}

/// Whether what follows joins the word to something else: `Bank_`, `Inc-2`.
fn goes_on(text: &[u8], end: usize) -> bool {
    text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || b"_@/=({[-\\:".contains(b) && *b != b':')
}

/// Whether another word with a capital follows: the name is not at its end.
fn next_capital(text: &[u8], end: usize) -> bool {
    text.get(end) == Some(&b' ') && text.get(end + 1).is_some_and(u8::is_ascii_uppercase)
}

/// A capital and small letters.
fn is_title(word: &[u8]) -> bool {
    word[0].is_ascii_uppercase() && word[1..].iter().any(u8::is_ascii_lowercase)
}

/// How short legal forms are written.
fn is_form(form: &[u8]) -> bool {
    matches!(
        form,
        b"Inc"
            | b"INC"
            | b"LLC"
            | b"Ltd"
            | b"LTD"
            | b"LP"
            | b"LLP"
            | b"PLC"
            | b"Plc"
            | b"BV"
            | b"NV"
            | b"Srl"
            | b"SRL"
            | b"Pty"
            | b"Oy"
            | b"AB"
            | b"AS"
            | b"ApS"
            | b"KG"
            | b"SAS"
            | b"SpA"
            | b"KK"
            | b"Pvt"
    )
}

/// Length of the word at the beginning.
fn word(text: &[u8]) -> usize {
    text.iter().take(24).take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80 || matches!(**b, b'\'' | b'-')).count()
}

/// Words that say which of a kind and name none: `Primary School`, `Private Bank`.
const GENERAL: &[&[u8]] = &[
    b"primary",
    b"secondary",
    b"high",
    b"elementary",
    b"middle",
    b"public",
    b"private",
    b"local",
    b"central",
    b"general",
    b"technical",
    b"vocational",
    b"nursery",
    b"religious",
    b"health",
    b"mental",
    b"dental",
    b"emergency",
    b"mobile",
    b"field",
    b"regional",
    b"district",
    b"provincial",
    b"state",
    b"rural",
    b"urban",
    b"temporary",
    b"new",
    b"old",
    b"main",
    b"other",
    b"catholic",
    b"community",
    b"business",
    b"graduate",
    b"online",
    b"food",
    b"blood",
    b"data",
    b"standard",
    b"class",
    b"runtime",
    b"dynamic",
    b"static",
    b"parent",
    b"child",
    b"boarding",
    b"national",
    b"social",
    b"life",
    b"car",
    b"home",
    b"travel",
    b"medical",
    b"legal",
    b"finance",
    b"financial",
    b"sales",
    b"marketing",
];

/// Words with which sentences begin, and no name.
const STOPS: &[&[u8]] = &[
    b"the", b"a", b"an", b"this", b"that", b"these", b"those", b"our", b"your", b"my", b"his", b"her", b"their",
    b"its", b"at", b"in", b"on", b"from", b"with", b"by", b"to", b"if", b"when", b"while", b"as", b"is", b"was", b"no",
    b"not", b"any", b"some", b"each", b"every", b"dear", b"hi", b"hello", b"thanks", b"visit", b"contact", b"call",
    b"email", b"via", b"please", b"after", b"before", b"since", b"did", b"does", b"has", b"had", b"i", b"we", b"he",
    b"she", b"they", b"it", b"and", b"or", b"but", b"for", b"of", b"error", b"warning", b"info", b"bill", b"ask",
    b"tell", b"both", b"former", b"local", b"which", b"what", b"why", b"how", b"where", b"who", b"per", b"re", b"fwd",
];

/// Longest name.
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_are_read_around_their_words() {
        let forms = [
            ("sued Acme Widgets Inc. in May", "Inc", Some("Acme Widgets Inc.")),
            ("Müller GmbH liefert", "GmbH", Some("Müller GmbH")),
            ("Johnson & Johnson, Inc. said", "Inc", Some("Johnson & Johnson, Inc.")),
            ("such as this", "as", None),
            ("it AS that", "AS", None),
            ("a Inc", "Inc", None),
        ];
        for (text, form, want) in forms {
            let at = text.rfind(form).unwrap();
            assert_eq!(with_form(text.as_bytes(), at, at + form.len()).map(|r| &text[r]), want, "{text}");
        }
        let kinds = [
            ("from First National Bank yesterday", "Bank", Some("First National Bank")),
            ("Sterling & Associates reported", "Associates", Some("Sterling & Associates")),
            ("the Riverside Community Hospital.", "Hospital", Some("Riverside Community Hospital")),
            ("The Bank called", "Bank", None),
            ("a Primary School.", "School", None),
            ("Data Bank Account", "Bank", None),
            ("a river bank", "bank", None),
            ("Blood_Bank", "Bank", None),
        ];
        for (text, kind, want) in kinds {
            let at = text.find(kind).unwrap();
            assert_eq!(of_kind(text.as_bytes(), at, at + kind.len()).map(|r| &text[r]), want, "{text}");
        }
        let of = [
            ("the University of Nowhere in", "University of", Some("University of Nowhere")),
            ("U.S. Department of Energy issued", "Department of", Some("U.S. Department of Energy")),
            (
                "the Department of Health and Human Services.",
                "Department of",
                Some("Department of Health and Human Services"),
            ),
            ("Department of the army", "Department of", None),
        ];
        for (text, kind, want) in of {
            let at = text.find(kind).unwrap();
            assert_eq!(of_something(text.as_bytes(), at, at + kind.len()).map(|r| &text[r]), want, "{text}");
        }
    }
}
