//! Signals that ask a program to stop.

/// Waits for the first SIGTERM or Ctrl-C (SIGINT) that this process gets from now on. On other systems than Unix: Ctrl-C.
///
/// Where the system cannot be asked for signals, which happens when a process has no file descriptors left, it waits for
/// ever.
///
/// Cancel safe. Once called, these signals do not end the process by themselves any more.
pub async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
        if let Ok((mut terminate, mut interrupt)) = signals {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        return;
    }
    std::future::pending::<()>().await;
}
