//! The table of places in which a copy of somebody's data may stand: where each is, how a row gets there, and what
//! `verify` then names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::people::{Kind, Row, gzip, hex, zlib};
use super::{columns, contents as of};

/// A place for copies.
pub struct Plant {
    pub name: &'static str,
    /// Source and object as `verify` names them; a `*` at the end stands for anything.
    pub source: &'static str,
    pub object: &'static str,
    /// What may stand there by itself.
    pub kinds: &'static [Kind],
    pub place: Place,
    /// Where a person has to do something: words that stand in what `erase` or `verify` says of the place. Else empty.
    pub by_hand: &'static str,
}

/// What holds a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Store {
    Files,
    Sqlite,
    Postgres,
    MariaDb,
    Bucket,
}

impl Store {
    /// Whether there is one to test against.
    pub fn is_there(self) -> bool {
        let variable = match self {
            Self::Files | Self::Sqlite => return true,
            Self::Postgres => "RESIDUUM_TEST_POSTGRES",
            Self::MariaDb => "RESIDUUM_TEST_MARIADB",
            Self::Bucket => "RESIDUUM_TEST_S3_MOTO",
        };
        std::env::var_os(variable).is_some_and(|url| !url.is_empty())
    }
}

impl Plant {
    /// What holds it.
    pub fn store(&self) -> Store {
        match self.place {
            Place::File(_) | Place::FileOnce(..) | Place::Log | Place::FileName => Store::Files,
            Place::Key(_) | Place::OlderVersion(_) | Place::BehindMarker(_) => Store::Bucket,
            Place::Table(store, _) => store,
        }
    }
}

/// How copies get there.
#[derive(Clone, Copy)]
pub enum Place {
    /// A file, of rows.
    File(fn(&[Row]) -> Vec<u8>),
    /// A file of rows in which a further one has stood.
    FileOnce(fn(&[Row]) -> Vec<u8>, fn(&[Row], &Row) -> Vec<u8>),
    /// The write-ahead log of a SQLite file.
    Log,
    /// The name of a file, its contents being nobody's.
    FileName,
    /// An object in the bucket.
    Key(fn(&[Row]) -> Vec<u8>),
    /// A version of an object, which a newer one has replaced.
    OlderVersion(fn(&[Row]) -> Vec<u8>),
    /// An object that was deleted.
    BehindMarker(fn(&[Row]) -> Vec<u8>),
    /// A table.
    Table(Store, Table),
}

/// A table for copies. Its key is `id`; `{id}` in statements is a row's.
#[derive(Clone, Copy)]
pub struct Table {
    pub create: &'static str,
    /// A row as applications write it.
    pub insert: fn(&Row) -> String,
    /// A copy that was left, where it is not such a row.
    pub leave: Option<fn(&Row) -> String>,
    /// What is run when rows have come.
    pub then: &'static str,
    /// What takes a copy away again.
    pub clear: &'static str,
    /// What a person runs where `erase` says so.
    pub cure: &'static str,
}

const EMAIL: &[Kind] = &[Kind::Email];
const BOTH: &[Kind] = &[Kind::Email, Kind::Phone];
const ALL: &[Kind] = &[Kind::Email, Kind::Phone, Kind::Ssn];

const fn file(name: &'static str, object: &'static str, kinds: &'static [Kind], rows: fn(&[Row]) -> Vec<u8>) -> Plant {
    Plant { name, source: "files", object, kinds, place: Place::File(rows), by_hand: "" }
}

const fn once(
    name: &'static str,
    object: &'static str,
    kinds: &'static [Kind],
    rows: fn(&[Row]) -> Vec<u8>,
    left: fn(&[Row], &Row) -> Vec<u8>,
) -> Plant {
    Plant { name, source: "files", object, kinds, place: Place::FileOnce(rows, left), by_hand: "" }
}

const fn lake(name: &'static str, object: &'static str, kinds: &'static [Kind], place: Place) -> Plant {
    Plant { name, source: "lake", object, kinds, place, by_hand: "" }
}

const fn table(name: &'static str, store: Store, object: &'static str, table: Table) -> Plant {
    let source = match store {
        Store::Sqlite => "shop",
        Store::Postgres => "pg",
        Store::MariaDb => "maria",
        Store::Files | Store::Bucket => "none has tables",
    };
    Plant { name, source, object, kinds: ALL, place: Place::Table(store, table), by_hand: "" }
}

