//! # Counts, for limits
//! How many things an owner has, so that a limit costs one read. A count lies in sixteen rows, by the first digit of each thing's
//! id, so that things made at the same time seldom wait for each other.
//!
//! **Invariant:** ids are random, so the rows of an owner fill alike; while one is far from its share the others are not asked.

use keywatch_store::{Kind, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use crate::error::KmsError;

const DIGITS: &str = "0123456789abcdef";

#[derive(Default, Serialize, Deserialize)]
struct Count {
    things: u32,
}

impl Versioned for Count {
    const MARKER: &'static str = "kms.count/1";
}

/// What is counted: rows `owner/digit` of `kind`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'c> {
    pub(crate) kind: Kind,
    pub(crate) owner: &'c str,
    pub(crate) max: u32,
}

impl Counted<'_> {
    fn row(&self, digit: char) -> String {
        format!("{}/{digit}", self.owner)
    }

    fn row_of(&self, id: &str) -> String {
        self.row(id.chars().next().unwrap_or('0'))
    }

    /// Counts one more, the thing `id`; `false`, and nothing is counted, when there are as many as may be.
    pub(crate) async fn add(&self, tx: &mut Transaction<'_>, id: &str) -> Result<bool, KmsError> {
        let row = self.row_of(id);
        let mut count = tx.get::<Count>(self.kind, &row).await?.unwrap_or_default();
        // Half of a row's share of a full count.
        let calm = self.max / 32;
        if count.things >= calm && self.all(tx).await? >= self.max {
            return Ok(false);
        }
        count.things += 1;
        tx.put(self.kind, &row, &count)?;
        Ok(true)
    }

    /// Counts one less, the thing `id`.
    pub(crate) async fn subtract(&self, tx: &mut Transaction<'_>, id: &str) -> Result<(), KmsError> {
        let row = self.row_of(id);
        let Some(mut count) = tx.get::<Count>(self.kind, &row).await? else { return Ok(()) };
        count.things = count.things.saturating_sub(1);
        if count.things == 0 {
            tx.delete(self.kind, &row);
        } else {
            tx.put(self.kind, &row, &count)?;
        }
        Ok(())
    }

    async fn all(&self, tx: &mut Transaction<'_>) -> Result<u32, KmsError> {
        let mut sum = 0_u32;
        for digit in DIGITS.chars() {
            let count = tx.get::<Count>(self.kind, &self.row(digit)).await?;
            sum = sum.saturating_add(count.unwrap_or_default().things);
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::House;

    #[tokio::test]
    async fn the_last_that_fits_is_the_last() {
        let house = House::open().await;
        let mut tx = Transaction::new(&house.store);
        let counted = Counted { kind: Kind("test.count"), owner: "o", max: 160 };
        for n in 0..160 {
            let id = format!("{:x}", n % 16);
            assert!(counted.add(&mut tx, &id).await.unwrap(), "{n}");
        }
        assert!(!counted.add(&mut tx, "0").await.unwrap());
        counted.subtract(&mut tx, "7").await.unwrap();
        assert!(counted.add(&mut tx, "0").await.unwrap());
        assert!(!counted.add(&mut tx, "1").await.unwrap());
        for n in 0..160 {
            counted.subtract(&mut tx, &format!("{:x}", n % 16)).await.unwrap();
        }
        assert_eq!(counted.all(&mut tx).await.unwrap(), 1);
    }
}
