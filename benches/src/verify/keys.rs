//! The one signing key of a run (RFC 7518 §3.4), as `auth-service key generate` writes it.

use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;

/// The private key of the file, in PKCS #8.
fn private_key(file: &Path) -> anyhow::Result<Vec<u8>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().skip_while(|line| !line.starts_with("-----BEGIN")).skip(1);
    let body: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
    Ok(STANDARD.decode(body)?)
}

/// The public key of the file.
pub fn public_key(file: &Path) -> anyhow::Result<DecodingKey> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private_key(file)?)?;
    Ok(DecodingKey::from_ec_der(pair.public_key().as_ref()))
}
