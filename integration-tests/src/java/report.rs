//! What a worker says of itself, so that it is given leases.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::pace::REPORT;
use super::process::Process;
use super::table::{answer, n, s};

impl Process {
    /// Reports for ever, until the worker is told to stop. What is reported stays then; it only grows old.
    pub(super) async fn report_on(&self) {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut ticks = tokio::time::interval(REPORT);
        loop {
            ticks.tick().await;
            if self.is_stopping() {
                return;
            }
            self.report().await;
        }
    }

    /// A report of a worker that measures nothing: its load is that of its leases. It asks for no condition.
    async fn report(&self) {
        let seconds = self.wall_ms() / 1000;
        let nothing = || AttributeValue::M(HashMap::new());
        let values = [
            ("opr", nothing()),
            ("sts", nothing()),
            ("entityType", s("WORKER_METRIC_STATS")),
            ("lut", n(seconds)),
            ("slu", n(seconds)),
            ("sup", n(1)),
        ];
        let sets: Vec<_> =
            values.iter().map(|(name, _)| format!("#AMZN_MAPPED_{name} = :AMZN_MAPPED_{name}")).collect();
        let mut request = self.table.client.update_item().table_name(&self.table.name).key("leaseKey", s(&self.id));
        request = request.update_expression(format!("SET {}", sets.join(", "))).return_values(ReturnValue::AllNew);
        for (name, value) in values {
            request = request
                .expression_attribute_names(format!("#AMZN_MAPPED_{name}"), name)
                .expression_attribute_values(format!(":AMZN_MAPPED_{name}"), value);
        }
        if let Err(trouble) = answer(request).await {
            self.say(&format!("cannot report: {}", trouble.0));
        }
    }
}
