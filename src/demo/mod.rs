//! An invented company to try everything on: a database, exports, events, logs, a warehouse and an archive.
//!
//! Larkspur Outfitters does not exist and neither do its 240 customers; see [`people`] for where their values come
//! from. The same company is made every time. This module writes files and nothing else: scanning them and
//! looking somebody up is what the caller demonstrates.

mod database;
mod files;
mod people;
mod warehouse;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The directory that `residuum demo` makes.
pub const DIRECTORY: &str = "residuum-demo";

/// The directory in it in which somebody is erased: a copy, so that before and after can be compared.
pub const AFTER: &str = "after";

/// Says that a directory was made here and may be made again.
const MARKER: &str = ".made-by-residuum-demo";

/// What the demo and the commands that it runs make in the directory.
const MADE: [&str; 11] = [
    MARKER,
    AFTER,
    ".residuum",
    "README.txt",
    "crm.sqlite",
    "crm.sqlite-shm",
    "crm.sqlite-wal",
    "demo.key",
    "files",
    "report.html",
    "residuum.toml",
];

/// The files of the company, in `files`.
const FILES: [&str; 8] = [
    "archive/2025.zip",
    "events/web-2026-09.jsonl",
    "exports/kunden-2026-09.csv",
    "logs/access.log",
    "logs/app.log",
    "mail/please-delete.txt",
    "warehouse/newsletter.parquet",
    "warehouse/shipments.parquet",
];

/// What was made, for whoever shows it and for tests to count against.
#[derive(Clone, Debug)]
pub struct Company {
    /// Where it is.
    pub directory: PathBuf,
    /// The e-mail address of the customer to look for.
    pub subject_email: String,
    /// Their customer number.
    pub subject_id: u32,
    /// Rows, lines or files of each object, by the object's name.
    pub records: Vec<(&'static str, usize)>,
}

impl Company {
    /// How many records an object has.
    pub fn count(&self, object: &str) -> usize {
        self.records.iter().find(|(name, _)| *name == object).map_or(0, |(_, n)| *n)
    }
}

/// Why the company could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The directory exists and was not made by this.
    #[error("`{0}` exists and was not made by the demo, so it is left alone")]
    Foreign(PathBuf),
    /// A file could not be written.
    #[error("`{path}` cannot be written")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The database could not be written.
    #[error("the database `{path}` cannot be written")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: sqlx::Error,
    },
}

/// Makes the company in `directory`, anew if it was made before.
///
/// # Errors
/// When the directory is somebody else's or cannot be written.
pub fn make(directory: &Path) -> Result<Company, DemoError> {
    prepare(directory)?;
    let mut chance = people::Chance::new(2026);
    let people = people::customers(&mut chance);
    let staff = people::employees(&mut chance);
    let mut records = vec![("customers", people.len()), ("employees", staff.len())];

    let path = directory.join("crm.sqlite");
    let rows = database::write(&path, &people, &staff, &mut chance);
    let rows = rows.map_err(|cause| DemoError::Database { path, cause })?;
    records.extend([("orders", rows.orders), ("support_notes", rows.notes)]);

    let mut add = |name: &'static str, write: &mut dyn FnMut(&Path) -> io::Result<usize>| {
        let path = directory.join("files").join(name);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| write(&path));
        let count = written.map_err(|cause| DemoError::Write { path, cause })?;
        records.push((name, count));
        Ok(())
    };
    let subject = &people[people::SUBJECT];
    add("exports/kunden-2026-09.csv", &mut |path| files::export(path, &people))?;
    add("events/web-2026-09.jsonl", &mut |path| files::events(path, &people, &mut chance))?;
    add("logs/access.log", &mut |path| files::access_log(path, &people, &mut chance))?;
    add("logs/app.log", &mut |path| files::application_log(path, &people, &mut chance))?;
    add("warehouse/newsletter.parquet", &mut |path| warehouse::newsletter(path, &people, &mut chance))?;
    add("warehouse/shipments.parquet", &mut |path| warehouse::shipments(path, &people, &mut chance))?;
    add("archive/2025.zip", &mut |path| warehouse::archive(path, &people, &mut chance))?;
    add("mail/please-delete.txt", &mut |path| files::mail(path, subject).map(|()| 1))?;
    write(&directory.join("residuum.toml"), CONFIGURATION)?;
    write(&directory.join("README.txt"), README)?;
    Ok(Company {
        directory: directory.to_owned(),
        subject_email: subject.email.clone(),
        subject_id: subject.id,
        records,
    })
}

