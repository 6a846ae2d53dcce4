//! Tables of people and of things, planned and read through the detector.

use residuum_source::{Batch, Column, Logical, RecordKind, Records};

use crate::{Detector, FieldPlan, RuleSet, Treatment, Type};

fn batch(columns: &[(&str, Logical, &[&str])]) -> Batch {
    let column = |(name, logical, values): &(&str, Logical, &[&str])| {
        let mut column = Column::new(*name);
        column.logical = *logical;
        values.iter().for_each(|v| column.push(v.as_bytes()));
        column
    };
    let count = columns.first().map_or(0, |c| c.2.len()) as u64;
    Batch {
        records: Records::Sequence { kind: RecordKind::Row, first: 0, count },
        columns: columns.iter().map(column).collect(),
        raw_bytes: 0,
    }
}

fn detector() -> Detector {
    Detector::new(&RuleSet::builtin()).expect("the pack compiles")
}

fn plan(object: &str, columns: &[(&str, Logical, &[&str])]) -> Vec<FieldPlan> {
    detector().plan(object, &batch(columns))
}

fn typed(plan: &FieldPlan) -> &str {
    match &plan.treatment {
        Treatment::Typed(rule) => rule,
        Treatment::Search => "search",
        Treatment::Skip(_) => "skip",
    }
}

/// (value, type, text of the hit, standard form) of everything found in a column.
fn read(plan: &FieldPlan, values: &[&str]) -> Vec<(usize, Type, String, String)> {
    let mut column = Column::new("");
    values.iter().for_each(|v| column.push(v.as_bytes()));
    let mut found = Vec::new();
    detector().worker().values(plan, &column.bytes, &column.offsets, &mut |i, hit, form| {
        let text = String::from_utf8_lossy(&column.bytes[hit.start as usize..hit.end as usize]).into_owned();
        found.push((i, hit.kind, text, String::from_utf8_lossy(form).into_owned()));
    });
    found
}

#[test]
fn a_table_of_people_is_planned_by_names_and_values() {
    const T: Logical = Logical::Text;
    let plans = plan(
        "crm.customers",
        &[
            ("customer_id", Logical::Integer, &["1", "2", "3"]),
            ("nombre", T, &["Ana", "Luis", "Carmen"]),
            ("Last Name", T, &["Lopez", "O'Neil", "de la Cruz"]),
            ("contact", T, &["202-555-0123", "(415) 555-0134", "+1 312 555 0145"]),
            ("fechaNacimiento", T, &["25/12/1980", "01/02/1990", "30/06/1975"]),
            ("is_active", Logical::Bool, &["t", "f", "t"]),
            ("notes", T, &["called", "mail x@example.com", "none"]),
            ("email_verified_at", Logical::Timestamp, &["2024-01-01 00:00:00", "", "2024-01-02 00:00:00"]),
            ("zip", Logical::Integer, &["94105", "10001", "60601"]),
            ("phone_type", T, &["mobile", "home", "home"]),
        ],
    );
    let want = [
        "skip",
        "person_name",
        "person_name",
        "phone",
        "date_of_birth",
        "skip",
        "search",
        "skip",
        "postal_code",
        "search",
    ];
    for (plan, want) in plans.iter().zip(want) {
        assert_eq!(typed(plan), want, "{plan:?}");
    }
    assert!(plans[4].day_first, "25/12 says so");
    for value in ["Ana", "Lopez", "555", "1980", "example.com"] {
        assert!(!format!("{plans:?}").contains(value), "a plan holds no values");
    }
}

#[test]
fn the_same_name_means_different_things_in_different_tables() {
    const T: Logical = Logical::Text;
    let people: &[&str] = &["Ana Lopez", "Bob Jones", "Chen Wu"];
    let cases: &[(&str, &str, &[&str], &str, &str)] = &[
        ("customers", "name", people, "email", "person_name"),
        ("export", "name", people, "email", "person_name"),
        ("export", "name", people, "colour", "search"),
        ("products", "name", &["Blue Chair", "Oak Table", "Lamp"], "email", "search"),
        ("vendors", "name", &["Acme Inc", "Widget LLC", "Foo Ltd"], "phone", "search"),
        ("tickets", "customer_name", people, "colour", "person_name"),
        ("tickets", "product_name", people, "email", "search"),
        ("employees", "title", &["Sales Manager", "Engineer", "Nurse"], "email", "occupation"),
        ("books", "title", &["Sales Manager", "Engineer", "Nurse"], "isbn", "search"),
        ("builds", "version", &["1.2.3.4", "1.2.3.5", "2.0.0.1"], "id", "search"),
        ("logs", "c1", &["203.0.113.4", "198.51.100.7", "192.0.2.9"], "id", "ip.v4"),
        ("events", "id", &["123e4567-e89b-12d3-a456-426614174000"; 3], "x", "search"),
        ("events", "idfa", &["123e4567-e89b-12d3-a456-426614174000"; 3], "x", "maid"),
        ("files", "sha256", &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3], "x", "digest"),
        (
            "files",
            "content_sha256",
            &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3],
            "x",
            "search",
        ),
    ];
    for (object, field, values, beside, want) in cases {
        let plans = plan(object, &[(field, T, values), (beside, T, &["", "", ""])]);
        assert_eq!(typed(&plans[0]), *want, "{object}.{field}: {:?}", plans[0]);
    }
}

