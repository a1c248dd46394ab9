package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What the Java workers of a scenario asked, and what they were answered. */
final class Transcript {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Transcript() {}

    /** How many exchanges of one form are kept of one worker, where not all are. */
    private static final int OF_A_FORM = 2;

    /** Copies the lines of a recording that tell something. */
    static void write(Path recording, Path file) throws IOException {
        List<String> telling = new ArrayList<>();
        for (String line : Files.readAllLines(recording)) {
            if (telling(JSON.readTree(line))) {
                telling.add(line);
            }
        }
        Files.write(file, telling);
    }

    /** Most of a recording are reads of shards that go on. */
    private static boolean telling(JsonNode exchange) {
        boolean read = exchange.path("operation").asText().equals("GetRecords")
                && exchange.path("answer").has("NextShardIterator");
        return exchange.path("client").asText().startsWith("java-") && !read;
    }

    /**
     * Copies less: all that changes who owns a lease, with the scan that it was decided upon; all that has to do with the
     * leader lock, but for its beats; and of the rest the first of each form.
     */
    static void writeForms(Path recording, Path file) throws IOException {
        List<String> kept = new ArrayList<>();
        Map<String, Integer> forms = new HashMap<>();
        Map<String, String> scans = new HashMap<>();
        for (String line : Files.readAllLines(recording)) {
            JsonNode exchange = JSON.readTree(line);
            if (!telling(exchange)) {
                continue;
            }
            String client = exchange.path("client").asText();
            boolean known = forms.merge(form(exchange), 1, Integer::sum) > OF_A_FORM;
            if (decides(exchange.path("request"))) {
                String scan = scans.remove(client);
                if (scan != null) {
                    kept.add(scan);
                }
                kept.add(line);
            } else if (!known) {
                kept.add(line);
            } else if (exchange.path("operation").asText().equals("Scan")) {
                scans.put(client, line);
            }
        }
        Files.write(file, kept);
    }

    private static boolean decides(JsonNode request) {
        JsonNode updates = request.path("AttributeUpdates");
        return updates.has("leaseOwner") || updates.has("checkpointOwner");
    }

    /** What a request asks, but for the values. */
    private static String form(JsonNode exchange) {
        JsonNode request = exchange.path("request");
        StringBuilder form = new StringBuilder();
        for (String part : List.of("client", "service", "operation", "status")) {
            form.append(exchange.path(part).asText()).append(' ');
        }
        request.fieldNames().forEachRemaining(name -> form.append(name).append(' '));
        for (String part : List.of("AttributeUpdates", "Expected")) {
            request.path(part).fieldNames().forEachRemaining(name -> form.append(name).append(' '));
        }
        JsonNode lease = request.path("Item").path("entityType");
        return form.append(request.path("UpdateExpression").asText()).append(lease.path("S").asText()).toString();
    }
}
