//! Harness of the tests: real servers, and the one stand-in, GitHub.

pub mod browser;
pub mod chaos;
pub mod client;
pub mod exposition;
pub mod github;
pub mod link;
pub mod openid;
pub mod pkce;
pub mod port;
pub mod proxy;
pub mod redis;
pub mod sdk;
pub mod sentinel;
pub mod stack;
pub mod suite;
pub mod wait;