const fn made(create: &'static str, insert: fn(&Row) -> String) -> Table {
    Table { create, insert, leave: None, then: "", clear: "", cure: "" }
}

const fn of_one(plant: Plant, kinds: &'static [Kind]) -> Plant {
    Plant { kinds, ..plant }
}

const fn by_hand(plant: Plant, by_hand: &'static str) -> Plant {
    Plant { by_hand, ..plant }
}

pub static PLANTS: &[Plant] = &[
    // Files.
    file("a row of a CSV file", "crm/people.csv", ALL, of::csv),
    file("an element of a JSON array", "crm/people.json", BOTH, of::json_array),
    file("a line of JSON Lines", "web/events.jsonl", BOTH, of::json_lines),
    file("a line of a log", "web/app.log", ALL, of::log),
    file("a compressed log", "web/app.log.1.gz!app.log.1", ALL, of::log_gz),
    file("JSON Lines in zstd", "web/old.jsonl.zst!old.jsonl", BOTH, of::json_lines_zst),
    file("a row of a Parquet file", "warehouse/people.parquet", BOTH, columns::parquet),
    once("an entry of a Parquet dictionary", "warehouse/entry.parquet", BOTH, columns::parquet, columns::with_entry),
    once("statistics of a Parquet file", "warehouse/bounds.parquet", BOTH, columns::parquet, columns::with_bounds),
    file("a row of a workbook", "office/people.xlsx", BOTH, of::xlsx),
    once("a string of a workbook that no cell uses", "office/unused.xlsx", EMAIL, of::xlsx, of::xlsx_unused),
    file("a message in a mailbox", "mail/inbox.mbox", BOTH, of::mbox),
    file("an SQL dump", "backup/people.sql", ALL, of::dump),
    file("a CSV in a tar.gz", "backup/export.tar.gz!export.tar!export/people.csv", ALL, of::tar_gz),
    file("a copy that an editor has left", "crm/people.csv~", ALL, of::csv),
    file("a file that was set aside", "crm/people.csv.bak", ALL, of::csv),
    file("a hidden temporary file", "crm/.people.csv.residuum-0a1b2c3d", ALL, of::csv),
    file("a row of a SQLite file among files", "app/cache.db!sessions", BOTH, of::sqlite_file),
    once("free space in a SQLite file", "app/freed.db", BOTH, of::sqlite_file, of::sqlite_freed),
    Plant {
        name: "the write-ahead log of a SQLite file",
        source: "files",
        object: "app/logged.db",
        kinds: BOTH,
        place: Place::Log,
        by_hand: "",
    },
    file("a digest of an address", "ads/audience.csv", EMAIL, of::digests),
    by_hand(file("Base64 in JSON", "queue/messages.jsonl", ALL, of::base64_lines), "encoded text"),
    by_hand(file("gzip and Base64 in CSV", "queue/bodies.csv", ALL, of::gzip_in_csv), "encoded text"),
    Plant {
        name: "the name of a file",
        source: "files",
        object: "letters/*",
        kinds: EMAIL,
        place: Place::FileName,
        by_hand: "rename it",
    },
    // A bucket with versions.
    lake("an object in a bucket", "exports/people.csv", ALL, Place::Key(of::csv)),
    lake("a zip in a zip", "archive/2025.zip!2025/inner.zip!people.csv", ALL, Place::Key(of::zip_in_zip)),
    lake("a dump in a bucket", "dumps/people.sql.gz!people.sql", ALL, Place::Key(of::dump_gz)),
    lake("a Parquet file in a bucket", "warehouse/part-0.parquet", BOTH, Place::Key(columns::parquet)),
    lake("an older version", "web/events.jsonl?versionId=*", BOTH, Place::OlderVersion(of::json_lines)),
    lake("a deleted object", "web/gone.csv?versionId=*", ALL, Place::BehindMarker(of::csv)),
    // SQLite.
    table("a row in SQLite", Store::Sqlite, "main.leads", made(LEADS, |row| contact("leads", row))),
    table("a row that only says it is deleted", Store::Sqlite, "main.members", MEMBERS),
    table("a trail of changes", Store::Sqlite, "main.audit", made(AUDIT, |row| audit("audit", row))),
    by_hand(
        table(
            "gzip in a BLOB",
            Store::Sqlite,
            "main.outbox",
            Table {
                cure: "DELETE FROM outbox WHERE id = {id}",
                ..made("CREATE TABLE outbox (id INTEGER PRIMARY KEY, ref TEXT, body BLOB)", |row| {
                    let body = hex(&gzip(of::payload(row).as_bytes()));
                    format!("INSERT INTO outbox VALUES ({}, '{}', x'{body}')", row.id, row.tag())
                })
            },
        ),
        "encoded text",
    ),
    by_hand(
        table(
            "zlib in a BLOB",
            Store::Sqlite,
            "main.drafts",
            Table {
                cure: "DELETE FROM drafts WHERE id = {id}",
                ..made("CREATE TABLE drafts (id INTEGER PRIMARY KEY, ref TEXT, body BLOB)", |row| {
                    let body = hex(&zlib(of::payload(row).as_bytes()));
                    format!("INSERT INTO drafts VALUES ({}, '{}', x'{body}')", row.id, row.tag())
                })
            },
        ),
        "encoded text",
    ),
    // PostgreSQL.
    table("a row in PostgreSQL", Store::Postgres, "public.leads", made(LEADS, |row| contact("leads", row))),
    table("a row that is marked as deleted", Store::Postgres, "public.members", MEMBERS),
    table(
        "a table of former states",
        Store::Postgres,
        "public.members_history",
        made(
            "CREATE TABLE members_history (id int, version int, ref text, email text, phone text, ssn text, valid_to date, \
             PRIMARY KEY (id, version))",
            |row| {
                let Row { id, email, phone, ssn, .. } = row;
                format!(
                    "INSERT INTO members_history VALUES ({id}, 1, '{}', '{email}', '{phone}', '{ssn}', '2024-01-31')",
                    row.tag()
                )
            },
        ),
    ),
    table(
        "a trail of changes as JSON",
        Store::Postgres,
        "public.audit",
        made("CREATE TABLE audit (id int PRIMARY KEY, ref text, action text, change jsonb)", |row| audit("audit", row)),
    ),
    of_one(
        table(
            "a snapshot beside an order",
            Store::Postgres,
            "public.invoices",
            made("CREATE TABLE invoices (id int PRIMARY KEY, ref text, total numeric, customer json)", |row| {
                let Row { id, first, last, email, phone, .. } = row;
                let name = format!("{first} {last}");
                let customer = serde_json::json!({"name": name.trim(), "contact": {"email": email, "phone": phone}});
                format!("INSERT INTO invoices VALUES ({id}, '{}', 19.50, '{customer}')", row.tag())
            }),
        ),
        BOTH,
    ),
    by_hand(
        of_one(
            table(
                "a materialised view",
                Store::Postgres,
                "public.directory",
                Table {
                    insert: |row| contact("staff", row),
                    then: "REFRESH MATERIALIZED VIEW directory",
                    leave: Some(|row| {
                        format!(
                            "{}; REFRESH MATERIALIZED VIEW directory; DELETE FROM staff WHERE id = {}",
                            contact("staff", row),
                            row.id
                        )
                    }),
                    clear: "REFRESH MATERIALIZED VIEW directory",
                    cure: "REFRESH MATERIALIZED VIEW directory",
                    create: "CREATE TABLE staff (id int PRIMARY KEY, ref text, email text, phone text, ssn text); \
                     CREATE MATERIALIZED VIEW directory AS SELECT id, email, phone FROM staff",
                },
            ),
            BOTH,
        ),
        "REFRESH MATERIALIZED VIEW",
    ),
    by_hand(
        of_one(
            table(
                "statistics",
                Store::Postgres,
                "public.visits",
                Table {
                    create: "CREATE TABLE visits (id serial PRIMARY KEY, ref text, who text) WITH (autovacuum_enabled = false)",
                    insert: visits,
                    then: "ANALYZE visits",
                    leave: Some(|row| {
                        format!("{}; ANALYZE visits; DELETE FROM visits WHERE ref = '{}'", visits(row), row.tag())
                    }),
                    clear: "ANALYZE visits",
                    cure: "ANALYZE visits",
                },
            ),
            EMAIL,
        ),
        "ANALYZE",
    ),
    by_hand(
        table(
            "gzip in bytes",
            Store::Postgres,
            "public.outbox",
            Table {
                cure: "DELETE FROM outbox WHERE id = {id}",
                ..made("CREATE TABLE outbox (id int PRIMARY KEY, ref text, body bytea)", |row| {
                    let body = hex(&gzip(of::payload(row).as_bytes()));
                    format!("INSERT INTO outbox VALUES ({}, '{}', '\\x{body}')", row.id, row.tag())
                })
            },
        ),
        "encoded text",
    ),
    of_one(
        table(
            "a digest in PostgreSQL",
            Store::Postgres,
            "public.audience",
            made("CREATE TABLE audience (id int PRIMARY KEY, ref text, key text)", digest),
        ),
        EMAIL,
    ),
    // MariaDB.
    table("a row in MariaDB", Store::MariaDb, "*.leads", made(LEADS, |row| contact("leads", row))),
    table("a trail of changes in MariaDB", Store::MariaDb, "*.audit", made(AUDIT, |row| audit("audit", row))),
    by_hand(
        table(
            "Base64 in MariaDB",
            Store::MariaDb,
            "*.outbox",
            Table {
                cure: "DELETE FROM outbox WHERE id = {id}",
                ..made("CREATE TABLE outbox (id int PRIMARY KEY, ref text, body text)", |row| {
                    let body = STANDARD.encode(of::payload(row));
                    format!("INSERT INTO outbox VALUES ({}, '{}', '{body}')", row.id, row.tag())
                })
            },
        ),
        "encoded text",
    ),
    by_hand(
        table(
            "what COMPRESS() gives in MariaDB",
            Store::MariaDb,
            "*.drafts",
            Table {
                cure: "DELETE FROM drafts WHERE id = {id}",
                ..made("CREATE TABLE drafts (id int PRIMARY KEY, ref text, body blob)", |row| {
                    let body = of::payload(row);
                    format!("INSERT INTO drafts VALUES ({}, '{}', COMPRESS('{body}'))", row.id, row.tag())
                })
            },
        ),
        "encoded text",
    ),
    by_hand(
        table(
            "the past of a versioned table",
            Store::MariaDb,
            "*.profiles",
            Table {
                insert: |row| contact("profiles", row),
                then: "",
                // A row that came and went at the same moment has no past.
                leave: Some(|row| {
                    let insert = contact("profiles", row);
                    format!("{insert}; DO SLEEP(0.01); DELETE FROM profiles WHERE id = {}", row.id)
                }),
                clear: "DELETE HISTORY FROM profiles",
                cure: "DELETE HISTORY FROM profiles",
                create: "CREATE TABLE profiles (id int PRIMARY KEY, ref text, email text, phone text, ssn text) \
                 WITH SYSTEM VERSIONING",
            },
        ),
        "DELETE HISTORY",
    ),
    of_one(
        table(
            "a digest in MariaDB",
            Store::MariaDb,
            "*.audience",
            made("CREATE TABLE audience (id int PRIMARY KEY, ref text, k text)", digest),
        ),
        EMAIL,
    ),
];