/// An empty directory with the marker in it: what the demo made before is removed, unless something else is there.
fn prepare(directory: &Path) -> Result<(), DemoError> {
    let failed = |cause| DemoError::Write { path: directory.to_owned(), cause };
    match fs::symlink_metadata(directory) {
        Ok(found) if found.is_dir() && directory.join(MARKER).is_file() => {
            if let Some(foreign) = foreign(directory).map_err(failed)? {
                return Err(DemoError::Foreign(foreign));
            }
            fs::remove_dir_all(directory).map_err(failed)?
        }
        Ok(found) if found.is_dir() && fs::read_dir(directory).map_err(failed)?.next().is_none() => {}
        Ok(_) => return Err(DemoError::Foreign(directory.to_owned())),
        Err(_) => {}
    }
    fs::create_dir_all(directory).map_err(failed)?;
    write(&directory.join(MARKER), "`residuum demo` made this directory and removes it when it is run again.\n")
}

/// Something in the demo's directory that the demo did not make.
fn foreign(directory: &Path) -> io::Result<Option<PathBuf>> {
    let files = directory.join("files");
    let is_made = |path: &Path| match path.strip_prefix(&files) {
        Ok(name) => FILES.iter().any(|file| Path::new(file).starts_with(name)),
        Err(_) => path.strip_prefix(directory).is_ok_and(|name| MADE.iter().any(|made| Path::new(made) == name)),
    };
    let mut ahead = vec![directory.to_owned()];
    while let Some(inside) = ahead.pop() {
        for entry in fs::read_dir(inside)? {
            let (path, is_directory) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?.is_dir())))?;
            if !is_made(&path) {
                return Ok(Some(path));
            }
            if is_directory && path.starts_with(&files) {
                ahead.push(path);
            }
        }
    }
    Ok(None)
}

