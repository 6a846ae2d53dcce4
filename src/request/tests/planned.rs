//! Whose a record is, and what is kept.

use super::*;

/// A world of customers with one other table, and what is planned for that.
fn planned(table: &str, columns: &[&str], row: &[&str], policy: &str) -> Vec<&'static str> {
    let memory = Memory::new("shop")
        .table(
            "customers",
            &["id", "email", "first_name", "last_name"],
            &[&["1", "kim@example.com", "Kim", "Poe"], &["2", "lee@example.com", "Lee", "Doe"]],
        )
        .table("products", &["id", "title"], &[&["1", "tea"], &["2", "milk"]])
        .table("companies", &["id", "email", "city"], &[&["1", "office@example.com", "Oakland"]])
        .table(table, columns, &[row])
        .key(key("customers", "id", KeyKind::Primary))
        .key(key("products", "id", KeyKind::Primary))
        .key(key("companies", "id", KeyKind::Primary))
        .key(key(table, "customer_id", refers("customers")))
        .key(key(table, "product_id", refers("products")))
        .key(key(table, "company_id", refers("companies")));
    let plan = World::of(memory, policy).plan();
    let of = plan.objects.iter().filter(|object| object.part == table);
    of.flat_map(|object| &object.records).map(|record| record.action.name()).collect()
}

#[test]
fn a_record_goes_if_it_is_nobody_elses() {
    const DELETE: &str = "delete record";
    const FOUND: &str = "replace what was found";
    // What it is, the table, its columns, the row's values, what becomes of it.
    type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static str);
    let cases: [Case; 8] = [
        ("her own", "orders", &["id", "email", "total"], &["1", JANE, "9.50"], DELETE),
        (
            "another customer's, sent to her",
            "orders",
            &["id", "customer_id", "recipient_email"],
            &["1", "1", JANE],
            FOUND,
        ),
        ("another customer's", "orders", &["id", "customer_id", "email"], &["1", "1", JANE], FOUND),
        ("sold by her", "deals", &["id", "customer_id", "sales_rep_email", "total"], &["1", "2", JANE, "7.25"], FOUND),
        ("of a product", "reviews", &["id", "product_id", "author_email"], &["1", "1", JANE], DELETE),
        ("of a company", "contacts", &["id", "company_id", "email"], &["1", "1", JANE], DELETE),
        ("with a second address", "tickets", &["id", "email", "agent_email"], &["1", JANE, "a@example.com"], FOUND),
        ("with a telephone", "leads", &["id", "email", "phone"], &["1", JANE, "(202) 555-0123"], DELETE),
    ];
    for (case, table, columns, row, expected) in cases {
        assert_eq!(planned(table, columns, row, ""), [expected], "{case}");
    }
}

#[test]
fn a_second_number_of_the_kind_that_led_there_is_somebody_elses() {
    let contacts = Memory::new("shop").table(
        "emergency",
        &["id", "name", "phone", "contact_name", "contact_phone"],
        &[
            &["1", "Jane Roe", "(202) 555-0123", "Kim Poe", "(202) 555-0145"],
            &["2", "Lee Doe", "(202) 555-0177", "", ""],
        ],
    );
    let world = World::of(contacts, "");
    for (phone, expected) in [("(202) 555-0123", "replace what was found"), ("(202) 555-0177", "delete record")] {
        let phone = Identifier::value(Type::Phone, "phone", phone).expect("a number");
        let plan = world.plan_for(&[Subject { id: "1".to_owned(), identifiers: vec![phone] }]);
        assert_eq!(actions(&plan), [("emergency", expected, 1)]);
    }
}

#[test]
fn delete_object_deletes_records_as_delete_does_where_they_go_one_by_one() {
    for strategy in ["delete", "delete-object"] {
        let erase = format!("[[erase]]\nobject = \"**\"\nstrategy = \"{strategy}\"\n");
        let world = World::new(&erase);
        let plan = world.plan();
        let expected = [
            ("customers", "delete record", 1),
            ("orders", "delete record", 2),
            ("tickets", "delete record", 1),
            ("tickets", "replace what was found", 1),
        ];
        assert_eq!(actions(&plan), expected, "{strategy}: she is mentioned in another's ticket");
        let held = World::new(&(erase + &retain("customers", "type = \"PERSON_NAME\"")));
        assert_eq!(actions(&held.plan())[0], ("customers", "replace all personal values", 1), "{strategy}");
        held.carry_out(&held.plan());
        assert_eq!(held.rows("customers")[1][..4], ["2", "", "Jane", "Roe"], "{strategy}: what is held stays");
    }
}

#[test]
fn values_that_are_kept_are_left_with_the_exception_and_are_no_reason_to_go_on() {
    for scope in ["type = \"EMAIL\"", "field = \"email\"", "category = \"A\""] {
        let world = World::new(&retain("customers", scope));
        let done = world.carry_out(&world.plan());
        assert!(done.refused.is_empty(), "{scope}: {:?}", done.refused);
        assert_eq!(world.rows("customers")[1][1], JANE, "{scope}");
        assert_eq!(
            world.rows("customers")[1][2].is_empty(),
            scope != "category = \"A\"",
            "{scope}: her name is not kept"
        );
        world.scan();
        let plan = world.plan();
        assert_eq!(actions(&plan), [], "{scope}");
        let left: Vec<_> = plan.left.iter().map(|left| (&*left.location.finding.object, left.state.name())).collect();
        assert!(left.contains(&("customers", "retained")), "{scope}: {left:?}");
    }
}

#[test]
fn a_record_that_stays_and_holds_but_a_key_is_left_with_the_reason() {
    let world = World::new("[[erase]]\nobject = \"orders\"\nstrategy = \"mask\"\n");
    let plan = world.plan();
    assert!(actions(&plan).iter().all(|(object, ..)| *object != "orders"));
    let left: Vec<_> = plan.left.iter().map(|left| (&*left.location.finding.object, left.state.name())).collect();
    assert_eq!(left, [("orders", "manual"); 2]);
    assert!(plan.left[0].state.reason().contains("`deidentify`"), "{}", plan.left[0].state.reason());
    let done = world.carry_out(&plan);
    assert!(done.refused.is_empty(), "{:?}", done.refused);
    world.scan();
    assert!(world.plan().is_settled(), "nothing leads to the orders any more");
}
