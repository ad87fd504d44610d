//! Detection of weak and malformed public keys, of clients and of login providers.
//!
//! Anybody can forge a signature for some public keys, such as small-order points and RSA keys with
//! exponent 1.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

/// The range of the RSA modulus in bits. RFC 7518 §3.3 requires 2048; aws-lc supports up to 8192.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The maximum size of the RSA exponent in bytes. All common exponents have at most three bytes.
const RSA_EXPONENT: usize = 4;

/// The canonical y coordinates of the eight Ed25519 points whose order divides 8.
///
/// They are little-endian, without the sign bit of x: 0, 1, p - 1, and two of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    little_endian(1),
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Returns the reason to reject the JWK `key`, or `None` if the key is sound.
///
/// Ignores keys of types that never verify a signature here.
#[must_use]
pub fn weakness(key: &Value) -> Option<&'static str> {
    let is = |member: &str, value: &str| key.get(member).is_some_and(|given| given == value);
    let number = |member: &str| {
        let text = key.get(member).and_then(Value::as_str)?;
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()
    };
    if is("kty", "RSA") {
        number("n")
            .zip(number("e"))
            .map_or(Some("an RSA key requires n and e"), |(n, e)| rsa(&n, &e))
    } else if is("kty", "EC") && (is("crv", "P-256") || is("crv", "P-384")) {
        let curve = if is("crv", "P-256") { &P256 } else { &P384 };
        number("x")
            .zip(number("y"))
            .map_or(Some("an EC key requires x and y"), |(x, y)| curve.weakness(&x, &y))
    } else if is("kty", "OKP") && is("crv", "Ed25519") {
        number("x").map_or(Some("an Ed25519 key requires x"), |x| ed25519(&x))
    } else {
        None
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<&'static str> {
    let (modulus, exponent) = (significant(modulus), significant(exponent));
    let bits = modulus.first().map_or(0, |first| {
        modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize)
    });
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !RSA_BITS.contains(&bits) || !odd(modulus) {
        return Some("an RSA key must have a valid modulus of 2048 to 8192 bits");
    }
    if exponent == [1] || exponent.len() > RSA_EXPONENT || !odd(exponent) {
        return Some("the exponent of an RSA key must be odd, at least 3 and below 2^32");
    }
    None
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or(&[])
}

/// A curve of NIST, with the length of its coordinates.
struct Curve {
    coordinate: usize,
    algorithm: &'static EcdsaVerificationAlgorithm,
    fault: &'static str,
}

const P256: Curve = Curve {
    coordinate: 32,
    algorithm: &ECDSA_P256_SHA256_FIXED,
    fault: "an EC key must be a point on P-256",
};
const P384: Curve = Curve {
    coordinate: 48,
    algorithm: &ECDSA_P384_SHA384_FIXED,
    fault: "an EC key must be a point on P-384",
};

impl Curve {
    /// Returns the reason to reject the point, or `None`.
    ///
    /// RFC 7518 §6.2.1.2: each coordinate has the full length. The point at infinity cannot be
    /// encoded in this form.
    fn weakness(&self, x: &[u8], y: &[u8]) -> Option<&'static str> {
        let point = [&[4_u8], x, y].concat();
        let on_curve = x.len() == self.coordinate
            && y.len() == self.coordinate
            && ParsedPublicKey::new(self.algorithm, point).is_ok();
        (!on_curve).then_some(self.fault)
    }
}

/// Returns the reason to reject an Ed25519 key, or `None`.
///
/// Anybody can forge signatures for a public key of small order. RFC 8032 leaves this check to the
/// caller, and aws-lc does not perform it.
fn ed25519(x: &[u8]) -> Option<&'static str> {
    let Ok(mut y) = <[u8; 32]>::try_from(x) else {
        return Some("an Ed25519 key must have 32 bytes");
    };
    let [first, middle @ .., last] = &mut y;
    *last &= 0x7f;
    let canonical = *first < 0xed || *last != 0x7f || middle.iter().any(|byte| *byte != 0xff);
    let sound = canonical && !SMALL_ORDER.contains(&y);
    (!sound).then_some("an Ed25519 key must be canonical and not of small order")
}

