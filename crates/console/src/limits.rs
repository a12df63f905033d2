//! Rate limits: per session, or per address without one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;

use governor::clock::DefaultClock;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::asked::Asked;

type Keyed = RateLimiter<String, HashMapStateStore<String>, DefaultClock>;

/// An agent working fast requests one page per second; a page that refreshes itself, one in two seconds.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Sign-in attempts per address: many agents of an office may share one.
const SIGN_INS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Number of keys above which idle ones are dropped.
const KEYS_MAX: usize = 10_000;

/// The limits of a server.
pub(super) struct Limits {
    asking: Keyed,
    signing_in: Keyed,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            asking: RateLimiter::hashmap(Quota::per_second(PER_SECOND).allow_burst(BURST)),
            signing_in: RateLimiter::hashmap(Quota::per_minute(SIGN_INS_PER_MINUTE)),
        }
    }
}

impl Limits {
    /// Whether this client may make a request now.
    pub(super) fn may_ask(&self, who: &str) -> bool {
        let found = self.asking.check_key(&who.to_owned()).is_ok();
        tidy(&self.asking);
        found
    }

    /// Whether a sign-in attempt from this address is checked.
    pub(super) fn may_sign_in(&self, client: IpAddr) -> bool {
        let found = self.signing_in.check_key(&network(client)).is_ok();
        tidy(&self.signing_in);
        found
    }
}

/// The network of one subscriber: an address, or in IPv6 its first 56 bits, which a subscriber gets to use as they like
/// (RFC 6177).
pub(super) fn network(client: IpAddr) -> String {
    match client {
        IpAddr::V4(_) => client.to_string(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => Ipv6Addr::from_bits(v6.to_bits() >> 72 << 72).to_string(),
        },
    }
}

fn tidy(limiter: &Keyed) {
    if limiter.len() > KEYS_MAX {
        limiter.retain_recent();
    }
}

/// The client's address: what a proxy reports counts only if the proxy is trusted.
pub(super) fn client(peer: SocketAddr, asked: &Asked, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer.ip()) {
        return peer.ip();
    }
    let forwarded = asked.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> =
        forwarded.flat_map(|line| line.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    // The last hop that is not a trusted proxy: the client could have forged those before it.
    hops.into_iter().rev().find(|hop| !trusted.contains(hop)).unwrap_or(peer.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_many_addresses_is_still_one() {
        let network = |address: &str| network(address.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:3::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:102::9"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
