//! What is decided of records as they stand when they are written.

use residuum_source::{
    Ability, Apply, Batch, Change, Check, Editor, Flow, Object, Part, Range, Receipt, Record, Refusal, Sink,
    SourceError, SplitTarget, Target, Unit,
};

use super::*;

/// A source that shows each record in several batches and begins again in the midst of it, as servers make it do.
struct Fitful(Memory);

impl Source for Fitful {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn kind(&self) -> &'static str {
        self.0.kind()
    }
    fn list(&self, found: &mut dyn FnMut(Object) -> Flow) -> Result<(), SourceError> {
        self.0.list(found)
    }
    fn keys(&self) -> Result<Vec<TableKey>, SourceError> {
        self.0.keys()
    }
    fn split(&self, object: &Object, target: SplitTarget) -> Result<Vec<Range>, SourceError> {
        self.0.split(object, target)
    }
    fn read(&self, unit: &Unit, limits: &Limits, sink: &mut dyn Sink) -> Result<(), SourceError> {
        self.0.read(unit, limits, sink)
    }
    fn as_apply(&self) -> Option<&dyn Apply> {
        Some(self)
    }
    fn check(&self) -> Result<Check, SourceError> {
        self.0.check()
    }
}

impl Apply for Fitful {
    fn ability(&self, formats: &[&str]) -> Ability {
        self.0.ability(formats)
    }
    fn apply(&self, targets: &[Target], limits: &Limits, editor: &mut dyn Editor) -> Result<Vec<Receipt>, SourceError> {
        self.0.apply(targets, limits, &mut Asking { editor, part: None })
    }
}

struct Asking<'e> {
    editor: &'e mut dyn Editor,
    part: Option<Part>,
}

impl Editor for Asking<'_> {
    fn open(&mut self, part: &Part) {
        self.part = Some(part.clone());
        self.editor.open(part);
    }

    fn edit(&mut self, batch: &Batch) -> Vec<Change> {
        let part = self.part.as_ref().expect("it was opened");
        let first = batch.record(0);
        self.editor.edit(batch);
        self.editor.refused(&part.path, Some(&first), Refusal::new(RefusalKind::Constraint, "undone by the server"));
        self.editor.close();
        self.editor.open(part);
        let changes = self.editor.edit(batch);
        let mut window = batch.clone();
        window.columns.iter_mut().for_each(|column| {
            column.bytes.clear();
            column.offsets.iter_mut().for_each(|offset| *offset = 0);
        });
        assert!(self.editor.edit(&window).is_empty(), "nothing stands there");
        changes
    }

    fn close(&mut self) {
        self.editor.close();
    }

    fn refused(&mut self, part: &ObjectPath, record: Option<&Record>, refusal: Refusal) {
        self.editor.refused(part, record, refusal);
    }
}

#[test]
fn a_record_that_is_shown_in_several_batches_or_anew_is_done_once() {
    let world = World::of(Fitful(shop()), "");
    let done = world.carry_out(&world.plan());
    assert_eq!((done.deleted, done.edited, done.gone), (3, 2, 0));
    assert!(done.refused.is_empty(), "{:?}", done.refused);
}

#[test]
fn what_was_found_under_an_older_key_is_erased() {
    let world = World::new("").rotated();
    let done = world.carry_out(&world.plan());
    assert_eq!((done.deleted, done.edited, done.gone), (3, 2, 0), "{:?}", done.refused);
    world.scan();
    assert_eq!(world.places(), 0);
}

#[test]
fn what_is_encoded_beside_other_data_is_refused_and_by_itself_replaced() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let wide = |text: &str| -> String { text.chars().flat_map(|c| [c, '\0']).collect() };
    let base64 = |text: &str| STANDARD_NO_PAD.encode(text);
    let hex = |text: &str| crate::keyfile::hex(text.as_bytes());
    let both = format!("{JANE};kim@example.com and some more");
    let cases = [
        ("Base64", base64(&both), None),
        ("Base64 that begins with it", base64(&format!("{JANE} and kim@example.com")), None),
        ("hexadecimal", hex(&both), None),
        ("UTF-16", wide(&both), None),
        ("Base64 of UTF-16", base64(&wide(&both)), None),
        ("all of Base64", base64(JANE), Some("")),
        ("all of UTF-16", wide(JANE), Some("")),
        ("a percent escape", "user=jane.roe%40example.com&x=1".to_owned(), Some("user=[erased]&x=1")),
    ];
    for (case, payload, becomes) in cases {
        let world = World::of(Memory::new("shop").table("jobs", &["id", "payload"], &[&["7", &payload]]), "");
        assert_eq!(actions(&world.plan()).len(), 1, "{case}: it is found");
        let done = world.carry_out(&world.plan());
        assert_eq!(world.rows("jobs")[0][1], becomes.unwrap_or(&payload), "{case}");
        let refused: Vec<_> = done.refused.iter().map(|of| of.refusal.kind).collect();
        let expected: &[RefusalKind] = if becomes.is_none() { &[RefusalKind::Unsupported] } else { &[] };
        assert_eq!(refused, expected, "{case}");
    }
}

#[test]
fn anothers_right_value_is_not_corrected() {
    let (kims, hers) = ("(202) 555-0145", "(202) 555-0123");
    let memory = Memory::new("shop")
        .table(
            "customers",
            &["id", "email", "phone"],
            &[&["1", "kim@example.com", kims], &["2", JANE, kims], &["3", "lee@example.com", hers]],
        )
        .table("partners", &["email", "phone"], &[&["kim@example.com", kims]]);
    let world = World::of(memory, "");
    let reader = world.index.reader().expect("the index can be read");
    let corrections =
        Corrections::new(vec![Correction::new(Type::Phone, kims, hers).expect("numbers")], world.index.keys());
    let plan = world.planner(&reader).correction(&jane(), &corrections).expect("a plan");
    assert_eq!(actions(&plan), [("customers", "correct", 1)]);
    world.act(|with, _| {
        let with = CarryOut { corrections: &corrections, ..*with };
        carry_out(&with, &plan.objects, None, None).expect("it is carried out")
    });
    assert_eq!(world.rows("customers")[0][2], kims);
    assert_eq!(world.rows("customers")[1][2], hers);
    assert_eq!(world.rows("partners")[0][1], kims);
    world.scan();
    let reader = world.index.reader().expect("the index can be read");
    assert_eq!(world.planner(&reader).corrected(&jane(), &corrections).expect("a look-up"), 1, "hers, not Lee's");
}

#[test]
fn notes_and_errors_do_not_name_objects_that_are_personal() {
    let world = World::of(Memory::new("shop").table("mail of kim@example.com", &["id", "email"], &[&["1", JANE]]), "");
    let plan = world.plan();
    let done = world.carry_out(&plan);
    assert_eq!(done.receipts.len(), 1);
    assert!(!done.receipts[0].object.contains("kim"), "{}", done.receipts[0].object);
    assert!(done.receipts[0].receipt.object.contains("kim"), "the proof is of the name itself");
    let mut gone = world;
    gone.sources = vec![Box::new(Memory::new("shop"))];
    let done = gone.carry_out(&plan);
    assert!(done.refused.iter().all(|of| !of.refusal.reason.contains("kim@")), "{:?}", done.refused);
}
