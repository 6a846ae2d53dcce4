//! Customers as CSV: twenty columns, most of them personal.

use super::Maker;
use crate::noise::{Moment, negative, price, sku, words};
use crate::page::Page;
use crate::person::Quote;

pub(super) const HEAD: &str = "customer_id,first_name,last_name,email,phone,ssn,date_of_birth,street,city,state,zip,\
    card_number,iban,last_login_ip,device_id,signed_up,order_count,lifetime_value,last_sku,notes\n";

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let person = maker.in_turn();
    let random = &mut maker.random;
    person.key(page);
    page.byte(b',');
    person.given(page);
    page.byte(b',');
    person.family(page, Quote::None);
    page.byte(b',');
    person.email(page, random);
    page.byte(b',');
    if person.has(0, 90) {
        person.phone(page, random, true);
    }
    page.byte(b',');
    if person.has(1, 60) {
        person.ssn(page, random, true);
    }
    page.byte(b',');
    if person.has(2, 80) {
        person.born_iso(page);
    }
    page.byte(b',');
    person.street(page, true);
    page.byte(b',');
    person.city(page, true);
    page.byte(b',');
    person.state(page);
    page.byte(b',');
    person.zip(page, true);
    page.byte(b',');
    if person.has(3, 40) {
        person.card(page, random);
    }
    page.byte(b',');
    if person.has(4, 12) {
        person.iban(page);
    }
    page.byte(b',');
    person.ip(page, random);
    page.byte(b',');
    if person.has(5, 50) {
        person.device(page, true);
    }
    page.byte(b',');
    Moment::after(random.below(300 * 86_400)).iso(page);
    page.byte(b',');
    page.number(random.below(60));
    page.byte(b',');
    price(page, random);
    page.byte(b',');
    sku(page, random);
    page.byte(b',');
    match random.below(20) {
        0 | 1 => {
            page.byte(b'"');
            words(page, random, 6);
            page.text(", ");
            negative(page, random);
            page.byte(b'"');
        }
        2 => {
            page.text("\"said \"\"call me\"\" at ");
            person.phone(page, random, false);
            page.text(",\nthen wrote from ");
            person.email(page, random);
            page.byte(b'"');
        }
        3..=6 => words(page, random, 8),
        _ => {}
    }
    page.byte(b'\n');
}
