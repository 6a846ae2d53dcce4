//! Web access logs in the combined format.

use super::Maker;
use crate::noise::{Moment, hash, uuid};
use crate::page::Page;
use crate::truth::Form;
use crate::words::{AGENTS, PATHS, WORDS};

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let person = maker.anyone();
    let moment = Moment::after(maker.record / 9 % (300 * 86_400));
    let random = &mut maker.random;
    person.ip(page, random);
    page.text(" - ");
    if random.chance(8) {
        person.username(page);
    } else {
        page.byte(b'-');
    }
    page.text(" [");
    moment.common_log(page);
    page.text(if random.chance(85) { "] \"GET " } else { "] \"POST " });
    page.text(random.pick(PATHS));
    match random.below(40) {
        0 => {
            page.text("?utm_source=mail&email=");
            person.email_as(page, random, Form::Url);
        }
        1 => {
            page.text("?token=");
            hash(page, random, 32);
        }
        2 | 3 => {
            page.text("?session=");
            uuid(page, random);
        }
        4..=9 => {
            page.text("?q=");
            page.text(random.pick(WORDS));
            page.text("%20");
            page.text(random.pick(WORDS));
            page.text("&page=");
            page.number(random.below(20));
        }
        10 | 11 => {
            page.text("?order=");
            page.digits(random.below(10_000_000), 8);
            page.text("&t=176");
            page.digits(random.below(10_000_000_000), 10);
        }
        _ => {}
    }
    page.text(" HTTP/1.1\" ");
    page.text(random.pick(&["200", "200", "200", "200", "304", "302", "404", "500"]));
    page.byte(b' ');
    page.number(random.below(120_000));
    page.text(" \"");
    match random.below(3) {
        0 => page.byte(b'-'),
        _ => {
            page.text("https://www.example.com");
            page.text(random.pick(PATHS));
        }
    }
    page.text("\" \"");
    page.text(random.pick(AGENTS));
    page.text("\"\n");
}
