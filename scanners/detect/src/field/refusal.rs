//! Names that say a number is something else: `sku`, `order_no`, `version`, `duration`.
//!
//! What such a field holds has the shape of an identifier by chance, and all of its values may have it. Only values that
//! are a number as a whole are meant: who writes a telephone number into the text of an `item` is still found.

use super::name::FieldName;
use crate::Type;

/// What a field numbers or measures, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// Things for sale, whose codes may have a check digit.
    Goods,
    /// Papers, parcels, devices.
    Things,
    /// Versions, and sections of a text.
    Versions,
    /// How much, how many, how long.
    Measures,
    /// Works and brands, which are named after people.
    Titles,
}

const GOODS: &[&str] =
    &["sku", "upc", "ean", "gtin", "asin", "isbn", "issn", "barcode", "item", "product", "part", "article", "articulo"];
const THINGS: &[&str] = &[
    "order",
    "invoice",
    "po",
    "serial",
    "lot",
    "batch",
    "model",
    "catalog",
    "catalogue",
    "tracking",
    "shipment",
    "ticket",
    "case",
    "pedido",
    "factura",
    "lote",
    "referencia",
];
const VERSIONS: &[&str] = &[
    "version",
    "ver",
    "release",
    "build",
    "firmware",
    "revision",
    "section",
    "chapter",
    "clause",
    "paragraph",
    "oid",
    "seccion",
    "capitulo",
];
const MEASURES: &[&str] = &[
    "duration", "elapsed", "latency", "timeout", "ttl", "amount", "price", "cost", "total", "balance", "count", "cnt",
    "qty", "quantity", "size", "length", "byte", "offset", "weight", "volume", "ms", "sec", "second", "us", "ns",
    "milli", "importe", "cantidad", "duracion",
];
const TITLES: &[&str] = &[
    "title",
    "brand",
    "manufacturer",
    "album",
    "movie",
    "film",
    "book",
    "song",
    "track",
    "game",
    "label",
    "titulo",
    "marca",
];
/// Words behind the thing that a name is about: `order_number`, `item_code_2`.
const NUMBERS: &[&str] = &["number", "no", "nr", "num", "nbr", "code", "cd", "id", "key", "ref", "value"];

impl Refusal {
    /// What a name says that its values are, if they are numbers of something.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::of_name(&FieldName::new(name))
    }

    /// As [`Self::of`], for a name that has been read.
    pub(super) fn of_name(name: &FieldName) -> Option<Self> {
        let beside = |word: &&String| NUMBERS.contains(&word.as_str()) || word.bytes().all(|b| b.is_ascii_digit());
        let mut words = name.own().iter().rev().filter(|word| !beside(word)).map(String::as_str);
        let mut word = words.next()?;
        // A product's name, which may be a person's.
        if word == "name" {
            word = words.next()?;
            let is_title = TITLES.contains(&word) || GOODS.contains(&word);
            return is_title.then_some(Self::Titles);
        }
        let lists = [
            (GOODS, Self::Goods),
            (THINGS, Self::Things),
            (VERSIONS, Self::Versions),
            (MEASURES, Self::Measures),
            (TITLES, Self::Titles),
        ];
        lists.iter().find(|(words, _)| words.contains(&word)).map(|(_, refusal)| *refusal)
    }

    /// Whether a whole value that has the shape of this kind is none in such a field.
    pub(crate) const fn refuses(self, kind: Type) -> bool {
        match kind {
            Type::PersonName => matches!(self, Self::Titles),
            _ if matches!(self, Self::Titles) => false,
            Type::Phone | Type::UsSsn | Type::UsItin | Type::UsEin | Type::UsRouting | Type::Npi | Type::IpAddress => {
                true
            }
            // The check digit of one in ten codes is that of a card.
            Type::CreditCard => matches!(self, Self::Goods | Self::Measures),
            _ => false,
        }
    }
}
