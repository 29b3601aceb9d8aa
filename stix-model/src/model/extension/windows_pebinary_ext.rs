//! Windows PE binary: the headers of a Windows program (STIX 2.1, section 6.7.6).

use crate::Timestamp;
use crate::model::data_type::{Hex, Text};
use crate::model::hashes::Hashes;
use crate::model::vocab::WindowsPeBinaryType;
use crate::schema::check::Check;
use crate::schema::rule::Rule;
use crate::schema::table::Constraint;

stix_type! {
    /// The headers of a Windows program or library in Portable Executable (PE) format; stands on a
    /// [`File`](crate::sco::File). At least one property beside `pe_type` must be there.
    part WindowsPeBinaryExt "windows-pebinary-ext" "6.7.6" "_gg5zibddf9bs"
    required {
        /// Whether it is a program, a library or a driver.
        pe_type: WindowsPeBinaryType;
    }
    optional {
        /// The hash of the imported functions, by which related programs are found.
        imphash: Text<'a>;
        /// The processor that it is made for.
        machine_hex: Hex<'a>;
        /// How many sections it has.
        number_of_sections: i64 = 0..=9_007_199_254_740_991;
        /// When it was built, as the file header says; to the second.
        time_date_stamp: Timestamp;
        /// Where in the file the symbol table is.
        pointer_to_symbol_table_hex: Hex<'a>;
        /// How many entries the symbol table has.
        number_of_symbols: i64 = 0..=9_007_199_254_740_991;
        /// The size of the optional header in bytes.
        size_of_optional_header: i64 = 0..=9_007_199_254_740_991;
        /// The flags of the file header.
        characteristics_hex: Hex<'a>;
        /// Hashes of the file header.
        file_header_hashes: Hashes<'a>;
        /// The optional header, which programs always have.
        optional_header: WindowsPeOptionalHeader<'a>;
    }
    lists {
        /// The sections.
        sections: WindowsPeSection<'a>;
    }
    constraints [
        Constraint::AnyOwn(Rule::S216),
        Constraint::Check(Check::WindowsPeBinaryExt),
    ]
}

stix_type! {
    /// The optional header of a PE binary, which tells the loader what to do; at least one property must be
    /// there.
    part WindowsPeOptionalHeader "windows-pe-optional-header-type" "6.7.6" "_29l09w731pzc"
    required {}
    optional {
        /// The magic number, which tells the 32-bit format from the 64-bit one.
        magic_hex: Hex<'a>;
        /// The version of the linker, before the dot.
        major_linker_version: i64;
        /// The version of the linker, after the dot.
        minor_linker_version: i64;
        /// The size of all code sections together, in bytes.
        size_of_code: i64 = 0..=9_007_199_254_740_991;
        /// The size of all sections of initialised data together, in bytes.
        size_of_initialized_data: i64 = 0..=9_007_199_254_740_991;
        /// The size of all sections of uninitialised data together, in bytes.
        size_of_uninitialized_data: i64 = 0..=9_007_199_254_740_991;
        /// Where execution begins, in bytes from the image base.
        address_of_entry_point: i64;
        /// Where the code begins, in bytes from the image base.
        base_of_code: i64;
        /// Where the data begins, in bytes from the image base.
        base_of_data: i64;
        /// The address in memory at which the image would best be loaded.
        image_base: i64;
        /// To what multiple of bytes sections are aligned in memory.
        section_alignment: i64;
        /// To what multiple of bytes sections are aligned in the file.
        file_alignment: i64;
        /// The version of the operating system that it needs, before the dot.
        major_os_version: i64;
        /// The version of the operating system that it needs, after the dot.
        minor_os_version: i64;
        /// The version of the image, before the dot.
        major_image_version: i64;
        /// The version of the image, after the dot.
        minor_image_version: i64;
        /// The version of the subsystem that it needs, before the dot.
        major_subsystem_version: i64;
        /// The version of the subsystem that it needs, after the dot.
        minor_subsystem_version: i64;
        /// Reserved by the format; should be zero.
        win32_version_value_hex: Hex<'a>;
        /// The size of the image in memory with all headers, in bytes.
        size_of_image: i64 = 0..=9_007_199_254_740_991;
        /// The size of all headers together, rounded up to the file alignment, in bytes.
        size_of_headers: i64 = 0..=9_007_199_254_740_991;
        /// The checksum of the image.
        checksum_hex: Hex<'a>;
        /// The subsystem in which it runs, such as a console or windows.
        subsystem_hex: Hex<'a>;
        /// The flags for the loader, such as whether the image may be moved in memory.
        dll_characteristics_hex: Hex<'a>;
        /// How much memory to reserve for the stack, in bytes.
        size_of_stack_reserve: i64 = 0..=9_007_199_254_740_991;
        /// How much of the stack to provide at once, in bytes.
        size_of_stack_commit: i64 = 0..=9_007_199_254_740_991;
        /// How much memory to reserve for the heap, in bytes.
        size_of_heap_reserve: i64 = 0..=9_007_199_254_740_991;
        /// How much of the heap to provide at once, in bytes.
        size_of_heap_commit: i64 = 0..=9_007_199_254_740_991;
        /// Reserved by the format; should be zero.
        loader_flags_hex: Hex<'a>;
        /// How many entries the table of data directories has.
        number_of_rva_and_sizes: i64;
        /// Hashes of the optional header.
        hashes: Hashes<'a>;
    }
    lists {}
    constraints [
        Constraint::AnyOwn(Rule::S216),
    ]
}

stix_type! {
    /// A section of a PE binary.
    part WindowsPeSection "windows-pe-section-type" "6.7.6" "_ioapwyd8oimw"
    required {
        /// The name, such as `.text`.
        name: Text<'a>;
    }
    optional {
        /// The size in bytes, 0 or more.
        size: i64 = 0..=9_007_199_254_740_991;
        /// Shannon's entropy in bits per byte, 0 to 8; high values are a sign of packed or encrypted content.
        entropy: f64;
        /// Hashes of the section.
        hashes: Hashes<'a>;
    }
    lists {}
}
