package interop;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;

/** What must hold of a fleet whatever happens to it. Each gives what is worth a note. */
final class Safety {
    private static final String SHARD_END = "SHARD_END";

    private Safety() {}

    /** Checkpoints go forward, and each is the holder's, who moves the counter with it. */
    static String commits(History history) throws Failed {
        int commits = 0;
        for (History.Change change : history.changes()) {
            History.State before = change.before();
            History.State after = change.after();
            boolean lives = !before.item().isEmpty() && !after.item().isEmpty();
            if (!lives || before.checkpoint().equals(after.checkpoint()) && before.sub() == after.sub()) {
                continue;
            }
            commits++;
            if (compare(before, after) > 0) {
                throw new Failed("a checkpoint went back: " + change);
            }
            if (!change.client().equals(before.holder())) {
                throw new Failed("a checkpoint of one that does not hold the lease: " + change);
            }
            if (before.counter().equals(after.counter())) {
                throw new Failed("a checkpoint that leaves the counter: " + change);
            }
        }
        return commits + " checkpoints";
    }

    private static int compare(History.State one, History.State other) {
        int order = rank(one.checkpoint()).compareTo(rank(other.checkpoint()));
        return order == 0 ? Long.compare(one.sub(), other.sub()) : order;
    }

    private static BigInteger rank(String checkpoint) {
        return switch (checkpoint) {
            case "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP" -> BigInteger.valueOf(-1);
            case SHARD_END -> BigInteger.ONE.shiftLeft(200);
            default -> new BigInteger(checkpoint);
        };
    }

    /** Nothing of a shard is committed before the shards that it was made of are finished. */
    static String parentsFirst(History history) throws Failed {
        Map<String, String> checkpoints = new TreeMap<>();
        int children = 0;
        for (History.Change change : history.changes()) {
            String known = checkpoints.put(change.lease(), change.after().checkpoint());
            boolean begins = known != null && !known.equals(change.after().checkpoint())
                    && rank(known).signum() < 0;
            List<String> parents = change.after().parents();
            if (begins && !parents.isEmpty()) {
                children++;
                for (String parent : parents) {
                    if (!List.of(SHARD_END, "").contains(checkpoints.getOrDefault(parent, ""))) {
                        throw new Failed("it begins while " + parent + " is at " + checkpoints.get(parent) + ": " + change);
                    }
                }
            }
        }
        if (children == 0) {
            throw new Failed("no shard had parents");
        }
        return children + " children";
    }

    /** Whoever holds a shard reads it in order, from where it begins until it loses it. */
    static String ordered(List<Worker> workers) throws Failed {
        int spells = 0;
        for (Worker worker : workers) {
            Map<String, BigInteger> last = new TreeMap<>();
            for (JsonNode event : worker.events()) {
                String shard = event.path("shard").asText();
                if (event.path("event").asText().equals("initialized")) {
                    last.remove(shard);
                    spells++;
                } else if (event.path("event").asText().equals("record")) {
                    BigInteger number = new BigInteger(event.path("seq").asText());
                    BigInteger before = last.put(shard, number);
                    if (before != null && before.compareTo(number) >= 0) {
                        throw new Failed("after " + before + " came " + event);
                    }
                }
            }
        }
        return spells + " times a shard was begun with";
    }
}