/// Copies the company into a directory within its own, without what commands have made there.
///
/// # Errors
/// When it cannot be read or written.
pub fn copy(directory: &Path) -> Result<PathBuf, DemoError> {
    let after = directory.join(AFTER);
    for name in ["crm.sqlite", "files", "residuum.toml", "demo.key"] {
        let (from, to) = (directory.join(name), after.join(name));
        copy_all(&from, &to).map_err(|cause| DemoError::Write { path: to, cause })?;
    }
    Ok(after)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_all(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), DemoError> {
    fs::write(path, text).map_err(|cause| DemoError::Write { path: path.to_owned(), cause })
}

/// Two sources, joins that no schema could declare, and a map of them with gaps.
const CONFIGURATION: &str = r#"# Written by `residuum demo`. Paths count from this file.
index = ".residuum"
key_file = "demo.key"

[[source]]
name = "crm"
url = "sqlite:crm.sqlite"

[[source]]
name = "files"
url = "files"

# Customer numbers in files refer to the database. No schema says so; the owner does.
[[join]]
from = { source = "files", object = "events/*.jsonl", field = "user.id" }
to = { source = "crm", object = "main.customers", field = "id" }

[[join]]
from = { source = "files", object = "warehouse/shipments.parquet", field = "customer_id" }
to = { source = "crm", object = "main.customers", field = "id" }

[[join]]
from = { source = "files", object = "exports/kunden-*.csv", field = "Kundennummer" }
to = { source = "crm", object = "main.customers", field = "id" }

# The map: what it is for, where it comes from, who gets it. Some of it is missing: `residuum map check` says what.
[[recipient]]
name = "Petrel Parcels"
category = "parcel carriers"
kind = "service provider"
contract = "contracts/petrel-2025.pdf"
notify = "privacy@petrel.example.com"

[[recipient]]
name = "Inkwell Mailing"
category = "newsletter services"
kind = "service provider"
contract = "contracts/inkwell-2026.pdf"
notify = "https://inkwell.example.com/api/deletions"

[[recipient]]
name = "Tally Insights"
category = "data analytics providers"
kind = "contractor"
contract = "contracts/tally-2026.pdf"
notify = "privacy@tally.example.net"

[[recipient]]
name = "Meadowlark Ads"
category = "advertising networks"
kind = "third party"
contract = "contracts/meadowlark-2024.pdf"
owner = "marketing"

[[recipient]]
name = "tax authority"
category = "government entities"
kind = "third party"
contract = "none: required by law"
notify = "by letter"

[[map]]
source = "crm"
sources = ["the consumer directly"]
purposes = ["fulfilling orders"]
business_purposes = ["services"]
sold_to = []
shared_with = []
disclosed_to = []
service_providers = ["Petrel Parcels"]
environment = "production"
owner = "customer service"

[[map]]
source = "crm"
object = "main.{customers,orders}"
retention = { keep = "3y", after = "the last order" }

[[map]]
source = "crm"
object = "main.support_notes"
purposes = ["customer support"]
service_providers = []
retention = { keep = "2y", from = "written_on" }

[[map]]
source = "crm"
object = "main.employees"
purposes = ["employment", "payroll"]
disclosed_to = ["tax authority"]
service_providers = []
owner = "people team"
due = "2036-12-31"

[[map]]
source = "files"
sources = ["the consumer directly"]
sold_to = []
disclosed_to = []
environment = "production"
owner = "web team"
due = "2026-06-30"

[[map]]
source = "files"
object = "events/*"
purposes = ["analysis of the web shop"]
shared_with = []
disclosed_to = ["Tally Insights"]
retention = "13mo"
collected_at = "ts"

[[map]]
source = "files"
object = "logs/*"
purposes = ["security of the web shop"]
business_purposes = ["security", "debugging"]
shared_with = []
service_providers = []
retention = { keep = "90d", after = "the line is written" }

[[map]]
source = "files"
object = "warehouse/newsletter.parquet"
purposes = ["newsletter", "advertising"]
shared_with = ["Meadowlark Ads"]
service_providers = ["Inkwell Mailing"]
retention = { until = "the subscription ends" }
owner = "marketing"

[[map]]
source = "files"
object = "warehouse/shipments.parquet"
purposes = ["fulfilling orders"]
shared_with = []
service_providers = ["Petrel Parcels"]
retention = { keep = "3y", after = "the parcel arrives" }

[[accepted_gap]]
gap = "purposes"
source = "files"
object = "archive/*"
approved_by = "privacy office"
reason = "kept for one dispute, deleted after it"
until = "2036-12-31"

# The letter in which somebody asks to be erased is kept as the record of the request (11 CCR 7101).
[[retain]]
source = "files"
object = "mail/**"
exception = "105d8_legal"
reason = "records of requests are kept for 24 months"
approved_by = "the privacy office"
"#;

const README: &str = "\
Larkspur Outfitters, an invented company.

Nobody in here exists. E-mail addresses are at example.com, example.org and example.net (RFC 2606), American
telephone numbers from 555-0100 to 555-0199, German ones from those the Bundesnetzagentur keeps for films, network
addresses from RFC 5737, cards are published test numbers. No range of Social Security numbers is reserved for
examples and looks valid, so those are drawn by chance and belong to nobody we know of.

    crm.sqlite                 customers, their orders and support notes, employees
    files/exports/             the German customers: semicolons, Latin-1
    files/events/              what the web shop records, JSON Lines
    files/logs/                web server and application
    files/warehouse/           Parquet: shipments, and a newsletter list with hashed addresses
    files/archive/2025.zip     a CSV, and a tar.gz of letters
    files/mail/                a request to delete an account
    residuum.toml              the sources, which fields hold customer numbers, and what all of it is for
    .residuum/                 the index: places and fingerprints, no values
    demo.key                   its key; a real one would be kept elsewhere
    report.html                the inventory
    after/                     a copy in which one customer was erased
    after/disclosure/          what was held of them, as they would get it
    after/certificate.json     that nothing is left of them
    after/state/               the key that signs it, and the head of the audit log

`residuum demo` removes this directory and makes it again.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_company_is_the_same_every_time() {
        let parent = tempfile::tempdir().unwrap();
        let here = parent.path().join(DIRECTORY);
        let first = make(&here).unwrap();
        let read = |name: &str| fs::read(here.join("files").join(name)).unwrap();
        let names: Vec<_> = first.records.iter().map(|(name, _)| *name).filter(|name| name.contains('/')).collect();
        let before: Vec<_> = names.iter().map(|name| read(name)).collect();
        assert_eq!(make(&here).unwrap().records, first.records);
        for (name, bytes) in names.iter().zip(before) {
            assert!(read(name) == bytes, "{name} differs");
        }
    }

    #[test]
    fn a_directory_of_somebody_else_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let here = parent.path().join(DIRECTORY);
        fs::create_dir(&here).unwrap();
        fs::write(here.join("thesis.txt"), "years of work").unwrap();
        assert!(matches!(make(&here), Err(DemoError::Foreign(_))));
        assert_eq!(fs::read_to_string(here.join("thesis.txt")).unwrap(), "years of work");
    }

    #[test]
    fn what_somebody_put_into_its_directory_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let here = parent.path().join(DIRECTORY);
        make(&here).unwrap();
        for name in ["thesis.txt", "files/mine.csv", "files/logs/mine.log"] {
            let mine = here.join(name);
            fs::write(&mine, "years of work").unwrap();
            assert!(matches!(make(&here), Err(DemoError::Foreign(path)) if path == mine), "{name}");
            assert_eq!(fs::read_to_string(&mine).unwrap(), "years of work");
            fs::remove_file(mine).unwrap();
        }
        make(&here).expect("nothing foreign is there");
    }
}
