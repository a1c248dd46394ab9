//! The model of a Java worker asks what real ones asked: its requests are compared with those that were recorded of the
//! Java KCL (`java-interop/transcripts`), by their shape: the operation, what of it is conditional on what, what is set
//! and removed, of which types. What is in the values is left out: it is of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration_tests::determinism::with_seed;
use integration_tests::handling::Handling;
use integration_tests::java::{JavaSlots, JavaSpec, Pace};
use integration_tests::producer::Producer;
use integration_tests::site::{APP, STREAM, Site};
use integration_tests::trace::Trace;
use kcl_local::Settings;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

const TRANSCRIPTS: [&str; 4] = ["java-first", "rust-first", "java-fleet", "mixed-fleet"];

/// What real workers ask and the model does not, and why not. A shape that is here and is made is one too many.
const NOT_MODELLED: [(&str, &str); 0] = [];

/// What the model asks and no recording has, and why not.
const NOT_RECORDED: [(&str, &str); 0] = [];

/// A request without what is of one run.
fn shape(operation: &str, request: &Value) -> String {
    let mut shape = operation.to_owned();
    let say = |shape: &mut String, what: std::fmt::Arguments<'_>| shape.write_fmt(what).expect("a text takes all");
    if let Some(table) = request["TableName"].as_str() {
        let table = table.strip_prefix("orders-app").or_else(|| table.strip_prefix("app")).unwrap_or(table);
        say(&mut shape, format_args!(" table{table}"));
    }
    for part in ["Key", "Item"] {
        if let Some(key) = request[part]["leaseKey"]["S"].as_str() {
            say(&mut shape, format_args!(" of {}", kind(key)));
        }
    }
    for (name, value) in request.as_object().into_iter().flatten() {
        match name.as_str() {
            "TableName" | "Key" | "ExpressionAttributeNames" | "ExpressionAttributeValues" => {}
            "Item" => say(&mut shape, format_args!("\n    puts {}", types(value))),
            "Expected" => say(&mut shape, format_args!("\n    if {}", expected(value))),
            "AttributeUpdates" => say(&mut shape, format_args!("\n    {}", updates(value))),
            "ConditionExpression" | "UpdateExpression" | "KeyConditionExpression" => {
                say(&mut shape, format_args!("\n    {name}: {}", expression(value, request)));
            }
            "ShardId" | "ShardIterator" | "StartingSequenceNumber" | "NextToken" => {
                say(&mut shape, format_args!(" {name}"));
            }
            // How much a worker asks for is a setting.
            "Limit" => {}
            _ => say(&mut shape, format_args!(" {name}={value}")),
        }
    }
    shape
}

/// Whose item a key is.
fn kind(key: &str) -> &'static str {
    match key {
        "Leader" => "the lock",
        "Migration3.0" => "the state of the fleet",
        shard if shard.starts_with("shardId-") => "a lease",
        _ => "a worker",
    }
}

/// The names of attributes with their types, in order.
fn types(item: &Value) -> String {
    let named: BTreeMap<_, _> = item.as_object().into_iter().flatten().map(|(name, value)| (name, of(value))).collect();
    named.into_iter().map(|(name, kind)| format!("{name}:{kind}")).collect::<Vec<_>>().join(" ")
}

/// The type of a value.
fn of(value: &Value) -> String {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else { return "?".to_owned() };
    match kind.as_str() {
        "M" => format!("M{{{}}}", types(inner)),
        "L" => {
            let kinds: BTreeSet<_> = inner.as_array().into_iter().flatten().map(of).collect();
            format!("L[{}]", kinds.into_iter().collect::<Vec<_>>().join("|"))
        }
        _ => kind.clone(),
    }
}

fn expected(conditions: &Value) -> String {
    let condition = |(name, condition): (&String, &Value)| match condition.get("Value") {
        Some(value) => format!("{name}={}", of(value)),
        None => format!("{name}:exists={}", condition["Exists"]),
    };
    let conditions: BTreeSet<_> = conditions.as_object().into_iter().flatten().map(condition).collect();
    conditions.into_iter().collect::<Vec<_>>().join(" and ")
}

fn updates(updates: &Value) -> String {
    let update = |(name, update): (&String, &Value)| {
        let value = update.get("Value").map(of).unwrap_or_default();
        format!("{} {name} {value}", update["Action"].as_str().unwrap_or("PUT")).trim().to_owned()
    };
    let updates: BTreeSet<_> = updates.as_object().into_iter().flatten().map(update).collect();
    updates.into_iter().collect::<Vec<_>>().join(", ")
}

/// An expression with names and types in the places of what stands for them. What an update sets is put in order.
fn expression(expression: &Value, request: &Value) -> String {
    let map = |name: &str| request[name].as_object().cloned().unwrap_or_else(Map::new);
    let mut text = expression.as_str().unwrap_or_default().to_owned();
    // The longest first: one may begin another.
    let mut stand_ins: Vec<(String, String)> = map("ExpressionAttributeNames")
        .into_iter()
        .map(|(name, attribute)| (name, attribute.as_str().unwrap_or_default().to_owned()))
        .chain(map("ExpressionAttributeValues").into_iter().map(|(name, value)| (name, of(&value))))
        .collect();
    stand_ins.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, stands_for) in stand_ins {
        text = text.replace(&name, &stands_for);
    }
    match text.strip_prefix("SET ") {
        Some(sets) => {
            let sets: BTreeSet<_> = sets.split(", ").collect();
            format!("SET {}", sets.into_iter().collect::<Vec<_>>().join(", "))
        }
        None => text,
    }
}

