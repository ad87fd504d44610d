//! Harness of the tests: real servers, and the one stand-in, GitHub.

pub mod browser;
pub mod client;
pub mod exposition;
pub mod github;
pub mod link;
pub mod openid;
pub mod pkce;
pub mod proxy;
pub mod redis;
pub mod sdk;
pub mod stack;
pub mod suite;
pub mod wait;
