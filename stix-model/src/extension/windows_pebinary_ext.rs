//! TODO-DOC (STIX 2.1, section 6.7.6).

use crate::Timestamp;
use crate::data_type::{Hashes, Hex, Text};
use crate::schema::Rule;
use crate::vocab::WindowsPeBinaryType;

stix_type! {
    /// TODO-DOC windows-pebinary-ext
    part WindowsPeBinaryExt "windows-pebinary-ext" "6.7.6"
    required {
        /// TODO-DOC open-vocab
        pe_type: WindowsPeBinaryType;
    }
    optional {
        /// TODO-DOC string
        imphash: Text<'a>;
        /// TODO-DOC hex
        machine_hex: Hex<'a>;
        /// TODO-DOC integer
        number_of_sections: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC timestamp
        time_date_stamp: Timestamp;
        /// TODO-DOC hex
        pointer_to_symbol_table_hex: Hex<'a>;
        /// TODO-DOC integer
        number_of_symbols: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_optional_header: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC hex
        characteristics_hex: Hex<'a>;
        /// TODO-DOC hashes
        file_header_hashes: Hashes<'a>;
        /// TODO-DOC windows-pe-optional-header-type
        optional_header: WindowsPeOptionalHeader<'a>;
    }
    lists {
        /// TODO-DOC windows-pe-section-type
        sections: WindowsPeSection<'a>;
    }
    rules [
        Rule::AnyOwn("S-216"),
    ]
}

stix_type! {
    /// TODO-DOC windows-pe-optional-header-type
    part WindowsPeOptionalHeader "windows-pe-optional-header-type" "6.7.6"
    required {}
    optional {
        /// TODO-DOC hex
        magic_hex: Hex<'a>;
        /// TODO-DOC integer
        major_linker_version: i64;
        /// TODO-DOC integer
        minor_linker_version: i64;
        /// TODO-DOC integer
        size_of_code: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_initialized_data: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_uninitialized_data: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        address_of_entry_point: i64;
        /// TODO-DOC integer
        base_of_code: i64;
        /// TODO-DOC integer
        base_of_data: i64;
        /// TODO-DOC integer
        image_base: i64;
        /// TODO-DOC integer
        section_alignment: i64;
        /// TODO-DOC integer
        file_alignment: i64;
        /// TODO-DOC integer
        major_os_version: i64;
        /// TODO-DOC integer
        minor_os_version: i64;
        /// TODO-DOC integer
        major_image_version: i64;
        /// TODO-DOC integer
        minor_image_version: i64;
        /// TODO-DOC integer
        major_subsystem_version: i64;
        /// TODO-DOC integer
        minor_subsystem_version: i64;
        /// TODO-DOC hex
        win32_version_value_hex: Hex<'a>;
        /// TODO-DOC integer
        size_of_image: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_headers: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC hex
        checksum_hex: Hex<'a>;
        /// TODO-DOC hex
        subsystem_hex: Hex<'a>;
        /// TODO-DOC hex
        dll_characteristics_hex: Hex<'a>;
        /// TODO-DOC integer
        size_of_stack_reserve: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_stack_commit: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_heap_reserve: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        size_of_heap_commit: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC hex
        loader_flags_hex: Hex<'a>;
        /// TODO-DOC integer
        number_of_rva_and_sizes: i64;
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
    }
    lists {}
    rules [
        Rule::AnyOwn("S-216"),
    ]
}

stix_type! {
    /// TODO-DOC windows-pe-section-type
    part WindowsPeSection "windows-pe-section-type" "6.7.6"
    required {
        /// TODO-DOC string
        name: Text<'a>;
    }
    optional {
        /// TODO-DOC integer
        size: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC float
        entropy: f64;
        /// TODO-DOC hashes
        hashes: Hashes<'a>;
    }
    lists {}
}
