//! A dump of two tables as SQL: INSERT statements of many rows.

use super::Maker;
use crate::noise::{Moment, hash, negative, price, sku, uuid};
use crate::page::Page;
use crate::person::Quote;

pub(super) const HEAD: &str = "-- dump of database `shop`\n\
    CREATE TABLE `customers` (`customer_id` int NOT NULL, `first_name` text, `last_name` text, `email` text, \
    `phone` text, `ssn` text, `date_of_birth` date, `last_ip` text, `balance` decimal(10,2), PRIMARY KEY (`customer_id`));\n\
    CREATE TABLE `audit` (`audit_id` char(36) NOT NULL, `at` datetime, `sku` text, `digest` text, `message` text);\n";

pub(super) const TAIL: &str = "-- end of dump\n";

/// Writes one statement of twenty rows.
pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let customers = !maker.record.is_multiple_of(4);
    page.text(if customers {
        "INSERT INTO `customers` (`customer_id`,`first_name`,`last_name`,`email`,`phone`,`ssn`,`date_of_birth`,\
         `last_ip`,`balance`) VALUES\n"
    } else {
        "INSERT INTO `audit` (`audit_id`,`at`,`sku`,`digest`,`message`) VALUES\n"
    });
    for row in 0..20 {
        if row > 0 {
            page.text(",\n");
        }
        if customers { customer(page, maker) } else { audit(page, maker, row) }
    }
    page.text(";\n");
}

fn customer(page: &mut Page, maker: &mut Maker) {
    let person = maker.anyone();
    let random = &mut maker.random;
    page.byte(b'(');
    person.key(page);
    page.text(",'");
    person.given(page);
    page.text("','");
    person.family(page, Quote::Sql);
    page.text("','");
    person.email(page, random);
    page.text("','");
    person.phone(page, random, true);
    if person.has(1, 60) {
        page.text("','");
        person.ssn(page, random, true);
        page.text("','");
    } else {
        page.text("',NULL,'");
    }
    person.born_iso(page);
    page.text("','");
    person.ip(page, random);
    page.text("',");
    price(page, random);
    page.byte(b')');
}

fn audit(page: &mut Page, maker: &mut Maker, row: u64) {
    let moment = Moment::after((maker.record * 20 + row) % (300 * 86_400));
    let random = &mut maker.random;
    page.text("('");
    uuid(page, random);
    page.text("','");
    moment.iso(page);
    page.text("','");
    sku(page, random);
    page.text("','");
    hash(page, random, 64);
    page.text("','it''s ");
    negative(page, random);
    page.text("')");
}
