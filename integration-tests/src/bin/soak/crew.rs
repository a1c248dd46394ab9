//! The worker processes: started, ended and frozen here, each of which is taken down.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use integration_tests::faults::Class;
use integration_tests::history::{HowOver, Recorder, Run, What};
use integration_tests::journal::Line;
use integration_tests::label;
use integration_tests::modelled::Reading;
use integration_tests::process::surround;
use kcl_core::error::Failure;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

use crate::options::Soak;
use crate::worker::SHUTDOWN;

/// How long a worker may take to end that was told to: its own time to stop, and something for a machine that is busy.
const END: Duration = SHUTDOWN.saturating_add(Duration::from_secs(15));
/// A part's last line is no longer.
const LAST_LINE: u64 = 64 * 1024;

/// All worker processes. They are killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Crew {
    soak: Soak,
    seed: u64,
    services: SocketAddr,
    region: String,
    folder: PathBuf,
    recorder: Recorder,
    members: Vec<Member>,
    begun: u32,
    calm: bool,
    readings: BTreeMap<Run, Reading>,
}

/// One process.
#[derive(Debug)]
struct Member {
    run: Run,
    /// Its slot; nothing for one whose place another has taken.
    slot: Option<usize>,
    id: String,
    child: Child,
    /// Closed when this process ends, however it ends: then the worker ends too.
    words: ChildStdin,
    frozen: bool,
    /// Until when it must have ended.
    end_by: Option<Instant>,
    part: PathBuf,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) slot: Option<usize>,
}

impl Crew {
    /// No process yet. What is done to them is taken down in `recorder`; their parts of the history are files in `folder`.
    pub(crate) fn new(
        soak: Soak,
        seed: u64,
        services: SocketAddr,
        region: String,
        folder: &Path,
        recorder: Recorder,
    ) -> Self {
        let (members, readings, folder) = (Vec::new(), BTreeMap::new(), folder.to_owned());
        Self { soak, seed, services, region, folder, recorder, members, begun: 0, calm: false, readings }
    }

    /// How each run reads, those that are over too.
    pub(crate) fn readings(&self) -> BTreeMap<Run, Reading> {
        self.readings.clone()
    }

    /// The files into which the processes wrote. One that was killed before it began has none.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        (1..=self.begun).map(|run| self.part(run)).filter(|part| part.exists()).collect()
    }

    fn part(&self, run: u32) -> PathBuf {
        self.folder.join(format!("run-{run}.jsonl"))
    }

    /// Whether no process lives.
    pub(crate) fn is_gone(&self) -> bool {
        self.members.is_empty()
    }

    fn in_slot(&mut self, slot: usize) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.slot == Some(slot))
    }

    /// Starts a worker in a slot, unless there is one.
    pub(crate) async fn start(&mut self, slot: usize, id: &str, reading: Reading) -> Result<(), Failure> {
        if self.in_slot(slot).is_some() {
            return Ok(());
        }
        self.begun += 1;
        let (run, part) = (Run(self.begun), self.part(self.begun));
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", "--run", &self.begun.to_string(), "--slot", &slot.to_string(), "--id", id])
            .args(["--failover", &format!("{}ms", self.soak.failover.as_millis())])
            .args(["--seed", &self.seed.wrapping_add(u64::from(self.begun) << 40).to_string()])
            .arg("--part")
            .arg(&part)
            .stdin(Stdio::piped())
            // A group of its own: should this process be killed while the worker stands still, the system ends the worker.
            .process_group(0)
            .kill_on_drop(true);
        if reading == Reading::FanOut {
            command.arg("--fan-out");
        }
        if let Some(planted) = self.soak.planted {
            command.args(["--planted", &planted.to_string()]);
        }
        surround(&mut command, self.services, &self.region, &label::of(slot, run));
        self.readings.insert(run, reading);
        self.recorder.note(What::Begun { run, worker: id.to_owned() });
        let mut child = command.spawn()?;
        let words = child.stdin.take().ok_or("a worker without an input")?;
        let id = id.to_owned();
        self.members.push(Member { run, slot: Some(slot), id, child, words, frozen: false, end_by: None, part });
        if self.calm {
            self.calm_down().await;
        }
        Ok(())
    }

    /// Kills the worker in a slot, if there is one.
    pub(crate) fn kill(&mut self, slot: usize) -> Result<bool, Failure> {
        let Some(member) = self.in_slot(slot) else { return Ok(false) };
        member.child.start_kill()?;
        Ok(true)
    }

    /// Tells the worker in a slot to stop, if there is one that was not told before.
    pub(crate) fn stop(&mut self, slot: usize) -> Result<bool, Failure> {
        let recorder = self.recorder.clone();
        let Some(member) = self.in_slot(slot).filter(|member| member.end_by.is_none()) else { return Ok(false) };
        member.stop(&recorder)?;
        Ok(true)
    }

    /// Tells all to stop.
    pub(crate) fn stop_all(&mut self) -> Result<(), Failure> {
        let recorder = self.recorder.clone();
        self.members.iter_mut().filter(|member| member.end_by.is_none()).try_for_each(|member| member.stop(&recorder))
    }

    /// Lets the worker in a slot stand still, if there is one that does not. Its run, by which it goes on.
    pub(crate) fn freeze(&mut self, slot: usize) -> Result<Option<Run>, Failure> {
        let recorder = self.recorder.clone();
        let Some(member) = self.in_slot(slot).filter(|member| !member.frozen) else { return Ok(None) };
        recorder.note(What::Fault { run: Some(member.run), class: Class::Frozen });
        member.signal(Signal::STOP)?;
        member.frozen = true;
        Ok(Some(member.run))
    }

    /// Its place is another's from now on. Its worker id.
    pub(crate) fn unseat(&mut self, slot: usize) -> Option<String> {
        let member = self.in_slot(slot)?;
        member.slot = None;
        Some(member.id.clone())
    }

    /// A run that stands still goes on.
    pub(crate) fn thaw(&mut self, run: Run) -> Result<(), Failure> {
        let frozen = |member: &&mut Member| member.run == run && member.frozen;
        match self.members.iter_mut().find(frozen) {
            Some(member) => member.thaw(&self.recorder),
            None => Ok(()),
        }
    }

    /// Whoever stands still goes on, and whose place is another's is killed.
    pub(crate) fn make_peace(&mut self) -> Result<(), Failure> {
        for member in &mut self.members {
            if member.frozen {
                member.thaw(&self.recorder)?;
            }
            if member.slot.is_none() {
                member.child.start_kill()?;
            }
        }
        Ok(())
    }

    /// From now on all processors do well.
    pub(crate) async fn calm_down(&mut self) {
        self.calm = true;
        for member in &mut self.members {
            // One that has just ended does not hear it.
            let _ = member.words.write_all(b"calm\n").await;
        }
    }

    /// Takes down which processes have ended.
    pub(crate) fn ended(&mut self) -> Result<Vec<Gone>, Failure> {
        let mut gone = Vec::new();
        for member in std::mem::take(&mut self.members) {
            let mut member = member;
            let late = member.end_by.is_some_and(|end| Instant::now() >= end) && !member.frozen;
            let status = member.child.try_wait()?;
            if status.is_none() && !late {
                self.members.push(member);
                continue;
            }
            let how = match status {
                Some(status) => {
                    if says_how(&member.part)? {
                        None
                    } else {
                        Some(how(status))
                    }
                }
                None => Some(HowOver::Failed(format!("it does not end within {END:?}"))),
            };
            if let Some(how) = how {
                self.recorder.note(What::Over { run: member.run, how });
            }
            gone.push(Gone { slot: member.slot });
        }
        Ok(gone)
    }
}

