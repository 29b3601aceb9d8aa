//! Socket: the end of a connection on a system (STIX 2.1, section 6.12.4).

use crate::model::data_type::Dictionary;
use crate::model::vocab::{NetworkSocketAddressFamily, NetworkSocketType};

stix_type! {
    /// The socket behind a connection; stands on [`NetworkTraffic`](crate::sco::NetworkTraffic).
    part SocketExt "socket-ext" "6.12.4" "_8jamupj9ubdv"
    required {
        /// What kind of addresses it uses; one of the listed words.
        address_family: NetworkSocketAddressFamily;
    }
    optional {
        /// Whether calls wait until they are done.
        is_blocking: bool;
        /// Whether it waits for connections from others.
        is_listening: bool;
        /// Options that are set, such as `SO_KEEPALIVE`, with their numbers.
        options: Dictionary<'a, i64>;
        /// What kind of socket it is; one of the listed words.
        socket_type: NetworkSocketType;
        /// The file descriptor, 0 or more.
        socket_descriptor: i64 = 0..=9_007_199_254_740_991;
        /// The handle on Windows, or the inode.
        socket_handle: i64;
    }
    lists {}
}
