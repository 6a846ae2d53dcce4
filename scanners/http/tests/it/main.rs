//! The connector against a real HTTP server, which counts what it is asked.

mod server;

use std::time::{Duration, Instant};

use residuum_http::{Description, Http};
use residuum_source::conformance::{self, Collect, Expected};
use residuum_source::{Check, Coverage, KeyValue, Limits, Outcome, Record, Sensitive, Source, SourceError};
use server::{ITEMS, Server};

/// A source with these resources, in a hurry.
fn source(server: &Server, description: &str) -> Http {
    try_source(server, description, None).unwrap()
}

fn try_source(server: &Server, description: &str, secret: Option<&str>) -> Result<Http, SourceError> {
    let hurry = if description.contains("requests_per_second") { "" } else { "requests_per_second = 10000\n" };
    let description: Description = toml::from_str(&format!("{hurry}{description}")).unwrap();
    let secret = secret.map(|secret| Sensitive::new(secret.to_owned()));
    Http::new("api", &server.url, description, secret.as_ref())
}

/// What became of the only resource, and what was read of it.
fn read(source: &Http) -> (Outcome, Collect) {
    let unit = conformance::whole(source, "customers");
    let collect = Collect::unit(source, &unit, &Limits::default()).unwrap();
    (collect.closed[0].1.clone(), collect)
}

fn resource(more: &str) -> String {
    format!("[[resource]]\nname = \"customers\"\nkey = \"id\"\n{more}")
}

fn reason(outcome: &Outcome) -> &str {
    outcome.reason.as_deref().unwrap_or_default()
}

#[test]
fn every_kind_of_pages_conforms() {
    let server = Server::start();
    let kinds = [
        "path = 'all'\nitems = 'data'",
        "path = 'array'",
        "path = 'number'\nitems = 'data'\nquery = { per_page = 100 }\npages = { kind = 'number' }",
        "path = 'number'\nitems = 'data'\npages = { kind = 'number', total = 'meta.total' }",
        "path = 'number'\nitems = 'data'\npages = { kind = 'number', last = 'meta.pages' }",
        "path = 'number-404'\nitems = 'data'\npages = { kind = 'number' }",
        "path = 'offset'\nitems = 'data'\nquery = { limit = 5000 }\npages = { kind = 'offset' }",
        "path = 'cursor'\nitems = 'data'\npages = { kind = 'cursor', next = 'meta.next' }",
        "path = 'after'\nitems = 'data'\npages = { kind = 'cursor', parameter = 'starting_after', item = 'id', more = 'more' }",
        "path = 'link'\npages = { kind = 'link' }",
        "path = 'url'\nitems = 'value'\npages = { kind = 'url', next = '@odata.nextLink' }",
        "path = 'short'\nitems = 'data'\ndetail = 'customers/{id}'\ndetail_item = 'customer'",
    ];
    for kind in kinds {
        let source = source(&server, &resource(kind));
        let expected = Expected::new()
            .object("customers", ITEMS)
            .value("customers", "email", "person1@example.com")
            .value("customers", "address.city", "Example City 2")
            .value("customers", "phones[]", "(202) 555-0103")
            .value("customers", "big", "12345678901234567890123");
        conformance::check(&source, &expected);
        assert_eq!(source.check().unwrap().problems, [] as [&str; 0], "{kind}");
        let (outcome, collect) = read(&source);
        assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, ITEMS), "{kind}: {outcome:?}");
        let last = collect.values["customers"].iter().rfind(|(_, field, _)| field == "email").expect("there are some");
        assert_eq!(last.0, Record::pk(&[KeyValue::Integer(ITEMS as i64)]), "{kind}");
    }
    assert_eq!(server.writes(), 0, "nothing but GET is sent");
}

#[test]
fn records_are_told_apart_by_what_the_owner_names() {
    let server = Server::start();
    let key_of = |key: &str| {
        let (_, collect) =
            read(&source(&server, &format!("[[resource]]\nname = \"customers\"\npath = 'array'\n{key}")));
        collect.values["customers"].iter().find(|(_, field, _)| field == "email").expect("there are some").0.clone()
    };
    assert_eq!(key_of(""), Record::Number(residuum_source::RecordKind::Row, 1));
    assert_eq!(
        key_of("key = ['id', 'address.city']"),
        Record::pk(&[KeyValue::Integer(1), KeyValue::Text("Example City 1".into())])
    );
    assert_eq!(key_of("key = 'code'"), Record::pk(&[KeyValue::Text("0001".into())]), "a text that looks like a number");
    let (outcome, _) = read(&source(&server, "[[resource]]\nname = \"customers\"\npath = 'array'\nkey = 'nickname'"));
    assert_eq!(outcome.coverage, Coverage::Unreadable);
    assert!(reason(&outcome).contains(&format!("{ITEMS} of {ITEMS} records have no `nickname`")), "{outcome:?}");
}

