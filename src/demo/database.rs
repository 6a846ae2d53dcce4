//! The company's customer database: SQLite, with keys that lead from a customer to orders and notes.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::people::{Chance, Employee, Person, SUBJECT, TEST_CARDS};

/// How many rows were written.
pub(super) struct Rows {
    pub orders: usize,
    pub notes: usize,
}

const SCHEMA: &str = "
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT,
    date_of_birth TEXT, street TEXT, city TEXT, state TEXT, zip TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
    placed_on TEXT NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL, total_cents INTEGER NOT NULL);
CREATE TABLE support_notes (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id),
    written_on TEXT NOT NULL, note TEXT NOT NULL, context TEXT);
CREATE TABLE employees (
    id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL, job_title TEXT, ssn TEXT NOT NULL, phone TEXT);
CREATE VIEW big_spenders AS
    SELECT customer_id, sum(total_cents) AS total FROM orders GROUP BY customer_id HAVING total > 50000;
";

/// Writes the database.
pub(super) fn write(
    path: &Path,
    people: &[Person],
    staff: &[Employee],
    chance: &mut Chance,
) -> Result<Rows, sqlx::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(sqlx::Error::Io)?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Memory)
            // A demonstration can be made again; waiting for the disk buys nothing.
            .synchronous(SqliteSynchronous::Off);
        let mut database = options.connect().await?;
        sqlx::raw_sql(SCHEMA).execute(&mut database).await?;
        let mut transaction = database.begin().await?;
        customers(&mut transaction, people).await?;
        employees(&mut transaction, staff).await?;
        let orders = orders(&mut transaction, people, chance).await?;
        let notes = notes(&mut transaction, people, chance).await?;
        transaction.commit().await?;
        // Rows that were moved to another page would still stand in the free space of the old one.
        sqlx::raw_sql("VACUUM").execute(&mut database).await?;
        database.close().await?;
        Ok(Rows { orders, notes })
    })
}

async fn customers(database: &mut SqliteConnection, people: &[Person]) -> Result<(), sqlx::Error> {
    for p in people {
        let row = [p.first, p.last, &p.email, &p.phone, &p.born, &p.street, p.city, p.state, &p.postcode];
        insert(database, "customers", &[i64::from(p.id)], &row).await?;
    }
    Ok(())
}

async fn employees(database: &mut SqliteConnection, staff: &[Employee]) -> Result<(), sqlx::Error> {
    for e in staff {
        insert(database, "employees", &[i64::from(e.id)], &[&e.name, &e.email, e.title, &e.ssn, &e.phone]).await?;
    }
    Ok(())
}

async fn orders(database: &mut SqliteConnection, people: &[Person], chance: &mut Chance) -> Result<usize, sqlx::Error> {
    const ITEMS: &[(&str, u64)] = &[
        ("tent TN-2204", 18_900),
        ("camp stove", 4_950),
        ("SKU-834-58-1334 rope", 2_750),
        ("trail map v4.12.2", 1_200),
        ("head lamp", 3_400),
        ("rain jacket", 12_900),
        ("boots size 42", 15_900),
    ];
    let mut id = 70_000;
    for (i, person) in people.iter().enumerate() {
        let count = if i == SUBJECT { 3 } else { chance.between(0, 5) };
        for _ in 0..count {
            id += 1;
            let (item, cents) = chance.pick(ITEMS);
            let quantity = chance.between(1, 3);
            let day = format!("2026-{:02}-{:02}", chance.between(1, 9), chance.between(1, 28));
            let insert = "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)";
            let query = sqlx::query(insert).bind(id).bind(i64::from(person.id)).bind(day).bind(item);
            query.bind(quantity as i64).bind((cents * quantity) as i64).execute(&mut *database).await?;
        }
    }
    Ok((id - 70_000) as usize)
}

async fn notes(database: &mut SqliteConnection, people: &[Person], chance: &mut Chance) -> Result<usize, sqlx::Error> {
    let mut count = 0;
    for (i, p) in people.iter().enumerate() {
        if i != SUBJECT && !chance.one_in(3) {
            continue;
        }
        count += 1;
        let note = match if i == SUBJECT { 0 } else { chance.between(0, 4) } {
            0 => format!(
                "Called about a late parcel. Prefers e-mail to {} over the phone, but {} works in the evening.",
                p.email, p.phone
            ),
            1 => format!("Card {} was declined twice, asked to pay by invoice.", chance.pick(TEST_CARDS)),
            2 => format!("New address: {}, {}, {} {}. Please update the file.", p.street, p.city, p.state, p.postcode),
            3 => "Asked whether the tent fits four. Sent the manual, version 4.12.2.".to_owned(),
            _ => format!("Wants all messages to go to {} from now on.", p.email),
        };
        let context = serde_json::json!({
            "channel": chance.pick(&["chat", "phone", "mail"]),
            "client": { "ip": p.ip, "device_id": p.device },
            "contact": { "email": p.email },
            "ticket": format!("T-{:06}", chance.between(100_000, 999_999)),
        });
        let day = format!("2026-{:02}-{:02}", chance.between(1, 9), chance.between(1, 28));
        insert(database, "support_notes", &[count as i64, i64::from(p.id)], &[&day, &note, &context.to_string()])
            .await?;
    }
    Ok(count)
}

/// Inserts numbers, then texts.
async fn insert(
    database: &mut SqliteConnection,
    table: &str,
    numbers: &[i64],
    texts: &[&str],
) -> Result<(), sqlx::Error> {
    let places = vec!["?"; numbers.len() + texts.len()].join(", ");
    // The table's name is one of the constants above.
    let mut query = sqlx::query(AssertSqlSafe(format!("INSERT INTO {table} VALUES ({places})")));
    for &number in numbers {
        query = query.bind(number);
    }
    for &text in texts {
        query = query.bind(text.to_owned());
    }
    query.execute(database).await.map(|_| ())
}
