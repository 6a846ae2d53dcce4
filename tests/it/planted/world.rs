//! Stores of every kind with the people of a seed in them, and the places for copies.

use std::fs;
use std::path::{Path, PathBuf};

use super::people::{Chance, Kind, Person, ROLE, Row, tag};
use super::plants::{PLANTS, Place, Plant, Store, Table};
use crate::sandbox::Sandbox;
use crate::servers::{self, MariaDb, Moto, Postgres, sqlite};

/// What a copy that was left is more than the number of whom it is of: the key of its record.
const LEFT: usize = 1_000;

/// Files of decoys only.
pub const DECOYS: [&str; 3] = ["decoys/namesakes.csv", "decoys/office.csv", "decoys/household.jsonl"];

pub struct World {
    pub sandbox: Sandbox,
    pub people: Vec<Person>,
    pub postgres: Option<Postgres>,
    pub mariadb: Option<MariaDb>,
    pub lake: Option<Moto>,
    /// The places that there are, by their numbers in the table.
    pub plants: Vec<(usize, &'static Plant)>,
    chance: Chance,
}

/// What takes a copy away again.
pub enum Undo {
    File(PathBuf, Option<Vec<u8>>),
    Key(String, Option<Vec<u8>>),
    Sql(Store, String),
}

impl World {
    /// People of a seed in files, SQLite and these stores behind servers, as far as there are any.
    pub fn new(seed: u64, stores: &[Store]) -> Self {
        let mut chance = Chance::new(seed);
        let people = super::people::people(&mut chance);
        let sandbox = Sandbox::new();
        servers::secrets(&sandbox);
        let name = format!("planted{seed}");
        let postgres = stores.contains(&Store::Postgres).then(|| Postgres::new(&name, "")).flatten();
        let mariadb = stores.contains(&Store::MariaDb).then(|| MariaDb::new(&name, "")).flatten();
        let lake = stores.contains(&Store::Bucket).then(|| Moto::new(&name)).flatten();
        let mut config =
            "[[source]]\nname = \"files\"\nurl = \"data\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:shop.sqlite\"\n"
                .to_owned();
        if let Some(postgres) = &postgres {
            config += &postgres.source("pg", "");
        }
        if let Some(mariadb) = &mariadb {
            config += &mariadb.source("maria", "");
        }
        if let Some(lake) = &lake {
            lake.keep_versions();
            config += &(lake.source("lake") + "versions = true\nerase_versions = true\n");
        }
        sandbox.file("residuum.toml", config);
        sandbox.file("people.csv", super::people::identifiers(&people));
        let mut world = Self { sandbox, people, postgres, mariadb, lake, plants: Vec::new(), chance };
        world.fill();
        world
    }

    /// Whether a store is part of it.
    pub fn has(&self, store: Store) -> bool {
        match store {
            Store::Files | Store::Sqlite => true,
            Store::Postgres => self.postgres.is_some(),
            Store::MariaDb => self.mariadb.is_some(),
            Store::Bucket => self.lake.is_some(),
        }
    }

    /// Runs statements in a database, as its owner.
    pub fn run(&self, database: Store, sql: &str) -> String {
        let missing = "its plants were left out";
        match database {
            Store::Sqlite => sqlite(&self.sandbox.path("shop.sqlite"), sql),
            Store::Postgres => self.postgres.as_ref().expect(missing).run(sql),
            Store::MariaDb => self.mariadb.as_ref().expect(missing).run(sql),
            Store::Files | Store::Bucket => unreachable!("they know no statements"),
        }
    }

    /// A row of each of these people, in any order and spelling.
    fn rows(&mut self, who: fn(&Person) -> bool, kinds: &[Kind]) -> Vec<Row> {
        let mut people: Vec<Person> = self.people.iter().filter(|person| who(person)).cloned().collect();
        self.chance.shuffle(&mut people);
        let chance = &mut self.chance;
        people.iter().map(|person| Row::new(person, chance.pick(kinds), chance)).collect()
    }