#[test]
fn what_passes_is_tried_again() {
    let server = Server::start();
    for (path, least) in [
        ("flaky/status/500", 0),
        ("flaky/status/503", 0),
        ("flaky/wait-seconds", 1),
        ("flaky/wait-date", 1),
        ("flaky/cut-chunked", 0),
        ("flaky/cut-json", 0),
    ] {
        let begun = Instant::now();
        let (outcome, _) = read(&source(&server, &resource(&format!("path = '{path}'\nitems = 'data'"))));
        assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, ITEMS), "{path}: {outcome:?}");
        assert_eq!(server.asked(path), 3, "{path}: it fails twice");
        // The server measures: after a wait that it asks for nobody comes earlier. A date has whole seconds only.
        assert!(begun.elapsed() >= Duration::from_secs(least) && server.early(path) == 0, "{path}");
    }
}

#[test]
fn what_does_not_pass_is_told_with_its_cure() {
    let server = Server::start();
    let cases = [
        ("path = 'broken/500'\nitems = 'data'", "answered 500, and so at every attempt"),
        ("path = 'broken/long-wait'\nitems = 'data'", "asks to wait 9000 s, longer than `longest_wait_seconds`"),
        ("path = 'broken/403'\nitems = 'data'", "403"),
        ("path = 'broken/404'\nitems = 'data'", "check `path`"),
        ("path = 'broken/html'\nitems = 'data'", "is not JSON"),
        ("path = 'broken/cut'\nitems = 'data'", "every attempt"),
        ("path = 'broken/slow'\nitems = 'data'", "raise `timeout_seconds`"),
        ("path = 'broken/circle'\nitems = 'data'\npages = { kind = 'cursor', next = 'next' }", "in a circle"),
        (
            "path = 'broken/fewer'\nitems = 'data'\npages = { kind = 'number', total = 'total' }",
            "the server has 9 items and gave 1",
        ),
        (
            "path = 'broken/elsewhere'\nitems = 'data'\npages = { kind = 'url', next = 'next' }",
            "`https://elsewhere.example`, which is not asked",
        ),
        ("path = 'broken/redirect'\nitems = 'data'", "`https://elsewhere.example`, which is not asked"),
        ("path = 'broken/redirects'\nitems = 'data'", "redirects without end"),
        ("path = 'array'\nitems = 'data'", "set `items`"),
        ("path = 'array'\ndetail = 'nowhere-at-all/{nothing}'", "lacks a field"),
    ];
    for (more, cure) in cases {
        let hurry = "retries = 1\ntimeout_seconds = 2\n";
        let source = source(&server, &format!("{hurry}{}", resource(more)));
        let (outcome, _) = read(&source);
        assert_eq!(outcome.coverage, Coverage::Unreadable, "{more}");
        assert!(reason(&outcome).contains(cure), "{more}: {outcome:?}");
        assert!(!reason(&outcome).contains("example.com/"), "no address with its parameters: {outcome:?}");
    }
    assert_eq!(server.asked("broken/500"), 2);
    assert_eq!(server.asked("broken/403"), 1, "what cannot help is not tried again");
    let (outcome, _) = read(&source(&server, &resource("path = 'redirect/here'")));
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, ITEMS), "on the same server they are followed");
    let source = source(&server, &resource("path = 'array'"));
    let unit = conformance::whole(&source, "customers");
    let small = Limits { whole_bytes: 1000, ..Limits::default() };
    let outcome = &Collect::unit(&source, &unit, &small).unwrap().closed[0].1;
    assert_eq!(outcome.coverage, Coverage::Limit, "{outcome:?}");
}

#[test]
fn a_list_that_breaks_off_keeps_what_was_read() {
    let server = Server::start();
    let more = "path = 'breaks'\nitems = 'data'\npages = { kind = 'number' }";
    let (outcome, collect) = read(&source(&server, &format!("retries = 0\n{}", resource(more))));
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Unreadable, 200), "{outcome:?}");
    assert!(reason(&outcome).contains("page 3"), "{outcome:?}");
    assert!(
        collect.values["customers"]
            .iter()
            .any(|(_, field, value)| field == "email" && value == b"person200@example.com")
    );
    let more = "path = 'short'\nitems = 'data'\ndetail = 'some-gone/{id}'\ndetail_item = 'customer'";
    let (outcome, _) = read(&source(&server, &resource(more)));
    assert_eq!((outcome.coverage, outcome.records), (Coverage::Read, ITEMS));
    assert!(reason(&outcome).contains("records had no detail any more"), "{outcome:?}");
}

