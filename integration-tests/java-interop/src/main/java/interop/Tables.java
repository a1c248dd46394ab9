package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.kinesis.model.Shard;
import software.amazon.kinesis.worker.metricstats.WorkerMetricStats;
import software.amazon.kinesis.worker.metricstats.delegate.LeaseTableWorkerMetricStatsDAODelegate;

/** The table of a fleet, as a third party sees it. */
final class Tables {
    /** What our worker's rows have that Java does not know, while they live. */
    private static final Set<String> OURS = Set.of("rs_inst", "rs_proto", "rs_lut", "rs_cap", "rs_wake");

    private final World world;
    private final DynamoDbClient dynamoDb;

    Tables(World world) {
        this.world = world;
        dynamoDb = world.dynamoDb();
    }

    /** Makes the table, its index and a lease for every shard, as Java's serializer writes them. */
    static void prepare(World world, List<Shard> shards) throws Exception {
        Rows rows = world.rows();
        rows.create();
        rows.index();
        for (Shard shard : shards) {
            ObjectNode lease = new ObjectMapper().createObjectNode()
                    .put("leaseKey", shard.shardId())
                    .put("checkpoint", "TRIM_HORIZON")
                    .put("startingHashKey", shard.hashKeyRange().startingHashKey())
                    .put("endingHashKey", shard.hashKeyRange().endingHashKey());
            rows.write(lease);
        }
    }

    private Map<String, AttributeValue> item(String key) {
        return dynamoDb.getItem(r -> r.tableName(World.APP)
                .key(Map.of("leaseKey", AttributeValue.fromS(key)))
                .consistentRead(true)).item();
    }

    boolean hasRow(String worker) {
        return item(worker).containsKey("lut");
    }

    /** Who holds the leader lock, or an empty text. */
    String leader() {
        var lock = item("Leader");
        return lock.containsKey("ownerName") ? lock.get("ownerName").s() : "";
    }

    /** The shards, not finished, that a worker holds or is to hold. */
    Set<String> held(String worker) {
        return world.rows().leases().stream()
                .filter(lease -> lease.path("leaseOwner").asText().equals(worker))
                .filter(lease -> lease.path("checkpointOwner").isNull())
                .filter(lease -> !lease.path("checkpoint").asText().equals("SHARD_END"))
                .map(lease -> lease.path("leaseKey").asText())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /**
     * Gives the row of a worker of ours what it has only at times: a limit, and a hint. This one says nothing to it, and so
     * is not taken out.
     */
    void decorate(String worker) {
        dynamoDb.updateItem(r -> r.tableName(World.APP)
                .key(Map.of("leaseKey", AttributeValue.fromS(worker)))
                .updateExpression("SET rs_cap = :cap ADD rs_wake :hints")
                .conditionExpression("attribute_exists(rs_inst)")
                .expressionAttributeValues(Map.of(
                        ":cap", AttributeValue.fromN("100"),
                        ":hints", AttributeValue.fromSs(List.of("says nothing")))));
    }

    /**
     * That a Java leader, after it had read such a row with all our attributes, gave a lease to that worker before it read
     * the row again.
     */
    String assignedDespiteOurs() throws IOException, Failed {
        Map<String, Set<String>> lastRead = new TreeMap<>();
        int given = 0;
        for (JsonNode exchange : world.requests()) {
            if (!exchange.path("client").asText().startsWith("java-") || exchange.path("status").asInt() != 200) {
                continue;
            }
            if (exchange.path("operation").asText().equals("Scan")) {
                for (JsonNode item : exchange.path("answer").path("Items")) {
                    Set<String> names = new TreeSet<>();
                    item.fieldNames().forEachRemaining(names::add);
                    lastRead.put(item.path("leaseKey").path("S").asText(), names);
                }
            }
            String to = exchange.path("request").path("AttributeUpdates").path("leaseOwner").path("Value").path("S").asText();
            if (to.startsWith("rust-") && lastRead.getOrDefault(to, Set.of()).containsAll(OURS)) {
                given++;
            }
        }
        if (given == 0) {
            throw new Failed("no such lease; last read were " + lastRead);
        }
        return given + " leases; the row had " + String.join(", ", new TreeSet<>(OURS));
    }

    /** That Java reads every lease as we do, and every row of a worker. */
    String javaReadsAll() throws Exception {
        List<String> leases = new ArrayList<>();
        List<String> workers = new ArrayList<>();
        for (var item : dynamoDb.scanPaginator(r -> r.tableName(World.APP)).items()) {
            String kind = item.getOrDefault("entityType", AttributeValue.fromS("LEASE")).s();
            switch (kind) {
                case "LEASE" -> leases.add(item.get("leaseKey").s());
                case "WORKER_METRIC_STATS" -> workers.add(item.get("leaseKey").s());
                default -> { }
            }
        }
        List<String> read = world.rows().leases().stream().map(lease -> lease.path("leaseKey").asText()).toList();
        expectSame(leases, read);
        var rows = new LeaseTableWorkerMetricStatsDAODelegate(world.dynamoDbOfTheKcl(), World.APP, 30_000L);
        rows.initialize();
        List<WorkerMetricStats> stats = rows.getAllWorkerMetricStats();
        expectSame(workers, stats.stream().map(WorkerMetricStats::getWorkerId).toList());
        if (!stats.stream().allMatch(WorkerMetricStats::isValidWorkerMetric)) {
            throw new Failed("not valid for Java: " + stats);
        }
        return leases.size() + " leases, workers " + String.join(", ", new TreeSet<>(workers)) + "; "
                + Expect.ours(world.rows());
    }

    private static void expectSame(List<String> expected, List<String> found) throws Failed {
        if (!new TreeSet<>(expected).equals(new TreeSet<>(found))) {
            throw new Failed("expected " + expected + ", found " + found);
        }
    }

    /** That nobody made the tables of KCL 3.0 to 3.4. */
    String onlyOne() throws Failed {
        List<String> names = dynamoDb.listTables().tableNames();
        if (!names.equals(List.of(World.APP))) {
            throw new Failed("found " + names);
        }
        return "";
    }

    /** That the logs of our workers have no error, and warn only of what was done to them. */
    static String oursIsContent(List<Worker> workers) throws IOException, Failed {
        int warnings = 0;
        for (Worker worker : workers) {
            if (worker.id().startsWith("java-")) {
                continue;
            }
            for (String line : Files.readAllLines(worker.log())) {
                if (line.contains(" ERROR ")) {
                    throw new Failed(line);
                }
                warnings += line.contains(" WARN ") ? 1 : 0;
            }
        }
        return warnings + " warnings";
    }
}
