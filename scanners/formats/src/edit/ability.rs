//! How each format can be edited: what [`plan`](super::plan) does, in words.

use residuum_source::Ability;

/// How records of a format are edited, containers aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Leaf {
    Splice,
    Rewrite,
    WholeObject,
}

impl Leaf {
    pub fn is_edited(self) -> bool {
        self != Self::WholeObject
    }

    /// Why a record of it is not edited.
    pub fn reason(self, format: &str) -> String {
        format!(
            "values of {format} are not replaced: delete the object as a whole, or change it in the program that made it"
        )
    }
}

/// How records of this format are edited.
pub(super) fn of_leaf(format: &str) -> Leaf {
    match format {
        "text" | "csv" | "tsv" | "json" | "jsonl" | "sql" | "xml" | "html" | "yaml" | "toml" | "ini" | "properties"
        | "vcard" | "icalendar" | "w3c" | "eml" | "mbox" => Leaf::Splice,
        "avro" | "parquet" | "xlsx" => Leaf::Rewrite,
        _ => Leaf::WholeObject,
    }
}

/// Whether what is in this container can be edited.
fn is_packed_again(container: &str) -> bool {
    matches!(container, "gzip" | "zstd" | "bzip2" | "xz" | "lz4" | "zip" | "tar")
}

/// Whether a container holds one thing, which goes with it.
pub(super) fn holds_one(container: &str) -> bool {
    matches!(container, "gzip" | "zstd" | "bzip2" | "xz" | "lz4")
}

/// How records can be edited that stand in this chain of formats, outermost first.
pub fn ability(formats: &[&str]) -> Ability {
    let Some((leaf, around)) = formats.split_last() else {
        return Ability::Manual("nothing is known of the format".to_owned());
    };
    if let Some(container) = around.iter().find(|container| !is_packed_again(container)) {
        let what = match *container {
            "7z" => "7z archives are not written: unpack it, delete the archive, and scan what was in it".to_owned(),
            other => {
                format!("what is embedded in {other} is not written: change or remove it in the program that made it")
            }
        };
        return Ability::Manual(what);
    }
    if is_packed_again(leaf) || *leaf == "7z" {
        return Ability::WholeObject;
    }
    match of_leaf(leaf) {
        Leaf::Splice => Ability::Splice,
        Leaf::Rewrite => Ability::Rewrite,
        Leaf::WholeObject => Ability::WholeObject,
    }
}
