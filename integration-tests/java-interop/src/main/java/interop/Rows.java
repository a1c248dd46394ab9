package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.GlobalSecondaryIndexUpdate;
import software.amazon.awssdk.services.dynamodb.model.ProjectionType;
import software.amazon.kinesis.common.HashKeyRangeForLease;
import software.amazon.kinesis.leases.Lease;
import software.amazon.kinesis.leases.dynamodb.DynamoDBLeaseSerializer;
import software.amazon.kinesis.retrieval.kpl.ExtendedSequenceNumber;

/**
 * Lease rows as the Java KCL's own serializer reads and writes them: {@code read --table NAME} prints one JSON object
 * a line, {@code write --table NAME} takes them from standard input.
 */
public final class Rows {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DynamoDBLeaseSerializer SERIALIZER = new DynamoDBLeaseSerializer();

    private final DynamoDbClient dynamoDb;
    private final String table;

    Rows(DynamoDbClient dynamoDb, String table) {
        this.dynamoDb = dynamoDb;
        this.table = table;
    }

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 3) {
            throw new IllegalArgumentException("expected read --table NAME or write --table NAME");
        }
        String table = new Options(new String[] {arguments[1], arguments[2]}).text("table");
        Rows rows = new Rows(DynamoDbClient.create(), table);
        switch (arguments[0]) {
            case "read" -> rows.leases().forEach(Lines::write);
            case "write" -> {
                var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    rows.write((ObjectNode) JSON.readTree(line));
                }
            }
            default -> throw new IllegalArgumentException("expected read or write, found " + arguments[0]);
        }
    }

    /** Every lease of the table, in the order of the keys. Rows that are no leases for Java are left out. */
    List<ObjectNode> leases() {
        Map<String, ObjectNode> leases = new TreeMap<>();
        for (Map<String, AttributeValue> row : dynamoDb.scanPaginator(r -> r.tableName(table)).items()) {
            Lease lease = SERIALIZER.fromDynamoRecord(row);
            if (lease != null) {
                leases.put(lease.leaseKey(), json(lease).set("differs", differences(row, lease)));
            }
        }
        return new ArrayList<>(leases.values());
    }

    private static ObjectNode json(Lease lease) {
        ObjectNode json = JSON.createObjectNode()
                .put("leaseKey", lease.leaseKey())
                .put("leaseOwner", lease.leaseOwner())
                .put("checkpointOwner", lease.checkpointOwner())
                .put("leaseCounter", lease.leaseCounter())
                .put("ownerSwitchesSinceCheckpoint", lease.ownerSwitchesSinceCheckpoint());
        put(json, "checkpoint", lease.checkpoint());
        put(json, "pendingCheckpoint", lease.pendingCheckpoint());
        json.set("parentShardIds", JSON.valueToTree(new TreeSet<>(lease.parentShardIds())));
        json.set("childShardIds", JSON.valueToTree(new TreeSet<>(lease.childShardIds())));
        HashKeyRangeForLease range = lease.hashKeyRangeForLease();
        if (range != null) {
            json.put("startingHashKey", range.serializedStartingHashKey());
            json.put("endingHashKey", range.serializedEndingHashKey());
        }
        return json;
    }

    private static void put(ObjectNode json, String name, ExtendedSequenceNumber number) {
        if (number != null) {
            json.put(name, number.sequenceNumber()).put(name + "SubSequenceNumber", number.subSequenceNumber());
        }
    }

    /** The attributes of a row that Java would write in another way than they are, or would not write. */
    private static JsonNode differences(Map<String, AttributeValue> row, Lease lease) {
        Map<String, AttributeValue> written = SERIALIZER.toDynamoRecord(lease);
        TreeSet<String> names = new TreeSet<>(row.keySet());
        names.addAll(written.keySet());
        names.removeIf(name -> same(row.get(name), written.get(name)));
        return JSON.valueToTree(names);
    }

    /** Sets have no order. */
    private static boolean same(AttributeValue one, AttributeValue other) {
        if (one != null && other != null && one.hasSs() && other.hasSs()) {
            return new TreeSet<>(one.ss()).equals(new TreeSet<>(other.ss()));
        }
        return one != null && one.equals(other);
    }

    /** Creates the table with Java's schema, and waits for it. */
    void create() {
        dynamoDb.createTable(r -> r.tableName(table)
                .billingMode(BillingMode.PAY_PER_REQUEST)
                .keySchema(SERIALIZER.getKeySchema())
                .attributeDefinitions(SERIALIZER.getAttributeDefinitions()));
        dynamoDb.waiter().waitUntilTableExists(r -> r.tableName(table));
    }

    /** Adds Java's index, which is there a little later. */
    void index() {
        var throughput = GlobalSecondaryIndexUpdate.builder().create(r -> r
                .indexName("LeaseOwnerToLeaseKeyIndex")
                .keySchema(SERIALIZER.getWorkerIdToLeaseKeyIndexKeySchema())
                .projection(p -> p.projectionType(ProjectionType.KEYS_ONLY)));
        dynamoDb.updateTable(r -> r.tableName(table)
                .attributeDefinitions(SERIALIZER.getWorkerIdToLeaseKeyIndexAttributeDefinitions())
                .globalSecondaryIndexUpdates(throughput.build()));
    }

    /** Writes a row; members that are missing are left as a new lease has them. */
    void write(ObjectNode json) throws JsonProcessingException {
        Lease lease = new Lease();
        lease.leaseKey(json.path("leaseKey").asText());
        lease.leaseOwner(json.path("leaseOwner").asText(null));
        lease.checkpointOwner(json.path("checkpointOwner").asText(null));
        lease.leaseCounter(json.path("leaseCounter").asLong());
        lease.ownerSwitchesSinceCheckpoint(json.path("ownerSwitchesSinceCheckpoint").asLong());
        lease.checkpoint(number(json, "checkpoint"));
        if (json.hasNonNull("pendingCheckpoint")) {
            lease.pendingCheckpoint(number(json, "pendingCheckpoint"));
        }
        lease.parentShardIds(JSON.treeToValue(json.withArray("parentShardIds"), Texts.class));
        lease.childShardIds(JSON.treeToValue(json.withArray("childShardIds"), Texts.class));
        if (json.hasNonNull("startingHashKey")) {
            lease.hashKeyRange(HashKeyRangeForLease.deserialize(
                    json.path("startingHashKey").asText(), json.path("endingHashKey").asText()));
        }
        dynamoDb.putItem(r -> r.tableName(table).item(SERIALIZER.toDynamoRecord(lease)));
    }

    private static ExtendedSequenceNumber number(ObjectNode json, String name) {
        return new ExtendedSequenceNumber(
                json.path(name).asText(), json.path(name + "SubSequenceNumber").asLong());
    }

    private static final class Texts extends ArrayList<String> {
        private static final long serialVersionUID = 1L;
    }
}
