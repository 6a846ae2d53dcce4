//! Customers as XML.

use super::Maker;
use crate::noise::{hash, negative, sku};
use crate::page::Page;
use crate::person::Quote;
use crate::truth::Form;

pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<customers>\n";

pub(super) const TAIL: &str = "</customers>\n";

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let person = maker.anyone();
    let random = &mut maker.random;
    page.text("  <customer id=\"");
    person.key(page);
    page.text("\" etag=\"");
    hash(page, random, 32);
    page.text("\">\n    <first_name>");
    person.given(page);
    page.text("</first_name>\n    <last_name>");
    person.family(page, Quote::Xml);
    page.text("</last_name>\n    <email>");
    let form = if random.chance(3) { Form::Xml } else { Form::Plain };
    person.email_as(page, random, form);
    page.text("</email>\n    <phone>");
    person.phone(page, random, true);
    page.text("</phone>\n");
    if person.has(1, 60) {
        page.text("    <ssn>");
        person.ssn(page, random, true);
        page.text("</ssn>\n");
    }
    page.text("    <last_login ip=\"");
    person.ip(page, random);
    page.text("\"/>\n    <last_item>");
    sku(page, random);
    page.text("</last_item>\n    <comment>");
    negative(page, random);
    page.text("</comment>\n  </customer>\n");
}
