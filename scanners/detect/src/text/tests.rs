use proptest::prelude::*;

use super::fixture::{detector, standard_forms, typed};
use crate::FieldPlan;

/// Text, and what must be found in it.
const CASES: &[(&str, &[(&str, &str)])] = &[
    ("Write to Jane.Doe+x@Mail.Example.com.", &[("EMAIL", "Jane.Doe+x@Mail.Example.com")]),
    ("<o'brien@example.org>;mailto:x@example.net", &[("EMAIL", "o'brien@example.org"), ("EMAIL", "x@example.net")]),
    ("'ana@example.com' (bob@example.com)", &[("EMAIL", "ana@example.com"), ("EMAIL", "bob@example.com")]),
    ("email=jose%C3%A9@example.com", &[("EMAIL", "jose%C3%A9@example.com")]),
    (
        "josé@exämple.com, \"john smith\"@example.com",
        &[("EMAIL", "josé@exämple.com"), ("EMAIL", "\"john smith\"@example.com")],
    ),
    (
        r"a line\njane@example.com\r\nx \tbob@example.org",
        &[("EMAIL", "jane@example.com"), ("EMAIL", "bob@example.org")],
    ),
    ("git@host:repo 3@4 a@b @handle x@2x.5", &[]),
    (
        "(415) 555-0134, 415-555-0134, 415.555.0134",
        &[("PHONE", "(415) 555-0134"), ("PHONE", "415-555-0134"), ("PHONE", "415.555.0134")],
    ),
    ("+1 415 555 0134 x12; +44 20 7946 0958", &[("PHONE", "+1 415 555 0134 x12"), ("PHONE", "+44 20 7946 0958")]),
    ("+44 (0)20 7946 0958 or 0044 20 7946 0958", &[("PHONE", "+44 (0)20 7946 0958"), ("PHONE", "0044 20 7946 0958")]),
    ("\"phone\":\"4155550134\" order 4155550134", &[("PHONE", "4155550134")]),
    ("1-415-555-0134", &[("PHONE", "1-415-555-0134")]),
    ("4155550134 at 1700000000 200 94994 415 555 01345", &[]),
    ("SSN 219-09-8761, 219 09 8761", &[("US_SSN", "219-09-8761"), ("US_SSN", "219 09 8761")]),
    ("ssn: 219098761 routing 021000021", &[("US_SSN", "219098761"), ("US_ROUTING", "021000021")]),
    ("219098761 021000021 SKU-219-09-8761 219-09-8761-2 219-09.8761 1219-09-8761", &[]),
    ("order number 219-09-8761", &[]),
    ("itin 912-70-1234", &[("US_ITIN", "912-70-1234")]),
    (
        "card 4111 1111 1111 1111 exp, 3782-822463-10005;5555555555554444",
        &[
            ("CREDIT_CARD", "4111 1111 1111 1111"),
            ("CREDIT_CARD", "3782-822463-10005"),
            ("CREDIT_CARD", "5555555555554444"),
        ],
    ),
    ("4111 1111 1111 1112 and 4111-1111 1111-1111 and 41111111111111111", &[]),
    (
        "DE89 3704 0044 0532 0130 00; GB82WEST12345698765432.",
        &[("IBAN", "DE89 3704 0044 0532 0130 00"), ("IBAN", "GB82WEST12345698765432")],
    ),
    ("de89370400440532013000, be68539007547034", &[("IBAN", "de89370400440532013000"), ("IBAN", "be68539007547034")]),
    ("id ad85-4365-b2e0-9e5ad586670a 8c1f4a6e-ad85-4365-b2e0-9e5ad586670a", &[]),
    ("card 4288 0036 2246 7343, 4288-0036-2246-7343 and 12 0044 20 7946 0958", &[]),
    ("2026-01-01T00:00:00.4Z GET [01/Jan/2026:00:00:00 +0000] [2026-01-01 00:00:00]", &[]),
    ("203.0.113.77:8080 /198.51.100.4/24", &[("IP_ADDRESS", "203.0.113.77"), ("IP_ADDRESS", "198.51.100.4")]),
    (
        "my ip: ::1, addr:fe80::1%eth0; text2001:db8::1 2001::25de::cade",
        &[("IP_ADDRESS", "::1"), ("IP_ADDRESS", "fe80::1%eth0")],
    ),
    ("IBAN DE44 5001 0517 5407 3249 31 ist", &[("IBAN", "DE44 5001 0517 5407 3249 31")]),
    ("due May-2021 or 05/2021", &[("DATE", "May-2021"), ("DATE", "05/2021")]),
    ("1.2.3.4.5 v1.2.3.4 version 1.2.3.4 256.1.1.1 01.2.3.4 Chrome/120.0.0.0", &[]),
    ("[2001:db8::8a2e:370:7334] at 12:30:45 std::vec", &[("IP_ADDRESS", "2001:db8::8a2e:370:7334")]),
    ("src=2001:db8:85a3:8d3:1319:8a2e:370:7348", &[("IP_ADDRESS", "2001:db8:85a3:8d3:1319:8a2e:370:7348")]),
    (
        "00:1B:44:11:3A:B7 00-1B-44-11-3A-B7",
        &[("MAC_ADDRESS", "00:1B:44:11:3A:B7"), ("MAC_ADDRESS", "00-1B-44-11-3A-B7")],
    ),
    ("vin 1HGCM82633A004352 not 1HGCM82633A004353", &[("VIN", "1HGCM82633A004352")]),
    ("device_id=6f9619ff-8b86-d011-b42d-00cf4fc964ff", &[("DEVICE_ID", "6f9619ff-8b86-d011-b42d-00cf4fc964ff")]),
    ("request 6f9619ff-8b86-d011-b42d-00cf4fc964ff", &[]),
    (
        "born 2/29/1980, and the account was opened on March 15, 1989",
        &[("DATE_OF_BIRTH", "2/29/1980"), ("DATE", "March 15, 1989")],
    ),
    ("The hearing is on 2024-03-15T14:30:00Z", &[("DATE", "2024-03-15")]),
    ("Ticket #7 opened 2024-03-15T14:30:00 and closed at 2024-03-16T00:00:00", &[]),
    ("2024-01-05 10:00:00 INFO [10/Oct/2000:13:55:36 +0000]", &[]),
    ("at 37.7749, -122.4194 now", &[("GEO_COORDINATE", "37.7749, -122.4194")]),
    ("pay 1BoatSLRHtKNngkdXEeobR76b53LETtpyT", &[("CRYPTO_ADDRESS", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT")]),
    ("id AKIAIOSFODNN7EXAMPLE", &[("API_KEY", "AKIAIOSFODNN7EXAMPLE")]),
    ("member MBR-123456 and XMBR-123456", &[("OTHER", "MBR-123456")]),
    ("B123 is nowhere. Locker A123, B456", &[("OTHER", "A123"), ("OTHER", "B456")]),
    (
        "Asthma, type-1 diabetes, 1st degree burn; asthmatic",
        &[("HEALTH", "Asthma"), ("HEALTH", "type-1 diabetes"), ("HEALTH", "1st degree burn")],
    ),
];

#[test]
fn the_right_things_are_found() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let got = typed(text);
        if got != *expected {
            wrong.push(format!("{text}\n  wanted {expected:?}\n  got    {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn cases_hold_wherever_they_stand() {
    for shift in [1usize, 15, 30, 48, 57, 62, 63, 64, 130, 16 * 1024 - 20, 16 * 1024 - 3] {
        for (text, expected) in CASES {
            let shifted = format!("{}\n{text}\n", "-".repeat(shift));
            assert_eq!(typed(&shifted), *expected, "shifted by {shift}: {text}");
        }
    }
}

#[test]
fn standard_forms_are_canonical() {
    for (text, expected) in [
        ("Jane.Doe+x@Mail.Example.com", "jane.doe+x@mail.example.com"),
        ("(415) 555-0134 ext 9", "14155550134"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("219-09-8761", "219098761"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("[2001:0DB8:0:0:0:0:0:1]", "2001:db8::1"),
        ("00-1B-44-11-3A-B7", "001b44113ab7"),
        ("29 Feb 1980", "19800229"),
    ] {
        assert_eq!(standard_forms(text), [expected], "{text}");
    }
}

#[test]
fn values_of_a_column_are_texts_of_their_own() {
    let values = [
        "4111",
        "1111-1111",
        "219-09-8761",
        "",
        "jane@example.com",
        "bob",
        "@example.org",
        "2190",
        "98761",
        "x-",
        "219-09-8762",
        "-7",
        "4111111111111111",
        "call",
        "415-555-0134",
        "a",
    ];
    let (mut bytes, mut offsets) = (Vec::new(), vec![0u32]);
    for value in values {
        bytes.extend_from_slice(value.as_bytes());
        offsets.push(bytes.len() as u32);
    }
    let mut found = Vec::new();
    detector().worker().values(&FieldPlan::search("notes"), &bytes, &offsets, &mut |i, hit, _| {
        found.push((i, bytes[hit.start as usize..hit.end as usize].to_vec()));
    });
    let expected = [(2, values[2]), (4, values[4]), (10, values[10]), (12, values[12]), (14, values[14])];
    assert_eq!(found, expected.map(|(i, value)| (i, value.as_bytes().to_vec())));
}

/// What is found in each value of a column, by value and place in it.
fn by_value(detector: &crate::Detector, values: &[Vec<u8>]) -> Vec<(usize, u32, u32, u16, Vec<u8>)> {
    let (mut bytes, mut offsets) = (Vec::new(), vec![0u32]);
    for value in values {
        bytes.extend_from_slice(value);
        offsets.push(bytes.len() as u32);
    }
    let mut found = Vec::new();
    detector.worker().values(&FieldPlan::search("notes"), &bytes, &offsets, &mut |i, hit, form| {
        assert!(offsets[i] <= hit.start && hit.end <= offsets[i + 1], "a hit stands in its value");
        found.push((i, hit.start - offsets[i], hit.end - offsets[i], hit.rule.0, form.to_vec()));
    });
    found
}

/// What is found in each value when it is searched alone.
fn one_by_one(detector: &crate::Detector, values: &[Vec<u8>]) -> Vec<(usize, u32, u32, u16, Vec<u8>)> {
    let alone = values.iter().enumerate().flat_map(|(i, value)| {
        by_value(detector, std::slice::from_ref(value))
            .into_iter()
            .map(move |found| (i, found.1, found.2, found.3, found.4))
    });
    alone.collect()
}

#[test]
fn what_the_end_of_a_value_cuts_is_read_as_if_it_stood_alone() {
    let cases: &[(&str, &[&str])] = &[
        ("a letter before a letter and two digits", &["M", "L30"]),
        ("the letter ends words", &["A/B/C", "x12", "vitamin B", "u100"]),
        ("half an account", &["DE", "89370400440532013000", "DE89", "370400440532013000"]),
        ("a colon before an address", &["at:", "2001:db8:85a3:8d3:1319:8a2e:370:7348", ":", "a:b:c:1:2:3:4:5"]),
        ("half a hardware address", &["00:1B:44:", "11:3A:B7", "-", "00-1B-44-11-3A-B7"]),
        (
            "half an identifier",
            &["device id 6f9619ff-8b86-d011-b42d-", "00cf4fc964ff", "device id 6f9619ff-8b86-d011-b42d-00cf4fc964ff"],
        ),
        ("half an escape", &["x%", "40example.com", "\\", "u0040", "&#", "64;", "a\\", "n415-555-0134"]),
        ("half a wallet", &["1BoatSLRHtKNngkdXEeobR76b53", "LETtpyT", "amFuZUBleGFt", "cGxlLmNvbQ=="]),
        ("a name behind a number", &["5", "Maria Gonzalez said so", "x-", "Kevin from Denver called"]),
        ("a word behind a backslash", &["C:\\", "ssn: 219098761", "C:\\x", "phone 415 5550134"]),
        ("half a web address", &["http", "://example.com/x", "https://example.com", "/y", "www", ".example.com"]),
    ];
    for (name, values) in cases {
        let values: Vec<_> = values.iter().map(|v| v.as_bytes().to_vec()).collect();
        for first in 0..values.len() {
            for detector in [detector(), builtin()] {
                assert_eq!(by_value(detector, &values[first..]), one_by_one(detector, &values[first..]), "{name}");
            }
        }
    }
}

/// The detector of the rules that come with the program.
fn builtin() -> &'static crate::Detector {
    static DETECTOR: std::sync::OnceLock<crate::Detector> = std::sync::OnceLock::new();
    DETECTOR.get_or_init(|| crate::Detector::new(&crate::RuleSet::builtin()).expect("the pack compiles"))
}

#[test]
fn a_scheme_is_seen_wherever_a_block_ends() {
    let detector = builtin();
    for shift in 0..140 {
        let text = format!("{} http://example.com/x", "-".repeat(shift));
        let mut found = 0;
        detector
            .worker()
            .text(text.as_bytes(), 0..text.len(), &mut |hit, _| found += usize::from(hit.kind == crate::Type::Url));
        assert_eq!(found, 1, "shifted by {shift}");
    }
}

type Place = (u32, u32, u16);

fn places(text: &[u8], core: std::ops::Range<usize>) -> Vec<Place> {
    let mut places = Vec::new();
    detector().worker().text(text, core, &mut |hit, _| places.push((hit.start, hit.end, hit.rule.0)));
    places
}

/// Fragments of which random texts are made: what the engine looks for, cut in all ways, and noise.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let cases = (0..CASES.len(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(i, a, b)| {
        let text = CASES[i].0.as_bytes();
        let (a, b) = (a.index(text.len()), b.index(text.len()));
        text[a.min(b)..a.max(b)].to_vec()
    });
    let noise = prop::collection::vec(any::<u8>(), 0..12);
    let marks = prop::sample::select(vec!["\n", " ", "@", "%40", "\\u0040", "&#64;", "://", "::", "-", ".", "+", "("]);
    let digits = "[0-9]{1,20}";
    prop_oneof![
        4 => cases,
        2 => noise,
        2 => marks.prop_map(|m| m.as_bytes().to_vec()),
        1 => digits.prop_map(String::into_bytes),
    ]
}

/// Short values of what candidates are told by, and pieces of what they are.
fn short_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[A-CLMeux0-9:@%.&#;+/ \\\\_-]{0,6}".prop_map(String::into_bytes),
        2 => "[a-fx0-9:.-]{0,40}".prop_map(String::into_bytes),
        1 => "[A-Za-z0-9+/=]{0,40}".prop_map(String::into_bytes),
        3 => fragment(),
    ]
}

/// Values that hold names of people, addresses and organisations, cut anywhere.
fn prose_value() -> impl Strategy<Value = Vec<u8>> {
    const PROSE: &str = "Dear Mr. John Carter, Maria Gonzalez of Acme Holdings Inc., 12 Elm Street, Springfield, IL 62701, \
        said Kevin's MRN: 00-123-456 is wrong; password is Tr0ub4dor&3, user=j.doe, age 45, DOB 2/29/1980, tel. (415) 555-0134";
    let cut = (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(a, b)| {
        let (a, b) = (a.index(PROSE.len()), b.index(PROSE.len()));
        PROSE.as_bytes()[a.min(b)..a.max(b)].to_vec()
    });
    prop_oneof![cut, short_value()]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..40).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn hexadecimal_words_are_no_account_and_no_card(words in prop::collection::vec("[0-9a-f]{8}[a-f][0-9a-f]{7}", 1..60)) {
        let text = words.join(" ");
        let found = typed(&text);
        prop_assert!(found.iter().all(|(kind, _)| !matches!(*kind, "IBAN" | "CREDIT_CARD")), "{:?}", found);
    }

    #[test]
    fn values_of_a_column_are_searched_as_each_alone(values in prop::collection::vec(short_value(), 0..60)) {
        let texts: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
        prop_assert_eq!(by_value(detector(), &values), one_by_one(detector(), &values), "{:?}", texts);
    }

    #[test]
    fn values_of_prose_are_searched_as_each_alone(values in prop::collection::vec(prose_value(), 0..12)) {
        let texts: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
        prop_assert_eq!(by_value(builtin(), &values), one_by_one(builtin(), &values), "{:?}", texts);
    }

    #[test]
    fn any_bytes_give_hits_within_bounds_in_order(text in text()) {
        let mut last = (0, 0);
        detector().worker().text(&text, 0..text.len(), &mut |hit, _| {
            assert!(hit.start < hit.end && hit.end as usize <= text.len());
            assert!(last.0 <= hit.start);
            last = (hit.start, hit.end);
        });
    }

    #[test]
    fn cores_that_meet_at_a_line_give_what_the_whole_gives(text in text(), at in any::<prop::sample::Index>()) {
        let lines: Vec<_> = memchr::memchr_iter(b'\n', &text).map(|n| n + 1).chain([text.len()]).collect();
        let split = *at.get(&lines);
        let mut parts = places(&text, 0..split);
        parts.extend(places(&text, split..text.len()));
        prop_assert_eq!(parts, places(&text, 0..text.len()));
    }

    #[test]
    fn kernels_find_the_same(text in text()) {
        for kernel in crate::kernel::Kernel::available() {
            let mut engine_scratch = super::Scratch::default();
            let offsets = [0, text.len() as u32];
            let texts = super::Texts { bytes: &text, offsets: &offsets, hint: None, depth: 0, literals: None };
            detector().engine.search_with(kernel, &mut engine_scratch, texts, 0..text.len());
            let got: Vec<Place> = engine_scratch.found.iter().map(|f| (f.start, f.end, f.rule)).collect();
            prop_assert_eq!(got, places(&text, 0..text.len()), "{:?}", kernel);
        }
    }
}
