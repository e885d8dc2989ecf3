//! What a gateway embeds to let its nodes share what their engines learn: gossip without I/O.
//!
//! Membership and failure detection are SWIM (the crate `foca`); reports of engines ride on its messages and are
//! passed on by every node that they are new to. Time, randomness and messages are arguments and results: the
//! host owns sockets and timers.
//!
//! ```
//! use windtunnel::cluster::{Config, Gossip, Member, Scope};
//! use windtunnel::engine::{Engine, Params, Route, Span, Time};
//!
//! let now = Time::ZERO;
//! let params = Params { share_mode: 2.0, ..Params::default() };
//! let engines = [1, 2].map(|_| Engine::new(params.clone(), now).unwrap());
//! let keys: Vec<_> =
//!     engines.iter().map(|engine| engine.add(Route::new("azure", "chat", "key-1"), now)).collect();
//! // The last argument is the seed of all that a node draws: give each node another.
//! let config = Config::new(Scope::Everything, 2);
//! let mut nodes = [1, 2].map(|id| Gossip::new(config, Member::new(id, 0), 7 + u64::from(id)));
//! nodes[1].join(now, 1); // Where node 1 is reached is the host's business, as is every address.
//!
//! let mut now = now;
//! for _ in 0..100 {
//!     now += Span::from_millis(20);
//!     for at in 0..2 {
//!         nodes[at].wake(now); // whenever `next_wake` says
//!         for packet in nodes[at].outbox() {
//!             nodes[packet.to as usize - 1].receive(now, &packet.bytes);
//!         }
//!     }
//! }
//! // Once a second, and at once when a key is held:
//! nodes[0].publish(now, &engines[0].report(now));
//! for packet in nodes[0].outbox() {
//!     nodes[1].receive(now, &packet.bytes);
//! }
//! let heard = nodes[1].heard().expect("node 1's report");
//! engines[1].hear(u64::from(heard.peer), heard.sent_at, &heard.report);
//! # assert_eq!((heard.peer, heard.report.routes.len()), (1, 1));
//! # let _ = keys;
//! ```
//!
//! Clocks of the nodes must agree to well within a tick: give it UTC, and let `hear` have the same clock as
//! `tick`. A report says how long ago things were, so a clock that is off shifts what it says by as much.

mod codec;
mod gossip;
mod member;
mod shelf;
mod varint;
mod wire;

pub use gossip::{Change, Config, Gossip, Heard, Packet};
pub use member::Member;
pub use wire::Scope;
