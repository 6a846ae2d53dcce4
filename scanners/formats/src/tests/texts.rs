//! Text-like files that other programs made (`fixtures/texts`).

use residuum_source::Record;

use crate::testing::read_bytes;

#[test]
fn files_of_other_programs() {
    let cases: [(&str, &str, &str, &[Case]); 14] = [
        ("customers.xml", "xml", "UTF-8", CUSTOMERS),
        ("customers-utf16.xml", "xml", "UTF-16LE", CUSTOMERS),
        ("customers-latin2.xml", "xml", "ISO-8859-2", CUSTOMERS),
        (
            "mail.eml",
            "eml",
            "",
            &[
                ("From", "part 1", "José Muñoz <jose.munoz@example.org>"),
                ("Subject", "part 1", "Rückfrage von José Muñoz, bitte anrufen unter (212) 555-0119, danke"),
                ("", "part 1", "my new address is 7 Oak Avenue, Portland, OR 97201 – please call (212) 555-0119."),
                ("", "part 1", "Call (212) 555-0119 & ask for José"),
            ],
        ),
        (
            "box.mbox",
            "mbox",
            "",
            &[
                ("From", "part 3", "Anna Schmidt <anna.schmidt@example.net>"),
                ("", "part 2", "please call (212) 555-0119."),
                ("Message-Id", "part 1", "<C-1@mail.example.com>"),
            ],
        ),
        (
            "people.yaml",
            "yaml",
            "UTF-8",
            &[("customer.email", "row 1", "maria.lopez@example.com"), ("tags[]", "row 3", "anna.schmidt@example.net")],
        ),
        (
            "config.yml",
            "yaml",
            "UTF-8",
            &[
                ("list[].family", "row 2", "Muñoz"),
                ("list[].phone", "row 3", "650.555.0177"),
                ("notes", "document", "line two: call 415-555-0100"),
            ],
        ),
        (
            "people.vcf",
            "vcard",
            "UTF-8",
            &[
                ("EMAIL", "row 2", "jose.munoz@example.org"),
                ("N.family_name", "row 3", "Schmidt"),
                ("NOTE", "row 1", "folded: 12 Elm Street, Springfield, IL 62704"),
            ],
        ),
        (
            "calls.ics",
            "icalendar",
            "UTF-8",
            &[
                ("SUMMARY", "row 1", "Call with Maria Lopez, about; the order"),
                ("ATTENDEE", "row 2", "jose.munoz@example.org"),
                ("ATTENDEE@CN", "row 3", "Anna Schmidt"),
                ("DESCRIPTION", "row 1", "write to maria.lopez@example.com before the meeting"),
            ],
        ),
        (
            "people.toml",
            "toml",
            "UTF-8",
            &[
                ("customer.email", "row 3", "anna.schmidt@example.net"),
                ("owner.phone", "document", "(212) 555-0119"),
                ("quoted", "document", "say \"jane.doe@example.com\"\tnow"),
            ],
        ),
        (
            "app.ini",
            "ini",
            "UTF-8",
            &[("smtp.user", "document", "jane.doe@example.com"), ("owner.name", "document", "Jane Doe")],
        ),
        (
            "u_ex260314.log",
            "w3c",
            "UTF-8",
            &[
                ("cs-username", "line 5", "maria"),
                ("c-ip", "line 7", "198.51.100.3"),
                ("cs-uri-query", "line 6", "email=jose.munoz@example.org"),
            ],
        ),
        (
            "soap.xml",
            "xml",
            "UTF-8",
            &[
                ("Envelope.Body.people.person.email", "row 1", "maria.lopez@example.com"),
                ("Envelope.Body.people.person.phone", "row 3", "650.555.0177"),
            ],
        ),
        (
            "page.html",
            "html",
            "UTF-8",
            &[
                ("", "document", "Ask Jane Doe <jane.doe@example.com> or ring 415-555-0100."),
                ("Name", "row 1", "Maria Lopez"),
                ("Phone", "row 3", "650.555.0177"),
                ("a@href", "row 2", "jose.munoz@example.org"),
                ("input.email", "document", "maria.lopez@example.com"),
                ("meta.author", "document", "Jane Doe"),
                ("div@data-owner", "document", "anna.schmidt@example.net"),
                ("", "document", "kept from sight"),
                ("script", "document", "var owner = 'jose.munoz@example.org';"),
            ],
        ),
    ];
    for (file, format, encoding, expected) in cases {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/texts/").to_owned() + file;
        let bytes = std::fs::read(path).expect("the fixture can be read");
        let seen = read_bytes(file, &bytes);
        let (part, outcome) = seen.closed.last().expect("it was read");
        assert_eq!((part.format, outcome.reason.as_deref()), (format, None), "{file}");
        assert!(part.encoding.is_none_or(|told| told == encoding), "{file}: {:?}", part.encoding);
        for (field, record, value) in expected {
            let holds = |v: &&crate::testing::Value| {
                v.part == file
                    && v.field == *field
                    && name(&v.record) == *record
                    && String::from_utf8_lossy(&v.bytes).contains(value)
            };
            let found = seen.values.iter().find(holds);
            let found = found.unwrap_or_else(|| {
                let of_field: Vec<_> = seen.values.iter().filter(|v| v.field == *field).collect();
                panic!("{file}: `{field}` of {record} says `{value}`, not {of_field:?}")
            });
            let (start, end) = found.raw.expect("text has places");
            assert!(start < end && end <= bytes.len() as u64, "{file}: {field}");
        }
    }
}

/// Field, record and what the value says.
type Case = (&'static str, &'static str, &'static str);

const CUSTOMERS: &[Case] = &[
    ("customers@exported", "document", "2026-03-14"),
    ("customers.customer@id", "row 1", "C-1"),
    ("customers.customer@email", "row 3", "anna.schmidt@example.net"),
    ("customers.customer.name", "row 2", "José Muñoz"),
    ("customers.customer.address", "row 3", "PO Box 44, Austin, TX 78701"),
    ("customers.customer.note", "row 2", "<b>José</b> & family, call (212) 555-0119"),
    ("customers.customer.#comment", "row 2", "formerly josé.old@example.com"),
];

fn name(record: &Record) -> String {
    match record {
        Record::Number(kind, 0) => kind.name().to_owned(),
        Record::Number(kind, number) => format!("{} {number}", kind.name()),
        Record::Text(kind, text) => format!("{} {text}", kind.name()),
    }
}
