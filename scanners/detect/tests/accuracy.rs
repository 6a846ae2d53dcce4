//! Detection is no worse than its floors: `examples/accuracy/floors.toml` over a corpus that is made here and over the
//! lines in `written.txt`. The example program prints the figures and takes others' labelled text, too.

use std::path::Path;

use residuum_corpus::{Corpus, Mix};
use residuum_detect::{Detector, RuleSet};

#[path = "../examples/accuracy/corpora.rs"]
mod corpora;
#[allow(dead_code, reason = "the program prints what this test only compares")]
#[path = "../examples/accuracy/score.rs"]
mod score;

/// Bytes of each made corpus.
const SIZE: u64 = 1 << 20;

#[test]
fn text_is_searched_no_worse_than_its_floors() {
    let detector = Detector::new(&RuleSet::builtin()).expect("the pack compiles");
    let mut tallies = score::Tallies::new();
    let mut compare = |path: &Path| {
        corpora::read(&detector, path, &mut |sets, document| score::add(&mut tallies, sets, document))
            .expect("readable labels");
    };
    for family in ["app", "orders", "tickets", "web", "xml"] {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("accuracy-{family}"));
        let mix: Mix = family.parse().expect("a family");
        Corpus::reuse_or_generate(&folder, 7, SIZE, &mix).expect("a corpus");
        compare(&folder);
    }
    compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/accuracy/written.txt"));
    let floors: toml::Table =
        include_str!("../examples/accuracy/floors.toml").parse().expect("the floors are a table of numbers");
    for set in ["generated", "written"] {
        let kinds = floors[set].as_table().expect("floors by type");
        for kind in kinds.keys() {
            let key = (set.to_owned(), kind.clone(), score::Mode::Overlap);
            assert!(tallies.contains_key(&key), "nothing labelled {kind} was compared in {set}");
        }
    }
    let below = score::below(&floors, &tallies);
    assert!(below.is_empty(), "{below:#?}");
}
