//! How many objects fit into one request.

use stix_model::Object;
use stix_model::taxii::write_envelope;

/// How envelopes are filled.
///
/// ```
/// use stix_model::{Object, taxii::write_envelope};
/// use taxii_client::Packing;
///
/// let text = r#"{"type":"url","id":"url--7d45bfa7-9b83-5b0c-b5ae-1ad0c7c1f0a1","value":"http://x.example/"}"#;
/// let objects = vec![Object::parse(text)?; 3];
/// let two = write_envelope(None, objects[..2].iter().map(|object| &object.json()[..]));
///
/// // The limit of a server is inclusive: an envelope of exactly that length is welcome.
/// assert_eq!(Packing { max_bytes: two.len() as u64, max_objects: 100 }.first_envelope(&objects), 2);
/// assert_eq!(Packing { max_bytes: two.len() as u64 - 1, max_objects: 100 }.first_envelope(&objects), 1);
/// # Ok::<(), stix_model::ObjectError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Packing {
    /// The longest request body: `max_content_length` of the API root, or less.
    pub max_bytes: u64,
    /// The most objects in one envelope.
    pub max_objects: usize,
}

impl Packing {
    /// How many of the first objects go into one envelope. None when even the first one is too large for it.
    pub fn first_envelope(&self, objects: &[Object]) -> usize {
        let frame = write_envelope(None, [&b""[..]]).len() as u64;
        let mut bytes = frame;
        for (count, object) in objects.iter().take(self.max_objects).enumerate() {
            let comma = u64::from(count > 0);
            bytes += comma + object.json().len() as u64;
            if bytes > self.max_bytes {
                return count;
            }
        }
        objects.len().min(self.max_objects)
    }
}
