//! Raster image: what an image file says of itself (STIX 2.1, section 6.7.5).

use crate::model::data_type::{Dictionary, IntegerOrText};
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// What an image file says of itself; stands on a [`File`](crate::sco::File). At least one property must
    /// be there.
    part RasterImageExt "raster-image-ext" "6.7.5" "_u5z7i2ox8w4x"
    required {}
    optional {
        /// The height in pixels.
        image_height: i64;
        /// The width in pixels.
        image_width: i64;
        /// How many bits stand for a pixel.
        bits_per_pixel: i64;
        /// The data in EXIF format by the names of its tags; integers or strings.
        exif_tags: Dictionary<'a, IntegerOrText<'a>>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}
