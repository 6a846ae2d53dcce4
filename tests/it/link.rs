//! A network between the program and a server of any kind, which fails in the middle.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;

/// What happens to a connection over which so much has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It is reset.
    Reset,
    /// It ends as if the server had closed it.
    Closed,
    /// It comes in small pieces with pauses between.
    Slow,
    /// It stays, and nothing comes over it any more but its end.
    Silent,
    /// It stands still, and the server waits to be rid of what it sends, until it is let go on.
    Held,
}

/// When a connection meets the fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Once the server has sent more than so many bytes over it.
    Sent(usize),
    /// Once the server is to be asked something that has this in it.
    Asked(&'static str),
}

/// A network before a server.
pub struct Link {
    address: SocketAddr,
    done: Arc<AtomicBool>,
    spoilt: Arc<AtomicUsize>,
    goes_on: Arc<AtomicBool>,
}

impl Link {
    /// Before this server; so many connections meet the fault.
    pub fn before(server: &str, fault: Fault, when: When, times: usize) -> Self {
        let server: SocketAddr = server.parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (done, spoilt) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let goes_on = Arc::new(AtomicBool::new(false));
        let (ended, count, released) = (done.clone(), spoilt.clone(), goes_on.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let (count, released) = (count.clone(), released.clone());
                // A side that goes away ends its threads, and nothing else.
                std::thread::spawn(move || drop(join(client, server, fault, when, times, &count, &released)));
            }
        });
        Self { address, done, spoilt, goes_on }
    }

    /// Host and port.
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// How many connections met the fault.
    pub fn spoilt(&self) -> usize {
        self.spoilt.load(Ordering::Relaxed)
    }

    /// Lets what is held go on.
    pub fn release(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.release();
        let _ = TcpStream::connect(self.address);
    }
}

fn join(
    mut client: TcpStream,
    server: SocketAddr,
    fault: Fault,
    when: When,
    times: usize,
    spoilt: &AtomicUsize,
    goes_on: &AtomicBool,
) -> std::io::Result<()> {
    let mut upstream = TcpStream::connect(server)?;
    if fault == Fault::Held {
        // What the server has sent and nobody read must not all fit in here.
        SockRef::from(&upstream).set_recv_buffer_size(64 << 10)?;
    }
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (from_client, to_server, ended, noted) =
        (client.try_clone()?, upstream.try_clone()?, over.clone(), asked.clone());
    let forward = std::thread::spawn(move || {
        let _ = forward(from_client, to_server, when, &ended, &noted);
    });
    let (mut buffer, mut sent, mut is_spoilt) = (vec![0; 16 << 10], 0, false);
    let take = |n: usize| (n < times).then_some(n + 1);
    while let Ok(n @ 1..) = upstream.read(&mut buffer) {
        sent += n;
        let is_time = match when {
            When::Sent(after) => sent > after,
            When::Asked(_) => asked.load(Ordering::Acquire),
        };
        if is_time && !is_spoilt && spoilt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            is_spoilt = true;
            match fault {
                Fault::Slow => {}
                Fault::Reset | Fault::Closed => break,
                Fault::Silent => {
                    // Until the server ends it, or the network is no more.
                    upstream.set_read_timeout(Some(Duration::from_millis(50)))?;
                    while !goes_on.load(Ordering::Relaxed) {
                        match upstream.read(&mut buffer) {
                            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                            Ok(1..) => {}
                            _ => break,
                        }
                    }
                    break;
                }
                Fault::Held => {
                    while !goes_on.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
            }
        }
        for piece in buffer[..n].chunks(4 << 10) {
            client.write_all(piece)?;
            if is_spoilt && fault == Fault::Slow {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    over.store(true, Ordering::Relaxed);
    let _ = upstream.shutdown(Shutdown::Both);
    if fault == Fault::Closed {
        let _ = client.shutdown(Shutdown::Write);
    }
    let _ = forward.join();
    Ok(())
}

/// Passes on what the client says. One byte of it stays unread: a connection that is closed with something unread in
/// it is reset.
fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    when: When,
    over: &AtomicBool,
    asked: &AtomicBool,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    let mut unread = 0;
    while !over.load(Ordering::Relaxed) {
        let n = client.peek(&mut buffer)?;
        if n > unread {
            if let When::Asked(what) = when
                && buffer[..n].windows(what.len()).any(|part| part == what.as_bytes())
            {
                asked.store(true, Ordering::Release);
            }
            server.write_all(&buffer[unread..n])?;
            client.read_exact(&mut buffer[..n - 1])?;
            unread = 1;
        } else if n == 0 {
            return server.shutdown(Shutdown::Write);
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}
