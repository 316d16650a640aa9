//! The words that announce secrets near them.

/// What such a word announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Password,
    /// What chance made.
    Key,
}

/// Words that announce a password, and how calls begin that are given one.
const PASSWORDS: [&str; 63] = [
    "Kennwort",
    "kennwort",
    "contraseña",
    "Contraseña",
    "mot de passe",
    "Mot de passe",
    "senha",
    "Senha",
    "wachtwoord",
    "hasło",
    "passphrase",
    "Passphrase",
    "PASSPHRASE",
    "Pass phrase",
    "pass phrase",
    "credential",
    "Credential",
    "creds",
    "Creds",
    "Zugangsdaten",
    "authtok",
    "psk",
    "PSK",
    "HTTPBasicAuth(",
    "BasicAuth(",
    "basic_auth(",
    "basicAuth(",
    "auth=(",
    ".login(",
    ".connect(",
    "NetworkCredential(",
    "mysqli_connect(",
    "new PDO(",
    "getConnection(",
    "SecretStr(",
    "SetBasicAuth(",
    "setBasicAuth(",
    "unsafePlainText(",
    "unsafe_plain_text(",
    "SecureString",
    "PSCredential",
    "/pass:",
    "> AUTH ",
    "redis-cli\"",
    "smbclient ",
    "lftp ",
    "net user ",
    "htpasswd ",
    "UsernamePasswordCredentials(",
    "login: ",
    "Login: ",
    "login is ",
    "pwd for ",
    "temp pass",
    "temp pw",
    "Pass is ",
    "pass is ",
    "pw is ",
    "shared secret",
    "signWith(",
    "with pass ",
    "admin / ",
    "root / ",
];
/// Words that announce what chance made, also as heads of columns.
pub(in crate::detect) const NAMES: [&str; 15] = [
    "api_key", "apikey", "apiKey", "ApiKey", "APIKEY", "API Key", "API key", "API-Key", "API_KEY",
    "token", "Token", "TOKEN", "secret", "Secret", "SECRET",
];
/// Others.
const KEYS: [&str; 29] = [
    "External ID",
    "External Id",
    "external id",
    "api key",
    "Api-Key",
    "api-key",
    "ExternalId",
    "external_id",
    "external-id",
    "Authorization",
    "authorization",
    "\"jwt\"",
    "\"refresh\"",
    "sessionId",
    "session_id",
    "?code=",
    "&code=",
    "?key=",
    "&key=",
    "?sig=",
    "&sig=",
    "CONCEALED",
    "authKey",
    "signing key",
    "routing key",
    "Routing key",
    "integration key",
    "Integration key",
    "app key",
];

/// All of them.
pub(in crate::detect) fn words() -> impl Iterator<Item = (&'static str, Word)> {
    let all = |words: &'static [&'static str], word| words.iter().map(move |text| (*text, word));
    all(&PASSWORDS, Word::Password).chain(all(&NAMES, Word::Key)).chain(all(&KEYS, Word::Key))
}