/// The shapes of what real workers asked, and how often.
fn recorded() -> BTreeMap<String, u64> {
    let mut shapes = BTreeMap::new();
    for name in TRANSCRIPTS {
        let path = format!("{}/java-interop/transcripts/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(&path).expect(&path).lines() {
            let line: Value = serde_json::from_str(line).expect("a line is an object");
            let operation = line["operation"].as_str().expect("it has an operation");
            *shapes.entry(shape(operation, &line["request"])).or_default() += 1;
        }
    }
    shapes
}

/// A fleet of the model alone, and a story like that of `java-fleet`: a worker reads a stream, others join, shards are
/// split and merged, one is killed, so is the leader, the last is stopped.
struct Story {
    site: Site,
    workers: JavaSlots,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Story {
    fn begin() -> Self {
        let mut settings = Settings::default();
        settings.dynamodb.table_creating = Duration::from_secs(2);
        settings.dynamodb.index_creating = Duration::from_secs(2);
        let site = Site::new(settings, Trace::default());
        let asked: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
        let book = Arc::clone(&asked);
        site.local.observe(move |seen| {
            if seen.client.starts_with('w') {
                *book.lock().expect("whole").entry(shape(seen.operation, seen.request)).or_default() += 1;
            }
        });
        Self { workers: JavaSlots::new(site.clone()), site, asked }
    }

    fn start(&mut self, slot: usize) {
        let run = self.workers.next_run();
        self.workers.start(JavaSpec {
            run,
            slot,
            id: format!("java-{slot}"),
            pace: Pace::of_the_kcl(Duration::from_secs(10)),
            skew_ms: 0,
            seed: u64::from(run.0),
            read_limit: 10_000,
            handling: Arc::new(Handling::default()),
        });
    }

    async fn kill(&mut self, slot: usize) {
        self.workers.in_slot(slot).expect("it runs").fate.strike(0);
        self.workers.over().await;
    }

    /// How many leases name each worker.
    fn shares(&self) -> BTreeMap<String, usize> {
        let scan = self.site.local.ask(kcl_local::Service::DynamoDb, "Scan", json!({"TableName": APP})).body;
        let mut shares = BTreeMap::new();
        for item in scan["Items"].as_array().into_iter().flatten() {
            if let Some(owner) = item["leaseOwner"]["S"].as_str() {
                *shares.entry(owner.to_owned()).or_default() += 1;
            }
        }
        shares
    }

    fn split(&self, shard: &str) {
        let id = shard.parse().expect("an id");
        self.site.local.kinesis(|kinesis, now| kinesis.split_shard_in_half(STREAM, id, now).map(drop)).expect("split");
    }

    async fn tell(mut self) -> BTreeMap<String, u64> {
        self.site.create_stream(3).await;
        let mut producing = JoinSet::new();
        producing.spawn(Producer::new(&self.site, 7).run(200..=800));
        self.start(0);
        seconds(130).await;
        assert_eq!(self.shares(), BTreeMap::from([("java-0".to_owned(), 3)]), "it leads, and reads all");
        self.start(1);
        seconds(150).await;
        assert!(self.shares().get("java-1").is_some_and(|share| *share > 0), "{:?}", self.shares());
        self.split("shardId-000000000001");
        seconds(60).await;
        self.kill(1).await;
        // It counts as one that lives for a minute after its last report.
        seconds(120).await;
        self.start(2);
        seconds(30).await;
        self.kill(0).await;
        seconds(260).await;
        let alone = self.shares();
        assert!(alone.len() == 1 && alone.contains_key("java-2"), "the next leader has taken all: {alone:?}");
        self.workers.stop_all(Duration::from_secs(30)).await;
        self.asked.lock().expect("whole").clone()
    }
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn asked() -> BTreeMap<String, u64> {
    with_seed(1, || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without IO can be built");
        runtime.block_on(Story::begin().tell())
    })
}

#[test]
fn the_model_asks_what_real_workers_ask_and_nothing_else() {
    let (asked, recorded) = (asked(), recorded());
    for (shape, times) in &asked {
        println!("{times:>5} here, {:>4} recorded: {shape}", recorded.get(shape).unwrap_or(&0));
    }
    let known = |shape: &str, table: &[(&str, &str)]| table.iter().any(|(prefix, _)| shape.starts_with(prefix));
    let mut wrong = Vec::new();
    for shape in asked.keys() {
        if !recorded.contains_key(shape) && !known(shape, &NOT_RECORDED) {
            wrong.push(format!("no real worker asked: {shape}"));
        }
        if known(shape, &NOT_MODELLED) {
            wrong.push(format!("is said not to be modelled: {shape}"));
        }
    }
    for shape in recorded.keys() {
        if !asked.contains_key(shape) && !known(shape, &NOT_MODELLED) {
            wrong.push(format!("the model never asked: {shape}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
