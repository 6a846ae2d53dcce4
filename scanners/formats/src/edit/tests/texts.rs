//! Texts that other programs made (`fixtures/texts`), and ways of writing that these lack.

use residuum_source::conformance::Edits;

use super::Case;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/texts/", $name)).to_vec()
    };
}

/// A case for each format that is read field by field.
pub(super) fn cases() -> Vec<Case> {
    let of_xml: fn(Edits) -> Edits = |edits| {
        edits
            .delete("customers.customer.name", "Anna Schmidt")
            .set("customers.customer@email", "maria.lopez@example.com", "<\"x\"> & 'y'")
            .set("customers.customer.name", "Maria", "<b> & \u{2713}")
            .set("customers.customer.note", "+1 415 555 0142", "]]> & <i>")
            .set("customers.customer.#comment", "maria.old@example.com", "nobody")
            .null("customers.customer.phone", "(212) 555-0119")
    };
    vec![
        Case::new("customers.xml", fixture!("customers.xml"), of_xml),
        Case::new("utf16.xml", fixture!("customers-utf16.xml"), of_xml),
        Case::new("latin2.xml", fixture!("customers-latin2.xml"), of_xml),
        Case::new("soap.xml", "<a><b>x &amp; y</b><b>z &#64; <![CDATA[<w>]]> v</b></a>", |edits| {
            edits.set("a.b", "& y", "<y>").set("a.b", "@ <w", "")
        }),
        Case::new(
            "page.html",
            "<html><body><p title='Ann A'>Call <b>Ann</b> at 415-555-0100 &amp; ask</p><input name=\"email\" value=\"ann@example.com\">\
             <!-- for Ann --></body></html>",
            |edits| {
                edits.set("", "Ann at 415-555-0100 &", "<nobody>").set("p@title", "Ann", "\"B\" & 'C'").set(
                    "input.email",
                    "ann",
                    "x",
                )
            },
        ),
        Case::new("people.yaml", fixture!("people.yaml"), |edits| {
            edits
                .delete("customer.given", "Anna")
                .set("customer.phone", "+1 415 555 0142", "none: # \"x\"")
                .set("tags[]", "a", "true")
        }),
        Case::new("config.yml", fixture!("config.yml"), |edits| {
            edits.delete("list[].given", "Anna").set("list[].given", "José", "a \"b\"\nc").set(
                "list[].family",
                "Muñoz",
                "x",
            )
        }),
        Case::new(
            "list.yaml",
            "# people\n- name: Ann\n  note: |\n    call 415-555-0100\n\n    now\n\n- {name: 'it''s Bob', zip: 12345}\n- name: Cy\n  \
             age: 41\n\n# the end\n",
            |edits| {
                edits
                    .delete("name", "Ann")
                    .delete("name", "Cy")
                    .set("name", "it's", "'\"x\"'")
                    .set("zip", "12345", "none")
            },
        ),
        Case::new("flow.yaml", "people: [{name: Ann, a: 1}, {name: Bob, a: 2}, {name: Cy, a: 3}]\n", |edits| {
            edits.delete("people[].name", "Bob").delete("people[].name", "Cy")
        }),
        Case::new("people.toml", fixture!("people.toml"), |edits| {
            edits.delete("customer.given", "José").set("customer.given", "Maria", "a \"b\"\n\\c").set(
                "quoted",
                "jane.doe@example.com",
                "\"",
            )
        }),
        Case::new(
            "more.toml",
            "[[p]]\nname = 'Ann'\nage = 41\n# on p\n\n# the next\n[[p]]\nname = 'Bob'\ntags = ['x', \"y\"]\n[p.more]\nz = 'w'\n[other]\nname = 'Ann'\n",
            |edits| {
                edits.delete("p.name", "Bob").set("p.name", "Ann", "it's").set("p.age", "41", "forty").set(
                    "other.name",
                    "Ann",
                    "x",
                )
            },
        ),
        Case::new("app.ini", fixture!("app.ini"), |edits| {
            edits.set("smtp.user", "jane.doe@example.com", "nobody").set("owner.name", "Jane Doe", "")
        }),
        Case::new(".env", "USER=\"Jane \\\"J\\\" Doe\"\nMAIL=jane@example.com # hers\nPORT=25\n", |edits| {
            edits.set("USER", "Jane \"J\"", "a\"b\\c").set("MAIL", "jane@", "x@")
        }),
        Case::new("app.properties", "user.name = Jane \\\n  Doe\nmail=jane\\u0040example.com\n! jane\n", |edits| {
            edits.set("user.name", "Jane Doe", " \u{e9}\\x").set("mail", "jane@", "x@")
        }),
        Case::new("people.vcf", fixture!("people.vcf"), |edits| {
            edits
                .delete("FN", "Anna Schmidt")
                .set("FN", "Maria Lopez", "a, b; c\\d\ne")
                .set("N", "Lopez;Maria", "X;Y")
                .set("N.family_name", "Lopez", "X")
                .set("N.given_name", "Maria", "Y")
                .set("NOTE", "Long note, with; separators", "x")
                .set("NOTE", "12 Elm Street", "")
        }),
        Case::new(
            "old.vcf",
            "BEGIN:VCARD\r\nVERSION:2.1\r\nN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Mu=C3=B1oz;Jos=C3=\r\n=A9\r\nTEL:415-555-0100\r\nEND:VCARD\r\n",
            |edits| {
                edits.set("N.given_name", "José", "\u{fc} = x").set("N", ";José", ";\u{fc} = x").set(
                    "TEL",
                    "415-555-0100",
                    "-",
                )
            },
        ),
        Case::new("calls.ics", fixture!("calls.ics"), |edits| {
            edits
                .delete("UID", "C-2@example.com")
                .set("SUMMARY", "Maria Lopez, about", "x; y")
                .set("ATTENDEE@CN", "Maria Lopez", "X, Y")
                .set("ATTENDEE", "maria.lopez@example.com", "x@example.com")
                .set("DESCRIPTION", "maria.lopez@example.com before the", "x")
        }),
        Case::new("u_ex260314.log", fixture!("u_ex260314.log"), |edits| {
            edits.delete("cs-username", "anna").set("cs-username", "maria", "no+body").null("cs-username", "jos")
        }),
        Case::new("mail.eml", fixture!("mail.eml"), |edits| {
            edits
                .set("From", "José Muñoz", "nobody")
                .set("From", "jose.munoz@example.org", "x@example.com")
                .set("Subject", "Rückfrage von José Muñoz,", "\u{e4}\u{2713} x")
                .set("", "7 Oak Avenue, Portland, OR 97201 \u{2013}", "= \u{e9}")
        }),
        Case::new("box.mbox", fixture!("box.mbox"), |edits| {
            edits.delete("Message-Id", "<C-2@mail.example.com>").set("", "12 Elm Street, Springfield, IL 62704", "-")
        }),
        Case::new(
            "base64.eml",
            "From: Ann <ann@example.com>\r\nTo: b@example.com\r\nDate: Sat, 14 Mar 2026 09:26:53 +0000\r\nSubject: x\r\nMIME-Version: \
             1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: base64\r\n\r\n\
             RGVhciBKb3PpLA0KDQpteSBuYW1lIGlzIEFubiwgY2FsbCA0MTUtNTU1LTAxMDAgb3IgNDE1LTU1\r\nNS0wMTAxLg0KDQo=\r\n",
            |edits| edits.set("", "415-555-0100", "\u{fc}").set("", "José", "Ann"),
        ),
    ]
}
