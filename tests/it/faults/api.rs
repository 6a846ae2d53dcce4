//! A REST API that fails, and the network before it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Faults, Then};
use crate::link::{Fault, Link, When};
use crate::sandbox::Sandbox;

/// A server of invented customers: three lists of forty, of which one has much to say of each.
pub(crate) struct Api {
    place: String,
    /// What it answers to each request for the long list from now on: a status, and the header of it.
    refusal: Arc<AtomicUsize>,
}

/// Refusals, by the number that [`Api::refusal`] has; none is the first.
const REFUSALS: [&str; 6] = [
    "",
    "500 Internal Server Error\r\n",
    "429 Too Many Requests\r\nRetry-After: 1\r\n",
    "429 Too Many Requests\r\nRetry-After: 90000\r\n",
    "401 Unauthorized\r\n",
    "403 Forbidden\r\n",
];

impl Api {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let place = listener.local_addr().expect("it is bound").to_string();
        let refusal = Arc::new(AtomicUsize::new(0));
        let refused = refusal.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let refused = refused.clone();
                // A client that goes away ends its thread, and nothing else.
                std::thread::spawn(move || drop(serve(client, &refused)));
            }
        });
        Self { place, refusal }
    }

    /// Host and port.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn refuses(&self, number: usize) {
        self.refusal.store(number, Ordering::Relaxed);
    }
}

/// One request a connection.
fn serve(mut client: TcpStream, refusal: &AtomicUsize) -> std::io::Result<()> {
    let mut lines = BufReader::new(client.try_clone()?).lines();
    let Some(Ok(first)) = lines.next() else {
        return client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let name = first.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
    let refused = REFUSALS[refusal.load(Ordering::Relaxed)];
    if name == "big" && !refused.is_empty() {
        // A server that has too much to do says so once.
        if refused.contains("Retry-After: 1\r\n") {
            refusal.store(0, Ordering::Relaxed);
        }
        return write!(client, "HTTP/1.1 {refused}Content-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let note = "x".repeat(if name == "big" { 20_000 } else { 10 });
    let item = |i| format!("{{\"id\": {i}, \"email\": \"{name}{i}@example.com\", \"note\": \"{note}\"}}");
    let body = format!("[{}]", (1..=40).map(item).collect::<Vec<_>>().join(","));
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    // It is the client that ends: else a network that falls silent would still tell of the end.
    client.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let _ = client.read(&mut [0]);
    Ok(())
}

fn source(place: &str) -> String {
    source_at(&format!("http://{place}"), "")
}

/// It as a source of a configuration, at this URL and with these settings.
pub(crate) fn source_at(url: &str, more: &str) -> String {
    let resources = ["a", "big", "z"]
        .map(|name| format!("[[source.http.resource]]\nname = \"{name}\"\npath = \"{name}\"\nkey = \"id\"\n"));
    format!(
        "[[source]]\nname = \"api\"\nurl = \"{url}/\"\npassword_file = \"password\"\n[source.http]\nauth = \"bearer\"\n{more}\n\
         requests_per_second = 1000\ntimeout_seconds = 2\nretries = 1\n{}",
        resources.concat()
    )
}

#[test]
fn an_api_fails_as_the_table_says() {
    let api = Api::start();
    let sandbox = Sandbox::new();
    sandbox.file("password", "opensesame\n");
    sandbox.file("residuum.toml", source(&api.place));
    let faults = Faults::new("REST APIs", sandbox);
    let configure = |place: &str| faults.sandbox.file("residuum.toml", source(place));
    let middle = When::Sent(300 << 10);
    let named = |reason| Then::Named("unreadable", "big", reason);
    let rows = [
        ("slow", Fault::Slow, When::Sent(0), usize::MAX, Then::Identical),
        ("reset in the middle, once", Fault::Reset, middle, 1, Then::Identical),
        ("cut short, once", Fault::Closed, middle, 1, Then::Identical),
        ("silent in the middle, once", Fault::Silent, middle, 1, Then::Identical),
        ("reset in the middle, always", Fault::Reset, middle, usize::MAX, named("the connection broke")),
        ("cut short, always", Fault::Closed, middle, usize::MAX, named("the connection broke")),
        ("silent in the middle, always", Fault::Silent, middle, usize::MAX, named("no answer in time")),
    ];
    for (name, fault, when, times, then) in rows {
        let link = Link::before(&api.place, fault, when, times);
        configure(&link.place());
        faults.row(name, faults.scan(), then);
        assert!(link.spoilt() > 0, "{name}: it happened");
        configure(&api.place);
        faults.heals();
    }
    let refusals = [
        ("429 with `Retry-After`, once", 2, Then::Identical),
        ("429 that asks for a day", 3, named("longer than `longest_wait_seconds`")),
        ("500, always", 1, named("the server answered 500")),
        ("credentials that are refused", 4, named("the credentials were refused")),
        ("credentials that do not allow it", 5, named("the credentials do not allow reading it")),
    ];
    for (name, refusal, then) in refusals {
        api.refuses(refusal);
        faults.row(name, faults.scan(), then);
        api.refuses(0);
        faults.heals();
    }
    let silent = Link::before(&api.place, Fault::Silent, When::Sent(0), usize::MAX);
    configure(&silent.place());
    faults.row("lets in and says nothing", faults.scan(), Then::Rest("no answer in time"));
    let nobody = ["verify", "--index", "index", "--email", "nobody@example.org", "--certificate", "none.json"];
    faults.sandbox.run(nobody).exits(2).says("no answer in time").says("no certificate was made");
    configure("127.0.0.1:1");
    faults.row("nobody listens there", faults.scan(), Then::Rest("nothing listens at its address"));
    configure(&api.place);
    faults.heals();
}
