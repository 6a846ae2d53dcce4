//! The servers that tests write to: what is put there, and what other programs than ours say of it.
//!
//! Each waits for the variable that `./test` sets, and says so when a test is skipped for want of it. A database or
//! bucket is the test's own and goes with it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;

/// The password of every reader, and the secret key of every bucket.
pub const PASSWORD: &str = "opensesame";
const SECRET: &str = "tester-secret";

/// A server's address, if there is one to test against.
fn server(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        let _ =
            writeln!(std::io::stderr(), "skipped: {test}: {variable} is not set; `./test` starts a server and sets it");
    }
    url
}

/// Host and port of a URL.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").expect("a URL").1;
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().expect("a place")
}

fn output(command: &mut Command, input: &str) -> String {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the server's own client is installed");
    let mut stdin = child.stdin.take().expect("it is piped");
    let text = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(text.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer does not panic");
    let start: String = input.chars().take(2_000).collect();
    assert!(output.status.success(), "{}\n{start}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Puts the secrets where the sources below look for them.
pub fn secrets(sandbox: &Sandbox) {
    sandbox.file("password", format!("{PASSWORD}\n"));
    sandbox.file("secret", format!("{SECRET}\n"));
}

/// A database on PostgreSQL, with a role that may only read.
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// Makes one and runs statements in it.
    pub fn new(name: &str, sql: &str) -> Option<Self> {
        Some(Self::on(&server("RESIDUUM_TEST_POSTGRES")?, name, sql))
    }

    /// The same on a certain server.
    pub fn on(server: &str, name: &str, sql: &str) -> Self {
        let database = Self { server: server.to_owned(), name: format!("residuum_it_{}_{name}", std::process::id()) };
        let name = &database.name;
        database.ask("postgres", &format!("CREATE DATABASE {name}"));
        database.run(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' IN ROLE pg_read_all_data;\n{sql}"));
        database
    }

    /// Host and port of its server.
    pub fn place(&self) -> &str {
        place(&self.server)
    }

    /// The reader's URL, by way of another place.
    pub fn url_at(&self, place: &str) -> String {
        format!("postgres://{0}@{place}/{0}?sslmode=disable", self.name)
    }

    /// It as a source of a configuration.
    pub fn source(&self, name: &str, more: &str) -> String {
        self.source_at(name, self.place(), more)
    }

    /// The same by way of another place.
    pub fn source_at(&self, name: &str, place: &str, more: &str) -> String {
        let url = self.url_at(place);
        format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\npassword_file = \"password\"\n{more}\n")
    }

    /// Runs statements as the owner.
    pub fn run(&self, sql: &str) -> String {
        self.ask(&self.name, sql)
    }

    fn ask(&self, database: &str, sql: &str) -> String {
        let url = format!("postgres://app@{}/{database}", self.place());
        output(Command::new("psql").args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &url]), sql)
    }

    /// What answers for itself: the first field of the first row.
    pub fn count(&self, sql: &str) -> u64 {
        self.run(sql).parse().unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The reader's name, which is the database's, too.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ask("postgres", &format!("DROP DATABASE {0} WITH (FORCE); DROP ROLE {0}", self.name));
        }
    }
}

/// A database on MariaDB, with a user who may only read.
pub struct MariaDb {
    server: String,
    name: String,
}

impl MariaDb {
    /// Makes one and runs statements in it.
    pub fn new(name: &str, sql: &str) -> Option<Self> {
        Some(Self::on(&server("RESIDUUM_TEST_MARIADB")?, name, sql))
    }

    /// The same on a certain server.
    pub fn on(server: &str, name: &str, sql: &str) -> Self {
        let database = Self { server: server.to_owned(), name: format!("residuum_it_{}_{name}", std::process::id()) };
        let name = &database.name;
        database.ask("", &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        database.run(&format!(
            "{sql};\nCREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON {name}.* TO {name}"
        ));
        database
    }

    /// Host and port of its server.
    pub fn place(&self) -> &str {
        place(&self.server)
    }

    /// The reader's URL, by way of another place.
    pub fn url_at(&self, place: &str) -> String {
        format!("mysql://{0}@{place}/{0}", self.name)
    }

    /// It as a source of a configuration.
    pub fn source(&self, name: &str, more: &str) -> String {
        self.source_at(name, self.place(), more)
    }

    /// The same by way of another place.
    pub fn source_at(&self, name: &str, place: &str, more: &str) -> String {
        let url = self.url_at(place);
        format!("[[source]]\nname = \"{name}\"\nurl = \"{url}\"\npassword_file = \"password\"\n{more}\n")
    }

    /// Runs statements as the owner.
    pub fn run(&self, sql: &str) -> String {
        self.ask(&self.name, sql)
    }

    fn ask(&self, database: &str, sql: &str) -> String {
        let (host, port) = self.place().split_once(':').expect("host and port");
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--default-character-set=utf8mb4", "-N", "-B", "-h", host, "-P", port]);
        output(command.args(["-u", "app", database]), sql)
    }

    /// What answers for itself: the first field of the first row.
    pub fn count(&self, sql: &str) -> u64 {
        self.run(sql).parse().unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// The reader's name, which is the database's, too.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.ask("", &format!("DROP DATABASE {0}; DROP USER IF EXISTS {0}", self.name));
        }
    }
}

