use super::{Checked, Step, decode, record, records, require};
use consensus::ObjectRecord;
use std::collections::BTreeSet;

/// I2: An object in a version has one digest, ever.
pub(crate) fn one_digest(step: &Step<'_>) -> Checked {
    let Step { before, after, .. } = step;
    for (key, value) in records(before, b'x') {
        let now = after.memory.0.get(&[&b"x"[..], key].concat());
        if now.is_some_and(|now| &now[..] == value) {
            continue;
        }
        let was: ObjectRecord = decode(value);
        let now = now.map(|now| decode::<ObjectRecord>(now).digest);
        require(now == Some(was.digest), || format!("I2: the digest {} became {now:?}", was.digest))?;
    }
    let mut versions = BTreeSet::new();
    for (collection, item) in after.memory.1.keys() {
        let is_one = item.version.is_empty() || versions.insert((*collection, &item.id, &item.version));
        require(is_one, || format!("I2: {} {} has two contents", item.id, item.version))?;
        let digest = record(after, *collection, item).map(|record| record.digest);
        require(digest == Some(item.digest), || format!("I2: {item:?} has the record of {digest:?}"))?;
    }
    Ok(())
}
