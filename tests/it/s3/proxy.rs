//! A proxy that does to answers what networks and servers do to them.
//!
//! One request a connection, forwarded as it came: the signature holds, for the address in it is the proxy's own.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done to an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It comes in small pieces with pauses between.
    Slow,
    /// After half of the body the connection is reset.
    Reset,
    /// After half of the body the connection ends.
    Truncated,
    /// After half of the body nothing comes any more.
    Stalled,
    /// The connection ends before any answer.
    Refused,
    /// An error of the server with this status and code.
    Error(u16, &'static str),
    /// It is carried out, and the connection ends before the answer.
    Unanswered,
    /// It is carried out whatever stands there: the condition is left out.
    Unconditional,
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub fault: Fault,
    /// Only requests whose first line has this in it.
    pub on: &'static str,
    /// How many times for each such first line without its query; after that all is well.
    pub times: usize,
}

/// A proxy before a server.
pub struct Proxy {
    address: SocketAddr,
    done: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Before this server, an `http://` URL.
    pub fn before(server: &str, plan: Plan) -> Self {
        let server: SocketAddr = server.trim_start_matches("http://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (done, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let times = Arc::new(Mutex::new(HashMap::new()));
        let (ended, noted) = (done.clone(), seen.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (times, noted) = (times.clone(), noted.clone());
                // A client that goes away ends its thread, and nothing else.
                std::thread::spawn(move || serve(client, server, plan, &times, &noted));
            }
        });
        Self { address, done, seen }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads of the requests that something was done to.
    pub fn spoilt(&self) -> Vec<String> {
        self.seen.lock().expect("no thread panics").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

type Times = Mutex<HashMap<String, usize>>;

fn serve(client: TcpStream, server: SocketAddr, plan: Plan, times: &Times, seen: &Mutex<Vec<String>>) {
    let _ = answer(client, server, plan, times, seen);
}

fn answer(
    mut client: TcpStream,
    server: SocketAddr,
    plan: Plan,
    times: &Times,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    // Looked at and not taken: a connection that is closed with something unread in it is reset.
    let mut head = vec![0; 64 << 10];
    let length = loop {
        let n = client.peek(&mut head)?;
        if n == 0 {
            return Ok(());
        }
        if let Some(end) = head[..n].windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    head.truncate(length);
    let text = String::from_utf8_lossy(&head).into_owned();
    let first = text.lines().next().unwrap_or_default().to_owned();
    let fault = first.contains(plan.on).then(|| {
        let mut times = times.lock().expect("no thread panics");
        let so_far = times.entry(first.split('?').next().unwrap_or_default().to_owned()).or_default();
        *so_far += 1;
        (*so_far <= plan.times).then_some(plan.fault)
    });
    let fault = fault.flatten();
    if fault.is_some() {
        seen.lock().expect("no thread panics").push(text.clone());
    }
    if fault != Some(Fault::Reset) {
        client.read_exact(&mut vec![0; length])?;
    }
    if fault == Some(Fault::Refused) {
        return Ok(());
    }
    let mut body = Vec::new();
    if fault != Some(Fault::Reset) {
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        };
        body.resize(text.lines().find_map(header).unwrap_or(0), 0);
        if text.to_ascii_lowercase().contains("expect: 100-continue") {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        client.read_exact(&mut body)?;
    }
    if let Some(Fault::Error(status, code)) = fault {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
        return write!(
            client,
            "HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
    }
    let left_out: &[&str] = if fault == Some(Fault::Unconditional) { &["if-match", "expect"] } else { &["expect"] };
    let whole = forward(&text, left_out, &body, server)?;
    let body = whole.windows(4).position(|four| four == b"\r\n\r\n").map_or(whole.len(), |end| end + 4);
    let half = body + (whole.len() - body) / 2;
    match fault {
        Some(Fault::Unanswered) => Ok(()),
        Some(Fault::Slow) => {
            for piece in whole.chunks(64 << 10) {
                client.write_all(piece)?;
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        }
        Some(Fault::Reset | Fault::Truncated) => {
            client.write_all(&whole[..half])?;
            client.flush()?;
            std::thread::sleep(Duration::from_millis(20)); // so that it arrives before the end does
            Ok(())
        }
        Some(Fault::Stalled) => {
            client.write_all(&whole[..half])?;
            let _ = client.read(&mut [0]); // until the client goes away
            Ok(())
        }
        _ => client.write_all(&whole),
    }
}

/// The server's whole answer to a request without these headers.
fn forward(head: &str, left_out: &[&str], body: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let is_left_out = |line: &str| {
        left_out.iter().any(|name| line.split(':').next().is_some_and(|given| given.eq_ignore_ascii_case(name)))
    };
    let lines = head.trim_end().split("\r\n").filter(|line| !is_left_out(line));
    let head: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    exchange(&[head.as_bytes(), b"connection: close\r\n\r\n", body].concat(), server)
}

/// Puts an object, or a bucket, on a server that asks for a signature and does not check it.
pub fn put(server: &str, path: &str, body: &str) {
    put_with(server, path, "", body);
}

/// The same with further headers, each with the end of its line.
pub fn put_with(server: &str, path: &str, headers: &str, body: &str) {
    let answer = ask("PUT", server, path, headers, body);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// The head of what such a server has, and whatever follows it.
pub fn ask(verb: &str, server: &str, path: &str, headers: &str, body: &str) -> String {
    let server: SocketAddr = server.trim_start_matches("http://").parse().expect("an address");
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {}\r\nConnection: close\r\nAuthorization: \
         AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\n{headers}\r\n",
        body.len()
    );
    let answer = exchange(&[head.as_bytes(), body.as_bytes()].concat(), server).expect("the server answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request that ends its connection, and takes the whole answer.
fn exchange(request: &[u8], server: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(request)?;
    let mut whole = Vec::new();
    upstream.read_to_end(&mut whole)?;
    Ok(whole)
}
