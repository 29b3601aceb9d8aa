#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| taxii_feeds_fuzz::convert(data));