/// A server for one test, which may do with it what it likes.
pub struct Private {
    name: &'static str,
    url: String,
    directory: tempfile::TempDir,
}

impl Private {
    /// Starts one of its own, if the variable says that there are such servers to test against.
    pub fn start(name: &'static str, variable: &str) -> Option<Self> {
        server(variable)?;
        let directory = tempfile::Builder::new().prefix("residuum-server-").tempdir().expect("a temporary directory");
        // It runs as another user, who has to get through.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).expect("it is ours");
        let mut server = Self { name, url: String::new(), directory };
        server.url = server.script("start");
        Some(server)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it.
    pub fn stop(&self) {
        self.script("stop");
    }

    fn script(&self, verb: &str) -> String {
        let script = format!("{}/fixtures/servers/{}.sh", env!("CARGO_MANIFEST_DIR"), self.name);
        let mut command = Command::new(script);
        // A server keeps what it is started with: not our pipes, which would never end.
        let said = self.directory.path().join("said");
        let out = fs::File::create(&said).expect("a file can be made");
        let errors = out.try_clone().expect("it can be shared");
        let status =
            command.arg(verb).arg(self.directory.path().join("server")).stdin(Stdio::null()).stdout(out).stderr(errors);
        let status = status.status().expect("the script is there");
        let said = fs::read_to_string(said).expect("it is text");
        assert!(status.success(), "{said}");
        said.trim().to_owned()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let script = format!("{}/fixtures/servers/{}.sh", env!("CARGO_MANIFEST_DIR"), self.name);
        let mut command = Command::new(script);
        let _ = command.arg("stop").arg(self.directory.path().join("server")).stderr(Stdio::null()).status();
    }
}

/// A bucket on the server that does not check signatures, spoken to in plain HTTP.
pub struct Moto {
    server: String,
    bucket: String,
}

impl Moto {
    /// Makes an empty one.
    pub fn new(name: &str) -> Option<Self> {
        let server = server("RESIDUUM_TEST_S3_MOTO")?;
        let bucket = Self { server, bucket: format!("it-{name}-{}", std::process::id()) };
        bucket.ask("PUT", "", "", b"");
        Some(bucket)
    }

    /// It as a source of a configuration.
    pub fn source(&self, name: &str) -> String {
        bucket_source(name, &self.bucket, &self.server)
    }

    /// Puts an object.
    pub fn put(&self, key: &str, body: &[u8]) {
        self.ask("PUT", key, "", body);
    }

    /// Deletes an object.
    pub fn delete(&self, key: &str) {
        self.ask("DELETE", key, "", b"");
    }

    /// Has it keep versions from now on.
    pub fn keep_versions(&self) {
        let on = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        self.ask("PUT", "", "?versioning", on);
    }

    /// What an object holds.
    pub fn get(&self, key: &str) -> Vec<u8> {
        let answer = self.answer("GET", key, "", b"");
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head ends");
        answer[body + 4..].to_vec()
    }

    /// Removes all versions of an object, and the markers that it was deleted.
    pub fn purge(&self, key: &str) {
        for (of, version) in self.versions() {
            if of == key {
                self.ask("DELETE", key, &format!("?versionId={version}"), b"");
            }
        }
    }

    /// Keys with versions, markers included.
    fn versions(&self) -> Vec<(String, String)> {
        let listing = self.ask("GET", "", "?versions", b"");
        let entry = |part: &str| {
            let version = part.split_once("<VersionId>").expect("each has one").1;
            let (key, version) = (part.split("</Key>").next(), version.split("</VersionId>").next());
            (decoded(key.expect("it ends")), version.expect("it ends").to_owned())
        };
        listing.split("<Key>").skip(1).map(entry).collect()
    }

    /// The keys there are, up to the thousand that the server says at once.
    pub fn keys(&self) -> Vec<String> {
        let listing = self.ask("GET", "", "?list-type=2", b"");
        assert!(listing.contains("<IsTruncated>false<"), "{listing}");
        let key = |part: &str| decoded(part.split("</Key>").next().expect("it ends"));
        listing.split("<Key>").skip(1).map(key).collect()
    }