    fn fill(&mut self) {
        let mut sql = [Store::Sqlite, Store::Postgres, Store::MariaDb].map(|database| (database, base(&self.people)));
        self.plants = PLANTS.iter().enumerate().filter(|(_, plant)| self.has(plant.store())).collect();
        for (_, plant) in self.plants.clone() {
            let rows = self.rows(|_| true, plant.kinds);
            match plant.place {
                Place::File(bytes) | Place::FileOnce(bytes, _) => {
                    self.sandbox.file(file(plant), bytes(&rows));
                }
                Place::Log => drop(self.sandbox.file(file(plant), super::contents::sqlite_file(&rows))),
                Place::FileName => {
                    for row in rows.iter().filter(|row| self.is_erased(row)) {
                        self.sandbox.file(letter(row), format!("nobody in here, {}\n", row.tag()));
                    }
                }
                Place::Key(bytes) => self.put(key(plant), &bytes(&rows)),
                Place::OlderVersion(bytes) => {
                    let others: Vec<Row> = rows.iter().filter(|row| !self.is_erased(row)).cloned().collect();
                    self.put(key(plant), &bytes(&rows));
                    self.put(key(plant), &bytes(&others));
                }
                Place::BehindMarker(bytes) => {
                    self.put(key(plant), &bytes(&rows));
                    self.lake.as_ref().expect("there is a bucket").delete(key(plant));
                }
                Place::Table(database, table) => {
                    let (_, of) = sql.iter_mut().find(|(of, _)| *of == database).expect("all are there");
                    *of += &format!("{};\n", table.create);
                    rows.iter().for_each(|row| *of += &format!("{};\n", (table.insert)(row)));
                    *of += &format!("{};\n", table.then);
                }
            }
        }
        for (database, sql) in sql.iter().filter(|(database, _)| self.has(*database)) {
            self.run(*database, &sql.replace(";\n;\n", ";\n"));
        }
        if let Some(postgres) = &self.postgres {
            postgres.run(&format!("GRANT pg_write_all_data TO {}", postgres.name()));
            // Else the server may take statistics while a copy stands in a table, which are a place of their own.
            postgres.run(
                "DO $$ DECLARE of regclass; BEGIN \
                 FOR of IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace LOOP \
                 EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', of); END LOOP; END $$",
            );
        }
        if let Some(mariadb) = &self.mariadb {
            mariadb.run(&format!("GRANT SELECT, UPDATE, DELETE ON {0}.* TO '{0}'@'%'", mariadb.name()));
        }
        let decoys = self.rows(|person| !person.is_erased, &[Kind::Phone]);
        let offices: String = self
            .people
            .iter()
            .filter(|person| !person.is_erased)
            .map(|person| format!("{},{} {},{}\n", person.id, person.first, person.last, person.office))
            .collect();
        let households: String = self
            .people
            .iter()
            .filter(|person| !person.is_erased)
            .map(|person| {
                format!("{}\n", serde_json::json!({"id": person.id, "last_name": person.last, "street": person.street}))
            })
            .collect();
        self.sandbox.file(format!("data/{}", DECOYS[0]), super::contents::csv(&decoys));
        self.sandbox.file(format!("data/{}", DECOYS[1]), format!("id,name,phone\n{offices}"));
        self.sandbox.file(format!("data/{}", DECOYS[2]), households);
    }

    fn put(&self, key: &str, body: &[u8]) {
        self.lake.as_ref().expect("its plants were left out").put(key, body);
    }

    fn is_erased(&self, row: &Row) -> bool {
        self.people.iter().any(|person| person.is_erased && person.id == row.id)
    }

