package interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

/** What the Java workers of a scenario asked, and what they were answered. */
final class Transcript {
    private Transcript() {}

    static void write(List<JsonNode> requests, Path file) throws IOException {
        Files.write(file, requests.stream().filter(Transcript::telling).map(JsonNode::toString).toList());
    }

    /** Most requests are polls of shards that have nothing new. */
    private static boolean telling(JsonNode request) {
        boolean poll = request.path("operation").asText().equals("GetRecords")
                && request.path("answer").path("Records").isEmpty()
                && request.path("answer").has("NextShardIterator");
        return request.path("client").asText().startsWith("java-") && !poll;
    }
}
