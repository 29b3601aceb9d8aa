//! TODO-DOC (STIX 2.1, section 6.12.4).

use crate::data_type::Dictionary;
use crate::vocab::{NetworkSocketAddressFamily, NetworkSocketType};

stix_type! {
    /// TODO-DOC socket-ext
    part SocketExt "socket-ext" "6.12.4"
    required {
        /// TODO-DOC enum
        address_family: NetworkSocketAddressFamily;
    }
    optional {
        /// TODO-DOC boolean
        is_blocking: bool;
        /// TODO-DOC boolean
        is_listening: bool;
        /// TODO-DOC dictionary
        options: Dictionary<'a, i64>;
        /// TODO-DOC enum
        socket_type: NetworkSocketType;
        /// TODO-DOC integer
        socket_descriptor: i64 = 0..=9_007_199_254_740_991;
        /// TODO-DOC integer
        socket_handle: i64;
    }
    lists {}
}
