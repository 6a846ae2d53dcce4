//! Application logs: nearly every line holds something that only looks like personal information.

use super::Maker;
use crate::noise::{Moment, negative, uuid, words};
use crate::page::Page;
use crate::truth::Form;

const SERVICES: &[&str] = &[
    "orders.OrderService",
    "billing.InvoiceJob",
    "auth.SessionStore",
    "search.Indexer",
    "mail.Outbox",
    "stock.Sync",
    "gateway.Router",
    "cache.Evictor",
];

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let moment = Moment::after(maker.record / 40 % (300 * 86_400));
    let person = maker.anyone();
    let random = &mut maker.random;
    moment.iso(page);
    page.byte(b'.');
    page.digits(random.below(1000), 3);
    page.text(random.pick(&["Z INFO  [", "Z INFO  [", "Z DEBUG [", "Z WARN  [", "Z ERROR ["]));
    page.text("worker-");
    page.number(random.below(32));
    page.text("] com.example.");
    page.text(random.pick(SERVICES));
    page.text(" - ");
    match random.below(250) {
        0 => {
            page.text("login failed for email=");
            person.email(page, random);
            page.text(" attempt=");
            page.number(random.between(1, 5));
        }
        1 => {
            page.text("confirmation mail to <");
            person.email(page, random);
            page.text("> queued, ");
            negative(page, random);
        }
        2 => {
            page.text("SMS to phone ");
            person.phone(page, random, true);
            page.text(" rejected by carrier");
        }
        3 => {
            page.text("new session from ip ");
            person.ip(page, random);
            page.text(" device_id=");
            person.device(page, true);
        }
        4 if random.chance(30) => {
            page.text("GET /unsubscribe?email=");
            person.email_as(page, random, Form::Url);
            page.text(" -> 302");
        }
        4 if random.chance(30) => {
            page.text("payload {\"ssn\":\"");
            person.ssn(page, random, true);
            page.text("\"} failed validation");
        }
        5 if random.chance(20) => {
            page.text("charge declined for card ");
            person.card(page, random);
        }
        6..=60 => {
            negative(page, random);
            page.text(", ");
            negative(page, random);
            page.text(" thread=");
            page.number(random.below(64));
        }
        61..=120 => {
            words(page, random, 9);
            page.text(" (");
            negative(page, random);
            page.byte(b')');
        }
        _ => {
            page.text(random.pick(&["handled ", "cache miss ", "retrying ", "finished "]));
            negative(page, random);
            page.text(" span=");
            uuid(page, random);
        }
    }
    page.byte(b'\n');
}
