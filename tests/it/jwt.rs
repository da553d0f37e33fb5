//! JSON Web Tokens: which are believed, and the known attacks. Tokens are put together and signed by hand, so that they can
//! be as wrong as an attacker's.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::get_current_timestamp;
use onhook::api::auth::jwt::{Algorithm, Key, KeyError, Refusal, Verifier};
use serde_json::{Value, json};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "onhook";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Somebody who signs.
enum Signer {
    Hmac(Vec<u8>),
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(rsa::KeySize::Rsa2048).unwrap())
    }

    fn ec(algorithm: &'static signature::EcdsaSigningAlgorithm) -> Self {
        Self::Ec(EcdsaKeyPair::generate(algorithm).unwrap())
    }

    fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Hmac(_) => unreachable!("a shared secret has no public part"),
            Self::Rsa(pair) => pair.public_key().as_der().unwrap(),
            Self::Ec(pair) => pair.public_key().as_der().unwrap(),
            Self::Ed(pair) => pair.public_key().as_der().unwrap(),
        };
        pem("PUBLIC KEY", der.as_ref())
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &random,
                    message,
                    &mut signature,
                )
                .unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn verifier(algorithm: Algorithm, key: &str) -> Verifier {
    Verifier::new(Key::parse(algorithm, key).unwrap(), ISSUER, AUDIENCE)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": get_current_timestamp() + 600,
        "account": "default", "kind": "staff", "staff_uid": "s1",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn a_token_of_each_algorithm_is_believed() {
    let ec = Signer::ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
    let (rsa, ed) = (Signer::rsa(), Signer::ed());
    let secret = std::str::from_utf8(SECRET).unwrap();
    for (name, signer, key) in [
        ("HS256", Signer::Hmac(SECRET.to_vec()), secret.to_owned()),
        ("RS256", rsa, String::new()),
        ("ES256", ec, String::new()),
        ("EdDSA", ed, String::new()),
    ] {
        let key = if key.is_empty() {
            signer.public_pem()
        } else {
            key
        };
        let verifier = verifier(Algorithm::parse(name).unwrap(), &key);
        // What a token says about its key is ignored.
        let header = json!({"alg": name, "typ": "JWT", "kid": "../../dev/null", "jku": "http://169.254.169.254/"});
        let found = verifier.verify(&signer.token(&header, &claims())).unwrap();
        assert_eq!(found.account.as_str(), "default", "{name}");
        assert_eq!(found.staff_uid.unwrap().as_str(), "s1", "{name}");
    }
}

#[test]
fn a_token_with_claims_out_of_order_is_refused() {
    let signer = Signer::Hmac(SECRET.to_vec());
    let verifier = verifier(Algorithm::Hs256, std::str::from_utf8(SECRET).unwrap());
    let header = json!({"alg": "HS256"});
    let now = get_current_timestamp();
    for (claims, expected) in [
        (without("exp"), Some(Refusal::Claims)),
        (without("iss"), Some(Refusal::Claims)),
        (without("aud"), Some(Refusal::Claims)),
        (without("account"), Some(Refusal::Claims)),
        (without("kind"), Some(Refusal::Claims)),
        (without("staff_uid"), None),
        (with("exp", json!(now - 61)), Some(Refusal::OutOfTime)),
        (with("exp", json!(now - 30)), None),
        (with("exp", json!(0)), Some(Refusal::OutOfTime)),
        (with("exp", json!(-1)), Some(Refusal::Claims)),
        (with("exp", json!("9999999999")), Some(Refusal::Claims)),
        (with("exp", json!(1e30)), Some(Refusal::Claims)),
        (with("exp", json!(null)), Some(Refusal::Claims)),
        (with("nbf", json!(now + 300)), Some(Refusal::OutOfTime)),
        (with("nbf", json!("soon")), Some(Refusal::Claims)),
        (with("nbf", json!(now)), None),
        (
            with("iss", json!("https://evil.example")),
            Some(Refusal::Claims),
        ),
        (
            with("iss", json!([ISSUER, "https://evil.example"])),
            Some(Refusal::Claims),
        ),
        (with("aud", json!("another")), Some(Refusal::Claims)),
        (with("aud", json!(["another", AUDIENCE])), None),
        (with("aud", json!([])), Some(Refusal::Claims)),
        (with("kind", json!("root")), Some(Refusal::Claims)),
        (with("kind", json!(["operator"])), Some(Refusal::Claims)),
        (with("account", json!("a\0b")), Some(Refusal::Claims)),
        (
            with("account", json!("a".repeat(64))),
            Some(Refusal::Claims),
        ),
    ] {
        let found = verifier.verify(&signer.token(&header, &claims));
        assert_eq!(found.err(), expected, "{claims}");
    }
}

#[test]
fn a_token_that_its_issuer_did_not_sign_is_refused() {
    let rsa = Signer::rsa();
    let public = rsa.public_pem();
    let rs256 = verifier(Algorithm::Rs256, &public);
    let rs = json!({"alg": "RS256"});
    let good = rsa.token(&rs, &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let payload = part(&with("kind", json!("operator")));
    let none = |alg: &str| format!("{}.{}.", part(&json!({"alg": alg})), part(&claims()));
    let ec = Signer::ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    // The famous one: the public key, which everybody has, as the secret.
    let confused =
        Signer::Hmac(public.clone().into_bytes()).token(&json!({"alg": "HS256"}), &claims());
    let forged = [
        none("none"),
        none("None"),
        none("RS256"),
        format!("{message}."),
        message.to_owned(),
        confused,
        Signer::Hmac(public.into_bytes()).token(&rs, &claims()),
        Signer::rsa().token(&rs, &claims()),
        ec.token(&json!({"alg": "ES256"}), &claims()),
        ec.token(&rs, &claims()),
        rsa.token(&json!({"alg": "PS256"}), &claims()),
        rsa.token(&json!({"alg": "RS512"}), &claims()),
        rsa.token(&json!({"typ": "JWT"}), &claims()),
        rsa.token(&json!({"alg": ["RS256"]}), &claims()),
        rsa.token(
            &json!({"alg": "RS256", "crit": ["exp"], "exp": 1}),
            &claims(),
        ),
        rsa.token(&json!({"alg": "RS256", "zip": "DEF"}), &claims()),
        rsa.token(
            &json!({"alg": "RS256", "b64": false, "crit": ["b64"]}),
            &claims(),
        ),
        format!("{}.{payload}.{signature}", part(&rs)),
        format!("{}.{payload}.{zeros}", part(&json!({"alg": "ES256"}))),
        format!("{good}="),
        format!("{good}.{signature}"),
        format!("{good}\n"),
        good.replace('.', ".."),
        good.chars().rev().collect(),
        json!({"payload": payload, "signatures": [{"signature": signature}]}).to_string(),
        rsa.token(&rs, &with("padding", json!("x".repeat(8192)))),
        "..".to_owned(),
        String::new(),
    ];
    rs256.verify(&good).unwrap();
    for token in forged {
        rs256.verify(&token).expect_err(&token);
    }
    for at in 0..good.len() {
        let mut bent = good.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        // The last character carries bits that are not part of the signature: such a spelling is refused too.
        assert!(rs256.verify(&bent).is_err(), "changed at {at}");
    }
}

#[test]
fn an_elliptic_signature_of_zeros_is_refused() {
    let ec = Signer::ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING);
    let es256 = verifier(Algorithm::Es256, &ec.public_pem());
    let message = format!("{}.{}", part(&json!({"alg": "ES256"})), part(&claims()));
    let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
    es256.verify(&format!("{message}.{zeros}")).unwrap_err();
}

#[test]
fn a_key_that_does_not_fit_its_algorithm_stops_the_start() {
    let (rsa, ed) = (Signer::rsa().public_pem(), Signer::ed().public_pem());
    let p256 = Signer::ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).public_pem();
    let p384 = Signer::ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).public_pem();
    let private = pem("PRIVATE KEY", b"whatever");
    for (algorithm, key, expected) in [
        (Algorithm::Hs256, rsa.as_str(), KeyError::PemAsSecret),
        (Algorithm::Hs256, "too short", KeyError::Short),
        (Algorithm::Rs256, &p256, KeyError::Unfit),
        (Algorithm::Rs256, &private, KeyError::Private),
        (Algorithm::Es256, &rsa, KeyError::Unfit),
        (Algorithm::Es256, &p384, KeyError::Unfit),
        (Algorithm::EdDsa, &p256, KeyError::Unfit),
        (
            Algorithm::EdDsa,
            "0123456789abcdef0123456789abcdef",
            KeyError::Unfit,
        ),
    ] {
        assert_eq!(Key::parse(algorithm, key).unwrap_err(), expected);
    }
    Key::parse(Algorithm::EdDsa, &ed).unwrap();
}
