//! The suite's own tests: a suite that fails nobody proves nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

mod cli;
mod fault_proxy;
mod faults;
mod in_process;
mod misbehaving;
mod own_server;
mod proxy;
mod report;
mod requirements;
mod server;
mod tls;

/// One TLS provider per process; whoever comes second finds it there.
fn install_tls() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
