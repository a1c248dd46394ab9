package interop;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;

/** What the scenarios expect alike. Each gives what is worth a note. */
final class Expect {
    private Expect() {}

    /** Every shard's checkpoint is its last record, and that of the parent says that it has ended. */
    static String checkpoints(Rows rows, List<JsonNode> records) throws Failed {
        Map<String, String> expected = new TreeMap<>();
        for (JsonNode record : records) {
            expected.put(record.path("shard").asText(), record.path("seq").asText());
        }
        for (JsonNode lease : rows.leases()) {
            String shard = lease.path("leaseKey").asText();
            String checkpoint = lease.path("checkpoint").asText();
            String last = lease.path("childShardIds").isEmpty() ? expected.get(shard) : "SHARD_END";
            if (!checkpoint.equals(last)) {
                throw new Failed("the last record of " + shard + " is " + last + ", found " + lease);
            }
        }
        return rows.leases().size() + " leases";
    }

    /** That Java would write every row as it is, but for the attributes that are our own. */
    static String ours(Rows rows) throws Failed {
        Set<String> own = new TreeSet<>();
        for (JsonNode lease : rows.leases()) {
            lease.path("differs").forEach(name -> own.add(name.asText()));
        }
        // A renewal writes it; a new lease has none.
        own.remove("throughputKBps");
        if (!own.stream().allMatch(name -> name.startsWith("rs_"))) {
            throw new Failed("Java would write other values than ours for some of " + own);
        }
        return "it does not know " + String.join(", ", own);
    }

    static String silence(Worker java) throws Failed {
        if (!java.errors().isEmpty()) {
            throw new Failed(java.errors().size() + " errors, the first: " + java.errors().get(0));
        }
        return "";
    }

    /** That no request was refused as one that the service does not know or cannot read. */
    static String understood(World world) throws IOException, Failed {
        Map<String, Long> operations = new TreeMap<>();
        for (JsonNode request : world.requests()) {
            String type = request.path("answer").path("__type").asText();
            if (List.of("UnknownOperation", "Serialization", "Validation").stream().anyMatch(type::contains)) {
                throw new Failed("refused: " + request);
            }
            operations.merge(request.path("operation").asText(), 1L, Long::sum);
        }
        return operations.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
    }

    static String seconds(long since) {
        return String.format("%.1f s", (System.nanoTime() - since) / 1e9);
    }

    /** That a worker delivers the records from this number on, and stops. */
    static String reads(Worker worker, Orders orders, int from) throws Failed {
        worker.await("record", Duration.ofSeconds(60), records -> records.size() >= orders.size() - from);
        worker.stop();
        orders.expect(worker.records(), from);
        return orders.size() - from + " records";
    }
}
