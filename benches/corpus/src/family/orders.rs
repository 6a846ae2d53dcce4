//! Orders as JSON Lines: nested objects and arrays.

use super::Maker;
use crate::noise::{Moment, hash, negative, order_number, price, sku, uuid, words};
use crate::page::Page;
use crate::person::Quote;
use crate::truth::Form;

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let person = maker.anyone();
    let moment = Moment::after(maker.record * 17 % (300 * 86_400));
    let random = &mut maker.random;
    page.text("{\"order_id\":\"");
    order_number(page, random);
    page.text("\",\"placed_at\":\"");
    moment.iso(page);
    page.text("Z\",\"customer\":{\"customer_id\":");
    person.key(page);
    page.text(",\"name\":\"");
    person.name(page, Quote::None);
    page.text("\",\"email\":\"");
    let form = if random.chance(2) { Form::Json } else { Form::Plain };
    person.email_as(page, random, form);
    if random.chance(70) {
        page.text("\",\"phone\":\"");
        person.phone(page, random, true);
    }
    page.text("\"},\"shipping\":{\"street\":\"");
    person.street(page, true);
    page.text("\",\"city\":\"");
    person.city(page, true);
    page.text("\",\"state\":\"");
    person.state(page);
    page.text("\",\"zip\":\"");
    person.zip(page, true);
    page.text("\"},\"payment\":");
    if random.chance(30) {
        page.text("{\"method\":\"card\",\"card_number\":\"");
        person.card(page, random);
    } else {
        page.text("{\"method\":\"token\",\"token\":\"");
        hash(page, random, 32);
    }
    page.text("\"},\"items\":[");
    for at in 0..random.between(1, 4) {
        page.text(if at > 0 { ",{\"sku\":\"" } else { "{\"sku\":\"" });
        sku(page, random);
        page.text("\",\"ean\":\"590");
        page.digits(random.below(10_000_000_000), 10);
        page.text("\",\"quantity\":");
        page.number(random.between(1, 5));
        page.text(",\"price\":");
        price(page, random);
        page.byte(b'}');
    }
    page.text("],\"client\":{\"ip\":\"");
    person.ip(page, random);
    page.text("\",\"session\":\"");
    uuid(page, random);
    if random.chance(40) {
        page.text("\",\"device_id\":\"");
        person.device(page, true);
    }
    if random.chance(2) {
        page.text("\",\"state_token\":\"");
        person.email_as(page, random, Form::Base64);
    }
    page.text("\"},\"trace\":\"");
    hash(page, random, 32);
    page.byte(b'"');
    match random.below(12) {
        0 => {
            page.text(",\"note\":\"");
            words(page, random, 5);
            page.text("\\nring ");
            person.phone(page, random, false);
            page.text("\\tor write to\\n");
            person.email(page, random);
            page.byte(b'"');
        }
        1 | 2 => {
            page.text(",\"note\":\"");
            words(page, random, 5);
            page.text(" \\\"");
            negative(page, random);
            page.text("\\\"\"");
        }
        _ => {}
    }
    page.text("}\n");
}
