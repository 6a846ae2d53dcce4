//! How much of what.

use crate::Family;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The shares of the families, as weights.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mix(Vec<(Family, u32)>);

impl Mix {
    /// What an organisation might have: everything.
    pub fn estate() -> Self {
        use Family::*;
        Self(vec![(Crm, 15), (Orders, 21), (Web, 26), (App, 13), (Tickets, 7), (Sql, 8), (Xml, 5), (Archive, 5)])
    }

    /// One family alone.
    pub fn only(family: Family) -> Self {
        Self(vec![(family, 1)])
    }

    /// Each family with its share of `size` bytes.
    pub(crate) fn shares(&self, size: u64) -> impl Iterator<Item = (Family, u64)> + '_ {
        let total: u64 = self.0.iter().map(|&(_, weight)| u64::from(weight)).sum();
        self.0.iter().map(move |&(family, weight)| {
            (family, (u128::from(size) * u128::from(weight) / u128::from(total.max(1))) as u64)
        })
    }
}

impl FromStr for Mix {
    type Err = String;

    /// `estate`, a family (`web`), or weights (`web=3,app=1`).
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "estate" {
            return Ok(Self::estate());
        }
        let one = |part: &str| match part.split_once('=') {
            None => Ok((part.parse::<Family>()?, 1)),
            Some((family, weight)) => match weight.parse() {
                Ok(weight @ 1..) => Ok((family.parse()?, weight)),
                _ => Err(format!("`{weight}` is not a weight: use a whole number above 0, as in `web=3,app=1`")),
            },
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}
