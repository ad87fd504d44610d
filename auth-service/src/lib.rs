//! OAuth 2.1 authorization server and `ForwardAuth` backend for MCP servers.
//!
//! Layers, top to bottom. Each may use the layers below it and none above it; `tests/layers.rs`
//! enforces this:
//! `cli → app, docker_proxy → http → oauth → store, servers, keys, upstream → metrics → config → access → model`.
//!
//! | topic | protocol | endpoint | test |
//! |---|---|---|---|
//! | [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749) authorization | `oauth/authorize/request.rs` | `http/authorize.rs` | `tests/rfc/rfc6749_authorize.rs` |
//! | RFC 6749 tokens | `oauth/token/authorization_code.rs`, `oauth/token/refresh_token.rs` | `http/token.rs` | `tests/rfc/rfc6749_token.rs` |
//! | RFC 6749 client credentials | `oauth/token/client_credentials.rs` | `http/token.rs` | `tests/rfc/rfc6749_client_credentials.rs` |
//! | client ID metadata documents | `oauth/client/id_document.rs` | | `tests/rfc/client_document.rs` |
//! | pending authorizations | `oauth/authorize/pending.rs`, `oauth/authorize/flow_state.rs`, `oauth/authorize/consent.rs` | `http/authorize.rs` | `tests/rfc/s1_storage.rs` |
//! | rate limits | `oauth/rate_limits.rs` | `http/limits.rs` | `tests/rfc/limits.rs` |
//! | RFC 6750 bearer tokens | `oauth/verify/decision.rs` | `http/verify.rs` | `tests/rfc/rfc6750.rs` |
//! | RFC 7009 revocation | `oauth/token/revocation.rs` | `http/revoke.rs` | `tests/rfc/rfc7009.rs` |
//! | RFC 7515, 7517, 7519 signatures, keys, claims | `oauth/token/access_token.rs` | `http/jwks.rs` | `tests/rfc/rfc7519.rs` |
//! | RFC 7523 client assertions | `oauth/client/private_key_jwt.rs` | `http/client_form.rs` | `tests/rfc/rfc7523.rs` |
//! | RFC 7591 registration | `oauth/client/registration.rs` | `http/register.rs` | `tests/rfc/rfc7591.rs` |
//! | RFC 7592 management | `oauth/client/management.rs` | `http/manage.rs` | `tests/rfc/rfc7592.rs` |
//! | RFC 7636 PKCE | `oauth/authorize/pkce.rs` | | `tests/rfc/rfc7636.rs` |
//! | RFC 7662 introspection | `oauth/token/introspection.rs` | `http/introspect.rs` | `tests/rfc/rfc7662.rs` |
//! | RFC 8252 native apps | `oauth/client/redirect_uri.rs` | | `tests/rfc/rfc8252.rs` |
//! | RFC 8414 metadata | `oauth/discovery/server_metadata.rs` | `http/discovery.rs` | `tests/rfc/rfc8414.rs` |
//! | RFC 8628 device authorization | `oauth/authorize/device.rs` | `http/device.rs` | `tests/rfc/rfc8628.rs` |
//! | RFC 8707 resources | `oauth/resource.rs` | | `tests/rfc/rfc8707.rs` |
//! | RFC 7519 identity tokens for servers | `oauth/verify/identity.rs` | `http/verify.rs` | `tests/rfc/identity.rs` |
//! | feed of ended grants for proxies | `store/ended_grants.rs` | `http/ended_grants.rs` | `tests/rfc/s6_ended_grants.rs` |
//! | RFC 9068 access tokens | `oauth/token/access_token.rs` | `http/jwks.rs` | `tests/rfc/rfc9068.rs` |
//! | RFC 9207 `iss` | `oauth/authorize/request.rs` | | `tests/rfc/rfc9207.rs` |
//! | RFC 9700 security | all files | | `tests/rfc/rfc9700.rs`, `tests/rfc/advisories.rs` |
//! | RFC 9728 protected resources | `oauth/discovery/protected_resource.rs` | `http/discovery.rs` | `tests/rfc/rfc9728.rs` |
//!
//! `docs/RFC.md` lists each rule with its file and its tests.

pub mod access;
pub mod admission;
pub mod app;
pub mod cli;
pub mod config;
pub mod docker_proxy;
pub mod http;
pub mod keys;
pub mod metrics;
pub mod model;
pub mod oauth;
pub mod servers;
pub mod store;
pub mod upstream;
