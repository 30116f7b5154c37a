//! SIGINT (Ctrl-C) and SIGTERM: the one place where they are handled.
//!
//! A signal stops the command at its next `await`, unless a [`write()`] is under way: that may end first, for at most
//! [`GRACE`]. A second signal does not wait, and a third one ends the process. A command that can report what it has done
//! uses [`until_stopped`], or [`requested`] inside of [`reporting`].

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// How long a write that is under way may take after a signal. CI systems and containers kill a process about 10 s after
/// the signal.
const GRACE: Duration = Duration::from_secs(5);

/// How long a command may take to stop after the grace period, if it computes or blocks.
const LAST_RESORT: Duration = Duration::from_secs(3);

static STATE: LazyLock<watch::Sender<State>> = LazyLock::new(|| watch::Sender::new(State::default()));

#[derive(Default)]
struct State {
    signal: Option<Signal>,
    /// No write may take longer.
    is_urgent: bool,
    /// What is being written.
    writes: Vec<String>,
    has_written: bool,
    /// How many parts of the command stop by themselves, and report.
    reporters: usize,
}

/// A signal that asks the command to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix has it"))]
    Terminate,
}

impl Signal {
    /// As shells report it: 128 and the signal's number.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// Handles signals from now on.
///
/// # Errors
/// The process can't handle them.
pub(crate) fn listen() -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        let signal = signals.next().await;
        STATE.send_modify(|state| state.signal = Some(signal));
        tokio::select! {
            _ = signals.next() => {}
            () = sleep(GRACE) => {}
        }
        STATE.send_modify(|state| state.is_urgent = true);
        tokio::select! {
            _ = signals.next() => {}
            () = sleep(LAST_RESORT) => {}
        }
        anstream::eprintln!("error: {}", stopped(signal));
        std::process::exit(signal.exit_code().into());
    });
    Ok(())
}

/// Stops the command as SIGINT does, for a reader of the terminal that takes Ctrl-C itself.
pub(crate) async fn interrupt<T>() -> T {
    STATE.send_modify(|state| state.signal = state.signal.or(Some(Signal::Interrupt)));
    std::future::pending().await
}

/// The signal that was received.
pub(crate) fn received() -> Option<Signal> {
    STATE.borrow().signal
}

/// Waits for a signal.
pub(crate) async fn requested() -> Signal {
    first(|state| state.signal).await
}

async fn first<T>(mut condition: impl FnMut(&State) -> Option<T>) -> T {
    let mut states = STATE.subscribe();
    loop {
        if let Some(met) = condition(&states.borrow_and_update()) {
            return met;
        }
        // The sender is never dropped.
        let _ = states.changed().await;
    }
}

/// Runs a write, which a signal does not stop. `what` says what it does, for the case that it takes too long. After a
/// signal no write begins: this never returns, and the command is stopped.
pub(crate) async fn write<T>(what: impl Into<String>, write: impl Future<Output = T>) -> T {
    let what = what.into();
    let begins = STATE.send_if_modified(|state| {
        let begins = state.signal.is_none();
        if begins {
            state.has_written = true;
            state.writes.push(what.clone());
        }
        begins
    });
    if !begins {
        return std::future::pending().await;
    }
    let written = write.await;
    end(&what);
    written
}

/// Runs what a command does after a signal, as a write that may begin then.
pub(crate) async fn clean_up<T>(what: &str, clean_up: impl Future<Output = T>) -> T {
    STATE.send_modify(|state| state.writes.push(what.to_owned()));
    let done = clean_up.await;
    end(what);
    done
}

fn end(what: &str) {
    STATE.send_modify(|state| {
        let index = state.writes.iter().position(|other| *other == what);
        index.map(|index| state.writes.remove(index));
    });
}

/// Runs a command; an error if a signal stopped it first.
pub(crate) async fn run<T>(command: impl Future<Output = T>) -> Result<T, Signal> {
    tokio::select! {
        biased;
        ended = command => Ok(ended),
        signal = first(|state| may_stop(state).filter(|_| state.reporters == 0)) => Err(signal),
    }
}

/// Runs work of a command until a signal stops it between two writes. The command can report then what it has done, up
/// to its next `await`.
pub(crate) async fn until_stopped<T>(work: impl Future<Output = T>) -> Result<T, Signal> {
    reporting(async {
        tokio::select! {
            biased;
            ended = work => Ok(ended),
            signal = first(may_stop) => Err(signal),
        }
    })
    .await
}

/// Runs what stops by itself on a signal. It and [`run`] may notice the signal at different times, so [`run`] waits.
pub(crate) async fn reporting<T>(work: impl Future<Output = T>) -> T {
    STATE.send_modify(|state| state.reporters += 1);
    let ended = work.await;
    STATE.send_modify(|state| state.reporters -= 1);
    ended
}

/// Whether no write is under way after a signal, or none may take longer.
fn may_stop(state: &State) -> Option<Signal> {
    state.signal.filter(|_| state.is_urgent || state.writes.is_empty())
}

/// Runs what blocks, such as a question, so that a signal can stop the command meanwhile.
///
/// # Errors
/// What blocks failed.
pub(crate) async fn blocking<T: Send + 'static>(
    blocks: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(blocks).await?
}

/// What a signal has stopped, for a command that does not report it.
pub(crate) fn stopped(signal: Signal) -> String {
    let state = STATE.borrow();
    let what = match &state.writes[..] {
        [] if state.has_written => String::new(),
        [] => "; nothing was written".to_owned(),
        writes => format!(" while {}: it may or may not have taken effect", writes.join(", ")),
    };
    format!("stopped by {}{what}", signal.name())
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use tokio::task::yield_now;

    use super::*;

    /// This is the only test that sets the state of the process.
    #[tokio::test]
    async fn a_command_that_notices_the_signal_late_reports_and_begins_no_write() {
        let mut polls = 0;
        let late = poll_fn(move |context| {
            polls += 1;
            if polls == 1 {
                STATE.send_modify(|state| state.signal = Some(Signal::Interrupt));
            }
            if polls < 5 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready("a report")
        });
        assert_eq!(run(reporting(late)).await, Ok("a report"));
        let mut has_begun = false;
        let ended = run(until_stopped(write("writing", async { has_begun = true }))).await;
        assert_eq!((ended, has_begun), (Ok(Err(Signal::Interrupt)), false));
        assert_eq!(run(std::future::pending::<()>()).await, Err(Signal::Interrupt));
        assert_eq!(stopped(Signal::Interrupt), "stopped by SIGINT; nothing was written");
        let cleaned_up = clean_up("stopping", async {
            yield_now().await;
            yield_now().await;
        });
        assert_eq!(run(cleaned_up).await, Ok(()));
    }
}
