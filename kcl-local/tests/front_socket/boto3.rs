//! Requests as boto3 wrote them: every one is answered as it was when `tests/boto3/transcript.py` recorded it.
//!
//! `recorded.json` is made by `tests/boto3/run.sh --record` with a live boto3; this test needs neither Python nor a
//! network. Values that differ from run to run are masked in the recorded answers, and in the requests they are
//! references to the answer that gave them.

use super::*;

const RECORDED: &str = include_str!("../boto3/recorded.json");

#[tokio::test]
async fn every_recorded_request_of_boto3_is_answered_as_it_was_recorded() {
    let recorded: Value = serde_json::from_str(RECORDED).expect("JSON");
    let steps = recorded["steps"].as_array().expect("steps");
    assert!(steps.len() > 30, "{} steps", steps.len());
    let world = World::start().await;
    let mut answers = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        world.advance(step["wait_ms"].as_u64().expect("a wait"));
        let request = resolve(&step["request"], &answers);
        let content_type = step["content_type"].as_str().expect("a type");
        let response = post(world.address, step["target"].as_str(), content_type, &request.to_string()).await;
        let answer = masked(&response.json(), &step["answer"]);
        let expected = (step["status"].as_u64().expect("a status"), &step["answer"]);
        assert_eq!((response.status, &answer), expected, "step {number}: {} {request}", step["target"]);
        answers.push(response.json());
    }
}

/// The request with the values that earlier answers of this run gave.
fn resolve(request: &Value, answers: &[Value]) -> Value {
    match request {
        Value::Object(members) => match members.get("from_answer").and_then(Value::as_str) {
            Some(place) => {
                let (step, member) = place.split_once('/').expect("a step and a member");
                let step: usize = step.parse().expect("the number of a step");
                answers[step].pointer(&format!("/{member}")).expect("the answer has the member").clone()
            }
            None => members.iter().map(|(name, member)| (name.clone(), resolve(member, answers))).collect(),
        },
        Value::Array(items) => items.iter().map(|item| resolve(item, answers)).collect(),
        other => other.clone(),
    }
}

/// The answer with the masks of the recorded one, where it has the members that they stand for.
fn masked(answer: &Value, recorded: &Value) -> Value {
    match (answer, recorded) {
        (Value::String(_) | Value::Number(_), Value::String(mask)) if mask.starts_with('<') => recorded.clone(),
        (Value::Object(members), Value::Object(like)) => members
            .iter()
            .map(|(name, member)| (name.clone(), masked(member, like.get(name).unwrap_or(&Value::Null))))
            .collect(),
        (Value::Array(items), Value::Array(like)) => {
            let like = like.iter().chain(std::iter::repeat(&Value::Null));
            items.iter().zip(like).map(|(item, like)| masked(item, like)).collect()
        }
        _ => answer.clone(),
    }
}
