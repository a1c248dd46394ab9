package interop;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;

/** A kcl-local of its own, the workers on it, and a recording of all that they ask. */
final class World implements AutoCloseable {
    /** The application, and so the lease table. */
    static final String APP = "app";

    private static final String STREAM = "orders";
    private static final String EXPORT = "export ";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Check.Programs programs;
    private final Path folder;
    private final Program local;
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> changed = new ArrayList<>();
    private final List<Worker> workers = new ArrayList<>();

    /** Starts kcl-local. Its indexes are ready early: a Java worker waits for one before it does anything. */
    World(Check.Programs programs, Path folder) throws IOException, Failed {
        this.programs = programs;
        this.folder = Files.createDirectories(folder);
        List<String> command =
                List.of(programs.kclLocal(), "--index-creating-ms", "2000", "--record", recording().toString());
        local = new Program("kcl-local", folder, command, Map.of());
        local.await("# ready", Duration.ofSeconds(20), lines -> lines.contains("# ready"));
        for (String line : local.lines()) {
            if (line.startsWith(EXPORT)) {
                String[] variable = line.substring(EXPORT.length()).split("=", 2);
                environment.put(variable[0], variable[1]);
            } else if (line.startsWith("# changed: ")) {
                changed.add(line.substring("# changed: ".length()));
            }
        }
    }

    /** The settings of kcl-local that are not its defaults. */
    List<String> changed() {
        return changed;
    }

    /** The file of every request that was served, and its answer. */
    Path recording() {
        return folder.resolve("recording.jsonl");
    }

    /** Every request that was served so far. */
    List<JsonNode> requests() throws IOException {
        List<JsonNode> requests = new ArrayList<>();
        for (String line : Files.readAllLines(recording())) {
            requests.add(JSON.readTree(line));
        }
        return requests;
    }

    Orders orders(int shards) throws Failed {
        return orders(shards, 16);
    }

    Orders orders(int shards, int keys) throws Failed {
        return new Orders(Clients.kinesis(environment.get("AWS_ENDPOINT_URL_KINESIS")), STREAM, shards, keys);
    }

    DynamoDbAsyncClient dynamoDbOfTheKcl() {
        return DynamoDbAsyncClient.builder()
                .endpointOverride(URI.create(environment.get("AWS_ENDPOINT_URL_DYNAMODB")))
                .build();
    }

    DynamoDbClient dynamoDb() {
        return Clients.dynamoDb(environment.get("AWS_ENDPOINT_URL_DYNAMODB"));
    }

    /** The rows of the lease table, as Java reads them. */
    Rows rows() {
        return new Rows(dynamoDb(), APP);
    }

    /** Starts a worker of the Java KCL, whose waits are shorter than by default: most follow from these. */
    Worker java(String id) throws IOException {
        return java(id, List.of("--failover-ms", "3000", "--shard-sync-ms", "1000"));
    }

    /** Starts a worker of the Java KCL with its defaults. */
    Worker javaAsItIs(String id) throws IOException {
        return java(id, List.of());
    }

    Worker java(String id, List<String> options) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), KclWorker.class.getName(),
                "--app", APP, "--stream", STREAM, "--worker-id", id));
        command.addAll(options);
        return start(id, command);
    }

    /** Starts a worker of this project. */
    Worker rust(String id, String app) throws IOException {
        return rust(id, app, 3_000);
    }

    Worker rust(String id, String app, long failover) throws IOException {
        return start(id, List.of(
                programs.consumer(),
                "--app", app, "--stream", STREAM, "--worker-id", id,
                "--failover-ms", Long.toString(failover), "--output", "jsonl"));
    }

    private Worker start(String id, List<String> command) throws IOException {
        Map<String, String> variables = new HashMap<>(environment);
        // The recording knows the workers by it.
        variables.put("AWS_SDK_UA_APP_ID", id);
        Worker worker = new Worker(new Program(id, folder, command, variables));
        workers.add(worker);
        return worker;
    }

    @Override
    public void close() {
        workers.forEach(Worker::close);
        local.close();
    }
}
