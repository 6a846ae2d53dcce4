//! A server of invented customers, with every kind of pages and every kind of trouble.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine as _;
use futures_util::stream;

/// How many customers there are.
pub const ITEMS: u64 = 2_050;
/// How many the server gives at once, whatever it is asked for.
const MOST: u64 = 100;

/// A running server; it ends with the test program.
pub struct Server {
    /// Its address.
    pub url: String,
    asked: Log,
}

type Log = Arc<Mutex<HashMap<String, Asked>>>;

/// How often something was asked for.
#[derive(Default, Clone, Copy)]
struct Asked {
    times: u64,
    early: u64,
    not_before: Option<Instant>,
}

impl Server {
    /// Starts one on a free port of the loopback interface.
    pub fn start() -> Self {
        let asked = Log::default();
        let (send, receive) = std::sync::mpsc::channel();
        let log = asked.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
                send.send(listener.local_addr().expect("it is bound")).expect("the test waits");
                let router = Router::new().fallback(answer).with_state(log);
                axum::serve(listener, router).await.expect("it serves");
            });
        });
        Self { url: format!("http://{}/api", receive.recv().expect("it starts")), asked }
    }

    /// As if it had another address.
    pub fn elsewhere(&self, url: &str) -> Self {
        Self { url: url.to_owned(), asked: self.asked.clone() }
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> u64 {
        self.of(path).times
    }

    /// How often it was asked for earlier than the server had said.
    pub fn early(&self, path: &str) -> u64 {
        self.of(path).early
    }

    /// Requests that were not `GET`.
    pub fn writes(&self) -> u64 {
        self.of("(writes)").times
    }

    fn of(&self, path: &str) -> Asked {
        self.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }
}