#[test]
fn digests_as_bytes_are_hits_in_a_field_that_is_named_so() {
    let digest =
        |first: u8, len: usize| (0..len as u8).map(|i| first.wrapping_add(i.wrapping_mul(151))).collect::<Vec<_>>();
    let mut spaced = digest(0x20, 32);
    spaced[31] = b'\n';
    let values: Vec<Vec<u8>> = vec![digest(0x91, 16), digest(7, 20), digest(0xe3, 32), digest(0x80, 64), spaced];
    let bytes = values.concat();
    let mut offsets = vec![0];
    offsets.extend(values.iter().scan(0, |end, value| {
        *end += value.len() as u32;
        Some(*end)
    }));
    for (field, expected) in [("email_sha256", 5), ("payload", 0)] {
        let mut column = Column::new(field);
        (column.logical, column.bytes, column.offsets) = (Logical::Bytes, bytes.clone(), offsets.clone());
        let batch = Batch { columns: vec![column], ..Batch::default() };
        let detector = Detector::new(&RuleSet::builtin()).expect("the rules are valid");
        let plans = detector.plan("people", &batch);
        let mut found = Vec::new();
        detector.worker().values(&plans[0], &bytes, &offsets, &mut |i, hit, form| {
            assert_eq!((hit.kind, form, hit.start, hit.end), (Type::Digest, &*values[i], offsets[i], offsets[i + 1]));
            found.push(i);
        });
        assert_eq!(found.len(), expected, "{field}");
    }
}

#[test]
fn typed_values_are_hits_and_the_others_are_searched() {
    let phone =
        FieldPlan { treatment: Treatment::Typed("phone".to_owned()), confidence: 900, ..FieldPlan::search("phone") };
    let values = ["  (202) 555-0123 ", "", "SSN 536-90-4399", "n/a", "079 123 4567"];
    let found = read(&phone, &values);
    let want = [
        (0, Type::Phone, "(202) 555-0123", "12025550123"),
        (2, Type::UsSsn, "536-90-4399", "536904399"),
        (4, Type::Phone, "079 123 4567", "0791234567"),
    ];
    let want: Vec<_> = want.map(|(i, kind, text, form)| (i, kind, text.to_owned(), form.to_owned())).into();
    assert_eq!(found, want);
}

#[test]
fn a_skipped_field_is_still_read_where_the_reason_does_not_hold() {
    let skip = FieldPlan { treatment: Treatment::Skip("whole numbers".to_owned()), ..FieldPlan::search("n") };
    let found = read(&skip, &["12", "2024-01-01 10:00:00", "jane@example.com"]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1), (2, Type::Email));
}

#[test]
fn one_value_in_many_is_reported_at_its_record() {
    let mut values = vec!["nothing of note"; 1000];
    values[777] = "my ssn is 536-90-4399";
    let found = read(&FieldPlan::search("notes"), &values);
    assert_eq!(found.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(777, Type::UsSsn)]);
}

#[test]
fn a_value_that_is_surely_something_else_is_that() {
    let plan = |rule: &str| FieldPlan {
        treatment: Treatment::Typed(rule.to_owned()),
        confidence: 900,
        ..FieldPlan::search("login")
    };
    // A rule, a value, and what is found in it.
    let cases: &[(&str, &str, &[Type])] = &[
        ("username", "ann@example.com", &[Type::Email]),
        ("username", " ann@example.com ", &[Type::Email]),
        ("username", "ann.smith", &[Type::Username]),
        ("username", "@ann", &[Type::Username]),
        ("username", "DE89370400440532013000", &[Type::Iban]),
        ("username", "no12ann", &[Type::Username]),
        ("mrn", "219-09-8761", &[Type::Mrn, Type::UsSsn]),
        ("mrn", "884-22-10", &[Type::Mrn]),
        ("person_name", "+1 415 555 0134", &[Type::Phone]),
        ("password", "ann@example.com", &[Type::Password, Type::Email]),
        ("password", "hunter2!", &[Type::Password]),
        ("phone", "219-09-8761", &[Type::UsSsn]),
    ];
    for (rule, value, want) in cases {
        let found: Vec<_> = read(&plan(rule), &[value]).into_iter().map(|found| found.1).collect();
        assert_eq!(found, *want, "{value} as {rule}");
    }
}

