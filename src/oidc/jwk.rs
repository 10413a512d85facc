//! The signing keys of a provider (RFC 7517), and signatures by them (RFC 7518).
//!
//! A key verifies only with algorithms of its own kind. There is no symmetric algorithm and no `none`, so no
//! token can choose one.

use super::error::TokenError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;

/// The maximum number of keys that are kept; further ones of a set are ignored.
const MAX_KEYS: usize = 64;
/// The first byte of an uncompressed point of a curve.
const UNCOMPRESSED: u8 = 4;

/// The keys of a provider.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm of the key, if it names one.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as the provider writes it; other members are ignored.
#[derive(Deserialize)]
struct Written {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set of keys. Keys of other kinds, and keys for encryption, are ignored; none if it is no set.
    pub fn parse(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<serde_json::Value>,
        }
        let set: Set = serde_json::from_slice(json).ok()?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).filter_map(Key::of);
        Some(Self(keys.take(MAX_KEYS).collect()))
    }

    /// Verifies a signature with the key that a token names, or with any key if it names none.
    ///
    /// # Errors
    /// When no key has this id, or the signature or its algorithm is not that of the key.
    pub fn verify(
        &self,
        id: Option<&str>,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenError> {
        let mut named = self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id).peekable();
        if named.peek().is_none() {
            return Err(TokenError::UnknownKey);
        }
        let verifies = named.any(|key| key.verify(algorithm, message, signature));
        if verifies { Ok(()) } else { Err(TokenError::Signature) }
    }
}

