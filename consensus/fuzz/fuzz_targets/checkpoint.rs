#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| consensus_fuzz::checkpoint(data));