    fn ask(&self, verb: &str, key: &str, query: &str, body: &[u8]) -> String {
        String::from_utf8_lossy(&self.answer(verb, key, query, body)).into_owned()
    }

    fn answer(&self, verb: &str, key: &str, query: &str, body: &[u8]) -> Vec<u8> {
        let server = place(&self.server);
        let head = format!(
            "{verb} /{}/{}{query} HTTP/1.1\r\nHost: {server}\r\nContent-Length: {}\r\nConnection: close\r\nAuthorization: \
             AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00\r\n\r\n",
            self.bucket,
            encoded(key),
            body.len()
        );
        let mut stream = TcpStream::connect(server.parse::<SocketAddr>().expect("an address")).expect("it listens");
        let mut answer = Vec::new();
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        stream.read_to_end(&mut answer).expect("it answers");
        assert!(answer.starts_with(b"HTTP/1.1 20"), "{verb} {key}: {}", String::from_utf8_lossy(&answer));
        answer
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.keys().iter().for_each(|key| self.delete(key));
            // Where versions are kept, that has only marked them.
            self.versions().iter().for_each(|(key, _)| self.purge(key));
            self.ask("DELETE", "", "", b"");
        }
    }
}

/// A bucket on the server that checks signatures, which keeps it as a directory.
pub struct Signed {
    server: String,
    bucket: String,
    directory: PathBuf,
}

impl Signed {
    /// Makes an empty one.
    pub fn new(name: &str) -> Option<Self> {
        let (endpoint, root) = (server("RESIDUUM_TEST_S3_SIGNED")?, server("RESIDUUM_TEST_S3_SIGNED_DIR")?);
        let bucket = format!("it-{name}-{}", std::process::id());
        let directory = PathBuf::from(root).join("data").join(&bucket);
        fs::create_dir_all(&directory).expect("the server's directory can be written");
        Some(Self { server: endpoint, bucket, directory })
    }

    /// It as a source of a configuration.
    pub fn source(&self, name: &str) -> String {
        self.source_at(name, &self.server)
    }

    /// The same by way of another address.
    pub fn source_at(&self, name: &str, endpoint: &str) -> String {
        bucket_source(name, &self.bucket, endpoint)
    }

    /// Host and port of its server.
    pub fn place(&self) -> &str {
        place(&self.server)
    }

    /// Puts an object.
    pub fn put(&self, key: &str, body: &[u8]) {
        let path = self.directory.join(key);
        fs::create_dir_all(path.parent().expect("it stands in the bucket")).expect("folders can be made");
        fs::write(path, body).expect("an object can be written");
    }

    /// Deletes an object.
    pub fn delete(&self, key: &str) {
        fs::remove_file(self.directory.join(key)).expect("it was there");
    }

    /// The keys there are.
    pub fn keys(&self) -> Vec<String> {
        let mut find = Command::new("find");
        find.args([".", "-type", "f", "-printf", "%P\\n"]).current_dir(&self.directory);
        output(&mut find, "").lines().map(str::to_owned).collect()
    }
}

impl Drop for Signed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn bucket_source(name: &str, bucket: &str, endpoint: &str) -> String {
    format!(
        "[[source]]\nname = \"{name}\"\nurl = \"s3://{bucket}\"\nendpoint = \"{endpoint}\"\naccess_key = \"tester\"\n\
         password_file = \"secret\"\n\n"
    )
}

/// A key as a listing has it.
fn decoded(key: &str) -> String {
    key.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A key as it stands in a URL.
fn encoded(key: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/-_.~".contains(b);
    key.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Runs statements in a SQLite file, which is made if need be.
pub fn sqlite(path: &std::path::Path, sql: &str) -> String {
    output(Command::new("sqlite3").arg("-bail").arg(path), sql)
}

/// Whoever reads what a test printed cannot look into the directory of a server.
#[test]
fn a_server_that_does_not_start_says_why() {
    let tools = tempfile::tempdir().expect("a temporary directory");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/servers/moto.sh");
    let text = fs::read_to_string(script).expect("it is text");
    let version = text.lines().find_map(|line| line.strip_prefix("version=")).expect("it names one");
    let bin = tools.path().join(format!("moto-{version}/bin"));
    fs::create_dir_all(&bin).expect("folders can be made");
    let program = bin.join("moto_server");
    fs::write(&program, "#!/bin/sh\necho 'no room on this planet' >&2\nexit 7\n").expect("it can be written");
    assert!(Command::new("chmod").arg("755").arg(&program).status().expect("it runs").success());
    let mut start = Command::new(script);
    start.arg("start").arg(tools.path().join("server")).env("RESIDUUM_TEST_TOOLS", tools.path());
    let ended = start.output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("no room on this planet"), "{said}");
    assert!(said.contains("moto.sh: the server does not start, see `"), "{said}");
}
