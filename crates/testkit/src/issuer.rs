//! An OpenID provider that signs what a test wants: right tokens, and forged ones.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The client that is registered at the provider.
pub const CLIENT_ID: &str = "venna";
/// Its secret.
pub const CLIENT_SECRET: &str = "s3cret+of the client";

/// The way in which the next ID token is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forgery {
    /// As it should be.
    #[default]
    None,
    /// Without a signature, and with the algorithm `none`.
    AlgorithmNone,
    /// With the public key as the secret of HS256.
    PublicKeyAsSecret,
    /// By a key that the provider does not have, under the id of one that it has.
    OtherKey,
    /// By the right key, with a byte changed behind its back.
    Changed,
}

/// The fault of the next answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// None.
    #[default]
    None,
    /// Connections end without an answer.
    Down,
    /// Answers are longer than any client needs.
    Long,
    /// Answers redirect to another path of the provider, which has the right answer.
    Redirects,
}

/// The state of a provider, which a test may read and change.
pub struct State {
    /// The ID token's claims by code; `iss`, `aud`, `exp`, `iat` and `nonce` are those of the claims.
    pub codes: BTreeMap<String, Value>,
    /// The claims of the userinfo endpoint; none if there is no such endpoint.
    pub userinfo: Option<Value>,
    /// The way in which ID tokens are made.
    pub forgery: Forgery,
    /// The fault of answers.
    pub fault: Fault,
    /// The requests, by path.
    pub requests: Vec<String>,
    /// The forms that the token endpoint got.
    pub exchanges: Vec<BTreeMap<String, String>>,
    key: SigningKey,
    base: String,
}

struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
}

/// A running provider. Its threads end with it.
pub struct Issuer {
    /// Its address.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    closed: Arc<AtomicBool>,
}

impl SigningKey {
    fn new(id: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { id: id.to_owned(), pair }
    }

    fn public(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let encoded = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": encoded(x), "y": encoded(y)})
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
    }
}

impl Issuer {
    /// Starts a provider.
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            codes: BTreeMap::new(),
            userinfo: None,
            forgery: Forgery::None,
            fault: Fault::None,
            requests: Vec::new(),
            exchanges: Vec::new(),
            key: SigningKey::new("one"),
            base: format!("http://{address}"),
        };
        let (state, closed) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let issuer = Self { address, state, closed };
        let (state, closed) = (Arc::clone(&issuer.state), Arc::clone(&issuer.closed));
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                drop(serve(socket, &state));
            }
        });
        issuer
    }

    /// Returns the issuer, as tokens name it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Locks the state.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Replaces the signing key by another one.
    pub fn rotate_key(&self, id: &str) {
        self.state().key = SigningKey::new(id);
    }

    /// Returns the claims of an ID token for a nonce, as they should be.
    pub fn claims(&self, subject: &str, nonce: &str, now_seconds: u64, more: &Value) -> Value {
        let mut claims = json!({
            "iss": self.url(), "aud": CLIENT_ID, "sub": subject, "nonce": nonce, "iat": now_seconds, "exp": now_seconds + 300,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    /// Signs claims as a token of the provider.
    pub fn sign(&self, claims: &Value) -> String {
        self.state().token(claims)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
    }
}

impl State {
    fn token(&self, claims: &Value) -> String {
        let algorithm = match self.forgery {
            Forgery::AlgorithmNone => "none",
            Forgery::PublicKeyAsSecret => "HS256",
            Forgery::None | Forgery::OtherKey | Forgery::Changed => "ES256",
        };
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": self.key.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = match self.forgery {
            Forgery::AlgorithmNone => Vec::new(),
            Forgery::PublicKeyAsSecret => {
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.key.pair.public_key().as_ref());
                ring::hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Forgery::OtherKey => SigningKey::new("other").sign(&message),
            Forgery::None => self.key.sign(&message),
            Forgery::Changed => {
                let mut signature = self.key.sign(&message);
                signature[7] ^= 1;
                signature
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Returns the status and the body of an answer.
    fn answer(&mut self, path: &str, body: &str) -> (u16, Value) {
        let base = &self.base;
        match path {
            "/.well-known/openid-configuration" => {
                let mut metadata = json!({
                    "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                    "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/jwks"),
                    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                });
                if self.userinfo.is_some() {
                    metadata["userinfo_endpoint"] = format!("{base}/userinfo").into();
                }
                (200, metadata)
            }
            "/jwks" => (200, json!({"keys": [{"kty": "oct", "kid": "one", "k": "AAAA"}, self.key.public()]})),
            "/userinfo" => (200, self.userinfo.clone().unwrap_or_default()),
            "/token" => {
                let form: BTreeMap<String, String> = form(body);
                let code = form.get("code").cloned().unwrap_or_default();
                self.exchanges.push(form);
                match self.codes.remove(&code) {
                    Some(claims) => {
                        let id_token = self.token(&claims);
                        (200, json!({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}))
                    }
                    None => (400, json!({"error": "invalid_grant"})),
                }
            }
            _ => (404, json!({})),
        }
    }
}

fn form(body: &str) -> BTreeMap<String, String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%2F", "/").replace("%3A", ":"))).collect()
}

fn serve(socket: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let (mut line, mut length, mut authorization) = (String::new(), 0, String::new());
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let (name, value) = header.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => value.trim().clone_into(&mut authorization),
            "" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut state = state.lock().unwrap();
    state.requests.push(path.clone());
    let (mut status, mut text, mut more) = (200, String::new(), String::new());
    match state.fault {
        Fault::Down => return Ok(()),
        Fault::Long => text = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20)),
        Fault::Redirects if !path.ends_with("/right") => {
            (status, more) = (302, format!("location: {path}/right\r\n"));
        }
        Fault::Redirects | Fault::None => {
            let path = path.trim_end_matches("/right");
            let is_client = path != "/token" || authorization == format!("Basic {}", basic());
            let (code, answer) = if is_client {
                state.answer(path, &String::from_utf8_lossy(&body))
            } else {
                (401, json!({"error": "invalid_client"}))
            };
            (status, text) = (code, answer.to_string());
        }
    }
    drop(state);
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n", text.len());
    let mut writer = socket;
    writer.write_all(head.as_bytes())?;
    writer.write_all(text.as_bytes())
}

/// Returns the credentials of the client, as RFC 6749, section 2.3.1 encodes them.
fn basic() -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT_ID}:s3cret%2Bof+the+client"))
}
