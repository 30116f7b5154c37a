//! The engine's process.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long it may take to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the engine when the pipe of its standard input ends, which it does however the tests end.
const UNTIL_STDIN_ENDS: &str = r#"java -Xmx1g -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar -inMemory -sharedDb -port "$0" & cat; kill $!"#;

static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());

/// DynamoDB Local, with all data in memory and the same for all credentials. Tests that run at the same time share one.
#[derive(Debug)]
pub struct Engine {
    process: Child,
    url: String,
}

impl Engine {
    /// The engine that is running, or else a new one.
    ///
    /// # Panics
    /// It is not there, or does not start.
    pub fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = shared.upgrade() {
            return engine;
        }
        let engine = Arc::new(Self::start());
        *shared = Arc::downgrade(&engine);
        engine
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn start() -> Self {
        let folder = folder();
        let jar = folder.join("DynamoDBLocal.jar");
        assert!(jar.is_file(), "{} is missing: `cargo xtask fetch` brings it", jar.display());
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_STDIN_ENDS, &port.to_string()]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let engine = Self { process: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "DynamoDB Local did not start: is there Java 17?");
            std::thread::sleep(Duration::from_millis(50));
        }
        engine
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The engine is next to the built programs, or in the folder `DYNAMODB_LOCAL`.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("DYNAMODB_LOCAL") {
        return folder.into();
    }
    let program = std::env::current_exe().unwrap();
    let built = program.ancestors().find(|folder| folder.join("deps").is_dir()).unwrap();
    built.join("dynamodb-local")
}
