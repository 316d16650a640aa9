//! A real Redis of its own for each test, on a free port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Value};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::ports::port;

/// Killed on drop, by its process.
pub(crate) struct Server {
    pub(crate) port: u16,
    args: Vec<String>,
    dir: TempDir,
    child: Child,
}

impl Server {
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::start_on(port(), args).await
    }

    pub(crate) async fn start_on(port: u16, args: &[&str]) -> Self {
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        let dir = tempfile::tempdir().unwrap();
        let child = spawn(port, &args, dir.path());
        let mut server = Self { port, args, dir, child };
        server.ready().await;
        server
    }

    /// Starts it again, empty, on the same port.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        self.child = spawn(self.port, &self.args, self.dir.path());
        self.ready().await;
    }

    /// Starts it again with more arguments, on the same port and files.
    pub(crate) async fn restart_with(&mut self, args: &[&str]) {
        self.args.extend(args.iter().map(|&arg| arg.to_owned()));
        self.restart().await;
    }

    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    async fn ready(&mut self) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        for _ in 0..500 {
            if TcpStream::connect(address).await.is_ok() {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("redis-server ended: {status}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not listen on port {}", self.port);
    }

    /// Is it there and does it accept commands?
    pub(crate) async fn try_command(&self, words: &[&str]) -> redis::RedisResult<Value> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await
    }

    /// Stops (`STOP`) or continues (`CONT`) the process.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().await.unwrap();
        assert!(status.success());
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A command over a connection of its own.
    pub(crate) async fn command(&self, words: &[&str]) -> Value {
        command(&self.url(), words).await
    }

    pub(crate) async fn text(&self, words: &[&str]) -> String {
        match self.command(words).await {
            Value::BulkString(bytes) => String::from_utf8(bytes).unwrap(),
            Value::VerbatimString { text, .. } => text,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    /// All keys of mappings, and their values.
    pub(crate) async fn content(&self) -> Vec<(String, Vec<u8>)> {
        let mut connection = connect(&self.url()).await;
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        let mut content = Vec::new();
        for key in keys.into_iter().filter(|key| !["m1:probe", "m1:check"].contains(&key.as_str()))
        {
            let value = redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap();
            content.push((key, value));
        }
        content
    }
}

async fn connect(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    let limits = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(20)));
    client.get_multiplexed_async_connection_with_config(&limits).await.unwrap()
}

pub(crate) async fn command(url: &str, words: &[&str]) -> Value {
    let mut connection = connect(url).await;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await.unwrap()
}

fn spawn(port: u16, args: &[String], dir: &Path) -> Child {
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let tls = args.iter().any(|arg| arg == "--tls-cert-file");
    let plain = if tls { "0".to_owned() } else { port.to_string() };
    let program = PathBuf::from(program);
    let mut command = Command::new(&program);
    command.args(["--bind", "127.0.0.1", "--port", &plain, "--save", ""]);
    if args.iter().any(|arg| arg == "--sentinel") {
        // It writes what it learns into its configuration.
        std::fs::write(dir.join("sentinel.conf"), "").unwrap();
        command = Command::new(program);
        command.arg(dir.join("sentinel.conf")).args(["--bind", "127.0.0.1", "--port", &plain]);
        command.args(args).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        return command.spawn().expect("redis-server is needed");
    }
    command.args(["--enable-debug-command", "local", "--dir"]).arg(dir).args(args);
    if tls {
        command.args(["--tls-port", &port.to_string()]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().expect("redis-server is needed: set REDIS_SERVER or install it")
}
