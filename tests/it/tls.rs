//! Servers that are reached over TLS: what is trusted, and what is said of what is not.
//!
//! Authorities and certificates are made for the test by `openssl`, and the TLS is Python's (`fixtures/servers/tls.py`),
//! before servers that know nothing of it. PostgreSQL's and MariaDB's own TLS is tested with their connectors.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::faults::api::{self, Api};
use crate::link::{Fault, Link, When};
use crate::sandbox::{Run, Sandbox};
use crate::servers::{Signed, secrets};

/// An authority that lasts as long as the sandbox.
struct Authority<'s>(&'s Sandbox);

impl<'s> Authority<'s> {
    fn new(sandbox: &'s Sandbox) -> Self {
        let authority = Self(sandbox);
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority -keyout ca.key -out ca.crt",
        );
        authority
    }

    /// A certificate for a host, valid for so many days from now.
    fn issue(&self, name: &str, host: &str, days: i32) -> [PathBuf; 2] {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={host} -keyout {name}.key -out {name}.csr"
        ));
        self.0.file(format!("{name}.ext"), format!("subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n"));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days {days} -extfile {name}.ext -out {name}.crt"
        ));
        [self.0.path(format!("{name}.crt")), self.0.path(format!("{name}.key"))]
    }

    /// One that a server signs for itself.
    fn sign_oneself(&self, name: &str) -> [PathBuf; 2] {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost -keyout {name}.key -out {name}.crt"
        ));
        [self.0.path(format!("{name}.crt")), self.0.path(format!("{name}.key"))]
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(self.0.path("")).output();
        let output = output.expect("`openssl` is installed");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// TLS before a server; it ends with the value.
struct Front {
    child: Child,
    place: String,
}

impl Front {
    fn before(server: &str, [certificate, key]: &[PathBuf; 2]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/servers/tls.py");
        let mut command = Command::new("python3");
        command.arg(script).args([certificate, key]).arg(server).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`python3` is installed");
        let mut port = String::new();
        let out = child.stdout.take().expect("it is piped");
        BufReader::new(out).read_line(&mut port).expect("it says its port");
        Self { child, place: format!("localhost:{}", port.trim()) }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a scan makes of a server with each kind of certificate; `configure` writes the source for a place and a line
/// that may name an authority, `refused` is the exit code if it is not asked anything.
fn trust(sandbox: &Sandbox, server: &str, configure: &dyn Fn(&str, &str), refused: i32, silent: &str) {
    let authority = Authority::new(sandbox);
    let scan = || {
        let _ = std::fs::remove_dir_all(sandbox.path(".residuum"));
        sandbox.run(["scan"])
    };
    let trusted = "ca_file = \"ca.crt\"";
    let own = "ca_file = \"self.crt\"";
    let right = authority.issue("right", "localhost", 30);
    let itself = authority.sign_oneself("self");
    // What the refusal says; none if it is trusted.
    let cases: [(&str, [PathBuf; 2], &str, Option<&str>); 6] = [
        ("an authority that is named", right.clone(), trusted, None),
        ("an authority that nobody named", right.clone(), "", Some("is not signed by an authority")),
        ("for another host", authority.issue("other", "db.example.com", 30), trusted, Some("is for another host")),
        ("expired", authority.issue("old", "localhost", -1), trusted, Some("has expired")),
        ("signed by itself", itself.clone(), trusted, Some("set `ca_file`")),
        ("signed by itself, and named", itself, own, Some("set `ca_file`")),
    ];
    for (name, certificate, line, expected) in cases {
        let front = Front::before(server, &certificate);
        configure(&format!("https://{}", front.place), line);
        let run: Run = scan();
        match expected {
            None => assert_eq!(run.code, Some(0), "{name}: {}", run.stderr),
            Some(reason) => {
                assert_eq!(run.code, Some(refused), "{name}: {}", run.stderr);
                assert!(run.stderr.contains(reason), "{name}: {}", run.stderr);
                sandbox.run(["sources", "check"]).exits(1).prints("not reached");
            }
        }
    }
    configure(&format!("https://{server}"), trusted);
    scan().exits(refused).says("TLS");
    let front = Front::before(server, &right);
    let link = Link::before(&front.place.replace("localhost", "127.0.0.1"), Fault::Silent, When::Sent(0), usize::MAX);
    configure(&format!("https://{}", link.place().replace("127.0.0.1", "localhost")), trusted);
    scan().exits(refused).says(silent);
    for (file, text, reason) in [
        ("no/such/file", None, "cannot be read"),
        ("empty.pem", Some(""), "holds no certificate in PEM"),
        ("damaged.pem", Some("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), "`ca_file`"),
    ] {
        text.into_iter().for_each(|text| drop(sandbox.file(file, text)));
        configure(&format!("https://{}", front.place), &format!("ca_file = \"{file}\""));
        sandbox.run(["scan"]).says(reason);
    }
}

#[test]
fn an_api_is_trusted_as_its_owner_says() {
    let api = Api::start();
    let sandbox = Sandbox::new();
    sandbox.file("password", "opensesame\n");
    let configure = |url: &str, line: &str| drop(sandbox.file("residuum.toml", api::source_at(url, line)));
    trust(&sandbox, api.place(), &configure, 2, "no answer in time");
}

#[test]
fn a_bucket_is_trusted_as_its_owner_says() {
    let Some(bucket) = Signed::new("tls") else { return };
    bucket.put("a.csv", b"email\njane.doe@example.com\n");
    let sandbox = Sandbox::new();
    secrets(&sandbox);
    let configure = |url: &str, line: &str| {
        let more = format!("{line}\ntimeout = \"1s\"\nattempts = 2\n");
        drop(sandbox.file("residuum.toml", format!("{}{more}", bucket.source_at("bucket", url))))
    };
    trust(&sandbox, bucket.place(), &configure, 1, "does not answer");
}
