//! What a caller of the mail reader sees.

use proptest::prelude::*;
use residuum_source::{Coverage, Limits};

use crate::testing::{Seen, Value, cases, read_bytes, read_stream, read_with};

/// Values as `record field=value`, in order of part and place; `¶` for a line end.
fn show(seen: &Seen) -> Vec<String> {
    let mut values: Vec<&Value> = seen.values.iter().filter(|v| !v.bytes.is_empty()).collect();
    values.sort_by_key(|v| (v.part.clone(), v.raw));
    let line = |v: &&Value| {
        let text = String::from_utf8_lossy(&v.bytes).replace("\r\n", "¶").replace('\n', "¶");
        let record = v.record.text().map_or_else(|| v.record.number().to_string(), str::to_owned);
        let member = v.part.split_once('!').map(|(_, inner)| format!("{inner} ")).unwrap_or_default();
        format!("{member}{record} {}={text}", v.field)
    };
    values.iter().map(line).collect()
}

const HEAD: &str = "From: a@example.com\r\nDate: x\r\nMIME-Version: 1.0\r\n";
const SHOWN: [&str; 3] = ["1 From=a@example.com", "1 Date=x", "1 Mime-Version=1.0"];

#[test]
fn messages_as_fields_and_members() {
    let cases: [(&str, &str, &[&str]); 13] = [
        ("plain", "\r\nCall 555-0100.\r\nBye\r\n", &["1 =Call 555-0100.¶Bye"]),
        (
            "headers",
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_?=\r\n =?ISO-8859-1?B?Sm9z6Q==?= bye\r\nTo: \"Doe, Jane\" <j@example.com>,\r\n\tk@example.com\r\n\r\n",
            &["1 Subject=Grüße José bye", "1 To=\"Doe, Jane\" <j@example.com>,\tk@example.com"],
        ),
        (
            "quoted-printable",
            "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nJos=E9 at jos=\r\ne=40example.com = x\r\n",
            &[
                "1 Content-Type=text/plain; charset=iso-8859-1",
                "1 Content-Transfer-Encoding=quoted-printable",
                "1 =José at jose@example.com = x",
            ],
        ),
        (
            "Base64",
            "Content-Transfer-Encoding: base64\r\n\r\nSmFuZSA8\r\namFuZUBleGFtcGxlLmNvbT4=\r\n",
            &["1 Content-Transfer-Encoding=base64", "1 =Jane <jane@example.com>"],
        ),
        (
            "parts",
            "Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\nbefore\r\n--x y\r\n\r\none\r\n--x y\r\nContent-Type: text/html\r\n\r\n<p>two<b>&amp;</b></p>\r\n--x y--\r\nafter\r\n",
            &[
                "1 Content-Type=multipart/mixed; boundary=\"x y\"",
                "1 =before",
                "1 =one",
                "1 Content-Type=text/html",
                "1 =two&",
                "1 =after",
            ],
        ),
        (
            "attachments",
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/csv; name=\"=?utf-8?q?gr=C3=BC=C3=9Fe=2Ecsv?=\"\r\n\r\nname,mail\r\nJ,j@example.com\r\nK,k@example.com\r\n--x\r\n\
             Content-Disposition: attachment; filename*=utf-8''a%20b.txt\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x--\r\n",
            &[
                "1 Content-Type=multipart/mixed; boundary=x",
                "1 Content-Type=text/csv; name=\"grüße.csv\"",
                "1 Content-Disposition=attachment; filename*=utf-8''a%20b.txt",
                "1 Content-Transfer-Encoding=base64",
                "a b.txt 1 =hello",
                "grüße.csv 1 name=J",
                "grüße.csv 1 mail=j@example.com",
                "grüße.csv 2 name=K",
                "grüße.csv 2 mail=k@example.com",
            ],
        ),
        (
            "a message in a message",
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: b@example.com\r\nTo: c@example.com\r\nSubject: hi\r\n\r\ninner\r\n--x--\r\n",
            &[
                "1 Content-Type=multipart/mixed; boundary=x",
                "1 Content-Type=message/rfc822",
                "message.eml 1 From=b@example.com",
                "message.eml 1 To=c@example.com",
                "message.eml 1 Subject=hi",
                "message.eml 1 =inner",
            ],
        ),
        (
            "a boundary that begins another",
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=xy\r\n\r\n--xy\r\n\r\none\r\n--xy--\r\n--x\r\n\r\ntwo\r\n--x--\r\n",
            &[
                "1 Content-Type=multipart/mixed; boundary=x",
                "1 Content-Type=multipart/alternative; boundary=xy",
                "1 =one",
                "1 =two",
            ],
        ),
        ("no charset", "\r\nGrüße\r\n", &["1 =Grüße"]),
        (
            "Japanese",
            "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B;3ED\x1b(B x@example.com\r\n",
            &["1 Content-Type=text/plain; charset=iso-2022-jp", "1 =山田 x@example.com"],
        ),
        ("no encoded word", "Subject: =?x?= =?utf-8?z?a?= a=?b\r\n\r\n", &["1 Subject==?x?= =?utf-8?z?a?= a=?b"]),
        ("lines end in line feeds", "Subject: x\n y\n\nhello\nyou\n", &["1 Subject=x y", "1 =hello¶you"]),
        (
            "a multipart without boundary",
            "Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\none\r\n",
            &["1 Content-Type=multipart/mixed", "1 =--x¶¶one"],
        ),
    ];
    for (name, rest, expected) in cases {
        let message = format!("{HEAD}{rest}");
        for seen in [read_bytes("a", message.as_bytes()), read_stream("a", message.as_bytes(), &Limits::default())] {
            let shown = show(&seen);
            assert_eq!(shown[..3], SHOWN, "{name}");
            assert_eq!(shown[3..], *expected, "{name}");
            assert_eq!(seen.names().last(), Some(&("a", "eml", "read")), "{name}: {:?}", seen.reasons());
        }
    }
}

