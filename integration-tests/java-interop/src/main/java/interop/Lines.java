package interop;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON objects on standard output, one a line, in the form of the example {@code consumer --output jsonl}. */
final class Lines {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final String worker;

    Lines(String worker) {
        this.worker = worker;
    }

    ObjectNode event(String name, String shard) {
        return JSON.createObjectNode().put("event", name).put("worker", worker).put("shard", shard);
    }

    /** Writes one line; processors of many shards call it at once. */
    static void write(ObjectNode line) {
        synchronized (System.out) {
            System.out.println(line);
            System.out.flush();
        }
    }
}
