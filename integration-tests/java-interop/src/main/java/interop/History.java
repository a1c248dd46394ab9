package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;

/** What became of every lease, write by write, from the recording of kcl-local. */
final class History {
    /** An absent item. */
    private static final Map<String, JsonNode> NOTHING = Map.of();

    private final Map<String, Map<String, JsonNode>> table = new TreeMap<>();
    private final List<Change> changes = new ArrayList<>();

    /** One write that was done: when, by whom, and the lease before and after. */
    record Change(long at, String client, String lease, State before, State after) {}

    /** A lease as it was; all values of one that is not there are empty. */
    record State(Map<String, JsonNode> item) {
        private String text(String name, String type) {
            return item.containsKey(name) ? item.get(name).path(type).asText() : "";
        }

        String owner() {
            return text("leaseOwner", "S");
        }

        String checkpointOwner() {
            return text("checkpointOwner", "S");
        }

        /** Who may read and commit. */
        String holder() {
            return checkpointOwner().isEmpty() ? owner() : checkpointOwner();
        }

        String counter() {
            return text("leaseCounter", "N");
        }

        String checkpoint() {
            return text("checkpoint", "S");
        }

        /** The sub-sequence number with it. */
        long sub() {
            String sub = text("checkpointSubSequenceNumber", "N");
            return sub.isEmpty() ? 0 : Long.parseLong(sub);
        }

        List<String> parents() {
            List<String> parents = new ArrayList<>();
            if (item.containsKey("parentShardId")) {
                item.get("parentShardId").path("SS").forEach(parent -> parents.add(parent.asText()));
            }
            return parents;
        }
    }

    /** Replays the writes to one table. */
    History(List<JsonNode> requests, String name) throws Failed {
        for (JsonNode exchange : requests) {
            JsonNode request = exchange.path("request");
            boolean done = exchange.path("status").asInt() == 200;
            if (done && exchange.path("service").asText().equals("dynamodb")
                    && request.path("TableName").asText().equals(name)) {
                replay(exchange, request);
            }
        }
    }

    private void replay(JsonNode exchange, JsonNode request) throws Failed {
        JsonNode keyed = request.has("Item") ? request.path("Item") : request.path("Key");
        String lease = keyed.path("leaseKey").path("S").asText();
        if (!lease.startsWith("shardId-")) {
            return;
        }
        Map<String, JsonNode> before = table.getOrDefault(lease, NOTHING);
        switch (exchange.path("operation").asText()) {
            case "PutItem" -> {
                Map<String, JsonNode> item = new TreeMap<>();
                keyed.properties().forEach(value -> item.put(value.getKey(), value.getValue()));
                add(exchange, lease, before, item);
            }
            case "UpdateItem" -> add(exchange, lease, before, Update.apply(before, request));
            case "DeleteItem" -> add(exchange, lease, before, NOTHING);
            default -> { }
        }
    }

    private void add(JsonNode exchange, String lease, Map<String, JsonNode> before, Map<String, JsonNode> after) {
        table.put(lease, after);
        changes.add(new Change(exchange.path("at").asLong(), exchange.path("client").asText(), lease,
                new State(before), new State(after)));
    }

    List<Change> changes() {
        return changes;
    }

    /** That the writes make the rows that are there: so nothing was misread. */
    String explains(Rows rows) throws Failed {
        for (JsonNode lease : rows.leases()) {
            State last = new State(table.getOrDefault(lease.path("leaseKey").asText(), NOTHING));
            boolean same = last.owner().equals(lease.path("leaseOwner").asText(""))
                    && last.checkpointOwner().equals(lease.path("checkpointOwner").asText(""))
                    && last.counter().equals(lease.path("leaseCounter").asText())
                    && last.checkpoint().equals(lease.path("checkpoint").asText());
            if (!same) {
                throw new Failed("the writes make " + last + ", found " + lease);
            }
        }
        return changes.size() + " writes";
    }
}
