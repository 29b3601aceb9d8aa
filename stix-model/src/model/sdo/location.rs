//! Location: a place, from a continent to a point (STIX 2.1, section 4.10).

use crate::model::data_type::Text;
use crate::model::vocab::Region;
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A place: a region, a country, an address, or a point on the map.
    ///
    /// At least a `region`, a `country`, or `latitude` with `longitude` must be there.
    ///
    /// ```
    /// use stix_model::{ToObject, sdo::Location};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let vienna = Location::new(mint.stamp()).city("Wien");
    /// let error = vienna.to_object().unwrap_err();
    /// assert!(error.to_string().contains("a location has a `region`, a `country`, or"));
    ///
    /// vienna.clone().country("AT").to_object()?;
    /// vienna.latitude(48.2083).longitude(16.3731).precision(5_000.0).to_object()?;
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sdo Location "location" "4.10" "_th8nitr8jb4k"
    required {}
    optional {
        /// A name of the place.
        name: Text<'a>;
        /// What is good to know about the place.
        description: Text<'a>;
        /// Degrees north of the equator (WGS 84), from -90 to 90; the south is negative. Needs `longitude`.
        latitude: f64 = -90..=90;
        /// Degrees east of Greenwich (WGS 84), from -180 to 180; the west is negative. Needs `latitude`.
        longitude: f64 = -180..=180;
        /// How far the place may be from the given point, in metres. Needs `latitude` and `longitude`.
        precision: f64 = 0..=9_007_199_254_740_991;
        /// The part of the world, as the United Nations divide it.
        region: Region;
        /// The country; should be a code of two letters of ISO 3166-1, such as `AT`.
        country: Text<'a>;
        /// The state, province or other part of the country; should be a code of ISO 3166-2.
        administrative_area: Text<'a>;
        /// The city.
        city: Text<'a>;
        /// The street with the number, and whatever else an address has.
        street_address: Text<'a>;
        /// The postal code.
        postal_code: Text<'a>;
    }
    lists {}
    constraints [
        Constraint::Needs("latitude", &["longitude"], Rule::S202),
        Constraint::Needs("longitude", &["latitude"], Rule::S202),
        Constraint::Needs("precision", &["latitude", "longitude"], Rule::S202),
        Constraint::Check(Check::Location),
    ]
}
