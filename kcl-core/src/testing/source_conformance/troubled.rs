//! What a source promises when something goes wrong: it is told, by its kind, costs no record, and reading goes on where it
//! was.

use std::time::Duration;

use super::{Subject, Trouble, assert_numbers, next};
use crate::error::SourceErrorKind;
use crate::retrieval::{Fetched, StartAt};

/// The service asks for fewer requests.
pub async fn throttling_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::Throttled).await;
}

/// The service answers with an error.
pub async fn a_failure_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::Fails).await;
}

/// The service answers with an error in place of records, after it began to bring them.
pub async fn a_failure_in_the_middle_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::FailsMidway).await;
}

/// The connection is lost before the answer.
pub async fn an_answer_that_is_lost_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::AnswerLost).await;
}

/// The connection is lost in the middle of a record.
pub async fn an_answer_that_breaks_off_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::BreaksOff).await;
}

/// No answer comes.
pub async fn silence_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::Silence).await;
}

/// Nothing more comes, after the answer began.
pub async fn silence_in_the_middle_is_told_and_costs_no_record(subject: &Subject) {
    is_told_and_costs_no_record(subject, Trouble::SilenceMidway).await;
}

async fn is_told_and_costs_no_record(subject: &Subject, trouble: Trouble) {
    let shard = subject.only_shard().await;
    let mut source = subject.open(&shard, &StartAt::TrimHorizon).await;
    let (mut put, mut records) = (0, Vec::new());
    for requests in 1..=subject.world.tries(3) {
        subject.world.trouble(trouble, requests);
        subject.put(&shard, put..put + 5).await;
        put += 5;
        let mut told = 0;
        while records.len() < put {
            match next(&mut source).await {
                Ok(Fetched::Records(fetch)) => records.extend(fetch.records),
                Ok(Fetched::End { .. }) => panic!("the shard is open, and ended"),
                Err(error) => {
                    let throttled = error.kind() == SourceErrorKind::Throttled;
                    assert!(throttled || error.kind() == SourceErrorKind::Unavailable, "{error}");
                    assert_eq!(throttled, trouble == Trouble::Throttled, "{error}");
                    told += 1;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
        assert!(told > 0, "{trouble:?} was kept secret");
    }
    assert_numbers(&records, 0..put);
}
