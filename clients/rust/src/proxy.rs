//! Which requests go through a proxy.

use crate::Url;
use crate::address::is_this_machine;
use hyper_util::client::proxy::matcher::Matcher;

/// The proxies that the environment names: `https_proxy`, `http_proxy`, `all_proxy`, and `no_proxy`, also in capitals.
#[derive(Debug)]
pub(crate) struct Proxies(Matcher);

impl Proxies {
    pub(crate) fn of_environment() -> Self {
        // What reqwest asks too.
        Self(Matcher::from_system())
    }

    /// The proxy for a URL, without its password. What is on this machine is never asked through one: credentials for it
    /// would leave the machine, in the clear.
    pub(crate) fn of(&self, url: &Url) -> Option<String> {
        if is_this_machine(url) {
            return None;
        }
        Some(self.0.intercept(&url.as_str().parse().ok()?)?.uri().to_string())
    }
}