#[test]
fn credentials_go_where_they_belong_and_nowhere_else() {
    let server = Server::start();
    for (auth, path) in [
        ("auth = 'basic'\nuser = 'scanner'", "auth/basic"),
        ("auth = 'bearer'", "auth/bearer"),
        ("auth = 'header'\nheader = 'X-Api-Key'", "auth/header"),
    ] {
        let description = format!("{auth}\n{}", resource(&format!("path = '{path}'")));
        let right = try_source(&server, &description, Some("open sesame")).unwrap();
        assert_eq!(read(&right).0.records, ITEMS, "{path}");
        let wrong = try_source(&server, &description, Some("hunter2")).unwrap();
        let (outcome, _) = read(&wrong);
        assert!(
            outcome.coverage == Coverage::Unreadable && reason(&outcome).contains("check the secret"),
            "{outcome:?}"
        );
        let error = wrong.check().unwrap_err();
        assert!(matches!(error, SourceError::Credentials { .. }), "{error}");
        assert!(!format!("{error:?} {outcome:?}").contains("hunter2"));
        let without = try_source(&server, &description, None).err().expect("a secret is missing").to_string();
        assert!(without.contains("password_env"), "{without}");
    }
    let error = try_source(&server, &format!("auth = 'bearer'\n{}", resource("path = 'array'")), Some("two\nlines"));
    assert!(error.err().expect("no header has two lines").to_string().contains("no header may have"));
}

#[test]
fn descriptions_that_cannot_work_are_refused() {
    let server = Server::start();
    for (description, cure) in [
        (String::new(), "[[source.http.resource]]"),
        (resource("path = 'https://elsewhere.example/x'"), "make it the source's `url`"),
        (resource("path = 'x'\npages = { kind = 'cursor' }"), "one of `next` and `item`"),
        (resource("path = 'x'\ndetail = 'x/{id'"), "not closed"),
        (format!("{}{}", resource("path = 'x'\n"), resource("path = 'y'")), "described twice"),
        (format!("auth = 'basic'\n{}", resource("path = 'x'")), "password_env"),
        (format!("ca_file = '/no/such/file'\n{}", resource("path = 'x'")), "`ca_file`"),
        (format!("requests_per_second = 0\n{}", resource("path = 'x'")), "greater than 0"),
    ] {
        let error = try_source(&server, &description, None).err().expect(&description).to_string();
        assert!(error.contains(cure), "{description}: {error}");
    }
    assert!(toml::from_str::<Description>(&resource("path = 'x'\npage = 1")).is_err(), "unknown settings");
    assert!(toml::from_str::<Description>(&resource("path = 'x'\npages = { kind = 'link', next = 'x' }")).is_err());
    let plain: Description = toml::from_str(&resource("path = 'x'")).unwrap();
    let error = Http::new("api", "http://api.example.com", plain, None).err().expect("in the clear").to_string();
    assert!(error.contains("allow_plain"), "{error}");
}

#[test]
fn a_check_says_what_would_be_left_unread() {
    let server = Server::start();
    let check = |description: &str| -> Check { source(&server, description).check().unwrap() };
    let both = format!("{}\n[[resource]]\nname = 'gone'\npath = 'broken/404'", resource("path = 'array'"));
    let checked = check(&both);
    assert!(checked.what.contains("2 resources") && checked.problems.len() == 1, "{checked:?}");
    assert!(
        checked.problems[0].starts_with("`gone`: ") && checked.notes[0].contains("`gone` has no `key`"),
        "{checked:?}"
    );
    assert!(check("[[resource]]\nname = 'customers'\npath = 'array'\nkey = 'uuid'").problems[0].contains("no `uuid`"));
    let nobody = server.elsewhere("http://127.0.0.1:9/");
    let error = source(&nobody, &format!("retries = 0\n{}", resource("path = 'array'"))).check().unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error}");
}

#[test]
fn requests_keep_to_the_pace() {
    let server = Server::start();
    let more = "path = 'link'\npages = { kind = 'link' }";
    let source = source(&server, &format!("requests_per_second = 50\n{}", resource(more)));
    let begun = Instant::now();
    let threads: Vec<_> = std::thread::scope(|scope| {
        (0..2)
            .map(|_| scope.spawn(|| read(&source).0.records))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|t| t.join().unwrap())
            .collect()
    });
    assert_eq!(threads, [ITEMS, ITEMS]);
    let asked = server.asked("link") as u32;
    assert!(begun.elapsed() >= Duration::from_millis(20) * (asked - 1), "{asked} requests in {:?}", begun.elapsed());
}