impl Key {
    fn of(written: Written) -> Option<Self> {
        if written.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let decoded = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        let (x, y) = (decoded(written.x), decoded(written.y));
        let material = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { modulus: decoded(written.n)?, exponent: decoded(written.e)? },
            ("EC", Some("P-256")) => Material::P256(point(x?, y?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(x?, y?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(x?),
            _ => return None,
        };
        Some(Self { id: written.kid, algorithm: written.alg, material })
    }

    fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let with = |by: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(by, key).verify(message, signature).is_ok()
        };
        match (&self.material, algorithm) {
            (Material::Rsa { modulus, exponent }, _) => rsa(algorithm).is_some_and(|parameters| {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature).is_ok()
            }),
            (Material::P256(point), "ES256") => with(&ECDSA_P256_SHA256_FIXED, point),
            (Material::P384(point), "ES384") => with(&ECDSA_P384_SHA384_FIXED, point),
            (Material::Ed25519(key), "EdDSA") => with(&ED25519, key),
            (Material::P256(_) | Material::P384(_) | Material::Ed25519(_), _) => false,
        }
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn point(x: Vec<u8>, y: Vec<u8>, coordinate_bytes: usize) -> Option<Vec<u8>> {
    let is_whole = x.len() == coordinate_bytes && y.len() == coordinate_bytes;
    is_whole.then(|| [vec![UNCOMPRESSED], x, y].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The modulus of a key of 2048 bits, whose exponent is 65537.
    const MODULUS: &str = "\
        sa3_t-rBp3pg7MX9Wg8dnVsMUZbgZOn6fTp87MD9aeQJuAdDNP5_FKBsSaLXWvdheTnqdrzFIf2RMEkHbkbveO3RDM_x9pym\
        aiB_MIgGNzDbHK7rn10eB5bceTS3fG6N3rTooMumdu21xvb8hwFpZ8i_USzT24u10y5ZSl0vLcKie3_5K8HV9o_sUrUCAuzx\
        LWNIe5IjSDJNek0w_ibP_cTjHvEKJjeUqt71U6OR3xZ9TRZOAiXS9y0lccuB4R2nfMpmcco-EHYNplzFDnnQsEEaGN01ylPB\
        jx8BlnFharfWffTBnsPe2ki1q0MMSnmhb3ZQvqtX_vyZkVd4M0e4wQ";
    /// Its signature of [`MESSAGE`] by RS256, made by OpenSSL.
    const RS256: &str = "\
        ph2CBivDCx5bbPb93RJtJVtBsoovhprNdZJmf1kVzYje888-RlLfJrnei_OUU7TK7ml_stqHowwJVRTQ2m6coI1-_vDuqHSL\
        QZEfpTE9saTmvm6gcBHkqMpiSH6o1jwNTLdozYBafkwnTUNDup-4DMeKfGIhxJNjGhtGEolNP77DEnC7bn1UQIZ-LwkUf0Ab\
        nDifo15q9UwRXeXjxwNBAoMOH0YzoK6jVGeBynv-AUzj3KUElnYUbegcc4601M6OnCQLVBrm2jO0ik1odBXyRD6o1e-tzb0C\
        EedOFe12T1dUdOmk-IY1K4X4dDGs-xJTSn7EZCw7NHjqYm4gkCaA7A";
    /// Its signature of [`MESSAGE`] by PS256, made by OpenSSL.
    const PS256: &str = "\
        Imw61My26NcHKHYQeaSMHwoXh92sf0DDu27tlJ7n-KmVJorOLxoiwo9MiLECUS6EbB_hA4C_Cp72R1iH-yQ5GUOdESaXjb2H\
        ztKRPBPV313jbrL8kQRIU4QR8dslcBJz5LYUXb1An23AC3ANvvk1zhtFR6T1TgRqxCLDTexgLDv_OHMPxDzGGWU62kkMWFqe\
        lsp4Su6-GrS9GGJW2acZABncC0BHthOmUFPmaOdxVmf2JKzC6Ld-nEVmAgD9d8xdjmq4aPW4iwibELZOhnNfS4VqVJ_087fh\
        kwkeT0OV11d6GPLzcveUUzYOXM3vI7byFWtiDNu-F9PftwcSeRtV0A";
    const MESSAGE: &[u8] = b"signed by RSA";

    fn keys(more: &serde_json::Value) -> KeySet {
        let mut key = json!({"kty": "RSA", "kid": "a", "n": MODULUS, "e": "AQAB"});
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        KeySet::parse(json!({"keys": [{"kty": "oct", "k": "AA", "kid": "b"}, key]}).to_string().as_bytes()).unwrap()
    }

    fn verify(keys: &KeySet, id: Option<&str>, algorithm: &str, signature: &str) -> Result<(), TokenError> {
        keys.verify(id, algorithm, MESSAGE, &URL_SAFE_NO_PAD.decode(signature).unwrap())
    }

    #[test]
    fn a_signature_is_verified_by_its_own_algorithm_and_key() {
        let any = keys(&json!({}));
        for id in [None, Some("a")] {
            assert_eq!(verify(&any, id, "RS256", RS256), Ok(()));
            assert_eq!(verify(&any, id, "PS256", PS256), Ok(()));
        }
        for (algorithm, signature) in [
            ("PS256", RS256),
            ("RS256", PS256),
            ("RS384", RS256),
            ("HS256", RS256),
            ("ES256", RS256),
            ("none", ""),
            ("", RS256),
            ("rs256", RS256),
        ] {
            assert_eq!(verify(&any, None, algorithm, signature), Err(TokenError::Signature), "{algorithm}");
        }
        assert_eq!(verify(&any, Some("b"), "HS256", RS256), Err(TokenError::UnknownKey), "no secret is a key");
        assert_eq!(verify(&any, Some("c"), "RS256", RS256), Err(TokenError::UnknownKey));
        assert_eq!(
            any.verify(None, "RS256", b"changed", &URL_SAFE_NO_PAD.decode(RS256).unwrap()),
            Err(TokenError::Signature)
        );
    }

    #[test]
    fn a_key_may_name_its_only_algorithm_and_use() {
        assert_eq!(verify(&keys(&json!({"alg": "RS256", "use": "sig"})), None, "RS256", RS256), Ok(()));
        assert_eq!(verify(&keys(&json!({"alg": "RS256"})), None, "PS256", PS256), Err(TokenError::Signature));
        assert_eq!(verify(&keys(&json!({"use": "enc"})), None, "RS256", RS256), Err(TokenError::UnknownKey));
        assert!(KeySet::parse(b"[]").is_none() && KeySet::parse(b"{\"keys\": 5}").is_none());
        let short = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]});
        assert!(KeySet::parse(short.to_string().as_bytes()).unwrap().0.is_empty());
    }
}
