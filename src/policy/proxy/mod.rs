//! Proxies and gateways whose rule is written in their source or their documents.

pub mod agentgateway;
pub mod envoy;
pub mod haproxy;
pub mod helicone;
pub mod linkerd;
