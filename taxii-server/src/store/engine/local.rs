use super::{
    Bytes, Commit, Content, Direction, EngineError, EngineFuture, Key, KeyValue, Range, Scan, Snapshot,
};

/// A view of an engine in this process; each is a [`Snapshot`].
///
/// Implement this where reading takes no waiting; the bounds and the direction of a read are looked after.
pub trait LocalSnapshot: Send + Sync {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// When the engine fails.
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// Returns the entries of a range in the order of their keys. Its start is below its end. What a scan does not need is
    /// not taken from the iterator.
    fn entries(&self, range: Range<Key>) -> impl DoubleEndedIterator<Item = Result<KeyValue, EngineError>>;
}

impl<S: LocalSnapshot> Snapshot for S {
    fn get_many(&self, keys: Vec<Key>, max_bytes: usize) -> EngineFuture<'_, Vec<Option<Bytes>>> {
        Box::pin(async move { get_within(&keys, max_bytes, |key| self.value(key)) })
    }

    fn scan(&self, scan: Scan) -> EngineFuture<'_, Vec<KeyValue>> {
        Box::pin(async move {
            if scan.range.is_empty() {
                return Ok(Vec::new());
            }
            let entry = |(key, value): KeyValue, content| match content {
                Content::Entries => (key, value),
                Content::Keys => (key, Bytes::new()),
            };
            let entries = self.entries(scan.range.clone());
            match scan.direction {
                Direction::Forward => scan.collect(entries, entry),
                Direction::Backward => scan.collect(entries.rev(), entry),
            }
        })
    }
}

impl Commit {
    /// Compares the heads with the values that the engine has now.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when one differs.
    pub fn check_heads<'v>(&self, value: impl Fn(&Key) -> Option<&'v Bytes>) -> Result<(), EngineError> {
        let is_as_expected = self.heads.iter().all(|(key, change)| value(key) == change.from.as_ref());
        if is_as_expected { Ok(()) } else { Err(EngineError::Conflict) }
    }

    /// Returns what is put (`None`: removed) after the ranges are cleared, in order. A value may be a part of a request, all
    /// of which stays in memory as long as the value.
    pub fn into_values(self) -> impl Iterator<Item = (Key, Option<Bytes>)> {
        let heads = self.heads.into_iter().map(|(key, change)| (key, change.to));
        self.writes.into_iter().chain(heads)
    }
}

/// Reads keys one by one until the budget of [`Snapshot::get_many`] is spent.
pub(in crate::store) fn get_within(
    keys: &[Key],
    max_bytes: usize,
    get: impl Fn(&[u8]) -> Result<Option<Bytes>, EngineError>,
) -> Result<Vec<Option<Bytes>>, EngineError> {
    let mut budget = max_bytes;
    let mut values = Vec::with_capacity(keys.len());
    for key in keys {
        let value = get(key)?;
        let length = value.as_ref().map_or(0, Bytes::len);
        values.push(value);
        match budget.checked_sub(length) {
            Some(rest) => budget = rest,
            None => break,
        }
    }
    Ok(values)
}
