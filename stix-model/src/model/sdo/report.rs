//! Report: threat intelligence that was published as a whole (STIX 2.1, section 4.16).

use crate::Timestamp;
use crate::model::data_type::Text;
use crate::model::reference::{Ref, to};
use crate::model::vocab::ReportType;

stix_type! {
    /// Threat intelligence on one or more subjects that was published as a whole, like an article; the
    /// objects belong to it.
    ///
    /// ```
    /// use stix_model::{Ref, StixId, ToObject, Timestamp, sdo::Report};
    /// # let mut mint = stix_model::Mint::new(|| 1_700_000_000_000_000, |b: &mut [u8; 16]| b.fill(7));
    /// let published: Timestamp = "2023-11-15T08:00:00Z".parse()?;
    /// let actor: StixId = "threat-actor--56f3f0db-b5d5-431c-ae56-c18f02caf500".parse()?;
    /// let report = Report::new(mint.stamp(), "The Black Vine", published, [Ref::try_from(actor)?])
    ///     .report_types(["threat-actor", "threat-report"]);
    /// assert_eq!(report.object_refs[0].id().object_type(), "threat-actor");
    /// report.to_object()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    sdo Report "report" "4.16" "_n8bjzg1ysgdq"
    required {
        /// The title.
        name: Text<'a>;
        /// When the report was officially published; not the time when this object was made.
        published: Timestamp;
        /// The objects that the report consists of or deals with; at least one.
        object_refs: Vec<Ref<to::AnyObject>>;
    }
    optional {
        /// A summary, or what else is good to know about the report.
        description: Text<'a>;
    }
    lists {
        /// What the report mainly deals with.
        report_types: ReportType;
    }
}