    /// Puts one copy of somebody who was erased back into a place; whose, which value and how it is written is left to
    /// chance.
    pub fn leave(&mut self, plant: &Plant) -> Vec<Undo> {
        let erased: Vec<Person> = self.people.iter().filter(|person| person.is_erased).cloned().collect();
        let mut person = erased[self.chance.below(erased.len())].clone();
        person.id += LEFT;
        let kind = self.chance.pick(plant.kinds);
        let row = Row::new(&person, kind, &mut self.chance).with_only(kind);
        let mut rows = self.rows(|person| !person.is_erased, plant.kinds);
        let others = rows.clone();
        rows.insert(self.chance.below(others.len() + 1), row.clone());
        match plant.place {
            Place::File(bytes) => self.file(file(plant), &bytes(&rows)),
            Place::FileOnce(_, bytes) => self.file(file(plant), &bytes(&others, &row)),
            Place::Log => {
                let (database, log) = super::contents::sqlite_logged(&others, &row);
                let mut undo = self.file(file(plant), &database);
                undo.extend(self.file(file(plant) + "-wal", &log));
                undo
            }
            Place::FileName => self.file(letter(&row), b"nobody in here\n"),
            Place::Key(bytes) => self.key(plant, &bytes(&rows)),
            Place::OlderVersion(bytes) => {
                let undo = self.key(plant, &bytes(&rows));
                self.put(key(plant), &bytes(&others));
                undo
            }
            Place::BehindMarker(bytes) => {
                let undo = self.key(plant, &bytes(&rows));
                self.lake.as_ref().expect("there is a bucket").delete(key(plant));
                undo
            }
            Place::Table(database, table) => {
                self.run(database, &table.leave.unwrap_or(table.insert)(&row));
                let name = plant.object.rsplit('.').next().expect("a name");
                let delete = match table.leave {
                    Some(_) => String::new(),
                    None => format!("DELETE FROM {name} WHERE id = {};", row.id),
                };
                vec![Undo::Sql(database, delete + table.clear)]
            }
        }
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Vec<Undo> {
        let path = self.sandbox.path(&name);
        let before = fs::read(&path).ok();
        self.sandbox.file(&name, bytes);
        vec![Undo::File(path, before)]
    }

    fn key(&self, plant: &Plant, bytes: &[u8]) -> Vec<Undo> {
        let (lake, key) = (self.lake.as_ref().expect("there is a bucket"), key(plant));
        let before = lake.keys().iter().any(|of| of == key).then(|| lake.get(key));
        lake.put(key, bytes);
        vec![Undo::Key(key.to_owned(), before)]
    }

    /// Takes copies away again.
    pub fn undo(&self, all: Vec<Undo>) {
        for undo in all {
            match undo {
                Undo::File(path, Some(before)) => fs::write(path, before).expect("it can be written"),
                Undo::File(path, None) => fs::remove_file(path).expect("it is there"),
                Undo::Key(key, before) => {
                    let lake = self.lake.as_ref().expect("there is a bucket");
                    lake.purge(&key);
                    if let Some(before) = before {
                        lake.put(&key, &before);
                    }
                }
                Undo::Sql(database, sql) if database == Store::Sqlite => drop(self.run(database, &(sql + ";VACUUM"))),
                Undo::Sql(database, sql) => drop(self.run(database, &sql)),
            }
        }
    }

    /// What a person does where `erase` leaves it to them.
    pub fn cure(&mut self, plant: &Plant) {
        match plant.place {
            Place::File(bytes) => {
                let others = self.rows(|person| !person.is_erased, plant.kinds);
                self.sandbox.file(file(plant), bytes(&others));
            }
            Place::FileName => fs::remove_dir_all(self.sandbox.path("data/letters")).expect("it is there"),
            Place::Table(database, Table { cure, .. }) if !cure.is_empty() => {
                for person in self.people.iter().filter(|person| person.is_erased) {
                    self.run(database, &cure.replace("{id}", &person.id.to_string()));
                }
            }
            _ => {}
        }
    }

    /// Words that stand in records of those who are erased.
    pub fn tags(&self) -> Vec<String> {
        self.people.iter().filter(|person| person.is_erased).map(|person| tag(person.id)).collect()
    }
}

/// The path of a file's plant in the sandbox: the listed file, whatever is within.
fn file(plant: &Plant) -> String {
    format!("data/{}", key(plant))
}

fn key(plant: &Plant) -> &'static str {
    plant.object.split(['!', '?']).next().unwrap_or_default()
}

fn letter(row: &Row) -> PathBuf {
    Path::new("data/letters").join(format!("{}.txt", row.email))
}

/// Tables that every shop has: customers with what they share with others, their orders, and tickets.
fn base(people: &[Person]) -> String {
    let mut sql = "CREATE TABLE customers (id INTEGER PRIMARY KEY, ref VARCHAR(20), email VARCHAR(99), first_name VARCHAR(50), \
         last_name VARCHAR(50), phone VARCHAR(30), office_phone VARCHAR(30), former_phone VARCHAR(30), street VARCHAR(99), \
         dob DATE);\n\
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, total VARCHAR(9), \
         FOREIGN KEY (customer_id) REFERENCES customers (id));\n\
         CREATE TABLE tickets (id INTEGER PRIMARY KEY, mailbox VARCHAR(99), requester_email VARCHAR(99), \
         note VARCHAR(99));\n"
        .to_owned();
    for Person { id, first, last, email, phone, office, former, street, dob, .. } in people {
        let former = former.as_ref().map_or("NULL".to_owned(), |former| format!("'{former}'"));
        sql += &format!(
            "INSERT INTO customers VALUES ({id}, '{}', '{email}', '{first}', '{last}', '{phone}', '{office}', {former}, \
             '{street}', '{dob}');\n\
             INSERT INTO orders VALUES ({id}7, {id}, '{id}.50');\n\
             INSERT INTO tickets VALUES ({id}, '{ROLE}', '{email}', 'asks for an invoice');\n",
            tag(*id)
        );
    }
    sql
}
