//! Support tickets: letters with a head.

use super::Maker;
use crate::noise::{Moment, negative, words};
use crate::page::Page;
use crate::person::Quote;

pub(super) fn record(page: &mut Page, maker: &mut Maker) {
    let moment = Moment::after(maker.record * 61 % (300 * 86_400));
    let (ticket, part) = (maker.record, maker.part.0);
    let person = maker.anyone();
    let random = &mut maker.random;
    page.text("Ticket #");
    page.number(100_000 + ticket * 8 + part);
    page.text(" opened ");
    moment.iso(page);
    page.text("\nFrom: ");
    person.name(page, Quote::None);
    page.text(" <");
    person.email(page, random);
    page.text(">\nSubject: ");
    words(page, random, 5);
    page.text("\n\nHello,\n\n");
    for _ in 0..random.between(2, 5) {
        words(page, random, 14);
        page.text(".\n");
        match random.below(14) {
            0 => {
                page.text("You can reach me at ");
                person.phone(page, random, false);
                page.text(" after five.\n");
            }
            1 => {
                page.text("My social security number is ");
                person.ssn(page, random, true);
                page.text(", if that helps to find the account.\n");
            }
            2 => {
                page.text("I paid with card ");
                person.card(page, random);
                page.text(", not the other one.\n");
            }
            3 => {
                page.text("DOB: ");
                person.born_us(page);
                page.text(", please check.\n");
            }
            4 => {
                page.text("I live at ");
                person.street(page, false);
                page.text(", ");
                person.city(page, false);
                page.text(", ");
                person.state(page);
                page.byte(b' ');
                person.zip(page, false);
                page.text(".\n");
            }
            5 => {
                page.text("The refund should go to IBAN ");
                person.iban(page);
                page.text(".\n");
            }
            6..=8 => {
                page.text("It says ");
                negative(page, random);
                page.text(" on the label.\n");
            }
            _ => {}
        }
    }
    page.text("\nThank you,\n");
    person.name_in_text(page);
    page.text("\n\n----------------------------------------\n");
}
