//! The engine's process: DynamoDB Local, run by Java.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long the engine may take to start, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs the engine (`$1`: Java, `$0`: the port) until standard input is closed, which it is however the tests end.
const RUN_UNTIL_STDIN_CLOSES: &str = r#""$1" -Xmx1g -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar -inMemory -sharedDb -port "$0" & cat; kill $!"#;

static SHARED: Mutex<Weak<Engine>> = Mutex::new(Weak::new());

/// A process of DynamoDB Local. Its data is in memory and the same for all credentials. Tests of one process that run
/// at the same time share it.
#[derive(Debug)]
pub struct Engine {
    process: Child,
    url: String,
}

impl Engine {
    /// The running engine, or a new one.
    ///
    /// # Panics
    /// If the engine is not installed or does not start.
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
        assert!(jar.is_file(), "{} is missing: `cargo xtask fetch` installs it", jar.display());
        let java = java(&folder);
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new("sh");
        command.args(["-c", RUN_UNTIL_STDIN_CLOSES, &port.to_string(), &java]).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let engine = Self { process: command.spawn().unwrap(), url: format!("http://127.0.0.1:{port}") };
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < START_TIMEOUT, "DynamoDB Local did not start with {java}");
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

/// The engine's folder: beside the built programs, or the one in `DYNAMODB_LOCAL`.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("DYNAMODB_LOCAL") {
        return folder.into();
    }
    let program = std::env::current_exe().unwrap();
    let built = program.ancestors().find(|folder| folder.join("deps").is_dir()).unwrap();
    built.join("dynamodb-local")
}

/// The Java that `cargo xtask fetch` found, or else the one on the path.
fn java(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("java-path")).unwrap_or_else(|_| "java".to_owned())
}
