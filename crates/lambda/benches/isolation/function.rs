//! The function: a pool of instances. A free one is reused, the most recently used first; without one, another is
//! started.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::event_source::Invoke;
use crate::instance::{Instance, InstanceSettings};
use crate::progress::progress;

/// The function. Dropping it kills its instances.
pub(crate) struct Function {
    settings: InstanceSettings,
    /// Where the output of the instances is appended.
    log: Option<PathBuf>,
    idle: Mutex<Vec<Instance>>,
    started: AtomicUsize,
}

impl Function {
    pub(crate) fn new(settings: InstanceSettings, log: Option<PathBuf>) -> Self {
        Self { settings, log, idle: Mutex::default(), started: AtomicUsize::new(0) }
    }

    /// How many instances were started.
    pub(crate) fn instances(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    async fn start_instance(&self) -> Result<Instance, String> {
        self.started.fetch_add(1, Ordering::Relaxed);
        let append =
            |path: &PathBuf| -> std::io::Result<File> { OpenOptions::new().create(true).append(true).open(path) };
        let log = self.log.as_ref().map(append).transpose().map_err(|error| format!("the log: {error}"))?;
        Instance::start(&self.settings, log.map_or_else(Stdio::null, Stdio::from)).await
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Invoke for Function {
    async fn invoke(&self, event: String) -> Result<Value, String> {
        let free = self.idle().pop();
        let mut instance = match free {
            Some(instance) => instance,
            None => self.start_instance().await.inspect_err(|reason| progress(reason))?,
        };
        let answer = instance.invoke(event).await.inspect_err(|reason| progress(reason))?;
        self.idle().push(instance);
        answer.inspect_err(|reason| progress(&format!("the function failed: {reason}")))
    }
}
