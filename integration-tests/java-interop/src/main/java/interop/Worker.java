package interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** A worker in a process of its own, of either kind: both print the same lines. */
final class Worker implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Program program;
    /** What the lines say that were looked at so far. */
    private final List<JsonNode> known = new ArrayList<>();

    Worker(Program program) {
        this.program = program;
    }

    List<JsonNode> events() {
        return parsed(program.lines());
    }

    List<JsonNode> events(String name) {
        return named(events(), name);
    }

    List<JsonNode> records() {
        return events("record");
    }

    /** Waits until there are events of this name that are enough. */
    void await(String name, Duration limit, Predicate<List<JsonNode>> enough) throws Failed {
        program.await("enough events \"" + name + "\"", limit, lines -> enough.test(named(parsed(lines), name)));
    }

    /** Stops in good order; the exit code must be 0. */
    void stop() throws Failed {
        int code = program.stop(Duration.ofSeconds(60));
        if (code != 0) {
            throw new Failed("it ended with the exit code " + code + "; its log is " + program.log());
        }
    }

    void kill() {
        program.kill();
    }

    /** Its id. */
    String id() {
        return program.name();
    }

    Path log() {
        return program.log();
    }

    /** Whether it has ended by itself, or as it was told to. */
    boolean ended() {
        return program.ended();
    }

    /** The lines of its log that are errors. */
    List<String> errors() {
        try {
            return Files.readAllLines(program.log()).stream().filter(line -> line.contains(" ERROR ")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        program.close();
    }

    private static List<JsonNode> named(List<JsonNode> events, String name) {
        return events.stream().filter(event -> event.path("event").asText().equals(name)).toList();
    }

    private synchronized List<JsonNode> parsed(List<String> lines) {
        for (String line : lines.stream().skip(known.size()).toList()) {
            try {
                known.add(JSON.readTree(line));
            } catch (JsonProcessingException e) {
                throw new UncheckedIOException(line, e);
            }
        }
        return List.copyOf(known);
    }
}
