//! File: a file, by its name, its hashes and what it holds (STIX 2.1, section 6.7).

use crate::Timestamp;
use crate::model::data_type::{Hex, Text};
use crate::model::hashes::Hashes;
use crate::model::reference::{Ref, to};
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// A file, known by its name or by hashes of its content; one of them must be there.
    ///
    /// What depends on the format or the file system stands in extensions, such as
    /// [`WindowsPeBinaryExt`](crate::extension::WindowsPeBinaryExt).
    ///
    /// ```
    /// use stix_model::{Hashes, Json, ToObject, extension::PdfExt, sco::File, vocab::HashAlgorithm};
    /// let mut hashes = Hashes::default();
    /// hashes.set(HashAlgorithm::Md5, "3773a88f65a5e780c8dff9cdc3a056f3");
    /// let file = File::new().hashes(hashes).name("bill.pdf").size(25_537);
    /// let pdf = PdfExt::new().version("1.7").is_optimized(true);
    /// let object = file.extension("pdf-ext", Json::from_typed(&pdf)).to_object()?;
    /// assert_eq!(object.header().id.object_type(), "file");
    /// assert!(File::new().size(25_537).to_object().is_err(), "neither hashes nor a name");
    /// # Ok::<(), stix_model::BuildError>(())
    /// ```
    sco File "file" "6.7" "_99bl2dibcztv"
    required {}
    optional {
        /// Hashes of the content. These or `name` must be there.
        hashes: Hashes<'a>;
        /// The size in bytes, 0 or more.
        size: i64 = 0..=9_007_199_254_740_991;
        /// The name without the directory. This or `hashes` must be there.
        name: Text<'a>;
        /// The character set in which the name was seen, if that was not Unicode; a name that IANA lists.
        /// Needs `name`.
        name_enc: Text<'a>;
        /// The bytes at the beginning by which the format is known, such as `4d5a`.
        magic_number_hex: Hex<'a>;
        /// The media type; should be one that IANA lists.
        mime_type: Text<'a>;
        /// When the file was created.
        ctime: Timestamp;
        /// When the content was last written.
        mtime: Timestamp;
        /// When the file was last read.
        atime: Timestamp;
        /// The directory that the file is in.
        parent_directory_ref: Ref<to::Directory>;
        /// The content, as an artifact.
        content_ref: Ref<to::Artifact>;
    }
    lists {
        /// What else is found in the content, such as an address or a file appended to it. For the members of
        /// an archive see [`ArchiveExt`](crate::extension::ArchiveExt).
        contains_refs: Ref<to::Observable>;
    }
    constraints [
        Constraint::OneOf(&["hashes", "name"], Rule::S215),
        Constraint::Needs("name_enc", &["name"], Rule::S033),
        Constraint::Check(Check::File),
    ]
    extensions [ArchiveExt, NtfsExt, PdfExt, RasterImageExt, WindowsPeBinaryExt]
}
