package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** What the Java workers of a scenario asked, and what they were answered. */
final class Transcript {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Transcript() {}

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
}
