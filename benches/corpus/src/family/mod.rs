//! The kinds of file in the corpus, one module each.

mod app;
mod crm;
mod orders;
mod sql;
mod tickets;
mod web;
mod xml;

use crate::page::Page;
use crate::person::Person;
use crate::random::Random;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A kind of file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// A table of customers as CSV, dense with personal information.
    Crm,
    /// Orders as JSON Lines, nested.
    Orders,
    /// Web access logs in the combined format: an IP address a line.
    Web,
    /// Application logs: few hits, many hard negatives.
    App,
    /// Support tickets: running text.
    Tickets,
    /// A dump of two tables as SQL.
    Sql,
    /// Customers as XML.
    Xml,
    /// Some of the others as gzip files and in a zip archive.
    Archive,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Crm, Self::Orders, Self::Web, Self::App, Self::Tickets, Self::Sql, Self::Xml, Self::Archive];

    /// The name, which is the folder's, too.
    pub const fn name(self) -> &'static str {
        ["crm", "orders", "web", "app", "tickets", "sql", "xml", "archive"][self as usize]
    }

    /// The name of the family's file number `part`, without its folder.
    pub(crate) fn file_name(self, part: u64) -> String {
        let (stem, suffix) = [
            ("customers", "csv"),
            ("orders", "jsonl"),
            ("access", "log"),
            ("app", "log"),
            ("tickets", "txt"),
            ("dump", "sql"),
            ("customers", "xml"),
            ("export", "zip"),
        ][self as usize];
        format!("{stem}-{part:04}.{suffix}")
    }

    /// What stands before the records.
    pub(crate) fn head(self, page: &mut Page) {
        page.text(match self {
            Self::Crm => crm::HEAD,
            Self::Sql => sql::HEAD,
            Self::Xml => xml::HEAD,
            _ => "",
        });
    }

    /// What stands after the records.
    pub(crate) fn tail(self, page: &mut Page) {
        page.text(match self {
            Self::Sql => sql::TAIL,
            Self::Xml => xml::TAIL,
            _ => "",
        });
    }

    /// Writes the next record.
    pub(crate) fn record(self, page: &mut Page, maker: &mut Maker) {
        match self {
            Self::Crm => crm::record(page, maker),
            Self::Orders => orders::record(page, maker),
            Self::Web => web::record(page, maker),
            Self::App => app::record(page, maker),
            Self::Tickets => tickets::record(page, maker),
            Self::Sql => sql::record(page, maker),
            Self::Xml => xml::record(page, maker),
            Self::Archive => unreachable!("an archive holds files of the other families"),
        }
        maker.record += 1;
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|family| family.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|family| family.name()).collect();
            format!("`{name}` is not a family of files: use one of {}", names.join(", "))
        })
    }
}

/// What the records of one file are made from.
#[derive(Debug)]
pub(crate) struct Maker {
    pub random: Random,
    pub seed: u64,
    /// How many people there are.
    pub people: u32,
    /// The number of the next record in this file, from 0.
    pub record: u64,
    /// This file's number among those of its family, from 0, and how many there are.
    pub part: (u64, u64),
}

impl Maker {
    /// Anyone.
    pub fn anyone(&mut self) -> Person {
        Person::new(self.seed, 1 + self.random.below(u64::from(self.people)) as u32)
    }

    /// The person of this record in a table where each has one row.
    pub fn in_turn(&self) -> Person {
        Person::new(self.seed, (1 + self.record * self.part.1 + self.part.0) as u32)
    }
}
