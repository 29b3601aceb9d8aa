//! How many objects fit into one request.

use stix_model::taxii::write_envelope;

/// How envelopes are filled.
///
/// ```
/// use stix_model::taxii::write_envelope;
/// use taxii_client::Packing;
///
/// let text = br#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"http://x.example/"}"#;
/// let objects = [&text[..]; 3];
/// let two = write_envelope(None, objects[..2].iter().copied());
///
/// // The limit of a server is inclusive: an envelope of exactly that length is welcome.
/// assert_eq!(Packing::new(two.len() as u64, 100).first_envelope(objects), 2);
/// assert_eq!(Packing::new(two.len() as u64 - 1, 100).first_envelope(objects), 1);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Packing {
    /// The longest request body: `max_content_length` of the API root, or less.
    pub max_bytes: u64,
    /// The most objects in one envelope.
    pub max_objects: usize,
}

impl Packing {
    /// Envelopes with `max_bytes` and `max_objects` at most.
    pub fn new(max_bytes: u64, max_objects: usize) -> Self {
        Self { max_bytes, max_objects }
    }

    /// How many of the first objects go into one envelope, given their texts as for [`write_envelope`]. None when even
    /// the first one is too large for it.
    pub fn first_envelope<'a>(&self, objects: impl IntoIterator<Item = &'a [u8]>) -> usize {
        let frame = write_envelope(None, [&b""[..]]).len() as u64;
        let (mut bytes, mut count) = (frame, 0);
        for object in objects.into_iter().take(self.max_objects) {
            let comma = u64::from(count > 0);
            bytes += comma + object.len() as u64;
            if bytes > self.max_bytes {
                break;
            }
            count += 1;
        }
        count
    }
}
