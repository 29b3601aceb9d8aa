//! TODO-DOC (STIX 2.1, section 6.7.5).

use crate::data_type::{Dictionary, IntegerOrText};
use crate::schema::Rule;

stix_type! {
    /// TODO-DOC raster-image-ext
    part RasterImageExt "raster-image-ext" "6.7.5"
    required {}
    optional {
        /// TODO-DOC integer
        image_height: i64;
        /// TODO-DOC integer
        image_width: i64;
        /// TODO-DOC integer
        bits_per_pixel: i64;
        /// TODO-DOC dictionary
        exif_tags: Dictionary<'a, IntegerOrText<'a>>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}
