//! How fast typed fields are read: nanoseconds a value for each of some types, after checking that all are found.
#![allow(clippy::print_stdout, reason = "a program's output")]

use std::time::Instant;

use residuum_detect::{Detector, FieldPlan, RuleSet, Treatment};

/// Makes value `i` of a type.
type Make = fn(u32) -> String;

fn main() {
    let detector = Detector::new(&RuleSet::builtin()).expect("the pack compiles");
    let mut worker = detector.worker();
    let cases: &[(&str, Make)] = &[
        ("email", |i| format!("user.{i}@example.com")),
        ("phone", |i| format!("(202) 555-{:04}", i % 10_000)),
        ("us_ssn", |i| format!("{:03}-{:02}-{:04}", 100 + i % 500, 1 + i % 99, 1 + i % 9999)),
        ("person_name", |i| format!("Maria {}", ["Lopez", "Smith", "Jones"][i as usize % 3])),
        ("city", |_| "San Francisco".to_owned()),
        ("street_address", |i| format!("{i} Elm Street")),
        ("postal_code", |i| format!("{:05}", i % 99_999)),
        ("date_of_birth", |i| format!("19{:02}-{:02}-{:02}", i % 100, 1 + i % 12, 1 + i % 28)),
        ("ip.v4", |i| format!("203.0.{}.{}", i / 256 % 256, i % 256)),
        ("gender", |i| ["F", "M"][i as usize % 2].to_owned()),
    ];
    for (rule, make) in cases {
        let (mut bytes, mut offsets) = (Vec::new(), vec![0u32]);
        for i in 0..200_000 {
            bytes.extend_from_slice(make(i).as_bytes());
            offsets.push(bytes.len() as u32);
        }
        let plan = FieldPlan { treatment: Treatment::Typed((*rule).to_owned()), ..FieldPlan::search("f") };
        let mut best = f64::MAX;
        let mut found = 0;
        for _ in 0..5 {
            found = 0;
            let start = Instant::now();
            worker.values(&plan, &bytes, &offsets, &mut |_, _, form| found += usize::from(!form.is_empty()));
            best = best.min(start.elapsed().as_nanos() as f64 / 200_000.0);
        }
        println!(
            "{rule:16} {best:6.1} ns a value, {found} of 200000 found, {:.0} MB/s",
            bytes.len() as f64 / best / 200.0
        );
    }
}
