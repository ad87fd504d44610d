//! The form of a connection to one node of Redis, whichever its address is.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisResult,
    TlsCertificates, io::tcp::TcpSettings,
};

use super::OPERATION_TIMEOUT;

/// A host name or an address, and a port.
pub(super) type Address = (String, u16);

/// The settings that all connections to nodes share.
pub(super) struct Node {
    info: ConnectionInfo,
    tls: Option<TlsCertificates>,
}

impl Node {
    /// Parses `url`. `authority` replaces the certificate authorities of the system.
    pub(super) fn parse(url: &str, authority: Option<&[u8]>) -> RedisResult<Self> {
        // Without `TCP_NODELAY`, the handshake of each connection waits 40 ms for a delayed ACK.
        // Without `TCP_USER_TIMEOUT`, a connection that a firewall dropped silently stays in use
        // for a quarter of an hour.
        let tcp = TcpSettings::default().set_nodelay(true).set_user_timeout(OPERATION_TIMEOUT);
        let info = url.into_connection_info()?.set_tcp_settings(tcp);
        let authority = authority.filter(|_| matches!(info.addr(), ConnectionAddr::TcpTls { .. }));
        let tls = authority
            .map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem.to_vec()) });
        let node = Self { info, tls };
        // An invalid certificate authority must stop the start, not each connection.
        node.client(None, ProtocolVersion::RESP2)?;
        Ok(node)
    }

    /// Returns a client for the node at `address`, or at the address of the URL.
    pub(super) fn client(
        &self,
        address: Option<&Address>,
        protocol: ProtocolVersion,
    ) -> RedisResult<Client> {
        let settings = self.info.redis_settings().clone().set_protocol(protocol);
        let mut info = self.info.clone().set_redis_settings(settings);
        if let Some((host, port)) = address {
            let (host, port) = (host.clone(), *port);
            info = info.set_addr(match self.info.addr() {
                ConnectionAddr::TcpTls { .. } => {
                    ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
                }
                _ => ConnectionAddr::Tcp(host, port),
            });
        }
        match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.clone()),
            None => Client::open(info),
        }
    }
}
