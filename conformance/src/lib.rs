//! A black-box conformance suite for any TAXII 2.1 server: HTTP and raw JSON only.
