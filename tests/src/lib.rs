//! Harness of the tests: real servers, and the one stand-in, GitHub.

pub mod browser;
pub mod canaille;
pub mod chaos;
pub mod client;
pub mod code_flow;
pub mod exposition;
pub mod github;
pub mod glewlwyd;
pub mod imports;
pub mod link;
pub mod openid;
pub mod pkce;
pub mod port;
pub mod provider;
pub mod proxy;
pub mod redis;
pub mod sdk;
pub mod sentinel;
pub mod stack;
pub mod suite;
pub mod types;
pub mod wait;