#[test]
fn a_field_of_addresses_is_one_whatever_its_name() {
    const T: Logical = Logical::Text;
    let addresses: &[&str] = &["ann@example.com", "bob@example.com", "cem@example.org"];
    for name in ["username", "login", "user_id", "account", "account_number", "handle", "user_login", "customer_id"] {
        let plans = plan("crm.people", &[("id", Logical::Integer, &["1", "2", "3"]), (name, T, addresses)]);
        assert_eq!(typed(&plans[1]), "email", "{name}: {:?}", plans[1]);
    }
    let plans = plan("crm.people", &[("password", T, addresses), ("username", T, &["ann", "bob@example.com", "c7"])]);
    assert_eq!(plans.iter().map(typed).collect::<Vec<_>>(), ["password", "username"]);
}

#[test]
fn numbers_in_groups_are_what_the_name_does_not_deny() {
    const T: Logical = Logical::Text;
    let ssns: &[&str] = &["528-82-2033", "531-20-4411", "540-11-7788"];
    for name in ["soc", "natl_id", "x", "ssn", "c7", "identifier"] {
        let plans = plan("d", &[("id", Logical::Integer, &["1", "2", "3"]), (name, T, ssns)]);
        assert_eq!(typed(&plans[1]), "us_ssn", "{name}: {:?}", plans[1]);
    }
    let codes: &[(&str, &str)] = &[
        ("sku", "884-22-1000"),
        ("item_no", "528-82-2033"),
        ("order", "415-555-0134"),
        ("Part Number", "528-82-2033"),
        ("ean", "4006381333931"),
        ("EAN", "5555555555554444"),
        ("version", "1.5.0.8"),
        ("section", "12.3.4.5"),
        ("amount", "4155550134"),
        ("duration_ms", "4155550134"),
    ];
    for (name, value) in codes {
        let plans = plan("d", &[(name, T, &[value, value, value])]);
        assert_eq!(read(&plans[0], &[value]), [], "{name} {value}: {:?}", plans[0]);
    }
    // What such a field says in so many words is said, and a name that is of something else denies nothing.
    for (name, value) in [("item", "call 415-555-0134 about it"), ("order_notes", "415-555-0134"), ("x", "528-82-2033")]
    {
        assert_eq!(read(&FieldPlan::search(name), &[value]).len(), 1, "{name} {value}");
    }
}

#[test]
fn names_in_the_wild_are_read() {
    const T: Logical = Logical::Text;
    let given: &[&str] = &["James", "Mary", "Linda"];
    let family: &[&str] = &["Smith", "Johnson", "Garcia"];
    let days: &[&str] = &["1980-02-28", "1975-11-02", "1990-07-30"];
    // A column, its values, the column beside it, and what the first is.
    let cases: &[(&str, &[&str], &str, &str)] = &[
        ("first", given, "last", "person_name"),
        ("last", family, "first", "person_name"),
        ("given", given, "family", "person_name"),
        ("first", given, "email", "person_name"),
        ("first", given, "colour", "search"),
        ("first", &["12.5", "13.1", "9.9"], "last", "search"),
        ("FIRST_NM", given, "x", "person_name"),
        ("LAST_NM", family, "x", "person_name"),
        ("CUST NM", &["DOE, JANE", "SMITH, JOHN", "GARCIA, ANA"], "x", "person_name"),
        ("vorname", given, "x", "person_name"),
        ("nachname", family, "x", "person_name"),
        ("prénom", given, "nom", "person_name"),
        ("nom", family, "prénom", "person_name"),
        ("BDAY", days, "x", "date_of_birth"),
        ("date_naissance", days, "x", "date_of_birth"),
        ("ss_num", &["528822033", "531204411", "540117788"], "x", "us_ssn"),
        ("login_id", &["jdoe", "asmith", "kbrown"], "x", "username"),
        ("dx_code", &["E11.9", "I10", "J45.909"], "x", "health"),
        ("em_sha", &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3], "x", "digest"),
        ("commit", &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3], "x", "search"),
        ("etag", &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3], "x", "search"),
        ("h", &["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; 3], "x", "digest"),
    ];
    for (field, values, beside, want) in cases {
        let plans = plan("d/a.csv", &[(field, T, values), (beside, T, &["", "", ""])]);
        assert_eq!(typed(&plans[0]), *want, "{field} beside {beside}: {:?}", plans[0]);
    }
}

#[test]
fn works_and_brands_are_no_people() {
    for (field, value) in [("brand", "Calvin Klein"), ("product_name", "Calvin Klein"), ("title", "Jane Eyre")] {
        assert_eq!(read(&FieldPlan::search(field), &[value]), [], "{field}");
    }
    let told = read(&FieldPlan::search("title"), &["Re: jane@example.com"]);
    assert_eq!(told.iter().map(|found| found.1).collect::<Vec<_>>(), [Type::Email]);
}
