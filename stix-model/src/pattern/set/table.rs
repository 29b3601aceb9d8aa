//! A hash table that is built once: eight bytes for each entry, four for each bucket, two for the filter.

/// Finds the entries of a key.
#[derive(Debug, Default)]
pub(super) struct Table {
    filter: Bloom,
    /// Where each bucket starts in `slots`; the last one is their end.
    starts: Box<[u32]>,
    shift: u32,
    /// In the order of hashes.
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The 32 bits of the hash behind those that choose the bucket.
    tag: u32,
    id: u32,
}

impl Table {
    /// Takes at most `u32::MAX` entries.
    pub(super) fn new(mut entries: Vec<(u64, u32)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        entries.sort_unstable();
        entries.dedup();
        let mut filter = Bloom::new(entries.len());
        // At least one bit chooses the bucket, so that the shift is less than 64.
        let buckets = entries.len().next_power_of_two().max(2);
        let shift = 64 - buckets.trailing_zeros();
        let mut starts = Vec::with_capacity(buckets + 1);
        let mut slots = Vec::with_capacity(entries.len());
        for (hash, id) in entries {
            filter.add(hash);
            starts.resize((hash >> shift) as usize + 1, slots.len() as u32);
            slots.push(Slot { tag: tag(hash, shift), id });
        }
        starts.resize(buckets + 1, slots.len() as u32);
        Self { filter, starts: starts.into(), shift, slots: slots.into() }
    }

    /// The identifiers of the entries with this hash; rarely also some with a similar one.
    #[inline]
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = u32> {
        let slots = if self.may_have(hash) { self.find(hash) } else { &[] };
        slots.iter().map(|slot| slot.id)
    }

    /// False for nearly all hashes without entry.
    #[inline]
    pub(super) fn may_have(&self, hash: u64) -> bool {
        self.filter.may_have(hash)
    }

    #[inline(never)]
    fn find(&self, hash: u64) -> &[Slot] {
        let bucket = (hash >> self.shift) as usize;
        let slots = &self.slots[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        let tag = tag(hash, self.shift);
        let slots = &slots[slots.partition_point(|slot| slot.tag < tag)..];
        &slots[..slots.partition_point(|slot| slot.tag == tag)]
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.filter.words) + size_of_val(&*self.starts) + size_of_val(&*self.slots)
    }
}

fn tag(hash: u64, shift: u32) -> u32 {
    (hash << (64 - shift) >> 32) as u32
}

/// Tells for nearly all hashes without entry that there is none, with one look into memory: a Bloom filter that keeps
/// the bits of one hash together.
#[derive(Debug, Default)]
struct Bloom {
    words: Box<[u64]>,
}

impl Bloom {
    /// With 16 bits for each entry, of which it sets four, one hash in two hundred passes in vain.
    fn new(entries: usize) -> Self {
        Self { words: vec![0; (entries * 16).div_ceil(64)].into() }
    }

    fn add(&mut self, hash: u64) {
        let (word, bits) = self.place(hash);
        self.words[word] |= bits;
    }

    #[inline]
    fn may_have(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & bits == bits)
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = ((hash >> 32) * self.words.len() as u64) >> 32;
        let bits = [0, 6, 12, 18].map(|shift| 1 << (hash >> shift & 63));
        (word as usize, bits.iter().fold(0, |all, bit| all | bit))
    }
}