const LEADS: &str = "CREATE TABLE leads (id INTEGER PRIMARY KEY, ref TEXT, email TEXT, phone TEXT, ssn TEXT)";
const AUDIT: &str = "CREATE TABLE audit (id INTEGER PRIMARY KEY, ref TEXT, action TEXT, change_json TEXT)";

const MEMBERS: Table = made(
    "CREATE TABLE members (id INTEGER PRIMARY KEY, ref TEXT, email TEXT, phone TEXT, ssn TEXT, deleted_at TEXT)",
    |row| {
        let Row { id, email, phone, ssn, .. } = row;
        format!(
            "INSERT INTO members VALUES ({id}, '{}', '{email}', '{phone}', '{ssn}', '2025-02-03 04:05:06')",
            row.tag()
        )
    },
);

fn contact(table: &str, row: &Row) -> String {
    let Row { id, email, phone, ssn, .. } = row;
    format!("INSERT INTO {table} VALUES ({id}, '{}', '{email}', '{phone}', '{ssn}')", row.tag())
}

fn audit(table: &str, row: &Row) -> String {
    let change = serde_json::json!({"table": "customers", "old": {"contact": row.one}, "new": {"contact": null}});
    format!("INSERT INTO {table} VALUES ({}, '{}', 'update', '{change}')", row.id, row.tag())
}

fn digest(row: &Row) -> String {
    format!("INSERT INTO audience VALUES ({}, '{}', '{}')", row.id, row.tag(), row.digest())
}

/// Many rows of one: what is frequent stands in the statistics.
fn visits(row: &Row) -> String {
    format!("INSERT INTO visits (ref, who) SELECT '{}', '{}' FROM generate_series(1, 12)", row.tag(), row.email)
}
