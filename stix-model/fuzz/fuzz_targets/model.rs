#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| stix_model_fuzz::model(data));