impl Member {
    /// The process is this one's child until it has been waited for, which only [`Crew::ended`] does: no other can have its
    /// number.
    fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let number = self.child.id().and_then(|id| i32::try_from(id).ok());
        match number.and_then(Pid::from_raw) {
            Some(pid) => Ok(kill_process(pid, signal)?),
            None => Ok(()),
        }
    }

    fn stop(&mut self, recorder: &Recorder) -> Result<(), Failure> {
        recorder.note(What::StopAsked { run: self.run });
        self.end_by = Some(Instant::now() + END);
        self.signal(Signal::TERM)
    }

    fn thaw(&mut self, recorder: &Recorder) -> Result<(), Failure> {
        recorder.note(What::Woke { run: self.run });
        self.frozen = false;
        self.end_by = self.end_by.map(|_| Instant::now() + END);
        self.signal(Signal::CONT)
    }
}

/// How a process ended that did not say so itself: killed, or by a fault of its own.
fn how(status: ExitStatus) -> HowOver {
    let (kill, term) = (Signal::KILL.as_raw(), Signal::TERM.as_raw());
    match status.signal() {
        // One that is told to stop before it listens is ended by that.
        Some(signal) if signal == kill || signal == term => HowOver::Killed,
        _ => HowOver::Failed(format!("its process ended: {status}")),
    }
}

/// Whether a process said in its part how its worker ended.
fn says_how(part: &Path) -> Result<bool, Failure> {
    let Ok(mut file) = File::open(part) else { return Ok(false) };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    // As the reader of parts, who takes for torn what has no end.
    lines.pop();
    let read = |line: &&[u8]| serde_json::from_slice::<Line>(line).ok();
    Ok(lines.iter().filter_map(read).any(|line| matches!(line.what, What::Over { .. })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_killed_did_not_give_up_and_one_that_broke_did() {
        for (raw, killed) in [(9, true), (15, true), (6, false), (11, false), (1 << 8, false), (0, false)] {
            assert_eq!(how(ExitStatus::from_raw(raw)) == HowOver::Killed, killed, "{raw}");
        }
    }

    #[test]
    fn a_torn_line_does_not_say_how_it_ended() {
        let over = Line { ns: 7, what: What::Over { run: Run(1), how: HowOver::Stopped } };
        let text = serde_json::to_string(&over).expect("it can be written") + "\n";
        let part = std::env::temp_dir().join(format!("soak-part-{}", std::process::id()));
        for (length, says) in [(text.len(), true), (text.len() - 1, false), (0, false)] {
            std::fs::write(&part, &text[..length]).expect("a file");
            assert_eq!(says_how(&part).expect("it can be read"), says, "{length}");
        }
        std::fs::remove_file(&part).expect("it is there");
        assert!(!says_how(&part).expect("no part at all"));
    }
}
