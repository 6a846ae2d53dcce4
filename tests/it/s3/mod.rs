//! Buckets from the command line, through a network that fails.
//!
//! `RESIDUUM_TEST_S3_SIGNED` is the URL of a server that `fixtures/servers/s3s.sh` started in the directory
//! `RESIDUUM_TEST_S3_SIGNED_DIR`; without them these tests do nothing.

#[allow(dead_code)] // the connector's own tests use the rest
mod proxy;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use self::proxy::{Fault, Plan, Proxy};
use crate::sandbox::{Run, Sandbox};

/// A bucket on the server, which keeps it as a directory, and a sandbox that is configured for it.
struct Bucket {
    name: String,
    directory: PathBuf,
    endpoint: String,
    sandbox: Sandbox,
}

impl Bucket {
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let endpoint = std::env::var("RESIDUUM_TEST_S3_SIGNED").ok()?;
        let server = PathBuf::from(std::env::var_os("RESIDUUM_TEST_S3_SIGNED_DIR")?);
        let name = format!("cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = server.join("data").join(&name);
        fs::create_dir_all(&directory).expect("the server's directory can be written");
        let sandbox = Sandbox::new();
        sandbox.file("secret", "tester-secret\n");
        let bucket = Self { name, directory, endpoint, sandbox };
        bucket.configure(&bucket.endpoint, "");
        Some(bucket)
    }

    fn put(&self, key: &str, body: &str) {
        let path = self.directory.join(key);
        fs::create_dir_all(path.parent().expect("it stands in the bucket")).expect("folders can be made");
        fs::write(path, body).expect("an object can be written");
    }

    fn configure(&self, endpoint: &str, more: &str) {
        let text = format!(
            "[[source]]\nname = \"bucket\"\nurl = \"s3://{}\"\nendpoint = \"{endpoint}\"\naccess_key = \"tester\"\n\
             password_file = \"secret\"\ntimeout = \"1s\"\n{more}",
            self.name
        );
        self.sandbox.file("residuum.toml", text);
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.sandbox.run(arguments)
    }

    /// What a scan into a new index finds.
    fn scan(&self, code: i32) -> (Run, String) {
        let _ = fs::remove_dir_all(self.sandbox.path(".residuum"));
        let scan = self.run(&["scan"]).exits(code);
        let findings = self.run(&["findings", "--format", "jsonl"]).stdout;
        (scan, findings)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn filled() -> Option<Bucket> {
    let bucket = Bucket::new()?;
    for i in 0..20 {
        let rows: String = (0..40).map(|j| format!("{j},person{i}-{j}@example.com\n")).collect();
        bucket.put(&format!("crm/{i:02}.csv"), &format!("id,email\n{rows}"));
    }
    let quiet = "nothing of note happened in this line of the log\n".repeat(2_000);
    let large: String = (0..100).map(|i| format!("{quiet}login large{i}@example.com\n")).collect();
    assert!(large.len() > 8 << 20, "it is read in parts");
    bucket.put("large.log", &large);
    Some(bucket)
}

#[test]
fn a_bucket_is_scanned_planned_and_checked() {
    let Some(bucket) = filled() else { return };
    bucket.run(&["sources", "check"]).exits(0).prints("21 objects").prints("bucket `cli-");
    bucket.run(&["scan", "--plan"]).exits(0).prints("21").prints("large.log");
    let (_, findings) = bucket.scan(0);
    assert_eq!(findings.matches("EMAIL").count(), 900);
    let found = bucket.run(&["find", "--email", "large7@example.com", "--format", "jsonl"]).exits(0);
    assert_eq!(found.lines()[0]["object"], "large.log");
    bucket.run(&["scan", "--include", "crm/*"]).exits(0);
}

#[test]
fn what_is_wrong_with_a_bucket_is_told() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.put("a.txt", "x\n");
    bucket.sandbox.file("secret", "not-the-secret\n");
    bucket.run(&["scan"]).exits(1).says("the secret key does not belong to the access key").nowhere("not-the-secret");
    bucket.run(&["sources", "check"]).exits(1).prints("not reached").nowhere("not-the-secret");
    bucket.configure("http://127.0.0.1:1", "attempts = 2");
    bucket.run(&["scan"]).exits(1).says("no connection to `http://127.0.0.1:1`");
}

#[test]
fn keys_and_what_is_sent_stay_out_of_the_log() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.put("mail/jane.doe@example.com.txt", "x\n");
    let proxy =
        Proxy::before(&bucket.endpoint, Plan { fault: Fault::Error(403, "AccessDenied"), on: "jane", times: 99 });
    bucket.configure(&proxy.url(), "");
    let mut command = bucket.sandbox.command(["scan", "-vv"]);
    let run = Run::of(command.env("RESIDUUM_LOG", "trace")).exits(2);
    run.says("access denied")
        .nowhere("jane.doe")
        .nowhere("tester-secret")
        .nowhere("Authorization")
        .nowhere("authorization");
}