#[test]
fn places_lead_through_encodings() {
    let message = format!(
        "{HEAD}Subject: Re: =?utf-8?q?jane=40example.com?= hi\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\nWrite to jane=40exam=\r\nple.com\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         SmFuZSA8amFuZUBleGFtcGxl\r\nLmNvbT4=\r\n--x--\r\n"
    );
    let seen = read_bytes("a.eml", message.as_bytes());
    // Where the address stands, by what the bytes there say.
    let stands: Vec<&str> = seen
        .places("jane@example.com")
        .into_iter()
        .map(|(start, end)| &message[start as usize..end as usize])
        .collect();
    assert_eq!(stands, ["=?utf-8?q?jane=40example.com?=", "jane=40exam=\r\nple.com", "amFuZUBleGFtcGxl\r\nLmNvbT4"]);
}

#[test]
fn boxes_hold_messages() {
    let message = |n: u32| {
        format!(
            "From a@example.com Sat Mar 14 09:26:5{n} 2026\nFrom: a{n}@example.com\nSubject: {n}\n\nFrom here on\n>From there\n{n}\n\n"
        )
    };
    let text: String = (0..3).map(message).collect();
    for seen in [read_bytes("inbox", text.as_bytes()), read_stream("inbox", text.as_bytes(), &Limits::default())] {
        assert_eq!(seen.names(), [("inbox", "mbox", "read")]);
        assert_eq!(seen.outcome("inbox").records, 3);
        let shown = show(&seen);
        assert_eq!(
            shown[4..8],
            [
                "2 Envelope-From=a@example.com Sat Mar 14 09:26:51 2026",
                "2 From=a1@example.com",
                "2 Subject=1",
                "2 =From here on¶>From there¶1",
            ]
        );
    }
}

