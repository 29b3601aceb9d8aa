//! TODO-DOC (STIX 2.1, section 4.10).

use crate::data_type::Text;
use crate::schema::Rule;
use crate::validate::checks;
use crate::vocab::Region;

stix_type! {
    /// TODO-DOC location
    sdo Location "location" "4.10"
    required {}
    optional {
        /// TODO-DOC string
        name: Text<'a>;
        /// TODO-DOC string
        description: Text<'a>;
        /// TODO-DOC float
        latitude: f64 = -90..=90;
        /// TODO-DOC float
        longitude: f64 = -180..=180;
        /// TODO-DOC float
        precision: f64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC open-vocab
        region: Region;
        /// TODO-DOC string
        country: Text<'a>;
        /// TODO-DOC string
        administrative_area: Text<'a>;
        /// TODO-DOC string
        city: Text<'a>;
        /// TODO-DOC string
        street_address: Text<'a>;
        /// TODO-DOC string
        postal_code: Text<'a>;
    }
    lists {}
    rules [
        Rule::Needs("latitude", &["longitude"], "S-202"),
        Rule::Needs("longitude", &["latitude"], "S-202"),
        Rule::Needs("precision", &["latitude", "longitude"], "S-202"),
        Rule::Check(checks::location),
    ]
}