const fn little_endian(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn okp(bytes: &[u8]) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64_URL_SAFE_NO_PAD.encode(bytes) })
    }

    /// Returns all encodings of the eight points: with either sign, and with y + p if that fits 255 bits.
    fn small_order() -> Vec<[u8; 32]> {
        let mut plus_p = [[0xff; 32]; 2];
        for (bytes, first) in plus_p.iter_mut().zip([0xed, 0xee]) {
            bytes[0] = first;
            bytes[31] = 0x7f;
        }
        let both_signs = |y: [u8; 32]| {
            let mut negative = y;
            negative[31] |= 0x80;
            [y, negative]
        };
        SMALL_ORDER.into_iter().chain(plus_p).flat_map(both_signs).collect()
    }

    #[test]
    fn s11_points_of_small_order_are_weak_however_they_are_written() {
        assert_eq!(small_order().len(), 14);
        for point in small_order() {
            assert!(weakness(&okp(&point)).is_some(), "{point:02x?}");
        }
    }

    /// Proves that the list is needed: aws-lc accepts forged signatures for such keys.
    ///
    /// For A of small order, R = [S]B + [k]A' has a solution with S = 0 for every message. R is then A
    /// or the identity.
    #[test]
    fn s11_small_order_keys_verify_forged_signatures() {
        let mut forged = 0;
        for point in small_order() {
            for r in small_order() {
                let signature = [r, [0; 32]].concat();
                let key = aws_lc_rs::signature::UnparsedPublicKey::new(
                    &aws_lc_rs::signature::ED25519,
                    point,
                );
                forged += (0..16_u8).filter(|n| key.verify(&[*n], &signature).is_ok()).count();
            }
        }
        assert!(forged > 0, "aws-lc refuses these keys itself; then this file may go");
    }

    #[test]
    fn s11_a_sound_key_of_each_kind_passes() {
        // RFC 8037 appendix A.2; RFC 7517 appendix A.1.
        let ed = json!({ "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let ec = json!({ "kty": "EC", "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM" });
        assert_eq!((weakness(&ed), weakness(&ec)), (None, None));
        for length in [0, 31, 33] {
            assert!(weakness(&okp(&vec![9; length])).is_some(), "{length}");
        }
        let mut almost = [0xff; 32];
        (almost[0], almost[31]) = (0xf0, 0x7f);
        assert!(weakness(&okp(&almost)).is_some(), "y = 3 in a form that is not canonical");
        assert_eq!(weakness(&json!({ "kty": "EC", "crv": "P-521", "x": "AA" })), None);
    }

    #[test]
    fn s11_points_beside_the_curve_are_weak() {
        let ec = |crv: &str, x: &[u8], y: &[u8]| {
            let [x, y] = [x, y].map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
            weakness(&json!({ "kty": "EC", "crv": crv, "x": x, "y": y }))
        };
        for (crv, bytes) in [("P-256", 32), ("P-384", 48)] {
            for (x, y) in [
                (&vec![0; bytes][..], &vec![0; bytes][..]),
                (&vec![1; bytes], &vec![1; bytes]),
                (&[], &[]),
                (&[0], &[0]),
            ] {
                assert!(ec(crv, x, y).is_some(), "{crv}");
            }
        }
    }

    #[test]
    fn s11_short_moduli_and_bad_exponents_are_weak() {
        let rsa = |modulus: &[u8], exponent: &[u8]| {
            let [n, e] = [modulus, exponent].map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes));
            weakness(&json!({ "kty": "RSA", "n": n, "e": e }))
        };
        let modulus = [0xc3; 256];
        for good in [&[3][..], &[1, 0, 1], &[0, 1, 0, 1]] {
            assert_eq!(rsa(&modulus, good), None, "{good:?}");
        }
        for bad in [&[][..], &[0], &[1], &[0, 1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            assert!(rsa(&modulus, bad).is_some(), "{bad:?}");
        }
        let padded = [&[0; 128][..], &[0xc3; 128]].concat();
        let even = [&[0xc3; 255][..], &[2]].concat();
        let just_short = [&[0x7f][..], &[0xc3; 255]].concat();
        for bad in [&[0xc3; 128][..], &padded, &even, &just_short, &[0xc3; 1025], &[]] {
            assert!(rsa(bad, &[1, 0, 1]).is_some(), "{} bytes", bad.len());
        }
        assert!(weakness(&json!({ "kty": "RSA", "n": "AQ" })).is_some());
        assert!(weakness(&json!({ "kty": "RSA", "n": 3, "e": "AQAB" })).is_some());
    }
}