#[test]
fn what_is_wrong_is_told() {
    let cut = format!("{HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n");
    let seen = read_bytes("a.eml", cut.as_bytes());
    assert_eq!(seen.outcome("a.eml").coverage, Coverage::Unreadable);
    assert!(seen.reasons()[0].contains("ends inside a part"), "{:?}", seen.reasons());
    let long = format!("{HEAD}\r\n{}", "jane@example.com ä\r\n".repeat(10_000));
    let seen = read_with("a.eml", long.as_bytes(), &Limits { batch_bytes: 10_000, ..Limits::default() });
    assert_eq!((seen.places("jane@example.com").len(), seen.outcome("a.eml").coverage), (10_000, Coverage::Read));
    assert!(seen.largest < 40_000, "{} bytes in a batch", seen.largest);
    let long = format!("{HEAD}Content-Type: text/html\r\n\r\n{}", "jane@example.com\r\n".repeat(10_000));
    let limits = Limits { whole_bytes: 8 * 100_000, ..Limits::default() };
    let seen = read_with("a.eml", long.as_bytes(), &limits);
    assert_eq!(seen.outcome("a.eml").coverage, Coverage::Limit);
    assert!(seen.reasons()[0].contains("`whole_bytes`"), "{:?}", seen.reasons());
    let deep: String =
        (0..100).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n")).collect();
    let seen = read_bytes("a.eml", format!("{HEAD}{deep}\r\njane@example.com\r\n").as_bytes());
    assert_eq!(seen.places("jane@example.com").len(), 1, "what is too deep is text");
    let nested = "Content-Type: message/rfc822\r\n\r\nFrom: a@example.com\r\nTo: b\r\nSubject: c\r\n".repeat(20);
    let seen = read_bytes("a.eml", format!("{HEAD}{nested}\r\nx\r\n").as_bytes());
    assert!(seen.reasons().iter().any(|reason| reason.contains("`depth`")), "{:?}", seen.reasons());
}

proptest! {
    #![proptest_config(cases(96))]

    /// Whatever the bytes, reading ends, every byte is read, and places stand in the object.
    #[test]
    fn anything_is_read(pieces in proptest::collection::vec(prop_oneof![
        proptest::sample::select(vec!["\n", "\r\n", "\n\n", "--x", "--x--", "--y\n", "From a@b.example 09:26\n", "Subject: ", "Content-Type: multipart/mixed; boundary=x\n",
            "Content-Type: multipart/mixed; boundary=y\n\n", "Content-Type: text/html\n\n", "Content-Type: message/rfc822\n\n", "Content-Transfer-Encoding: base64\n",
            "Content-Transfer-Encoding: quoted-printable\n", "Content-Disposition: attachment; filename=a\n", "=?utf-8?q?", "?=", "=?iso-8859-1?B?", "=E9", "=", "é",
            "amFuZUBleGFtcGxlLmNvbQ==", "<b>", " jane@example.com ", ": "]).prop_map(str::to_owned),
        "[ -~é]{0,8}"], 0..60), batch_bytes in 1usize..200, is_box in any::<bool>()) {
        let from = if is_box { "From a@example.com Sat Mar 14 09:26:53 2026\n" } else { "" };
        let mail = format!("{from}From: a@example.com\nTo: b@example.com\nSubject: x\n{}", pieces.concat());
        let limits = Limits { batch_bytes, ..Limits::default() };
        for seen in [read_with("a", mail.as_bytes(), &limits), read_stream("a", mail.as_bytes(), &limits)] {
            let (part, outcome) = seen.closed.last().expect("it was read");
            prop_assert_eq!(part.path.as_str(), "a");
            if matches!(part.format, "eml" | "mbox") {
                prop_assert_eq!(outcome.bytes, mail.len() as u64);
            }
            for value in seen.values.iter().filter(|v| v.part == "a") {
                if let Some((start, end)) = value.raw {
                    prop_assert!(start < end && end <= mail.len() as u64);
                }
            }
        }
    }
}