#[test]
fn what_is_configured_is_asked_for() {
    let Some(bucket) = Bucket::new() else { return };
    bucket.put("a.txt", "x\n");
    bucket.sandbox.file("key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
    let proxy = Proxy::before(&bucket.endpoint, Plan { fault: Fault::Slow, on: "GET /", times: ALWAYS });
    bucket.configure(&proxy.url(), "requester_pays = true\ncustomer_key_file = \"key\"\n");
    bucket.run(&["scan"]);
    let heads = proxy.spoilt();
    let (objects, lists): (Vec<_>, Vec<_>) = heads.iter().partition(|head| head.contains(ANY));
    assert!(!objects.is_empty() && !lists.is_empty());
    for head in &objects {
        assert!(head.contains("x-amz-server-side-encryption-customer-algorithm: AES256"), "{head}");
        assert!(head.contains("x-amz-server-side-encryption-customer-key-md5: hRasmdxgYDKV3nvbahU1MA=="), "{head}");
        assert!(head.contains("x-amz-request-payer: requester"), "{head}");
    }
    let pays = |head: &&&String| head.contains("x-amz-request-payer: requester");
    assert!(lists.iter().filter(|head| head.contains("list-type=2")).all(|head| pays(&head)), "{lists:?}");
}

#[test]
fn only_what_changed_is_read_again() {
    let Ok(server) = std::env::var("RESIDUUM_TEST_S3_MOTO") else { return };
    let bucket = format!("again-{}", std::process::id());
    let put = |path: &str, body: &str| proxy::put(&server, &format!("/{bucket}{path}"), body);
    put("", "");
    for i in 0..30 {
        put(&format!("/{i}.txt"), &format!("person{i}@example.com\n"));
    }
    let sandbox = Sandbox::new();
    sandbox.file("secret", "any\n");
    sandbox.file(
        "residuum.toml",
        format!(
            "[[source]]\nname = \"bucket\"\nurl = \"s3://{bucket}\"\nendpoint = \"{server}\"\naccess_key = \"any\"\n\
             password_file = \"secret\"\n"
        ),
    );
    sandbox.run(["scan", "--format", "json"]).exits(0);
    let again = sandbox.run(["scan", "--format", "json"]).exits(0).json();
    assert_eq!((again["unchanged"].as_u64(), again["bytes"].as_u64()), (Some(30), Some(0)), "{again}");
    put("/7.txt", "somebody.else@example.com\n");
    let again = sandbox.run(["scan", "--format", "json"]).exits(0).json();
    assert_eq!(again["unchanged"], 29, "{again}");
    sandbox.run(["find", "--email", "somebody.else@example.com"]).exits(0).prints("7.txt");
    sandbox.run(["find", "--email", "person7@example.com"]).exits(3);
}

/// What a scan makes of a fault, as `docs/faults.md` has it.
enum Then {
    /// The findings are those of a scan without it.
    Identical,
    /// One object is named for this reason, and the others are read.
    Named(&'static str),
    /// The scan does not begin, for this reason.
    Ends(&'static str),
}

/// What the table calls it, what happens, and what then.
const FAULTS: &[(&str, Plan, Then)] = &[
    ("slow: 64 KiB every 20 ms", plan(Fault::Slow, "GET /cli", 1_000), Then::Identical),
    ("reset in the middle, once for each object", plan(Fault::Reset, ANY, 1), Then::Identical),
    ("cut short, once for each object", plan(Fault::Truncated, ANY, 1), Then::Identical),
    ("stalled in the middle, once for each object", plan(Fault::Stalled, ANY, 1), Then::Identical),
    ("closed without an answer, twice for each request", plan(Fault::Refused, "GET /cli", 2), Then::Identical),
    ("500, twice for each request", plan(Fault::Error(500, "InternalError"), "GET /cli", 2), Then::Identical),
    ("503 SlowDown, twice for each request", plan(Fault::Error(503, "SlowDown"), "GET /cli", 2), Then::Identical),
    ("reset in the middle, always", plan(Fault::Reset, "07.csv", ALWAYS), Then::Named("the connection broke 6 times")),
    ("cut short, always", plan(Fault::Truncated, "07.csv", ALWAYS), Then::Named("the connection broke 6 times")),
    ("stalled, always", plan(Fault::Stalled, "07.csv", ALWAYS), Then::Named("silent or too slow 6 times")),
    (
        "closed without an answer, always",
        plan(Fault::Refused, "07.csv", ALWAYS),
        Then::Named("the connection broke 6 times"),
    ),
    (
        "500, always",
        plan(Fault::Error(500, "InternalError"), "07.csv", ALWAYS),
        Then::Named("the server refused 6 times"),
    ),
    (
        "503 SlowDown, always",
        plan(Fault::Error(503, "SlowDown"), "07.csv", ALWAYS),
        Then::Named("the server refused 6 times"),
    ),
    (
        "credentials expire after the listing",
        plan(Fault::Error(400, "ExpiredToken"), "07.csv", ALWAYS),
        Then::Named("the credentials are no longer accepted"),
    ),
    (
        "access denied to an object",
        plan(Fault::Error(403, "AccessDenied"), "07.csv", ALWAYS),
        Then::Named("access denied"),
    ),
    (
        "moved into an archive",
        plan(Fault::Error(403, "InvalidObjectState"), "07.csv", ALWAYS),
        Then::Named("it lies in an archive"),
    ),
    (
        "encrypted with a key that was not given",
        plan(Fault::Error(400, "InvalidRequest"), "07.csv", ALWAYS),
        Then::Named("it is encrypted with a key that its owner keeps"),
    ),
    (
        "credentials have expired",
        plan(Fault::Error(400, "ExpiredToken"), "GET /cli", ALWAYS),
        Then::Ends("the session has expired: renew it"),
    ),
    (
        "in another region",
        plan(Fault::Error(301, "PermanentRedirect"), "GET /cli", ALWAYS),
        Then::Ends("is not in the region `us-east-1`"),
    ),
];

const ALWAYS: usize = usize::MAX;

/// Requests for objects; a listing has its query behind the bucket.
const ANY: &str = "x-id=GetObject";

const fn plan(fault: Fault, on: &'static str, times: usize) -> Plan {
    Plan { fault, on, times }
}

#[test]
fn faults_change_nothing_or_are_named() {
    let Some(bucket) = filled() else { return };
    let (_, expected) = bucket.scan(0);
    let without: String =
        expected.lines().filter(|line| !line.contains("crm/07.csv")).map(|l| format!("{l}\n")).collect();
    let table = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md")).expect("the table is there");
    for (name, plan, then) in FAULTS {
        let proxy = Proxy::before(&bucket.endpoint, *plan);
        bucket.configure(&proxy.url(), "");
        let cell = match then {
            Then::Identical => {
                let (_, found) = bucket.scan(0);
                assert!(found == expected, "{name}: the findings are the same");
                "findings identical, exit 0".to_owned()
            }
            Then::Named(reason) => {
                let (scan, found) = bucket.scan(2);
                assert!(found == without, "{name}: the others' findings are the same");
                assert!(scan.stderr.contains(reason) && scan.stderr.contains("crm/07.csv"), "{name}: {}", scan.stderr);
                format!("object `unreadable`: {reason} …; the rest identical, exit 2")
            }
            Then::Ends(reason) => {
                bucket.run(&["scan", "--quiet"]).exits(1).says(reason);
                format!("{reason} …; exit 1")
            }
        };
        assert!(!proxy.spoilt().is_empty(), "{name}: the fault happened");
        let row = table.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let row = row.unwrap_or_else(|| panic!("docs/faults.md has no row `{name}`; its S3 is `{cell}`"));
        assert!(row.contains(&cell), "docs/faults.md, `{name}`: expected `{cell}`");
    }
}

#[test]
fn a_prefix_that_nothing_has_certifies_nothing() {
    let Some(bucket) = filled() else { return };
    let at = |url: &str, more: &str| {
        let text = format!(
            "[[source]]\nname = \"bucket\"\nurl = \"{url}\"\nendpoint = \"{}\"\naccess_key = \"tester\"\n\
             password_file = \"secret\"\n{more}",
            bucket.endpoint
        );
        bucket.sandbox.file("residuum.toml", text);
    };
    let verify = ["verify", "--email", "nobody@example.org", "--certificate", "certificate.json"];
    let slip = format!("s3://{}/cmr/", bucket.name);
    at(&slip, "");
    bucket.run(&["scan"]).exits(2).says("begins with the prefix of `url`").says("may_be_empty");
    bucket.run(&["sources", "check"]).prints("begins with the prefix");
    bucket.run(&verify).exits(2).says("begins with the prefix").says("no certificate was made");
    at(&slip, "may_be_empty = true");
    bucket.run(&["scan"]).exits(0).says("there is nothing in source `bucket`");
    // What nothing was found in beside something else is said in the certificate.
    let others = bucket.sandbox.file("files/a.csv", "email\njane@example.com\n");
    let others = others.parent().expect("it stands in one").display().to_string();
    let text = std::fs::read_to_string(bucket.sandbox.path("residuum.toml")).expect("it is there");
    bucket.sandbox.file("residuum.toml", format!("{text}\n[[source]]\nname = \"files\"\nurl = \"{others}\"\n"));
    bucket.run(&verify).exits(0).says("there is nothing in source `bucket`");
    let certificate = fs::read_to_string(bucket.sandbox.path("certificate.json")).expect("it was made");
    assert!(certificate.contains("1 of 2 sources, in which there was nothing at the time"), "{certificate}");
    at(&format!("s3://{}/cr", bucket.name), "");
    bucket.run(&["scan"]).exits(0).never_says("prefix");
}

#[test]
fn what_stands_beside_a_body_is_found_disclosed_and_erased() {
    let Ok(server) = std::env::var("RESIDUUM_TEST_S3_MOTO") else { return };
    let bucket = format!("beside-{}", std::process::id());
    proxy::put(&server, &format!("/{bucket}"), "");
    let of_jane = "x-amz-meta-owner: jane.roe@example.com\r\nx-amz-meta-run: 42\r\n\
                   x-amz-tagging: contact=jane.roe%40example.com&team=crm\r\n";
    proxy::put_with(&server, &format!("/{bucket}/minutes.txt"), of_jane, "nothing of note\n");
    proxy::put(&server, &format!("/{bucket}/other.csv"), "email\nbob@example.com\n");
    let sandbox = Sandbox::new();
    sandbox.file("secret", "any\n");
    sandbox.file(
        "residuum.toml",
        format!(
            "[[source]]\nname = \"bucket\"\nurl = \"s3://{bucket}\"\nendpoint = \"{server}\"\naccess_key = \"any\"\n\
             password_file = \"secret\"\n"
        ),
    );
    let jane = ["--email", "jane.roe@example.com"];
    sandbox.run(["scan"]).exits(0);
    let found = sandbox.run(["find", "--format", "jsonl"].iter().chain(&jane)).exits(0).lines();
    let mut places: Vec<_> =
        found.iter().map(|line| (line["object"].as_str().unwrap(), line["field"].as_str().unwrap())).collect();
    places.sort_unstable();
    assert_eq!(places, [("minutes.txt!?metadata", "tag contact"), ("minutes.txt!?metadata", "x-amz-meta-owner")]);
    sandbox.run(["disclose", "--output", "package"].iter().chain(&jane)).exits(0);
    let mut grep = std::process::Command::new("grep");
    let disclosed = grep.args(["-rl", "x-amz-meta-owner", "package"]).current_dir(sandbox.path("")).output();
    let disclosed = disclosed.expect("`grep` is there");
    assert!(!disclosed.stdout.is_empty(), "the package has it");
    sandbox.run(["verify"].iter().chain(&jane)).exits(3).prints("?metadata");
    sandbox.run(["erase", "--apply"].iter().chain(&jane)).exits(0);
    let head = proxy::ask("GET", &server, &format!("/{bucket}/minutes.txt"), "", "");
    assert!(head.contains("x-amz-meta-run: 42") && head.ends_with("nothing of note\n"), "{head}");
    assert!(!head.contains("jane"), "{head}");
    let tags = proxy::ask("GET", &server, &format!("/{bucket}/minutes.txt?tagging"), "", "");
    assert!(tags.contains("crm") && !tags.contains("jane"), "{tags}");
    sandbox.run(["verify"].iter().chain(&jane)).exits(0);
}

/// Metadata are no part of the tag by which a version is known, and its time is told in seconds: what was written is read
/// again all the same, and a bucket that never kept versions is not said to keep some.
#[test]
fn metadata_can_be_erased_within_the_second_in_which_they_were_written() {
    let Ok(server) = std::env::var("RESIDUUM_TEST_S3_MOTO") else { return };
    let bucket = format!("second-{}", std::process::id());
    proxy::put(&server, &format!("/{bucket}"), "");
    let sandbox = Sandbox::new();
    sandbox.file("secret", "any\n");
    sandbox.file(
        "residuum.toml",
        format!(
            "[[source]]\nname = \"bucket\"\nurl = \"s3://{bucket}\"\nendpoint = \"{server}\"\naccess_key = \"any\"\n\
             password_file = \"secret\"\n"
        ),
    );
    for n in 0..4 {
        let of_jane = "x-amz-meta-owner: jane.roe@example.com\r\nx-amz-meta-run: 42\r\n";
        proxy::put_with(&server, &format!("/{bucket}/minutes{n}.txt"), of_jane, "nothing of note\n");
        sandbox.run(["scan", "--quiet"]).exits(0);
        let run = sandbox.run(["erase", "--email", "jane.roe@example.com", "--apply"]).exits(0);
        run.says("0 records deleted, 1 record edited").nowhere("not done").nowhere("version");
        let head = proxy::ask("GET", &server, &format!("/{bucket}/minutes{n}.txt"), "", "");
        assert!(head.contains("x-amz-meta-run: 42") && !head.contains("jane"), "{head}");
    }
}

#[test]
fn tags_that_may_not_be_read_are_a_hole() {
    let Some(bucket) = filled() else { return };
    let denied = Plan { fault: Fault::Error(403, "AccessDenied"), on: "?tagging", times: ALWAYS };
    let proxy = Proxy::before(&bucket.endpoint, denied);
    bucket.configure(&proxy.url(), "");
    bucket.run(&["scan"]).exits(2).says("?tags").says("s3:GetObjectTagging");
    let approved =
        "[[exclude]]\nsource = \"bucket\"\nobject = \"?tags\"\napproved_by = \"privacy office\"\nreason = \"none\"\n";
    bucket.configure(&proxy.url(), approved);
    bucket.run(&["scan"]).exits(0);
    assert!(!proxy.spoilt().is_empty());
}

/// Tags alone make no object another one: a scan does not see that they were changed, and a verification does. Metadata do.
#[test]
fn what_is_written_beside_a_body_later_is_verified() {
    let Ok(server) = std::env::var("RESIDUUM_TEST_S3_MOTO") else { return };
    let bucket = format!("later-{}", std::process::id());
    proxy::put(&server, &format!("/{bucket}"), "");
    for key in ["a.txt", "b.txt", "c.txt"] {
        proxy::put_with(&server, &format!("/{bucket}/{key}"), "x-amz-tagging: team=crm\r\n", "nothing of note\n");
    }
    let sandbox = Sandbox::new();
    sandbox.file("secret", "any\n");
    let configure = |endpoint: &str, more: &str| {
        let text = format!(
            "[[source]]\nname = \"bucket\"\nurl = \"s3://{bucket}\"\nendpoint = \"{endpoint}\"\naccess_key = \"any\"\n\
             password_file = \"secret\"\n{more}"
        );
        sandbox.file("residuum.toml", text);
    };
    configure(&server, "");
    let jane = ["--email", "jane.roe@example.com"];
    sandbox.run(["scan"]).exits(0);
    let tags = "<Tagging><TagSet><Tag><Key>contact</Key><Value>jane.roe@example.com</Value></Tag></TagSet></Tagging>";
    proxy::ask("PUT", &server, &format!("/{bucket}/a.txt?tagging"), "", tags);
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["find"].iter().chain(&jane)).exits(3);
    sandbox.run(["verify"].iter().chain(&jane)).exits(3).prints("?metadata");
    std::thread::sleep(std::time::Duration::from_millis(1_100)); // a listing's days are whole seconds
    let metadata = "x-amz-meta-owner: joe.doe@example.com\r\n";
    proxy::put_with(&server, &format!("/{bucket}/b.txt"), metadata, "nothing of note\n");
    sandbox.run(["scan"]).exits(0);
    sandbox.run(["find", "--email", "joe.doe@example.com"]).exits(0).prints("?metadata");
    sandbox.run(["verify", "--incremental", "--email", "ann@example.com", "--certificate", "c.json"]).exits(0);
    let certificate = fs::read_to_string(sandbox.path("c.json")).expect("it was made");
    assert!(certificate.contains("tags of objects in buckets that have not changed but for them"), "{certificate}");
    // A thousand objects whose tags may not be read are one hole.
    let denied = Plan { fault: Fault::Error(403, "AccessDenied"), on: "?tagging", times: ALWAYS };
    let proxy = Proxy::before(&server, denied);
    configure(&proxy.url(), "");
    sandbox.run(["scan", "--full", "--index", "other"]).exits(2).says("?tags").never_says("its tags cannot be read");
    let report = sandbox.run(["report", "--index", "other", "--format", "json"]).json();
    assert_eq!(report["coverage"]["unreadable"], 1, "{}", report["coverage"]);
}
