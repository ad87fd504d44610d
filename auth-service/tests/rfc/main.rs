//! The protocol in process, over a real Redis; a module for each RFC.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test stop at the first thing that is not as it should be"
)]

mod a10_lost_answers;
mod a11_client_documents;
mod a12_ready;
mod a13_operators;
mod a14_pages;
mod a1_repeated_steps;
mod a2_hosts;
mod a3_open_pages;
mod a4_operator_faults;
mod a5_server_choice;
mod a6_accounts;
mod a7_clients;
mod advisories;
mod backup;
mod client_document;
mod clients;
mod doctor;
mod document_host;
mod forger;
mod forward_auth;
mod identity;
mod limits;
mod liveness_lookups;
mod login;
mod malformed;
mod mcp_authorization;
mod metrics;
mod operator;
mod operator_clients;
mod p11_http;
mod p12_errors;
mod p8_paths;
mod p9_pasted;
mod path_urls;
mod personal_tokens;
mod predecessor;
mod redis_down;
mod revocation;
mod revocation_races;
mod rfc6749_authorize;
mod rfc6749_client_credentials;
mod rfc6749_races;
mod rfc6749_refresh;
mod rfc6749_token;
mod rfc6750;
mod rfc7009;
mod rfc7515;
mod rfc7517;
mod rfc7519;
mod rfc7523;
mod rfc7591;
mod rfc7592;
mod rfc7636;
mod rfc7662;
mod rfc8252;
mod rfc8414;
mod rfc8628;
mod rfc8707;
mod rfc9068;
mod rfc9207;
mod rfc9700;
mod rfc9728;
mod s10_outgoing;
mod s11_bodies;
mod s11_client_assertions;
mod s12_http2;
mod s13_devices;
mod s1_full_redis;
mod s1_storage;
mod s5_registrations;
mod s6_ended_grants;
mod s6_feed;
mod s6_reader;
mod s7_unasked;
mod servers_file;
mod session;
mod step_up;
mod support;
mod tls_listener;
mod tracking;