async fn answer(State(log): State<Log>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET {
        log.lock().unwrap().entry("(writes)".to_owned()).or_default().times += 1;
        return status(405);
    }
    let path = uri.path().strip_prefix("/api/").unwrap_or_default().to_owned();
    let query: HashMap<String, String> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let number = |name: &str, otherwise: u64| query.get(name).and_then(|n| n.parse().ok()).unwrap_or(otherwise);
    let times = asked(&log, &path);
    let per_page = number("per_page", MOST).min(MOST);
    let pages = ITEMS.div_ceil(per_page);
    let page = number("page", 1);
    let paged = |first: u64| items(first + 1, (first + per_page).min(ITEMS));
    let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
    match (first, rest) {
        ("all", _) => json(format!("{{\"data\": {}}}", items(1, ITEMS))),
        ("array", _) => json(items(1, ITEMS)),
        ("number", _) => {
            let data = paged((page - 1) * per_page);
            json(format!("{{\"meta\": {{\"total\": {ITEMS}, \"pages\": \"{pages}\"}}, \"data\": {data}}}"))
        }
        ("number-404", _) if page > pages => status(404),
        ("number-404", _) => json(format!("{{\"data\": {}}}", paged((page - 1) * per_page))),
        ("offset", _) => {
            let from = number("offset", 0);
            let to = (from + number("limit", MOST).min(MOST)).min(ITEMS);
            json(format!("{{\"data\": {}}}", items(from + 1, to)))
        }
        ("cursor", _) => {
            let from =
                query.get("cursor").map_or(0, |mark| mark.trim_start_matches("m%2F").parse().expect("our own mark"));
            let to = (from + MOST).min(ITEMS);
            let next = if to < ITEMS { format!("\"m/{to}\"") } else { "null".to_owned() };
            json(format!("{{\"data\": {}, \"meta\": {{\"next\": {next}}}}}", items(from + 1, to)))
        }
        ("after", _) => {
            let from = number("starting_after", 0);
            let to = (from + MOST).min(ITEMS);
            json(format!("{{\"more\": {}, \"data\": {}}}", to < ITEMS, items(from + 1, to)))
        }
        ("link", _) => {
            let mut response = json(paged((page - 1) * per_page));
            let next = format!("<?page={}>; rel=\"next\"", page + 1);
            let links = format!(
                "<?page={pages}>; rel=\"last\"; title=\"a, b\"{}",
                if page < pages { format!(", {next}") } else { String::new() }
            );
            response.headers_mut().insert(header::LINK, links.parse().unwrap());
            response
        }
        ("url", _) => {
            let next = if page < pages {
                format!(", \"@odata.nextLink\": \"/api/url?page={}\"", page + 1)
            } else {
                String::new()
            };
            json(format!("{{\"value\": {}{next}}}", paged((page - 1) * per_page)))
        }
        ("short", _) => {
            let ids: Vec<_> = (1..=ITEMS).map(|id| format!("{{\"id\": {id}}}")).collect();
            json(format!("{{\"data\": [{}]}}", ids.join(",")))
        }
        ("customers", id) => json(format!("{{\"customer\": {}}}", item(id.parse().expect("an id")))),
        ("some-gone", id) if id.ends_with('7') => status(404),
        ("some-gone", id) => json(format!("{{\"customer\": {}}}", item(id.parse().expect("an id")))),
        ("breaks", _) if page > 2 => status(500),
        ("breaks", _) => json(format!("{{\"data\": {}}}", paged((page - 1) * per_page))),
        ("redirect", _) => redirect("/api/array"),
        ("auth", kind) => {
            let basic = base64::engine::general_purpose::STANDARD.encode("scanner:open sesame");
            let (name, right) = match kind {
                "basic" => ("authorization", format!("Basic {basic}")),
                "bearer" => ("authorization", "Bearer open sesame".to_owned()),
                _ => ("x-api-key", "open sesame".to_owned()),
            };
            let given = headers.get(name).and_then(|value| value.to_str().ok());
            if given == Some(&right) { json(items(1, ITEMS)) } else { status(401) }
        }
        ("flaky", _) if times > 2 => json(format!("{{\"data\": {}}}", items(1, ITEMS))),
        ("flaky", "wait-seconds") => wait(&log, &path, "1".to_owned(), Duration::from_secs(1)),
        ("flaky", "wait-date") => {
            // Whole seconds only: what is asked for is up to a second less.
            let until = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
            wait(&log, &path, until, Duration::from_millis(900))
        }
        ("flaky", "cut-chunked") | ("broken", "cut") => {
            let start = items(1, 50).into_bytes();
            let cut = stream::iter([Ok(start), Err(std::io::Error::other("cut"))]);
            Response::new(Body::from_stream(cut))
        }
        ("flaky", "cut-json") => json(items(1, 50).trim_end_matches(']').to_owned()),
        ("flaky", kind) => status(kind.trim_start_matches("status/").parse().expect("a status")),
        ("broken", "long-wait") => wait(&log, &path, "9000".to_owned(), Duration::ZERO),
        ("broken", "html") => json("<html>sign in</html>".to_owned()),
        ("broken", "slow") => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            status(200)
        }
        ("broken", "circle") => json("{\"data\": [{\"id\": 1}], \"next\": \"same\"}".to_owned()),
        ("broken", "fewer") if page > 1 => json("{\"data\": [], \"total\": 9}".to_owned()),
        ("broken", "fewer") => json("{\"data\": [{\"id\": 1}], \"total\": 9}".to_owned()),
        ("broken", "elsewhere") => json(
            "{\"data\": [{\"id\": 1}], \"next\": \"https://elsewhere.example/?email=jane@example.com/\"}".to_owned(),
        ),
        ("broken", "redirect") => redirect("https://elsewhere.example/?email=jane@example.com/"),
        ("broken", "redirects") => redirect("/api/broken/redirects"),
        ("broken", code) => status(code.parse().expect("a status")),
        _ => status(404),
    }
}

/// Counts a request; says how many there were with it.
fn asked(log: &Log, path: &str) -> u64 {
    let mut log = log.lock().unwrap();
    let asked = log.entry(path.to_owned()).or_default();
    asked.times += 1;
    asked.early += u64::from(asked.not_before.is_some_and(|until| Instant::now() < until));
    asked.times
}

fn wait(log: &Log, path: &str, text: String, least: Duration) -> Response {
    log.lock().unwrap().entry(path.to_owned()).or_default().not_before = Some(Instant::now() + least);
    let mut response = status(429);
    response.headers_mut().insert(header::RETRY_AFTER, text.parse().unwrap());
    response
}

fn json(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    response
}

fn redirect(to: &str) -> Response {
    let mut response = status(302);
    response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
    response
}

fn status(code: u16) -> Response {
    let mut response = Response::new(Body::from("{\"error\": \"person1@example.com\"}"));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

/// Customers from one number to another.
fn items(first: u64, last: u64) -> String {
    let items: Vec<_> = (first..=last).map(item).collect();
    format!("[{}]", items.join(","))
}

fn item(id: u64) -> String {
    let mut text = String::new();
    write!(
        text,
        "{{\"id\": {id}, \"code\": \"{id:04}\", \"email\": \"person{id}@example.com\", \"address\": {{\"city\": \"Example City {id}\"}}, \
         \"phones\": [\"(202) 555-01{:02}\", null], \"big\": 12345678901234567890123, \"note\": null}}",
        id % 100
    )
    .expect("a string takes everything");
    text
}
